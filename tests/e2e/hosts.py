"""An installation on several machines, set up as docs/scale.md says: an edge, workers, schedulers and a PostgreSQL, with the
marketplace outside of it."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance import BIN, SLACK, Appliance, wait_until
from certificates import Authority
from doubles import Kuper, kuper_remote
from netns import Machine, Relay, Street, nginx
from postgres_server import BIN as PG_BIN, PostgresServer

DOMAIN, PORT = "orders.example.test", 8443
NO_POOLS = "pool { hook = 0 assembly = 0 erp = 0 processor = 0 notifier = 0 }\n"
WORKER_POOLS = "pool { hook = 2 assembly = 1 erp = 1 processor = 1 notifier = 1 }\n"
LEASE_S = 6
JOBS_OFF = "".join(f"job {name} {{ enabled = false }}\n" for name in ("telegram", "mail", "invoicing", "reconcile", "backup"))
# What a caller may be told while something is broken: each means "send it again". None: no answer at all.
AGAIN = {502, 503, 504, None}


class Part(Appliance):
    """A machine with a supervisor of ours on it."""

    def __init__(self, machine: Machine, folder: Path, config: str) -> None:
        folder.mkdir()
        self.machine = machine
        super().__init__(folder)
        self.port = PORT
        self.config.write_text(config, encoding="utf-8")

    def command(self) -> list[str]:
        return self.machine.command(*super().command())

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.machine.command(str(BIN / "ordergatectl"), "--config", str(self.config), "--state",
                                                   str(self.state), *words), capture_output=True, text=True, timeout=60)

    def die(self) -> None:
        self.machine.kill()
        if self.process is not None:
            self.process.wait()
            self.process = None


class Edge:
    """nginx and nothing else, as ordergate-edge.service runs it."""

    def __init__(self, machine: Machine, folder: Path, config: str) -> None:
        folder.mkdir()
        self.machine, self.folder, self.state, self.config = machine, folder, folder / "state", folder / "ordergate.conf"
        self.config.write_text(config, encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.machine.command(str(BIN / "ordergatectl"), "--config", str(self.config), "--state",
                                                   str(self.state), *words), capture_output=True, text=True, timeout=60)

    def start(self) -> None:
        for word in ("init", "render-nginx"):
            done = self.ctl(word)
            assert done.returncode == 0, done.stdout + done.stderr
        run = self.state / "run" / "nginx"
        with open(self.folder / "nginx.log", "ab") as log:
            self.process = subprocess.Popen(self.machine.command(nginx() or "", "-e", "stderr", "-p", str(run), "-c",
                                                                 str(run / "nginx.conf")), stderr=log)

    def die(self) -> None:
        self.machine.kill()
        if self.process is not None:
            self.process.wait()


class Database:
    """A PostgreSQL that its machine's neighbours may use."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        with machine.inside():
            self.server = PostgresServer({"listen_addresses": machine.address, "fsync": "off"})
        with open(self.server.data / "pg_hba.conf", "a", encoding="ascii") as rules:
            rules.write("host all ordergate 10.77.0.0/24 trust\n")
        self.server.process.send_signal(signal.SIGHUP)
        self.url = f"postgresql://ordergate@{machine.address}/ordergate"

    def rows(self, sql: str) -> list[list[str]]:
        return self.server.rows(sql)

    def start(self) -> None:
        with self.machine.inside():
            self.server.start()

    def die(self) -> None:
        self.machine.kill()
        self.server.process.wait()


class Installation:
    def __init__(self, street: Street, folder: Path, market: Kuper, config: str = "") -> None:
        self.street, self.folder, self.market = street, folder, market
        machines = {name: street.add(name) for name in ("edge", "worker1", "worker2", "scheduler", "database")}
        authority = Authority(folder / "authority", DOMAIN)
        self.database = Database(machines["database"])
        self.market_port = int(market.base_url.rpartition(":")[2])
        street.relay(street.netns, ("10.77.0.1", self.market_port), None, ("127.0.0.1", self.market_port))
        common = f'store {{ url = "{self.database.url}" }}\nscheduler {{ lease_ms = {LEASE_S}s }}\n' + JOBS_OFF + (
            f'channel kuper {{ notifications_url = "{market.base_url}/v1/notifications" rate_per_second = 500 probe_ms = 500\n'
            f'  shipments_url = "{market.base_url}/ofm/api/v1/shipments" timeout_ms = 2s }}\njob monitor {{ every = 2s }}\n') + config
        self.scheduler = Part(machines["scheduler"], folder / "scheduler", common + NO_POOLS)
        self.workers = [self._worker(machines[name], authority, common) for name in ("worker1", "worker2")]
        certificate, key = authority.issue("edge1", "clientAuth")
        addresses = " ".join(f"{worker.machine.address}:{PORT}" for worker in self.workers)
        self.edge = Edge(machines["edge"], folder / "edge", NO_POOLS + f'http {{ listen = "{machines["edge"].address}" port = {PORT} '
                         f'requests_per_second = 0 server_name = "{DOMAIN}" upstream = "{addresses}" upstream_ca = "{authority.ca}"\n'
                         f'  upstream_certificate = "{certificate}" upstream_key = "{key}" }}\n')
        self.authority = authority
        self.parts = {"edge": self.edge, "worker1": self.workers[0], "worker2": self.workers[1], "scheduler": self.scheduler,
                      "database": self.database}
        self.front: Relay | None = None

    def _worker(self, machine: Machine, authority: Authority, common: str) -> Part:
        certificate, key = authority.issue(machine.name, "serverAuth")
        # http:// is for the own machine only: there the way to the marketplace begins.
        self.street.relay(machine.netns, ("127.0.0.1", self.market_port), machine.netns, ("10.77.0.1", self.market_port))
        return Part(machine, self.folder / machine.name, common + WORKER_POOLS + (
            f'http {{ listen = "{machine.address}" port = {PORT} requests_per_second = 0 server_name = "{DOMAIN}"\n'
            f'  tls_certificate = "{certificate}" tls_key = "{key}" edge_ca = "{authority.ca}" '
            f'proxy_networks = "{self.street.machines[0].address}" }}\n'))

    def start(self) -> "Installation":
        self.scheduler.start()  # first: it makes the store and the secrets, and is the active one
        secrets = self.scheduler.state / "secrets"
        (secrets / "kuper-client-token").write_text(kuper_remote.CLIENT_TOKEN, encoding="utf-8")
        (secrets / "kuper-client-token").chmod(0o600)
        for worker in self.workers:
            worker.state.mkdir()
            shutil.copytree(secrets, worker.state / "secrets")
            worker.start()
        self.edge.start()
        self.front = self.street.relay(None, ("127.0.0.1", 0), self.street.netns, (self.edge.machine.address, PORT))
        self.market.config(hook_url=f"https://127.0.0.1:{self.front.port}/sbermarket/orders/hook/",
                           hook_token=self.scheduler.secret("hook-token"), hook_timeout_ms=6000, retry_ms=300, retry_limit_ms=1000)
        return self

    def close(self) -> None:
        for part in (self.edge, *self.workers, self.scheduler):
            part.die()
        self.database.die()
        self.database.server.process = None
        self.database.server.close()

    def status(self) -> dict[str, dict[str, Any]]:
        """What any machine says of all processes: {"worker1 hook-1": row}."""
        done = self.scheduler.ctl("status", "--json")
        assert done.returncode == 0, done.stderr
        return {f"{row['host']} {row['process']}": row for row in json.loads(done.stdout)["processes"]}

    def report(self) -> str:
        return "\n".join(f"=== {part.machine.name}\n{part.report()}" for part in (*self.workers, self.scheduler)) + (
            f"\n=== edge\n{(self.folder / 'edge' / 'nginx.log').read_text(errors='replace')[-3000:]}\n=== database\n"
            f"{(self.database.server.dir / 'log').read_text(errors='replace')[-12000:]}")


class Trouble:
    """A machine that is stopped, frozen or cut off, and how it comes back."""

    def __init__(self, installation: Installation, name: str, how: str) -> None:
        self.part, self.how, self.name = installation.parts[name], how, name

    def begin(self) -> None:
        {"killed": self.part.die, "frozen": self.part.machine.freeze, "cut off": self.part.machine.cut}[self.how]()

    def end(self) -> None:
        {"killed": self.part.start, "frozen": self.part.machine.thaw, "cut off": self.part.machine.plug}[self.how]()


class Orders:
    """New orders of the marketplace at a steady rate; it sends each until it is acknowledged."""

    def __init__(self, market: Kuper, per_second: float) -> None:
        self.market, self.pause_s = market, 1 / per_second
        self.ids: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.problem: BaseException | None = None

    def start(self) -> "Orders":
        self._thread.start()
        return self

    def _run(self) -> None:
        try:
            while not self._stop.wait(self.pause_s):
                self.ids.append(self.market.create(store_id="1207", lines=2)["id"])
        except BaseException as problem:  # noqa: BLE001: told by stop()
            self.problem = problem

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self.problem is not None:
            raise self.problem


class Attempts:
    """The marketplace's side of a stretch of time: what it was answered, when."""

    def __init__(self, market: Kuper, after: int | None = None) -> None:
        """From now on, or from an entry of its journal."""
        self.market = market
        self.began_ms = time.time() * 1000
        self.after = max((entry["n"] for entry in market.journal(kind="webhook")), default=0) if after is None else after

    def entries(self) -> list[dict[str, Any]]:
        return self.market.journal(kind="webhook", after=self.after)

    def good(self) -> int:
        return sum(entry["status"] == 200 for entry in self.entries())

    def bad(self) -> list[dict[str, Any]]:
        return [entry for entry in self.entries() if entry["status"] != 200]

    def longest_gap_s(self) -> float:
        moments = [self.began_ms, *(entry["at_ms"] for entry in self.entries() if entry["status"] == 200), time.time() * 1000]
        return max(later - earlier for earlier, later in zip(moments, moments[1:])) / 1000


@contextlib.contextmanager
def installation(folder: Path, config: str = "") -> Iterator[Installation]:
    street = Street()
    try:
        with kuper_remote.start(folder, "", "--settle-ms", "200") as market:
            one = Installation(street, folder, market, config)
            try:
                yield one.start()
            finally:
                one.close()
    finally:
        street.remove()


def why_not_postgres() -> str:
    return "" if PG_BIN else "PostgreSQL's programs are not installed"


def wait_for_all(one: Installation, orders: Orders) -> None:
    """Each order is acknowledged, applied and told to the marketplace."""
    def missing() -> int:
        done = {row[0] for row in one.database.rows("SELECT external_id FROM outbox WHERE state = 3 UNION ALL SELECT external_id"
                                                    " FROM outbox_archive WHERE state = 3")}
        return len(set(orders.ids) - done)

    try:
        wait_until(lambda: missing() == 0, 90 * SLACK, "every order is acknowledged and told")
    except AssertionError as late:
        raise AssertionError(f"{late}: {missing()} of {len(orders.ids)}\n{one.report()}") from None


def check(one: Installation, orders: Orders) -> None:
    """Nothing acknowledged is lost, nothing is doubled."""
    stored = one.database.rows("SELECT external_id, number FROM orders")
    assert sorted(row[0] for row in stored) == sorted(orders.ids) and len({row[1] for row in stored}) == len(stored)
    answered = {entry["order"]: json.loads(entry["answer"])["number"] for entry in one.market.journal(kind="webhook")
                if entry["status"] == 200}
    assert answered == dict(stored), "the number that was acknowledged is the order's"
    accepted = [entry["order"] for entry in one.market.journal(kind="notification") if entry["status"] in (200, 202)]
    assert sorted(accepted) == sorted(orders.ids), "each order was told once"
    assert one.market.anomalies() == []
    verify = one.workers[0].ctl("verify")
    assert verify.returncode == 0 and "BAD" not in verify.stdout, verify.stdout + verify.stderr


def check_answers(attempts: Attempts) -> None:
    other = [entry for entry in attempts.bad() if entry["status"] not in AGAIN]
    assert not other, other[:3]
