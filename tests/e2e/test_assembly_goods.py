"""Scanning, replacing, marking codes, and what the marketplace changes meanwhile."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from api_client import FINISHED, SEEN_S, Order, Shop, codes, error_of, open_shop, positions
from appliance import BIN, wait_until

GS = "\x1d"
MILK, CHEESE, BREAD, WATER, JUICE = "2001", "2002", "2003", "2004", "2005"
CATALOGUE = f"""\
{MILK},Молоко 3.2%,4600000000015 96385074,pcs,,10,,
{CHEESE},Сыр весовой,2100001000004,kg,1000,10,20,
{BREAD},Хлеб,4600000000022,pcs,,10,,
{WATER},Вода,4600000000039,pcs,,22,,
{JUICE},Сок,4600000000053,pcs,,22,,1
4001,Пакет фирменный,2000000001234,pcs,,22,,
3001,Молоко другое,4600000000046,pcs,,10,,
3002,Сыр другой,,kg,1000,10,,
"""
MILK_EAN, BREAD_EAN = "4600000000015", "4600000000022"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        shop.import_catalogue(CATALOGUE)
        yield shop


def taken(shop: Shop, lines: list[Any] | None = None, policy: str = "call_or_replace") -> Order:
    order = shop.new_order(lines, policy=policy)
    order.do("takeOrder")
    return order


def line_of(order: dict[str, Any], number: int) -> dict[str, Any]:
    return next(line for line in order["lines"] if line["line"] == number)


def marking(serial: str, gtin: str = "04600000000039", tail: str = f"{GS}93Zjqw") -> str:
    return f"01{gtin}21{serial}{tail}"


def ready_positions(shop: Shop, order: Order) -> list[dict[str, Any]]:
    body = shop.value("SELECT body FROM outbox WHERE external_id = ? AND event_type = 'order.ready_for_delivery'",
                      order.external_id)
    return json.loads(body)["event"]["payload"]["order"]["positions"]


# --- scanning


SCANS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("bad check digit", {"code": "4600000000016"}, ["0:bad_check_digit"]),
    ("bad check digit of a label", {"code": "2100001009558"}, ["0:bad_check_digit"]),
    ("nobody knows it", {"code": "4600000000107"}, ["0:unknown_code"]),
    ("other goods", {"code": "4600000000046"}, ["0:wrong_product"]),
    ("too many", {"code": MILK_EAN, "quantity": 4}, ["1:too_much"]),
    ("none", {"code": MILK_EAN, "quantity": 0}, ["1:nothing"]),
    ("too heavy by the catalogue's tolerance", {"code": "2100001012106"}, ["2:weight_off"]),
    ("no weight", {"code": "2100001000004"}, ["2:weight_missing"]),
    ("Russian keyboard", {"code": "ЙЦУ"}, ["0:bad_code"]),
]


def test_what_cannot_be_scanned_changes_nothing_and_says_why(shop: Shop) -> None:
    order = taken(shop)
    before = order.read()
    for name, data, wanted in SCANS:
        error = error_of(order.call("scan", **data), 422, "not_acceptable")
        assert codes(error) == wanted, name
        assert error["details"][0]["message"], name
    assert order.read() == before


def test_an_order_is_assembled_by_scanning(shop: Shop) -> None:
    order = taken(shop)
    assert line_of(order.do("scan", code=MILK_EAN), 1)["pickedQuantity"] == 1
    assert line_of(order.do("scan", code="96385074"), 1)["state"] == "pending"
    assert line_of(order.do("scan", code=f"010{MILK_EAN}"), 1)["state"] == "picked"
    assert codes(error_of(order.call("finishAssembly"), 422, "not_complete")) == ["2:not_picked", "3:not_picked"]
    cheese = line_of(order.do("scan", code="2100001004804"), 2)
    assert (cheese["pickedWeight"], cheese["pickedQuantity"], cheese["state"]) == (480, 0.48, "pending")
    cheese = line_of(order.do("scan", code="2100001004750"), 2)
    assert (cheese["pickedWeight"], cheese["pickedQuantity"], cheese["state"]) == (955, 1, "picked")
    order.do("scan", code=BREAD)
    done = order.do("finishAssembly")
    assert done["state"] == "assembled" and order.history().count("scan") == 6
    assert [(p["id"], p["quantity"], p.get("weight")) for p in ready_positions(shop, order)] == [
        (MILK, 3, None), (CHEESE, 1, "955"), (BREAD, 1, None)]


def test_labels_are_read_by_the_stores_own_table(shop: Shop) -> None:
    with_price = shop.new_order([(CHEESE, 1, 1000)], store="77")
    shop.ctl("label", "set", "77", "21", "5", "price", "100")
    with_price.do("takeOrder")
    # 95.50 roubles at 100.00 a kilogram.
    assert line_of(with_price.do("scan", code="2100001095505"), 1)["pickedWeight"] == 955
    assert "77" in shop.ctl("label", "list") and "price" in shop.ctl("label", "list")
    shop.ctl("label", "remove", "77", "21")
    other = shop.new_order([(CHEESE, 1, 1000)], store="77")
    other.do("takeOrder")
    assert line_of(other.do("scan", code="2100001009557"), 1)["pickedWeight"] == 955


def test_a_code_of_the_stores_own_that_looks_like_a_label_is_what_the_catalogue_says(shop: Shop) -> None:
    order = taken(shop, [("4001", 2, None), (MILK, 1, None)])
    bag = line_of(order.do("scan", code="2000000001234"), 1)
    assert (bag["pickedQuantity"], bag["pickedWeight"]) == (1, None)
    assert line_of(order.do("scan", code="2000000001234"), 1)["state"] == "picked"


def test_a_scan_sent_twice_counts_once(shop: Shop) -> None:
    order = taken(shop)
    first = order.call("scan", code=MILK_EAN, request_id="s-1", version=2)
    again = order.call("scan", code=MILK_EAN, request_id="s-1", version=2)
    assert (again.status, again.body) == (200, first.body)
    assert line_of(order.read(), 1)["pickedQuantity"] == 1


# --- marking codes


def test_goods_that_the_catalogue_calls_marked_need_codes_from_the_first_piece(shop: Shop) -> None:
    order = taken(shop, [(JUICE, 2, None)])
    order.do("pickPosition", line=1, quantity=2)
    assert codes(error_of(order.call("finishAssembly"), 422, "not_complete")) == ["1:codes_differ"]
    order.do("resetPosition", line=1)
    wrong = order.call("scan", code=marking("1", "04600000000054"))
    assert codes(error_of(wrong, 422, "not_acceptable")) == ["0:bad_check_digit"]
    for serial in ("1", "2"):
        order.do("scan", code=marking(serial, "04600000000053"))
    assert order.do("finishAssembly")["state"] == "assembled"


def test_marked_goods_have_a_code_each_and_nobody_else_has_it(shop: Shop) -> None:
    order, other = taken(shop, [(WATER, 3, None), (MILK, 1, None)]), taken(shop, [(WATER, 3, None)])
    first, second, third = (marking(serial) for serial in ("5Qbag!", "ABCDEFGHIJKLM", "EXAMPLE01"))
    order.do("scan", code=first)
    assert codes(error_of(order.call("scan", code=first), 422, "not_acceptable")) == ["1:duplicate_code"]
    lost = first.replace(GS, "")
    assert codes(error_of(order.call("scan", code=lost), 422, "not_acceptable")) == ["0:gs_lost"]
    assert codes(error_of(other.call("scan", code=first), 422, "not_acceptable")) == ["1:code_in_use"]
    milk = marking("1", "04600000000015")
    refused = order.call("pickPosition", line=1, quantity=1, reason="other", markingCodes=[milk])
    assert codes(error_of(refused, 422, "not_acceptable")) == ["1:wrong_product"]
    error_of(order.call("pickPosition", line=1, quantity=1, markingCodes=["4600000000039"]), 422, "bad_fields")
    long = marking("ABCDEFGHIJKLM", tail="93Zjqw91EE06")
    assert codes(error_of(order.call("scan", code=long), 422, "not_acceptable")) == ["0:gs_lost"]

    picked = order.do("pickPosition", line=1, quantity=3, markingCodes=[first, second])
    assert line_of(picked, 1)["markingCodes"] == [first, second]
    order.do("scan", code=MILK_EAN)
    assert codes(error_of(order.call("finishAssembly"), 422, "not_complete")) == ["1:codes_differ"]
    order.do("resetPosition", line=1)
    # What was put back may be picked by whoever comes first.
    assert line_of(other.do("scan", code=first), 1)["markingCodes"] == [first]
    other.do("cancelOrder", reason="other")
    for code in (first, second, third):
        order.do("scan", code=code)
    assert order.do("finishAssembly")["state"] == "assembled"
    assert ready_positions(shop, order)[0]["markingCode"] == [{"value": code} for code in (first, second, third)]
    assert "markingCode" not in ready_positions(shop, order)[1]


# --- replacements


def test_a_replacement_needs_what_the_customer_allows(shop: Shop) -> None:
    order = taken(shop)
    dear = {"line": 1, "sku": "3001", "quantity": 3, "price": "150.00"}
    assert codes(error_of(order.call("replacePosition", **dear), 422, "not_acceptable")) == ["1:too_dear"]
    replaced = order.do("replacePosition", **dear, consent="phone")
    assert line_of(replaced, 1)["replacedBy"] == 4 and line_of(replaced, 1)["state"] == "replaced"
    assert {key: line_of(replaced, 4)[key] for key in ("sku", "name", "pickedQuantity", "price", "discountPrice", "replaces",
                                                       "state")} == {
        "sku": "3001", "name": "Молоко другое", "pickedQuantity": 3, "price": "150.00", "discountPrice": "150.00",
        "replaces": 1, "state": "picked"}
    consent = shop.value("SELECT detail FROM order_history h JOIN orders o ON o.id = h.order_id WHERE o.number = ?"
                         " AND kind = 'replace'", order.number)
    assert json.loads(consent)["consent"] == "phone"
    careful = taken(shop, policy="call_or_cancel")
    same = {"line": 1, "sku": "3001", "quantity": 3}
    assert codes(error_of(careful.call("replacePosition", **same), 422, "not_acceptable")) == ["1:consent_missing"]
    assert line_of(careful.do("replacePosition", **same, consent=True), 4)["price"] == "100.00"


def test_a_replacement_that_the_catalogue_lacks_is_taken_and_told(shop: Shop) -> None:
    order = taken(shop)
    answer = order.call("replacePosition", line=1, sku="9-unknown", quantity=3)
    warning, = answer.json()["result"]["warnings"]
    assert (warning["line"], warning["field"], warning["code"]) == (4, "sku", "unknown_product") and warning["message"]
    assert line_of(answer.json()["result"]["order"], 4)["sku"] == "9-unknown"
    assert shop.value("SELECT o.number FROM unknown_products u JOIN orders o ON o.id = u.order_id WHERE sku = '9-unknown'"
                      ) == order.number, "the rule product-unknown tells the operator"
    known = taken(shop).call("replacePosition", line=1, sku="3001", quantity=3)
    assert known.status == 200 and "warnings" not in known.json()["result"]


def test_a_replacement_can_be_partial_replaced_itself_and_taken_back(shop: Shop) -> None:
    order = taken(shop, [(MILK, 5, None), (BREAD, 1, None)])
    order.do("pickPosition", line=1, quantity=3, reason="not_found")
    order.do("replacePosition", line=1, sku="3001", quantity=2)
    order.do("resetPosition", line=3)
    order.do("replacePosition", line=3, sku="3002", quantity=2, weight=1900)
    order.do("replacePosition", line=2, sku="3001", quantity=1)
    order.do("resetPosition", line=2)
    order.do("pickPosition", line=2, quantity=1)
    assert order.do("finishAssembly")["state"] == "assembled"
    # The one that was taken back is not told.
    assert ready_positions(shop, order) == [
        {"id": MILK, "originalQuantity": 5, "quantity": 3, "replacedByID": "3001"},
        {"id": BREAD, "originalQuantity": 1, "quantity": 1},
        {"id": "3001", "originalQuantity": 0, "quantity": 0, "replacedByID": "3002"},
        {"id": "3002", "originalQuantity": 0, "quantity": 2, "weight": "1900"}]


# --- the marketplace meanwhile


def test_a_change_during_picking_is_shown_with_its_difference_and_nothing_picked_is_lost(shop: Shop) -> None:
    order = taken(shop)
    order.pick_all()
    seen = order.seen
    assert order.read()["changes"] == []
    shop.event(order.external_id, "order.updated", 5, comment="Позвоните",
               positions=positions([(MILK, 2, None), (CHEESE, 1, 1000), (WATER, 1, None)]))
    wait_until(lambda: order.read()["version"] > seen, SEEN_S, "the change is seen")
    stale = order.call("finishAssembly", version=seen)
    error_of(stale, 409, "stale_version")
    shown = stale.json()["result"]["order"]
    assert shown == order.read()
    change = shown["changes"][0]
    assert change["event"] == "order.updated" and change["at"]
    assert change["difference"] == {
        "comment": {"from": "Помидоры покрепче", "to": "Позвоните"}, "version": seen + 1, "lines": [
            {"line": 1, "sku": MILK, "from": 3, "to": 2}, {"line": 4, "sku": WATER, "from": 0, "to": 1},
            {"line": 3, "sku": BREAD, "from": 1, "to": 0}]}
    assert [line["pickedQuantity"] for line in shown["lines"]] == [3, 1, 1, 0]
    assert codes(error_of(order.call("finishAssembly"), 422, "not_complete")) == [
        "1:too_much", "3:put_back", "4:not_picked"]
    order.do("pickPosition", line=1, quantity=2)
    order.do("resetPosition", line=3)
    order.do("pickPosition", line=4, quantity=1)
    assert order.do("finishAssembly")["changes"] == shown["changes"]
    assert order.notices() == FINISHED


def test_an_update_without_anything_new_is_nothing_to_show(shop: Shop) -> None:
    order = taken(shop)
    seen = order.read()
    shop.event(order.external_id, "order.updated", 5, comment="Помидоры покрепче", positions=positions([
        (MILK, 3, None), (CHEESE, 1, 1000), (BREAD, 1, None)]))
    wait_until(lambda: order.history()[-1] == "order.updated", SEEN_S, "it is in the history")
    assert order.read() == seen and seen["changes"] == []


def test_a_cancellation_during_picking_is_shown_with_its_reason(shop: Shop) -> None:
    order = taken(shop)
    order.do("scan", code=MILK_EAN)
    shop.event(order.external_id, "order.canceled", 6, cancellation={"slug": "x", "description": "Передумал"})
    answer = order.call("scan", code=MILK_EAN)
    assert error_of(answer, 409, "illegal_step")["details"] == [{"state": "canceled", "allowed": []}]
    shown = answer.json()["result"]["order"]
    assert shown["changes"][0]["event"] == "order.canceled"
    assert shown["changes"][0]["difference"]["reason"] == "Передумал"
    assert line_of(shown, 1)["pickedQuantity"] == 1, "what has to go back to the shelf"


# --- paper


def page_of(shop: Shop, order: Order) -> str:
    answer = shop.ask("getPickList", number=order.number)
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/html; charset=utf-8", answer
    page = str(answer.body, "utf-8") if isinstance(answer.body, bytes) else answer.body
    parser = Page()
    parser.feed(page)
    assert parser.open_tags == [], parser.open_tags
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org/2000/svg", "")
    return page


class Page(HTMLParser):
    """Checks that every element is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "path"):
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self.open_tags.pop() == tag


def test_a_pick_list_is_a_page_to_print_by_zones(shop: Shop) -> None:
    places = shop.appliance.folder / "places.csv"
    places.write_text(f"sku;zone;store_id;shelf\n{MILK};Молочное;;B-2\n{CHEESE};Молочное;;A-1\n{CHEESE};Сыры;1207;C-3\n"
                      f"{WATER};Вода;77;D\n", encoding="utf-8")
    assert "4" in shop.ctl("place", "import", str(places))
    order = shop.new_order([(MILK, 3, None), (CHEESE, 1, 1000), (BREAD, 1, None), (WATER, 2, None)])
    order.do("takeOrder")
    order.do("pickPosition", line=1, quantity=2, reason="damaged")
    page = page_of(shop, order)
    # Of a store's own place and the common one the own one counts; what has no place comes last.
    assert re.findall("<h2>(.*?)</h2>", page) == ["Молочное", "Сыры", "Остальные товары"]
    assert f"Лист сборки {order.number}" in page and order.external_id in page and "Помидоры покрепче" in page
    assert "<dt>Редакция</dt><dd>3</dd>" in page and f'"{order.number} · Редакция 3"' in page
    assert "03.02.2026 12:00" in page, "in the store's time"
    assert "4600000000015" in page and "A4" in page and "<svg" in page and "повреждено" in page and "damaged" not in page
    order.do("pickPosition", line=1, quantity=3)
    assert "<dd>4</dd>" in page_of(shop, order)
    order.do("cancelOrder", reason="other")
    back = page_of(shop, order)
    assert "Вернуть на полки" in back and "Молоко" in back and "Хлеб" not in back
    error_of(shop.ask("getPickList", number="9-000000"), 404, "unknown_order")


def test_what_a_marketplace_writes_does_not_become_markup(shop: Shop) -> None:
    order = shop.new_order([("<b>", 1, None)], policy="<script>alert(1)</script>")
    page = page_of(shop, order)
    assert "&lt;script&gt;alert(1)" in page and "<b>&lt;b&gt;</b>" in page


BAD_PLACES = [("sku;zone\n1;\n", "zone: is empty"), ("sku\n1\n", "zone"), (f"sku,zone\n{'x' * 64},a\n", "longer")]


@pytest.mark.parametrize(("text", "reason"), BAD_PLACES)
def test_a_bad_file_of_places_is_refused_by_line(shop: Shop, text: str, reason: str) -> None:
    places = shop.appliance.folder / "bad.csv"
    places.write_text(text, encoding="utf-8")
    done = subprocess.run([BIN / "ordergatectl", "--state", shop.appliance.state, "--config", shop.appliance.config, "place", "import", places],
                          capture_output=True, text=True)
    assert done.returncode == 1 and reason in done.stderr, done
