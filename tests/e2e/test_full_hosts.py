"""An installation on five machines (network namespaces) under load: each of them is stopped, frozen and cut off in turn.

Part of `./check full`. ORDERGATE_HOSTS_SEED repeats an order of events.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from appliance import SLACK, wait_until
from hosts import (LEASE_S, Attempts, Installation, Orders, Trouble, check, check_answers, installation, wait_for_all,
                   why_not_postgres)
from netns import why_not

pytestmark = pytest.mark.skipif(why_not() + why_not_postgres() != "", reason=why_not() + why_not_postgres())

SEED = int(os.environ.get("ORDERGATE_HOSTS_SEED", str(int(time.time()))))
# The active scheduler's machine is whichever it is at that moment.
LEADER = "leader"
REDUNDANT, ALONE = ("worker1", "worker2", "scheduler", LEADER), ("edge", "database")
HOW = ("killed", "frozen", "cut off")
RATE, LASTS_S = 6.0, 8.0
# A machine that goes in the middle of a transaction has the write lock for so long (docs/scale.md).
LOCKED_S = 2.0


def leader(one: Installation) -> str:
    def look() -> str:
        active = [row["host"] for row in one.status().values() if row["state"] == "active"]
        return active[0] if len(active) == 1 else ""

    return wait_until(look, 30 * SLACK, "one scheduler is active")


def runs(one: Installation) -> int:
    return int(one.database.rows("SELECT coalesce(max(id), 0) FROM job_runs WHERE outcome = 'ok'")[0][0])


def live_through(one: Installation, name: str, how: str) -> None:
    trouble = Trouble(one, leader(one) if name == LEADER else name, how)
    attempts = Attempts(one.market)
    began = time.monotonic()
    trouble.begin()
    if name in REDUNDANT:
        before = runs(one)
        wait_until(lambda: attempts.good() >= 2 * RATE and time.monotonic() > began + LASTS_S, (LASTS_S + LOCKED_S + 20) * SLACK,
                   f"{name} {how}: orders come in without it")
        wait_until(lambda: runs(one) > before + 1, (LEASE_S + LOCKED_S + 20) * SLACK, f"{name} {how}: jobs run")
    else:
        wait_until(lambda: attempts.bad(), 15 * SLACK, f"{name} {how}: that is noticed")
    gap, bad = attempts.longest_gap_s(), Counter(entry["status"] for entry in attempts.bad())
    back = Attempts(one.market)
    ended = time.monotonic()
    trouble.end()
    wait_until(lambda: back.good() >= RATE, (LOCKED_S + 30) * SLACK, f"{name} {how}: all is well again")
    took = time.monotonic() - ended
    if name in REDUNDANT:
        wait_until(lambda: all(row["state"] != "silent" for row in one.status().values()), 30 * SLACK, f"{name} {how}: seen again")
        assert gap < (LOCKED_S + 5) * SLACK, f"{name} {how}: {gap:.1f} s without an answer"
        worst = max(Counter(entry["order"] for entry in attempts.bad()).values(), default=0)
        assert worst <= (LOCKED_S + 5) * SLACK / 0.5, f"{name} {how}: an order had to be repeated {worst} times"
    check_answers(attempts)
    print(f"{name:9} {how:7} {attempts.good():4} good, bad {dict(bad)}, gap {gap:.1f} s; back: {took:.1f} s")


def test_each_machine_is_stopped_frozen_and_cut_off_under_load(folder: Path) -> None:
    events = [(name, how) for name in REDUNDANT + ALONE for how in HOW]
    random.Random(SEED).shuffle(events)
    print(f"\nseed {SEED}")
    with installation(folder) as one:
        orders = Orders(one.market, RATE).start()
        began = time.monotonic()
        try:
            for name, how in events:
                live_through(one, name, how)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{one.report()}") from None
        finally:
            orders.stop()
        wait_for_all(one, orders)
        check(one, orders)
        assert one.database.rows("SELECT job, slot_ms FROM job_runs WHERE outcome = 'ok' AND slot_ms IS NOT NULL"
                                 " GROUP BY 1, 2 HAVING count(*) > 1") == [], "no slot ran twice"
        print(f"{len(orders.ids)} orders, {time.monotonic() - began:.0f} s")
