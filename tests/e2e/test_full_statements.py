"""Every statement of every program meets a busy store once, and a failing disk once, while a day of orders is played; a program
that really dies of a message. Part of `./check full`; short versions of both are in test_faults.py.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance import SLACK, Appliance, wait_until
from bad_store import BUSY, FAILS, WORKS, BadStore
from doubles import EMULATORS, Kuper, between
from load import ctl, rows, run_job, wait_until_processed

PROGRAMS = ("hook", "processor", "notifier", "assembly")
GRACE_S = 180
SEEN_S = 30  # each statement of its way may have failed once, and wait for its repeat
# What the units of each program change. All of it has failed once, or the test has not met it.
CHANGED = {
    "hook": ("INSERT INTO inbox ", "INSERT INTO inbox_head", "INSERT INTO order_identity", "COMMIT", "BEGIN IMMEDIATE"),
    "processor": ("UPDATE inbox ", "UPDATE inbox_head", "INSERT INTO orders", "INSERT INTO order_history", "INSERT INTO outbox ",
                  "INSERT INTO outbox_head", "COMMIT", "BEGIN IMMEDIATE"),
    "notifier": ("UPDATE outbox ", "UPDATE outbox_head", "INSERT INTO message_attempts", "COMMIT", "BEGIN IMMEDIATE"),
    "assembly": ("UPDATE orders", "INSERT INTO order_history", "INSERT INTO outbox ", "INSERT INTO api_requests", "COMMIT",
                 "BEGIN IMMEDIATE"),
}


def play_a_day(appliance: Appliance, market: Kuper, report: Path) -> None:
    """Pickers, buyers and couriers, each of whom repeats what was not answered."""
    day = subprocess.run(
        [sys.executable, "-m", "day", "--base-url", f"https://127.0.0.1:{appliance.port}", "--kuper-url", market.base_url,
         "--assembly-token-file", appliance.state / "secrets" / "assembly-token", "--orders", "40", "--minutes", "0.5", "--grace",
         str(GRACE_S), "--seen", str(SEEN_S), "--strict", "--report", report],
        cwd=EMULATORS, capture_output=True, text=True, timeout=GRACE_S + 120, check=False)
    assert day.returncode == 0, day.stdout + day.stderr


def check_met(store: BadStore) -> None:
    failed = store.failed()
    print({program: len(found) for program, found in failed.items()})
    for program, starts in CHANGED.items():
        missing = [start for start in starts if not any(sql.startswith(start) for sql in failed.get(program, ()))]
        assert not missing, (program, missing)


def check_end(appliance: Appliance, market: Kuper) -> None:
    wait_until_processed(appliance, 60)
    wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE state IN (1, 2)") == [(0,)], 120 * SLACK,
               "everything is told")
    assert market.anomalies() == []
    assert rows(appliance, "SELECT id, event_type, state, outcome, error FROM inbox WHERE state <> 3") == []
    assert rows(appliance, "SELECT id, event_type, state, outcome, error FROM outbox WHERE state <> 3") == []
    run_job(appliance, "invoicing")
    delivered = {order["id"] for order in market.control("GET", "orders", brief=1)["orders"] if order["state"] == "shipped"}
    documents = rows(appliance, "SELECT o.external_id FROM documents d JOIN orders o ON o.id = d.order_id")
    assert len(documents) == len(set(documents)) and {name for name, in documents} <= delivered
    verify = ctl(appliance, "verify")
    assert verify.returncode == 0 and "BAD" not in verify.stdout, verify.stdout


@pytest.mark.parametrize("how", [BUSY, FAILS], ids=["busy", "failing"])
def test_every_statement_fails_once_and_nothing_is_lost(make_appliance: Callable[..., Appliance], folder: Path, tmp_path: Path,
                                                        how: bytes) -> None:
    store = BadStore(folder)
    config = 'invoicing { default_vat = "22" }\njob invoicing { every = 10s }\njob reconcile { every = 10s }\n'
    with between(make_appliance, config, environment=store.environment) as (appliance, market):
        store.statements(how)
        play_a_day(appliance, market, tmp_path / "report.json")
        store.statements(WORKS)
        check_met(store)
        check_end(appliance, market)
