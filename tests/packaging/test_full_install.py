# SPDX-License-Identifier: MIT
"""The package on a plain Debian 12, in a folder: installed, upgraded, removed, purged."""
import os
import pathlib
import shutil
import subprocess

import pytest

import package

pytestmark = [
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a chroot"),
]


def inside(debian: pathlib.Path, *command: str) -> str:
    done = subprocess.run(["chroot", debian, *command], capture_output=True, text=True,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def debian(build: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("debian") / "root"
    deb = package.make(build, tmp_path_factory.mktemp("package"))
    done = subprocess.run(["mmdebstrap", "--variant=minbase", "--dpkgopt=force-unsafe-io", "--include=systemd,openssl",
                           "bookworm", folder],
                          capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    shutil.copy(deb, folder / "root" / "ordergate.deb")
    # Debian's own way to keep daemons from starting in a chroot.
    (folder / "usr" / "sbin" / "policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (folder / "usr" / "sbin" / "policy-rc.d").chmod(0o755)
    shutil.copy("/etc/resolv.conf", folder / "etc" / "resolv.conf")
    return folder


def test_install_upgrade_remove_purge(debian: pathlib.Path) -> None:
    state = debian / "var" / "lib" / "ordergate"
    config = debian / "etc" / "ordergate" / "ordergate.conf"
    wanted = debian / "etc" / "systemd" / "system" / "multi-user.target.wants" / "ordergate.target"

    inside(debian, "apt-get", "-qq", "update")
    inside(debian, "apt-get", "-qq", "-y", "install", "--no-install-recommends", "/root/ordergate.deb")
    assert wanted.is_symlink()
    assert (state / "secrets").stat().st_mode & 0o7777 == 0o700
    assert "ordergate-hook" in (debian / "etc" / "passwd").read_text()
    assert "0.1" in inside(debian, "ordergatectl", "--version")

    # As systemd would run it.
    inside(debian, "setpriv", "--reuid", "ordergate", "--regid", "ordergate", "--clear-groups", "/usr/lib/ordergate/init")
    assert (state / "ordergate.db").stat().st_mode & 0o777 == 0o660
    token = (state / "secrets" / "hook-token").read_text()

    config.write_text(config.read_text() + "# the administrator was here\n")
    inside(debian, "dpkg", "-i", "--force-confold", "/root/ordergate.deb")
    assert "the administrator was here" in config.read_text()
    assert (state / "secrets" / "hook-token").read_text() == token

    said = inside(debian, "apt-get", "-qq", "-y", "remove", "ordergate")
    assert "stay in /var/lib/ordergate" in said
    assert (state / "ordergate.db").exists() and config.exists()
    assert not (debian / "usr" / "bin" / "ordergate-hook").exists()

    said = inside(debian, "apt-get", "-qq", "-y", "purge", "ordergate")
    assert "/var/lib/ordergate is removed" in said
    assert not state.exists() and not config.parent.exists()
    assert not wanted.is_symlink()


def test_the_same_tree_gives_the_same_package(build: pathlib.Path, tmp_path: pathlib.Path) -> None:
    first, second = (package.make(build, tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
