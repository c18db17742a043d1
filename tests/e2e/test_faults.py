"""What operations throw at it, in seconds. Longer ones are in test_full_faults.py."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance import BACK_S, SLACK, Appliance, wait_until
from bad_store import BUSY, BadStore
from bad_machine import FAILS, FULL, HOUR_MS, READ_ONLY, WORKS, BadMachine
from doubles import Kuper, between
from load import Senders, check_senders, check_store, ctl, order_body, rows, run_job, wait_until_processed

BAD_S, ANSWERED_S = 4.0, 2.0
BEHIND = 100_000
POISON = "HPOISON1"


@pytest.fixture
def machine(folder: Path) -> BadMachine:
    return BadMachine(folder)


def wait_for_progress(senders: Senders, count: int = 30) -> None:
    wanted = len(senders.acknowledged) + count
    wait_until(lambda: len(senders.acknowledged) >= wanted, 20 * SLACK, "orders are acknowledged")


def create(market: Kuper, count: int, **wish: Any) -> list[str]:
    return market.control("POST", "orders", {"store_id": "1201", "lines": 2, "count": count, **wish})["ids"]


def wait_until_told(appliance: Appliance, market: Kuper, ids: list[str], seconds: float = 60.0) -> None:
    """Every order is known, and the marketplace has heard of each once, in sequence."""
    wait_until(lambda: market.stats()["webhooks_pending"] == 0, seconds * SLACK, "every order is acknowledged")
    wait_until_processed(appliance)
    wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE state IN (1, 2)") == [(0,)], seconds * SLACK,
               "every notification is sent")
    told = {order["id"]: order["accepted"] for order in market.control("GET", "orders", brief=1)["orders"]}
    assert told == {order_id: ["order.accepted"] for order_id in ids}
    assert market.anomalies() == []
    # A duplicate: an attempt whose answer was lost had arrived, and the marketplace says so.
    ends = set(rows(appliance, "SELECT state, outcome FROM outbox"))
    assert (3, "ok") in ends and ends <= {(3, "ok"), (3, "duplicate")}, ends
    check_store(appliance)


# --- the disk

@pytest.mark.parametrize("how", [FULL, READ_ONLY, FAILS], ids=["full", "read-only", "failing"])
def test_a_bad_disk_refuses_orders_and_loses_none(make_appliance: Callable[..., Appliance], machine: BadMachine,
                                                  how: bytes) -> None:
    appliance = make_appliance()
    appliance.environment.update(machine.environment)
    appliance.start()
    senders = Senders(appliance, 4).start()
    try:
        wait_for_progress(senders)
        machine.disk(how)
        began = time.monotonic()
        time.sleep(BAD_S)
        ended = time.monotonic()
        machine.disk(WORKS)
        wait_for_progress(senders)
        senders.stop()
    finally:
        senders.abandon()
    # What was on its way when it began is all that may have been answered.
    stored = [moment for moment in senders.moments if began + ANSWERED_S < moment < ended]
    assert not stored, "acknowledged without a disk"
    assert senders.statuses[503] > 0
    wait_until_processed(appliance)
    check_senders(appliance, senders)
    check_store(appliance)


def test_a_statement_that_meets_a_busy_store_is_run_again(make_appliance: Callable[..., Appliance], folder: Path) -> None:
    """Each one of each program, once. With pickers, and a failing disk: test_full_statements.py."""
    store = BadStore(folder)
    with between(make_appliance, environment=store.environment) as (appliance, market):
        store.statements(BUSY)
        ids = create(market, 30)
        wait_until_told(appliance, market, ids, 30)
        failed = store.failed()
        for program, start in (("hook", "INSERT INTO inbox "), ("processor", "INSERT INTO orders"), ("processor", "COMMIT"),
                               ("notifier", "UPDATE outbox "), ("notifier", "INSERT INTO message_attempts")):
            assert any(sql.startswith(start) for sql in failed[program]), (program, start)


def test_a_message_that_kills_the_processor_is_put_apart(make_appliance: Callable[..., Appliance], folder: Path) -> None:
    """Its neighbours are worked on, it is given up, and after a mend it goes through."""
    store = BadStore(folder, "ordergate-processor")
    with between(make_appliance, environment=store.environment) as (appliance, market):
        first = create(market, 1)
        wait_until_told(appliance, market, first)
        store.die_of(POISON)
        market.create(order=order_body(POISON)["payload"])
        others = create(market, 40)
        wait_until(lambda: rows(appliance, "SELECT outcome FROM inbox WHERE external_id = ?", POISON) == [("poisoned",)],
                   40 * SLACK, "it is given up")
        losses = rows(appliance, "SELECT count(*) FROM message_attempts WHERE class = 'lost'")[0][0]
        print(f"\n{losses} attempts were lost with the processor")
        wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE state = 3") == [(1 + len(others),)], 20 * SLACK,
                   "the others are told")
        store.live()
        failed = rows(appliance, "SELECT id FROM inbox WHERE state = 4")
        assert len(failed) == 1
        assert ctl(appliance, "queue", "inbox", "retry", str(failed[0][0]), "--reason", "mended").returncode == 0
        wait_until_told(appliance, market, first + others + [POISON])


# --- time and signals

def test_without_any_doorbell_everything_is_done(make_appliance: Callable[..., Appliance], machine: BadMachine) -> None:
    machine.drop_bells()
    with between(make_appliance, environment=machine.environment) as (appliance, market):
        ids = []
        for _ in range(5):
            ids += create(market, 20)
            time.sleep(0.3)
        wait_until_told(appliance, market, ids, 20)


def test_a_clock_that_is_set_by_hours_loses_and_doubles_nothing(make_appliance: Callable[..., Appliance],
                                                                machine: BadMachine) -> None:
    with between(make_appliance, environment=machine.environment) as (appliance, market):
        # Whatever the clock says, some are on their way then, and some wait for another try.
        market.fault("delay", path="notifications", delay_ms=300, count=0)
        ids = []
        for ahead_ms in (0, 5 * HOUR_MS, 0, -5 * HOUR_MS, 0, 30 * HOUR_MS, 0):
            market.fault("status", path="notifications", status=503, count=2)
            ids += create(market, 15)
            wait_until(lambda: rows(appliance, "SELECT count(*) > 0 FROM outbox WHERE state = 2") == [(1,)], 20 * SLACK, "busy")
            machine.set_clock(ahead_ms)
        wait_until_told(appliance, market, ids, 40)


# --- many at once

def test_two_processors_and_two_notifiers_share_the_work(make_appliance: Callable[..., Appliance]) -> None:
    with between(make_appliance, "pool { processor = 2 notifier = 2 }\n") as (appliance, market):
        ids = create(market, 300)
        wait_until_told(appliance, market, ids)
        workers = {owner.partition("@")[0] for owner, in rows(appliance, "SELECT DISTINCT worker FROM message_attempts")}
        assert workers == {"notifier-1", "notifier-2"}


def seconds_for(appliance: Appliance, market: Kuper, count: int) -> float:
    """Until so many new orders have come and the marketplace knows that they have."""
    ids = create(market, count)
    began = time.monotonic()
    marks = ",".join("?" * len(ids))
    wait_until(lambda: rows(appliance, f"SELECT count(*) FROM outbox WHERE state = 3 AND external_id IN ({marks})", *ids)
               == [(count,)], 60 * SLACK, "they are told")
    return time.monotonic() - began


def test_a_hundred_thousand_messages_behind_one_blocked_order_slow_nobody(make_appliance: Callable[..., Appliance]) -> None:
    with between(make_appliance) as (appliance, market):
        blocked = create(market, 1)[0]
        wait_until(lambda: rows(appliance, "SELECT 1 FROM outbox WHERE state = 3"), 20 * SLACK, "it is there")
        before = min(seconds_for(appliance, market, 100) for _ in range(2))
        order_id = rows(appliance, "SELECT id FROM orders WHERE external_id = ?", blocked)[0][0]
        appliance.change("UPDATE inbox_head SET state = 4, last_seq = ? WHERE order_id = ?", BEHIND + 1, order_id)
        appliance.change("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)"
               " INSERT INTO inbox (message_id, channel, external_id, event_type, order_id, order_seq, event_ms, state, due_ms,"
               " created_ms, updated_ms, body) SELECT 'm' || i, channel, external_id, 'order.updated', order_id, i, event_ms, 1,"
               " 0, 0, 0, '{}' FROM n, inbox WHERE external_id = ?", BEHIND, blocked)
        after = seconds_for(appliance, market, 100)
        for _ in range(5):  # others may have been busy at the same time
            if after >= 2 * before + 1:
                after = min(after, seconds_for(appliance, market, 100))
        print(f"\n100 orders: {before:.2f} s alone, {after:.2f} s beside {BEHIND} waiting messages")
        assert after < 2 * before + 1
        assert market.anomalies() == []
        assert rows(appliance, "SELECT count(*) FROM inbox WHERE order_id = ? AND state = 1", order_id) == [(BEHIND,)]


def test_a_reader_that_stays_for_long_stops_nobody(appliance: Appliance) -> None:
    """The log grows meanwhile; when the reader has gone, it begins anew."""
    log = appliance.state / "ordergate.db-wal"
    senders = Senders(appliance, 4).start()
    try:
        wait_for_progress(senders)
        with contextlib.closing(appliance.store()) as reader:
            reader.execute("BEGIN")
            seen = reader.execute("SELECT count(*) FROM inbox").fetchone()
            wait_for_progress(senders, 600)
            assert reader.execute("SELECT count(*) FROM inbox").fetchone() == seen
            grown = log.stat().st_size
        wait_for_progress(senders, 600)
        at_rest = log.stat().st_size
        wait_for_progress(senders, 600)
        senders.stop()
    finally:
        senders.abandon()
    assert senders.longest_gap_s() < BACK_S + SLACK and not senders.broken
    assert log.stat().st_size <= max(at_rest, grown) + 8 * 1024 * 1024, "the log begins anew"
    wait_until_processed(appliance)
    check_senders(appliance, senders)
    check_store(appliance)


# --- the marketplace

AWAY: list[dict[str, Any]] = [
    {"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "close_before"}, {"kind": "status", "status": 500},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}, {"kind": "garbage"}, {"kind": "half"},
    {"kind": "delay", "delay_ms": 2500}, {"kind": "reset_after"}, {"kind": "close_after"}, {"kind": "status", "status": 502},
    {"kind": "status", "status": 504, "process": True}]


def test_a_marketplace_that_is_away_for_two_hours_gets_everything_once_in_sequence(
        make_appliance: Callable[..., Appliance], machine: BadMachine) -> None:
    config = "channel kuper { timeout_ms = 1000 quick_attempts = 2 }\njob reconcile { enabled = false }\n"
    with between(make_appliance, config, environment=machine.environment) as (appliance, market):
        ids = create(market, 5)
        wait_until_told(appliance, market, ids)
        for minute, fault in enumerate(AWAY):
            market.clear_faults()
            market.fault(**fault, path="*" if fault["kind"] in ("reset", "status") else "notifications", count=0)
            ids += create(market, 5)
            asked = len(market.journal(kind="notification")) + len(market.journal(kind="request"))
            wait_until(lambda: len(market.journal(kind="notification")) + len(market.journal(kind="request")) > asked,
                       20 * SLACK, f"it is tried: {fault}")
            machine.set_clock((minute + 1) * HOUR_MS // 6)
            if minute in (3, 6, 9):
                run_job(appliance, "monitor")
        wait_until(lambda: rows(appliance, "SELECT state FROM endpoints WHERE name = 'kuper'") == [("open",)], 20 * SLACK,
                   "the breaker is open")
        run_job(appliance, "monitor")
        machine.set_clock((len(AWAY) + 1) * HOUR_MS // 6)
        run_job(appliance, "monitor")
        assert rows(appliance, "SELECT state FROM alerts WHERE rule = 'breaker-open' AND state <> 'resolved'") == [
            ("firing",)]
        market.clear_faults()
        wait_until_told(appliance, market, ids, 60)
        assert rows(appliance, "SELECT state FROM endpoints WHERE name = 'kuper'") == [("closed",)]
        run_job(appliance, "monitor")
        assert rows(appliance, "SELECT DISTINCT state FROM alerts WHERE rule = 'breaker-open'") == [("resolved",)]
