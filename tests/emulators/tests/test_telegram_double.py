"""The Telegram double: what it refuses like the real service, its faults, its journal."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
import time
from collections.abc import Iterator
from typing import Any

import pytest

import telegram_remote
from telegram_remote import FOLDER, Telegram
from wire.remote import ControlError, read_address

pytestmark = pytest.mark.skipif(not telegram_remote.installed(), reason="run `npm ci` in tests/emulators/telegram first")

CHAT = -1001234567890123
SECRET = "424242:AAbbCC_dd-EE"
BODY = json.dumps({"chat_id": CHAT, "text": "x"}).encode()


@pytest.fixture(scope="module")
def session_telegram() -> Iterator[Telegram]:
    with telegram_remote.start() as double:
        yield double


@pytest.fixture
def telegram(session_telegram: Telegram) -> Telegram:
    session_telegram.reset()
    return session_telegram


def send(telegram: Telegram, text: str = "Заказ опаздывает", **more: Any) -> tuple[int, Any]:
    return telegram.call("sendMessage", chat_id=CHAT, text=text, **more)


def test_a_message_arrives(telegram: Telegram) -> None:
    status, answer = send(telegram, "<b>Заказ</b> H1 &lt;3", parse_mode="HTML")
    assert status == 200 and answer["ok"] and answer["result"]["message_id"] >= 1
    assert telegram.texts(CHAT) == ["<b>Заказ</b> H1 &lt;3"] and telegram.texts(5) == []


def test_a_bot_that_calls_meanwhile_is_read_once(telegram: Telegram) -> None:
    send(telegram)
    with ThreadPoolExecutor() as pool:
        calls = pool.submit(lambda: [telegram.call("getMe") for _ in range(100)])
        while not calls.done():
            assert len(telegram.texts(CHAT)) == 1


@pytest.mark.parametrize("params, description", [
    ({}, "message text is empty"),
    ({"text": ""}, "message text is empty"),
    ({"text": "  \n"}, "text must be non-empty"),
    ({"text": "<b> </b>", "parse_mode": "HTML"}, "text must be non-empty"),
    ({"text": "x" * 4097}, "message is too long"),
    ({"text": "\U0001f600" * 4097}, "message is too long"),
    ({"text": "ё" * 16385}, "text is too long"),
    ({"text": "x", "parse_mode": "BBCode"}, "unsupported parse_mode"),
    ({"text": "5 < 7", "parse_mode": "HTML"}, "can't parse entities: unsupported start tag \"\" at byte offset 2"),
    ({"text": "5 <3", "parse_mode": "html"}, "can't parse entities: unclosed start tag at byte offset 2"),
    ({"text": "<b>hi", "parse_mode": "HTML"}, "can't parse entities: can't find end tag corresponding to start tag \"b\""),
    ({"text": "<b><i>x</b></i>", "parse_mode": "HTML"},
     "can't parse entities: unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\""),
    ({"text": "ё</b>", "parse_mode": "HTML"}, "can't parse entities: unexpected end tag at byte offset 2"),
    ({"text": "<p>x</p>", "parse_mode": "HTML"}, "can't parse entities: unsupported start tag \"p\" at byte offset 0"),
    ({"text": "<span>x</span>", "parse_mode": "HTML"},
     "can't parse entities: tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
    ({"text": "x", "chat_id": None}, "chat_id is empty"),
    ({"text": "x", "chat_id": ""}, "chat_id is empty"),
    ({"text": "x", "chat_id": "nobody"}, "chat not found"),
    ({"text": "x", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
    ({"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "Ack", "callback_data": "a" * 65}]]}}, "BUTTON_DATA_INVALID"),
], ids=str)
def test_a_bad_message_is_refused_as_the_real_service_does(telegram: Telegram, params: dict[str, Any],
                                                           description: str) -> None:
    status, answer = telegram.call("sendMessage", **{"chat_id": CHAT, **params})
    assert (status, answer) == (400, {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"})
    assert telegram.messages() == [] and telegram.journal()[0]["forwarded"] is False


@pytest.mark.parametrize("params", [
    {"text": "x" * 4096}, {"text": "\U0001f600" * 4096}, {"text": "<b>" + "x" * 4096 + "</b>", "parse_mode": "HTML"},
    {"text": "&lt;" * 4096, "parse_mode": "HTML"}, {"text": "5 < 7"}, {"text": "a & b", "parse_mode": "HTML"},
    {"text": "<pre><code class=\"language-c\">x</code></pre><a href='http://x/'>y</a>", "parse_mode": "HTML"},
    {"text": "x", "chat_id": "@shop"}, {"text": "x", "chat_id": str(CHAT)},
    {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "Ack", "callback_data": "a" * 64}]]}},
], ids=lambda params: str(params)[:60])
def test_a_message_at_the_limits_is_taken(telegram: Telegram, params: dict[str, Any]) -> None:
    assert telegram.call("sendMessage", **{"chat_id": CHAT, **params})[0] == 200


@pytest.mark.parametrize("body, content_type", [
    (b'{"chat_id": 5, "text": "\xff"}', "application/json"), (b'{"chat_id": 5, "text": "\\ud800"}', "application/json"),
    (b"{", "application/json"), (b"[1", "application/json"),
])
def test_a_body_that_cannot_be_read_is_a_400(telegram: Telegram, body: bytes, content_type: str) -> None:
    status, _, answer = telegram.request("POST", f"/bot{SECRET}/sendMessage", body, {"Content-Type": content_type})
    assert status == 400 and "UTF-8" in json.loads(answer)["description"]


def test_forms_queries_and_any_case_of_the_method_are_understood(telegram: Telegram) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    telegram.request("POST", f"/bot{SECRET}/sendmessage", b"chat_id=5&text=a+b", form)
    telegram.request("GET", f"/bot{SECRET}/SENDMESSAGE?chat_id=5&text=c")
    assert telegram.texts(5) == ["a b", "c"]


def test_only_allowed_tokens_are_let_in(telegram: Telegram) -> None:
    telegram.allow_tokens(SECRET)
    assert send(telegram)[0] == 401
    assert telegram.call("sendMessage", SECRET, chat_id=CHAT, text="x")[0] == 200


FAULTS: list[tuple[dict[str, Any], int, Any, bool]] = [
    ({"kind": "throttle", "retry_after": 7}, 429, {"parameters": {"retry_after": 7}}, False),
    ({"kind": "bad_request", "description": "Bad Request: message thread not found"}, 400,
     {"description": "Bad Request: message thread not found"}, False),
    ({"kind": "migrate", "to": -1009999999999}, 400, {"parameters": {"migrate_to_chat_id": -1009999999999}}, False),
    ({"kind": "unauthorized"}, 401, {"description": "Unauthorized"}, False),
    ({"kind": "forbidden"}, 403, {"description": "Forbidden: bot was blocked by the user"}, False),
    ({"kind": "not_found"}, 404, {"error_code": 404}, False),
    ({"kind": "conflict"}, 409, {"error_code": 409}, False),
    ({"kind": "server_error"}, 500, {"error_code": 500}, False),
    ({"kind": "not_ok"}, 200, {"ok": False}, False),
    ({"kind": "html_502"}, 502, "<html>", False),
    ({"kind": "html_200"}, 200, "<html>", False),
    ({"kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}, 302, "", False),
    ({"kind": "huge", "size_bytes": 2_000_000}, 200, "AAAA", False),
    ({"kind": "lost", "delay_ms": 100}, 200, {"ok": True}, True),
    ({"kind": "delay", "delay_ms": 100}, 200, {"ok": True}, True),
]


@pytest.mark.parametrize("fault, status, says, arrives", FAULTS, ids=[fault[0]["kind"] for fault in FAULTS])
def test_a_fault_answers_as_its_name_says(telegram: Telegram, fault: dict[str, Any], status: int, says: Any,
                                          arrives: bool) -> None:
    telegram.fault(**fault)
    started = time.monotonic()
    got, headers, body = telegram.request("POST", f"/bot{SECRET}/sendMessage", BODY)
    assert got == status and time.monotonic() - started >= fault.get("delay_ms", 0) / 1000
    if isinstance(says, dict):
        assert says.items() <= json.loads(body).items()
    else:
        assert body.decode().startswith(says)
    assert (headers.get("retry-after") == "7") is (fault["kind"] == "throttle")
    assert bool(telegram.messages(CHAT)) is arrives
    assert send(telegram)[0] == 200, "a fault of one hit must be gone"


@pytest.mark.parametrize("kind, error, arrives", [
    ("reset_before", ConnectionResetError, False), ("reset_after", ConnectionResetError, True),
    ("close_before", http.client.RemoteDisconnected, False), ("close_after", http.client.RemoteDisconnected, True),
    ("half", http.client.IncompleteRead, True), ("garbage", http.client.BadStatusLine, False),
])
def test_a_fault_breaks_the_connection_as_its_name_says(telegram: Telegram, kind: str, error: type[Exception],
                                                        arrives: bool) -> None:
    telegram.fault(kind)
    with pytest.raises(error):
        send(telegram)
    assert bool(telegram.messages(CHAT)) is arrives


def test_a_lost_answer_leaves_the_message_in_the_chat(telegram: Telegram) -> None:
    telegram.fault("lost", delay_ms=3000)
    with pytest.raises(TimeoutError):
        telegram.request("POST", f"/bot{SECRET}/sendMessage", BODY, timeout_s=0.3)
    assert telegram.texts(CHAT) == ["x"]


@pytest.mark.parametrize("details, header, parameters", [
    ({"retry_after": 3, "header": 1}, "1", {"retry_after": 3}), ({"retry_after": 3, "header": None}, None, {"retry_after": 3}),
    ({"retry_after": None}, None, None), ({"retry_after": "soon"}, "soon", {"retry_after": "soon"}),
    ({"retry_after": -5}, "-5", {"retry_after": -5}),
])
def test_retry_after_can_make_no_sense(telegram: Telegram, details: dict[str, Any], header: str | None,
                                       parameters: Any) -> None:
    telegram.fault("throttle", **details)
    status, headers, body = telegram.request("POST", f"/bot{SECRET}/sendMessage", b'{"chat_id": 5, "text": "x"}')
    assert (status, headers.get("retry-after"), json.loads(body).get("parameters")) == (429, header, parameters)


def test_a_fault_hits_its_chat_and_method_only(telegram: Telegram) -> None:
    telegram.fault("forbidden", chat=CHAT, method="sendMessage", count=2, skip=1)
    codes = [send(telegram)[0] for _ in range(4)]
    assert telegram.call("sendMessage", chat_id=5, text="x")[0] == 200
    assert codes == [200, 403, 403, 200]


def test_an_outage_lasts_until_it_is_cleared(telegram: Telegram) -> None:
    telegram.fault("server_error", count=0)
    assert [send(telegram)[0] for _ in range(3)] == [500] * 3
    telegram.clear_faults()
    assert send(telegram)[0] == 200


def test_a_wrong_fault_is_refused(telegram: Telegram) -> None:
    with pytest.raises(ControlError, match="kind must be one of"):
        telegram.fault("explode")


def test_the_journal_never_holds_the_token(telegram: Telegram) -> None:
    for path in (f"/bot{SECRET}/getMe", f"/bot{SECRET}/sendMessage", f"/bot{SECRET}", f"/x/bot{SECRET}/y/z"):
        telegram.request("POST", path, b'{"chat_id": 5, "text": "x"}')
    text = json.dumps([telegram.journal(), telegram.messages()])
    assert SECRET not in text and "AAbbCC" not in text and "/bot<TOKEN>/sendMessage" in text


def test_the_journal_has_time_connection_and_body_and_can_be_waited_for(telegram: Telegram) -> None:
    threading.Timer(0.2, send, (telegram, "hello")).start()
    entry = telegram.journal(chat=CHAT, wait_ms=5000)[0]
    assert entry["body"] == {"chat_id": CHAT, "text": "hello"} and entry["connection"] > 0
    assert abs(entry["at_ms"] / 1000 - time.time()) < 5
    assert telegram.journal(after=entry["n"]) == []


def test_a_pressed_button_reaches_the_bot_by_long_poll(telegram: Telegram) -> None:
    message = send(telegram, reply_markup={"inline_keyboard": [[{"text": "Ack", "callback_data": "ack:1"}]]})[1]["result"]
    threading.Timer(0.3, telegram.press, (CHAT, message["message_id"], "ack:1")).start()
    started = time.monotonic()
    update = telegram.call("getUpdates", timeout=30)[1]["result"][0]
    assert 0.2 < time.monotonic() - started < 25
    assert update["callback_query"]["data"] == "ack:1"
    assert telegram.call("getUpdates", timeout=0)[1]["result"] == [update], "it was not confirmed"
    assert telegram.call("getUpdates", timeout=0, offset=update["update_id"] + 1)[1]["result"] == []


def test_a_second_receiver_ends_the_first_and_a_webhook_ends_both(telegram: Telegram) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(telegram.call, "getUpdates", timeout=30)
        assert telegram.journal(api="getupdates", wait_ms=20_000)
        second = pool.submit(telegram.call, "getUpdates", timeout=0)
        assert second.result()[0] == 200 and first.result()[0] == 409
    telegram.call("setWebhook", url="https://example/x")
    status, answer = telegram.call("getUpdates", timeout=0)
    assert status == 409 and "webhook is active" in answer["description"]


def test_sigterm_ends_both(telegram: Telegram) -> None:
    process = subprocess.Popen(["node", FOLDER / "start.js", "--port", "0"], stdout=subprocess.PIPE, text=True)
    double = Telegram(read_address(process))
    port = int(double.base_url.rpartition(":")[2])
    double.fault("lost", delay_ms=60_000)
    threading.Thread(target=lambda: pytest.raises(OSError, send, double), daemon=True).start()
    assert double.journal(wait_ms=20_000)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0  # it does not wait for the minute
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=30)


def test_the_lock_file_names_no_address_of_a_registry() -> None:
    assert '"resolved"' not in (FOLDER / "package-lock.json").read_text()
    assert json.loads((FOLDER / "package.json").read_text())["dependencies"] == {"telegram-test-api": "4.2.1"}
