"""Minutes of killing: every process again and again at random moments, while orders live their lives.

Part of `./check full`. ORDERGATE_KILL_MINUTES sets how long each loop takes; ORDERGATE_KILL_SEED repeats one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

from appliance import BACK_S, SLACK, Appliance, wait_until
from doubles import EMULATORS, between, charged
from load import Senders, Wrk, check_numbers, check_senders, check_store, ctl, rows, run_job, wait_until_processed

MINUTES = float(os.environ.get("ORDERGATE_KILL_MINUTES", "1.5"))
SEED = int(os.environ.get("ORDERGATE_KILL_SEED", str(int(time.time()))))
SERVICES = ("hook", "assembly", "processor", "notifier", "console", "scheduler", "nginx")
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 1.5
# Of the kills: SIGSTOP, which the watchdog has to find, and the supervisor with everything below it.
STOPPED_SHARE, SUPERVISOR_SHARE = 0.03, 0.04
DAY_GRACE_S = 240


class Killer:
    """Kills one process after another until it is told to stop."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._rng = random.Random(SEED)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.kills: Counter[str] = Counter()
        self.slowest_s = 0.0
        self.problem: BaseException | None = None

    def start(self) -> "Killer":
        print(f"\nseed {SEED}")
        self._thread.start()
        return self

    def stop(self) -> None:
        self._end.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        print(f"{sum(self.kills.values())} kills {dict(self.kills)}, back after {self.slowest_s:.2f} s at most")
        if self.problem is not None:
            raise self.problem

    def _run(self) -> None:
        try:
            while not self._end.wait(self._rng.uniform(SHORTEST_PAUSE_S, LONGEST_PAUSE_S)):
                self._kill_one()
        except BaseException as problem:  # noqa: BLE001: told by stop()
            self.problem = problem

    def _kill_one(self) -> None:
        if self._rng.random() < SUPERVISOR_SHARE:
            self._appliance.kill()
            self._appliance.start()
            self.kills["supervisor"] += 1
            return
        service = self._rng.choice(SERVICES)
        number, pid = self._rng.choice(sorted(self._appliance.pids(service).items()))
        if service != "nginx" and self._rng.random() < STOPPED_SHARE:
            self._stop_still(service, number, pid)
            return
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        self._appliance.wait_for_new(service, number, pid, BACK_S * SLACK)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.kills[service] += 1

    def _stop_still(self, service: str, number: int, pid: int) -> None:
        """The watchdog sees it after 10 s; others may be killed meanwhile."""
        os.kill(pid, signal.SIGSTOP)
        self._appliance.wait_for_new(service, number, pid, 10 + BACK_S * SLACK)
        self.kills[f"{service} by the watchdog"] += 1


def test_orders_that_come_while_everything_is_killed(appliance: Appliance) -> None:
    senders = Senders(appliance, 4, pause_s=0.005).start()
    wrk = Wrk(appliance, MINUTES * 60, 8, pause_ms=40)
    killer = Killer(appliance).start()
    try:
        result = wrk.result(MINUTES * 60 + 60)
        killer.stop()
        senders.stop()
    finally:
        wrk.destroy()
        senders.abandon()
    print(f"wrk {result}; senders {len(senders.acknowledged)} acknowledged, {dict(senders.statuses)},"
          f" without an answer {dict(senders.broken)}, longest gap {senders.longest_gap_s():.1f} s")
    wait_until_processed(appliance, 120)
    check_numbers(appliance, wrk.numbers())
    check_senders(appliance, senders)
    check_store(appliance)


def check_documents(appliance: Appliance, orders: list[dict]) -> int:
    """One document per delivered order, with the marketplace's sums. How many."""
    documents = dict(rows(appliance, "SELECT o.external_id, d.body FROM documents d JOIN orders o ON o.id = d.order_id"))
    delivered = {order["id"]: charged(order) for order in orders if order["state"] == "shipped"}
    assert set(documents) == {order_id for order_id, lines in delivered.items() if lines}
    for order_id, body in documents.items():
        document = json.loads(body)
        assert {line["sku"]: Decimal(line["amount"]) for line in document["lines"]} == delivered[order_id], order_id
        assert Decimal(document["total"]) == sum(delivered[order_id].values()), order_id
    numbers = [number for number, in rows(appliance, "SELECT number FROM documents ORDER BY number")]
    assert numbers == list(range(1, len(documents) + 1))
    files = sorted((appliance.state / "export").glob("documents-*.json"))
    exported = [document["number"] for path in files for document in json.loads(path.read_text(encoding="utf-8"))["documents"]]
    assert sorted(exported) == numbers
    return len(documents)


def test_a_day_of_orders_while_everything_is_killed(make_appliance, tmp_path: Path) -> None:
    """Pickers, buyers and couriers notice nothing but slower answers: each order ends as it was planned."""
    config = 'invoicing { default_vat = "22" }\njob invoicing { every = 10s }\n'
    with between(make_appliance, config) as (appliance, market):
        killer = Killer(appliance).start()
        try:
            day = subprocess.run(
                [sys.executable, "-m", "day", "--base-url", f"https://127.0.0.1:{appliance.port}", "--kuper-url",
                 market.base_url, "--assembly-token-file", appliance.state / "secrets" / "assembly-token", "--orders", "200",
                 "--minutes", str(MINUTES), "--grace", str(DAY_GRACE_S), "--strict", "--report", tmp_path / "report.json"],
                cwd=EMULATORS, capture_output=True, text=True, timeout=MINUTES * 60 + DAY_GRACE_S + 120, check=False)
        finally:
            killer.stop()
        print(day.stdout + day.stderr)
        assert day.returncode == 0, day.stdout + day.stderr
        wait_until_processed(appliance, 60)
        wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE state IN (1, 2)") == [(0,)], 60 * SLACK,
                   "everything is told")
        assert market.anomalies() == []
        run_job(appliance, "invoicing")
        count = check_documents(appliance, market.control("GET", "orders")["orders"])
        print(f"{count} documents")
        run_job(appliance, "invoicing")
        assert rows(appliance, "SELECT count(*) FROM documents") == [(count,)]
        assert rows(appliance, "SELECT state, count(*) FROM inbox WHERE state <> 3 GROUP BY 1") == []
        verify = ctl(appliance, "verify")
        assert verify.returncode == 0, verify.stdout
