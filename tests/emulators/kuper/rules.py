"""When the marketplace accepts a notification, as tables.

Rows 1-25 are the acceptance rules that the service's own autotests show; the README lists them. Rows S* come from its
published schema, rows A* are our reading where neither says anything. A notification passes the tables from top to bottom and
the first broken rule decides; one that breaks none is looked up in STEPS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kuper.model import PHASES, Kind, Shipment, number_of

TYPES = ("order.accepted", "order.in_work", "order.assembled", "order.pickup_code_created", "order.ready_for_delivery",
         "order.delivering", "order.delivered", "order.canceled")
TEXT_LIMIT = 255

_ALL = frozenset(TYPES)
_READY = frozenset({"order.ready_for_delivery"})
_COMPOSED = frozenset({"order.ready_for_delivery", "order.delivered"})
_OUR_ASSEMBLY = frozenset({Kind.DELIVERY_BY_MARKETPLACE, Kind.DELIVERY_BY_RETAILER, Kind.ACCOUNTING_WITH_PICKUP})
_NO_NOTIFICATIONS = frozenset({Kind.SHOPPER, Kind.ACCOUNTING})

# Rows whose HTTP code the service is known to get wrong: it may answer 200, but the state never changes.
UNRELIABLE_ROWS = frozenset({"13", "14", "17"})
# Rows that refuse a repeat; the schema promises 202 for them, the service answers 422.
REPEAT_ROWS = frozenset({"9", "11", "17"})


@dataclass(slots=True)
class Policy:
    enforce: bool = True
    spec_rules: bool = True
    unreliable_code: int = 422
    repeat_code: int = 422


@dataclass(slots=True)
class Notification:
    type: str
    payload: Any

    def text(self, name: str) -> str:
        value = self.payload.get(name)
        return value if isinstance(value, str) else ""

    @property
    def order(self) -> dict[str, Any]:
        order = self.payload.get("order")
        return order if isinstance(order, dict) else {}

    @property
    def positions(self) -> list[Any]:
        positions = self.order.get("positions")
        return positions if isinstance(positions, list) else []


@dataclass(slots=True)
class Verdict:
    status: int
    row: str
    next_phase: str | None = None
    kind: str = ""
    field: str | None = None
    message: str = ""

    @property
    def accepted(self) -> bool:
        return self.status == 200

    def errors(self) -> dict[str, Any]:
        return {"errors": [{"type": self.kind, "field": self.field, "message": self.message}], "code": self.status}


@dataclass(frozen=True, slots=True)
class ShapeRule:
    """Looks at the notification alone."""

    row: str
    types: frozenset[str]
    broken: Callable[[Notification], bool]
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class OrderRule:
    """Looks at the notification and the order it is about."""

    row: str
    types: frozenset[str]
    broken: Callable[[Notification, Shipment], bool]
    status: int
    field: str
    message: str


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("value"), str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _too_long(note: Notification) -> bool:
    names = ("order_id", "orderUUID", "code", "handoutCode", "estimated_assembly_at")
    return any(name in note.payload and len(str(note.payload[name])) > TEXT_LIMIT for name in names)


def _bad_position(note: Notification) -> bool:
    return any(not isinstance(line, dict) or not isinstance(line.get("id"), str) or not line["id"]
               or not _is_number(line.get("quantity")) for line in note.positions)


def _bad_weight(note: Notification) -> bool:
    return any("weight" in line and not (isinstance(line["weight"], str) and (line["weight"] or "0").isdigit())
               for line in note.positions)


def _bad_marking(note: Notification) -> bool:
    return any("markingCode" in line and not (isinstance(line["markingCode"], list)
                                              and all(map(_is_text_map, line["markingCode"])))
               for line in note.positions)


def _weight_missing(note: Notification, shipment: Shipment) -> bool:
    weighed = {line["id"] for line in shipment.positions() if number_of(line.get("weight")) > 0}
    return any(line["id"] in weighed and number_of(line["quantity"]) > 0 and not number_of(line.get("weight"))
               for line in note.positions)


SHAPE_RULES: tuple[ShapeRule, ...] = (
    ShapeRule("8", _ALL, lambda n: not isinstance(n.payload, dict), "payload", "payload is missing"),
    ShapeRule("5", _ALL, lambda n: not (n.text("order_id") or n.text("orderUUID")), "order_id",
              "order_id or orderUUID is required"),
    ShapeRule("6", _COMPOSED, lambda n: "order" in n.payload and not isinstance(n.order.get("originalOrderId"), str),
              "originalOrderId", "order.originalOrderId is required"),
    ShapeRule("6", _READY, lambda n: not n.order, "order", "order is required"),
    ShapeRule("7", _READY, lambda n: "changed" not in n.order and not n.positions, "positions",
              "either changed or positions is required"),
    ShapeRule("S1", _ALL, _too_long, "payload", "text longer than 255"),
    ShapeRule("S2", _READY, lambda n: n.order.get("changed") is not False and not n.positions, "positions",
              "positions may be left out only with changed=false"),
    ShapeRule("S3", _ALL, _bad_position, "positions", "a position needs id (text) and quantity (number)"),
    ShapeRule("S4", _ALL, _bad_weight, "weight", "weight is text with grams"),
    ShapeRule("S5", _ALL, _bad_marking, "markingCode", "markingCode is a list of {value}"),
    ShapeRule("S6", frozenset({"order.pickup_code_created"}), lambda n: not n.text("code"), "code", "code is required"),
)

ORDER_RULES: tuple[OrderRule, ...] = (
    OrderRule("23", _ALL, lambda n, s: s.kind in _NO_NOTIFICATIONS, 405, "type",
              "the store's integration type has no notifications"),
    OrderRule("19", frozenset({"order.delivering"}), lambda n, s: s.kind is not Kind.DELIVERY_BY_RETAILER, 405, "type",
              "the marketplace delivers this order"),
    OrderRule("A1", frozenset({"order.delivered"}), lambda n, s: s.kind is Kind.DELIVERY_BY_MARKETPLACE and not s.pickup,
              405, "type", "the marketplace delivers this order"),
    OrderRule("A2", frozenset({"order.pickup_code_created"}),
              lambda n, s: s.kind is not Kind.ACCOUNTING_WITH_PICKUP and not s.pickup, 405, "type",
              "the order is not picked up by the buyer"),
    OrderRule("A3", frozenset({"order.canceled"}),
              lambda n, s: s.phase == "shipping" and s.kind is not Kind.DELIVERY_BY_RETAILER, 422, "type",
              "the order is on its way"),
    OrderRule("S7", _ALL, lambda n, s: n.order.get("originalOrderId", s.id) != s.id, 422, "originalOrderId",
              "originalOrderId names another order"),
    OrderRule("S8", _READY, _weight_missing, 422, "weight", "weight is required for goods sold by weight"),
)

# One line per type, one cell per phase in the order of PHASES: "row>phase" accepts and moves, "row" alone refuses.
_STEP_TEXT: dict[str, str] = {
    #                            ready       accepted    collecting      assembled       ready_to_ship shipping   shipped canceled
    "order.accepted":            "A4>accepted A5          A5              A5              A5           A5          A5  A5",
    "order.in_work":             "1>collecting 1>collecting 9             9               10           10          10  10",
    "order.assembled":           "A6          A6          2>assembled     2>assembled     A6           A6          A6  A6",
    "order.pickup_code_created": "A7>ready    A7>accepted A7>collecting   A7>assembled    A8           A8          A8  A8",
    "order.ready_for_delivery":  "13          13          4>ready_to_ship 4>ready_to_ship 11           12          12  14",
    "order.delivering":          "A9          A9          A9              A9              20>shipping  A9          A9  A9",
    "order.delivered":           "22          22          22              22              21>shipped   21>shipped  A10 A10",
    "order.canceled":            "15>canceled 15>canceled 15>canceled     15>canceled     15>canceled  16>canceled 18  17",
}


def _read_steps() -> dict[tuple[str, str], tuple[str, str | None]]:
    steps: dict[tuple[str, str], tuple[str, str | None]] = {}
    for event_type, line in _STEP_TEXT.items():
        for phase, cell in zip(PHASES, line.split(), strict=True):
            row, _, target = cell.partition(">")
            steps[event_type, phase] = (row, target or None)
    return steps


STEPS = _read_steps()

_SHAPE_BY_TYPE = {name: tuple(rule for rule in SHAPE_RULES if name in rule.types) for name in TYPES}
_ORDER_BY_TYPE = {name: tuple(rule for rule in ORDER_RULES if name in rule.types) for name in TYPES}


def refusal(row: str, field: str | None, message: str, status: int = 422, kind: str = "invalid") -> Verdict:
    return Verdict(status, row, None, kind, field, message)


def parse(body: Any) -> Notification | Verdict:
    if not isinstance(body, dict) or not isinstance(body.get("event"), dict):
        return refusal("S0", "event", "event is missing")
    event = body["event"]
    if event.get("type") not in _ALL:
        return refusal("24", "type", "unknown type")
    return Notification(event["type"], event.get("payload"))


def judge_shape(note: Notification, policy: Policy) -> Verdict | None:
    for rule in _SHAPE_BY_TYPE[note.type]:
        if rule.row[0] == "S" and not policy.spec_rules:
            continue
        if rule.broken(note):
            return refusal(rule.row, rule.field, rule.message)
    return None


def judge_order(note: Notification, shipment: Shipment, policy: Policy) -> Verdict:
    """Whether this order takes this notification now, and where it goes."""
    for rule in _ORDER_BY_TYPE[note.type]:
        if rule.row[0] == "S" and not policy.spec_rules:
            continue
        if rule.broken(note, shipment):
            return refusal(rule.row, rule.field, rule.message, rule.status, "not_allowed")
    row, target = STEPS[note.type, shipment.phase]
    if target is None:
        return refusal(row, "type", f"not possible in state {shipment.state}", _refusal_code(row, policy), "invalid_state")
    if row == "4" and not note.positions:
        row = "3"
    return Verdict(200, row, target)


def _refusal_code(row: str, policy: Policy) -> int:
    if row in REPEAT_ROWS and policy.repeat_code != 422:
        return policy.repeat_code
    return policy.unreliable_code if row in UNRELIABLE_ROWS else 422


def relaxed(verdict: Verdict, policy: Policy) -> Verdict:
    """With `enforce` off every known order's notification is taken, so that a sender cannot lean on our refusals."""
    if policy.enforce or verdict.accepted:
        return verdict
    return Verdict(200, verdict.row)
