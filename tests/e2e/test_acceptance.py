"""The acceptance scenarios of an order's life, between the real processes and the emulated marketplace. Each ends with the
state on both sides, the notifications that the marketplace took (once, and in order), and the history."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import tempfile
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api_client import Order, Shop, codes, error_of
from appliance import SLACK, Appliance, wait_until
from doubles import Kuper, between, charged
from kuper.goods import GOODS, catalogue_csv
from kuper.orders import position, totals
from load import check_log, ctl, rows, run_job

MILK, KEFIR, CURD, TEA, WATER = GOODS[0], GOODS[1], GOODS[2], GOODS[16], GOODS[20]
BANANAS, CHEESE = GOODS[32], GOODS[45]
STORE = "1207"
TOLD = ["order.accepted", "order.in_work", "order.assembled", "order.ready_for_delivery"]
DELIVERED = ["order.paid", "order.received", "order.delivering", "order.delivered"]
SETTINGS = """channel kuper { send_accepted = true send_assembled = true }
pool { hook = 2 assembly = 2 processor = 1 notifier = 1 }
invoicing { series = "AC" default_vat = "" seller_name = "ООО «Лавка»" seller_inn = "6900000001" formats = {"json"} }
"""
GS = "\x1d"
_numbers = itertools.count(1)


class Street:
    """The appliance, the marketplace, and what the tests ask of both."""

    def __init__(self, appliance: Appliance, market: Kuper) -> None:
        self.appliance, self.market, self.shop = appliance, market, Shop(appliance)

    def payload(self, *goods: tuple[Any, int], store: str = STORE, policy: str = "call_or_replace") -> dict[str, Any]:
        lines = [position(good, quantity) for good, quantity in goods]
        return {"originalOrderId": f"H{next(_numbers):010d}", "storeID": store, "customer": {"name": "Иван П.", "phone": "+79990000001"},
                "delivery": {"expectedFrom": "2031-02-03T12:00:00+03:00", "expectedTo": "2031-02-03T14:00:00+03:00"},
                "positions": lines, "total": totals(lines), "replacementPolicy": policy, "shipmentMethod": "by_courier"}

    def order(self, *goods: tuple[Any, int], **options: Any) -> Order:
        """One that both sides know."""
        payload = self.payload(*goods, **options)
        self.market.create(order=payload)
        return self.known(payload["originalOrderId"])

    def known(self, external_id: str) -> Order:
        number = "SELECT number FROM orders WHERE external_id = ?"
        found = wait_until(lambda: self.shop.rows(number, external_id), 10 * SLACK, f"{external_id} is an order")
        order = Order(self.shop, external_id, found[0][0])
        order.read()
        return order

    def taken(self, *goods: tuple[Any, int], **options: Any) -> Order:
        order = self.order(*goods, **options)
        order.do("takeOrder")
        return order

    def changed(self, order: Order, change: Any) -> None:
        """The marketplace changes the order, and the webhook is worked on."""
        before = order.seen
        change()
        wait_until(lambda: order.read()["version"] > before, 10 * SLACK, "the change is here")
        order.seen = before

    def deliver(self, order: Order) -> dict[str, Any]:
        self.market.wait(order.external_id, "ready_to_ship", 20_000)
        self.market.advance(order.external_id)
        done = self.market.wait(order.external_id, "shipped", 20_000)
        order.wait_for_state("delivered")
        return done

    def open_notices(self, order: Order) -> int:
        return self.shop.value("SELECT count(*) FROM outbox WHERE external_id = ? AND state IN (1, 2)", order.external_id)

    def told(self, order: Order) -> list[str]:
        """What the marketplace took."""
        return [kind for kind, status in self.market.notifications(order.external_id) if status == 200]

    def check(self, order: Order, state: str, market_state: str, told: list[str], history: list[str]) -> dict[str, Any]:
        """All is said and done: the same state on both sides, each notification taken once and in order, the history."""
        wait_until(lambda: self.open_notices(order) == 0, 20 * SLACK, "everything is told")
        assert order.read()["state"] == state
        there = self.market.wait(order.external_id, market_state)
        assert self.told(order) == told
        assert self.shop.rows("SELECT id, error FROM outbox WHERE external_id = ? AND state = 4", order.external_id) == []
        ours = [kind for kind in order.history() if kind not in ("ready.confirmed", "invoiced")]
        assert ours == history
        assert [a for a in self.market.anomalies() if a.get("order") == order.external_id] == []
        return there

    def final(self, order: Order) -> dict[str, dict[str, Any]]:
        """By SKU, the composition that the marketplace was told last."""
        return {line["id"]: line for line in self.market.order(order.external_id)["final"]["positions"]}

    def documents(self, order: Order) -> list[dict[str, Any]]:
        run_job(self.appliance, "invoicing")
        return [json.loads(body, parse_float=Decimal) for body, in self.shop.rows(
            "SELECT body FROM documents d JOIN orders o ON o.id = order_id WHERE external_id = ?", order.external_id)]


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    appliance = Appliance(folder)
    try:
        with between(lambda: appliance, SETTINGS) as (appliance, market):
            street = Street(appliance, market)
            (folder / "stores.csv").write_text("id,name,integration_type\n1207,Лавка,3\n1204,Учётная,4\n", encoding="utf-8")
            street.shop.ctl("store", "import", str(folder / "stores.csv"))
            (folder / "goods.csv").write_text(catalogue_csv(), encoding="utf-8")
            street.shop.ctl("catalog", "import", str(folder / "goods.csv"))
            yield street
            verified = ctl(appliance, "verify")
            assert verified.returncode == 0, verified.stdout + verified.stderr
            check_log(appliance)
        appliance.stop()
    finally:
        appliance.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def scenario_1_a_plain_order(street: Street) -> None:
    order = street.taken((MILK, 2), (BANANAS, 3))
    assert [line["name"] for line in order.read()["lines"]] == [MILK.name, BANANAS.name], "names are the catalogue's"
    order.pick_all()
    order.do("finishAssembly", bags=1)
    there = street.deliver(order)
    street.check(order, "delivered", "shipped", TOLD, ["order.created", "accept", "take", "pick", "pick", "finish", *DELIVERED])
    document, = street.documents(order)
    assert Decimal(document["total"]) == Decimal(there["payload"]["total"]["discountTotalPrice"])
    assert {line["sku"]: line["vatRate"] for line in document["lines"]} == {MILK.sku: 10, BANANAS.sku: 22}


def scenario_2_a_webhook_that_comes_again_and_again(street: Street) -> None:
    payload = street.payload((MILK, 2))
    body = json.dumps({"event_type": "order.created", "timestamp": "2026-02-03T09:00:00+03:00", "payload": payload})
    street.market.create(order=payload, send=False)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: street.appliance.hook(body), range(3)))
    assert {answer.status for answer in answers} == {200} and len({answer.body for answer in answers}) == 1
    order = street.known(payload["originalOrderId"]).assembled()
    street.deliver(order)
    again = street.appliance.hook(body)
    assert (again.status, again.body) == (200, answers[0].body)
    wait_until(lambda: street.shop.value("SELECT count(*) FROM inbox WHERE external_id = ? AND state IN (1, 2)",
                                         order.external_id) == 0, 10 * SLACK, "it is worked on")
    street.check(order, "delivered", "shipped", TOLD, ["order.created", "accept", "take", "pick", "finish", *DELIVERED])
    assert street.shop.value("SELECT count(*) FROM orders WHERE external_id = ?", order.external_id) == 1


def scenario_3_events_out_of_order(street: Street) -> None:
    # Delivered before received: the later time wins, and the early one is late.
    order = street.taken((MILK, 2))
    order.pick_all()
    street.shop.event(order.external_id, "order.delivered", 50)
    order.do("finishAssembly")
    order.wait_for_state("delivered")
    street.shop.event(order.external_id, "order.received", 40)
    wait_until(lambda: order.history()[-1] == "late", 10 * SLACK, "the late one is told in the history")
    assert order.history() == ["order.created", "accept", "take", "pick", "finish", "order.delivered", "late"]
    late, = street.shop.rows("SELECT detail FROM order_history h JOIN orders o ON o.id = order_id WHERE external_id = ?"
                             " AND kind = 'late'", order.external_id)
    assert json.loads(late[0])["event"] == "order.received" and json.loads(late[0])["why"]

    # Canceled before created; changed by something older than what is stored.
    payload = street.payload((MILK, 2))
    street.market.create(order=payload, send=False)
    gone = payload["originalOrderId"]
    street.shop.event(gone, "order.cancelled", 5)
    street.shop.event(gone, "order.created", 0, **{k: v for k, v in payload.items() if k != "originalOrderId"})
    canceled = street.known(gone)
    canceled.wait_for_state("canceled")
    assert canceled.history() == ["order.created", "accept", "order.canceled"]

    payload = street.payload((MILK, 2))
    street.market.create(order=payload, send=False)
    rest = {k: v for k, v in payload.items() if k != "originalOrderId"}
    for minute, event_type, quantity in ((0, "order.created", 2), (10, "order.changed", 5), (5, "order.updated", 1)):
        street.shop.event(payload["originalOrderId"], event_type, minute, **{**rest, "positions": [position(MILK, quantity)]})
    newest = street.known(payload["originalOrderId"])
    wait_until(lambda: newest.history() == ["order.created", "accept", "order.updated", "late"], 10 * SLACK, "all are applied")
    assert newest.read()["lines"][0]["quantity"] == 5


def scenario_3a_an_event_that_stays_early_expires_with_an_alert(street: Street) -> None:
    external_id = f"H{next(_numbers):010d}"
    street.shop.event(external_id, "order.paid", 0)
    parked = "SELECT count(*) FROM parked_events WHERE event_type = 'order.paid'"
    wait_until(lambda: street.shop.value(parked) == 1, 10 * SLACK, "it is parked")
    with closing(sqlite3.connect(street.appliance.state / "ordergate.db", timeout=5)) as store:
        store.execute("PRAGMA wal_autocheckpoint = 0")
        with store:
            store.execute("UPDATE parked_events SET expires_ms = 1 WHERE event_type = 'order.paid'")
    run_job(street.appliance, "housekeeping")
    assert street.shop.value(parked) == 0
    assert street.shop.value("SELECT count(*) FROM alerts WHERE text LIKE ?", f"%{external_id}%") == 1


def scenario_4_a_change_before_the_start(street: Street) -> None:
    order = street.order((MILK, 2), (KEFIR, 1))
    street.changed(order, lambda: street.market.update(order.external_id, positions=[{"id": MILK.sku, "quantity": 5}],
                                                       remove=[KEFIR.sku], add=[{"id": TEA.sku, "quantity": 1}]))
    lines = order.read()["lines"]
    assert [(line["sku"], line["quantity"], line["state"]) for line in lines] == [
        (MILK.sku, 5, "pending"), (KEFIR.sku, 0, "removed"), (TEA.sku, 1, "pending")]
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
    order.read()
    assert codes(error_of(order.call("finishAssembly"), 422, "not_complete")) == [
        "1:not_picked", "2:too_much", "3:put_back", "4:not_picked"]
    order.do("pickPosition", line=1, quantity=4)
    order.do("pickPosition", line=2, quantity=1)
    order.do("resetPosition", line=3)
    order.do("pickPosition", line=4, quantity=2)
    order.do("finishAssembly")
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD, ["order.created", "accept", "take", *["pick"] * 3, "order.updated",
                                                        "pick", "pick", "reset", "pick", "finish"])
    assert {sku: line["quantity"] for sku, line in street.final(order).items() if line["quantity"]} == {
        MILK.sku: 4, KEFIR.sku: 1, WATER.sku: 2}


def scenario_6_a_cancellation_while_the_goods_are_picked(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1))
    order.do("pickPosition", line=1, quantity=2)
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
    street.check(order, "canceled", "canceled", TOLD[:2], ["order.created", "accept", "take", "pick", "order.canceled"])
    assert street.documents(order) == []


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
        street.check(order, "canceled", "canceled", told, ["order.created", "accept", "take", "pick",
                                                          *(["finish"] if done else []), "order.canceled"])
        assert told == TOLD[:len(told)] and (done or len(told) == 2)


def scenario_7_a_cancellation_that_races_with_the_finish(street: Street) -> None:
    race(street, RACES)


def scenario_8_weighed_goods(street: Street) -> None:
    order = street.taken((BANANAS, 5), (CHEESE, 2), (MILK, 1))  # 900 g and 600 g
    fine = order.call("pickPosition", line=1, quantity=5, weight=860)
    assert fine.status == 200 and fine.json()["result"].get("warnings", []) == []
    warned = order.call("pickPosition", line=1, quantity=5, weight=1000)
    assert [warning["code"] for warning in warned.json()["result"]["warnings"]] == ["weight_differs"]
    assert codes(error_of(order.call("pickPosition", line=1, quantity=5, weight=1300), 422, "not_acceptable")) == ["1:weight_off"]
    assert codes(error_of(order.call("pickPosition", line=3, quantity=1, weight=100), 422, "not_acceptable")) == ["3:not_weighed"]
    order.do("pickPosition", line=2, quantity=0, reason="not_found")
    order.do("pickPosition", line=3, quantity=1)
    order.do("finishAssembly")
    there = street.deliver(order)
    street.check(order, "delivered", "shipped", TOLD, ["order.created", "accept", "take", *["pick"] * 4, "finish", *DELIVERED])
    final = street.final(order)
    assert (final[BANANAS.sku]["weight"], final[CHEESE.sku]["quantity"]) == ("1000", 0)
    document, = street.documents(order)
    assert {line["sku"]: Decimal(line["amount"]) for line in document["lines"]} == charged(there)


def scenario_9_replacements(street: Street) -> None:
    order = street.taken((MILK, 5))
    order.do("pickPosition", line=1, quantity=3, reason="not_found")
    dear = order.call("replacePosition", line=1, sku=TEA.sku, quantity=2, price="199.90")
    assert codes(error_of(dear, 422, "not_acceptable")) == ["1:too_dear"]
    order.do("replacePosition", line=1, sku=KEFIR.sku, quantity=2, price="74.50")  # two of five
    order.do("resetPosition", line=2)  # there is no kefir either
    chain = order.do("replacePosition", line=2, sku=TEA.sku, quantity=2, price="199.90", consent="phone")["lines"]
    assert [(line["replaces"], line["replacedBy"], line["pickedQuantity"]) for line in chain] == [
        (None, 2, 3), (1, 3, 0), (2, None, 2)]
    order.do("finishAssembly")
    street.deliver(order)
    street.check(order, "delivered", "shipped", TOLD,
                 ["order.created", "accept", "take", "pick", "replace", "reset", "replace", "finish", *DELIVERED])
    final = street.final(order)
    assert (final[MILK.sku]["quantity"], final[MILK.sku]["replacedByID"]) == (3, KEFIR.sku)
    assert (final[KEFIR.sku]["quantity"], final[KEFIR.sku]["replacedByID"]) == (0, TEA.sku)
    assert final[TEA.sku]["quantity"] == 2
    document, = street.documents(order)
    assert {line["sku"]: (line["vatRate"], Decimal(line["amount"])) for line in document["lines"]} == {
        MILK.sku: (10, Decimal("239.70")), TEA.sku: (22, Decimal("399.80"))}, "each at its own rate and price"


def scenario_10_nothing_is_there(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1))
    for line in (1, 2):
        order.do("pickPosition", line=line, quantity=0, reason="not_found")
    assert order.do("finishAssembly")["state"] == "canceled"
    street.check(order, "canceled", "canceled", [*TOLD[:2], "order.canceled"],
                 ["order.created", "accept", "take", "pick", "pick", "cancel"])
    assert street.documents(order) == []


def scenario_11_a_part_of_the_order(street: Street) -> None:
    order = street.taken((MILK, 3), (KEFIR, 1), (CURD, 2), (TEA, 1))
    order.do("pickPosition", line=1, quantity=2, reason="expired")
    order.do("pickPosition", line=2, quantity=0, reason="damaged")
    order.do("pickPosition", line=3, quantity=2)
    order.do("pickPosition", line=4, quantity=1)
    order.do("finishAssembly")
    there = street.deliver(order)
    street.check(order, "delivered", "shipped", TOLD, ["order.created", "accept", "take", *["pick"] * 4, "finish", *DELIVERED])
    assert there["items"] == {MILK.sku: "assembled", KEFIR.sku: "canceled", CURD.sku: "assembled", TEA.sku: "assembled"}
    document, = street.documents(order)
    assert {line["sku"]: Decimal(line["amount"]) for line in document["lines"]} == charged(there)
    assert KEFIR.sku not in charged(there)


def scenario_12_marked_goods(street: Street) -> None:
    def marking(serial: str) -> str:
        return f"0104600000000039215{serial}{GS}93Zjqw"

    order = street.taken((WATER, 2))
    first, second = marking("A1"), marking("A2")
    error_of(order.call("pickPosition", line=1, quantity=2, markingCodes=[first, first]), 422, "not_acceptable")
    order.do("pickPosition", line=1, quantity=2, markingCodes=[first, second])
    other = street.taken((WATER, 1))
    error_of(other.call("pickPosition", line=1, quantity=1, markingCodes=[first]), 422, "not_acceptable")
    order.do("finishAssembly")
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD, ["order.created", "accept", "take", "pick", "finish"])
    ready, = street.market.journal(kind="notification", order=order.external_id, type=TOLD[3])
    line, = ready["body"]["event"]["payload"]["order"]["positions"]
    assert [code["value"] for code in line["markingCode"]] == [first, second], "whole, with the separator"


def scenario_13_two_pickers_and_one_order(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1))
    busy = error_of(order.call("takeOrder", "boris"), 409, "wrong_picker")
    assert busy["details"][0]["pickerId"] == "anna" and busy["details"][0]["since"]
    base = order.seen
    order.do("takeOrder", "boris", takeOver=True)
    order.do("pickPosition", "boris", line=1, quantity=2)
    late = street.shop.change("replay", pickerId="anna", actions=[
        {"requestId": str(uuid.uuid4()), "method": "pickPosition", "deviceTime": "2031-01-01T00:00:00Z", "baseVersion": base,
         "requestData": {"number": order.number, "line": line, "quantity": 1, "reason": "other"}} for line in (1, 2)])
    assert late.status == 200, late
    assert [entry["verdict"] for entry in late.json()["result"]["actions"]] == ["conflict", "applied"]
    assert [line["pickedQuantity"] for line in order.read()["lines"]] == [2, 1]
    order.do("finishAssembly", "boris")
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD, ["order.created", "accept", "take", "takeOver", "pick", "pick", "finish"])


def scenario_14_a_handheld_without_a_connection(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1), (CURD, 1))
    base = order.seen
    actions = [{"requestId": f"{order.number}-{i}", "method": "pickPosition", "deviceTime": "2031-01-01T10:00:00Z",
                "baseVersion": base, "requestData": {"number": order.number, "line": line, "quantity": quantity, **more}}
               for i, (line, quantity, more) in enumerate(
                   [(1, 1, {"reason": "other"}), (1, 2, {}), (2, 1, {}), (3, 0, {"reason": "expired"}), (3, 1, {})])]
    # The answer to the second was lost: it is sent once by itself, and again within the journal.
    assert street.shop.change("replay", pickerId="anna", actions=actions[:2]).status == 200
    answer = street.shop.change("replay", pickerId="anna", actions=actions)
    assert [entry["verdict"] for entry in answer.json()["result"]["actions"]] == [
        "duplicate", "duplicate", "applied", "applied", "applied"]
    order.read()
    order.do("finishAssembly")
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD, ["order.created", "accept", "take", *["pick"] * 5, "finish"])
    recent = street.shop.value("SELECT max(at_ms) < 1000 * (unixepoch() + 60) FROM order_history")
    assert recent == 1, "a clock that is years ahead changes no time of ours"


def scenario_15_a_store_that_wants_no_notifications_gets_none(street: Street) -> None:
    payload = street.payload((MILK, 1), store="1204")
    street.market.create(order=payload, integration_type=4)
    order = street.known(payload["originalOrderId"]).assembled()
    street.check(order, "assembled", "ready", [], ["order.created", "accept", "take", "pick", "finish"])
    assert street.market.notifications(order.external_id) == []
    assert {outcome for outcome, in street.shop.rows("SELECT outcome FROM outbox WHERE external_id = ?", order.external_id)} == {
        "skipped"}


def scenario_16_an_order_can_be_shown_as_it_was(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1))
    order.do("pickPosition", line=1, quantity=1, reason="damaged")
    after_pick, = rows(street.appliance, "SELECT max(at_ms) FROM order_history h JOIN orders o ON o.id = order_id"
                       " WHERE number = ?", order.number)[0]
    wait_until(lambda: rows(street.appliance, "SELECT 1000 * unixepoch() > ? + 1000", after_pick) == [(1,)], 10, "a second goes by")
    order.do("pickPosition", line=1, quantity=2)
    order.do("pickPosition", line=2, quantity=1)
    order.do("finishAssembly")

    def shown(at_ms: int) -> dict[str, Any]:
        at = rows(street.appliance, "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ? / 1000.0, 'unixepoch')", at_ms)[0][0]
        return json.loads(street.shop.ctl("order", "show", order.number, "--at", at, "--json"))["order"]

    created, = rows(street.appliance, "SELECT created_ms FROM orders WHERE number = ?", order.number)[0]
    first, then, last = shown(created), shown(after_pick), shown(after_pick + 3600_000)
    assert (first["state"], [line[8] for line in first["lines"]]) == ("accepted", [0, 0])
    assert (then["state"], then["picker"], [line[8] for line in then["lines"]]) == ("assembling", "anna", [1000, 0])
    assert then["lines"][0][2:4] == ["short", "damaged"]
    assert [line[8] for line in last["lines"]] == [2000, 1000] and last["state"] in ("assembled", "ready")


SCENARIOS = {name.removeprefix("scenario_"): value for name, value in list(globals().items()) if name.startswith("scenario_")}


@pytest.fixture(scope="module")
def outcomes(street: Street) -> dict[str, Future[None]]:
    """They wait for the marketplace most of the time, so they all wait together: orders do not disturb each other."""
    with ThreadPoolExecutor(8) as pool:
        return {name: pool.submit(scenario, street) for name, scenario in SCENARIOS.items()}


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(outcomes: dict[str, Future[None]], name: str) -> None:
    outcomes[name].result()
