"""What is known of one order while the day runs; shared by the director and the pickers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from day.plan import DURING, LinePick, OrderPlan
from kuper.model import number_of

GONE = ("removed", "replaced")
_USUAL = LinePick()


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall stand on a line in the end."""

    quantity: int
    weight_g: int | None
    reason: str | None

    def met_by(self, line: dict[str, Any]) -> bool:
        if line.get("state") == "pending" or number_of(line.get("pickedQuantity")) != self.quantity:
            return False
        return not self.weight_g or number_of(line.get("pickedWeight")) == self.weight_g


@dataclass(slots=True)
class Record:
    plan: OrderPlan
    id: str
    takeable: bool = False
    taken_by: str | None = None
    number: str | None = None
    finished_at: float | None = None
    short: bool = False
    picked: dict[str, Wish] = field(default_factory=dict)
    accepted: dict[str, asyncio.Event] = field(default_factory=dict)
    half_picked: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    market: dict[str, Any] = field(default_factory=dict)
    shop_state: str | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def stops_halfway(self) -> bool:
        """Does something planned happen while the picker is at work?"""
        return DURING in (self.plan.change_stage, self.plan.cancel_stage)

    def accepted_event(self, event_type: str) -> asyncio.Event:
        return self.accepted.setdefault(event_type, asyncio.Event())

    def wish(self, line: dict[str, Any]) -> Wish:
        """A line the marketplace added later is simply taken."""
        pick = self.plan.picks.get(line["sku"], _USUAL)
        ordered = int(number_of(line["quantity"]))
        quantity = ordered * pick.taken_permille // 1000
        weight = None
        if number_of(line.get("weight")) > 0:
            grams = number_of(line["weight"]) * quantity / (ordered or 1)
            weight = int(grams * pick.weight_permille / 1000)
        return Wish(quantity, weight, pick.reason if quantity < ordered else None)

    def change_visible(self, order: dict[str, Any]) -> bool:
        """Does the appliance show the change that the marketplace was told to make?"""
        change = self.plan.change or {}
        lines = {line["sku"]: line for line in open_lines(order)}
        wanted = [*change.get("positions", []), *change.get("add", [])]
        return (all(wish["id"] in lines and number_of(lines[wish["id"]]["quantity"]) == wish["quantity"] for wish in wanted)
                and not any(sku in lines for sku in change.get("remove", [])))


def open_lines(order: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for line in order["lines"] if line.get("state") not in GONE]


def lines_to_put_back(order: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for line in order["lines"] if line.get("state") == "removed" and number_of(line.get("pickedQuantity"))]


def compare_composition(record: Record) -> list[str]:
    """What the marketplace was told against what was put into the bag. Weighed goods are compared by weight."""
    final = record.market.get("final") or {}
    if final.get("changed") is False and not final.get("positions"):
        told = {line["id"]: line for line in record.market["payload"]["positions"]}
    else:
        told = {line["id"]: line for line in final.get("positions") or []}
    problems = [f"line {line['id']} is not in the final composition" for line in record.market["payload"]["positions"]
                if line["id"] not in told]
    for sku, wish in record.picked.items():
        line = told.get(sku)
        if line is not None:
            problems += _compare_line(sku, wish, number_of(line.get("quantity")), number_of(line.get("weight")))
    return problems


def _compare_line(sku: str, wish: Wish, quantity: Decimal, weight: Decimal) -> list[str]:
    if wish.weight_g:
        return [] if weight == wish.weight_g else [f"line {sku}: picked {wish.weight_g} g, told {weight} g"]
    return [] if quantity == wish.quantity else [f"line {sku}: picked {wish.quantity}, told {quantity}"]
