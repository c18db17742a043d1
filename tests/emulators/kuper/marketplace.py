"""The marketplace itself: its shipments, what happens to them, and the webhooks that tell of it."""

from __future__ import annotations

import asyncio
import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from kuper.changes import changed_payload
from kuper.config import Config
from kuper.journal import Journal, check_acceptance, now_ms
from kuper.model import Kind, Shipment
from kuper.orders import MOSCOW, OrderSpec, event, make_order
from kuper.rules import Notification, Verdict
from kuper.webhooks import Webhooks, event_bytes

# The courier's way, in order, with what each event does to the shipment: (event, phase or None, payment state or None).
COURIER_STEPS: tuple[tuple[str, str | None, str | None], ...] = (
    ("order.paid", None, "paid"),
    ("order.received", None, None),
    ("order.delivering", "shipping", None),
    ("order.delivered", "shipped", None),
)
_EFFECTS = {name: (phase, payment) for name, phase, payment in COURIER_STEPS}
DEFAULT_KIND = Kind.DELIVERY_BY_MARKETPLACE


class NotPossible(Exception):
    """The control request does not fit the state of the order."""


class Marketplace:
    def __init__(self, config: Config, journal: Journal, webhooks: Webhooks) -> None:
        self.config = config
        self.journal = journal
        self.webhooks = webhooks
        self.shipments: dict[str, Shipment] = {}
        self._by_uuid: dict[str, Shipment] = {}
        self._sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, note: Notification) -> Shipment | None:
        """By order_id, by orderUUID, or by the form `<retailer>:<uuid>` that external showcases put into order_id."""
        reference = note.text("order_id")
        return (self.shipments.get(reference) or self._by_uuid.get(note.text("orderUUID"))
                or self._by_uuid.get(reference.rpartition(":")[2]))

    def create(self, wish: dict[str, Any]) -> Shipment:
        """A new order from a whole payload (`order`) or from the generator; sent unless `send` is false."""
        payload = wish["order"] if "order" in wish else self._generate(wish)
        order_id = str(payload["originalOrderId"])
        if order_id in self.shipments:
            raise NotPossible(f"order {order_id} exists")
        store_id = str(payload.get("storeID", ""))
        kind = Kind(wish.get("integration_type", self.config.kinds.get(store_id, DEFAULT_KIND)))
        self._sequence += 1
        order_uuid = str(payload.get("orderUUID") or uuid.UUID(int=random.Random(order_id).getrandbits(128), version=4))
        shipment = Shipment(self._sequence, order_id, order_uuid, store_id, kind, payload, now_ms(), now_ms())
        shipment.follow = {name: [(step[0], int(step[1])) for step in steps]
                           for name, steps in wish.get("follow", {}).items()}
        shipment.reset_items()
        self.shipments[order_id] = self._by_uuid[order_uuid] = shipment
        if wish.get("send", True):
            self.send(shipment, "order.created", payload, datetime.now(MOSCOW) if wish.get("timestamp", True) else None)
        return shipment

    def update(self, shipment: Shipment, change: dict[str, Any], event_type: str = "order.updated") -> None:
        if shipment.phase in ("shipped", "canceled"):
            raise NotPossible(f"order is {shipment.phase}")
        shipment.payload = changed_payload(shipment.payload, change)
        shipment.reset_items()
        shipment.updated_ms = now_ms()
        self.send(shipment, event_type, shipment.payload, datetime.now(MOSCOW))

    def cancel(self, shipment: Shipment, slug: str, description: str, event_type: str = "order.canceled") -> None:
        """From the marketplace's side: its own state changes first, the merchant learns of it afterwards."""
        if shipment.phase in ("shipped", "canceled"):
            raise NotPossible(f"order is {shipment.phase}")
        shipment.cancellation = {"slug": slug, "description": description}
        shipment.canceled_by = "marketplace"
        self._move(shipment, "canceled")
        self.send(shipment, event_type, {**self._reference(shipment), "cancellation": shipment.cancellation},
                  datetime.now(MOSCOW))

    def advance(self, shipment: Shipment, target: str, force: bool = False) -> None:
        """The courier's events up to and including `target`, as far as they were not sent yet."""
        names = [name for name, _, _ in COURIER_STEPS]
        if target not in names:
            raise NotPossible(f"to must be one of {', '.join(names)}")
        if not force and shipment.state not in ("ready_to_ship", "shipping"):
            raise NotPossible(f"order is {shipment.state}")
        for name in names[:names.index(target) + 1]:
            self.happen(shipment, name)

    def happen(self, shipment: Shipment, event_type: str, payload: dict[str, Any] | None = None,
               at: datetime | None = None) -> None:
        """One event of the marketplace's side with its effect, sent as a webhook; `at` is its time, if it is not now."""
        phase, payment = _EFFECTS.get(event_type, (None, None))
        if phase is not None:
            self._move(shipment, phase)
        if payment is not None:
            shipment.payment_state = payment
        self.send(shipment, event_type, payload if payload is not None else self._reference(shipment), at or datetime.now(MOSCOW))

    def send(self, shipment: Shipment, event_type: str, payload: dict[str, Any], moment: datetime | None) -> None:
        shipment.last_bodies[event_type] = event_bytes(event(event_type, payload, moment))
        self.webhooks.send(shipment, event_type, shipment.last_bodies[event_type])

    def resend(self, shipment: Shipment, event_type: str, times: int) -> None:
        """The same bytes again, beside the queue of the order: what a marketplace does that missed our answer."""
        if event_type not in shipment.last_bodies:
            raise NotPossible(f"{event_type} was never sent for {shipment.id}")
        for _ in range(times):
            self.webhooks.send_beside(shipment, event_type, shipment.last_bodies[event_type])

    def apply(self, shipment: Shipment, note: Notification, verdict: Verdict) -> None:
        """The effect of an accepted notification."""
        check_acceptance(self.journal, shipment, note.type, note.payload, verdict)
        shipment.accepted_types.append(note.type)
        if verdict.next_phase is None:
            return
        if note.type == "order.canceled":
            shipment.canceled_by = "merchant"
        if note.type == "order.ready_for_delivery":
            shipment.final = note.order
            asyncio.get_running_loop().call_later(self.config.settle_ms / 1000, self._settle, shipment)
        self._move(shipment, verdict.next_phase)
        if note.type != "order.ready_for_delivery":
            self._follow(shipment, note.type)

    def reset(self) -> None:
        self.webhooks.forget()
        for task in self._tasks:
            task.cancel()
        self.shipments.clear()
        self._by_uuid.clear()
        self.journal.clear()

    def _settle(self, shipment: Shipment) -> None:
        """The composition takes effect some seconds after its 200; an order cancelled meanwhile stays cancelled."""
        if shipment.phase == "canceled" or self.shipments.get(shipment.id) is not shipment:
            return
        shipment.settled = True
        shipment.settle_items()
        shipment.updated_ms = now_ms()
        self._follow(shipment, "order.ready_for_delivery")

    def _move(self, shipment: Shipment, phase: str) -> None:
        shipment.phase = phase
        shipment.updated_ms = now_ms()

    def _follow(self, shipment: Shipment, trigger: str) -> None:
        steps = shipment.follow.pop(trigger, None)
        if steps:
            task = asyncio.get_running_loop().create_task(self._play(shipment, steps))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _play(self, shipment: Shipment, steps: list[tuple[str, int]]) -> None:
        for event_type, delay_ms in steps:
            await asyncio.sleep(delay_ms / 1000)
            if shipment.phase in ("canceled", "shipped"):
                return
            self.happen(shipment, event_type)

    def _reference(self, shipment: Shipment) -> dict[str, Any]:
        return {"originalOrderId": shipment.id, "storeID": shipment.store_id}

    def _generate(self, wish: dict[str, Any]) -> dict[str, Any]:
        seed = wish.get("seed", self._sequence + 1)
        order_id = wish.get("id") or f"H{48_000_000_000 + self._sequence + 1}"
        slot = datetime.now(MOSCOW) + timedelta(minutes=wish.get("slot_in_minutes", 120))
        spec = OrderSpec(order_id, str(wish.get("store_id", "1201")), slot, slot + timedelta(hours=2),
                         slot - timedelta(minutes=30), wish.get("lines"), wish.get("quirks", False))
        return make_order(random.Random(f"{seed}:{order_id}"), spec)
