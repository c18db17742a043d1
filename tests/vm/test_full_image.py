# SPDX-License-Identifier: MIT
"""What is built, looked at without starting it. The first of these files: the others boot what it has built."""
import hashlib
import json
import pathlib
import shutil
import subprocess

import pytest

import systems
from machine import BUILD, say, skip_loudly

skip_loudly()
SIZE_MAX = 200 * 1000 * 1000


@pytest.fixture(scope="module")
def built() -> pathlib.Path:
    folder = BUILD / "vm-image"
    shutil.rmtree(folder, ignore_errors=True)
    systems.build(folder)
    return folder


@pytest.fixture(scope="module")
def root(built: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("system") / "system"
    systems.run("unsquashfs", "-no-progress", "-quiet", "-d", folder / "root", systems.unpack(built, folder) / "root.squashfs")
    return folder / "root"


def sums(folder: pathlib.Path) -> dict[str, str]:
    return dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())


def test_it_is_small_and_its_sums_are_beside_it(built: pathlib.Path) -> None:
    size = (built / "ordergate.qcow2").stat().st_size
    say(f"qcow2: {size} bytes")
    assert size <= SIZE_MAX
    assert set(sums(built)) == {"ordergate.qcow2", "ordergate.raw", "ordergate.update", "ordergate.spdx.json"}
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=built, check=True)
    subprocess.run(["qemu-img", "check", "-q", built / "ordergate.qcow2"], check=True)
    subprocess.run(["qemu-img", "compare", "-q", built / "ordergate.qcow2", built / "ordergate.raw"], check=True)


def test_what_is_in_it_is_said(built: pathlib.Path) -> None:
    listed = json.loads((built / "ordergate.spdx.json").read_text())["packages"]
    names = {package["name"] for package in listed}
    assert {"ordergate", "libc6", "nginx", "openssl", "libsqlite3-0"} <= names
    assert all(package["versionInfo"] for package in listed)
    locked = {line.split("\t")[0] for line in (systems.ROOT / "vm-images" / "packages.lock").read_text().splitlines()}
    assert locked == names - {"ordergate"}


def test_nobody_can_log_in_with_a_password(root: pathlib.Path) -> None:
    accounts = [line.split(":") for line in (root / "etc" / "shadow").read_text().splitlines()]
    assert len(accounts) > 20
    assert [name for name, password, *_ in accounts if password[:1] not in ("!", "*")] == []
    shells = [line.split(":")[0] for line in (root / "etc" / "passwd").read_text().splitlines()
              if not line.endswith(("/nologin", "/false", "/sync"))]
    assert shells == ["root"]


def test_nothing_in_it_is_a_secret_or_the_same_for_all(root: pathlib.Path) -> None:
    assert (root / "etc" / "machine-id").read_bytes() == b""
    assert not list((root / "etc" / "ssh").glob("ssh_host_*"))
    keys = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and path.suffix in ("", ".pem", ".key")
            and path.stat().st_size < 65536 and b"PRIVATE KEY-----\n" in path.read_bytes()]
    assert keys == []
    assert not (root / "root" / ".ssh").exists()
    assert not list((root / "var" / "lib").glob("ordergate*"))


def test_it_is_the_same_when_it_is_built_again(built: pathlib.Path, tmp_path: pathlib.Path) -> None:
    systems.build(tmp_path / "again")
    assert sums(tmp_path / "again") == sums(built)
    for name, digest in sums(built).items():
        assert hashlib.file_digest((built / name).open("rb"), "sha256").hexdigest() == digest
