# SPDX-License-Identifier: MIT
"""ordergate-slot without a machine: in the image's root file system, with a disk that is made of files."""
import hashlib
import io
import os
import pathlib
import shutil
import stat
import subprocess
import tarfile

import pytest

from machine import skip_loudly

skip_loudly()
STUBS = {
    "findmnt": "echo /dev/vda3\n",
    "lsblk": 'case "$*" in\n'
             "*PKNAME*) echo /dev/vda ;;\n"
             "*PATH*) printf '/dev/vda3 root-a\\n/dev/vda4 root-b\\n' ;;\n"
             "*PARTLABEL*) cat /this ;;\n"
             "*PARTUUID*) echo number-of-b ;;\n"
             "esac\n",
    "blockdev": "echo 1000000\n",
    "dd": 'for word; do case $word in if=*) cat "${word#if=}" >/partition ;; esac; done\n',
    "cmp": 'exec /usr/bin/cmp "$1" "$2" "$3" /partition\n',
    "sync": "\n",
}
FILES = {"options": b"ro quiet\n", "vmlinuz": b"kernel", "initrd": b"initrd", "root.squashfs": b"system" * 1000}


class Disk:
    """Slot a runs."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        for name in ("var", "sys", "dev", "stub", "efi"):
            shutil.rmtree(root / name, ignore_errors=True)
        for name in ("var/lib/appliance", "sys/firmware/efi", "dev", "stub", "efi/loader/entries"):
            (root / name).mkdir(parents=True)
        os.mknod(root / "dev" / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.mknod(root / "dev" / "vda4", 0o600 | stat.S_IFBLK, os.makedev(7, 200))
        (root / "this").write_text("root-a\n")
        (root / "partition").write_text("")
        for name, text in STUBS.items():
            (root / "stub" / name).write_text("#!/bin/sh\n" + text)
            (root / "stub" / name).chmod(0o755)
        self.entries = root / "efi" / "loader" / "entries"
        (self.entries / "ordergate-a.conf").write_text("title Ordergate a\nversion 1\nlinux /a/vmlinuz\noptions root=PARTUUID=number-of-a ro\n")

    def slot(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["chroot", self.root, "/usr/bin/env", "-i", "PATH=/stub:/usr/sbin:/usr/bin:/sbin:/bin", "ordergate-slot", *words],
                              input=stdin, capture_output=True, timeout=120)

    def good(self, *words: str, stdin: bytes = b"") -> str:
        done = self.slot(*words, stdin=stdin)
        assert done.returncode == 0, done
        return done.stdout.decode()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.entries.iterdir())


def sums(files: dict[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()


def update(files: dict[str, bytes], sums_of: dict[str, bytes], signature: bytes | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        signed = {} if signature is None else {"SHA256SUMS.sig": signature}
        for name, data in {"SHA256SUMS": sums(sums_of), **signed, **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def disk(root: pathlib.Path) -> Disk:
    return Disk(root)


def test_an_update_goes_to_the_other_slot_and_is_tried_next(disk: Disk) -> None:
    assert disk.good("status") == "a running version 1\nb waiting empty\n"
    disk.good("install", stdin=update(FILES, FILES))
    assert disk.names() == ["ordergate-a.conf", "ordergate-b+3.conf"]
    entry = (disk.entries / "ordergate-b+3.conf").read_text()
    assert "version 2\nlinux /b/vmlinuz\ninitrd /b/initrd\noptions root=PARTUUID=number-of-b ro quiet\n" in entry
    assert (disk.root / "partition").read_bytes() == FILES["root.squashfs"]
    assert (disk.root / "efi" / "b" / "vmlinuz").read_bytes() == b"kernel"
    assert disk.good("status").endswith("b waiting version 2, on trial: 3 tries left\n")
    assert not (disk.root / "var" / "lib" / "appliance" / "update").exists()


def test_a_switch_goes_back_and_is_a_trial_too(disk: Disk) -> None:
    disk.good("install", stdin=update(FILES, FILES))
    (disk.entries / "ordergate-b+3.conf").rename(disk.entries / "ordergate-b.conf")  # it was healthy
    (disk.root / "this").write_text("root-b\n")
    disk.root.joinpath("stub/lsblk").write_text((disk.root / "stub" / "lsblk").read_text().replace("vda4 root-b", "vda3 root-b").replace(
        "/dev/vda3 root-a", "/dev/vda4 root-a"))
    disk.good("switch")
    assert disk.names() == ["ordergate-a+3.conf", "ordergate-b.conf"]
    assert "version 3\nlinux /a/vmlinuz\noptions root=PARTUUID=number-of-a ro\n" in (disk.entries / "ordergate-a+3.conf").read_text()


def test_a_slot_that_has_failed_is_replaced(disk: Disk) -> None:
    (disk.entries / "ordergate-b+0-3.conf").write_text("version 7\n")
    assert disk.good("status").endswith("b waiting version 7, on trial: 0 tries left\n")
    disk.good("install", stdin=update(FILES, FILES))
    assert disk.names() == ["ordergate-a.conf", "ordergate-b+3.conf"]
    assert "version 8\n" in (disk.entries / "ordergate-b+3.conf").read_text()


DAMAGED = {
    "nothing": b"",
    "no tar": b"x" * 20000,
    "cut off": update(FILES, FILES)[:6000],
    "another system than the sums say": update({**FILES, "root.squashfs": b"another"}, FILES),
    "a file without a sum": update(FILES, {name: data for name, data in FILES.items() if name != "vmlinuz"}),
    "larger than a slot": update({**FILES, "root.squashfs": bytes(1000001)}, {**FILES, "root.squashfs": bytes(1000001)}),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_what_is_damaged_changes_nothing(disk: Disk, what: str) -> None:
    (disk.entries / "ordergate-b.conf").write_text("version 2\n")
    done = disk.slot("install", stdin=DAMAGED[what])
    assert done.returncode == 1 and b"ordergate-slot: " in done.stderr, done
    assert disk.names() == ["ordergate-a.conf", "ordergate-b.conf"]
    assert (disk.root / "partition").read_text() == ""
    assert not (disk.root / "var" / "lib" / "appliance" / "update").exists()


def key(folder: pathlib.Path, kind: str) -> pathlib.Path:
    path = folder / f"{kind.split(' ')[0]}.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", *kind.split(" "), "-out", path], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", path.with_suffix(".pem")], check=True)
    return path


def signed(folder: pathlib.Path, by: pathlib.Path, files: dict[str, bytes]) -> bytes:
    (folder / "sums").write_bytes(sums(files))
    subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", by, "-in", folder / "sums", "-out", folder / "sig"], check=True)
    return (folder / "sig").read_bytes()


@pytest.mark.parametrize("kind", ["ed25519", "RSA"])
def test_with_a_key_only_what_it_has_signed_is_installed(disk: Disk, tmp_path: pathlib.Path, kind: str) -> None:
    ours, another = key(tmp_path, kind), key(tmp_path, "EC -pkeyopt ec_paramgen_curve:P-256")
    (disk.root / "var" / "lib" / "appliance" / "update-key.pem").write_text(ours.with_suffix(".pem").read_text())
    changed = {**FILES, "vmlinuz": b"another kernel"}
    for data, word in ((update(FILES, FILES), b"is not signed, and"),
                       (update(FILES, FILES, signed(tmp_path, another, FILES)), b"not signed with the key"),
                       (update(changed, changed, signed(tmp_path, ours, FILES)), b"not signed with the key"),
                       (update(changed, FILES, signed(tmp_path, ours, FILES)), b"damaged")):
        done = disk.slot("install", stdin=data)
        assert done.returncode == 1 and word in done.stderr, done
        assert disk.names() == ["ordergate-a.conf"]
        assert (disk.root / "partition").read_text() == ""
    disk.good("install", stdin=update(FILES, FILES, signed(tmp_path, ours, FILES)))
    assert disk.names() == ["ordergate-a.conf", "ordergate-b+3.conf"]


def test_a_machine_with_a_bios_has_no_slots(disk: Disk) -> None:
    (disk.root / "sys" / "firmware" / "efi").rmdir()
    done = disk.slot("install", stdin=update(FILES, FILES))
    assert done.returncode == 1 and b"BIOS" in done.stderr
    assert disk.names() == ["ordergate-a.conf"]


def test_without_a_word_it_says_how_it_is_used(disk: Disk) -> None:
    assert disk.slot().returncode == 2
    assert "ordergate-slot status | install [FILE] | switch" in disk.good("--help")
