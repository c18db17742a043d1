"""A shipment: what the marketplace knows about one order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Any

from kuper.goods import BY_SKU


class Kind(IntEnum):
    """`orders_api_integration_type` of a store."""

    SHOPPER = 0
    DELIVERY_BY_MARKETPLACE = 3
    ACCOUNTING = 4
    DELIVERY_BY_RETAILER = 5
    ACCOUNTING_WITH_PICKUP = 6


# How far an order has come. `assembled` and a `ready_to_ship` that has not settled still show the state `collecting`.
PHASES = ("ready", "accepted", "collecting", "assembled", "ready_to_ship", "shipping", "shipped", "canceled")


def number_of(value: Any) -> Decimal:
    """A quantity, weight or sum as the wire may spell it: number, text, empty or null."""
    try:
        return Decimal(str(value)) if value not in (None, "") else Decimal(0)
    except InvalidOperation:
        return Decimal(0)


@dataclass(slots=True)
class Shipment:
    sequence: int
    id: str
    uuid: str
    store_id: str
    kind: Kind
    payload: dict[str, Any]
    created_ms: int
    updated_ms: int
    phase: str = "ready"
    settled: bool = False
    payment_state: str = "balance_due"
    cancellation: dict[str, str] | None = None
    canceled_by: str | None = None
    number: str | None = None
    items: dict[str, str] = field(default_factory=dict)
    final: dict[str, Any] | None = None
    accepted_types: list[str] = field(default_factory=list)
    active: list[Any] = field(default_factory=list)
    follow: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    outgoing: deque[Any] = field(default_factory=deque)
    sending: bool = False
    delivered_events: list[str] = field(default_factory=list)
    last_bodies: dict[str, bytes] = field(default_factory=dict)

    @property
    def state(self) -> str:
        if self.phase == "assembled" or (self.phase == "ready_to_ship" and not self.settled):
            return "collecting"
        return self.phase

    @property
    def pickup(self) -> bool:
        return self.payload.get("shipmentMethod") == "pickup"

    def positions(self) -> list[dict[str, Any]]:
        return self.payload.get("positions") or []

    def reset_items(self) -> None:
        self.items = {line["id"]: "pending" for line in self.positions()}

    def settle_items(self) -> None:
        """Item states follow the final composition; a line it does not mention counts as assembled."""
        self.items = {line["id"]: "assembled" for line in self.positions()}
        for line in (self.final or {}).get("positions") or []:
            if line.get("replacedByID"):
                self.items[line["id"]] = "replaced"
            else:
                self.items[line["id"]] = "assembled" if number_of(line.get("quantity")) > 0 else "canceled"


def pull_object(shipment: Shipment) -> dict[str, Any]:
    """The order as GET /ofm/api/v1/shipments shows it: the webhook's fields and those only the pull object has."""
    lines = [
        {"replacedByID": "", **line, "weight": line.get("weight") or "",
         "name": BY_SKU[line["id"]].name if line["id"] in BY_SKU else line["id"],
         "state": shipment.items.get(line["id"], "pending"), "isCombo": False, "modifiers": [],
         "extensions": {"meta": "", "fiscalDataSku": ""}}
        for line in shipment.positions()
    ]
    return {
        **shipment.payload,
        "originalOrderId": shipment.id,
        "orderUUID": shipment.uuid,
        "storeID": shipment.store_id,
        "storeImportKey": store_import_key(shipment.store_id),
        "positions": lines,
        "state": shipment.state,
        "paymentState": shipment.payment_state,
        "deliveryCost": "0.00",
        "terminalGroupId": None,
        "extensions": {"cutlery_quantity": 0},
        "cancellationReason": (shipment.cancellation or {}).get("slug"),
        "cancellation": shipment.cancellation,
    }


def store_import_key(store_id: str) -> str:
    return f"lavka-{store_id}"


def control_object(shipment: Shipment) -> dict[str, Any]:
    """The order as the control API shows it to tests."""
    return {
        "id": shipment.id, "uuid": shipment.uuid, "store_id": shipment.store_id,
        "integration_type": int(shipment.kind), "phase": shipment.phase, "state": shipment.state,
        "payment_state": shipment.payment_state, "number": shipment.number, "canceled_by": shipment.canceled_by,
        "cancellation": shipment.cancellation, "items": shipment.items, "final": shipment.final,
        "accepted": shipment.accepted_types, "webhooks_delivered": shipment.delivered_events,
        "webhooks_pending": len(shipment.outgoing), "created_ms": shipment.created_ms,
        "updated_ms": shipment.updated_ms, "payload": shipment.payload,
    }
