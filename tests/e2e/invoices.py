"""Delivered orders put straight into a store, and what invoicing makes of them."""

from __future__ import annotations

import json
import subprocess
from decimal import ROUND_HALF_UP, Decimal
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from procedures import Installation

SELLER = ('seller_name = "ООО «Лавка & Ко»" seller_inn = "7700000001" seller_kpp = "770001001"'
          ' seller_address = "Москва, ул. Примерная, 1" signer = "Иванова Анна Петровна"')
BUYER = ('channel kuper { buyer_name = "ООО «Маркетплейс»" buyer_inn = "7800000002" buyer_kpp = "780001001"'
         ' buyer_address = "Москва, наб. Рыночная, 2" }\n')


def ms(local: str, zone: str = "Europe/Moscow") -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def add_store(place: Installation, store: str, zone: str = "Europe/Moscow") -> None:
    place.change("INSERT INTO stores VALUES (?, '', ?, '', '', 3, 1, 0, 0) ON CONFLICT DO NOTHING", store, zone)


def line(sku: str, quantity: str, price: str, weight: int | None = None, **more: Any) -> dict[str, Any]:
    """As ordered and picked; `picked`, `picked_weight`, `full_price`, `state`, `name`, `codes` say otherwise."""
    return {"sku": sku, "quantity": Decimal(quantity), "price": Decimal(price), "weight": weight, **more}


def add_order(place: Installation, number: int, store: str, delivered_ms: int, *lines: dict[str, Any],
              total: Decimal | None = None, state: str = "delivered") -> None:
    add_store(place, store)
    said = sum((one["quantity"] * one["price"] for one in lines), Decimal(0)) if total is None else total
    place.change("INSERT INTO orders (id, channel, external_id, number, store_id, state, version, event_ms, snapshot_ms,"
                 " delivered_ms, discount_total_minor, created_ms, updated_ms)"
                 " VALUES (?, 'kuper', ?, ?, ?, ?, 1, 0, 0, ?, ?, ?, 0)", number, f"H{number}", f"1-{number}", store,
                 state, delivered_ms, int(said * 100), delivered_ms - 7_200_000)
    place.change("INSERT INTO order_identity VALUES ('kuper', ?, ?, ?)", f"H{number}", number, f"1-{number}")
    place.change("INSERT INTO order_history (order_id, at_ms, kind, actor, detail) VALUES (?, 0, 'order.created', '', '{}')",
                 number)
    for place_no, one in enumerate(lines, 1):
        put_line(place, number, place_no, one)


def put_line(place: Installation, order: int, line_no: int, one: dict[str, Any]) -> None:
    milli = int(one["quantity"] * 1000)
    full = one.get("full_price", one["price"])
    weight = one["weight"]
    place.change("INSERT INTO order_lines (order_id, line_no, sku, name, qty_ordered_milli, qty_milli, qty_picked_milli,"
                 " weight_g, weight_picked_g, price_minor, discount_price_minor, total_minor, discount_total_minor, state,"
                 " replaces) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", order, line_no, one["sku"],
                 one.get("name", f"Товар {one['sku']}"), milli, milli, int(Decimal(one.get("picked", one["quantity"])) * 1000),
                 weight, one.get("picked_weight", weight), int(Decimal(full) * 100), int(one["price"] * 100), 0,
                 int(one["quantity"] * one["price"] * 100), one.get("state", "picked"), one.get("replaces", 0))
    for position, (unit, code) in enumerate(one.get("codes", ()), 1):
        place.change("INSERT INTO order_marking_codes (order_id, line_no, position, unit, code) VALUES (?, ?, ?, ?, ?)",
                     order, line_no, position, unit, code)


def documents(place: Installation) -> list[dict[str, Any]]:
    return [json.loads(body, parse_float=Decimal) for body, in place.rows("SELECT body FROM documents ORDER BY id")]


def exported(place: Installation, pattern: str) -> list[Path]:
    return sorted((place.state / "export").glob(pattern))


def inside(amount: Decimal, rate: Any) -> Decimal:
    """The tax inside of an amount, as we did not write it."""
    if rate == "none":
        return Decimal("0.00")
    return (amount * rate / (100 + rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def check_sums(document: dict[str, Any]) -> None:
    """Sums of lines are totals, by rate too."""
    by_rate: dict[Any, list[Decimal]] = {}
    for one in document["lines"]:
        sums = by_rate.setdefault(one["vatRate"], [Decimal(0), Decimal(0)])
        sums[0] += Decimal(one["amount"])
        sums[1] += Decimal(one["vat"])
        if document["kind"] == "sale":
            assert Decimal(one["vat"]) == inside(Decimal(one["amount"]), one["vatRate"]), one
    assert {row["rate"]: [Decimal(row["amount"]), Decimal(row["vat"])] for row in document["vatByRate"]} == by_rate
    assert Decimal(document["total"]) == sum(sums[0] for sums in by_rate.values())
    assert Decimal(document["vat"]) == sum(sums[1] for sums in by_rate.values())


# --- an installation that makes documents


def settings(**more: str) -> str:
    keys = {"series": '"OG"', "default_vat": '"22"', "formats": '{"json", "csv", "commerceml"}', **more}
    return f"invoicing {{ {SELLER} {' '.join(f'{key} = {value}' for key, value in keys.items())} }}\n{BUYER}"


def configure(place: Installation, **more: str) -> None:
    place.write_config(settings(**more))


def import_rates(place: Installation, **rates: str) -> None:
    path = place.state.parent / "catalogue.csv"
    path.write_text("sku,name,vat_rate\n" + "".join(f"{sku},{sku},{rate}\n" for sku, rate in rates.items()), encoding="utf-8")
    place.control("catalog", "import", str(path))


def result(made: int = 0, empty: int = 0, blocked: int = 0, exported: int | None = None) -> str:
    return f"made={made} empty={empty} blocked={blocked} exported={made if exported is None else exported}"


def refuse(place: Installation, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(place.command("ordergatectl", *arguments), capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stderr
