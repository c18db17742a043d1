"""The acceptance scenarios of an order's life (1 to 7), between the real processes and the emulated marketplace. Each ends with
the state on both sides, the notifications that the marketplace took (once, and in order), the history, the document and what
the reports count. What each sentence of the scenarios is held by: tests/data/order_cases.txt."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from api_client import Order, codes, error_of
from appliance import SLACK, wait_until
from load import rows, run_job
from street import (BANANAS, BEGUN, BESIDE, CURD, DELIVERED, KEFIR, MILK, TEA, TOLD, WATER, Street, open_street, play, position,
                    scenarios_of)


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with open_street() as street:
        yield street


def later(minutes: int) -> str:
    """An event's own time, which is not the time at which it is sent."""
    return (datetime.now(timezone(timedelta(hours=3))) + timedelta(minutes=minutes)).isoformat(timespec="seconds")


def worked_on(street: Street, external_id: str) -> None:
    waiting = "SELECT count(*) FROM inbox WHERE external_id = ? AND state IN (1, 2)"
    wait_until(lambda: street.shop.value(waiting, external_id) == 0, 10 * SLACK, "what came is worked on")


def scenario_1_a_plain_order(street: Street) -> None:
    order = street.taken((MILK, 2), (BANANAS, 3), store="1210")
    assert [line["name"] for line in order.read()["lines"]] == [MILK.name, BANANAS.name], "names are the catalogue's"
    order.pick_all()
    order.do("finishAssembly", bags=1)
    there = street.deliver(order)
    street.check(order, "delivered", "shipped", TOLD, [*BEGUN, "pick", "pick", "finish", *DELIVERED])
    document, = street.documents(order)
    assert Decimal(document["total"]) == Decimal(there["payload"]["total"]["discountTotalPrice"])
    assert {line["sku"]: line["vatRate"] for line in document["lines"]} == {MILK.sku: 10, BANANAS.sku: 22}
    assert street.report("1210", "orders", "delivered", "canceled", "on_time", "with_deadline", "lines", "found", "short") == (
        "1", "1", "0", "1", "1", "2", "2", "0")


def scenario_2_a_webhook_that_comes_again_and_again(street: Street) -> None:
    payload = street.payload((MILK, 2), store="1211")
    body = json.dumps({"event_type": "order.created", "timestamp": "2026-02-03T09:00:00+03:00", "payload": payload})
    street.market.create(order=payload, send=False)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: street.appliance.hook(body), range(3)))
    assert {answer.status for answer in answers} == {200} and len({answer.body for answer in answers}) == 1
    order = street.known(payload["originalOrderId"]).assembled()
    street.deliver(order)
    again = street.appliance.hook(body)
    assert (again.status, again.body) == (200, answers[0].body)
    worked_on(street, order.external_id)
    street.check(order, "delivered", "shipped", TOLD, [*BEGUN, "pick", "finish", *DELIVERED])
    assert street.shop.value("SELECT count(*) FROM orders WHERE external_id = ?", order.external_id) == 1
    assert [outcome for kind, outcome in street.outcomes(order) if kind == "order.created"] == ["ok", *["duplicate"] * 3]
    assert len(street.documents(order)) == 1
    assert street.report("1211", "orders", "delivered", "items") == ("1", "1", "2.000")


def scenario_2_a_webhook_without_a_time_comes_again_after_a_change(street: Street) -> None:
    payload = street.payload((MILK, 2))
    street.market.create(order=payload, timestamp=False)
    order = street.known(payload["originalOrderId"])
    street.market.update(order.external_id, positions=[{"id": MILK.sku, "quantity": 5}])
    wait_until(lambda: order.read()["lines"][0]["quantity"] == 5, 10 * SLACK, "the change is here")
    seen = order.read()
    street.market.control("POST", f"orders/{order.external_id}/resend", {"event_type": "order.created", "times": 2})
    wait_until(lambda: len(street.outcomes(order)) == 4, 10 * SLACK, "it has come again")
    worked_on(street, order.external_id)
    assert order.read() == seen and street.outcomes(order)[2:] == [("order.created", "duplicate")] * 2
    order.assembled()
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD, ["order.created", "accept", "order.updated", "take", "pick", "finish"])


def scenario_3_delivered_comes_before_received(street: Street) -> None:
    order = street.order((MILK, 2), store="1212").assembled()
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.market.event(order.external_id, "order.delivered", at=later(50))
    order.wait_for_state("delivered")
    street.market.event(order.external_id, "order.received", at=later(40))
    wait_until(lambda: "late" in order.history(), 10 * SLACK, "the late one is told in the history")
    street.check(order, "delivered", "shipped", TOLD, [*BEGUN, "pick", "finish", "order.delivered", "late"])
    late, = street.shop.rows("SELECT detail FROM order_history h JOIN orders o ON o.id = order_id WHERE external_id = ?"
                             " AND kind = 'late'", order.external_id)
    assert json.loads(late[0])["event"] == "order.received" and json.loads(late[0])["why"]
    assert street.outcomes(order) == [("order.created", "ok"), ("order.delivered", "ok"), ("order.received", "obsolete")]
    assert len(street.documents(order)) == 1
    assert street.report("1212", "delivered", "found", "short") == ("1", "1", "0")


def scenario_3_a_delivery_is_told_of_while_the_goods_are_picked(street: Street) -> None:
    order = street.taken((MILK, 2))
    order.pick_all()
    street.shop.event(order.external_id, "order.delivered", 50)
    worked_on(street, order.external_id)
    assert order.read()["state"] == "assembling"
    order.do("finishAssembly")
    order.wait_for_state("delivered")
    street.shop.event(order.external_id, "order.received", 40)
    wait_until(lambda: "late" in order.history(), 10 * SLACK, "the late one is told in the history")
    assert [kind for kind in order.history() if kind not in BESIDE] == [*BEGUN, "pick", "finish", "order.delivered", "late"]
    assert street.outcomes(order) == [("order.created", "ok"), ("order.delivered", "parked"), ("order.received", "obsolete")]


def scenario_3_canceled_comes_before_created(street: Street) -> None:
    payload = street.payload((MILK, 2), store="1213")
    gone = payload["originalOrderId"]
    street.market.create(order=payload, send=False)
    street.market.cancel(gone)
    street.market.event(gone, "order.created", payload=payload, at=later(-5))
    order = street.known(gone)
    order.wait_for_state("canceled")
    street.check(order, "canceled", "canceled", [], ["order.created", "accept", "order.canceled"])
    assert street.outcomes(order) == [("order.canceled", "parked"), ("order.created", "ok")]
    assert street.market.notifications(gone) == [], "nothing is said of an order that is over"
    assert street.documents(order) == []
    assert street.report("1213", "orders", "canceled", "canceled_by_store", "lines") == ("1", "1", "0", "0")


def scenario_3_a_change_is_older_than_what_is_stored(street: Street) -> None:
    order = street.order((MILK, 2))
    street.market.update(order.external_id, positions=[{"id": MILK.sku, "quantity": 5}], event_type="order.changed")
    older = {**street.market.order(order.external_id)["payload"], "positions": [position(MILK, 1)]}
    street.market.event(order.external_id, "order.updated", payload=older, at=later(-10))
    wait_until(lambda: "late" in order.history(), 10 * SLACK, "all are applied")
    assert order.read()["lines"][0]["quantity"] == 5
    order.assembled()
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD, ["order.created", "accept", "order.updated", "late", "take", "pick", "finish"])
    assert street.outcomes(order) == [("order.created", "ok"), ("order.changed", "ok"), ("order.updated", "obsolete")]
    assert street.final(order)[MILK.sku]["quantity"] == 5


def scenario_3_an_event_that_stays_early_expires_with_an_alert(street: Street) -> None:
    external_id = street.payload((MILK, 1))["originalOrderId"]
    street.shop.event(external_id, "order.paid", 0)
    parked = "SELECT count(*) FROM parked_events WHERE event_type = 'order.paid'"
    wait_until(lambda: street.shop.value(parked) == 1, 10 * SLACK, "it is parked")
    street.appliance.change("UPDATE parked_events SET expires_ms = 1 WHERE event_type = 'order.paid'")
    run_job(street.appliance, "housekeeping")
    assert street.shop.value(parked) == 0
    assert street.shop.value("SELECT count(*) FROM alerts WHERE text LIKE ?", f"%{external_id}%") == 1


def difference(order: Order) -> list[tuple[str, float, float]]:
    """What the marketplace has changed last, as the picker is shown it."""
    change = order.read()["changes"][0]
    assert change["event"] == "order.updated" and change["difference"]["version"]
    return [(line["sku"], line["from"], line["to"]) for line in change["difference"]["lines"]]


def scenario_4_a_change_before_the_start(street: Street) -> None:
    order = street.order((MILK, 2), (KEFIR, 1))
    street.changed(order, lambda: street.market.update(order.external_id, positions=[{"id": MILK.sku, "quantity": 5}],
                                                       remove=[KEFIR.sku], add=[{"id": TEA.sku, "quantity": 1}]))
    lines = order.read()["lines"]
    assert [(line["sku"], line["quantity"], line["state"]) for line in lines] == [
        (MILK.sku, 5, "pending"), (KEFIR.sku, 0, "removed"), (TEA.sku, 1, "pending")]
    assert difference(order) == [(MILK.sku, 2, 5), (TEA.sku, 0, 1), (KEFIR.sku, 1, 0)]
    order.do("takeOrder")
    order.do("pickPosition", line=1, quantity=5)
    order.do("pickPosition", line=3, quantity=1)
    order.do("finishAssembly")
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD,
                 ["order.created", "accept", "order.updated", "take", "pick", "pick", "finish"])
    final = street.final(order)
    assert (final[MILK.sku]["quantity"], final[TEA.sku]["quantity"]) == (5, 1)
    assert final.get(KEFIR.sku, {"quantity": 0})["quantity"] == 0


def scenario_5_a_change_while_the_goods_are_picked(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 3), (CURD, 1))
    order.pick_all()
    street.changed(order, lambda: street.market.update(
        order.external_id, positions=[{"id": MILK.sku, "quantity": 4}, {"id": KEFIR.sku, "quantity": 1}], remove=[CURD.sku],
        add=[{"id": WATER.sku, "quantity": 2}]))
    stale = order.call("finishAssembly")
    error_of(stale, 409, "stale_version")
    shown = stale.json()["result"]["order"]
    assert [(line["sku"], line["quantity"], line["pickedQuantity"]) for line in shown["lines"]] == [
        (MILK.sku, 4, 2), (KEFIR.sku, 1, 3), (CURD.sku, 0, 1), (WATER.sku, 2, 0)], "nothing that was picked is lost"
    assert difference(order) == [(MILK.sku, 2, 4), (KEFIR.sku, 3, 1), (WATER.sku, 0, 2), (CURD.sku, 1, 0)]
    order.read()
    assert codes(error_of(order.call("finishAssembly"), 422, "not_complete")) == [
        "1:not_picked", "2:too_much", "3:put_back", "4:not_picked"]
    order.do("pickPosition", line=1, quantity=4)
    order.do("pickPosition", line=2, quantity=1)
    order.do("resetPosition", line=3)
    order.do("pickPosition", line=4, quantity=2)
    order.do("finishAssembly")
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD, [*BEGUN, *["pick"] * 3, "order.updated",
                                                        "pick", "pick", "reset", "pick", "finish"])
    assert {sku: line["quantity"] for sku, line in street.final(order).items() if line["quantity"]} == {
        MILK.sku: 4, KEFIR.sku: 1, WATER.sku: 2}


def scenario_6_a_cancellation_while_the_goods_are_picked(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1), store="1214")
    order.do("pickPosition", line=1, quantity=2)
    wait_until(lambda: street.told(order) == TOLD[:2], 20 * SLACK, "work has begun, over there as well")
    street.changed(order, lambda: street.market.cancel(order.external_id, description="Передумал"))
    refused = order.call("pickPosition", line=2, quantity=1)
    assert error_of(refused, 409, "illegal_step")["details"][0]["allowed"] == []
    shown = refused.json()["result"]["order"]
    assert (shown["state"], shown["canceledBy"], shown["cancelReason"]) == ("canceled", "marketplace", "Передумал")
    assert shown["lines"][0]["pickedQuantity"] == 2, "what goes back to the shelf is shown"
    for method, more in (("finishAssembly", {}), ("keepAlive", {}), ("resetPosition", {"line": 1})):
        error_of(order.call(method, **more), 409, "illegal_step")
    paper = street.shop.ask("getPickList", number=order.number).body
    text = paper if isinstance(paper, str) else paper.decode()
    assert MILK.name in text and KEFIR.name not in text, "only what is in the bag goes back to the shelf"
    street.check(order, "canceled", "canceled", TOLD[:2], [*BEGUN, "pick", "order.canceled"])
    assert street.documents(order) == []
    assert street.report("1214", "canceled", "canceled_by_store", "lines") == ("1", "0", "0"), "nobody in the store gave it up"


RACES = int(os.environ.get("ORDERGATE_RACES", "10"))


def race(street: Street, times: int) -> None:
    """The cancellation and the end of the assembly at the same moment: one outcome, the same on both sides."""
    for _ in range(times):
        order = street.taken((MILK, 1))
        order.do("pickPosition", line=1, quantity=1)
        wait_until(lambda order=order: len(street.market.notifications(order.external_id)) == 2, 10 * SLACK, "work has begun")
        start = threading.Barrier(2)

        def finish(order: Order = order, start: threading.Barrier = start) -> int:
            start.wait()
            return order.call("finishAssembly").status

        def cancel(order: Order = order, start: threading.Barrier = start) -> None:
            start.wait()
            street.market.cancel(order.external_id)

        with ThreadPoolExecutor(2) as pool:
            finished, canceled = pool.submit(finish), pool.submit(cancel)
            canceled.result()
            assert finished.result() in (200, 409)
        order.wait_for_state("canceled")
        done = finished.result() == 200
        wait_until(lambda order=order: street.open_notices(order) == 0, 20 * SLACK, "everything is told")
        told = street.told(order)
        street.check(order, "canceled", "canceled", told, [*BEGUN, "pick",
                                                          *(["finish"] if done else []), "order.canceled"])
        assert told == TOLD[:len(told)] and (done or len(told) == 2)


def scenario_7_a_cancellation_that_races_with_the_finish(street: Street) -> None:
    race(street, RACES)


def extra_a_store_that_wants_no_notifications_gets_none(street: Street) -> None:
    payload = street.payload((MILK, 1), store="1204")
    street.market.create(order=payload, integration_type=4)
    order = street.known(payload["originalOrderId"]).assembled()
    street.check(order, "assembled", "ready", [], [*BEGUN, "pick", "finish"])
    assert street.market.notifications(order.external_id) == []
    assert {outcome for outcome, in street.shop.rows("SELECT outcome FROM outbox WHERE external_id = ?", order.external_id)} == {
        "skipped"}


def extra_an_order_can_be_shown_as_it_was(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1))
    order.do("pickPosition", line=1, quantity=1, reason="damaged")
    after_pick, = rows(street.appliance, "SELECT max(at_ms) FROM order_history h JOIN orders o ON o.id = order_id"
                       " WHERE number = ?", order.number)[0]
    wait_until(lambda: time.time() * 1000 > after_pick + 2000, 10, "a second goes by")
    order.do("pickPosition", line=1, quantity=2)
    order.do("pickPosition", line=2, quantity=1)
    order.do("finishAssembly")

    def shown(at_ms: int) -> dict[str, Any]:
        at = datetime.fromtimestamp(at_ms / 1000, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return json.loads(street.shop.ctl("order", "show", order.number, "--at", at, "--json"))["order"]

    created, = rows(street.appliance, "SELECT created_ms FROM orders WHERE number = ?", order.number)[0]
    first, then, last = shown(created), shown(after_pick), shown(after_pick + 3600_000)
    assert (first["state"], [line[8] for line in first["lines"]]) == ("accepted", [0, 0])
    assert (then["state"], then["picker"], [line[8] for line in then["lines"]]) == ("assembling", "anna", [1000, 0])
    assert then["lines"][0][2:4] == ["short", "damaged"]
    assert [line[8] for line in last["lines"]] == [2000, 1000] and last["state"] in ("assembled", "ready")


SCENARIOS = scenarios_of(globals())


@pytest.fixture(scope="module")
def outcomes(street: Street) -> dict[str, Future[None]]:
    return play(street, SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(outcomes: dict[str, Future[None]], name: str) -> None:
    outcomes[name].result()
