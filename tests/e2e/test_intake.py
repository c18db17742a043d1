"""What becomes of everything that may arrive at the hook, through the real nginx and four real workers."""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from appliance import SLACK, Answer, Appliance, wait_until
from intake_checks import (accepted, intake, kept, messages, order_state, refused, running, send,  # noqa: F401
                           unique)
from load import HOOK, UNAVAILABLE, Senders, check_senders, ctl, order_body, rows, store_locked, wait_until_processed
from texts import bad_texts

MIB = 1024 * 1024
COMMIT_WAIT_S = 3.0  # contract.md: then a hook answers 503


# --- bodies that cannot be read: 400, and kept in the quarantine

def nested(depth: int) -> bytes:
    """An order whose comment is arrays within arrays: `depth` levels in all."""
    inner = depth - 2  # the body and the payload
    return (b'{"event_type":"order.created","payload":{"originalOrderId":"HDEEP%d","comment":' % depth + b"[" * inner +
            b"]" * inner + b"}}")


def created(payload: str) -> bytes:
    return b'{"event_type":"order.created","payload":' + payload.encode() + b"}"


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"hello", "bad_json"),
    "nothing at all": (b"", "bad_json"),
    "white space": (b" \r\n\t", "bad_json"),
    "a form": (b"event_type=order.created&id=H1", "bad_json"),
    "XML": (b"<order/>", "bad_json"),
    "half of a body": (b'{"event_type":"order.created","payload":{"originalOrderId":"H1', "bad_json"),
    "two bodies": (b"{}{}", "bad_json"),
    "something after the body": (created('{"originalOrderId":"H1"}') + b",", "bad_json"),
    "a comma too many": (created('{"originalOrderId":"H1",}'), "bad_json"),
    "single quotes": (b"{'event_type':'order.created'}", "bad_json"),
    "a comment": (b"/* */ " + created('{"originalOrderId":"H1"}'), "bad_json"),
    "NaN": (created('{"originalOrderId":"H1","total":NaN}'), "bad_json"),
    "a number that begins with 0": (created('{"originalOrderId":"H1","total":01}'), "bad_json"),
    "a line break in a text": (created('{"originalOrderId":"H1","comment":"a\nb"}'), "bad_json"),
    "UTF-16": ('{"event_type":"order.created"}'.encode("utf-16"), "bad_json"),
    "an array": (b'[{"event_type":"order.created"}]', "bad_json"),
    "a text": (b'"order.created"', "bad_json"),
    "a number": (b"42", "bad_json"),
    "null": (b"null", "bad_json"),
    "an empty object": (b"{}", "no_event_type"),
    "no event_type": (b'{"payload":{"originalOrderId":"H1"}}', "no_event_type"),
    "event_type null": (b'{"event_type":null,"payload":{"originalOrderId":"H1"}}', "no_event_type"),
    "event_type empty": (b'{"event_type":"","payload":{"originalOrderId":"H1"}}', "no_event_type"),
    "event_type a number": (b'{"event_type":1,"payload":{"originalOrderId":"H1"}}', "no_event_type"),
    "event_type an object": (b'{"event_type":{"a":1},"payload":{"originalOrderId":"H1"}}', "no_event_type"),
    "event_type somewhere else": (b'{"payload":{"event_type":"order.paid","originalOrderId":"H1"}}', "no_event_type"),
    "no payload": (b'{"event_type":"order.created"}', "no_order_id"),
    "payload null": (created("null"), "no_order_id"),
    "payload a text": (created('"originalOrderId"'), "no_order_id"),
    "payload an array": (created('[{"originalOrderId":"H1"}]'), "no_order_id"),
    "no order id": (created('{"storeID":"1207"}'), "no_order_id"),
    "order id null": (created('{"originalOrderId":null}'), "no_order_id"),
    "order id empty": (created('{"originalOrderId":""}'), "no_order_id"),
    "order id an object": (created('{"originalOrderId":{"id":"H1"}}'), "no_order_id"),
    "order id true": (created('{"originalOrderId":true}'), "no_order_id"),
    "order id in another place": (b'{"event_type":"order.created","originalOrderId":"H1","payload":{}}', "no_order_id"),
    "an order id of 256 characters": (created('{"originalOrderId":"%s"}' % ("H" * 256)), "too_long"),
    "an alias of 256 characters": (created('{"orderUUID":"%s"}' % ("Ж" * 256)), "too_long"),
    "an event type of 64 characters": (
        b'{"event_type":"order.%s","payload":{"originalOrderId":"H1"}}' % (b"x" * 58), "too_long"),
    "an order id of 100 000 characters": (created('{"originalOrderId":"%s"}' % ("H" * 100_000)), "bad_json"),
    "65 levels": (nested(65), "bad_json"),
    "1000 levels": (nested(1000), "bad_json"),
    "half a million levels": (b"[" * 500_000, "bad_json"),
    "no UTF-8": (created('{"originalOrderId":"H1","comment":"@"}').replace(b"@", b"\xff\xfe"), "bad_json"),
    "a character that is cut off": (created('{"originalOrderId":"H1","comment":"@"}').replace(b"@", b"\xd0"), "bad_json"),
    "an overlong NUL": (created('{"originalOrderId":"H1","comment":"@"}').replace(b"@", b"\xc0\x80"), "bad_json"),
    "a surrogate in UTF-8": (created('{"originalOrderId":"H1","comment":"@"}').replace(b"@", b"\xed\xa0\x80"), "bad_json"),
    "Windows-1251": (created('{"originalOrderId":"H1","comment":"@"}').replace(b"@", "Бананы".encode("cp1251")),
                     "bad_json"),
    "half a surrogate pair": (created('{"originalOrderId":"H1","comment":"\\ud83d"}'), "bad_json"),
    "a NUL byte in a text": (created('{"originalOrderId":"H1","comment":"a\0b"}'), "bad_json"),
    "a NUL byte after the body": (created('{"originalOrderId":"H1"}') + b"\0", "bad_json"),
    "NUL bytes only": (b"\0" * 100, "bad_json"),
    "an escaped NUL": (created('{"originalOrderId":"H1\\u0000H2"}'), "bad_json"),
    "an escaped NUL in a key": (created('{"originalOrderId\\u0000":"H1"}'), "bad_json"),
    "two event types": (b'{"event_type":"order.created","event_type":"order.canceled","payload":{"originalOrderId":"H1"}}',
                        "bad_json"),
    "two order ids": (created('{"originalOrderId":"H1","originalOrderId":"H2"}'), "bad_json"),
    "two equal order ids": (created('{"originalOrderId":"H1","originalOrderId":"H1"}'), "bad_json"),
    "the second order id is escaped": (created('{"originalOrderId":"H1","originalOrder\\u0049d":"H2"}'), "bad_json"),
    "the first order id is escaped": (created('{"\\u006friginalOrderId":"H1","originalOrderId":"H2"}'), "bad_json"),
    "two quantities in a position": (
        created('{"originalOrderId":"H1","positions":[{"id":"1","quantity":1,"quantity":9}]}'), "bad_json"),
    "two keys far apart in a large object": (
        created('{"originalOrderId":"H1",%s"k7":0}' % "".join(f'"k{n}":{n},' for n in range(5000))), "bad_json"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused_and_kept(intake: Appliance, case: str) -> None:
    body, code = UNREADABLE[case]
    inbox, quarantined = kept(intake)
    began_ms = time.time() * 1000
    message = refused(intake.hook(body), 400, code)
    assert kept(intake) == (inbox, quarantined + 1)
    received_ms, channel, reason, raw = rows(
        intake, "SELECT received_ms, channel, reason, raw FROM quarantine ORDER BY id DESC LIMIT 1")[0]
    assert (channel, reason, raw) == ("kuper", message, body), "every byte, and why"
    assert began_ms - 1 <= received_ms <= time.time() * 1000 + 1


def test_the_quarantine_is_shown_to_the_operator(intake: Appliance) -> None:
    refused(intake.hook(b"hello, operator"), 400, "bad_json")
    listed = ctl(intake, "quarantine", "list", "--limit", "1", "--json")
    assert listed.returncode == 0 and "value expected" in listed.stdout, listed


# --- what is refused and not kept

WRONG_TOKENS = {
    "a wrong one": lambda token: {"Client-Token": "wrong"},
    "none": lambda token: {},
    "an empty one": lambda token: {"Client-Token": ""},
    "the beginning": lambda token: {"Client-Token": token[:-1]},
    "one character more": lambda token: {"Client-Token": token + "A"},
    "capital letters": lambda token: {"Client-Token": token.swapcase()},
    "in another header": lambda token: {"Authorization": f"Bearer {token}"},
    "that of the assembly": None,
    "64 KiB": lambda token: {"Client-Token": "x" * 6000},
}


@pytest.mark.parametrize("case", WRONG_TOKENS)
def test_without_the_token_nothing_is_taken(intake: Appliance, case: str) -> None:
    make = WRONG_TOKENS[case]
    headers = make(intake.secret("hook-token")) if make else {"Client-Token": intake.secret("assembly-token")}
    before = kept(intake)
    for body in (json.dumps(order_body(unique())), "hello"):
        refused(intake.request("POST", HOOK, body, headers), 403, "forbidden")
    assert kept(intake) == before, "also what cannot be read: a stranger does not fill our disk"


def test_the_token_is_not_taken_from_the_address(intake: Appliance) -> None:
    token = intake.secret("hook-token")
    refused(intake.request("POST", f"{HOOK}?Client-Token={token}", json.dumps(order_body(unique()))), 403, "forbidden")
    assert token not in intake.log()


def test_a_body_of_two_megabytes_is_refused(intake: Appliance) -> None:
    before = kept(intake)
    body = json.dumps(order_body(unique(), comment="x" * 2 * MIB))
    refused(intake.hook(body), 413, "too_large")
    assert kept(intake) == before


def test_the_largest_body_is_taken(intake: Appliance) -> None:
    order_id = unique()
    body = json.dumps(order_body(order_id, comment=""))
    body = body.replace('"comment": ""', '"comment": "%s"' % ("x" * (MIB - len(body))))
    assert len(body) == MIB
    accepted(intake.hook(body), "created")
    assert messages(intake, order_id) == [("order.created", 3, "ok")]
    refused(intake.hook(body + " "), 413, "too_large")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_the_hook_knows_only_post(intake: Appliance, method: str) -> None:
    before = kept(intake)
    answer = intake.request(method, HOOK, None, {"Client-Token": intake.secret("hook-token")})
    if method == "HEAD":
        assert answer.status == 405 and answer.body == b""
    else:
        refused(answer, 405, "method_not_allowed")
    assert kept(intake) == before


@pytest.mark.parametrize("path", ["/sbermarket/orders/hooks/", HOOK + "x", "/sbermarket/orders/", "/hook/",
                                  "/SBERMARKET/orders/hook/"])
def test_another_path_is_not_found(intake: Appliance, path: str) -> None:
    before = kept(intake)
    answer = intake.request("POST", path, json.dumps(order_body(unique())), {"Client-Token": intake.secret("hook-token")})
    refused(answer, 404, "not_found")
    assert kept(intake) == before


# --- what is taken

def test_an_order_is_taken_and_becomes_an_order(intake: Appliance) -> None:
    order_id = unique()
    number = accepted(send(intake, order_body(order_id)), "created")
    assert messages(intake, order_id) == [("order.created", 3, "ok")]
    assert rows(intake, "SELECT number, state, store_id FROM orders WHERE external_id = ?", order_id) == [
        (number, "accepted", "1207")]
    assert rows(intake, "SELECT sku, qty_ordered_milli, discount_price_minor, weight_g FROM order_lines"
                " JOIN orders ON id = order_id WHERE external_id = ? ORDER BY line_no", order_id) == [
        ("100245871", 2000, 7990, None), ("100318840", 1000, 11999, 1000)]


def test_the_path_may_lack_its_last_slash(intake: Appliance) -> None:
    order_id = unique()
    answer = intake.request("POST", HOOK.rstrip("/"), json.dumps(order_body(order_id)),
                            {"Client-Token": intake.secret("hook-token")})
    accepted(answer, "created")
    assert messages(intake, order_id) == [("order.created", 3, "ok")]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json; charset=utf-8"},
                                     {"Accept": "text/html"}, {"Expect": "100-continue"}])
def test_other_headers_do_not_matter(intake: Appliance, headers: dict[str, str]) -> None:
    answer = intake.request("POST", HOOK, json.dumps(order_body(unique())),
                            {"client-token": intake.secret("hook-token"), **headers})
    accepted(answer, "created")


def test_64_levels_are_taken(intake: Appliance) -> None:
    accepted(intake.hook(nested(64)), "created")
    assert messages(intake, "HDEEP64") == [("order.created", 3, "ok")]


EVENTS = ["order.updated", "order.changed", "order.paid", "order.received", "order.delivering", "order.delivered",
          "order.canceled", "order.cancelled", "courier.assigned", "courier.arrived"]


@pytest.mark.parametrize("event_type", EVENTS)
def test_an_event_of_an_order_gets_its_number(intake: Appliance, event_type: str) -> None:
    order_id = unique()
    number = accepted(send(intake, order_body(order_id)), "created")
    assert accepted(send(intake, {"event_type": event_type, "payload": {"originalOrderId": order_id}})) == number
    first, second = messages(intake, order_id)
    assert first == ("order.created", 3, "ok")
    assert second[:2] == (event_type, 3), "done, under the name that was sent"


@pytest.mark.parametrize("event_type", EVENTS)
def test_an_event_before_its_order_gets_the_same_number(intake: Appliance, event_type: str) -> None:
    order_id = unique()
    early = {"event_type": event_type, "timestamp": "2026-03-14T10:00:00+03:00", "payload": {"originalOrderId": order_id}}
    number = accepted(send(intake, early))
    assert messages(intake, order_id) == [(event_type, 3, "parked")]
    assert accepted(send(intake, order_body(order_id)), "created") == number
    assert messages(intake, order_id)[1:] == [("order.created", 3, "ok")]
    assert order_state(intake, order_id) == ("canceled" if "cancel" in event_type else "accepted")


def test_both_spellings_of_a_change_and_of_a_cancellation_are_applied(intake: Appliance) -> None:
    for changed, canceled in (("order.updated", "order.canceled"), ("order.changed", "order.cancelled")):
        order_id = unique()
        accepted(send(intake, order_body(order_id)), "created")
        more = order_body(order_id, changed)
        more["timestamp"] = "2026-03-14T10:00:00+03:00"
        more["payload"]["positions"][0]["quantity"] = 5
        accepted(send(intake, more))
        wait_until_processed(intake)
        assert rows(intake, "SELECT qty_milli FROM order_lines JOIN orders ON id = order_id WHERE external_id = ?"
                    " AND line_no = 1", order_id) == [(5000,)]
        accepted(send(intake, {"event_type": canceled, "payload": {"originalOrderId": order_id}}))
        assert order_state(intake, order_id) == "canceled"


UNKNOWN_EVENTS = ["order.teleported", "ORDER.CREATED", "order.created ", "created", "заказ.создан", "order.accepted",
                  "ready.confirmed", "take"]


@pytest.mark.parametrize("event_type", UNKNOWN_EVENTS)
def test_an_unknown_event_is_kept_for_a_person(intake: Appliance, event_type: str) -> None:
    """Known orders go on, and our own names mean nothing when somebody else says them."""
    order_id = unique()
    number = accepted(send(intake, {"event_type": event_type, "payload": {"originalOrderId": order_id}}))
    assert accepted(send(intake, order_body(order_id)), "created") == number
    assert messages(intake, order_id) == [(event_type, 4, "quarantined"), ("order.created", 3, "ok")]
    assert order_state(intake, order_id) == "accepted"
    listed = ctl(intake, "queue", "inbox", "list", "--state", "4", "--limit", "1", "--json")
    assert order_id in listed.stdout, listed


def test_what_the_processor_cannot_read_is_kept_for_a_person(intake: Appliance) -> None:
    """The shape is known, so it was acknowledged; the goods are not, so nothing is guessed."""
    for positions in ([{"id": "1", "quantity": "a few", "price": "1.00"}], [{"quantity": 1}], ["1"],
                      [{"id": str(n), "quantity": 1, "price": "1.00"} for n in range(1001)]):
        order_id = unique()
        accepted(send(intake, order_body(order_id, positions=positions)), "created")
        assert messages(intake, order_id) == [("order.created", 4, "quarantined")]
        assert accepted(send(intake, order_body(order_id)), "created")
        assert messages(intake, order_id)[1] == ("order.created", 3, "ok"), "the repaired one is applied"


def test_an_order_of_an_unknown_store_is_taken(intake: Appliance) -> None:
    order_id, store_id = unique(), "nobody's"
    accepted(send(intake, order_body(order_id, storeID=store_id)), "created")
    assert order_state(intake, order_id) == "accepted"
    assert rows(intake, "SELECT time_zone, opening_hours, integration_type, imported FROM stores WHERE id = ?", store_id) == [
        ("Europe/Moscow", "", 3, 0)]


STORE_IDS = {"a number": (1299, "1299"), "text": ("1298", "1298"), "null": (None, "unknown"), "not there": (..., "unknown"),
             "in another spelling": ("1297", "1297")}


@pytest.mark.parametrize("case", STORE_IDS)
def test_the_store_may_be_spelled_in_many_ways(intake: Appliance, case: str) -> None:
    sent, stored = STORE_IDS[case]
    order_id = unique()
    body = order_body(order_id, storeID=sent)
    if sent is ...:
        del body["payload"]["storeID"]
    if case == "in another spelling":
        body["payload"]["store_id"] = body["payload"].pop("storeID")
    accepted(send(intake, body), "created")
    assert order_state(intake, order_id) == "accepted"
    assert rows(intake, "SELECT store_id, time_zone FROM orders JOIN stores ON stores.id = store_id WHERE external_id = ?",
                order_id) == [(stored, "Europe/Moscow")]


TIMES = {"none": ..., "null": None, "no time": "yesterday", "a number": 1742000000, "far in the future": "2099-01-01T00:00:00Z"}


@pytest.mark.parametrize("case", TIMES)
def test_without_a_time_that_of_receipt_counts(intake: Appliance, case: str) -> None:
    order_id = unique()
    body = order_body(order_id)
    body["timestamp"] = TIMES[case]
    if body["timestamp"] is ...:
        del body["timestamp"]
    began_ms = time.time() * 1000 - 1
    accepted(send(intake, body), "created")
    event_ms, = rows(intake, "SELECT event_ms FROM inbox WHERE external_id = ?", order_id)[0]
    assert began_ms <= event_ms <= time.time() * 1000 + 1
    assert order_state(intake, order_id) == "accepted"


def test_a_time_without_an_offset_is_that_of_moscow(intake: Appliance) -> None:
    order_id = unique()
    accepted(send(intake, {**order_body(order_id), "timestamp": "2026-03-14T09:12:41"}), "created")
    assert rows(intake, "SELECT event_ms FROM inbox WHERE external_id = ?", order_id) == [(1773468761000,)]


def test_an_order_id_may_be_a_number_or_a_uuid_alone(intake: Appliance) -> None:
    number = accepted(send(intake, order_body(4812093)), "created")
    assert accepted(send(intake, {"event_type": "order.paid", "payload": {"originalOrderId": "4812093"}})) == number
    uuid = "7c1f0f0e-6d0c-4a53-9a2b-5a9f3f6e2b11"
    alone = order_body("", orderUUID=uuid)
    del alone["payload"]["originalOrderId"]
    number = accepted(send(intake, alone), "created")
    assert accepted(send(intake, {"event_type": "order.paid", "payload": {"orderUUID": uuid}})) == number
    assert accepted(send(intake, {"event_type": "order.paid", "payload": {"originalOrderId": uuid}})) == number


def test_the_uuid_is_another_name_of_the_order(intake: Appliance) -> None:
    order_id, uuid = unique(), "d2a97d0b-2f5e-4b8c-8d1a-0b7f6c1e9a44"
    number = accepted(send(intake, order_body(order_id, orderUUID=uuid)), "created")
    assert accepted(send(intake, {"event_type": "order.paid", "payload": {"orderUUID": uuid}})) == number
    wait_until_processed(intake)
    assert rows(intake, "SELECT count(*) FROM orders WHERE external_id IN (?, ?)", order_id, uuid) == [(1,)]


def test_a_repeat_gets_the_same_number(intake: Appliance) -> None:
    order_id = unique()
    numbers = {accepted(send(intake, order_body(order_id)), "created") for _ in range(4)}
    assert len(numbers) == 1
    assert messages(intake, order_id) == [("order.created", 3, "ok")] + 3 * [("order.created", 3, "duplicate")]


def test_three_at_once_get_the_same_number(intake: Appliance) -> None:
    for _ in range(10):
        order_id = unique()
        together = threading.Barrier(3)

        def one(_: int) -> str:
            together.wait(10)
            return accepted(send(intake, order_body(order_id)), "created")

        with ThreadPoolExecutor(3) as pool:
            assert len(set(pool.map(one, range(3)))) == 1
        assert sorted(messages(intake, order_id)) == [("order.created", 3, "duplicate"), ("order.created", 3, "duplicate"),
                                                      ("order.created", 3, "ok")]
        assert rows(intake, "SELECT count(*) FROM orders WHERE external_id = ?", order_id) == [(1,)]


def test_whatever_the_body_is_it_is_kept_and_answered(intake: Appliance) -> None:
    """Orders with random damage: each is either understood or in the quarantine, byte for byte."""
    rng = random.Random(20260314)
    before = kept(intake)
    sent: list[bytes] = []
    taken = 0
    connection = intake.connection()
    headers = {"Client-Token": intake.secret("hook-token")}
    for _ in range(400):
        body = bytearray(json.dumps(order_body(unique()), ensure_ascii=False).encode())
        for _ in range(rng.choice((1, 1, 2, 5))):
            at = rng.randrange(max(len(body), 1))
            damage = rng.choice(("flip", "drop", "double", "cut"))
            if damage == "flip":
                body[at:at + 1] = bytes([rng.randrange(256)])
            elif damage == "drop":
                del body[at:at + rng.randrange(1, 20)]
            elif damage == "double":
                body[at:at] = body[at:at + rng.randrange(1, 200)]
            else:
                del body[max(at, 1):]
        connection.request("POST", HOOK, bytes(body), headers)
        answer = Answer(connection.getresponse())
        assert answer.status in (200, 400), (answer, bytes(body))
        taken += answer.status == 200
        if answer.status == 400:
            sent.append(bytes(body))
    connection.close()
    assert 20 < taken < 380, "both have to be seen"
    assert kept(intake) == (before[0] + taken, before[1] + len(sent))
    stored = rows(intake, "SELECT raw FROM quarantine ORDER BY id DESC LIMIT ?", len(sent))
    assert [raw for raw, in reversed(stored)] == sent
    wait_until_processed(intake)
    assert bad_texts(intake.data) == []


# --- the store is not available

def test_without_the_store_everything_is_503_and_nothing_acknowledged_is_lost(intake: Appliance) -> None:
    senders = Senders(intake, 4, prefix="S", pause_s=0.01).start()
    wait_until(lambda: len(senders.acknowledged) > 20, 10, "orders are acknowledged")
    answers: list[Answer] = []
    ids = [unique() for _ in range(8)]

    def one(body: Any) -> None:
        answers.append(intake.hook(json.dumps(body) if isinstance(body, dict) else body))

    with store_locked(intake):
        locked_at = time.monotonic()
        threads = [threading.Thread(target=one, args=(body,)) for body in [*map(order_body, ids), b"hello"]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        waited_s = time.monotonic() - locked_at
        wait_until(lambda: senders.statuses[503] >= 4, 10, "those who repeat are refused, too")
        seen_locked = time.monotonic()
    for answer in answers:
        refused(answer, 503, *UNAVAILABLE)
        assert int(answer.headers["Retry-After"]) >= 1
    assert len(answers) == 9, "also what cannot be read is acknowledged, by a 400, only when it is kept"
    assert COMMIT_WAIT_S - 0.5 < waited_s < COMMIT_WAIT_S + 10 * SLACK
    # What was committed before may still be synced, answered and read.
    late = locked_at + COMMIT_WAIT_S / 2
    assert not [moment for moment in senders.moments if late < moment < seen_locked], "acknowledged, not stored"

    released = time.monotonic()
    numbers = [accepted(send(intake, order_body(order_id)), "created") for order_id in ids]
    assert time.monotonic() - released < 20 * SLACK, "it goes on"
    count = len(senders.acknowledged)
    wait_until(lambda: len(senders.acknowledged) > count + 20, 10, "orders are acknowledged again")
    senders.stop()
    wait_until_processed(intake)
    assert [rows(intake, "SELECT number FROM orders WHERE external_id = ?", order_id) for order_id in ids] == [
        [(number,)] for number in numbers]
    assert senders.statuses[503] > 0 and not senders.broken
    check_senders(intake, senders)
    assert ctl(intake, "verify").returncode == 0
