# SPDX-License-Identifier: MIT
"""A rolling restart of everything, under load, in the image: nobody notices."""
import threading
import time

from machine import Machine, say, skip_loudly

skip_loudly()
ROUNDS = 5


def test_five_rolling_restarts_lose_no_request(machine: Machine) -> None:
    machine.give_key()
    machine.put("ordergate.conf", "http { requests_per_second = 0 }\n")
    machine.power_on()
    machine.wait_for("/healthz", 200)

    sent: list[str] = []
    errors: list[str] = []
    over = threading.Event()

    def send(sender: int) -> None:
        number = 0
        while not over.is_set():
            name = f"R{sender}-{number}"
            number += 1
            try:
                machine.order(name)
                sent.append(name)
            except (OSError, AssertionError) as error:
                errors.append(f"{name}: {error!r}")

    senders = [threading.Thread(target=send, args=(i,)) for i in range(4)]
    for sender in senders:
        sender.start()
    began = time.monotonic()
    try:
        for _ in range(ROUNDS):
            machine.ssh("/usr/lib/ordergate/roll")
    finally:
        over.set()
        for sender in senders:
            sender.join()
    say(f"{ROUNDS} restarts of everything in {time.monotonic() - began:.0f} s: {len(sent)} orders, {len(errors)} errors")
    assert not errors, errors[:5]
    assert len(sent) > 20 * ROUNDS
    stored = machine.ssh("ordergatectl", "order", "list", "--limit", "100000", "--json")
    assert not [name for name in sent if f'"{name}"' not in stored]
