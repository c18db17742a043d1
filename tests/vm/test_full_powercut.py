# SPDX-License-Identifier: MIT
"""The power goes while orders come in: nothing that was acknowledged is lost, whatever the disk had written by then."""
import collections.abc
import http.client
import os
import pathlib
import random
import sqlite3
import subprocess
import threading
import time

import blocklog
import systems
from blocklog import BlockLog
from machine import SMALL, Machine, say, skip_loudly

skip_loudly()
DISK_BYTES = 512 << 20
LOAD_S, SENDERS, CRASHES = 20, 4, 20
STORE = "/lib/ordergate/ordergate.db"


class Load:
    """Orders, and for each that was acknowledged how much the disk had been given by then."""

    def __init__(self, machine: Machine, log: pathlib.Path) -> None:
        self.machine, self.log = machine, log
        self.acknowledged: dict[str, int] = {}
        self.over = threading.Event()

    def send(self, sender: int) -> None:
        number = 0
        while not self.over.is_set():
            name = f"P{sender}-{number}"
            number += 1
            try:
                self.machine.order(name)
            except (OSError, AssertionError, http.client.HTTPException):
                continue  # the power is off, or it was never acknowledged
            self.acknowledged[name] = blocklog.written(self.log)

    def until_the_power_goes(self, seconds: float) -> None:
        senders = [threading.Thread(target=self.send, args=(number,)) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        time.sleep(seconds)
        self.machine.power_cut()
        self.over.set()
        for sender in senders:
            sender.join()


def stored(image: pathlib.Path, folder: pathlib.Path) -> set[str]:
    """The orders in the store on that disk, as the next start would find them."""
    blocklog.mend(image)
    for end in ("", "-wal"):
        blocklog.take(image, STORE + end, folder / f"store.db{end}")
    (folder / "store.db-shm").unlink(missing_ok=True)
    db = sqlite3.connect(folder / "store.db")
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {name for name, in db.execute("SELECT external_id FROM order_identity")}
    finally:
        db.close()


def cut_under_load(machine: Machine) -> tuple[Load, BlockLog]:
    """A machine whose data disk is empty and logged from its first write on."""
    data, log = machine.folder / "data.raw", machine.folder / "data.log"
    before = machine.folder / "before.raw"
    with before.open("wb") as file:
        file.truncate(DISK_BYTES)
    systems.run("mkfs.ext4", "-q", "-F", "-L", "ordergate-data", before, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
    systems.run("cp", "--sparse=always", before, data)
    machine.data = "none"
    machine.put("ordergate.conf", SMALL)
    machine.power_on("--", *blocklog.options(data, log))
    say(f"a logged disk: first boot to 200 of /healthz: {machine.wait_for('/healthz', 200):.1f} s")
    load = Load(machine, log)
    load.until_the_power_goes(LOAD_S)
    machine.data = data
    return load, BlockLog(log, before)


def test_nothing_acknowledged_is_lost(machine: Machine, tmp_path: pathlib.Path) -> None:
    load, log = cut_under_load(machine)
    say(f"{len(load.acknowledged)} orders acknowledged; {len(log.entries)} writes, {len(log.flushes)} flushes")
    assert len(load.acknowledged) > 20
    began = time.monotonic()
    image = tmp_path / "crashed.raw"
    log.replay(list(range(log.flushes[-1] + 1)), image)
    assert set(load.acknowledged) - stored(image, tmp_path) == set()

    chance = random.Random(7)
    under_load = [flush for flush in log.flushes if flush >= min(load.acknowledged.values())]
    for flush in chance.sample(under_load, min(CRASHES, len(under_load))):
        log.replay(log.after_flush(flush, chance), image)
        promised = {name for name, position in load.acknowledged.items() if position <= flush + 1}
        assert promised - stored(image, tmp_path) == set(), f"after the flush {flush} of {len(log.entries)}"
    say(f"{CRASHES} crashes replayed in {time.monotonic() - began:.0f} s")

    machine.power_on()  # and the real thing, on what the disk had
    say(f"boot after it: {machine.wait_for('/healthz', 200):.1f} s")
    last = sorted(load.acknowledged)[-1]
    machine.wait_for_order(last, "accepted", 300)
    machine.power_cut()  # the pickers' list has a hundred orders at most: the store is asked
    assert set(load.acknowledged) - stored(load.log.with_name("data.raw"), tmp_path) == set()


NO_SYNC = r"""
#include <string.h>
#include <sys/syscall.h>
#include <stdio.h>
#include <unistd.h>
int fdatasync(int fd)
{
	char link[64], path[512];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path));
	if (length > 4 && memcmp(path + length - 4, "-wal", 4) == 0)
		return 0;
	return (int)syscall(SYS_fdatasync, fd);
}
int fsync(int fd)
{
	return fdatasync(fd);
}
"""


def without_a_sync_of_the_log(folder: pathlib.Path) -> collections.abc.Callable[[pathlib.Path], None]:
    """As SQLite's synchronous=NORMAL: a commit does not wait for the disk."""
    def change(root: pathlib.Path) -> None:
        (folder / "nosync.c").write_text(NO_SYNC)
        library = root / "usr" / "lib" / "ordergate" / "nosync.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, folder / "nosync.c"], check=True)
        drop_in = root / "etc" / "systemd" / "system" / "ordergate-.service.d"
        drop_in.mkdir()
        (drop_in / "nosync.conf").write_text("[Service]\nEnvironment=LD_PRELOAD=/usr/lib/ordergate/nosync.so\n")
    return change


def test_without_the_sync_of_the_log_this_test_would_tell(
        make_machine: collections.abc.Callable[..., Machine], image_folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    careless = systems.variant(image_folder, tmp_path / "careless", without_a_sync_of_the_log(tmp_path))
    load, log = cut_under_load(make_machine(of=careless / "ordergate.qcow2"))
    image = tmp_path / "crashed.raw"
    log.replay(list(range(log.flushes[-1] + 1)), image)
    lost = set(load.acknowledged) - stored(image, tmp_path)
    say(f"without sync: {len(lost)} of {len(load.acknowledged)} acknowledged orders lost")
    assert lost
