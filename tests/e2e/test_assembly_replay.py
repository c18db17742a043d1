"""Journals of handhelds: what was done without a connection, done later."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from api_client import FINISHED, SEEN_S, Order, Shop, error_of, open_shop, positions
from appliance import Answer, wait_until

_ids = itertools.count(1)
FIVE = [(str(2001 + i), 2, None) for i in range(5)]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        shop.import_catalogue("2001,Молоко,4600000000015,pcs,,10,\n")
        yield shop


def entry(order: Order, method: str, base: int, **data: Any) -> dict[str, Any]:
    return {"requestId": f"e-{next(_ids)}", "method": method, "deviceTime": "2031-01-01T00:00:00Z", "baseVersion": base,
            "requestData": {"number": order.number, **data}}


def pick(order: Order, base: int, line: int, quantity: int = 2, **data: Any) -> dict[str, Any]:
    return entry(order, "pickPosition", base, line=line, quantity=quantity, **data)


def replay(shop: Shop, actions: list[Any], picker: str = "anna", request_id: str | None = None) -> Answer:
    return shop.change("replay", request_id, pickerId=picker, actions=actions)


def verdicts(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [entry["verdict"] + (f":{entry['reason']}" if "reason" in entry else "") for entry in
            answer.json()["result"]["actions"]]


def picked(order: Order) -> list[float]:
    return [line["pickedQuantity"] for line in order.read()["lines"]]


def taken(shop: Shop) -> Order:
    order = shop.new_order(FIVE)
    order.do("takeOrder")
    return order


def test_ten_actions_offline_and_one_lost_answer_end_as_if_online(shop: Shop) -> None:
    order = taken(shop)
    base = order.seen
    actions = [pick(order, base, 1), pick(order, base, 2), pick(order, base, 2, 1, reason="damaged"),
               entry(order, "scan", base, code="4600000000015"), pick(order, base, 3), entry(order, "resetPosition", base, line=3),
               pick(order, base, 3), pick(order, base, 4), pick(order, base, 5), entry(order, "finishAssembly", base, bags=1)]
    actions[3] = entry(order, "resetPosition", base, line=1)
    actions.insert(4, entry(order, "scan", base, code="4600000000015", quantity=2))
    # The second one had arrived; its answer was lost.
    lost = actions[1]
    online = shop.change("pickPosition", lost["requestId"], **lost["requestData"], pickerId="anna", version=base)
    assert online.status == 200, online
    answer = replay(shop, actions)
    assert verdicts(answer) == ["applied", "duplicate"] + ["applied"] * 9
    result = answer.json()["result"]
    assert [one["requestId"] for one in result["actions"]] == [one["requestId"] for one in actions]
    assert [one["version"] for one in result["actions"]] == [4, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    assert result["order"]["state"] == "assembled" and result["orders"] == [result["order"]]
    assert [(line["pickedQuantity"], line["state"]) for line in result["order"]["lines"]] == [
        (2, "picked"), (1, "short"), (2, "picked"), (2, "picked"), (2, "picked")]
    assert order.notices() == FINISHED
    # The device's clock is five years ahead: noted, and nothing else.
    last = shop.rows("SELECT h.at_ms, h.detail FROM order_history h JOIN orders o ON o.id = h.order_id WHERE o.number = ?"
                     " AND h.kind = 'pick' ORDER BY h.id DESC LIMIT 1", order.number)[0]
    assert json.loads(last[1])["deviceTime"] == "2031-01-01T00:00:00Z"
    assert last[0] == pytest.approx(shop.value("SELECT assembled_ms FROM orders WHERE number = ?", order.number), abs=10_000)

    history = order.history()
    assert verdicts(replay(shop, actions)) == ["duplicate"] * 11
    assert order.history() == history


def test_the_same_journal_sent_again_gets_the_same_answer(shop: Shop) -> None:
    order = taken(shop)
    actions = [pick(order, order.seen, 1)]
    first = replay(shop, actions, request_id="journal-1")
    again = replay(shop, actions, request_id="journal-1")
    assert (again.status, again.body) == (200, first.body)
    error_of(replay(shop, actions + [pick(order, 3, 2)], request_id="journal-1"), 422, "request_id_reused")


def test_after_a_take_over_only_untouched_lines_take_what_comes_late(shop: Shop) -> None:
    order = taken(shop)
    base = order.seen
    order.do("takeOrder", "boris", takeOver=True)
    order.do("pickPosition", "boris", line=1, quantity=1, reason="damaged")
    held = order.read()["pickerUntil"]
    late = [pick(order, base, 1), pick(order, base, 2), entry(order, "resetPosition", base, line=1),
            entry(order, "keepAlive", base), entry(order, "finishAssembly", base)]
    answer = replay(shop, late)
    assert verdicts(answer) == ["conflict:line_changed", "applied", "conflict:line_changed", "conflict:wrong_picker",
                                "conflict:wrong_picker"]
    holder = answer.json()["result"]["actions"][4]["error"]["details"][0]
    assert holder["pickerId"] == "boris" and holder["since"]
    shown = answer.json()["result"]["order"]
    assert picked(order) == [1, 2, 0, 0, 0]
    assert (shown["pickerId"], shown["pickerUntil"]) == ("boris", held)
    # Whoever has never held the order has no say in it.
    assert verdicts(replay(shop, [pick(order, base, 3)], "clara")) == ["conflict:wrong_picker"]
    error_of(order.call("finishAssembly", "boris", version=shown["version"] - 1), 409, "stale_version")


def test_what_the_customer_changed_is_a_conflict_of_its_line_only(shop: Shop) -> None:
    order = taken(shop)
    base = order.seen
    wanted = [(sku, 3 if sku == "2002" else 2, None) for sku, _, _ in FIVE]
    shop.event(order.external_id, "order.updated", 5, positions=positions(wanted))
    wait_until(lambda: order.read()["version"] > base, SEEN_S, "the change is seen")
    answer = replay(shop, [pick(order, base, 1), pick(order, base, 2), pick(order, base, 3),
                           entry(order, "cancelOrder", base, reason="other")])
    assert verdicts(answer) == ["applied", "conflict:line_changed", "applied", "conflict:stale_version"]
    assert picked(order) == [2, 0, 2, 0, 0]
    again = answer.json()["result"]["order"]["version"]
    assert verdicts(replay(shop, [pick(order, again, 2, 3), pick(order, again, 4), pick(order, again, 5),
                                  entry(order, "finishAssembly", again)])) == ["applied"] * 4


def test_a_journal_in_two_parts_is_as_good_as_in_one(shop: Shop) -> None:
    order = taken(shop)
    base = order.seen
    assert verdicts(replay(shop, [pick(order, base, 1), pick(order, base, 2)])) == ["applied", "applied"]
    assert verdicts(replay(shop, [pick(order, base, 2, 1, reason="other"), pick(order, base, 3)])) == ["applied", "applied"]
    assert picked(order) == [2, 1, 2, 0, 0]
    # So is what was tapped with a connection in between.
    order.do("pickPosition", line=4, quantity=1, reason="other")
    assert verdicts(replay(shop, [pick(order, base, 4), pick(order, base, 5), entry(order, "finishAssembly", base, bags=1)])) == [
        "applied"] * 3
    assert order.read()["state"] == "assembled"


def test_the_second_part_of_a_journal_still_yields_to_others(shop: Shop) -> None:
    order = taken(shop)
    base = order.seen
    assert verdicts(replay(shop, [pick(order, base, 1), pick(order, base, 2)])) == ["applied", "applied"]
    order.do("takeOrder", "boris", takeOver=True)
    order.do("pickPosition", "boris", line=1, quantity=1, reason="other")
    order.do("takeOrder", "anna", takeOver=True)
    assert verdicts(replay(shop, [pick(order, base, 1), pick(order, base, 2, 1, reason="other"),
                                  entry(order, "finishAssembly", base)])) == [
        "conflict:line_changed", "applied", "conflict:stale_version"]
    assert picked(order) == [1, 1, 0, 0, 0]


def test_a_bad_entry_does_not_stop_the_others(shop: Shop) -> None:
    order = taken(shop)
    base = order.seen
    bad = [{"requestId": "x"}, {**pick(order, base, 1), "method": "stealOrder"}, {**pick(order, base, 1), "method": "getOrder"},
           {**pick(order, base, 1), "requestId": ""}, {**pick(order, base, 1), "requestData": []},
           {**pick(order, base, 1), "baseVersion": "old"}, 7, None]
    answer = replay(shop, bad + [pick(order, base, 1, -1), pick(order, base, 9), pick(order, base, 1, 5),
                                 {**pick(order, base, 1), "requestData": {"number": "9-0", "line": 1, "quantity": 1}},
                                 entry(order, "scan", base, code="4600000000016"), pick(order, base, 2)])
    assert verdicts(answer) == ["conflict:bad_entry"] * len(bad) + [
        "conflict:bad_fields", "conflict:not_acceptable", "conflict:not_acceptable", "conflict:unknown_order",
        "conflict:not_acceptable", "applied"]
    assert answer.json()["result"]["actions"][8]["error"]["details"][0]["field"] == "quantity"
    assert picked(order) == [0, 2, 0, 0, 0]


def test_a_journal_is_bounded_and_must_be_a_list(shop: Shop) -> None:
    order = taken(shop)
    error_of(replay(shop, [pick(order, order.seen, 1)] * 201), 422, "too_many_actions")
    error_of(shop.change("replay", pickerId="anna", actions={}), 422, "bad_fields")
    error_of(shop.change("replay", actions=[]), 422, "bad_fields")
    assert verdicts(replay(shop, [])) == []
    long = [pick(order, order.seen, 1 + i % 5, 1 + i % 2, reason="other") for i in range(200)]
    assert verdicts(replay(shop, long)) == ["applied"] * 200


def test_one_journal_may_be_about_many_orders(shop: Shop) -> None:
    orders = [shop.new_order(FIVE) for _ in range(3)]
    actions = [entry(order, "takeOrder", 0) for order in orders] + [pick(order, 2, 1) for order in orders]
    answer = replay(shop, actions)
    assert verdicts(answer) == ["applied"] * 6
    result = answer.json()["result"]
    assert [order["number"] for order in result["orders"]] == [order.number for order in orders]
    assert "order" not in result
