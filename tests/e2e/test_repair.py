"""Repair from the shell: messages found by filter, previewed, changed with a reason, and what the audit log says of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procedures import Installation

DONE, FAILED, USAGE, NOT_FOUND = 0, 1, 2, 3
OLD_MS, NEW_MS = 1_000, 4_000_000_000_000


@pytest.fixture
def place(folder: Path) -> Iterator[Installation]:
    made = Installation(folder)
    yield made
    made.end()


def ctl(place: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(place.command("ordergatectl", *arguments), capture_output=True, text=True, timeout=30, check=False)


def ctl_json(place: Installation, *arguments: str) -> Any:
    done = ctl(place, *arguments, "--json")
    assert done.returncode == DONE, done.stderr
    return json.loads(done.stdout)


def add_failed(place: Installation, count: int, error: str = "HTTP 422", event: str = "order.in_work",
               made_ms: int = OLD_MS) -> None:
    """Orders whose notification failed."""
    for _ in range(count):
        place.change("INSERT INTO order_identity SELECT 'kuper', 'H' || (coalesce(max(head_id), 0) + 1),"
                     " coalesce(max(head_id), 0) + 1, '1-' || (coalesce(max(head_id), 0) + 1) FROM outbox_head")
        place.change("INSERT INTO outbox_head (order_id, endpoint, last_seq, state, due_ms)"
                     " SELECT coalesce(max(head_id), 0) + 1, 'kuper', 1, 0, 0 FROM outbox_head")
        place.change("INSERT INTO outbox (message_id, head_id, endpoint, channel, external_id, event_type, order_id,"
                     " order_seq, state, outcome, attempts, due_ms, http_status, error, created_ms, updated_ms, body)"
                     " SELECT 'm' || max(head_id), max(head_id), 'kuper', 'kuper', 'H' || max(head_id), ?, max(head_id),"
                     " 1, 4, 'rejected', 3, 0, 422, ?, ?, 0, '{}' FROM outbox_head", event, error, made_ms)


def states(place: Installation) -> str:
    return "".join(str(row[0]) for row in place.rows("SELECT state FROM outbox ORDER BY id"))


@pytest.mark.parametrize("arguments, says", [
    (["queue", "outbox", "retry"], "Name ids or a filter"),
    (["queue", "outbox", "retry", "--state", "4", "--yes"], "--reason"),
    (["queue", "outbox", "retry", "--state", "4", "--yes", "--reason", ""], "--reason"),
    (["queue", "outbox", "retry", "1", "--state", "4", "--reason", "x"], "not both"),
    (["queue", "outbox", "retry", "--older-than", "soon", "--reason", "x"], "no duration"),
    (["queue", "outbox", "retry", "one", "--reason", "x"], "one"),
    (["queue", "outbox", "list", "what"], "what is"),
    (["queue", "outbox", "list", "--limit", "-1"], "--limit is a number"),
    (["alert", "list", "--limit", "many"], "--limit is a number"),
    (["order", "list", "--state", "delivred"], "is one of: new accepted"),
    (["document", "list", "--kind", "sales"], "is one of: sale"),
    (["queue", "outbox", "show"], "one message"),
])
def test_what_is_not_understood_changes_nothing(place: Installation, arguments: list[str], says: str) -> None:
    add_failed(place, 1)
    done = ctl(place, *arguments)
    assert done.returncode == USAGE and says in done.stderr, done
    assert len(done.stderr.splitlines()) == 1
    assert states(place) == "4" and place.rows("SELECT * FROM audit_log") == []


def test_a_filter_shows_first_and_does_only_with_yes(place: Installation) -> None:
    add_failed(place, 3)
    add_failed(place, 2, "HTTP 404 no such shop")
    words = ["queue", "outbox", "retry", "--error", "no such shop", "--reason", "the shop is there now"]
    assert ctl_json(place, *words) == {"matched": 2, "sample": [4, 5]}
    shown = ctl(place, *words).stdout.splitlines()
    assert shown[0] == "queue outbox retry would change 2 messages, the first:"
    assert [line.split()[0] for line in shown[1:]] == ["id", "4", "5"] and "no such shop" in shown[2]
    assert ctl_json(place, *words, "--dry-run", "--yes") == {"matched": 2, "sample": [4, 5]}
    assert states(place) == "44444" and place.rows("SELECT * FROM audit_log") == []
    assert ctl_json(place, *words, "--yes") == {"audit": 1, "matched": 2, "changed": 2}
    assert states(place) == "44411"
    entry = ctl_json(place, "audit", "list")[0]
    assert (entry["action"], entry["reason"], entry["matched"]) == ("queue outbox retry", "the shop is there now", 2)
    assert json.loads(entry["filter"]) == {"error": "%no such shop%"}
    assert [(row["message"], row["changed"]) for row in ctl_json(place, "audit", "show", "1")] == [(4, 1), (5, 1)]


@pytest.mark.parametrize("options, found", [
    (["--state", "4"], [6, 5, 4, 3, 2, 1]), (["--state", "1"], []), (["--type", "order.canceled"], [6]),
    (["--order", "H2"], [2]), (["--order", "1-2"], [2]), (["--endpoint", "kuper"], [6, 5, 4, 3, 2, 1]),
    (["--endpoint", "erp"], []), (["--error", "404"], [5, 4]), (["--older-than", "1d"], [6, 5, 4, 2, 1]),
    (["--newer-than", "1d"], [3]), (["--outcome", "rejected", "--limit", "2"], [6, 5]), (["--hold", "auth"], [])])
def test_lists_take_the_same_filters(place: Installation, options: list[str], found: list[int]) -> None:
    add_failed(place, 2)
    add_failed(place, 1, made_ms=NEW_MS)
    add_failed(place, 2, "HTTP 404")
    add_failed(place, 1, event="order.canceled")
    assert [row["id"] for row in ctl_json(place, "queue", "outbox", "list", *options)] == found


def test_a_copy_keeps_its_lineage_and_is_shown(place: Installation) -> None:
    add_failed(place, 1)
    assert ctl_json(place, "queue", "outbox", "resend", "1", "--reason", "lost over there")["changed"] == 1
    shown = ctl_json(place, "queue", "outbox", "show", "2")[0]
    assert (shown["copy_of"], shown["state"], shown["order_seq"], shown["attempts"]) == (1, 1, 2, [])
    operation = ctl_json(place, "queue", "outbox", "show", "1")[0]["operations"][0]
    assert (operation["action"], operation["copy"], operation["reason"]) == ("queue outbox resend", 2, "lost over there")
    assert ctl(place, "verify").returncode == DONE


def add_over(place: Installation, queue: str, count: int) -> None:
    """Orders with one message that is over; that of the first is in the archive already."""
    place.change("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO order_identity"
                 " SELECT 'kuper', 'H' || i, i, '1-' || i FROM n", count)
    own, values = ("event_ms", "7") if queue == "inbox" else ("head_id, endpoint", "order_id, 'kuper'")
    key = "order_id" if queue == "inbox" else "head_id, order_id, endpoint"
    place.change(f"INSERT INTO {queue}_head ({key}, last_seq, state, due_ms)"
                 f" SELECT {key.replace('head_id, order_id, endpoint', 'order_id, order_id, channel')}, 1, 0, 0 FROM order_identity")
    columns = f"id, message_id, channel, external_id, event_type, order_id, order_seq, state, outcome, hold, attempts, due_ms," \
              f" lease_epoch, lease_until_ms, created_ms, updated_ms, body, {own}"
    for table, which in ((f"{queue}_archive", "= 1"), (queue, "> 1")):
        place.change(f"INSERT INTO {table} ({columns}) SELECT order_id, 'm' || order_id, 'kuper', external_id, 'order.canceled',"
                     f" order_id, 1, 3, 'ok', 'none', 1, 0, 1, 0, 1000, 1000, '{{}}', {values} FROM order_identity WHERE order_id {which}")


@pytest.mark.parametrize("queue", ["inbox", "outbox"])
def test_many_are_sent_again_as_copies(place: Installation, queue: str) -> None:
    """Also the one that is in the archive."""
    add_over(place, queue, 5)
    words = ["queue", queue, "resend", "--type", "order.canceled", "--state", "3"]
    assert ctl(place, *words, "--yes").returncode == USAGE  # no reason
    words += ["--reason", "the marketplace has lost them"]
    assert ctl_json(place, *words) == {"matched": 5, "sample": [1, 2, 3, 4, 5]}
    assert place.rows(f"SELECT count(*) FROM {queue}") == [(4,)] and place.rows("SELECT * FROM audit_log") == []
    assert ctl_json(place, *words, "--yes") == {"audit": 1, "matched": 5, "changed": 5}
    copies = place.rows(f"SELECT copy_of, order_seq, state, body FROM {queue} WHERE copy_of IS NOT NULL ORDER BY copy_of")
    assert copies == [(original, 2, 1, "{}") for original in (1, 2, 3, 4, 5)]
    assert place.rows(f"SELECT state, outcome, copy_of FROM {queue} WHERE id = 3") == [(3, "ok", None)]
    logged = place.rows("SELECT l.action, l.reason, m.message, m.copy FROM audit_messages m JOIN audit_log l ON l.id = m.audit_id"
                        " ORDER BY m.message")
    assert [(action, message) for action, _, message, _ in logged] == [(f"queue {queue} resend", n) for n in (1, 2, 3, 4, 5)]
    assert {copy for _, _, _, copy in logged} == {row[0] for row in place.rows(f"SELECT id FROM {queue} WHERE copy_of > 0")}
    assert ctl_json(place, "queue", queue, "show", "3")[0]["operations"][0]["reason"] == "the marketplace has lost them"
    assert ctl(place, "verify").returncode == DONE, ctl(place, "verify").stdout


def test_a_telegram_message_is_found_by_its_chat_and_order(place: Installation) -> None:
    place.change("INSERT INTO stores (id, name, time_zone, opening_hours, telegram_chat, integration_type, imported,"
                 " created_ms, updated_ms) VALUES ('s', '', 'Europe/Moscow', '', '', 3, 1, 0, 0)")
    add_failed(place, 1)
    place.change("INSERT INTO orders (id, channel, external_id, number, store_id, state, version, event_ms, snapshot_ms,"
                 " created_ms, updated_ms) VALUES (1, 'kuper', 'H1', '1-1', 's', 'new', 1, 0, 0, 0, 0)")
    place.queue("-1", "order H1 is late")
    place.queue("-2", "order H2 is late")
    listed = ctl_json(place, "queue", "telegram", "list", "--order", "1-1")
    assert [row["id"] for row in listed] == [1]
    assert ctl_json(place, "queue", "telegram", "skip", "--chat", "-2", "--reason", "old news", "--yes")["changed"] == 1
    assert place.rows("SELECT id, state, outcome FROM telegram_queue ORDER BY id") == [(1, 1, ""), (2, 3, "skipped")]


def test_a_message_that_was_named_is_changed_at_once(place: Installation) -> None:
    add_failed(place, 1)
    assert ctl(place, "queue", "outbox", "retry", "1").returncode == DONE
    assert states(place) == "1"
    assert place.rows("SELECT action, reason, matched FROM audit_log") == [("queue outbox retry", "", 1)]


def test_what_is_not_there_is_said(place: Installation) -> None:
    assert ctl(place, "queue", "outbox", "retry", "7", "--reason", "x").returncode == NOT_FOUND
    assert ctl(place, "queue", "outbox", "show", "7").returncode == NOT_FOUND
    assert ctl(place, "queue", "outbox", "list", "--order", "H7").returncode == NOT_FOUND
    assert ctl(place, "queue", "outbox", "retry", "--state", "4", "--reason", "x", "--yes").returncode == NOT_FOUND


def test_thousands_go_with_progress_while_nobody_waits_long(place: Installation) -> None:
    place.change("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO inbox"
                 " (message_id, channel, external_id, event_type, order_id, order_seq, event_ms, state, outcome, due_ms,"
                 " created_ms, updated_ms, body) SELECT 'm' || i, 'kuper', 'H', 'order.x', i, 1, 0, 4, 'quarantined', 0,"
                 " 0, 0, '{}' FROM n")
    done = ctl(place, "queue", "inbox", "skip", "--type", "order.x", "--reason", "a test of theirs", "--yes")
    assert done.returncode == DONE, done
    assert done.stdout == "queue inbox skip: 3000 of 3000 messages changed (audit 1)\n"
    assert len(done.stderr.splitlines()) == 30
    assert place.rows("SELECT count(*) FROM inbox WHERE state = 3 AND outcome = 'skipped'") == [(3000,)]
