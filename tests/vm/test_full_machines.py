# SPDX-License-Identifier: MIT
"""An installation on several machines: an edge, two workers and a scheduler with a PostgreSQL outside of them. Each of them but the
edge is frozen, cut off and switched off in turn while orders come in."""
import collections.abc
import contextlib
import json
import os
import pathlib
import signal
import socket
import sys
import threading
import time

import pytest

from cable import DOMAIN, by_datagrams, cable, certificate, give_certificate
from machine import BOOT_S, SMALL, Machine, free_port, say, skip_loudly

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from postgres_server import PostgresServer, missing  # noqa: E402  (needs the path above)

skip_loudly()
if missing():
    print(f"\nskipped: {missing()}", flush=True)
    pytest.skip(missing(), allow_module_level=True)

LASTS_S = 15.0  # of a trouble
GOOD_S = 120.0  # until orders come in again; the promise is in docs/scale.md, this is an emulator


class Orders:
    """One order after another, each sent until it is acknowledged, as a marketplace does."""

    def __init__(self, edge: Machine) -> None:
        self._edge, self._stop = edge, threading.Event()
        self.acknowledged: list[str] = []
        self.refused = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _taken(self, name: str) -> bool:
        with contextlib.suppress(OSError):
            status, text = self._edge.send_order(name)
            assert status in (200, 502, 503, 504), text
            return status == 200
        return False

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            while not self._taken(f"M-{number}"):
                self.refused += 1
                if self._stop.wait(0.5):
                    return
            self.acknowledged.append(f"M-{number}")
            self._stop.wait(0.3)

    def wait_for_more(self, count: int, what: str) -> float:
        began, until = time.monotonic(), len(self.acknowledged) + count
        while len(self.acknowledged) < until:
            assert self._thread.is_alive() and time.monotonic() - began < GOOD_S, f"{what}: {count} more orders\n{self._edge.report()}"
            time.sleep(0.1)
        return time.monotonic() - began

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)


def wait_for(look: collections.abc.Callable[[], bool], what: str, machine: Machine, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, f"{what}\n{machine.report()}"
        time.sleep(0.5)


def cut(machine: Machine, up: bool) -> None:
    """Pulls the cables of a machine, or puts them back; through qemu's own socket."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(machine.folder / "qmp"))
        lines = monitor.makefile("rw")
        lines.readline()
        devices = ["n0"] + [f"cable{path.name[1]}" for path in (machine.config / "network").glob("1*")]
        for command in ({"execute": "qmp_capabilities"}, *({"execute": "set_link", "arguments": {"name": name, "up": up}}
                                                          for name in devices)):
            lines.write(json.dumps(command) + "\n")
            lines.flush()
            answer = json.loads(lines.readline())
            while "event" in answer:
                answer = json.loads(lines.readline())
            assert "return" in answer, answer


@contextlib.contextmanager
def frozen(machine: Machine) -> collections.abc.Iterator[None]:
    os.kill(machine.pid(), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(machine.pid(), signal.SIGCONT)


@contextlib.contextmanager
def cut_off(machine: Machine) -> collections.abc.Iterator[None]:
    cut(machine, False)
    yield
    cut(machine, True)


@contextlib.contextmanager
def off(machine: Machine) -> collections.abc.Iterator[None]:
    machine.power_cut()
    yield
    machine.power_on(*machine.options)
    machine.wait_for("/healthz", 200)


@pytest.fixture
def database() -> collections.abc.Iterator[PostgresServer]:
    server = PostgresServer({"listen_addresses": "127.0.0.1", "fsync": "off"}, port=free_port())
    try:
        yield server
    finally:
        server.close()


def test_each_machine_may_be_frozen_cut_off_and_switched_off(
        make_machine: collections.abc.Callable[..., Machine], database: PostgresServer, tmp_path: pathlib.Path) -> None:
    certificate(tmp_path)
    edge, *workers = (make_machine(name) for name in ("edge", "worker1", "worker2"))
    scheduler = make_machine("scheduler")
    for machine in (*workers, scheduler):
        # The hypervisor's own network shows the host's loopback there.
        machine.put("store", f"postgresql://ordergate@10.0.2.2:{database.port}/ordergate?sslmode=disable\n")
        machine.put("role", "workers\n" if machine in workers else "scheduler\n")
    edge.put("role", "edge\n")
    edge.put("upstream", "10.77.1.2 10.77.2.2\n")
    edge.put("tls/upstream.pem", (tmp_path / "fullchain.pem").read_text())
    edge.put("domain", DOMAIN)
    to_workers: list[str] = []
    for number, worker in enumerate(workers, 1):
        give_certificate(worker, tmp_path)
        worker.put("ordergate.conf", SMALL + f'http {{ proxy_networks = "10.77.{number}.1" }}\n')
        ports = free_port(), free_port()
        worker.options = ["--", *cable(worker, 2, *by_datagrams(ports), segment=number)]
        to_workers += cable(edge, 1, *by_datagrams(ports[::-1]), segment=number)
    scheduler.options = ["--"]
    for machine in (*workers, scheduler):
        machine.options += ["-qmp", f"unix:{machine.folder}/qmp,server=on,wait=off"]
        machine.power_on(*machine.options)
    for machine in (*workers, scheduler):
        machine.wait_for("/healthz", 200, 2 * BOOT_S)
    edge.power_on("--", *to_workers)
    edge.wait_for("/healthz", 200)

    orders = Orders(edge)
    try:
        orders.wait_for_more(3, "all are well")
        for machine in (*workers, scheduler):
            for trouble in (frozen, cut_off, off):
                name = f"{machine.folder.name} {trouble.__name__.replace('_', ' ')}"
                before = orders.refused
                with trouble(machine):
                    began = time.monotonic()
                    first = orders.wait_for_more(1, name)
                    while time.monotonic() - began < LASTS_S:
                        orders.wait_for_more(1, name)
                orders.wait_for_more(3, f"after {name}")
                say(f"{name}: the next order after {first:.1f} s, {orders.refused - before} times \"send it again\"")
    finally:
        orders.stop()
    names = orders.acknowledged
    wait_for(lambda: database.rows("SELECT count(*) FROM orders WHERE state = 'accepted'") == [[str(len(names))]],
             f"{len(names)} orders are accepted", scheduler)
    assert sorted(row[0] for row in database.rows("SELECT external_id FROM orders")) == sorted(names), "each once"
    edge.wait_for_order(names[0], "accepted")  # a list of pickers has the first hundred
    say(f"{len(names)} orders acknowledged, none lost, none twice")
