# SPDX-License-Identifier: MIT
"""A rolling restart of everything, under load, in the image: nobody notices."""
import subprocess
import threading
import time

from machine import Machine, skip_loudly

skip_loudly()
ROUNDS = 5


def ssh(machine: Machine, *command: str, timeout: float = 300) -> str:
    done = subprocess.run(
        ["ssh", "-q", "-i", machine.folder / "key", "-p", str(machine.ssh_port), "-o", "StrictHostKeyChecking=no",
         "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "root@127.0.0.1", *command],
        capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}\n{machine.report()}"
    return done.stdout


def test_five_rolling_restarts_lose_no_request(machine: Machine) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", machine.folder / "key"], check=True)
    machine.put("authorized_keys", (machine.folder / "key.pub").read_text())
    machine.put("ordergate.conf", "http { requests_per_second = 0 }\n")
    machine.power_on()
    machine.wait_for("/healthz", 200)
    failed = ssh(machine, "systemctl", "--failed", "--no-legend", "--plain")
    assert failed == "", failed
    assert "ro," in ssh(machine, "findmnt", "-n", "-o", "OPTIONS", "/")

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
            ssh(machine, "/usr/lib/ordergate/roll")
    finally:
        over.set()
        for sender in senders:
            sender.join()
    print(f"\n{ROUNDS} restarts of everything in {time.monotonic() - began:.0f} s: {len(sent)} orders, {len(errors)} errors",
          flush=True)
    assert not errors, errors[:5]
    assert len(sent) > 20 * ROUNDS
    stored = ssh(machine, "ordergatectl", "order", "list", "--limit", "100000", "--json")
    assert not [name for name in sent if f'"{name}"' not in stored]
