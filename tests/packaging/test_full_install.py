# SPDX-License-Identifier: MIT
"""The package on a plain Debian 12, in a folder: installed, upgraded, removed, purged."""
import pathlib

import pytest

import package
from debian import Debian, needed

pytestmark = needed


@pytest.fixture(scope="module")
def debian(build: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Debian:
    deb = package.make(build, tmp_path_factory.mktemp("package"))
    one = Debian.make(tmp_path_factory.mktemp("debian") / "root")
    one.put(deb, "ordergate.deb")
    return one


def test_install_upgrade_remove_purge(debian: Debian) -> None:
    state = debian.root / "var" / "lib" / "ordergate"
    config = debian.root / "etc" / "ordergate" / "ordergate.conf"
    wanted = debian.root / "etc" / "systemd" / "system" / "multi-user.target.wants" / "ordergate.target"

    debian.run("apt-get", "-qq", "update")
    debian.run("apt-get", "-qq", "-y", "install", "--no-install-recommends", "/root/ordergate.deb")
    assert wanted.is_symlink()
    assert (state / "secrets").stat().st_mode & 0o7777 == 0o700
    assert "ordergate-hook" in (debian.root / "etc" / "passwd").read_text()
    assert "0.1" in debian.run("ordergatectl", "--version")

    # As systemd would run it.
    debian.run("setpriv", "--reuid", "ordergate", "--regid", "ordergate", "--clear-groups", "/usr/lib/ordergate/init")
    assert (state / "ordergate.db").stat().st_mode & 0o777 == 0o660
    token = (state / "secrets" / "hook-token").read_text()

    config.write_text(config.read_text() + "# the administrator was here\n")
    debian.run("dpkg", "-i", "--force-confold", "/root/ordergate.deb")
    assert "the administrator was here" in config.read_text()
    assert (state / "secrets" / "hook-token").read_text() == token

    said = debian.run("apt-get", "-qq", "-y", "remove", "ordergate")
    assert "stay in /var/lib/ordergate" in said
    assert (state / "ordergate.db").exists() and config.exists()
    assert not (debian.root / "usr" / "bin" / "ordergate-hook").exists()

    said = debian.run("apt-get", "-qq", "-y", "purge", "ordergate")
    assert "/var/lib/ordergate is removed" in said
    assert not state.exists() and not config.parent.exists()
    assert not wanted.is_symlink()


def test_the_same_tree_gives_the_same_package(build: pathlib.Path, tmp_path: pathlib.Path) -> None:
    first, second = (package.make(build, tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
