"""The assembly API through the real nginx and the real processes."""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api_client import API, FINISHED, SEEN_S, Order, Shop, codes, error_of, open_shop, stopped
from appliance import BACK_S, SLACK, wait_until
from hammer import hammer
from load import store_locked


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


# --- the usual way


def test_an_order_is_assembled_and_handed_over(shop: Shop) -> None:
    order = shop.new_order()
    seen = order.read()
    assert seen["state"] == "accepted" and seen["version"] == 1 and seen["lineCount"] == 3
    assert (seen["channel"], seen["externalId"], seen["storeId"]) == ("kuper", order.external_id, "1207")
    assert (seen["slotFrom"], seen["slotTo"]) == ("2026-02-03T09:00:00Z", "2026-02-03T11:00:00Z")
    assert seen["deadline"] == seen["slotTo"] and seen["pickerId"] is None
    assert (seen["comment"], seen["replacementPolicy"]) == ("Помидоры покрепче", "call_or_replace")
    assert seen["lines"][1] == {
        "line": 2, "sku": "2002", "name": "", "orderedQuantity": 1, "quantity": 1, "pickedQuantity": 0, "weight": 1000,
        "pickedWeight": None, "price": "100.00", "discountPrice": "90.00", "state": "pending", "replacedBy": None,
        "replaces": None, "reason": None, "markingCodes": []}

    taken = order.do("takeOrder")
    assert (taken["state"], taken["pickerId"], taken["version"]) == ("assembling", "anna", 2)
    order.do("pickPosition", line=1, quantity=2, reason="damaged")
    weighed = order.call("pickPosition", line=2, quantity=1, weight=1150)
    assert [warning["code"] for warning in weighed.json()["result"]["warnings"]] == ["weight_differs"]
    order.do("pickPosition", line=3, quantity=1)
    order.do("resetPosition", line=3)
    picked = order.do("pickPosition", line=3, quantity=1)
    assert [(line["state"], line["pickedQuantity"], line["pickedWeight"], line["reason"]) for line in picked["lines"]] == [
        ("short", 2, None, "damaged"), ("picked", 1, 1150, None), ("picked", 1, None, None)]

    done = order.do("finishAssembly", bags=2)
    assert (done["state"], done["bags"], done["version"]) == ("assembled", 2, 8)
    assert order.notices() == FINISHED
    gone = order.do("handOver", picker="desk", code="318")
    assert (gone["state"], gone["version"]) == ("received", 9)
    assert order.history() == ["order.created", "accept", "take", "pick", "pick", "pick", "reset", "pick", "finish",
                               "handOver"]
    ready = json.loads(shop.value("SELECT body FROM outbox WHERE external_id = ? AND event_type ="
                                  " 'order.ready_for_delivery'", order.external_id))
    assert [(position["id"], position["quantity"]) for position in ready["event"]["payload"]["order"]["positions"]] == [
        ("2001", 2), ("2002", 1), ("2003", 1)]


def test_the_list_goes_by_deadline_and_by_pages(shop: Shop) -> None:
    late, early, middle = (shop.new_order(store="88", slot_hour=hour) for hour in (18, 9, 14))
    shop.event(middle.external_id, "order.canceled", 5)
    middle.wait_for_state("canceled")
    early.do("takeOrder")

    def listed(**data: Any) -> tuple[list[str], str | None]:
        answer = shop.ask("getOrders", storeId="88", **data)
        assert answer.status == 200, answer
        result = answer.json()["result"]
        return [row["number"] for row in result["orders"]], result.get("next")

    assert listed() == ([early.number, late.number], None)
    assert listed(states=["assembling"]) == ([early.number], None)
    assert listed(states=["canceled", "accepted"]) == ([middle.number, late.number], None)
    assert listed(limit=2) == ([early.number, late.number], None)
    assert listed(limit=5000) == ([early.number, late.number], None)
    first, after = listed(limit=1)
    assert first == [early.number] and after
    assert listed(limit=1, after=after) == ([late.number], None)
    assert shop.ask("getOrders", storeId="nowhere").json()["result"] == {"orders": []}
    row = shop.ask("getOrders", storeId="88").json()["result"]["orders"][0]
    assert set(row) == {"number", "channel", "externalId", "storeId", "state", "version", "slotFrom", "slotTo", "deadline",
                        "lineCount", "pickerId"}
    assert row["pickerId"] == "anna" and row["state"] == "assembling"


MANY_ORDERS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
INSERT INTO orders (id, channel, external_id, number, store_id, state, version, event_ms, snapshot_ms, deadline_ms,
                    created_ms, updated_ms)
SELECT 1000000 + i, 'kuper', 'M' || i, '9-' || i, '99', 'accepted', 1, 1, 1, 1770102000000 + 1000 * (i * 7919 % 1500), 1, 1 FROM n
"""


def test_a_page_has_at_most_a_thousand_orders_and_pages_join_without_gap(shop: Shop) -> None:
    shop.new_order(store="99").do("cancelOrder", None, reason="other")
    shop.appliance.change(MANY_ORDERS)
    pages: list[list[dict[str, Any]]] = []
    after: dict[str, Any] = {}
    while True:
        result = shop.ask("getOrders", storeId="99", limit=5000, **after).json()["result"]
        pages.append(result["orders"])
        if "next" not in result:
            break
        after = {"after": result["next"]}
    assert [len(page) for page in pages] == [1000, 500]
    rows = [row for page in pages for row in page]
    assert len({row["number"] for row in rows}) == 1500
    assert [row["deadline"] for row in rows] == sorted(row["deadline"] for row in rows)
    assert len(shop.ask("getOrders", storeId="99").json()["result"]["orders"]) == 100


# --- what is refused, and how


def test_only_who_has_the_token_is_answered(shop: Shop) -> None:
    for token in ("", "wrong", shop.appliance.secret("hook-token")):
        answer = shop.post("getOrders", {"requestData": {"storeId": "1"}}, token)
        assert answer.status == 403, (token, answer)
        assert answer.json()["error"]["code"] == "forbidden"
    error_of(shop.ask("stealOrder"), 404, "unknown_method")
    error_of(shop.ask("getOrder/x"), 404, "unknown_method")
    error_of(shop.ask(""), 404, "unknown_method")


BAD_BODIES = [
    ("", "bad_json"), ("takeOrder", "bad_json"), ("[1", "bad_json"), (b'{"requestId":"\xff"}', "bad_json"),
    ('{"requestData":{},"requestData":{}}', "bad_json"), ("[" * 1000, "bad_json"), ('{"requestId":"\\u0000"}', "bad_json"),
    ("[]", "bad_envelope"), ('"x"', "bad_envelope"), ("{}", "bad_envelope"), ('{"requestId":"1"}', "bad_envelope"),
    ('{"requestId":"1","requestData":[]}', "bad_envelope"), ('{"requestId":{},"requestData":{}}', "bad_envelope"),
    ('{"requestId":"","requestData":{}}', "bad_envelope"), ('{"requestId":null,"requestData":{}}', "bad_envelope"),
    ('{"requestData":{"number":"1","pickerId":"a"}}', "bad_envelope"),
    (json.dumps({"requestId": "x" * 129, "requestData": {}}), "bad_envelope"),
]


@pytest.mark.parametrize(("body", "code"), BAD_BODIES)
def test_a_body_that_is_no_request_is_a_400(shop: Shop, body: str | bytes, code: str) -> None:
    error_of(shop.post("takeOrder", body), 400, code)


BAD_FIELDS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("getOrders", {}, ["storeId"]),
    ("getOrders", {"storeId": "1", "states": "new", "limit": 0, "after": "x"}, ["states", "limit", "after"]),
    ("getOrders", {"storeId": ["1"], "states": ["new", "sold"], "after": "1-x"}, ["storeId", "states", "after"]),
    ("getOrder", {"number": None}, ["number"]),
    ("takeOrder", {"number": "1", "pickerId": "", "takeOver": "yes"}, ["pickerId", "takeOver"]),
    ("takeOrder", {"number": "1", "pickerId": "x" * 64}, ["pickerId"]),
    ("pickPosition", {}, ["number", "pickerId", "version", "line", "quantity"]),
    ("pickPosition", {"number": "1", "pickerId": "a", "version": "x", "line": 1.5, "quantity": -1, "weight": "abc",
                      "markingCodes": ["01"], "reason": {}},
     ["version", "line", "quantity", "weight", "markingCodes", "reason"]),
    ("pickPosition", {"number": "1", "pickerId": "a", "version": 1, "line": 1, "quantity": 1.0005, "weight": 0.5},
     ["quantity", "weight"]),
    ("pickPosition", {"number": "1", "pickerId": "a", "version": 1, "line": 1, "quantity": 1000000.001}, ["quantity"]),
    ("finishAssembly", {"number": "1", "pickerId": "a", "version": 1, "bags": 1001}, ["bags"]),
    ("cancelOrder", {"number": "1"}, ["version", "reason"]),
]


@pytest.mark.parametrize(("method", "data", "fields"), BAD_FIELDS)
def test_every_bad_field_is_named_at_once(shop: Shop, method: str, data: dict[str, Any], fields: list[str]) -> None:
    error = error_of(shop.change(method, **data), 422, "bad_fields")
    assert [detail["field"] for detail in error["details"]] == fields
    assert all(detail["message"].startswith(detail["field"]) for detail in error["details"])


def test_numbers_may_be_texts_and_unknown_fields_are_ignored(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    picked = order.do("pickPosition", version=str(order.seen), line="2", quantity="1.000", weight="955.0",
                      deviceTime="2026-02-03T10:00:00Z", markingCodes=[])
    assert picked["lines"][1]["pickedWeight"] == 955


def test_an_order_that_does_not_exist_is_a_404(shop: Shop) -> None:
    error_of(shop.ask("getOrder", number="9-000000"), 404, "unknown_order")
    answer = shop.change("takeOrder", "r-404", number="9-000000", pickerId="anna")
    error_of(answer, 404, "unknown_order")
    assert answer.json()["requestId"] == "r-404"


def test_each_refusal_says_its_code_its_message_and_its_details(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    taken_ms = shop.value("SELECT taken_ms FROM orders WHERE number = ?", order.number)
    since = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(taken_ms // 1000))}.{taken_ms % 1000:03d}Z"
    until = order.read()["pickerUntil"]
    free = shop.new_order()
    pick: dict[str, Any] = {"line": 1, "quantity": 1, "reason": "other"}
    no_token = shop.post("getOrders", {"requestData": {"storeId": "1"}}, token="wrong")
    rows: list[tuple[Any, int, str, str, list[Any] | None]] = [
        (no_token, 403, "forbidden", "Client-Token is missing or wrong", []),
        (shop.ask("stealOrder"), 404, "unknown_method", "there is no such method", []),
        (shop.ask("getOrder", number="9-000000"), 404, "unknown_order", "there is no order with that number", []),
        (shop.change("scan", number="9-000000", pickerId="anna", version=1, code="4600000000015"), 404, "unknown_order",
         "there is no order with that number", []),
        (order.call("pickPosition", version=1, **pick), 409, "stale_version", "the order has changed: look at it again",
         [{"version": order.seen}]),
        (order.call("pickPosition", "boris", **pick), 409, "wrong_picker", f"anna has the order since {since}",
         [{"pickerId": "anna", "since": since, "until": until}]),
        (order.call("handOver"), 409, "illegal_step", "handOver is not possible in assembling",
         [{"state": "assembling", "allowed": ["takeOrder", "releaseOrder", "keepAlive", "pickPosition", "scan", "replacePosition",
                                              "resetPosition", "finishAssembly", "cancelOrder"]}]),
        (free.call("handOver"), 409, "illegal_step", None, None),
        (shop.post("takeOrder", "["), 400, "bad_json", None, []),
        (shop.post("takeOrder", {"requestId": "r-x", "requestData": 7}), 400, "bad_envelope", "requestData must be an object", []),
        (shop.post("takeOrder", {"requestData": {}}), 400, "bad_envelope",
         "requestId is missing: takeOrder changes something", []),
    ]
    assert no_token.json()["requestId"] is None, "nothing of a caller's is read before his token"
    assert shop.change("stealOrder", "r-1").json()["requestId"] == "r-1"
    assert shop.post("stealOrder", "[").json()["requestId"] is None
    for answer, status, code, message, details in rows:
        error = error_of(answer, status, code)
        assert message in (None, error["message"]) and error["message"], answer
        assert details is None or error.get("details") == details, answer
    missing = error_of(shop.change("pickPosition", number="", version="x"), 422, "bad_fields")
    assert missing["message"] == "requestData has missing or bad fields"
    assert {detail["field"] for detail in missing["details"]} == {"number", "pickerId", "version", "line", "quantity"}
    assert all(detail["code"] and detail["message"] for detail in missing["details"])
    current = order.call("pickPosition", version=1, **pick).json()["result"]["order"]
    assert (current["number"], current["version"]) == (order.number, order.seen), "the order as it is comes with the refusal"


def test_a_stale_version_gets_the_order_as_it_is(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    answer = order.call("pickPosition", line=1, quantity=3, version=1)
    assert error_of(answer, 409, "stale_version")["details"] == [{"version": 2}]
    assert answer.json()["result"]["order"] == order.read()
    for method, data in (("resetPosition", {"line": 1}), ("finishAssembly", {}), ("cancelOrder", {"reason": "other"})):
        error_of(order.call(method, version=99, **data), 409, "stale_version")


def test_an_order_has_one_picker_at_a_time(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    held = error_of(order.call("takeOrder", "boris"), 409, "wrong_picker")
    assert held["details"][0]["pickerId"] == "anna" and held["details"][0]["since"] in held["message"]
    for method, data in (("pickPosition", {"line": 1, "quantity": 3}), ("finishAssembly", {}), ("releaseOrder", {}),
                         ("keepAlive", {})):
        error_of(order.call(method, "boris", **data), 409, "wrong_picker")

    over = order.do("takeOrder", "boris", takeOver=True)
    assert over["pickerId"] == "boris"
    error_of(order.call("pickPosition", "anna", line=1, quantity=3), 409, "wrong_picker")
    alive = order.do("keepAlive", "boris")
    assert alive["version"] == over["version"] and alive["pickerUntil"] >= over["pickerUntil"]
    released = order.do("releaseOrder", "boris")
    assert released["pickerId"] is None and released["state"] == "assembling"
    nobody = error_of(order.call("pickPosition", "boris", line=1, quantity=3), 409, "wrong_picker")
    assert nobody["details"] == []
    order.do("takeOrder", "anna")
    assert order.notices() == FINISHED[:2]
    assert order.history() == ["order.created", "accept", "take", "takeOver", "release", "take"]


def test_a_step_that_is_not_possible_names_the_state_and_what_is(shop: Shop) -> None:
    order = shop.new_order()
    before = error_of(order.call("pickPosition", line=1, quantity=3), 409, "illegal_step")
    assert before["details"] == [{"state": "accepted", "allowed": ["takeOrder", "cancelOrder"]}]
    order.assembled()
    after = error_of(order.call("finishAssembly"), 409, "illegal_step")
    assert after["details"] == [{"state": "assembled", "allowed": ["handOver", "cancelOrder"]}]
    order.do("handOver")
    assert error_of(order.call("cancelOrder", None, reason="other"), 409, "illegal_step")["details"] == [
        {"state": "received", "allowed": []}]
    assert order.notices() == FINISHED


# --- goods


BAD_PICKS: list[tuple[dict[str, Any], list[str]]] = [
    ({"line": 1, "quantity": 4}, ["1:too_much"]),
    ({"line": 1, "quantity": 2}, ["1:reason_missing"]),
    ({"line": 1, "quantity": 0}, ["1:reason_missing"]),
    ({"line": 1, "quantity": 2, "reason": "lazy"}, ["1:unknown_reason"]),
    ({"line": 1, "quantity": 3, "weight": 100}, ["1:not_weighed"]),
    ({"line": 2, "quantity": 1}, ["2:weight_missing"]),
    ({"line": 2, "quantity": 1, "weight": 1300}, ["2:weight_off"]),
    ({"line": 2, "quantity": 5}, ["2:too_much", "2:weight_missing"]),
    ({"line": 9, "quantity": 1}, ["9:no_such_line"]),
]


def test_goods_that_do_not_fit_are_refused_and_nothing_changes(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    before = order.read()
    for data, wanted in BAD_PICKS:
        error = error_of(order.call("pickPosition", **data), 422, "not_acceptable")
        assert codes(error) == wanted, data
    assert order.read() == before
    assert order.history() == ["order.created", "accept", "take"]


def test_the_gate_lists_every_fault_at_once(shop: Shop) -> None:
    order = shop.new_order([("1", 2, None), ("2", 1, None), ("3", 2, None), ("4", 1, 500)])
    order.do("takeOrder")
    order.do("pickPosition", line=1, quantity=2)
    order.do("pickPosition", line=2, quantity=1)
    # While she picks, the customer takes one line out, wants fewer of another, and a new one.
    shop.event(order.external_id, "order.updated", 5, positions=[
        {"id": "2", "quantity": 1, "price": "100.00"}, {"id": "1", "quantity": 1, "price": "100.00"},
        {"id": "4", "quantity": 1, "price": "100.00", "weight": "500"}, {"id": "5", "quantity": 1, "price": "100.00"}])
    wait_until(lambda: order.read()["lineCount"] == 5, SEEN_S, "the change is seen")
    error = error_of(order.call("finishAssembly"), 422, "not_complete")
    assert codes(error) == ["1:too_much", "4:not_picked", "5:not_picked"]
    order.do("pickPosition", line=1, quantity=1)
    order.do("pickPosition", line=4, quantity=1, weight=500)
    order.do("pickPosition", line=5, quantity=0, reason="not_found")
    assert order.do("finishAssembly")["state"] == "assembled"
    assert order.notices() == FINISHED


def test_an_order_without_goods_ends_as_a_cancellation(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    for line in (1, 2, 3):
        order.do("pickPosition", line=line, quantity=0, reason="not_found")
    ended = order.do("finishAssembly")
    assert (ended["state"], ended["canceledBy"], ended["cancelReason"]) == ("canceled", "store", "nothing_picked")
    assert order.notices() == ["order.accepted", "order.in_work", "order.canceled"]


def test_the_store_may_cancel(shop: Shop) -> None:
    order = shop.new_order()
    ended = order.do("cancelOrder", None, reason="out_of_stock")
    assert (ended["state"], ended["cancelReason"]) == ("canceled", "out_of_stock")
    assert order.notices() == ["order.accepted", "order.canceled"]


# --- repeats, and what happens at the same time


def test_a_repeat_gets_the_same_answer_and_changes_nothing(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    data = {"number": order.number, "pickerId": "anna", "version": order.seen, "line": 1, "quantity": 3}
    first = shop.change("pickPosition", "r-1", **data)
    assert first.status == 200
    order.do("pickPosition", line=3, quantity=1, version=first.json()["result"]["order"]["version"])
    history = order.history()

    again = shop.change("pickPosition", "r-1", **data)
    assert (again.status, again.body) == (200, first.body)
    spelled = shop.change("pickPosition", "r-1", **{**data, "quantity": "3.0", "deviceTime": "later"})
    assert (spelled.status, spelled.body) == (200, first.body)
    other = shop.change("pickPosition", "r-1", **{**data, "quantity": 2, "reason": "damaged"})
    error_of(other, 422, "request_id_reused")
    # The same id is another request for another picker or method.
    error_of(shop.change("pickPosition", "r-1", **{**data, "pickerId": "boris"}), 409, "wrong_picker")
    error_of(shop.change("resetPosition", "r-1", number=order.number, pickerId="anna", version=1, line=1), 409,
             "stale_version")
    assert order.history() == history


def test_a_refusal_is_not_remembered(shop: Shop) -> None:
    order = shop.new_order()
    error_of(order.call("pickPosition", line=1, quantity=3, request_id="r-2", version=2), 409, "illegal_step")
    order.do("takeOrder")
    assert order.do("pickPosition", line=1, quantity=3, request_id="r-2", version=2)["version"] == 3


def test_the_same_request_sent_at_once_counts_once(shop: Shop) -> None:
    order = shop.new_order()
    body = {"requestId": "r-3", "requestData": {"number": order.number, "pickerId": "anna"}}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.post("takeOrder", body), range(24)))
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert order.history().count("take") == 1
    assert order.notices() == FINISHED[:2]


def test_nothing_is_answered_before_it_is_in_the_store(shop: Shop) -> None:
    order = shop.new_order()
    connection = shop.appliance.connection()
    body = json.dumps({"requestId": "r-4", "requestData": {"number": order.number, "pickerId": "anna"}})
    headers = {"Client-Token": shop.appliance.secret("assembly-token")}
    with store_locked(shop.appliance):
        connection.request("POST", API + "takeOrder", body, headers)
        connection.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.getresponse()
        assert order.read()["state"] == "accepted", "reading goes on"
    connection.close()
    # The answer was lost, so the handheld asks again.
    assert order.do("takeOrder", request_id="r-4")["version"] == 2
    assert order.history().count("take") == 1


def test_what_was_decided_ahead_of_the_lock_is_decided_again_when_the_order_has_changed(shop: Shop) -> None:
    order = shop.new_order()
    version = order.do("takeOrder")["version"]
    bodies = [{"requestId": f"ahead-{n}", "requestData": {"number": order.number, "pickerId": "anna", "version": version,
                                                          "line": 1, "quantity": n, "reason": "other"}} for n in (1, 2, 1, 2, 1, 2)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        with store_locked(shop.appliance):
            answers = [pool.submit(shop.post, "pickPosition", body) for body in bodies]
            time.sleep(0.3)  # all of them have seen the same order by then; if one has not, the test proves less
        results = [answer.result() for answer in answers]
    ones, twos = results[::2], results[1::2]
    done, refused = (ones, twos) if ones[0].status == 200 else (twos, ones)
    assert [(answer.status, answer.body) for answer in done] == [(200, done[0].body)] * 3, "one of them, and its repeats"
    for answer in refused:
        error_of(answer, 409, "stale_version")
    assert order.read()["lines"][0]["pickedQuantity"] == (1 if done is ones else 2)
    assert order.history().count("pick") == 1


def test_a_worker_that_cannot_write_says_so_and_is_replaced(shop: Shop) -> None:
    order = shop.new_order()
    limited = set(shop.appliance.pids("assembly").values())
    for pid in limited:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, 4096))  # the store is longer
    body = {"requestId": "r-5", "requestData": {"number": order.number, "pickerId": "anna"}}
    answer = shop.post("takeOrder", body)
    assert answer.status == 503 and answer.headers["Retry-After"], answer
    assert answer.json()["error"]["code"] and order.history() == ["order.created", "accept"]
    wait_until(lambda: shop.post("takeOrder", body).status == 200, BACK_S * SLACK, "the workers are back")
    assert order.history() == ["order.created", "accept", "take"]
    # Those that have not had to write yet would fail the next test.
    for pid in limited & set(shop.appliance.pids("assembly").values()):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(shop.appliance.pids("assembly").values()) - limited) == len(limited), BACK_S * SLACK,
               "all of them are others")


def test_a_cancellation_that_was_acknowledged_is_not_overtaken(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    order.pick_all()
    with stopped(shop, "processor"):
        shop.event(order.external_id, "order.canceled", 9, cancellation={"slug": "x", "description": "Передумал"})
        answer = order.call("finishAssembly")
        error = error_of(answer, 409, "illegal_step")
        assert error["details"][0]["state"] == "canceled"
        shown = answer.json()["result"]["order"]
        assert (shown["state"], shown["canceledBy"], shown["cancelReason"]) == ("canceled", "marketplace", "Передумал")
        assert order.read() == shown
    assert order.notices() == FINISHED[:2]
    assert [line["pickedQuantity"] for line in shown["lines"]] == [3, 1, 1]


def test_a_change_that_was_acknowledged_is_seen_by_the_next_call(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    with stopped(shop, "processor"):
        shop.event(order.external_id, "order.updated", 9, positions=[
            {"id": "2001", "quantity": 5, "price": "100.00"}, {"id": "2002", "quantity": 1, "weight": "1000"},
            {"id": "2003", "quantity": 1}])
        answer = order.call("pickPosition", line=1, quantity=3)
    error_of(answer, 409, "stale_version")
    assert answer.json()["result"]["order"]["lines"][0]["quantity"] == 5


def test_what_the_courier_did_early_is_applied_after_the_end_of_the_assembly(shop: Shop) -> None:
    order = shop.new_order()
    order.do("takeOrder")
    shop.event(order.external_id, "order.received", 20)
    parked = "SELECT count(*) FROM inbox WHERE external_id = ? AND outcome = 'parked'"
    wait_until(lambda: shop.value(parked, order.external_id) == 1, SEEN_S, "the event waits")
    order.pick_all()
    assert order.do("finishAssembly")["state"] == "received"
    assert order.history()[-2:] == ["finish", "order.received"]


RACES = 20


def test_a_cancellation_that_races_with_the_finish_has_one_outcome(shop: Shop) -> None:
    for _ in range(RACES):
        order = shop.new_order([("2001", 1, None)])
        order.do("takeOrder")
        order.pick_all()
        start = threading.Barrier(2)

        def finish(order: Order = order, start: threading.Barrier = start) -> int:
            start.wait()
            return order.call("finishAssembly").status

        def cancel(order: Order = order, start: threading.Barrier = start) -> int:
            start.wait()
            return shop.event(order.external_id, "order.canceled", 9).status

        with ThreadPoolExecutor(2) as pool:
            finished, canceled = pool.submit(finish), pool.submit(cancel)
            assert canceled.result() == 200
            assert finished.result() in (200, 409)
        order.wait_for_state("canceled")
        told = FINISHED if finished.result() == 200 else FINISHED[:2]
        assert order.notices() == told
        assert order.history().count("order.canceled") == 1
        assert order.history().count("finish") == (1 if finished.result() == 200 else 0)


def test_two_pickers_on_one_order_count_nothing_twice_and_lose_nothing(shop: Shop) -> None:
    hammer(shop, seconds=3)
