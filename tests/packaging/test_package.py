# SPDX-License-Identifier: MIT
"""What is in the Debian package."""
import pathlib
import re
import shutil
import subprocess

import pytest

import package
from conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("dpkg-shlibdeps") is None, reason="dpkg-shlibdeps is not installed")


@pytest.fixture(scope="module")
def deb(build: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return package.make(build, tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def tree(deb: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("tree")
    subprocess.run(["dpkg-deb", "-R", deb, folder], check=True)
    return folder


def field(deb: pathlib.Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "-f", deb, name], check=True, capture_output=True, text=True).stdout.strip()


def files(tree: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in sorted(tree.rglob("*")) if path.is_file() and "DEBIAN" not in path.parts]


def test_every_program_that_a_unit_or_the_scheduler_starts_is_in_it(tree: pathlib.Path) -> None:
    packed = {path.name for path in (tree / "usr" / "bin").iterdir()}
    wanted = {"ordergate-" + main.parent.name for main in (ROOT / "services").glob("*/main.c")}
    wanted = (wanted - {"ordergate-ctl", "ordergate-supervisor"}) | {"ordergatectl", "ordergate-scheduler"}
    assert packed == wanted
    started = set()
    for unit in (tree / "lib" / "systemd" / "system").glob("*.service"):
        started |= set(re.findall(r"^Exec\w+=(/usr/(?:bin|lib/ordergate)/\S+)", unit.read_text(), re.MULTILINE))
    assert len(started) > 7
    assert not [path for path in started if not (tree / path[1:]).exists()]


def test_owners_and_modes_are_as_usual(deb: pathlib.Path) -> None:
    listing = subprocess.run(["dpkg-deb", "-c", deb], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        mode, owner, *_, name = line.split()
        assert owner == "root/root", line
        runs = mode[0] == "d" or any(part in name for part in ("/usr/bin/", "/usr/lib/ordergate/", "generators/"))
        assert mode[1:] == ("rwxr-xr-x" if runs else "rw-r--r--"), line


def test_nothing_tells_where_it_was_built(tree: pathlib.Path, build: pathlib.Path) -> None:
    for path in [*files(tree), tree / "DEBIAN" / "ordergatectl"]:
        data = path.read_bytes()
        assert str(ROOT).encode() not in data, path
        assert str(build).encode() not in data, path


def test_what_migrates_before_anything_is_replaced_is_the_new_program(tree: pathlib.Path) -> None:
    script = (tree / "DEBIAN" / "preinst").read_text()
    assert "ordergatectl" in script and "migrate" in script
    program = tree / "DEBIAN" / "ordergatectl"
    assert program.read_bytes() == (tree / "usr" / "bin" / "ordergatectl").read_bytes()


def test_programs_are_stripped(tree: pathlib.Path) -> None:
    sections = subprocess.run(["readelf", "-S", "-d", tree / "usr" / "bin" / "ordergate-hook"],
                              check=True, capture_output=True, text=True).stdout
    assert ".debug_info" not in sections
    assert "RPATH" not in sections and "RUNPATH" not in sections


def test_the_libraries_and_the_companions_are_depended_on(deb: pathlib.Path) -> None:
    depends = field(deb, "Depends")
    for name in ("libc6", "libsqlite3-0", "libmicrohttpd12", "libssl3", "libsystemd0", "nginx", "openssl"):
        assert re.search(rf"\b{re.escape(name)}\b", depends), f"{name}: {depends}"


def test_the_configuration_is_the_administrators_and_good(tree: pathlib.Path, build: pathlib.Path) -> None:
    assert (tree / "DEBIAN" / "conffiles").read_text().split() == ["/etc/ordergate/ordergate.conf"]
    assert [path for path in files(tree) if "etc" in path.relative_to(tree).parts[:1]] == \
        [tree / "etc" / "ordergate" / "ordergate.conf"]
    subprocess.run([build / "bin" / "ordergate-hook", "--config", tree / "etc" / "ordergate" / "ordergate.conf",
                    "--check-config"], check=True, capture_output=True)
