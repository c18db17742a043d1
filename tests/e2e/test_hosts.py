"""An installation on five machines (network namespaces), under load: one worker dies, the active scheduler freezes. What
every machine lives through in every way is test_full_hosts.py."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import SLACK, wait_until
from hosts import (LEASE_S, Attempts, Installation, Orders, Trouble, check, check_answers, installation, wait_for_all,
                   why_not_postgres)
from netns import why_not

pytestmark = pytest.mark.skipif(why_not() + why_not_postgres() != "", reason=why_not() + why_not_postgres())

RATE = 10  # orders a second


@pytest.fixture
def one(folder: Path) -> Iterator[Installation]:
    with installation(folder) as made:
        yield made


def terms(one: Installation) -> int:
    return int(one.database.rows("SELECT coalesce(max(term), 0) FROM job_runs WHERE outcome = 'ok'")[0][0])


def test_a_worker_dies_and_the_active_scheduler_freezes_under_load(one: Installation) -> None:
    began = time.monotonic()
    orders = Orders(one.market, RATE).start()
    worker = Trouble(one, "worker1", "killed")
    wait_until(lambda: Attempts(one.market, 0).good() > RATE, 20 * SLACK, "orders come in")
    attempts = Attempts(one.market)
    worker.begin()
    wait_until(lambda: attempts.good() > 3 * RATE, 30 * SLACK, "orders come in without it")
    print(f"\na worker dead: {attempts.good()} good answers, {len(attempts.bad())} bad ones, gap {attempts.longest_gap_s():.1f} s")

    leader = Trouble(one, "scheduler", "frozen")
    term = terms(one)
    leader.begin()
    wait_until(lambda: terms(one) > term, (LEASE_S + 10) * SLACK, "another scheduler's jobs run")
    leader.end()
    worker.end()
    wait_until(lambda: one.status()["worker1 hook-2"]["state"] == "up", 20 * SLACK, "the worker is back")
    assert one.status()["scheduler scheduler-1"]["state"] == "standby"
    assert [row["state"] for row in one.status().values() if "scheduler" in row["process"]].count("active") == 1
    wait_until(lambda: "standing by" in one.scheduler.log(), 10 * SLACK, "who was frozen knows")
    orders.stop()
    wait_for_all(one, orders)
    check_answers(attempts)
    check(one, orders)
    first, = one.database.rows(f"SELECT min(id) FROM job_runs WHERE term > {term}")[0]
    assert one.database.rows(f"SELECT count(*) FROM job_runs WHERE term <= {term} AND id > {first}") == [["0"]]
    print(f"{len(orders.ids)} orders, {time.monotonic() - began:.0f} s")
