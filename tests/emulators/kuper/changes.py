"""Changes of an order's composition and slot, with totals that still add up."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from kuper.goods import BY_SKU
from kuper.model import number_of
from kuper.orders import position

_PLAIN_FIELDS = ("comment", "replacementPolicy", "shipmentMethod", "completeBefore")


def changed_payload(payload: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A copy of the order with `change` applied.

    {"positions": [{"id", "quantity"}], "add": [{"id", "quantity"}], "remove": ["sku"], "delivery": {…}, "comment": …}. A
    quantity changes the weight of a weighed line in proportion. An unknown SKU is a ValueError.
    """
    result = copy.deepcopy(payload)
    lines = {line["id"]: line for line in result["positions"]}
    for wish in change.get("positions", []):
        if wish["id"] not in lines:
            raise ValueError(f"the order has no line {wish['id']}")
        _set_quantity(lines[wish["id"]], wish["quantity"])
    for sku in change.get("remove", []):
        lines.pop(sku, None)
    for wish in change.get("add", []):
        if wish["id"] not in BY_SKU:
            raise ValueError(f"no such goods: {wish['id']}")
        lines[wish["id"]] = position(BY_SKU[wish["id"]], wish["quantity"])
    result["positions"] = list(lines.values())
    if "delivery" in change:
        result["delivery"] = {**result.get("delivery", {}), **change["delivery"]}
    result.update({name: change[name] for name in _PLAIN_FIELDS if name in change})
    result["total"] = sum_up(result["positions"])
    return result


def sum_up(positions: list[dict[str, Any]]) -> dict[str, str]:
    def summed(key: str) -> str:
        return _money(sum((number_of(line[key]) for line in positions), Decimal(0)))

    return {"totalPrice": summed("totalPrice"), "discountTotalPrice": summed("totalDiscountPrice")}


def _set_quantity(line: dict[str, Any], quantity: int) -> None:
    before = number_of(line["quantity"])
    if line.get("weight") and before > 0:
        line["weight"] = str(int(number_of(line["weight"]) * quantity / before))
    line["originalQuantity"] = line["quantity"] = quantity
    line["totalPrice"] = _money(number_of(line["price"]) * quantity)
    line["totalDiscountPrice"] = _money(number_of(line["discountPrice"]) * quantity)


def _money(value: Decimal) -> str:
    return f"{value:.2f}"
