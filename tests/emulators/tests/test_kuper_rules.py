"""Every acceptance rule of the marketplace as a row: what was sent before, what is sent, what comes back, what stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from kuper.remote import Kuper
from kuper.rules import REPEAT_ROWS, UNRELIABLE_ROWS

T0, T3, T4, T5, T6 = 0, 3, 4, 5, 6
ORDER = "H48120937765"
PIECES = "100245871"
WEIGHED = "100318840"
WORK, DONE, ASSEMBLED = "order.in_work", "order.ready_for_delivery", "order.assembled"
CANCELED, DELIVERING, DELIVERED = "order.canceled", "order.delivering", "order.delivered"

NO_CHANGE = {"order": {"originalOrderId": ORDER, "changed": False}}
LINES = [{"id": PIECES, "originalQuantity": 2, "quantity": 2},
         {"id": WEIGHED, "originalQuantity": 1, "quantity": 1, "weight": "1120"}]
EVERYTHING = {
    "number": "RT-1", "handoutCode": "318",
    "order": {
        "originalOrderId": ORDER, "changed": True,
        "customer": {"name": "Иван П.", "phone": "+79990000001"},
        "delivery": {"expectedFrom": "2025-03-14T12:00:00+03:00", "expectedTo": "2025-03-14T14:00:00+03:00"},
        "total": {"totalPrice": "319.79", "discountTotalPrice": "279.79"},
        "positions": [
            {"id": PIECES, "originalQuantity": 2, "quantity": 2, "price": "89.90", "discountPrice": "79.90",
             "totalPrice": "179.80", "totalDiscountPrice": "159.80", "replacedByID": "", "weight": "",
             "markingCode": [{"value": "0104600000000017215EXAMPLE01"}, {"value": "0104600000000017215EXAMPLE02"}]},
            {"id": WEIGHED, "originalQuantity": 1, "quantity": 1, "replacedByID": "", "weight": "1120"}]}}


def order_of(shipment_method: str = "by_courier") -> dict[str, Any]:
    line = {"price": "89.90", "discountPrice": "79.90", "replacedByID": "", "totalPrice": "179.80",
            "totalDiscountPrice": "159.80"}
    return {"originalOrderId": ORDER, "storeID": "1207", "shipmentMethod": shipment_method,
            "positions": [{"id": PIECES, "originalQuantity": 2, "quantity": 2, "weight": "", **line},
                          {"id": WEIGHED, "originalQuantity": 1, "quantity": 1, "weight": "1000", **line}],
            "total": {"totalPrice": "359.60", "discountTotalPrice": "319.60"}}


@dataclass(frozen=True)
class Step:
    """One notification; `raw` replaces the whole payload, None sends none."""

    type: str
    payload: dict[str, Any] = field(default_factory=dict)
    raw: Any = "as payload"

    def body(self) -> dict[str, Any]:
        payload = {"order_id": ORDER, **self.payload} if self.raw == "as payload" else self.raw
        return {"event": {"type": self.type, **({} if payload is None else {"payload": payload})}}


READY = Step(DONE, NO_CHANGE)


@dataclass(frozen=True)
class Row:
    """`before` must be accepted (READY is waited for until it has settled), then `sent` gets `status`."""

    rule: str
    kind: int
    before: tuple[Step, ...]
    sent: Step
    status: int
    state: str
    method: str = "by_courier"
    items: str | None = None

    def __str__(self) -> str:
        path = "+".join(step.type.removeprefix("order.") for step in self.before) or "new"
        return f"{self.rule}-T{self.kind}-{path}-{self.sent.type.removeprefix('order.')}"


def steps(*types: str) -> tuple[Step, ...]:
    return tuple(READY if name == DONE else Step(name) for name in types)


ROWS: list[Row] = [
    *(Row("1", kind, (), Step(WORK), 200, "collecting") for kind in (T3, T5, T6)),
    Row("2", T3, steps(WORK), Step(ASSEMBLED), 200, "collecting"),
    Row("2", T3, steps(WORK, ASSEMBLED), Step(ASSEMBLED), 200, "collecting"),
    *(Row("3", kind, steps(WORK), READY, 200, "ready_to_ship", items="assembled") for kind in (T3, T5, T6)),
    Row("3", T3, steps(WORK, ASSEMBLED), READY, 200, "ready_to_ship", items="assembled"),
    Row("4", T3, steps(WORK), Step(DONE, {"order": {"originalOrderId": ORDER, "positions": LINES}}), 200, "ready_to_ship"),
    Row("4", T3, steps(WORK), Step(DONE, {"order": {"originalOrderId": ORDER, "changed": True, "positions": LINES}}), 200,
        "ready_to_ship"),
    Row("5", T3, steps(WORK), Step(DONE, raw=NO_CHANGE), 422, "collecting", items="pending"),
    Row("6", T3, steps(WORK), Step(DONE, {"order": {"changed": False}}), 422, "collecting"),
    Row("6", T3, steps(WORK), Step(DONE), 422, "collecting"),
    Row("7", T3, steps(WORK), Step(DONE, {"order": {"originalOrderId": ORDER}}), 422, "collecting"),
    Row("8", T3, (), Step(WORK, raw=None), 422, "ready"),
    Row("8", T3, steps(WORK), Step(CANCELED, raw=None), 422, "collecting"),
    Row("8", T5, steps(WORK, DONE), Step(DELIVERING, raw=None), 422, "ready_to_ship"),
    Row("9", T3, steps(WORK), Step(WORK), 422, "collecting"),
    Row("9", T3, steps(WORK, ASSEMBLED), Step(WORK), 422, "collecting"),
    Row("10", T3, steps(WORK, DONE), Step(WORK), 422, "ready_to_ship"),
    Row("10", T5, steps(WORK, DONE, DELIVERED), Step(WORK), 422, "shipped"),
    Row("10", T3, steps(CANCELED), Step(WORK), 422, "canceled"),
    Row("11", T3, steps(WORK, DONE), READY, 422, "ready_to_ship"),
    Row("12", T5, steps(WORK, DONE, DELIVERED), READY, 422, "shipped"),
    Row("12", T5, steps(WORK, DONE, DELIVERING), READY, 422, "shipping"),
    Row("13", T3, (), READY, 422, "ready"),
    Row("14", T3, steps(WORK, CANCELED), READY, 422, "canceled"),
    *(Row("15", kind, steps(*path), Step(CANCELED), 200, "canceled")
      for kind in (T3, T5) for path in ((), (WORK,), (WORK, ASSEMBLED), (WORK, DONE))),
    Row("16", T5, steps(WORK, DONE, DELIVERING), Step(CANCELED), 200, "canceled"),
    Row("17", T3, steps(CANCELED), Step(CANCELED), 422, "canceled"),
    Row("18", T5, steps(WORK, DONE, DELIVERED), Step(CANCELED), 422, "shipped"),
    Row("19", T3, steps(WORK, DONE), Step(DELIVERING), 405, "ready_to_ship"),
    Row("20", T5, steps(WORK, DONE), Step(DELIVERING), 200, "shipping"),
    Row("21", T5, steps(WORK, DONE), Step(DELIVERED), 200, "shipped"),
    Row("21", T5, steps(WORK, DONE, DELIVERING), Step(DELIVERED), 200, "shipped"),
    Row("22", T5, (), Step(DELIVERED), 422, "ready"),
    Row("22", T5, steps(WORK), Step(DELIVERED), 422, "collecting"),
    *(Row("23", kind, (), Step(name), 405, "ready") for kind in (T0, T4) for name in (WORK, ASSEMBLED, CANCELED, DELIVERING)),
    *(Row("23", kind, (), READY, 405, "ready") for kind in (T0, T4)),
    Row("24", T3, (), Step("order.unknown"), 422, "ready"),
    Row("24", T3, (), Step("order.estimated_delivery_time"), 422, "ready"),
    *(Row("25", kind, (), Step(WORK, EVERYTHING), 200, "collecting") for kind in (T3, T5)),
    *(Row("25", kind, steps(WORK), Step(CANCELED, EVERYTHING), 200, "canceled") for kind in (T3, T5)),
    *(Row("25", kind, steps(WORK), Step(DONE, EVERYTHING), 200, "ready_to_ship") for kind in (T3, T5)),
    Row("25", T5, steps(WORK, DONE), Step(DELIVERING, EVERYTHING), 200, "shipping"),
    Row("25", T5, steps(WORK, DONE), Step(DELIVERED, EVERYTHING), 200, "shipped"),
]


def with_lines(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"order": {"originalOrderId": ORDER, "positions": list(lines), **more}}


# Rows of the published schema and of our own reading; see the README.
OWN_ROWS: list[Row] = [
    Row("S1", T3, (), Step("order.accepted", {"handoutCode": "1" * 256}), 422, "ready"),
    Row("S2", T3, steps(WORK), Step(DONE, {"order": {"originalOrderId": ORDER, "changed": True}}), 422, "collecting"),
    Row("S3", T3, steps(WORK), Step(DONE, with_lines({"id": PIECES})), 422, "collecting"),
    Row("S3", T3, steps(WORK), Step(DONE, with_lines({"id": PIECES, "quantity": "2"})), 422, "collecting"),
    Row("S3", T3, steps(WORK), Step(DONE, with_lines({"id": 100245871, "quantity": 2})), 422, "collecting"),
    Row("S4", T3, steps(WORK), Step(DONE, with_lines({"id": WEIGHED, "quantity": 1, "weight": 1120})), 422, "collecting"),
    Row("S5", T3, steps(WORK), Step(DONE, with_lines({"id": PIECES, "quantity": 1, "markingCode": ["x"]})), 422, "collecting"),
    Row("S6", T6, steps(WORK), Step("order.pickup_code_created"), 422, "collecting"),
    Row("S7", T3, steps(WORK), Step(DONE, {"order": {"originalOrderId": "H1", "changed": False}}), 422, "collecting"),
    Row("S8", T3, steps(WORK), Step(DONE, with_lines({"id": WEIGHED, "quantity": 1})), 422, "collecting"),
    Row("S8", T3, steps(WORK), Step(DONE, with_lines({"id": WEIGHED, "quantity": 0})), 200, "ready_to_ship"),
    Row("A1", T3, steps(WORK, DONE), Step(DELIVERED), 405, "ready_to_ship"),
    Row("A1", T3, steps(WORK, DONE), Step(DELIVERED), 200, "shipped", method="pickup"),
    Row("A2", T3, steps(WORK), Step("order.pickup_code_created", {"code": "1234"}), 405, "collecting"),
    Row("A4", T3, (), Step("order.accepted", {"number": "RT-1"}), 200, "accepted"),
    Row("A4", T3, steps("order.accepted"), Step(WORK), 200, "collecting"),
    Row("A5", T3, steps("order.accepted"), Step("order.accepted"), 422, "accepted"),
    Row("A5", T3, steps(WORK), Step("order.accepted"), 422, "collecting"),
    Row("A6", T3, (), Step(ASSEMBLED), 422, "ready"),
    Row("A6", T3, steps(WORK, DONE), Step(ASSEMBLED), 422, "ready_to_ship"),
    Row("A7", T6, steps(WORK), Step("order.pickup_code_created", {"code": "1234"}), 200, "collecting"),
    Row("A8", T6, steps(WORK, DONE), Step("order.pickup_code_created", {"code": "1234"}), 422, "ready_to_ship"),
    Row("A9", T5, steps(WORK), Step(DELIVERING), 422, "collecting"),
    Row("A10", T5, steps(WORK, DONE, DELIVERED), Step(DELIVERED), 422, "shipped"),
    Row("A12", T3, (), Step(WORK, raw={"order_id": "H404"}), 422, "ready"),
]


def prepare(market: Kuper, row: Row) -> None:
    market.config(settle_ms=0)
    market.create(order=order_of(row.method), integration_type=row.kind, send=False)
    for step in row.before:
        assert market.notify_raw(step.body())[0] == 200, step
        if step.type == DONE:
            market.wait(ORDER, "ready_to_ship", timeout_ms=2000)


@pytest.mark.parametrize("row", ROWS + OWN_ROWS, ids=str)
def test_a_notification_is_judged_by_its_rule(market: Kuper, row: Row) -> None:
    prepare(market, row)
    status, body = market.notify_raw(row.sent.body())
    order = market.wait(ORDER, row.state, timeout_ms=2000)
    entry = market.journal(kind="notification")[-1]
    assert (status, entry["status"]) == (row.status, row.status)
    assert market.read_state(ORDER)["state"] == row.state
    if row.items:
        assert set(order["items"].values()) == {row.items}
    if status == 200:
        assert body is None and entry["accepted"]
    else:
        assert entry["row"] == row.rule
        assert body["code"] == status and {"type", "field", "message"} == set(body["errors"][0])


def test_every_rule_of_the_book_has_a_row() -> None:
    assert {row.rule for row in ROWS} == {str(number) for number in range(1, 26)}


@pytest.mark.parametrize("row", [row for row in ROWS if row.rule in UNRELIABLE_ROWS], ids=str)
def test_an_unreliable_rule_can_answer_200_without_an_effect(market: Kuper, row: Row) -> None:
    prepare(market, row)
    market.config(unreliable_code=200)
    assert market.notify_raw(row.sent.body())[0] == 200
    assert market.read_state(ORDER)["state"] == row.state
    assert market.anomalies() != []


@pytest.mark.parametrize("row", [row for row in ROWS if row.rule in REPEAT_ROWS], ids=str)
def test_a_repeat_can_be_answered_202_as_the_schema_says(market: Kuper, row: Row) -> None:
    prepare(market, row)
    market.config(repeat_code=202)
    assert market.notify_raw(row.sent.body()) == (202, None)
    assert market.read_state(ORDER)["state"] == row.state


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"event": []}', b'{"event": {"type": null}}', b"\xff\xfe"],
                         ids=str)
def test_a_body_without_an_event_is_refused(market: Kuper, body: bytes) -> None:
    assert market.notify_raw(body)[0] == 422


def test_ready_for_delivery_takes_effect_only_after_the_settle_time(market: Kuper) -> None:
    market.config(settle_ms=400)
    market.create(order=order_of(), send=False)
    market.notify(WORK, ORDER)
    assert market.notify(DONE, ORDER, **NO_CHANGE)[0] == 200
    assert market.read_state(ORDER)["state"] == "collecting"
    assert market.notify(DONE, ORDER, **NO_CHANGE)[0] == 422
    assert market.notify(WORK, ORDER)[0] == 422
    assert set(market.wait(ORDER, "ready_to_ship", timeout_ms=2000)["items"].values()) == {"assembled"}


def test_an_order_cancelled_while_settling_stays_cancelled(market: Kuper) -> None:
    market.config(settle_ms=100)
    market.create(order=order_of(), send=False)
    market.notify(WORK, ORDER)
    market.notify(DONE, ORDER, **NO_CHANGE)
    market.cancel(ORDER)
    entry = market.journal(kind="no such kind", wait_ms=250)
    assert entry == [] and market.read_state(ORDER)["state"] == "canceled"


def test_items_follow_the_final_composition(market: Kuper) -> None:
    market.create(order=order_of(), send=False)
    market.notify(WORK, ORDER)
    market.notify(DONE, ORDER, **with_lines({"id": PIECES, "quantity": 0, "replacedByID": "100700416"},
                                            {"id": WEIGHED, "quantity": 0}, {"id": "100700416", "quantity": 1}))
    items = market.wait(ORDER, "ready_to_ship")["items"]
    assert items == {PIECES: "replaced", WEIGHED: "canceled", "100700416": "assembled"}


def test_an_order_can_be_named_by_its_uuid(market: Kuper) -> None:
    order = market.create(order=order_of(), send=False)
    assert market.notify_raw({"event": {"type": WORK, "payload": {"orderUUID": order["uuid"]}}})[0] == 200
    reference = f"metro:{order['uuid']}"
    assert market.notify_raw({"event": {"type": ASSEMBLED, "payload": {"order_id": reference}}})[0] == 200


PATHS: dict[str, tuple[Step, ...]] = {
    "ready": (), "accepted": steps("order.accepted"), "collecting": steps(WORK), "assembled": steps(WORK, ASSEMBLED),
    "ready_to_ship": steps(WORK, DONE), "shipping": steps(WORK, DONE, DELIVERING), "shipped": steps(WORK, DONE, DELIVERED),
    "canceled": steps(CANCELED)}
# One mark per phase in the order of PATHS: + is accepted (merchant delivers, buyer may pick up), . is refused.
MATRIX: dict[str, str] = {
    "order.accepted": "+.......", WORK: "++......", ASSEMBLED: "..++....", "order.pickup_code_created": "++++....",
    DONE: "..++....", DELIVERING: "....+...", DELIVERED: "....++..", CANCELED: "++++++.."}


@pytest.mark.parametrize("event_type", MATRIX)
@pytest.mark.parametrize("phase", PATHS)
def test_every_type_in_every_phase(market: Kuper, event_type: str, phase: str) -> None:
    step = {DONE: READY, "order.pickup_code_created": Step(event_type, {"code": "1234"})}.get(event_type, Step(event_type))
    prepare(market, Row("", T5, PATHS[phase], step, 0, "", method="pickup"))
    before = market.order(ORDER)["phase"]
    status, _ = market.notify_raw(step.body())
    accepted = MATRIX[event_type][list(PATHS).index(phase)] == "+"
    assert (before, status) == (phase, 200 if accepted else 422)
    assert accepted or market.order(ORDER)["phase"] == phase


def test_a_merchant_cannot_cancel_what_the_marketplace_is_delivering(market: Kuper) -> None:
    prepare(market, Row("", T3, steps(WORK, DONE), READY, 0, ""))
    market.advance(ORDER, "order.delivering")
    assert market.notify(CANCELED, ORDER)[0] == 422
    assert market.read_state(ORDER)["state"] == "shipping"
