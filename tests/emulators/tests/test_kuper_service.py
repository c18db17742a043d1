"""Authorisation, the pull API, faults, the journal and the process itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from kuper import remote
from kuper.remote import Kuper
from wire.remote import ControlError, read_address

READY = {"changed": False}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def new_order(market: Kuper, **wish: Any) -> str:
    return market.create(send=False, **wish)["id"]


def get_token(market: Kuper, **change: str) -> tuple[int, dict[str, Any]]:
    form = {"client_id": remote.OAUTH_ID, "client_secret": remote.OAUTH_SECRET, "grant_type": "client_credentials", **change}
    status, _, body = market.request("POST", "/auth/token", urlencode(form).encode(), FORM)
    return status, json.loads(body)


def bearer(market: Kuper) -> dict[str, str]:
    return {"Authorization": f"Bearer {get_token(market)[1]['access_token']}"}


@pytest.mark.parametrize("path", ["/v1/notifications", "/v3/notifications"])
@pytest.mark.parametrize("headers, status", [
    ({"Client-Token": remote.CLIENT_TOKEN, "Api-Version": "3.0"}, 200),
    ({"client-token": remote.CLIENT_TOKEN, "api-version": "3.0"}, 200),
    ({"Client-Token": "wrong", "Api-Version": "3.0"}, 401),
    ({"Client-Token": "", "Api-Version": "3.0"}, 401),
    ({"Authorization": "Bearer nobody"}, 401),
    ({}, 401),
], ids=str)
def test_a_notification_needs_the_right_token(market: Kuper, path: str, headers: dict[str, str], status: int) -> None:
    order = new_order(market)
    got, body = market.notify("order.in_work", order, headers, path)
    assert got == status
    assert market.read_state(order)["state"] == ("collecting" if status == 200 else "ready")
    assert status == 200 or body["errors"][0]["type"] == "unauthorized"


def test_the_client_token_needs_the_api_version_on_v1_only(market: Kuper) -> None:
    order = new_order(market)
    alone = {"Client-Token": remote.CLIENT_TOKEN}
    assert market.notify("order.in_work", order, alone)[0] == 400
    assert market.notify("order.in_work", order, alone, "/v3/notifications")[0] == 200


def test_a_wrong_token_can_be_answered_404(market: Kuper) -> None:
    market.config(wrong_token_status=404)
    assert market.notify("order.in_work", new_order(market), {"Client-Token": "x", "Api-Version": "3.0"})[0] == 404


def test_an_oauth_token_opens_notifications_and_shipments(market: Kuper) -> None:
    order = new_order(market)
    headers = bearer(market)
    assert market.notify("order.in_work", order, headers)[0] == 200
    for path in ("", f"/{order}", f"/{order}/state"):
        assert market.request("GET", f"/ofm/api/v1/shipments{path}", None, headers)[0] == 200


def test_the_type_of_an_oauth_token_comes_in_both_spellings(market: Kuper) -> None:
    kinds = {get_token(market)[1]["token_type"] for _ in range(2)}
    assert kinds == {"Bearer", "bearer"}


def test_an_expired_oauth_token_is_refused(market: Kuper) -> None:
    order = new_order(market)
    old = bearer(market)
    market.control("POST", "tokens/expire", {})
    assert market.notify("order.in_work", order, old)[0] == 401
    market.config(token_ttl_s=0)
    assert market.notify("order.in_work", order, bearer(market))[0] == 401
    market.config(token_ttl_s=300)
    assert market.notify("order.in_work", order, bearer(market))[0] == 200


@pytest.mark.parametrize("change, status", [({"client_secret": "x"}, 401), ({"client_id": "x"}, 401),
                                            ({"grant_type": "password"}, 400)], ids=str)
def test_wrong_credentials_get_no_token(market: Kuper, change: dict[str, str], status: int) -> None:
    got, body = get_token(market, **change)
    assert got == status and body["error"]["status"] == status


def shipments(market: Kuper, **query: str) -> dict[str, Any]:
    path = "/ofm/api/v1/shipments" + (f"?{urlencode(query)}" if query else "")
    status, _, body = market.request("GET", path, None, {"Client-Token": remote.CLIENT_TOKEN})
    return {"http": status, **json.loads(body)}


def test_pages_of_shipments_hold_every_order_once(market: Kuper) -> None:
    ids = [new_order(market) for _ in range(7)]
    page = shipments(market, maxPageSize="3")
    seen = [order["originalOrderId"] for order in page["data"]]
    while page["nextPageToken"]:
        page = shipments(market, nextPageToken=page["nextPageToken"])
        seen += [order["originalOrderId"] for order in page["data"]]
    assert seen == ids


@pytest.mark.parametrize("name, value, count", [
    ("state", "collecting", 1), ("state", "shipped", 0), ("paymentState", "balance_due", 3), ("storeId", "1202", 2),
    ("storeImportKey", "lavka-1201", 1), ("createdFrom", "2020-01-01T00:00:00", 3), ("createdTo", "2020-01-01T00:00:00", 0),
    ("updatedFrom", "2020-01-01T00:00:00", 3), ("updatedTo", "2020-01-01T00:00:00", 0),
    ("deliveryFrom", "2020-01-01T00:00:00", 3), ("deliveryTo", "2020-01-01T00:00:00", 0),
])
def test_shipments_are_filtered(market: Kuper, name: str, value: str, count: int) -> None:
    new_order(market, store_id="1202")
    market.notify("order.in_work", new_order(market, store_id="1202"))
    new_order(market, store_id="1201")
    page = shipments(market, **{f"filters[{name}]": value})
    assert len(page["data"]) == count and page["appliedFilters"] == {name: value}


@pytest.mark.parametrize("query", [{"maxPageSize": "0"}, {"maxPageSize": "x"}, {"nextPageToken": "zzz"}, {"filters[x]": "1"},
                                   {"filters[createdFrom]": "yesterday"}], ids=str)
def test_a_bad_query_is_a_400(market: Kuper, query: dict[str, str]) -> None:
    new_order(market)
    assert shipments(market, **query)["http"] == 400


def test_a_shipment_shows_the_fields_of_the_pull_object(market: Kuper) -> None:
    order = new_order(market, lines=2)
    _, _, body = market.request("GET", f"/ofm/api/v1/shipments/{order}", None, {"Client-Token": remote.CLIENT_TOKEN})
    data = json.loads(body)["data"]
    assert {"state", "paymentState", "orderUUID", "storeImportKey", "completeBefore", "cancellation"} <= data.keys()
    assert {"name", "state", "modifiers", "extensions"} <= data["positions"][0].keys()


@pytest.mark.parametrize("path, headers, status", [
    ("/H404/state", {"Client-Token": remote.CLIENT_TOKEN}, 404), ("/H404", {"Client-Token": remote.CLIENT_TOKEN}, 404),
    ("", {"Client-Token": "wrong"}, 401), ("", {}, 401),
])
def test_shipments_are_refused_to_strangers_and_404_when_unknown(market: Kuper, path: str, headers: dict[str, str],
                                                                 status: int) -> None:
    assert market.request("GET", f"/ofm/api/v1/shipments{path}", None, headers)[0] == status


def raw_exchange(market: Kuper, order: str, event_type: str = "order.in_work", timeout_s: float = 5.0) -> bytes | str:
    """Sends a notification by hand: the bytes that came back, or the name of the error."""
    body = json.dumps({"event": {"type": event_type, "payload": {"order_id": order}}}).encode()
    head = (f"POST /v1/notifications HTTP/1.1\r\nHost: x\r\nClient-Token: {remote.CLIENT_TOKEN}\r\nApi-Version: 3.0\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
    address = market.base_url.removeprefix("http://").split(":")
    got = b""
    try:
        with socket.create_connection((address[0], int(address[1])), timeout=timeout_s) as sock:
            sock.sendall(head.encode() + body)
            while chunk := sock.recv(1 << 20):
                got += chunk
    except OSError as error:
        return type(error).__name__
    return got


@pytest.mark.parametrize("fault, processed, comes", [
    ({"kind": "status", "status": 503, "headers": {"Retry-After": "2"}}, False, b"HTTP/1.1 503 "),
    ({"kind": "status", "status": 429, "body": "{}", "process": True}, True, b"HTTP/1.1 429 "),
    ({"kind": "close_before"}, False, b""),
    ({"kind": "close_after"}, True, b""),
    ({"kind": "reset"}, False, "ConnectionResetError"),
    ({"kind": "reset_after"}, True, "ConnectionResetError"),
    ({"kind": "half"}, True, b"HTTP/1.1 200 OK"),
    ({"kind": "garbage"}, False, b"\x16\x03\x01"),
    ({"kind": "huge", "size_bytes": 3_000_000}, False, b"HTTP/1.1 200 OK"),
    ({"kind": "delay", "delay_ms": 150}, True, b"HTTP/1.1 200 OK"),
], ids=lambda value: value["kind"] if isinstance(value, dict) else "")
def test_a_fault_does_what_its_name_says(market: Kuper, fault: dict[str, Any], processed: bool, comes: bytes | str) -> None:
    order = new_order(market)
    market.fault(**fault)
    started = time.monotonic()
    got = raw_exchange(market, order)
    if isinstance(comes, bytes) and comes:
        assert isinstance(got, bytes) and got.startswith(comes)
    else:
        assert got == comes
    assert time.monotonic() - started >= fault.get("delay_ms", 0) / 1000
    assert market.read_state(order)["state"] == ("collecting" if processed else "ready")
    assert market.journal(kind="notification")[-1]["fault"] == fault["kind"]
    assert market.control("GET", "faults")["faults"] == []


def test_half_an_answer_promises_more_than_it_sends(market: Kuper) -> None:
    market.fault("half")
    head, _, body = bytes(raw_exchange(market, new_order(market))).partition(b"\r\n\r\n")  # type: ignore[arg-type]
    length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    assert 0 < len(body) < length


def test_a_fault_hits_the_requests_it_was_meant_for(market: Kuper) -> None:
    first, second = new_order(market), new_order(market)
    market.fault("status", status=500, order=second, type="order.in_work", skip=1, count=2)
    assert market.notify("order.in_work", first)[0] == 200
    codes = [market.notify("order.in_work", second)[0] for _ in range(4)]
    assert codes == [200, 500, 500, 422]


def test_a_fault_without_a_count_stays_until_it_is_cleared(market: Kuper) -> None:
    order = new_order(market)
    market.fault("status", status=502, count=0, path="*", body="<html>bad gateway</html>")
    assert [market.notify("order.in_work", order)[0] for _ in range(3)] == [502] * 3
    assert get_status(market, order) == 502
    market.clear_faults()
    assert get_status(market, order) == 200


def get_status(market: Kuper, order: str) -> int:
    return market.request("GET", f"/ofm/api/v1/shipments/{order}/state", None, {"Client-Token": remote.CLIENT_TOKEN})[0]


def test_a_wrong_fault_is_refused(market: Kuper) -> None:
    with pytest.raises(ControlError, match="kind must be one of"):
        market.fault("explode")


def test_a_sender_that_repeats_after_a_lost_answer_is_refused_and_seen(market: Kuper) -> None:
    order = new_order(market)
    market.fault("close_after")
    assert raw_exchange(market, order) == b""
    assert market.notify("order.in_work", order)[0] == 422
    assert market.notifications(order) == [("order.in_work", 200), ("order.in_work", 422)]
    assert market.anomalies() == []


@pytest.mark.parametrize("sent, anomaly", [
    (["order.in_work", "order.assembled", "order.assembled"], "accepted_twice"),
    (["order.assembled"], "accepted_out_of_order"),
    (["order.ready_for_delivery"], "accepted_out_of_order"),
    (["order.in_work", "order.accepted"], "accepted_out_of_order"),
    (["order.canceled", "order.in_work"], "accepted_out_of_order"),
])
def test_a_marketplace_that_takes_everything_still_sees_disorder(market: Kuper, sent: list[str], anomaly: str) -> None:
    market.config(enforce=False)
    order = new_order(market)
    codes = [market.notify(event_type, order, order={**READY, "originalOrderId": order})[0] for event_type in sent]
    assert codes == [200] * len(sent)
    assert [(entry["anomaly"], entry["order"]) for entry in market.anomalies()] == [(anomaly, order)]


def test_a_good_life_has_no_anomalies(market: Kuper) -> None:
    order = new_order(market)
    for event_type in ("order.accepted", "order.in_work", "order.assembled", "order.ready_for_delivery"):
        assert market.notify(event_type, order, order={**READY, "originalOrderId": order})[0] == 200
    market.wait(order, "ready_to_ship")
    assert market.anomalies() == []


def test_two_notifications_of_one_order_at_once_are_an_anomaly(market: Kuper) -> None:
    order = new_order(market)
    market.fault("delay", delay_ms=500)
    slow = threading.Thread(target=raw_exchange, args=(market, order))
    slow.start()
    assert market.journal(kind="notification", order=order, wait_ms=3000)
    market.notify("order.assembled", order)
    slow.join()
    assert [entry["anomaly"] for entry in market.anomalies()] == ["sent_in_parallel"]


def test_a_repeat_after_a_time_out_is_not_parallel(market: Kuper) -> None:
    order = new_order(market)
    market.fault("delay", delay_ms=600)
    assert raw_exchange(market, order, timeout_s=0.2) == "TimeoutError"
    market.notify("order.in_work", order)
    assert market.anomalies() == []


def test_the_journal_waits_for_the_next_entry(market: Kuper) -> None:
    order = new_order(market)
    threading.Timer(0.2, market.notify, ("order.in_work", order)).start()
    entries = market.journal(kind="notification", order=order, wait_ms=5000)
    assert [entry["type"] for entry in entries] == ["order.in_work"]
    assert entries[0]["body"]["event"]["payload"]["order_id"] == order
    assert market.journal(after=entries[0]["n"]) == []


def test_connections_are_numbered_and_kept(market: Kuper) -> None:
    body = json.dumps({"event": {}}).encode()
    message = b"POST /v1/notifications HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    address = market.base_url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1]))) as sock:
        sock.sendall(message * 3)
        got = b""
        while got.count(b"HTTP/1.1 401") < 3:
            got += sock.recv(65536)
    assert len({entry["connection"] for entry in market.journal(kind="notification")}) == 1


@pytest.mark.parametrize("bad", [b"NONSENSE\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                                 b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20000 + b"\r\n",
                                 b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"],
                         ids=["line", "length", "head", "body"])
def test_a_bad_request_is_answered_and_does_no_harm(market: Kuper, bad: bytes) -> None:
    address = market.base_url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1]))) as sock:
        try:
            sock.sendall(bad)
            assert sock.recv(100).startswith(b"HTTP/1.1 4")
        except ConnectionError:
            pass
    assert market.stats()["orders"] == 0


def test_a_chunked_body_is_read(market: Kuper) -> None:
    order = new_order(market)
    body = json.dumps({"event": {"type": "order.in_work", "payload": {"order_id": order}}}).encode()
    headers = {"Client-Token": remote.CLIENT_TOKEN, "Api-Version": "3.0", "Transfer-Encoding": "chunked"}
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"
    assert market.request("POST", "/v1/notifications", chunks, headers)[0] == 200


@pytest.mark.parametrize("method, path, value, status", [
    ("GET", "nothing", None, 404), ("GET", "orders/H404", None, 404), ("POST", "config", {"settle_ms": "1"}, 400),
    ("POST", "config", {"no": 1}, 400), ("POST", "orders", {"order": {}}, 400), ("POST", "orders", {"count": 0}, 400),
    ("GET", "orders/H404/wait", None, 404),
])
def test_a_wrong_control_request_says_why(market: Kuper, method: str, path: str, value: Any, status: int) -> None:
    with pytest.raises(ControlError) as caught:
        market.control(method, path, value)
    assert caught.value.status == status and caught.value.value["error"]


def test_stores_decide_the_integration_type(market: Kuper) -> None:
    market.control("POST", "stores", {"1300": 4})
    assert market.notify("order.in_work", new_order(market, store_id="1300"))[0] == 405
    assert market.notify("order.in_work", new_order(market, store_id="1301"))[0] == 200


def test_sigterm_ends_at_once_and_the_journal_file_is_whole(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    journal = tmp_path / "journal"
    process = subprocess.Popen(
        [sys.executable, "-m", "kuper", "--client-token-file", tmp_path / "token", "--journal", journal],
        env={**os.environ, "PYTHONPATH": str(Path(remote.__file__).parent.parent)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    market = Kuper(read_address(process), "t")
    order = new_order(market)
    market.fault("delay", delay_ms=60_000, order=order)
    threading.Thread(target=raw_exchange, args=(market, order), daemon=True).start()
    assert market.journal(kind="notification", order=order, wait_ms=20_000)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)  # it does not wait for the minute
    assert process.returncode == 0 and errors == ""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["order"] for line in lines] == [order]


@pytest.mark.parametrize("options", [[], ["--client-token-file", "/nonexistent"], ["--oauth-id-file", "/dev/null"]], ids=str)
def test_a_start_that_cannot_work_says_what_to_do(options: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "kuper", *options], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(Path(remote.__file__).parent.parent)})
    assert done.returncode == 2 and done.stderr.startswith("kuper: ") and done.stderr.count("\n") == 1
