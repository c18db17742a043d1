"""What shall happen on the day: a pure function of the options. No clock, no network.

Times are seconds from the start of the day; slots and deadlines are minutes from it, because they end up in the orders as
real times.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from kuper.goods import GOODS
from kuper.model import number_of
from kuper.orders import MOSCOW, OrderSpec, make_order

FIRST_STORE = 1201
REASONS = ("not_found", "expired", "damaged", "customer_refused", "other")
COURIER = ("order.paid", "order.received", "order.delivering", "order.delivered")
MAX_SEQUENCE = 9999

DELIVERED, CANCELED_OUTSIDE, CANCELED_BY_STORE = "delivered", "canceled by the marketplace", "canceled by the store"
BEFORE, DURING, AFTER = "before assembly", "during assembly", "after assembly"

# Shares of the day's orders with something special; an order has at most one of these. Each happens at least once from 20
# orders on.
SHARES: tuple[tuple[str, float], ...] = (
    ("late", 0.04), ("cancel_before", 0.02), ("cancel_during", 0.02), ("cancel_after", 0.02),
    ("store_cancel_before", 0.015), ("store_cancel_during", 0.015), ("change_before", 0.10), ("change_during", 0.10),
)
SHORT_LINE, REDELIVERED = 0.08, 0.10
CREATION_ENDS, LATE_CREATED, LATE_HELD = 0.70, 0.10, 0.75


@dataclass(frozen=True, slots=True)
class Options:
    seed: int = 1
    orders: int = 200
    stores: int = 5
    minutes: float = 1.5
    pickers: int = 2
    quirks: bool = True
    seen_s: float = 0.0  # 0: as the pace is

    @property
    def seconds(self) -> float:
        return self.minutes * 60

    @property
    def pace(self) -> float:
        """Waits are meant for a day of 90 s; a shorter one shortens them too."""
        return min(1.0, self.seconds / 90)

    @property
    def store_ids(self) -> list[str]:
        return [str(FIRST_STORE + number) for number in range(self.stores)]


@dataclass(frozen=True, slots=True)
class LinePick:
    """How a picker deals with a line: takes `taken_permille` of it, weighing `weight_permille` of what was ordered."""

    taken_permille: int = 1000
    weight_permille: int = 1000
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OrderPlan:
    sequence: int
    store_id: str
    at_s: float
    slot_from_min: int
    deadline_min: int
    seed: str
    lines: int | None
    trait: str = ""
    end: str = DELIVERED
    hold_s: float = 0.0
    change: dict[str, Any] | None = None
    change_stage: str | None = None
    cancel_stage: str | None = None
    redelivered: bool = False
    picks: dict[str, LinePick] = field(default_factory=dict)
    courier_ms: tuple[int, ...] = ()

    def order_id(self, prefix: str) -> str:
        return f"H{prefix}{self.sequence:04d}"

    def payload(self, start: datetime, prefix: str, quirks: bool) -> dict[str, Any]:
        """The order as it is sent; its lines do not depend on `start` and `prefix`."""
        slot = start + timedelta(minutes=self.slot_from_min)
        spec = OrderSpec(self.order_id(prefix), self.store_id, slot, slot + timedelta(hours=2),
                         start + timedelta(minutes=self.deadline_min), self.lines, quirks)
        return make_order(random.Random(self.seed), spec)

    def follow(self) -> dict[str, list[tuple[str, int]]]:
        """The courier's events, which the marketplace lets follow by itself."""
        if self.end != DELIVERED:
            return {}
        return {"order.ready_for_delivery": list(zip(COURIER, self.courier_ms, strict=True))}


def make_plan(options: Options) -> list[OrderPlan]:
    if not 0 < options.orders <= MAX_SEQUENCE or options.stores < 1 or options.minutes <= 0 or options.pickers < 1:
        raise ValueError(f"a day needs 1 to {MAX_SEQUENCE} orders, a store, a picker and some time")
    rng = random.Random(f"day:{options.seed}:{options.orders}:{options.stores}:{options.minutes}")
    traits = _traits(rng, options.orders)
    plans = [_plan_order(rng, options, sequence, traits.get(sequence, "")) for sequence in range(1, options.orders + 1)]
    return sorted(plans, key=lambda plan: plan.at_s)


def _traits(rng: random.Random, orders: int) -> dict[int, str]:
    sequences = list(range(1, orders + 1))
    rng.shuffle(sequences)
    traits: dict[int, str] = {}
    deck: Iterator[int] = iter(sequences)
    for name, share in SHARES:
        count = max(round(orders * share), 1 if orders >= 20 else 0)
        traits.update((sequence, name) for sequence in [next(deck) for _ in range(count)])
    return traits


def _plan_order(rng: random.Random, options: Options, sequence: int, trait: str) -> OrderPlan:
    late = trait == "late"
    at_s = rng.uniform(0, options.seconds * (LATE_CREATED if late else CREATION_ENDS))
    deadline = rng.choice((-45, -10, 0, 1)) if late else rng.randrange(60, 240)
    base = OrderPlan(
        sequence, rng.choice(options.store_ids), round(at_s, 2), deadline + 15 if late else deadline + 30, deadline,
        f"{options.seed}:{sequence}", rng.choice((3, 4, 5, 6)) if trait.startswith("change") else None, trait,
        _end_of(trait), round(options.seconds * LATE_HELD, 2) if late else 0.0,
        redelivered=rng.random() < REDELIVERED,
        courier_ms=tuple(int(rng.randrange(100, 1500) * options.pace) for _ in COURIER))
    payload = base.payload(datetime(2025, 3, 14, 9, 0, tzinfo=MOSCOW), "0" * 7, options.quirks)
    more: dict[str, Any] = {"picks": {line["id"]: _pick(rng, line) for line in payload["positions"]}}
    if trait.startswith("change"):
        more["change_stage"] = BEFORE if trait.endswith("before") else DURING
        more["change"] = _change(rng, payload["positions"], more["change_stage"])
    elif "cancel" in trait:
        more["cancel_stage"] = {"before": BEFORE, "during": DURING, "after": AFTER}[trait.rpartition("_")[2]]
    _leave_something(more["picks"], more.get("change", {}).get("remove", []))
    return replace(base, **more)


def _leave_something(picks: dict[str, LinePick], removed: list[str]) -> None:
    """An order of which nothing is picked ends as a cancellation; those are planned elsewhere."""
    left = [sku for sku in picks if sku not in removed]
    if left and not any(picks[sku].taken_permille for sku in left):
        picks[left[0]] = replace(picks[left[0]], taken_permille=1000, reason=None)


def _end_of(trait: str) -> str:
    if trait.startswith("store_cancel"):
        return CANCELED_BY_STORE
    return CANCELED_OUTSIDE if trait.startswith("cancel") else DELIVERED


def _pick(rng: random.Random, line: dict[str, Any]) -> LinePick:
    """Weighed goods stay well within the soft tolerance of 10 per cent; a short line takes nothing or half."""
    weight = rng.randrange(930, 1071) if line.get("weight") else 1000
    if rng.random() >= SHORT_LINE:
        return LinePick(1000, weight)
    part = rng.choice((0, 500)) if number_of(line["quantity"]) > 1 else 0
    return LinePick(part, weight, rng.choice(REASONS))


def _change(rng: random.Random, positions: list[dict[str, Any]], stage: str) -> dict[str, Any]:
    """A change that a picker must see. Only before assembly it may be the slot alone."""
    present = {line["id"] for line in positions}
    line = rng.choice(positions)
    choices: list[dict[str, Any]] = [
        {"positions": [{"id": line["id"], "quantity": int(number_of(line["quantity"])) + rng.choice((1, 2))}]},
        {"remove": [line["id"]]},
        {"add": [{"id": rng.choice([good.sku for good in GOODS if good.sku not in present]), "quantity": rng.choice((1, 2))}]},
    ]
    if stage == BEFORE:
        choices.append({"comment": "Позвоните за час"})
    return rng.choice(choices)


def show(plan: list[OrderPlan]) -> list[dict[str, Any]]:
    return [asdict(order) for order in plan]
