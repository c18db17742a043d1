"""A copy becomes the store again, under real processes: nothing is sent twice, nothing before a person says so."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import BIN
from desk import IN_WORK, Desk
from kuper import remote
from kuper.remote import Kuper


@pytest.fixture(scope="module")
def one_market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kuper]:
    with remote.start(tmp_path_factory.mktemp("kuper"), "", "--settle-ms", "300") as market:
        yield market


@pytest.fixture
def desk(folder: Path, one_market: Kuper) -> Iterator[Desk]:
    one_market.reset()
    one_market.config(settle_ms=300, client_tokens=[remote.CLIENT_TOKEN])
    made = Desk(folder, one_market)
    yield made
    made.destroy()


def ctl(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "ordergatectl", "--state", desk.state, *arguments], capture_output=True, text=True,
                          timeout=60, check=False)


def order(desk: Desk) -> str:
    """With what every order has."""
    external = desk.order()
    desk.db.execute("INSERT INTO order_identity SELECT channel, external_id, id, number FROM orders WHERE external_id = ?",
                    (external,))
    desk.db.execute("INSERT INTO order_history (order_id, at_ms, kind, actor, detail) VALUES (?, 1, 'x', 'x', '{}')",
                    (desk.order_id(external),))
    desk.db.execute("UPDATE counters SET value = ? WHERE name = 'order'", (desk.order_id(external),))
    return external


def restore(desk: Desk, file: Path) -> str:
    """The store under the desk is another file afterwards."""
    desk.db.close()
    done = ctl(desk, "restore", str(file))
    desk.db = sqlite3.connect(desk.state / "ordergate.db", timeout=10, isolation_level=None)
    desk.db.execute("PRAGMA wal_autocheckpoint=0")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_sent_after_the_backup_is_not_sent_again(desk: Desk) -> None:
    sent, unsent = order(desk), order(desk)
    desk.add(sent, IN_WORK)
    desk.add(unsent, IN_WORK)
    desk.db.execute("UPDATE outbox_head SET state = 4 WHERE order_id = 2")  # so that it stays behind
    copy = desk.folder / "copy.db"
    assert ctl(desk, "backup", str(copy)).returncode == 0
    process = desk.start()
    desk.wait_over(sent)
    assert desk.stop(process) == 0

    said = restore(desk, copy)
    assert "2 notifications were unsent and may have been sent" in said and "What the copy cannot know" in said
    desk.db.execute("UPDATE outbox_head SET state = 1 WHERE order_id = 2")
    desk.start()
    time.sleep(2.5)  # twice as long as it looks for work
    assert desk.sent(sent, IN_WORK) == 1 and desk.sent(unsent, IN_WORK) == 0
    assert "held" in ctl(desk, "status").stdout
    assert desk.log().count("held since a restore") == 1
    assert "ordergate_store_held" in ctl(desk, "metrics").stdout
    refused = ctl(desk, "restore", "release", "--reason", "in a hurry")
    assert refused.returncode == 1 and "--without-pull" in refused.stderr
    assert ctl(desk, "restore", "release", "--without-pull", "--reason", "a test").returncode == 0
    for external in (sent, unsent):
        assert desk.wait_over(external, 20)[0]["outcome"] == "ok"
    assert desk.sent(sent, IN_WORK) == 1 and desk.sent(unsent, IN_WORK) == 1
    assert desk.market.anomalies() == []
    assert desk.log().count("notifications go again") == 1
    entry = desk.db.execute("SELECT action, reason FROM audit_log").fetchone()
    assert entry == ("restore release", "a test")


def test_the_pull_from_the_time_of_the_copy_ends_the_wait(desk: Desk) -> None:
    known = order(desk)
    desk.add(known, IN_WORK)
    copy = desk.folder / "copy.db"
    assert ctl(desk, "backup", str(copy)).returncode == 0
    missed = desk.market.create(send=False, store_id="1203")["id"]  # its webhook came after the copy
    restore(desk, copy)
    assert ctl(desk, "restore", "release", "--reason", "too early").returncode == 1
    run = subprocess.run([BIN / "ordergate-reconcile", "--state", desk.state, "--config", desk.folder / "ordergate.conf"],
                         capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run
    assert desk.db.execute("SELECT count(*) FROM inbox WHERE external_id = ?", (missed,)).fetchone() == (1,), run
    assert ctl(desk, "restore", "release", "--reason", "all is read back").returncode == 0
    assert desk.db.execute("SELECT held FROM store_meta").fetchone() == (0,)


def test_a_store_in_use_is_not_replaced(desk: Desk) -> None:
    copy = desk.folder / "copy.db"
    assert ctl(desk, "backup", str(copy)).returncode == 0
    desk.start()
    desk.wait(lambda: list((desk.state / "run").glob("notifier-1.lock")), "it runs")
    desk.wait(lambda: "stop the appliance" in ctl(desk, "restore", str(copy)).stderr, "it is refused")
    assert not list(desk.state.glob("*.before-*"))


def test_a_damaged_copy_changes_nothing(desk: Desk) -> None:
    desk.add(order(desk), IN_WORK)
    copy = desk.folder / "copy.db"
    assert ctl(desk, "backup", str(copy)).returncode == 0
    whole = copy.read_bytes()
    for name, damaged in (("cut", whole[: len(whole) // 2]), ("no store", b"hello" * 2000),
                          ("overwritten", whole[:8192] + b"\xff" * 40000 + whole[48192:])):
        copy.write_bytes(damaged)
        done = ctl(desk, "restore", str(copy))
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, (name, done)
        assert not list(desk.state.glob("*.before-*")) and not list(desk.state.glob("*.restoring*")), name
    assert ctl(desk, "restore", str(desk.folder / "none.db")).returncode == 3
    assert desk.db.execute("SELECT count(*) FROM outbox").fetchone() == (1,)
    assert ctl(desk, "verify").returncode == 0


def test_another_machine_goes_on_with_the_copy(desk: Desk, folder: Path) -> None:
    desk.add(order(desk), IN_WORK)
    copy = desk.folder / "copy.db"
    assert ctl(desk, "backup", str(copy)).returncode == 0
    other = folder / "other"
    assert subprocess.run([BIN / "ordergatectl", "--state", other, "init"], check=False, capture_output=True).returncode == 0
    for name in ("ordergate.db", "ordergate.db-wal", "ordergate.db-shm"):
        (other / name).unlink(missing_ok=True)
    done = subprocess.run([BIN / "ordergatectl", "--state", other, "restore", copy], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(f"file:{other}/ordergate.db?mode=ro", uri=True) as db:
        assert db.execute("SELECT hold FROM outbox").fetchall() == [("uncertain",)]
        assert db.execute("SELECT store_epoch, held FROM store_meta").fetchone() == (2, 1)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert subprocess.run([BIN / "ordergatectl", "--state", other, "verify"], check=False, capture_output=True).returncode == 0
