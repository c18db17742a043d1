# SPDX-License-Identifier: MIT
"""New image, old data: by changing the image, and by the two slots of one. And back."""
import collections.abc
import pathlib

import pytest

import systems
from machine import SMALL, Machine, say, skip_loudly

skip_loudly()
Maker = collections.abc.Callable[..., Machine]


@pytest.fixture(scope="module")
def old(image_folder: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The image with the programs of before the last migration."""
    folder = tmp_path_factory.mktemp("old")
    programs = systems.before_the_last_migration(folder)
    return systems.variant(image_folder, folder / "image", systems.with_programs(programs))


def ready(machine: Machine) -> None:
    machine.give_key()
    machine.put("ordergate.conf", SMALL)


def backups(machine: Machine) -> list[str]:
    return [name for name in machine.ssh("ls /var/lib/ordergate/backup").split() if name.startswith("before-schema-")]


def accepts(machine: Machine, name: str, *before: str) -> None:
    machine.order_until_taken(name)
    for one in (name, *before):
        machine.wait_for_order(one, "accepted", 300)


def test_an_image_is_changed_and_changed_back(make_machine: Maker, old: pathlib.Path, image: pathlib.Path) -> None:
    machine = make_machine(of=old / "ordergate.qcow2")
    ready(machine)
    machine.power_on()
    machine.wait_for("/healthz", 200)
    accepts(machine, "U-1")
    assert backups(machine) == []
    machine.power_cut()

    machine.image = image
    machine.power_on()
    say(f"boot of the new image, with a migration: {machine.wait_for('/healthz', 200):.1f} s")
    assert len(backups(machine)) == 1
    accepts(machine, "U-2", "U-1")
    machine.power_cut()

    machine.image = old / "ordergate.qcow2"
    machine.power_on()
    say(f"boot of the old image on new data: {machine.wait_for('/healthz', 200):.1f} s")
    accepts(machine, "U-3", "U-1", "U-2")


def restart(machine: Machine, slot: str, what: str) -> None:
    """The next start that answers is in that slot, and its trial is over."""
    machine.try_ssh("systemctl reboot")
    machine.wait_while("/healthz", 200)
    say(f"{what}: {machine.wait_for('/healthz', 200, 1800):.1f} s until slot {slot} answers")
    machine.wait_for_output("ordergate-slot status", f"{slot} running", "on trial", 300)


def with_slots(make_machine: Maker, old: pathlib.Path) -> Machine:
    """The old system in slot a, nothing in b, an order."""
    machine = make_machine(of=old / "ordergate.qcow2")
    machine.keep_changes()
    ready(machine)
    machine.power_on("--uefi")
    say(f"uefi: first boot to 200 of /healthz: {machine.wait_for('/healthz', 200):.1f} s")
    assert machine.ssh("ordergate-slot status") == "a running version 1\nb waiting empty"
    accepts(machine, "S-1")
    return machine


def test_a_good_slot_stays_and_there_is_a_way_back(make_machine: Maker, old: pathlib.Path, image_folder: pathlib.Path) -> None:
    machine = with_slots(make_machine, old)
    machine.ssh("ordergate-slot install", stdin=image_folder / "ordergate.update")
    restart(machine, "b", "an update with a migration")
    assert machine.ssh("ordergate-slot status").splitlines()[1] == "b running version 2"
    assert len(backups(machine)) == 1
    accepts(machine, "S-2", "S-1")
    machine.ssh("ordergate-slot switch")
    restart(machine, "a", "a rollback")
    accepts(machine, "S-3", "S-1", "S-2")


def test_a_slot_that_does_not_come_up_is_left_by_itself(
        make_machine: Maker, old: pathlib.Path, image_folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    machine = with_slots(make_machine, old)
    # What is damaged on its way changes nothing.
    damaged = tmp_path / "damaged.update"
    damaged.write_bytes((image_folder / "ordergate.update").read_bytes()[:-1_000_000])
    refused = machine.try_ssh("ordergate-slot install", stdin=damaged)
    assert refused.returncode == 1, refused
    assert machine.ssh("ordergate-slot status") == "a running version 1\nb waiting empty"

    # A system that cannot be read: three tries, and back.
    unreadable = systems.unreadable(image_folder, tmp_path / "unreadable")
    machine.ssh("ordergate-slot install", stdin=unreadable / "ordergate.update")
    restart(machine, "a", "a slot that cannot be read")
    assert "b waiting version 2, on trial: 0 tries left" in machine.ssh("ordergate-slot status")

    # One that boots, but whose Ordergate does not start.
    def break_it(root: pathlib.Path) -> None:
        (root / "usr" / "lib" / "ordergate" / "init").write_text("#!/bin/sh\necho broken on purpose >&2\nexit 1\n")

    broken = systems.variant(image_folder, tmp_path / "broken", break_it)
    machine.ssh("ordergate-slot install", stdin=broken / "ordergate.update")
    machine.ssh("cd /efi/loader/entries && mv ordergate-b+3.conf ordergate-b+1.conf && sync")  # one try is enough to see it
    restart(machine, "a", "a slot that is not healthy")
    assert "broken on purpose" in machine.serial.read_text(errors="replace")
