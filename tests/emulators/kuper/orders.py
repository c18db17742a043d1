"""Generator of orders as the marketplace sends them: the same seed gives the same bytes.

    python3 -m kuper.orders --bench 10000 > bodies.txt     one order.created body per line, 12 lines of goods, about 2.2 KB
    python3 -m kuper.orders --samples 20                   varied bodies, with the oddities real senders have
    python3 -m kuper.orders --catalogue-csv | --stores-csv 5
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from kuper.goods import GOODS, Good, catalogue_csv
from wire.message import dump_json

MOSCOW = timezone(timedelta(hours=3))
BENCH_LINES = 12
BENCH_DAY = datetime(2025, 3, 14, 9, 0, tzinfo=MOSCOW)

_FIRST_NAMES = ("Иван", "Мария", "Пётр", "Анна", "Сергей", "Ольга", "Алёна", "Дмитрий", "Фёдор", "Юлия", "Ёлка")
_INITIALS = "АБВГДЖКЛМНПРСТФШЯ"
_COMPANIES = ("ООО «Ромашка»", "ИП Образцов", "АО «Пример и Ко»", "ООО «Ёж & Уж»")
_CITIES = ("Тверь", "Рязань", "Казань", "Пермь")
_STREETS = ("ул. Примерная", "пр-т Образцовый", "пер. Вымышленный", "б-р Тестовый")
_COMMENTS = ("Бананы незелёные", "Домофон не работает, звоните", "Не будить ребёнка!", "Пакет не нужен <3",
             "Если нет — замените на похожее", "Оставить у двери \U0001f6aa")
_POLICIES = ("call_or_replace", "call_or_cancel")
_OFFSETS = (MOSCOW, MOSCOW, MOSCOW, timezone(timedelta(hours=5)), timezone.utc)


@dataclass(frozen=True, slots=True)
class OrderSpec:
    """What the caller decides about an order; the rest comes from the random generator."""

    order_id: str
    store_id: str
    slot_from: datetime
    slot_to: datetime
    complete_before: datetime | None = None
    lines: int | None = None
    quirks: bool = True


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def position(good: Good, quantity: int) -> dict[str, Any]:
    """One line. The weight is grams of the whole line; piece goods have an empty string there."""
    return {
        "id": good.sku,
        "originalQuantity": quantity,
        "quantity": quantity,
        "price": money(good.price_minor),
        "discountPrice": money(good.discount_minor),
        "replacedByID": "",
        "weight": str(good.piece_weight_g * quantity) if good.weighed else "",
        "totalPrice": money(good.price_minor * quantity),
        "totalDiscountPrice": money(good.discount_minor * quantity),
    }


def totals(positions: list[dict[str, Any]]) -> dict[str, str]:
    def summed(key: str) -> str:
        return money(sum(int(line[key].replace(".", "")) for line in positions))

    return {"totalPrice": summed("totalPrice"), "discountTotalPrice": summed("totalDiscountPrice")}


def pick_lines(rng: random.Random, count: int) -> list[dict[str, Any]]:
    chosen = rng.sample(GOODS, count)
    return [position(good, rng.choice((1, 1, 1, 2, 2, 3, 4, 6))) for good in chosen]


def customer(rng: random.Random, business: bool) -> dict[str, Any]:
    phone = f"+7999000{rng.randrange(10000):04d}"
    if not business:
        return {"name": f"{rng.choice(_FIRST_NAMES)} {rng.choice(_INITIALS)}.", "phone": phone}
    tail = rng.randrange(10**6)
    return {"name": rng.choice(_COMPANIES), "phone": phone, "inn": f"6900{tail:06d}", "kpp": "690001001",
            "legalAddress": f"г. {rng.choice(_CITIES)}, {rng.choice(_STREETS)}, 1", "email": f"buh{tail}@example.test"}


def address(rng: random.Random) -> dict[str, Any]:
    city, street = rng.choice(_CITIES), rng.choice(_STREETS)
    building, flat = str(rng.randrange(1, 90)), str(rng.randrange(1, 400))
    return {"full_address": f"г. {city}, {street}, {building}, кв. {flat}", "city": city, "street": street,
            "building": building, "apartment": flat, "entrance": str(rng.randrange(1, 9)),
            "floor": str(rng.randrange(1, 25)), "door_phone": f"{flat}К", "elevator": rng.choice(("true", "false")),
            "lat": f"56.{rng.randrange(10**6):06d}", "lon": f"35.{rng.randrange(10**6):06d}",
            "delivery_to_door": rng.random() < 0.8}


def make_order(rng: random.Random, spec: OrderSpec) -> dict[str, Any]:
    """The `payload` of order.created."""
    business = rng.random() < 0.1
    offset = rng.choice(_OFFSETS) if spec.quirks else MOSCOW
    positions = pick_lines(rng, spec.lines or rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16)))
    payload: dict[str, Any] = {
        "originalOrderId": spec.order_id,
        "storeID": spec.store_id,
        "clientType": "b2b" if business else "b2c",
        "customer": customer(rng, business),
        "address": address(rng),
        "delivery": {"expectedFrom": iso(spec.slot_from.astimezone(offset)),
                     "expectedTo": iso(spec.slot_to.astimezone(offset)), "isPlanned": True},
        "positions": positions,
        "total": totals(positions),
        "comment": rng.choice(_COMMENTS) if rng.random() < 0.4 else None,
        "replacementPolicy": rng.choice(_POLICIES),
        "paymentMethods": ["invoice" if business else "online"],
        "shipmentMethod": "by_courier_for_companies" if business else "by_courier",
    }
    if spec.complete_before is not None:
        payload["completeBefore"] = iso(spec.complete_before.astimezone(offset))
    if spec.quirks:
        apply_quirks(rng, payload)
    return payload


# Oddities seen in real bodies: chance per order, and what it does. Nothing here changes the meaning of the order.
def _store_as_number(payload: dict[str, Any]) -> None:
    payload["storeID"] = int(payload["storeID"]) if payload["storeID"].isdigit() else payload["storeID"]


def _quantity_as_text(payload: dict[str, Any]) -> None:
    line = payload["positions"][0]
    line["quantity"] = line["originalQuantity"] = str(line["quantity"])


def _quantity_as_decimal(payload: dict[str, Any]) -> None:
    line = payload["positions"][-1]
    line["quantity"] = line["originalQuantity"] = float(line["quantity"])


def _weight_null(payload: dict[str, Any]) -> None:
    for line in payload["positions"]:
        line["weight"] = line["weight"] or None


def _no_replaced_by(payload: dict[str, Any]) -> None:
    for line in payload["positions"]:
        del line["replacedByID"]


def _replaced_by_null(payload: dict[str, Any]) -> None:
    for line in payload["positions"]:
        if "replacedByID" in line:
            line["replacedByID"] = None


def _customer_name_null(payload: dict[str, Any]) -> None:
    payload["customer"]["name"] = None


def _without(key: str) -> Any:
    return lambda payload: payload.pop(key, None)


QUIRKS: tuple[tuple[float, Any], ...] = (
    (0.30, _store_as_number),
    (0.05, _quantity_as_text),
    (0.05, _quantity_as_decimal),
    (0.10, _weight_null),
    (0.10, _no_replaced_by),
    (0.05, _replaced_by_null),
    (0.10, _customer_name_null),
    (0.20, _without("address")),
    (0.20, _without("comment")),
    (0.10, _without("replacementPolicy")),
    (0.10, _without("paymentMethods")),
    (0.10, _without("clientType")),
)


def apply_quirks(rng: random.Random, payload: dict[str, Any]) -> None:
    for chance, change in QUIRKS:
        if rng.random() < chance:
            change(payload)


def event(event_type: str, payload: dict[str, Any], moment: datetime | None) -> dict[str, Any]:
    """The envelope of a webhook; `timestamp` is not always sent."""
    body: dict[str, Any] = {"event_type": event_type}
    if moment is not None:
        body["timestamp"] = iso(moment)
    body["payload"] = payload
    return body


def bench_body(rng: random.Random, number: int, stores: int = 10) -> bytes:
    """An order.created of 12 lines without the optional fields, about 2.2 KB; bodies differ only in data."""
    positions = pick_lines(rng, BENCH_LINES)
    for line in positions:
        del line["replacedByID"]
    slot = BENCH_DAY + timedelta(hours=3)
    return dump_json(event("order.created", {
        "originalOrderId": f"H{10**10 + number}",
        "storeID": str(1201 + number % stores),
        "customer": {"name": "Иван П.", "phone": f"+7999{number % 10**7:07d}"},
        "delivery": {"expectedFrom": iso(slot), "expectedTo": iso(slot + timedelta(hours=2))},
        "positions": positions,
        "total": totals(positions),
        "shipmentMethod": "by_courier",
    }, BENCH_DAY))


def bench_bodies(count: int, seed: int = 1, first: int = 0) -> Iterator[bytes]:
    rng = random.Random(seed)
    for number in range(first, first + count):
        yield bench_body(rng, number)


def sample_bodies(count: int, seed: int = 1) -> Iterator[bytes]:
    rng = random.Random(seed)
    for number in range(count):
        slot = BENCH_DAY + timedelta(minutes=30 * rng.randrange(1, 20))
        spec = OrderSpec(f"H{2 * 10**10 + number}", str(1201 + rng.randrange(5)), slot, slot + timedelta(hours=2),
                         complete_before=slot - timedelta(minutes=30))
        moment = BENCH_DAY if rng.random() > 0.1 else None
        yield dump_json(event("order.created", make_order(rng, spec), moment))


def stores_csv(count: int) -> str:
    """Stores 1201, 1202, … as a file for `ordergatectl store import`."""
    rows = ["id,name,time_zone,opening_hours,telegram_chat,integration_type"]
    rows += [f"{1201 + n},Магазин № {n + 1},Europe/Moscow,,{-1001000000000 - n},3" for n in range(count)]
    return "\n".join(rows) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m kuper.orders", description="Writes invented orders and goods.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--bench", type=int, metavar="N", help="N bodies of order.created with 12 lines, one per line")
    what.add_argument("--samples", type=int, metavar="N", help="N varied bodies of order.created, one per line")
    what.add_argument("--catalogue-csv", action="store_true", help="the goods as CSV")
    what.add_argument("--stores-csv", type=int, metavar="N", help="N stores as CSV")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first order of --bench")
    options = parser.parse_args(arguments)
    if options.catalogue_csv:
        sys.stdout.write(catalogue_csv())
    elif options.stores_csv is not None:
        sys.stdout.write(stores_csv(options.stores_csv))
    else:
        bodies = (bench_bodies(options.bench, options.seed, options.first) if options.bench is not None
                  else sample_bodies(options.samples, options.seed))
        for body in bodies:
            sys.stdout.buffer.write(body + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
