# SPDX-License-Identifier: MIT
"""A rolling restart of everything, under load, in the image: nobody notices."""
import http.client
import threading
import time

from machine import Machine, say, skip_loudly

skip_loudly()
ROUNDS = 5
TIMES = "systemctl show -p ActiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic 'ordergate-hook@*.service'"


class Senders:
    """Callers that send one order after the other."""

    def __init__(self, machine: Machine, count: int) -> None:
        self.machine = machine
        self.taken: list[str] = []
        self.errors: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(i,)) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def _send(self, sender: int) -> None:
        number = 0
        while not self._over.is_set():
            name = f"R{sender}-{number}"
            try:
                status, text = self.machine.send_order(name)
            except (OSError, http.client.HTTPException) as error:
                status, text = 0, repr(error)
            number += 1
            if status == 200:
                self.taken.append(name)
            else:
                self.errors.append(f"{name}: {status} {text}")

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def away(machine: Machine) -> float:
    """The longest time that a hook worker was not there in its last restart, in seconds."""
    lines = [line.split("=") for line in machine.ssh(TIMES).splitlines() if line]
    ends = [int(value) for key, value in lines if key.startswith("ActiveExit")]
    begins = [int(value) for key, value in lines if key.startswith("ActiveEnter")]
    assert len(ends) == len(begins) > 0
    return max(begin - end for begin, end in zip(begins, ends)) / 1e6


def test_five_rolling_restarts_lose_no_request(machine: Machine) -> None:
    machine.give_key()
    machine.put("ordergate.conf", "http { requests_per_second = 0 }\n")
    machine.power_on()
    machine.wait_for("/healthz", 200)
    machine.ssh("true")
    senders = Senders(machine, 4)
    began = time.monotonic()
    gaps: list[float] = []
    try:
        for _ in range(ROUNDS):
            machine.ssh("/usr/lib/ordergate/roll", timeout=1800)
            gaps.append(away(machine))
    finally:
        senders.stop()
    say(f"{ROUNDS} restarts of everything in {time.monotonic() - began:.0f} s: {len(senders.taken)} orders, {len(senders.errors)} errors; "
        f"a hook worker was away for {max(gaps):.1f} s at most")
    assert not senders.errors, senders.errors[:5]
    assert len(senders.taken) > 20 * ROUNDS
    stored = machine.ssh("ordergatectl", "order", "list", "--limit", "100000", "--json")
    assert not [name for name in senders.taken if f'"{name}"' not in stored]
