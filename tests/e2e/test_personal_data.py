"""Marks in every text of the store, and what is left of them after housekeeping, held against docs/personal-data.md."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from appliance import ROOT
from procedures import Installation

DAY_MS = 86_400_000
MARK = "MARK-"
# What columns must hold so that a row is one that is old and over. Links lead to order 1, message 1.
MEANING: dict[str, dict[str, Any]] = {
    "orders": {"id": 1, "state": "delivered", "store_id": "s", "erased_ms": 0},
    "stores": {"id": "s"},
    "inbox": {"id": 1, "state": 4}, "inbox_archive": {"id": 2, "state": 3},
    "outbox": {"id": 1, "state": 4}, "outbox_archive": {"id": 2, "state": 3},
    "telegram_queue": {"id": 1, "state": 4}, "telegram_archive": {"id": 2, "state": 3},
    "mail_queue": {"id": 1, "state": 4}, "mail_archive": {"id": 2, "state": 3},
    "message_attempts": {"queue": "inbox", "message": 1}, "message_attempts_archive": {"queue": "outbox", "message": 2},
    "audit_messages": {"queue": "inbox"}, "alerts": {"state": "resolved"}, "job_runs": {"outcome": "failed"},
    "order_lines": {"state": "picked"}, "endpoints": {"state": "closed"}, "order_history": {"after": '{"cancelReason":"MARK-x"}'},
    "parked_events": {"expires_ms": 9_000_000_000_000},
    "silences": {"until_ms": 9_000_000_000_000},
}
MADE_ALREADY = {"store_meta", "store_migrations", "counters", "catalogue_state"}
NOBODY_WORKS_WITH = {"store_move"}  # a row in it closes the store


@pytest.fixture
def place(folder: Path) -> Iterator[Installation]:
    made = Installation(folder, "retention { personal_days = 2 archive_days = 3650 history_days = 3650 }\n"
                                "telegram { admin_chat = \"\" }\n")
    yield made
    made.end()


def value_of(table: str, column: str, kind: str) -> Any:
    meaning = MEANING.get(table, {})
    if column in meaning:
        return meaning[column]
    if kind == "TEXT":
        return f"{MARK}{table}.{column}"
    if kind == "BLOB":
        return f"{MARK}{table}.{column}".encode()
    return int(time.time() * 1000) - 3 * DAY_MS if column.endswith("_ms") else 1


def plant(place: Installation) -> None:
    with closing(place.data.open()) as store, store.transaction():
        if place.data.on_server:
            store.execute("SET LOCAL session_replication_role TO replica")  # in any sequence, whatever refers to what
        for table, columns in place.data.columns().items():
            if table in MADE_ALREADY | NOBODY_WORKS_WITH:
                continue
            store.execute(f"DELETE FROM {table}")
            values = [value_of(table, name, kind) for name, kind in columns]
            marks = ", ".join("?" * len(columns))
            store.execute(f"INSERT INTO {table} ({', '.join(name for name, _ in columns)}) VALUES ({marks})", values)


def marked(place: Installation) -> set[tuple[str, str]]:
    """Table and column of every value with a mark in it."""
    found = set()
    for table, columns in place.data.columns().items():
        for row in place.rows(f"SELECT * FROM {table}"):
            found |= {(table, name) for (name, _), value in zip(columns, row)
                      if MARK in (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))}
    return found


def documented() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """What docs/personal-data.md says is erased, and what stays."""
    erased, stays = set(), set()
    for line in (ROOT / "docs" / "personal-data.md").read_text(encoding="utf-8").splitlines():
        cells = re.fullmatch(r"\| (\w+) \| ([\w ]*) \| ([\w ]*) \|", line)
        if cells and cells[1] != "table":
            erased |= {(cells[1], name) for name in cells[2].split()}
            stays |= {(cells[1], name) for name in cells[3].split()}
    return erased, stays


def test_every_text_column_is_listed_once(place: Installation) -> None:
    erased, stays = documented()
    there = {(table, name) for table, columns in place.data.columns().items() for name, kind in columns if kind in ("TEXT", "BLOB")}
    assert erased | stays == there, (there - erased - stays, (erased | stays) - there)
    assert not erased & stays


def test_what_is_listed_as_erased_is_gone_and_the_rest_is_not(place: Installation) -> None:
    plant(place)
    before = marked(place)
    erased, stays = documented()
    assert erased <= before, erased - before
    line = place.run("housekeeping")
    assert "erased_orders=1" in line
    left = marked(place)
    # Failed and done rows of the same table are archived or stay; either way their texts are gone.
    assert left & erased == set(), left & erased
    assert before & stays - left <= {("order_history", "after")}, before & stays - left
    assert place.rows("SELECT total_minor, discount_total_minor FROM orders") == [(1, 1)]
    assert place.rows("SELECT total_minor, vat_minor FROM documents") == [(1, 1)]


def test_what_is_not_over_or_not_old_keeps_everything(place: Installation) -> None:
    plant(place)
    place.change("UPDATE orders SET state = 'assembling'")
    for table in ("telegram_archive", "telegram_queue", "inbox", "inbox_archive", "outbox_archive"):
        place.change(f"UPDATE {table} SET created_ms = ?, updated_ms = ?".replace(", updated_ms = ?", "")
                     if table == "telegram_archive" else f"UPDATE {table} SET created_ms = ?", int(time.time() * 1000))
    assert "erased_orders=0" in place.run("housekeeping")
    left = marked(place)
    for column in (("order_customers", "phone"), ("orders", "comment"), ("inbox", "body"), ("inbox_archive", "body"),
                   ("outbox_archive", "body"), ("order_history", "detail"), ("telegram_archive", "text")):
        assert column in left, column


def test_a_message_under_way_keeps_its_order(place: Installation) -> None:
    plant(place)
    place.change("UPDATE outbox SET state = 1")
    assert "erased_orders=0" in place.run("housekeeping")
    place.change("UPDATE outbox SET state = 4")
    assert "erased_orders=1" in place.run("housekeeping")
    assert "erased_orders=0 erased_rows=0" in place.run("housekeeping")


def test_what_comes_after_its_order_was_erased_goes_too(place: Installation) -> None:
    plant(place)
    place.run("housekeeping")
    place.change("INSERT INTO inbox_archive (id, message_id, channel, external_id, event_type, order_id, order_seq, event_ms,"
                 " state, outcome, hold, attempts, due_ms, lease_epoch, lease_until_ms, created_ms, updated_ms, body)"
                 " SELECT 7, message_id, channel, external_id, event_type, order_id, 9, event_ms, 3, outcome, hold, attempts,"
                 " due_ms, 0, 0, created_ms, updated_ms, '+7 912' FROM inbox_archive")
    assert "erased_orders=0 erased_rows=1" in place.run("housekeeping")
    assert place.rows("SELECT body FROM inbox_archive WHERE id = 7") == [("",)]


def test_an_order_that_hears_of_its_customer_again_is_erased_again(place: Installation) -> None:
    plant(place)
    place.run("housekeeping")
    place.change("UPDATE order_customers SET phone = '+7 912'")
    place.change("UPDATE orders SET updated_ms = erased_ms + 1")
    assert "erased_orders=0" in place.run("housekeeping")
    place.change("UPDATE orders SET updated_ms = updated_ms - ?, erased_ms = erased_ms - ?", 3 * DAY_MS, 3 * DAY_MS)
    assert "erased_orders=1" in place.run("housekeeping")
    assert place.rows("SELECT phone FROM order_customers") == [("",)]


def test_the_erased_bytes_are_not_in_the_file_any_more(place: Installation) -> None:
    plant(place)
    place.run("housekeeping")
    copy = place.state / "copy.db"
    place.control("backup", str(copy))
    for table, column in documented()[0]:
        assert f"{MARK}{table}.{column}".encode() not in copy.read_bytes(), (table, column)
