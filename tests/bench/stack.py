"""nginx in front of four workers of one kind, in a state directory of its own, and a load on them.

What the benchmarks share. A stack is durable (the real program) or not (noop_worker, which reads the same
requests on the same socket and answers at once): the ceiling that the real one is held against.
"""
import atexit
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "bin"
WORKERS = 4
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"bench: {what} did not happen within {seconds} s")
        time.sleep(0.02)


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def children_of(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(p) for p in path.read_text().split()]


class Stack:
    """`service` is hook or assembly. `fill` puts into the store what the load needs, before anybody opens it.
    answer_bytes is how much the one without a store answers; 0: next to nothing. postgres is a PostgresServer that
    holds the store instead of a file; peer(stack, number) is the command of workers that are not ours."""

    def __init__(self, service, durable, fill=None, answer_bytes=0, postgres=None, peer=None):
        self.service, self.durable, self.answer_bytes = service, durable, answer_bytes
        self.postgres, self.peer = postgres, peer
        self.workers, self.nginx = [], None
        atexit.register(self.stop)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordergate-bench-"))
        self.port = free_port()
        self.config = self.dir / "bench.conf"
        self.config.write_text(
            f"http {{ port = {free_port()} plain_port = {self.port} requests_per_second = 0 }}\n"
            f"pool {{ {service} = {WORKERS} }}\n"
            + (f'store {{ url = "{postgres.url()}" }}\n' if postgres and not peer else ""))
        self.ctl("init")
        if fill and durable:
            fill(self)
        self.make_certificate()
        nginx_conf = self.ctl("render-nginx").strip()
        self.token = (self.dir / "secrets" / f"{service}-token").read_text().strip()
        self.workers = [subprocess.Popen(self.worker_command(n)) for n in range(1, WORKERS + 1)]
        wait_for(lambda: all(self.socket(n).exists() for n in range(1, WORKERS + 1)), "workers up", 60)
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self.nginx = subprocess.Popen([nginx, "-p", str(self.dir), "-c", nginx_conf],
                                      stderr=subprocess.DEVNULL if peer else None)
        wait_for(self.answers, "nginx up")

    def make_certificate(self):
        tls = self.dir / "tls"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-subj", "/CN=localhost", "-days", "2",
                        "-keyout", tls / "key.pem", "-out", tls / "certificate.pem"],
                       check=True, capture_output=True)

    def ctl(self, *words):
        done = subprocess.run([BIN / "ordergatectl", "--config", self.config, "--state", self.dir, *words],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: ordergatectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def socket(self, number):
        return self.dir / "run" / f"{self.service}-{number}.sock"

    def worker_command(self, number):
        if self.peer:
            return self.peer(self, number)
        if not self.durable:
            return [BIN / "noop_worker", self.socket(number)] + ([str(self.answer_bytes)] if self.answer_bytes else [])
        return [BIN / f"ordergate-{self.service}", "--config", self.config, "--state", self.dir, "--instance", str(number)]

    def answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def load(self, script, path, connections, seconds, **environment):
        """One run of wrk; what it measured and the workers' processor time."""
        pids = [w.pid for w in self.workers]
        nginx_pids = children_of(self.nginx.pid)
        before, nginx_before = cpu_seconds(pids), cpu_seconds(nginx_pids)
        named = {f"BENCH_{key.upper()}": str(value) for key, value in environment.items()}
        out = subprocess.run(
            ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s",
             str(ROOT / "tests/bench" / script), f"http://127.0.0.1:{self.port}{path}"],
            capture_output=True, text=True, env={**os.environ, "BENCH_TOKEN": self.token, **named}, check=True).stdout
        result = {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", out[out.index("RESULT"):])}
        bad = sum(result[k] for k in ("status_errors", "connect", "read", "write", "timeout"))
        if bad and not self.peer:  # what others cannot take in time is not counted, ours fails the benchmark
            sys.exit(f"bench: {bad:.0f} requests failed: {out}")
        result["rate"] = (result["requests"] - result["status_errors"]) / result["seconds"]
        result["cpu_us"] = (cpu_seconds(pids) - before) / result["requests"] * 1e6
        result["nginx_us"] = (cpu_seconds(nginx_pids) - nginx_before) / result["requests"] * 1e6
        return result

    def rows(self, sql):
        if self.postgres:
            return [tuple(map(int, row)) for row in self.postgres.rows(sql)]
        with closing(sqlite3.connect(f"file:{self.dir}/ordergate.db?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()

    def metrics(self):
        """Sum and per-instance values of what the workers publish."""
        time.sleep(1.2)  # they publish once a second
        values = {}
        for line in self.ctl("metrics").splitlines():
            match = re.match(r'(\w+)\{.*instance="(\d+)".*\} ([\d.]+)', line)
            if match:
                values.setdefault(match[1], {}).setdefault(match[2], 0)
                values[match[1]][match[2]] += float(match[3])
        return values

    def stop(self):
        """Also after a failure, from wherever: nothing that was started is left."""
        atexit.unregister(self.stop)
        if self.nginx:
            self.nginx.send_signal(signal.SIGQUIT)
        processes = [process for process in (self.nginx, *self.workers) if process]
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.dir, ignore_errors=True)
