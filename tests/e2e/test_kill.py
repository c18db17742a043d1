"""Processes die by SIGKILL, or stand still, while orders come in: nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import BACK_S, SLACK, Appliance, wait_until, within
from doubles import between
from load import Senders, Wrk, check_numbers, check_senders, check_store, rows, wait_until_processed

ROUNDS, KILLS_INSIDE = 3, 20
TARGETS = [("hook", 1), ("hook", 2), ("hook", 3), ("hook", 4), ("processor", 1), ("notifier", 1)]
WRK_CONNECTIONS, SENDERS = 16, 4
WATCHDOG_S = 10.0
SERVER_HOLDS_S = 1  # of the 2 s that a transaction may say nothing; until it is seen who holds it, up to 0.7 s have passed
NGINX_WAITS_S = 1.5  # for the answer of a hook, before it asks another one


@pytest.fixture
def senders(appliance: Appliance) -> Iterator[Senders]:
    made = Senders(appliance, SENDERS).start()
    yield made
    made.abandon()


def kill_and_wait(appliance: Appliance, service: str, number: int) -> float:
    """Seconds until the next one is there."""
    old = appliance.pids(service)[number]
    os.kill(old, signal.SIGKILL)
    began = time.monotonic()
    appliance.wait_for_new(service, number, old)
    return time.monotonic() - began


def wait_for_progress(senders: Senders, orders: int = 5) -> None:
    count = len(senders.acknowledged)
    within(lambda: len(senders.acknowledged) >= count + orders, BACK_S * SLACK, "orders are acknowledged")


def test_workers_killed_under_load_lose_nothing(appliance: Appliance, senders: Senders) -> None:
    wrk = Wrk(appliance, 300, WRK_CONNECTIONS)
    try:
        back_s = []
        wait_for_progress(senders)
        for _ in range(ROUNDS):
            for service, number in TARGETS:
                back_s.append(kill_and_wait(appliance, service, number))
                wait_for_progress(senders)
        assert wrk.runs(), "all of it happened while wrk ran"
        result = wrk.finish()
    finally:
        wrk.destroy()
    senders.stop()
    print(f"\n{len(back_s)} kills, back after {max(back_s):.2f} s at most;"
          f" wrk {result}; senders {len(senders.acknowledged)} acknowledged, {dict(senders.statuses)},"
          f" longest gap {senders.longest_gap_s():.2f} s")

    # Requests in flight at the killed worker go to another one.
    assert [result[name] for name in ("connect", "read", "write", "timeout", "status_errors")] == [0, 0, 0, 0, 0]
    assert not senders.broken and set(senders.statuses) == {200}
    assert senders.longest_gap_s() < BACK_S + SLACK, "nginx serves on"

    wait_until_processed(appliance)
    numbers = wrk.numbers()
    assert len(numbers) >= result["requests"] - result["status_errors"] - WRK_CONNECTIONS, "the answers were written down"
    check_numbers(appliance, numbers)
    check_senders(appliance, senders)
    check_store(appliance)


def test_a_killed_notifier_tells_everything_once(make_appliance) -> None:
    """The marketplace sends its orders and hears order.accepted about each, while those who do that are killed."""
    with between(make_appliance) as (appliance, market):
        # Whoever is killed has some under way.
        market.fault("delay", path="notifications", delay_ms=100, count=0)
        ids = []
        for _ in range(5):
            ids += market.control("POST", "orders", {"store_id": "1201", "lines": 3, "count": 40})["ids"]
            for service in ("notifier", "processor", "notifier"):
                kill_and_wait(appliance, service, 1)
        wait_until(lambda: market.stats()["webhooks_pending"] == 0, 30 * SLACK, "every order is acknowledged")
        wait_until_processed(appliance)
        wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE state IN (1, 2)") == [(0,)], 60 * SLACK,
                   "every notification is sent")
        assert rows(appliance, "SELECT state, outcome, count(*) FROM outbox GROUP BY 1, 2") == [(3, "ok", len(ids))]
        assert rows(appliance, "SELECT count(*) > 0 FROM outbox WHERE attempts > 1") == [(1,)], "no kill met a sending"
        told = {order["id"]: order["accepted"] for order in market.control("GET", "orders", brief=1)["orders"]}
        assert told == {order_id: ["order.accepted"] for order_id in ids}
        assert market.anomalies() == []
        check_store(appliance)


def stand_still(pid: int) -> None:
    """SIGSTOP, and until every thread obeys: one that is in the kernel gets there first."""
    os.kill(pid, signal.SIGSTOP)

    def stands() -> bool:
        states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        return set(states) == {"T"}

    wait_until(stands, 10, "it stands still")


OF_WRITERS = (" FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()"
              " WHERE l.locktype = 'advisory' AND ")
HOLDERS = f"SELECT a.pid, a.xact_start{OF_WRITERS} l.granted AND a.state = 'idle in transaction'"
QUEUE = f"SELECT a.pid, l.waitstart{OF_WRITERS} NOT l.granted"


def holder_stands_still(appliance: Appliance) -> bool:
    """A transaction that has the writers' lock of the database, and nobody goes on with it: its client is the one that stands."""
    # Whoever stands in the queue will have it, or is put out of it.
    queued = set(appliance.data.rows(QUEUE))
    wait_until(lambda: not queued & set(appliance.data.rows(QUEUE)), 10, "those who waited then wait no more")
    first = appliance.data.rows(HOLDERS)
    time.sleep(0.1)
    return first != [] and appliance.data.rows(HOLDERS) == first


def locks_held(appliance: Appliance, pid: int) -> set[str]:
    """"lock": it is inside of a transaction; "sync": it syncs the log for everybody. Others wait for either."""
    if appliance.data.on_server:
        return {"lock"} if holder_stands_still(appliance) else set()
    inodes = {str((appliance.state / f"ordergate.db.{lock}").stat().st_ino): lock for lock in ("lock", "sync")}
    holders = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" not in line]
    held = [words[5].rpartition(":")[2] for words in holders if words[1] == "FLOCK" and words[4] == str(pid)]
    return {inodes[inode] for inode in held if inode in inodes}


def stop_with_the_store(appliance: Appliance, pid: int, held: bool) -> None:
    """Stop it while it is inside of a transaction, or while nobody waits for it."""
    def stopped() -> bool:
        stand_still(pid)
        locks = locks_held(appliance, pid)
        if ("lock" in locks) if held else not locks:
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    wait_until(stopped, 60 * SLACK, "it stands still at the right moment")


def test_workers_killed_inside_of_their_transactions_lose_nothing(appliance: Appliance, senders: Senders) -> None:
    """The moment that counts: what such a transaction holds must not have been acknowledged."""
    for count in range(KILLS_INSIDE):
        wait_for_progress(senders)
        number = count % 4 + 1
        pid = appliance.pids("hook")[number]
        stop_with_the_store(appliance, pid, True)
        os.kill(pid, signal.SIGKILL)
        appliance.wait_for_new("hook", number, pid)
    wait_for_progress(senders)
    senders.stop()
    assert not senders.broken
    wait_until_processed(appliance)
    check_senders(appliance, senders)
    check_store(appliance)


def test_a_worker_that_stands_still_is_killed_and_the_others_serve_on(appliance: Appliance, senders: Senders) -> None:
    wait_for_progress(senders)
    old = appliance.pids("hook")[2]
    stop_with_the_store(appliance, old, False)
    began = time.monotonic()
    appliance.wait_for_new("hook", 2, old, WATCHDOG_S + BACK_S * SLACK)
    stood_still_s = time.monotonic() - began
    wait_for_progress(senders, 50)
    senders.stop()
    refused = senders.statuses[503]
    print(f"\nstood still for {stood_still_s:.1f} s; {len(senders.acknowledged)} acknowledged, {refused} refused,"
          f" longest gap {senders.longest_gap_s():.2f} s")
    assert WATCHDOG_S - 2 < stood_still_s
    assert "process is stuck" in appliance.log()
    # Who meets it is answered by another one, after as long as nginx waits.
    assert refused == 0 and senders.slowest_s > NGINX_WAITS_S
    assert senders.longest_gap_s() < max(NGINX_WAITS_S + 1, stood_still_s - 2) and not senders.broken
    wait_until_processed(appliance)
    check_senders(appliance, senders)
    check_store(appliance)


def test_a_worker_that_stands_still_with_the_store_in_its_hands_loses_it(appliance: Appliance, senders: Senders) -> None:
    """Nobody can write meanwhile: all of it is 503 until the watchdog, or until a server ends the transaction that says nothing
    (docs/decisions/027-several-machines.md), and then goes on."""
    held_s = SERVER_HOLDS_S if appliance.data.on_server else WATCHDOG_S - 2
    wait_for_progress(senders)
    old = appliance.pids("hook")[3]
    stop_with_the_store(appliance, old, True)
    stopped = time.monotonic()
    others = {number: pid for number, pid in appliance.pids("hook").items() if number != 3}
    appliance.wait_for_new("hook", 3, old, WATCHDOG_S + BACK_S * SLACK)
    wait_for_progress(senders, 50)
    senders.stop()
    # Answers that were on their way came at once; then there were none.
    silence = (stopped + 0.5, stopped + held_s)
    assert not [moment for moment in senders.moments if silence[0] < moment < silence[1]], "how was it stored?"
    assert (senders.statuses[503] > 0 or appliance.data.on_server) and not senders.broken
    wait_until_processed(appliance)
    assert {number: pid for number, pid in appliance.pids("hook").items() if number != 3} == others
    check_senders(appliance, senders)
    check_store(appliance)


def test_after_sigkill_of_everything_what_was_acknowledged_is_there(appliance: Appliance, senders: Senders) -> None:
    """All processes at one moment, in the middle of their work; those who send go on as soon as it is back."""
    for _ in range(3):
        wait_for_progress(senders, 100)
        appliance.process.send_signal(signal.SIGSTOP)
        for service in ("hook", "processor", "notifier", "assembly", "nginx", "scheduler", "console"):
            for pid in appliance.pids(service).values():
                os.kill(pid, signal.SIGKILL)
        appliance.kill()
        appliance.start()
    wait_for_progress(senders, 100)
    senders.stop()
    wait_until_processed(appliance)
    check_senders(appliance, senders)
    check_store(appliance)
