#!/usr/bin/python3
"""Run a program of store tests on a PostgreSQL server: on_postgres.py PROGRAM. 77: there is no PostgreSQL.

One server for all programs of a run of ctest: `on_postgres.py --start` starts it and `--stop` ends it; it also ends when
ctest does. A program that is run without ctest gets a server of its own.
"""
import os
import pathlib
import select
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import postgres_server  # noqa: E402

SETTINGS = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
SKIPPED = 77
# The run is our parent's process. Its server: who keeps it, and the URL.
RUN = os.getppid()
NOTE = pathlib.Path(os.environ.get("ORDERGATE_BUILD", "/nowhere"), f"postgres.{RUN}")
LOG = NOTE.with_name("postgres.log")


def end(*_):
    sys.exit(0)


def keep(ready):
    """Has the server until it is told to end, or the run is over."""
    os.setsid()
    over = os.pidfd_open(RUN)
    signal.signal(signal.SIGTERM, end)
    server = postgres_server.PostgresServer(SETTINGS, database=None)
    try:
        NOTE.write_text(f"{os.getpid()} {server.url('postgres')}", encoding="ascii")
        os.write(ready, b"1")
        select.select([over], [], [])
    finally:
        NOTE.unlink()
        server.close()


def start():
    if postgres_server.missing():
        return 0  # every program says so
    until_ready, ready = os.pipe()
    if os.fork() == 0:
        with open(LOG, "wb") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        os.close(until_ready)
        keep(ready)
        return 0
    os.close(ready)
    if os.read(until_ready, 1):
        return 0
    print(LOG.read_text(encoding="utf-8", errors="replace"))
    return 1


def stop():
    if NOTE.exists():
        keeper = int(NOTE.read_text(encoding="ascii").split()[0])
        ended = os.pidfd_open(keeper)
        os.kill(keeper, signal.SIGTERM)
        select.select([ended], [], [])
    return 0


def run(words):
    if postgres_server.missing():
        print(postgres_server.missing())
        return SKIPPED
    server = None if NOTE.exists() else postgres_server.PostgresServer(SETTINGS, database=None)
    url = server.url("postgres") if server else NOTE.read_text(encoding="ascii").split()[1]
    try:
        return subprocess.run(words, env={**os.environ, "ORDERGATE_TEST_STORE": url}, check=False).returncode
    finally:
        if server:
            server.close()


if __name__ == "__main__":
    sys.exit({"--start": start, "--stop": stop}.get(sys.argv[1], lambda: run(sys.argv[1:]))())
