# SPDX-License-Identifier: MIT
"""What a disk may hold after the power was cut, by the log of its writes and flushes.

qemu's blklogwrites writes the format of Linux' dm-log-writes: a superblock (magic, version, number of entries, sector
size), then for each entry a sector (sector, number of sectors, flags, length of data) and its data. A disk has to keep
what was written before a flush that has returned. What came later it may have written in any order, or not."""
import os
import pathlib
import random
import struct
import subprocess

MAGIC = 0x6A736677736872
FLUSH, DISCARD = 1, 4
SUPER = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")


def options(data: pathlib.Path, log: pathlib.Path) -> list[str]:
    """For qemu: that disk, and an empty log beside it. The count in the log is right at every moment."""
    log.write_bytes(b"")
    return ["-blockdev", f"driver=file,node-name=f0,filename={data}", "-blockdev", f"driver=file,node-name=lg,filename={log}",
            "-blockdev", "driver=raw,node-name=r0,file=f0", "-blockdev", "driver=raw,node-name=lr,file=lg",
            "-blockdev", "driver=blklogwrites,node-name=b0,file=r0,log=lr,log-super-update-interval=1",
            "-device", "virtio-blk-pci,drive=b0,write-cache=on"]


def written(log: pathlib.Path) -> int:
    """How many entries there are at this moment."""
    with log.open("rb") as file:
        head = file.read(SUPER.size)
    return SUPER.unpack(head)[2] if len(head) == SUPER.size else 0


class BlockLog:
    def __init__(self, log: pathlib.Path, before: pathlib.Path) -> None:
        """before: the disk as it was when the log began."""
        self.before = before
        self.file = log.open("rb")
        magic, _, count, self.sector = SUPER.unpack(self.file.read(SUPER.size))
        assert magic == MAGIC, hex(magic)
        self.entries: list[tuple[int, int, int, int]] = []
        offset = self.sector
        for _ in range(count):
            self.file.seek(offset)
            sector, sectors, flags, _ = ENTRY.unpack(self.file.read(ENTRY.size))
            offset += self.sector
            self.entries.append((sector, sectors, flags, offset))
            if not flags & DISCARD:
                offset += sectors * self.sector
        self.flushes = [index for index, entry in enumerate(self.entries) if entry[2] & FLUSH]

    def replay(self, indexes: list[int], image: pathlib.Path) -> None:
        """The disk of before, and these writes in this order."""
        subprocess.run(["cp", "--sparse=always", self.before, image], check=True)
        with image.open("r+b") as out:
            for index in indexes:
                sector, sectors, flags, offset = self.entries[index]
                self.file.seek(offset)
                out.seek(sector * self.sector)
                out.write(bytes(sectors * self.sector) if flags & DISCARD else self.file.read(sectors * self.sector))

    def after_flush(self, flush: int, chance: random.Random) -> list[int]:
        """All up to that flush, and some of what was on its way when the power went."""
        later = next((index for index in self.flushes if index > flush), len(self.entries))
        on_its_way = [index for index in range(flush + 1, later) if chance.random() < 0.5]
        chance.shuffle(on_its_way)
        return [*range(flush + 1), *on_its_way]


def mend(image: pathlib.Path) -> None:
    """What a boot does: the journal of the file system is replayed. Nothing else may need repair."""
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    done = subprocess.run(["e2fsck", "-fp", image], capture_output=True, text=True, env=environment)
    assert done.returncode in (0, 1), done.stdout + done.stderr


def take(image: pathlib.Path, path: str, to: pathlib.Path) -> None:
    """A file of an ext4 without mounting it; none when it is not there."""
    to.unlink(missing_ok=True)
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    subprocess.run(["debugfs", "-R", f"dump {path} {to}", image], check=True, capture_output=True, env=environment)
