"""The acceptance scenarios of the goods and of those who pick them (8 to 14); see test_acceptance.py."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from api_client import Order, codes, error_of
from appliance import SLACK, wait_until
from doubles import charged
from street import (BANANAS, BEGUN, CHEESE, CURD, DELIVERED, KEFIR, MILK, MINCE, TEA, TOLD, WATER, Street, open_street, play,
                    scenarios_of)
from kuper.goods import GOODS

GS = "\x1d"
# With documents of sale for people, with marking codes; and a return is made of what the marketplace takes off a delivered order.
PAPERS = """invoicing { formats = {"json", "upd"} after_delivery = "correct" seller_kpp = "690001001"
  seller_address = "Тверь, ул. Примерная, 1" signer = "Иванова Анна Петровна" }
channel kuper { buyer_name = "ООО «Маркетплейс»" buyer_inn = "7800000002" buyer_kpp = "780001001" buyer_address = "Москва" }
"""


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with open_street(PAPERS) as street:
        yield street


def line_of(order: dict[str, Any], number: int) -> dict[str, Any]:
    return next(line for line in order["lines"] if line["line"] == number)


def amounts(document: dict[str, Any]) -> dict[str, Decimal]:
    return {line["sku"]: Decimal(line["amount"]) for line in document["lines"]}


def label(article: str, grams: int) -> str:
    """As the store's scales print it."""
    digits = f"21{article}{grams:05d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def scenario_8_weighed_goods(street: Street) -> None:
    order = street.taken((MINCE, 2), (CHEESE, 2), (BANANAS, 5), (MILK, 1), store="1210")  # 1000, 600 and 900 g
    # A kilogram: less is fine, a tenth more is warned of, a quarter more is refused.
    for grams, warned in ((955, []), (1090, []), (1110, ["weight_differs"])):
        picked = order.call("pickPosition", line=1, quantity=2, weight=grams)
        assert picked.status == 200, picked
        assert [warning["code"] for warning in picked.json()["result"].get("warnings", [])] == warned, grams
    assert codes(error_of(order.call("pickPosition", line=1, quantity=2, weight=1300), 422, "not_acceptable")) == ["1:weight_off"]
    assert codes(error_of(order.call("pickPosition", line=4, quantity=1, weight=100), 422, "not_acceptable")) == ["4:not_weighed"]
    order.do("resetPosition", line=1)
    # Labels: misread; of goods of the catalogue that are not in the order; of nothing that we know.
    misread = label("00001", 480)[:-1] + str((int(label("00001", 480)[-1]) + 1) % 10)
    assert codes(error_of(order.call("scan", code=misread), 422, "not_acceptable")) == ["0:bad_check_digit"]
    other = street.taken((MILK, 1))
    assert codes(error_of(other.call("scan", code=label("00001", 480)), 422, "not_acceptable")) == ["0:wrong_product"]
    assert codes(error_of(other.call("scan", code=label("77777", 480)), 422, "not_acceptable")) == ["0:unknown_code"]
    other.do("cancelOrder", reason="other")
    # Two packs are summed; three pieces are put on the scales together.
    assert line_of(order.do("scan", code=label("00001", 480)), 1)["state"] == "pending"
    two = line_of(order.do("scan", code=label("00001", 505)), 1)
    assert (two["pickedWeight"], two["pickedQuantity"], two["state"]) == (985, 2, "picked")
    order.do("pickPosition", line=2, quantity=0, reason="not_found")
    three = line_of(order.do("pickPosition", line=3, quantity=3, weight=560, reason="not_found"), 3)
    assert (three["pickedQuantity"], three["pickedWeight"], three["state"]) == (3, 560, "short")
    order.do("pickPosition", line=4, quantity=1)
    order.do("finishAssembly")
    there = street.deliver(order)
    street.check(order, "delivered", "shipped", TOLD, [*BEGUN, *["pick"] * 3, "reset", "scan", "scan", *["pick"] * 3, "finish",
                                                      *DELIVERED])
    final = street.final(order)
    assert [(final[good.sku]["quantity"], final[good.sku].get("weight")) for good in (MINCE, CHEESE, BANANAS, MILK)] == [
        (2, "985"), (0, "0"), (3, "560"), (1, None)]
    document, = street.documents(order)
    assert amounts(document) == charged(there)
    assert street.report("1210", "delivered", "lines", "found", "short") == ("1", "4", "2", "2")


def scenario_9_replacements(street: Street) -> None:
    order = street.taken((MILK, 5), (CURD, 2), store="1211")
    order.do("pickPosition", line=1, quantity=3, reason="not_found")
    dear = order.call("replacePosition", line=1, sku=TEA.sku, quantity=2, price="199.90")
    assert codes(error_of(dear, 422, "not_acceptable")) == ["1:too_dear"]
    order.do("replacePosition", line=1, sku=KEFIR.sku, quantity=2, price="74.50")  # two of five, and cheaper
    order.do("resetPosition", line=3)  # there is no kefir either
    order.do("replacePosition", line=3, sku=TEA.sku, quantity=2, price="199.90", consent="phone")
    # Taxed at 10 %, replaced by what is weighed and taxed at 22 %.
    chain = order.do("replacePosition", line=2, sku=BANANAS.sku, quantity=2, weight=370, price="21.99")["lines"]
    assert [(line["sku"], line["replaces"], line["replacedBy"], line["pickedQuantity"], line["pickedWeight"]) for line in chain] == [
        (MILK.sku, None, 3, 3, None), (CURD.sku, None, 5, 0, None), (KEFIR.sku, 1, 4, 0, None), (TEA.sku, 3, None, 2, None),
        (BANANAS.sku, 2, None, 2, 370)]
    order.do("finishAssembly")
    street.deliver(order)
    street.check(order, "delivered", "shipped", TOLD,
                 [*BEGUN, "pick", "replace", "reset", "replace", "replace", "finish", *DELIVERED])
    consents = [json.loads(detail).get("consent") for detail, in street.shop.rows(
        "SELECT detail FROM order_history h JOIN orders o ON o.id = order_id WHERE number = ? AND kind = 'replace' ORDER BY h.id",
        order.number)]
    assert consents == [None, "phone", None]
    assert {sku: (line["quantity"], line.get("replacedByID"), line.get("weight")) for sku, line in street.final(order).items()} == {
        MILK.sku: (3, KEFIR.sku, None), CURD.sku: (0, BANANAS.sku, None), KEFIR.sku: (0, TEA.sku, None),
        TEA.sku: (2, None, None), BANANAS.sku: (2, None, "370")}
    document, = street.documents(order)
    assert {line["sku"]: (line["vatRate"], Decimal(line["amount"])) for line in document["lines"]} == {
        MILK.sku: (10, Decimal("239.70")), TEA.sku: (22, Decimal("399.80")), BANANAS.sku: (22, Decimal("45.20"))}, \
        "each at its own rate and price, what is weighed by its weight"
    assert street.report("1211", "lines", "found", "replaced", "short", "replaced_percent") == ("2", "0", "2", "0", "100.0")


def scenario_10_nothing_is_there(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1), store="1212")
    street.order((MILK, 1), store="1212").assembled()
    assert street.report("1212", "orders", "canceled_by_store", "canceled_by_store_percent") == ("2", "0", "0.0")
    for line, reason in ((1, "not_found"), (2, "expired")):
        order.do("pickPosition", line=line, quantity=0, reason=reason)
    ended = order.do("finishAssembly")
    assert (ended["state"], ended["canceledBy"], ended["cancelReason"]) == ("canceled", "store", "nothing_picked")
    assert [(line["state"], line["reason"]) for line in ended["lines"]] == [("short", "not_found"), ("short", "expired")]
    street.check(order, "canceled", "canceled", [*TOLD[:2], "order.canceled"], [*BEGUN, "pick", "pick", "cancel"])
    assert street.documents(order) == []
    assert street.report("1212", "orders", "canceled_by_store", "canceled_by_store_percent") == ("2", "1", "50.0")


def scenario_11_a_part_of_the_order_and_a_part_of_the_delivery(street: Street) -> None:
    goods = GOODS[:10]
    order = street.taken(*[(good, 2) for good in goods], store="1213")
    for line in range(1, 8):
        order.do("pickPosition", line=line, quantity=2)
    for line, reason in ((8, "not_found"), (9, "damaged"), (10, "expired")):
        order.do("pickPosition", line=line, quantity=0, reason=reason)
    order.do("finishAssembly")
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    assert [street.final(order)[good.sku]["quantity"] for good in goods] == [2] * 7 + [0] * 3
    # At the door the buyer does not take the seventh: it goes back to its shelf.
    street.market.advance(order.external_id, "order.delivering")
    street.market.update(order.external_id, remove=[good.sku for good in goods[6:]])
    street.market.event(order.external_id, "order.delivered")
    order.wait_for_state("delivered")
    street.check(order, "delivered", "shipped", TOLD,
                 [*BEGUN, *["pick"] * 10, "finish", *DELIVERED[:3], "order.updated", *DELIVERED[3:]])
    sale, = street.documents(order)
    assert amounts(sale) == {good.sku: Decimal(good.discount_minor) / 50 for good in goods[:6]}, "what was handed over"
    # The first of them comes back a week later.
    street.shop.ctl("document", "return", order.external_id, "1=1", "--reason", "sour")
    back = street.documents(order)[-1]
    assert (back["kind"], Decimal(back["total"])) == ("return", Decimal(goods[0].discount_minor) / 100)
    assert street.report("1213", "lines", "found", "short", "short_percent") == ("10", "7", "3", "30.0")


def scenario_12_marked_goods(street: Street) -> None:
    def marking(serial: str, gtin: str = "04600000000015", tail: str = f"{GS}93Zjqw") -> str:
        return f"01{gtin}21{serial}{tail}"

    order, other = street.taken((MILK, 3)), street.taken((MILK, 3))
    first, second, third = (marking(serial) for serial in ("5Qbag!", "A<&>B", "EXAMPLE000001"))
    order.do("scan", code=first)
    assert codes(error_of(order.call("scan", code=first), 422, "not_acceptable")) == ["1:duplicate_code"]
    assert codes(error_of(other.call("scan", code=first), 422, "not_acceptable")) == ["1:code_in_use"]
    for lost in (first.replace(GS, ""), marking("ABCDEFGHIJKLM", tail="93Zjqw91EE06")):
        assert codes(error_of(order.call("scan", code=lost), 422, "not_acceptable")) == ["0:gs_lost"], lost
    water = marking("1", "04600000000039")
    assert codes(error_of(order.call("scan", code=water), 422, "not_acceptable")) == ["0:wrong_product"]
    refused = order.call("pickPosition", line=1, quantity=1, reason="other", markingCodes=[water])
    assert codes(error_of(refused, 422, "not_acceptable")) == ["1:wrong_product"]
    # Three pieces and two codes; un-scanned, a code is free for whoever comes first.
    order.do("pickPosition", line=1, quantity=3, markingCodes=[first, second])
    assert codes(error_of(order.call("finishAssembly"), 422, "not_complete")) == ["1:codes_differ"]
    order.do("resetPosition", line=1)
    assert line_of(order.read(), 1)["markingCodes"] == []
    other.do("scan", code=first)
    other.do("cancelOrder", reason="other")
    for code in (first, second, third):
        order.do("scan", code=code)
    order.do("finishAssembly")
    street.deliver(order)
    street.check(order, "delivered", "shipped", TOLD,
                 [*BEGUN, "scan", "pick", "reset", *["scan"] * 3, "finish", *DELIVERED])
    ready, = street.market.journal(kind="notification", order=order.external_id, type=TOLD[3])
    line, = ready["body"]["event"]["payload"]["order"]["positions"]
    assert [code["value"] for code in line["markingCode"]] == [first, second, third], "whole, with the separator"
    document, = street.documents(order)
    paper, = (path for path in (street.appliance.state / "export").glob("*.xml") if order.number.encode() in path.read_bytes())
    assert [code.text for code in ElementTree.parse(paper).iter("КИЗ")] == [
        marking(serial, tail="") for serial in ("5Qbag!", "A<&>B", "EXAMPLE000001")], "without the tail"
    assert document["lines"][0]["quantity"] == 3


def entry(order: Order, method: str, base: int, **data: Any) -> dict[str, Any]:
    """Of a handheld's journal; its clock is an hour ahead."""
    ahead = datetime.now(timezone.utc) + timedelta(hours=1)
    return {"requestId": str(uuid.uuid4()), "method": method, "deviceTime": ahead.isoformat(timespec="seconds"), "baseVersion": base,
            "requestData": {"number": order.number, **data}}


def replay(street: Street, actions: list[dict[str, Any]], picker: str = "anna") -> list[str]:
    answer = street.shop.change("replay", pickerId=picker, actions=actions)
    assert answer.status == 200, answer
    return [one["verdict"] + (f":{one['reason']}" if "reason" in one else "") for one in answer.json()["result"]["actions"]]


def scenario_13_two_pickers_and_one_order(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1), (CURD, 1), store="1214")
    busy = error_of(order.call("takeOrder", "boris"), 409, "wrong_picker")
    assert busy["details"][0]["pickerId"] == "anna" and busy["details"][0]["since"] in busy["message"]
    base = order.seen
    order.do("takeOrder", "boris", takeOver=True)
    order.do("pickPosition", "boris", line=1, quantity=2)
    # Anna was without a connection and picked all she could; what nobody has touched counts, once.
    journal = [entry(order, "pickPosition", base, line=line, quantity=1, reason="other") for line in (1, 2)]
    journal.append(entry(order, "finishAssembly", base))
    assert replay(street, journal) == ["conflict:line_changed", "applied", "conflict:wrong_picker"]
    assert replay(street, journal) == ["conflict:line_changed", "duplicate", "conflict:wrong_picker"]
    assert [line["pickedQuantity"] for line in order.read()["lines"]] == [2, 1, 0]
    order.do("pickPosition", "boris", line=3, quantity=1)
    order.do("finishAssembly", "boris")
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD, [*BEGUN, "takeOver", *["pick"] * 3, "finish"])
    who = street.shop.rows("SELECT kind, actor FROM order_history h JOIN orders o ON o.id = order_id WHERE number = ?"
                           " AND kind IN ('take', 'takeOver', 'pick', 'finish') ORDER BY h.id", order.number)
    assert who == [("take", "anna"), ("takeOver", "boris"), ("pick", "boris"), ("pick", "anna"), ("pick", "boris"), ("finish", "boris")]
    assert {sku: line["quantity"] for sku, line in street.final(order).items()} == {MILK.sku: 2, KEFIR.sku: 1, CURD.sku: 1}
    assert street.report("1214", "picker", "orders", "items", kind="pickers") == ("boris", "1", "4.000")


def scenario_14_a_handheld_without_a_connection(street: Street) -> None:
    order = street.taken((MILK, 2), (KEFIR, 1), (CURD, 2), (TEA, 1), (WATER, 1), store="1215")
    began = time.time()
    base = order.seen
    actions = [entry(order, "pickPosition", base, line=1, quantity=1, reason="other"),
               entry(order, "pickPosition", base + 1, line=1, quantity=2),
               entry(order, "pickPosition", base + 2, line=2, quantity=1)]
    base += 3  # the last version that the device has seen
    actions = [*actions, entry(order, "pickPosition", base, line=3, quantity=0, reason="expired"),
               entry(order, "resetPosition", base, line=3),
               entry(order, "scan", base, code=CURD.sku), entry(order, "scan", base, code=CURD.sku),
               entry(order, "pickPosition", base, line=4, quantity=1),
               entry(order, "pickPosition", base, line=5, quantity=1),
               entry(order, "finishAssembly", base, bags=1)]
    # The first four went out before the connection was lost, and the answer to the fourth did not come.
    for action in actions[:4]:
        data = {**action["requestData"], "pickerId": "anna", "version": action["baseVersion"]}
        assert street.shop.change(action["method"], action["requestId"], **data).status == 200
    assert replay(street, actions) == ["duplicate"] * 4 + ["applied"] * 6
    assert replay(street, actions) == ["duplicate"] * 10
    street.market.wait(order.external_id, "ready_to_ship", 20_000)
    street.check(order, "ready", "ready_to_ship", TOLD, [*BEGUN, *["pick"] * 4, "reset", "scan", "scan", "pick", "pick", "finish"])
    assert {sku: line["quantity"] for sku, line in street.final(order).items()} == {
        MILK.sku: 2, KEFIR.sku: 1, CURD.sku: 2, TEA.sku: 1, WATER.sku: 1}, "as if there had been a connection"
    last, assembled = street.shop.rows("SELECT max(at_ms), max(assembled_ms) FROM order_history h JOIN orders o ON o.id = order_id"
                                       " WHERE number = ?", order.number)[0]
    assert 0 <= assembled / 1000 - began < 600 and last / 1000 - began < 600, "a clock that is an hour ahead changes no time of ours"
    on_time, median = street.report("1215", "on_time", "assembly_median_min")
    assert on_time == "1" and Decimal(median) < 10


SCENARIOS = scenarios_of(globals())


@pytest.fixture(scope="module")
def outcomes(street: Street) -> dict[str, Future[None]]:
    return play(street, SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(outcomes: dict[str, Future[None]], name: str) -> None:
    outcomes[name].result()
