# SPDX-License-Identifier: MIT
"""The package of before the last migration, and this one, under systemd: upgraded, rolled, downgraded, removed. Nobody who calls notices."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator

import pytest

import package
from conftest import ROOT
from debian import Debian, needed

pytestmark = [*needed, pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the version before is made from git")]
SERVICES = ("hook@1", "hook@4", "assembly@2", "processor@1", "notifier@1", "console", "scheduler")


def build_before(folder: pathlib.Path) -> pathlib.Path:
    """The programs of the commit before the one that brought the last migration."""
    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True, text=True).stdout.strip()

    brought = git("log", "-n1", "--format=%H", "--diff-filter=A", "--", "schema/sqlite")
    tree = folder / "tree"
    tree.mkdir()
    archive = subprocess.run(["git", "-C", ROOT, "archive", f"{brought}^"], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", tree], input=archive, check=True)
    for command in (["cmake", "--preset", "release", "-B", folder / "build"],
                    ["cmake", "--build", folder / "build", "--target", "programs", "-j", str(os.cpu_count())]):
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / "build"


class Machine:
    """A booted Debian with Ordergate on it."""

    def __init__(self, debian: Debian) -> None:
        self.debian = debian
        self.state = debian.root / "var" / "lib" / "ordergate"

    def wait_for_health(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while True:
            answer = self.debian.try_run("curl", "-sk", "-m", "5", "https://127.0.0.1/healthz").stdout
            if '"status":"ok"' in answer:
                return
            assert time.monotonic() < deadline, answer + self.debian.try_run("journalctl", "-n", "40", "--no-pager").stdout
            time.sleep(0.2)

    def write(self, sql: str) -> None:
        """As nobody but a test may: nothing of it checkpoints."""
        with contextlib.closing(sqlite3.connect(self.state / "ordergate.db", timeout=20)) as db:
            db.execute("PRAGMA wal_autocheckpoint = 0")
            db.execute(sql)
            db.commit()

    def versions(self) -> tuple[int, int]:
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/ordergate.db?mode=ro", uri=True, timeout=20)) as db:
            return db.execute("SELECT version, min_reader FROM store_meta").fetchone()

    def orders(self) -> set[str]:
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/ordergate.db?mode=ro", uri=True, timeout=20)) as db:
            return {name for name, in db.execute("SELECT external_id FROM order_identity")}

    def pids(self) -> dict[str, str]:
        return {name: self.debian.run("systemctl", "show", "-P", "MainPID", f"ordergate-{name}").strip() for name in SERVICES}

    @contextlib.contextmanager
    def load(self, prefix: str) -> Iterator[dict]:
        """Orders on eight connections meanwhile; what came of it is in the result, afterwards."""
        result: dict = {}
        asker = subprocess.Popen(
            ["nsenter", "--target", self.debian.init_pid(), "--net", "/usr/bin/python3", pathlib.Path(__file__).with_name("asker.py"),
             self.state / "tls" / "certificate.pem", (self.state / "secrets" / "hook-token").read_text().strip(), prefix],
            stdout=subprocess.PIPE, text=True)
        try:
            yield result
        finally:
            asker.send_signal(signal.SIGTERM)
            result.update(json.loads(asker.communicate(timeout=60)[0]))


@pytest.fixture(scope="module")
def debs(build: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, pathlib.Path]:
    given = os.environ.get("ORDERGATE_BUILD_BEFORE")  # for whoever works on this test
    before = pathlib.Path(given) if given else build_before(tmp_path_factory.mktemp("before"))
    return package.make(before, tmp_path_factory.mktemp("old")), package.make(build, tmp_path_factory.mktemp("new"))


@pytest.fixture(scope="module")
def machine(debs: tuple[pathlib.Path, pathlib.Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    debian = Debian.make(tmp_path_factory.mktemp("debian") / "root")
    debian.run("apt-get", "-qq", "update")
    debian.run("apt-get", "-qq", "-y", "install", "--no-install-recommends", debian.put(debs[0], "old.deb"))
    debian.put(debs[1], "new.deb")
    # Debian's own server has the ports.
    (debian.root / "etc/systemd/system/multi-user.target.wants/nginx.service").unlink(missing_ok=True)
    config = debian.root / "etc" / "ordergate" / "ordergate.conf"
    config.write_text(config.read_text() + "http { requests_per_second = 0 }\n")
    debian.boot()
    try:
        one = Machine(debian)
        one.wait_for_health()
        yield one
    finally:
        debian.halt()
        shutil.rmtree(debian.root, ignore_errors=True)


def test_upgrade_roll_downgrade_remove(machine: Machine) -> None:
    debian = machine.debian
    old = machine.versions()[0]
    kept: set[str] = set()

    # A migration that fails leaves everything as it is, also for a process that is started again.
    before = machine.pids()
    machine.write("CREATE TRIGGER made_to_fail BEFORE UPDATE OF version ON store_meta BEGIN SELECT raise(ABORT, 'made to fail'); END")
    with machine.load("F") as result:
        time.sleep(1)
        done = debian.try_run("dpkg", "-i", "--force-confold", "/root/new.deb")
        assert done.returncode != 0 and "made to fail" in done.stdout + done.stderr, done
        assert machine.pids() == before
        debian.run("systemctl", "restart", "ordergate-hook@1", "ordergate-scheduler", "ordergate-processor@1")
        time.sleep(1)
    assert len(result["answered"]) > 20
    assert machine.versions()[0] == old
    assert "Status: install ok installed" in debian.run("dpkg", "-s", "ordergate")
    machine.wait_for_health()
    kept |= set(result["answered"])
    machine.write("DROP TRIGGER made_to_fail")

    with machine.load("U") as result:
        time.sleep(1)
        debian.run("dpkg", "-i", "--force-confold", "/root/new.deb")
    # The processes of before may not know yet how to end: only what is new promises it.
    assert len(result["answered"]) > 20 and len(result["failed"]) < len(result["answered"]) / 10, result["failed"][:5]
    kept |= set(result["answered"])
    new = machine.versions()[0]
    assert new > old
    assert [path.name for path in (machine.state / "backup").iterdir() if path.name.startswith("before-schema")]
    machine.wait_for_health()
    after = machine.pids()
    assert all(after[name] != before[name] for name in SERVICES), "everybody runs the new programs"

    # Five restarts of everything and reloads of nginx.
    began = time.monotonic()
    with machine.load("R") as result:
        for turn in range(5):
            config = debian.root / "etc" / "ordergate" / "ordergate.conf"
            config.write_text(config.read_text() + f"http {{ hsts = {turn + 1}d }}\n")
            debian.run("/usr/lib/ordergate/roll")
    print(f"\nfive rolls in {time.monotonic() - began:.0f} s: {len(result['answered'])} orders, {len(result['failed'])} errors")
    assert not result["failed"], result["failed"][:5]
    assert len(result["answered"]) > 100
    kept |= set(result["answered"])
    assert all(pid != after[name] for name, pid in machine.pids().items())
    assert kept <= machine.orders()

    debian.run("systemctl", "reload", "ordergate.target")
    reloaded = debian.run("journalctl", "--no-pager", "-o", "cat", "-u", "ordergate-*").count("configuration reloaded")
    assert reloaded >= 11, "every process has read it again"

    # A store of a version that nobody knows here is refused, and nothing is replaced.
    version, min_reader = machine.versions()
    machine.write("UPDATE store_meta SET version = 9999, min_reader = 9999")
    done = debian.try_run("dpkg", "-i", "--force-confold", "/root/new.deb")
    assert done.returncode != 0 and "newer" in done.stdout + done.stderr, done
    machine.write(f"UPDATE store_meta SET version = {version}, min_reader = {min_reader}")
    debian.run("dpkg", "-i", "--force-confold", "/root/new.deb")

    # One version back, as far as the store allows it.
    known = debian.run("dpkg-deb", "-c", "/root/old.deb")
    for unit in debian.run("systemctl", "list-units", "--plain", "--no-legend", "--state=active", "ordergate-*").split("\n"):
        name = re.sub(r"@\d+\.", "@.", unit.split(" ")[0])
        if name and f"/{name}\n" not in known:
            debian.run("systemctl", "stop", unit.split(" ")[0])  # the roll of some versions before stumbles over it
    done = debian.try_run("dpkg", "-i", "--force-confold", "/root/old.deb")
    assert (done.returncode == 0) == (min_reader <= old), done.stdout + done.stderr
    if done.returncode == 0:
        with machine.load("D") as result:
            machine.wait_for_health()
            time.sleep(1)
        assert result["answered"] and not result["failed"], result["failed"][:5]
        kept |= set(result["answered"])
        assert kept <= machine.orders()
        assert machine.versions()[0] == new
    debian.run("dpkg", "-i", "--force-confold", "/root/new.deb")
    machine.wait_for_health()

    said = debian.run("dpkg", "--remove", "ordergate")
    assert "stay in /var/lib/ordergate" in said
    assert not re.findall(r"ordergate-\w+", debian.run("ps", "-eo", "args")), "something runs on"
    assert kept <= machine.orders()
    said = debian.run("dpkg", "--purge", "ordergate")
    assert "/var/lib/ordergate is removed" in said and not machine.state.exists()
