"""Orders read back from the marketplace: what no webhook told is found, and nothing is doubled when one comes too."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from appliance import BIN, SLACK, Appliance, wait_until
from doubles import Kuper, between
from load import check_store, rows, run_job, wait_until_processed

NO_HOOK = "http://127.0.0.1:9/"
# Seconds of the marketplace's clock are what events carry: a picture from the same second as an event may have missed it.
TICK_S = 1.1


class Pull:
    """One appliance and one marketplace for all of these tests; each makes orders of its own."""

    def __init__(self, appliance: Appliance, market: Kuper) -> None:
        self.appliance = appliance
        self.market = market
        self.hook_url = market.config()["hook_url"]

    def lose_webhooks(self) -> None:
        self.market.config(hook_url=NO_HOOK, attempt_limit=1)

    def keep_webhooks(self) -> None:
        self.market.config(hook_url=self.hook_url, attempt_limit=0)

    def run(self, code: int = 0) -> dict[str, int]:
        """One run by hand: the numbers of its result line."""
        done = subprocess.run([BIN / "ordergate-reconcile", "--state", self.appliance.state, "--config",
                               self.appliance.config], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "Sanitizer" not in done.stderr, done.stderr
        self.line = done.stdout.strip()
        wait_until_processed(self.appliance)
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", self.line)}

    def state(self, order_id: str) -> str | None:
        found = rows(self.appliance, "SELECT state FROM orders WHERE external_id = ?", order_id)
        return found[0][0] if found else None

    def inbox(self, order_id: str) -> list[tuple[str, str]]:
        return rows(self.appliance, "SELECT event_type, outcome FROM inbox WHERE external_id = ? ORDER BY order_seq", order_id)

    def told(self, order_id: str) -> list[str]:
        """What the marketplace heard about the order, when nothing of it waits any more."""
        wait_until(lambda: rows(self.appliance, "SELECT count(*) FROM outbox WHERE external_id = ? AND state IN (1, 2)",
                                order_id) == [(0,)], 20 * SLACK, "it is told")
        return self.market.order(order_id)["accepted"]

    def known(self) -> str:
        """An order that came by its webhook."""
        order_id = self.market.create(store_id="1201", lines=3)["id"]
        wait_until(lambda: self.state(order_id) == "accepted", 10 * SLACK, "it came")
        self.told(order_id)
        return order_id

    def quantities(self, order_id: str) -> dict[str, int]:
        return dict(rows(self.appliance, "SELECT sku, qty_milli FROM order_lines l JOIN orders o ON o.id = l.order_id"
                         " WHERE external_id = ?", order_id))


@pytest.fixture(scope="module")
def everything() -> Iterator[Pull]:
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    made: list[Appliance] = []

    def make(config: str = "") -> Appliance:
        made.append(Appliance(folder, config))
        return made[-1]

    with between(make, "channel kuper { timeout_ms = 3000 }\njob reconcile { enabled = false timeout = 40s }\n") as (
            appliance, market):
        yield Pull(appliance, market)
    for one in made:
        one.destroy()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def pull(everything: Pull) -> Iterator[Pull]:
    everything.market.reset()
    everything.market.clear_faults()
    everything.keep_webhooks()
    everything.run()
    yield everything
    everything.market.clear_faults()
    check_store(everything.appliance)
    assert {anomaly["anomaly"] for anomaly in everything.market.anomalies()} <= {"webhook_given_up"}


def test_an_order_whose_webhook_never_came_is_found(pull: Pull) -> None:
    order = pull.market.create(send=False, store_id="1777", lines=4)
    result = pull.run()
    assert result["brought"] == 1 and result["messages"] == 1 and result["waiting"] == 0
    assert pull.state(order["id"]) == "accepted"
    assert pull.told(order["id"]) == ["order.accepted"]
    store, total = rows(pull.appliance, "SELECT store_id, total_minor FROM orders WHERE external_id = ?", order["id"])[0]
    assert (store, f"{total / 100:.2f}") == ("1777", order["payload"]["total"]["totalPrice"])
    assert pull.quantities(order["id"]) == {line["id"]: round(float(line["quantity"]) * 1000)
                                            for line in order["payload"]["positions"]}


def test_a_run_says_in_the_history_how_far_it_is(pull: Pull, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(pull.appliance.data.open()) as store:
        run = store.execute("INSERT INTO job_runs (job, started_ms, outcome, detail, trigger, term)"
                            " VALUES ('reconcile', 1, 'running', '', 'test', 1) RETURNING id").fetchone()[0]
    monkeypatch.setenv("ORDERGATE_RUN_ID", str(run))
    pull.market.create(send=False, store_id="1777")
    pull.market.fault("delay", path="shipments", delay_ms=700, count=2)
    assert pull.run()["brought"] == 1
    detail, = rows(pull.appliance, "SELECT detail FROM job_runs WHERE id = ?", run)[0]
    assert re.fullmatch(r"listed=[1-9]\d* found=1 brought=0 failed=0 so far", detail), detail


def test_a_second_run_brings_nothing(pull: Pull) -> None:
    order_id = pull.market.create(send=False, store_id="1201")["id"]
    assert pull.run()["brought"] == 1
    assert pull.run()["brought"] == 0
    assert pull.inbox(order_id) == [("order.created", "ok")]


def test_a_webhook_that_comes_after_all_changes_nothing(pull: Pull) -> None:
    pull.lose_webhooks()
    order_id = pull.market.create(store_id="1201")["id"]
    pull.market.wait(order_id)
    time.sleep(TICK_S)
    pull.run()
    pull.keep_webhooks()
    pull.market.control("POST", f"orders/{order_id}/resend", {"event_type": "order.created", "times": 3})
    wait_until(lambda: len(pull.inbox(order_id)) == 4, 10 * SLACK, "they came")
    wait_until_processed(pull.appliance)
    assert pull.inbox(order_id) == [("order.created", "ok"), *[("order.created", "duplicate")] * 3]
    assert rows(pull.appliance, "SELECT version FROM orders WHERE external_id = ?", order_id) == [(1,)]
    assert pull.told(order_id) == ["order.accepted"]


def test_a_lost_cancellation_is_found(pull: Pull) -> None:
    order_id = pull.known()
    pull.lose_webhooks()
    pull.market.cancel(order_id, slug="store_closed", description="Магазин закрыт")
    result = pull.run()
    assert pull.state(order_id) == "canceled" and result["messages"] == 1
    assert rows(pull.appliance, "SELECT cancel_source, cancel_reason FROM orders WHERE external_id = ?", order_id) == [
        ("marketplace", "Магазин закрыт")]
    assert pull.run()["messages"] == 0


def test_an_order_that_was_cancelled_before_anybody_knew_it_is_never_offered_to_pickers(pull: Pull) -> None:
    pull.lose_webhooks()
    order_id = pull.market.create(store_id="1201")["id"]
    pull.market.cancel(order_id)
    pull.run()
    assert pull.state(order_id) == "canceled"
    assert [event for event, _ in pull.inbox(order_id)] == ["order.created", "order.canceled"]
    assert pull.told(order_id) == []


def test_a_changed_composition_is_found(pull: Pull) -> None:
    order_id = pull.known()
    first = pull.market.order(order_id)["payload"]["positions"][0]
    time.sleep(TICK_S)
    pull.lose_webhooks()
    pull.market.update(order_id, positions=[{"id": first["id"], "quantity": 9}], comment="Позвоните")
    time.sleep(TICK_S)
    result = pull.run()
    assert result["messages"] == 1
    assert pull.quantities(order_id)[first["id"]] == 9000
    assert pull.inbox(order_id)[-1] == ("order.updated", "ok")
    assert pull.run()["messages"] == 0


def test_an_old_picture_never_overwrites_a_newer_state(pull: Pull) -> None:
    """The order is read because one update was lost; the answer was made before an earlier one that has come."""
    order_id = pull.known()
    first = pull.market.order(order_id)["payload"]["positions"][0]
    old = pull.market.request("GET", f"/ofm/api/v1/shipments/{order_id}", None,
                              {"Client-Token": pull.market.client_token})[2].decode()
    time.sleep(TICK_S)
    pull.market.update(order_id, positions=[{"id": first["id"], "quantity": 7}])
    wait_until(lambda: pull.quantities(order_id)[first["id"]] == 7000, 10 * SLACK, "it came")
    time.sleep(TICK_S)
    pull.lose_webhooks()
    pull.market.update(order_id, positions=[{"id": first["id"], "quantity": 8}])
    time.sleep(TICK_S)
    before = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 60))
    pull.market.fault("status", path="shipments", order=order_id, status=200, body=old, headers={"Date": before})
    assert pull.run()["found"] == 1
    assert pull.quantities(order_id)[first["id"]] == 7000
    pull.run()
    assert pull.quantities(order_id)[first["id"]] == 8000


@pytest.mark.parametrize("event, state", [("order.delivering", "delivering"), ("order.delivered", "delivered")])
def test_a_courier_nobody_told_of_is_found(pull: Pull, event: str, state: str) -> None:
    order_id = pull.known()
    for name in ("order.in_work", "order.ready_for_delivery"):
        assert pull.market.notify(name, order_id, order={"originalOrderId": order_id, "changed": False})[0] == 200
    pull.market.wait(order_id, "ready_to_ship")
    pull.appliance.change("UPDATE orders SET state = 'ready' WHERE external_id = ?", order_id)
    pull.lose_webhooks()
    pull.market.advance(order_id, event)
    pull.run()
    assert pull.state(order_id) == state
    assert [name for name, _ in pull.inbox(order_id)][1:] == ["order.paid", event]
    assert rows(pull.appliance, "SELECT paid_ms > 0 FROM orders WHERE external_id = ?", order_id) == [(1,)]
    assert pull.run()["messages"] == 0


def test_what_comes_too_early_waits_once(pull: Pull) -> None:
    order_id = pull.known()
    pull.lose_webhooks()
    pull.market.advance(order_id, "order.delivering", force=True)
    first, second = pull.run(), pull.run()
    told = pull.inbox(order_id)
    pull.appliance.change("UPDATE inbox SET outcome = 'ok' WHERE outcome = 'parked'")
    pull.appliance.change("DELETE FROM parked_events")
    assert told == [("order.created", "ok"), ("order.paid", "ok"), ("order.delivering", "parked")]
    assert (first["messages"], second["messages"]) == (2, 0)


def test_a_listing_of_many_pages_is_gone_through(pull: Pull) -> None:
    ids = pull.market.control("POST", "orders", {"store_id": "1202", "lines": 1, "count": 130, "send": False})["ids"]
    result = pull.run()
    assert result["brought"] == 130 and result["listed"] >= 130
    assert {pull.state(order_id) for order_id in ids} == {"accepted"}
    calls = pull.market.journal(kind="request", type="shipments")
    assert len([entry for entry in calls if "nextPageToken" in (entry["query"] or "")]) >= 2
    read = [entry["order"] for entry in calls if entry["order"] in ids]
    assert sorted(read) == sorted(ids), "each of them was read once"


def test_a_listing_is_cut_at_the_limit_of_a_store_and_goes_on(pull: Pull) -> None:
    ids = pull.market.control("POST", "orders", {"store_id": "1203", "lines": 1, "count": 1100, "send": False})["ids"]
    listed = []
    for _ in range(5):
        result = pull.run()
        listed.append(result["listed"])
        if "unfinished" not in result:
            break
    assert len(listed) >= 2 and max(listed) <= 1000, listed
    assert {pull.state(order_id) for order_id in ids} == {"accepted"}


@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 500}, {"kind": "status", "status": 503}, {"kind": "half"}, {"kind": "garbage"},
    {"kind": "reset"}, {"kind": "close_before"}, {"kind": "close_after"}, {"kind": "delay", "delay_ms": 5000},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}, {"kind": "huge"},
    {"kind": "status", "status": 200, "body": "{}"}, {"kind": "status", "status": 200, "body": "<html>"},
    {"kind": "status", "status": 200, "body": '{"status":"success","data":{"originalOrderId":"H1"}}'}],
    ids=lambda fault: "-".join(str(value) for value in fault.values())[:40])
def test_an_answer_that_fails_is_asked_for_again(pull: Pull, fault: dict[str, Any]) -> None:
    order_id = pull.market.create(send=False, store_id="1201")["id"]
    pull.market.fault(**fault, path="shipments", order=order_id, count=1)
    result = pull.run()
    assert (result["brought"], result["failed"]) == (1, 0)
    assert pull.inbox(order_id) == [("order.created", "ok")]


def test_what_cannot_be_read_waits_for_the_next_run_and_stops_nothing_else(pull: Pull) -> None:
    bad = pull.market.create(send=False, store_id="1201")["id"]
    good = pull.market.create(send=False, store_id="1201")["id"]
    pull.market.fault("status", status=500, path="shipments", order=bad, count=0)
    result = pull.run(1)
    assert (result["brought"], result["failed"], result["waiting"]) == (1, 1, 1) and "HTTP 500" in pull.line
    assert pull.state(good) == "accepted" and pull.state(bad) is None
    assert rows(pull.appliance, "SELECT attempts, error LIKE '%500%' FROM pull_queue WHERE external_id = ?", bad) == [(1, 1)]
    pull.market.clear_faults()
    assert pull.run()["waiting"] == 0
    assert pull.state(bad) == "accepted"


def test_a_listing_that_fails_midway_goes_on_where_it_was(pull: Pull) -> None:
    ids = pull.market.control("POST", "orders", {"store_id": "1204", "lines": 1, "count": 120, "send": False})["ids"]
    # Every request after the first page; single orders are not meant, they are read afterwards.
    pull.market.fault("status", status=502, path="shipments", skip=1, count=3)
    result = pull.run(1)
    assert result["listed"] == 50 and result["unfinished"] == 1
    after = pull.run()
    assert after["listed"] == 120 - 50, "not from the beginning"
    assert {pull.state(order_id) for order_id in ids} == {"accepted"}


def test_wrong_credentials_fail_the_run_at_once(pull: Pull) -> None:
    pull.market.config(client_tokens=["another"])
    try:
        pull.run(1)
    finally:
        pull.market.config(client_tokens=[pull.market.client_token])
    assert "HTTP 401" in pull.line


def test_a_marketplace_that_is_away_leaves_everything_for_later(pull: Pull) -> None:
    order_id = pull.market.create(send=False, store_id="1201")["id"]
    pull.market.fault("reset", path="shipments", count=0)
    pull.run(1)
    assert pull.state(order_id) is None
    pull.market.clear_faults()
    pull.run()
    assert pull.state(order_id) == "accepted"


def test_a_killed_run_loses_and_doubles_nothing(pull: Pull) -> None:
    ids = pull.market.control("POST", "orders", {"store_id": "1205", "lines": 1, "count": 60, "send": False})["ids"]
    pull.market.fault("delay", path="shipments", delay_ms=100, skip=2, count=0)
    for _ in range(3):
        process = subprocess.Popen([BIN / "ordergate-reconcile", "--state", pull.appliance.state, "--config",
                                    pull.appliance.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = len(rows(pull.appliance, "SELECT 1 FROM orders"))
        wait_until(lambda: process.poll() is not None or len(rows(pull.appliance, "SELECT 1 FROM orders")) > before + 5,
                   20 * SLACK, "it is under way")
        process.kill()
        process.wait()
    pull.market.clear_faults()
    pull.run()
    assert {order_id: pull.inbox(order_id) for order_id in ids} == {order_id: [("order.created", "ok")] for order_id in ids}


def test_the_scheduler_runs_it_and_its_history_says_what_it_did(pull: Pull) -> None:
    order_id = pull.market.create(send=False, store_id="1201")["id"]
    line = run_job(pull.appliance, "reconcile")
    assert "brought=1 messages=1" in line and "failed=0" in line
    wait_until_processed(pull.appliance)
    assert pull.state(order_id) == "accepted"
    metrics = subprocess.run([BIN / "ordergatectl", "--config", pull.appliance.config, "--state", pull.appliance.state,
                              "metrics"], capture_output=True, text=True, check=True).stdout
    assert re.search(r'ordergate_reconcile_brought_total\{.*service="reconcile".*\} [1-9]', metrics)
