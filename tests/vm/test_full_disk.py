# SPDX-License-Identifier: MIT
"""Which disk becomes the data disk, without a machine: data-disk in the image's root file system, with disks that are files."""
import os
import pathlib
import shutil
import stat
import subprocess

import pytest

import systems
from machine import skip_loudly

skip_loudly()
MIB = 1 << 20
STUBS = {"mount": 'echo "$*" >/mounted\n', "udevadm": "\n", "sleep": "\n", "install": "\n"}


class Disks:
    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        for name in ("run", "var", "dev", "sys", "stub"):
            shutil.rmtree(root / name, ignore_errors=True)
        for name in ("run", "var", "dev", "sys/block", "stub"):
            (root / name).mkdir(parents=True)
        (root / "mounted").unlink(missing_ok=True)
        (root / "etc" / "machine-id").write_text("0123456789abcdef\n")
        for name, minor in (("null", 3), ("zero", 5)):
            os.mknod(root / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        for name, text in STUBS.items():
            (root / "stub" / name).write_text("#!/bin/sh\n" + text)
            (root / "stub" / name).chmod(0o755)

    def add(self, name: str, mib: int = 80, read_only: int = 0, partitions: int = 0, kind: str = "") -> pathlib.Path:
        path, about = self.root / "dev" / name, self.root / "sys" / "block" / name
        with path.open("wb") as file:
            file.truncate(mib * MIB)
        about.mkdir()
        (about / "ro").write_text(f"{read_only}\n")
        (about / "size").write_text(f"{mib * MIB // 512}\n")
        for number in range(1, partitions + 1):
            (about / f"{name}{number}").mkdir()
            (about / f"{name}{number}" / "partition").write_text(f"{number}\n")
        if kind:
            systems.run("mkfs.ext4", "-q", "-F", "-L", kind.strip(), path,
                        env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        return path

    def boot(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["chroot", self.root, "/usr/bin/env", "-i", "PATH=/stub:/usr/sbin:/usr/bin:/sbin:/bin",
                               "sh", "/usr/lib/ordergate/data-disk"], capture_output=True, text=True, timeout=120)

    def mounted(self) -> str:
        done = self.boot()
        assert done.returncode == 0, done
        return (self.root / "mounted").read_text()

    def refused(self) -> str:
        done = self.boot()
        assert done.returncode == 1 and not (self.root / "mounted").exists(), done
        said = (self.root / "run" / "appliance" / "no-disk").read_text()
        assert said in done.stderr
        return said


@pytest.fixture
def disks(root: pathlib.Path) -> Disks:
    return Disks(root)


def test_an_empty_disk_becomes_it_and_is_it_from_then_on(disks: Disks) -> None:
    disks.add("vda", partitions=4)
    disk = disks.add("vdb")
    assert disks.mounted() == "-t ext4 -o nodev,nosuid,noexec /dev/vdb /var\n"
    made = disk.read_bytes()[0x468:0x488]  # UUID and label of an ext4
    assert made.endswith(b"ordergate-data\0\0")
    disks.add("sda")
    assert " /dev/vdb " in disks.mounted()
    assert disk.read_bytes()[0x468:0x488] == made


def test_the_disk_with_the_name_goes_before_an_empty_one(disks: Disks) -> None:
    empty = disks.add("vda")
    disks.add("vdb", kind="ordergate-data")
    assert " /dev/vdb " in disks.mounted()
    assert not any(empty.read_bytes()[:8192])


@pytest.mark.parametrize("how", [
    {"mib": 63}, {"read_only": 1}, {"kind": " "}, {"partitions": 1}, {"kind": "somebody's"}, {"kind": "ORDERGATE"}])
def test_no_other_disk_is_touched(disks: Disks, how: dict) -> None:
    path = disks.add("vdb", **how)
    before = path.read_bytes()
    assert "there is no data disk" in disks.refused()
    assert path.read_bytes() == before


def test_a_disk_with_anything_in_its_first_mebibyte_is_not_empty(disks: Disks) -> None:
    path = disks.add("vdb")
    with path.open("r+b") as file:
        file.seek(MIB - 1)
        file.write(b"x")
    assert "there is no data disk" in disks.refused()


def test_a_damaged_data_disk_is_said_and_not_mounted(disks: Disks) -> None:
    path = disks.add("vdb", kind="ordergate-data")
    (disks.root / "stub" / "e2fsck").write_text("#!/bin/sh\nexit 4\n")
    (disks.root / "stub" / "e2fsck").chmod(0o755)
    assert "/dev/vdb is damaged" in disks.refused()
    assert path.exists()


def test_the_configuration_drive_is_found_on_the_way(disks: Disks, tmp_path: pathlib.Path) -> None:
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive" / "time").write_text("host\n")
    drive = disks.add("vdc", mib=1, read_only=1)
    systems.run(systems.ROOT / "vm-images" / "mkconfig", tmp_path / "drive", tmp_path / "drive.iso")
    shutil.copy(tmp_path / "drive.iso", drive)
    disks.add("vdb")
    assert " /dev/vdb " in disks.mounted()
    assert os.readlink(disks.root / "run" / "appliance" / "drive") == "/dev/vdc"
