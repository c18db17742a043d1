"""Minutes of what operations throw at it: kills of everything, jobs too, with lost webhooks and a bad marketplace; a notifier
that is stopped past its lease. Part of `./check full`; ORDERGATE_KILL_MINUTES and ORDERGATE_KILL_SEED as in test_full_kill.py.
"""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import BACK_S, SLACK, Appliance, processes_of, wait_until
from bad_machine import HOUR_MS, BadMachine
from desk import IN_WORK, Desk
from doubles import Kuper, between
from kuper import remote
from load import check_store, ctl, rows, run_job, wait_until_processed
from test_full_kill import MINUTES, SEED

JOBS = ("telegram", "monitor", "mail", "reconcile", "invoicing", "housekeeping", "backup")
CONFIG = "channel kuper { timeout_ms = 1000 quick_attempts = 5 }\n" + "".join(
    f"job {name} {{ every = 3s timeout = 60s }}\n" for name in JOBS)
LEASE_S = 30
POISONED_MAX = 3
FAULTS = [{"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "reset_after"}, {"kind": "close_before"},
          {"kind": "close_after"}, {"kind": "half"}, {"kind": "garbage"}, {"kind": "delay", "delay_ms": 1500},
          {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}]


def victims(appliance: Appliance) -> dict[str, int]:
    """Every process of ours but the supervisor: services, and the jobs that happen to run."""
    found = {}
    for pid, arguments in processes_of(appliance.state).items():
        name = re.search(r"/ordergate-(\w+)$", arguments[0])
        if name and name[1] != "supervisor":
            found[f"{name[1]}:{pid}"] = pid
    return found


class Killer:
    """One process after another, at random moments, whatever it is doing."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._rng = random.Random(SEED)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.kills: Counter[str] = Counter()

    def start(self) -> "Killer":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._end.set()
        self._thread.join(60)
        print(f"\nseed {SEED}: {sum(self.kills.values())} kills {dict(self.kills)}")

    def _run(self) -> None:
        while not self._end.wait(self._rng.uniform(0.05, 0.4)):
            alive = victims(self._appliance)
            # Jobs are short: one of them whenever there is one.
            jobs = [name for name in alive if name.partition(":")[0] in JOBS]
            name = self._rng.choice(sorted(jobs or alive) or [""])
            if not name:
                continue
            try:
                os.kill(alive[name], signal.SIGKILL)
                self.kills[name.partition(":")[0]] += 1
            except ProcessLookupError:
                pass


def play(market: Kuper, seconds: float, rng: random.Random) -> dict[str, bool]:
    """Orders come, a third of them without a webhook, while the marketplace misbehaves. Id: is it cancelled?"""
    orders: dict[str, bool] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(4):
            made = market.create(store_id="1201", lines=2, send=rng.random() > 0.33)
            orders[made["id"]] = False
        if rng.random() < 0.5:
            market.fault(**rng.choice(FAULTS), path="notifications", count=rng.randint(1, 4))
        if rng.random() < 0.2:
            market.fault(**rng.choice(FAULTS), path="shipments", count=1)
        if rng.random() < 0.3:
            order_id = rng.choice(sorted(orders))
            if not orders[order_id]:
                market.cancel(order_id)
                orders[order_id] = True
        time.sleep(0.3)
    return orders


def settle(appliance: Appliance, market: Kuper) -> None:
    """Until nothing waits anywhere and the listing finds nothing new."""
    market.clear_faults()
    wait_until(lambda: market.stats()["webhooks_pending"] == 0, 120 * SLACK, "webhooks are acknowledged")

    def nothing_new() -> bool:
        line = run_job(appliance, "reconcile")
        wait_until_processed(appliance)
        return "messages=0" in line and "failed=0 waiting=0" in line

    wait_until(nothing_new, 120 * SLACK, "nothing is missing any more")
    wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE state IN (1, 2)") == [(0,)], 180 * SLACK,
               "everything is told")


def retry_poisoned(appliance: Appliance) -> None:
    """A message that was under way at five kills is taken for what kills, and kept. A person says that it is not."""
    poisoned = rows(appliance, "SELECT id, event_type, attempts, error FROM outbox WHERE state = 4 AND outcome = 'poisoned'")
    print(f"poisoned: {poisoned}")
    assert len(poisoned) <= POISONED_MAX, poisoned
    for message, *_ in poisoned:
        assert ctl(appliance, "queue", "outbox", "retry", str(message)).returncode == 0
    wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE state IN (1, 2)") == [(0,)], 60 * SLACK, "they are told too")


def check_orders(appliance: Appliance, market: Kuper, orders: dict[str, bool]) -> None:
    ours = dict(rows(appliance, "SELECT external_id, state FROM orders"))
    assert ours == {order_id: "canceled" if canceled else "accepted" for order_id, canceled in orders.items()}
    told = {order["id"]: order["accepted"] for order in market.control("GET", "orders", brief=1)["orders"]}
    assert {order_id: told[order_id] for order_id, canceled in orders.items() if not canceled} == {
        order_id: ["order.accepted"] for order_id, canceled in orders.items() if not canceled}
    assert {tuple(told[order_id]) for order_id, canceled in orders.items() if canceled} <= {(), ("order.accepted",)}
    assert market.anomalies() == []
    assert set(rows(appliance, "SELECT state, outcome FROM outbox GROUP BY 1, 2")) <= {
        (3, "ok"), (3, "duplicate"), (3, "obsolete")}
    history = rows(appliance, "SELECT order_id, count(*) FROM order_history WHERE kind = 'order.created' GROUP BY 1 HAVING count(*) > 1")
    assert history == [], "an order was made twice"
    verify = ctl(appliance, "verify")
    assert verify.returncode == 0 and "BAD" not in verify.stdout, verify.stdout + verify.stderr


def kill_while_orders_come(appliance: Appliance, market: Kuper, seconds: float) -> None:
    killer = Killer(appliance).start()
    try:
        orders = play(market, seconds, random.Random(SEED))
    finally:
        killer.stop()
    settle(appliance, market)
    retry_poisoned(appliance)
    print(f"{len(orders)} orders, {sum(orders.values())} cancelled, jobs {rows(appliance, 'SELECT outcome, count(*) FROM job_runs GROUP BY 1')}")
    check_orders(appliance, market, orders)
    assert sum(count for name, count in killer.kills.items() if name in JOBS) > 0, "no job was met"


def test_nothing_is_lost_or_doubled_while_everything_is_killed(make_appliance: Callable[..., Appliance]) -> None:
    with between(make_appliance, CONFIG) as (appliance, market):
        kill_while_orders_come(appliance, market, MINUTES * 60)


def test_the_same_with_a_clock_that_jumps(make_appliance: Callable[..., Appliance], folder: Path) -> None:
    machine = BadMachine(folder)
    with between(make_appliance, CONFIG, environment=machine.environment) as (appliance, market):
        stop = threading.Event()

        def jump() -> None:
            rng = random.Random(SEED)
            while not stop.wait(3):
                machine.set_clock(rng.choice((-7, -1, 0, 1, 7)) * HOUR_MS)

        jumper = threading.Thread(target=jump, daemon=True)
        jumper.start()
        try:
            orders = play(market, MINUTES * 30, random.Random(SEED))
        finally:
            stop.set()
            jumper.join()
        machine.set_clock(0)
        settle(appliance, market)
        check_orders(appliance, market, orders)


# --- a notifier that is stopped past its lease

@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    with remote.start(folder, "", "--settle-ms", "300") as market:
        made = Desk(folder, market)
        yield made
        made.destroy()


def test_a_notifier_stopped_past_its_lease_repeats_nothing(desk: Desk) -> None:
    """Two of them; the first is stopped in the middle of its calls for longer than its leases, then it goes on."""
    desk.configure(notifiers=2, parallel=8)
    orders = [desk.order() for _ in range(60)]
    desk.market.fault("delay", type=IN_WORK, delay_ms=200, count=0)
    for order in orders:
        desk.add(order, IN_WORK)
    first = desk.start(1)
    desk.wait(lambda: sum(desk.sent(order, IN_WORK) for order in orders) > 0, "something is under way")
    first.send_signal(signal.SIGSTOP)
    desk.start(2)
    time.sleep(LEASE_S + 5)
    first.send_signal(signal.SIGCONT)
    for order in orders:
        row = desk.wait_over(order, 60)[0]
        assert (row["state"], row["outcome"]) == (3, "ok")
        assert desk.sent(order, IN_WORK) == 1
    assert desk.market.anomalies() == []


def test_a_notifier_killed_after_it_was_stopped_loses_nothing(desk: Desk) -> None:
    desk.configure(notifiers=2, parallel=8)
    orders = [desk.order() for _ in range(40)]
    desk.market.fault("delay", type=IN_WORK, delay_ms=300, count=0)
    for order in orders:
        desk.add(order, IN_WORK)
    first = desk.start(1)
    desk.wait(lambda: sum(desk.sent(order, IN_WORK) for order in orders) > 0, "something is under way")
    first.send_signal(signal.SIGSTOP)
    desk.start(2)
    first.kill()
    first.wait()
    for order in orders:
        row = desk.wait_over(order, 60)[0]
        assert (row["state"], row["outcome"]) == (3, "ok")
    assert desk.market.anomalies() == []
