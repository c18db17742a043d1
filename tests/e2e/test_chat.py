"""What people say to the bot: buttons under alerts and commands; by long polling and by a webhook through nginx."""

from __future__ import annotations

import json
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bot_api
from appliance import Appliance, wait_until
from procedures import TOKEN, Installation
from stores import now_ms

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulators"))

import telegram_remote  # noqa: E402  (needs the path above)
from telegram_remote import Telegram  # noqa: E402

OPERATOR, VIEWER, STRANGER = 5, 6, 7
GROUP, SECOND = -1001234567890, 20.0
CONFIG = """
telegram {{
  base_url = "{url}" admin_chat = "{group}" timeout_ms = 8000
  updates = "{updates}" operators = "77 {operator}" viewers = "{viewer}"
}}
{more}
"""
ACKED = "SELECT acked_by FROM alerts WHERE id = ? AND acked_ms IS NOT NULL"
AUDIT = "SELECT actor, action, filter, reason, changed FROM audit_log ORDER BY id"


@pytest.fixture(scope="module")
def running_double() -> Iterator[Telegram]:
    if not telegram_remote.installed():
        pytest.skip("npm ci in tests/emulators/telegram was not run")
    with telegram_remote.start() as double:
        yield double


@pytest.fixture
def telegram(running_double: Telegram) -> Iterator[Telegram]:
    running_double.reset()
    yield running_double
    bot_api.check(running_double)


@pytest.fixture
def place(folder: Path, telegram: Telegram) -> Iterator[Installation]:
    installation = Installation(folder)
    configure(installation, telegram)
    installation.set_secret("telegram-token", TOKEN)
    installation.change("INSERT INTO stores VALUES ('s1', 'Лента <7>', 'Asia/Novosibirsk', '', '', 3, 1, 0, 0)")
    yield installation
    installation.end()
    assert TOKEN not in (installation.log.read_text() if installation.log.exists() else "")


def configure(place: Installation, telegram: Telegram, updates: str = "poll", more: str = "") -> None:
    place.write_config(CONFIG.format(url=telegram.base_url, group=GROUP, operator=OPERATOR, viewer=VIEWER,
                                     updates=updates, more=more))


def alert(place: Installation, text: str = "🔴 <b>Заказ опаздывает</b>\nЗаказ H1", kind: str = "fire",
          rule: str = "order-late", send: bool = True) -> int:
    """An alert that is firing and told in the group; its id."""
    place.change("INSERT INTO alerts (rule, subject, severity, state, chat, text, since_ms, fired_ms, notified_ms,"
                 " store_id) VALUES (?, ?, 'critical', 'firing', ?, ?, 1, 1, 1, 's1')", rule, uuid.uuid4().hex, str(GROUP), text)
    number = place.rows("SELECT max(id) FROM alerts")[0][0]
    message = place.queue(str(GROUP), text)
    place.change("UPDATE telegram_queue SET alert_id = ?, event_type = ? WHERE id = ?", number, kind, message)
    if send:
        assert place.run("telegram").startswith("sent=1")
    return number


def button(telegram: Telegram) -> tuple[int, str, str]:
    """Of the last message of the group: its number, the text and the data of its button."""
    last = telegram.messages(GROUP)[-1]
    (only,), = last["message"]["reply_markup"]["inline_keyboard"]
    return last["message_id"], only["text"], only["callback_data"]


def person(number: int) -> dict[str, Any]:
    return {"id": number, "is_bot": False, "first_name": {OPERATOR: "Оля <Смена>"}.get(number, "X")}


def press(telegram: Telegram, data: str, who: int = OPERATOR, message: int = 1) -> dict[str, Any]:
    """The answer to the press."""
    before = len(telegram.journal(api="answercallbackquery"))
    telegram.press(GROUP, message, data, **{"from": person(who)})
    return wait_until(lambda: telegram.journal(api="answercallbackquery")[before:], SECOND, "the press is answered")[0]["body"]


def edits(telegram: Telegram) -> list[dict[str, Any]]:
    return [entry["body"] for entry in telegram.journal() if entry["api"].startswith("edit")]


def say(place: Installation, telegram: Telegram, *texts: str, who: int = OPERATOR, chat: int | None = None,
        **more: Any) -> list[str]:
    """The answers to what somebody says to the bot; the sender is run by hand."""
    chat = chat or who
    before = len(telegram.texts(chat))
    for text in texts:
        telegram.say(chat, text, **{"from": person(who), **more})
    wait_until(lambda: len(place.rows("SELECT 1 FROM telegram_queue WHERE event_type = 'answer'")) >= len(texts), SECOND,
               f"{texts} are answered")
    place.run("telegram")
    return telegram.texts(chat)[before:]


@pytest.fixture
def chat(place: Installation, telegram: Telegram) -> Installation:
    place.start("chat")
    assert telegram.journal(api="getupdates", wait_ms=15_000), place.log.read_text()
    return place


# --- the button


def test_a_press_acknowledges_once_and_the_message_says_who_and_when(chat: Installation, telegram: Telegram) -> None:
    number = alert(chat)
    message, text, data = button(telegram)
    assert text == "Принял" and len(data.encode()) <= 64
    answer = press(telegram, data, message=message)
    assert answer["text"].startswith("✅ Принял: Оля <Смена>, ") and answer["text"].endswith("(Asia/Novosibirsk)")
    assert chat.row(ACKED, number) == ("telegram:5 Оля <Смена>",)
    edit = wait_until(lambda: edits(telegram), SECOND, "the message is changed")[0]
    assert edit["chat_id"] == GROUP and edit["message_id"] == message
    assert edit["text"].startswith("🔴 <b>Заказ опаздывает</b>\nЗаказ H1\n✅ Принял: Оля &lt;Смена&gt;, ")
    assert edit["reply_markup"] == {"inline_keyboard": []}
    when = chat.row("SELECT acked_ms FROM alerts")
    assert "Принял: Оля <Смена>" in press(telegram, data, message=message)["text"], "the second time"
    assert chat.row("SELECT acked_ms FROM alerts") == when
    assert chat.rows(AUDIT) == [
        ("telegram:5 Оля <Смена>", "alert ack", f'{{"alert":{number}}}', reason, changed)
        for reason, changed in (("acknowledged", 1), ("again", 0))]
    assert chat.row("SELECT min(at_ms) = ? AND max(at_ms) >= ? FROM audit_log", *when, *when) == (1,), "and when"
    assert chat.control("alert", "list", "--json").count("telegram:5") == 1
    wait_until(lambda: not chat.rows("SELECT 1 FROM telegram_replies"), SECOND, "nothing is left to be said")
    assert chat.rows("SELECT DISTINCT user_name, query, text FROM telegram_updates") == [("", "", "")]


def test_what_cannot_be_acknowledged_is_answered_clearly(chat: Installation, telegram: Telegram) -> None:
    number = alert(chat)
    message, _, data = button(telegram)
    forged = data.replace(f"ack:{number}:", f"ack:{number + 1}:")
    for bad in (forged, "ack:1", "ack:1:", "", "x", "ack:-1:00", "ack:" + "9" * 40 + ":0", "ы" * 32):
        assert press(telegram, bad)["text"] == "Это не моя кнопка.", bad
    assert press(telegram, data, who=VIEWER)["text"] == "Вам можно смотреть, но не делать это."
    assert f"{STRANGER}" in press(telegram, data, who=STRANGER)["text"]
    assert "text" not in press(telegram, data, who=STRANGER), "told once"
    assert chat.row(ACKED, number) is None and edits(telegram) == []
    chat.change("UPDATE alerts SET state = 'resolved', resolved_ms = 2")
    assert press(telegram, data, message=message)["text"] == "Это уже закончилось."
    wait_until(lambda: edits(telegram), SECOND, "the button goes")
    assert "text" not in edits(telegram)[0] and edits(telegram)[0]["reply_markup"] == {"inline_keyboard": []}
    chat.change("DELETE FROM alerts")
    assert press(telegram, data, message=message)["text"] == "Такого оповещения больше нет."
    reasons = [row[3] for row in chat.rows(AUDIT)]
    assert reasons == ["forged"] * 8 + ["denied", "stranger", "over", "gone"], "one line each, of a stranger the first"
    assert sum(row[4] for row in chat.rows(AUDIT)) == 0


def test_only_what_can_be_acknowledged_has_a_button(place: Installation, telegram: Telegram) -> None:
    for kind in ("resolve", "notice", "digest"):
        alert(place, kind=kind, send=False)
    many = place.queue(str(GROUP), "about many")
    place.change("UPDATE telegram_queue SET event_type = 'fire' WHERE id = ?", many)
    assert place.run("telegram").startswith("sent=4")
    assert all("reply_markup" not in entry["message"] for entry in telegram.messages(GROUP))
    alert(place, kind="repeat")
    assert button(telegram)[1] == "Принял"
    configure(place, telegram, updates="off")
    alert(place)
    assert "reply_markup" not in telegram.messages(GROUP)[-1]["message"], "nobody would hear"


def crowd(place: Installation, count: int, rule: str = "order-late") -> int:
    """So many alerts that one message in the group tells of; the message's number in our queue."""
    message = place.queue(str(GROUP), f"🔴 <b>Заказ опаздывает</b>: {count}\nH1: Лента")
    place.change("UPDATE telegram_queue SET event_type = 'fire' WHERE id = ?", message)
    place.change("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO alerts (rule, subject,"
                 " severity, state, chat, text, since_ms, fired_ms, notified_ms, store_id, told_id) SELECT ?, ? || i,"
                 " 'critical', 'firing', ?, 'x', 1, 1, 1, 's1', ? FROM n", count, rule, uuid.uuid4().hex, str(GROUP), message)
    assert place.run("telegram").startswith("sent=1")
    return message


def test_one_press_acknowledges_all_that_a_message_tells_of(chat: Installation, telegram: Telegram) -> None:
    other = alert(chat)
    told = crowd(chat, 1200)
    message, text, data = button(telegram)
    assert text == "Принял все" and len(data.encode()) <= 64
    chat.change("UPDATE alerts SET state = 'resolved', resolved_ms = 2 WHERE id = (SELECT max(id) FROM alerts)")
    assert press(telegram, data, who=VIEWER)["text"] == "Вам можно смотреть, но не делать это."
    assert chat.row("SELECT count(*) FROM alerts WHERE acked_ms IS NOT NULL") == (0,)
    answer = press(telegram, data, message=message)
    assert answer["text"].startswith("✅ Принял: Оля <Смена>, ") and answer["text"].endswith("(Asia/Novosibirsk) (событий: 1199)")
    seen = chat.rows("SELECT count(*), min(acked_by), max(acked_by) FROM alerts WHERE acked_ms IS NOT NULL AND told_id = ?", told)
    assert seen == [(1199, "telegram:5 Оля <Смена>", "telegram:5 Оля <Смена>")] and chat.row(ACKED, other) is None
    edit = wait_until(lambda: edits(telegram), SECOND, "the message is changed")[0]
    assert edit["text"].startswith("🔴 <b>Заказ опаздывает</b>: 1200\nH1: Лента\n✅ Принял: Оля &lt;Смена&gt;, ")
    assert edit["message_id"] == message and edit["reply_markup"] == {"inline_keyboard": []}
    assert press(telegram, data, message=message)["text"] == answer["text"], "the second time"
    lines = chat.rows("SELECT actor, action, filter, reason, matched, changed FROM audit_log WHERE reason <> 'denied' ORDER BY id")
    assert lines == [("telegram:5 Оля <Смена>", "alert ack", f'{{"message":{told}}}', reason, 1200, changed)
                     for reason, changed in (("acknowledged", 1199), ("again", 0))]
    chat.change("UPDATE alerts SET told_id = told_id + 1, acked_ms = NULL WHERE told_id = ?", told)
    assert press(telegram, data, message=message)["text"].endswith("есть более новое сообщение: нажмите под ним.")
    assert chat.row("SELECT count(*) FROM alerts WHERE acked_ms IS NOT NULL") == (0,), "what was told again is told there"


def test_a_storm_and_a_digest_are_acknowledged_from_the_chat(place: Installation, telegram: Telegram) -> None:
    """With the monitor's own messages: orders that are late together, and a crowd that the sender makes one."""
    configure(place, telegram, more="rule order-late { repeat = 1s }")
    late_orders(place, 30)
    assert place.run("monitor").startswith("fired=30 ")
    for _ in range(20):
        alert(place, rule="job-late", send=False)
    place.change("UPDATE alerts SET told_id = (SELECT q.id FROM telegram_queue q WHERE q.alert_id = alerts.id)"
                 " WHERE rule = 'job-late'")
    place.run("telegram")
    place.start("chat")
    buttons = {}
    for entry in telegram.messages(GROUP):
        (only,), = entry["message"].get("reply_markup", {"inline_keyboard": [[{"text": "", "callback_data": ""}]]})["inline_keyboard"]
        buttons.setdefault(only["text"], []).append((entry["message_id"], only["callback_data"]))
    assert len(buttons["Принял все"]) == 2, "one of the monitor's, one of the sender's"
    for message, data in buttons["Принял все"]:
        assert press(telegram, data, message=message)["text"].startswith("✅ Принял: ")
    time.sleep(1.1)
    assert place.run("monitor").startswith("fired=0 repeated=0 "), "nothing of them is repeated"
    assert place.row("SELECT count(*) FROM alerts WHERE rule = 'order-late' AND acked_ms IS NULL") == (0,)


@pytest.mark.parametrize("refusal", ["message can't be edited", "message to edit not found",
                                     "group chat was upgraded to a supergroup chat"])
def test_a_message_that_cannot_be_changed_is_followed_by_another(
        chat: Installation, telegram: Telegram, refusal: str) -> None:
    number = alert(chat)
    message, _, data = button(telegram)
    telegram.fault("bad_request", method="editMessageText", description=f"Bad Request: {refusal}")
    press(telegram, data, message=message)
    wait_until(lambda: chat.rows("SELECT 1 FROM telegram_queue"), SECOND, "a message is queued instead")
    chat.run("telegram")
    assert telegram.texts(GROUP)[-1].startswith("🔴 Заказ опаздывает\n✅ Принял: Оля &lt;Смена&gt;, ")
    assert chat.row(ACKED, number) is not None


@pytest.mark.parametrize(("method", "description"), [
    ("answerCallbackQuery", "query is too old and response timeout expired or query ID is invalid"),
    ("editMessageText", "message is not modified: specified new message content and reply markup are the same"),
])
def test_a_refusal_that_is_as_good_as_done_is_the_end_of_it(
        chat: Installation, telegram: Telegram, method: str, description: str) -> None:
    number = alert(chat)
    message, _, data = button(telegram)
    telegram.fault("bad_request", method=method, description=f"Bad Request: {description}")
    press(telegram, data, message=message)
    wait_until(lambda: edits(telegram) and not chat.rows("SELECT 1 FROM telegram_replies"), SECOND, "all is said")
    assert chat.row(ACKED, number) is not None
    assert chat.rows("SELECT 1 FROM telegram_queue") == [], "nobody is told twice"
    assert len([entry for entry in telegram.journal(api=method.lower())]) == 1


# --- commands


def late_orders(place: Installation, count: int) -> None:
    """Order N is late by N minutes."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO "
    place.change(numbers + "orders (id, channel, external_id, number, store_id, state, version, event_ms, snapshot_ms,"
                 " deadline_ms, created_ms, updated_ms, comment) SELECT i, 'kuper', 'H' || i || ' <3', '1-' || i, 's1',"
                 " 'assembling', 1, 0, 0, ? - i * 60000, 1000, 1000, 'домофон 4242' FROM n", count, now_ms())
    place.change(numbers + "order_customers (order_id, name, phone, address) SELECT i, 'Пётр', '+79991234567', 'Ленина 1'"
                 " FROM n", count)


def test_commands_are_answered_without_a_word_about_customers(chat: Installation, telegram: Telegram) -> None:
    late_orders(chat, 1)
    answers = [*say(chat, telegram, "/status", "/order нет", "/order", "что?"), *say(chat, telegram, "/late", "/help", who=VIEWER),
               *say(chat, telegram, "/order@TestNameBot 1-1", chat=GROUP)]
    status, nothing, which, unknown, late, viewers, order = answers
    assert "Заказы: открыто 1, опаздывает 1" in status and status.startswith("<b>Ordergate</b>, ")
    assert late.startswith("<b>Опаздывают заказы: 1</b>\nH1 &lt;3 (1-1): Лента &lt;7&gt;, собирается, срок ")
    assert late.endswith("опоздание 1 мин") and "(Asia/Novosibirsk)" in late
    assert order.startswith("Заказ <b>H1 &lt;3</b> (№ 1-1)\nМагазин: Лента &lt;7&gt;\nСостояние: собирается\n")
    assert nothing == "Такого заказа нет." and which.startswith("Какой заказ?")
    assert "/silence" not in viewers and "/silence" in unknown
    for word in ("Пётр", "79991234567", "Ленина", "4242"):
        assert not any(word in text for text in answers), word
    replied = telegram.journal(api="sendmessage", chat=str(GROUP))[-1]["body"]
    assert replied["reply_parameters"]["allow_sending_without_reply"] is True
    assert chat.rows("SELECT requested_by FROM jobs WHERE name = 'telegram'") == [("chat",)], "the sender is asked to come"
    menu, = telegram.journal(api="setmycommands")
    assert [row["command"] for row in menu["body"]["commands"]] == ["status", "late", "order", "silence", "help"]


def test_many_late_orders_come_in_parts_of_whole_lines(chat: Installation, telegram: Telegram) -> None:
    late_orders(chat, 120)
    say(chat, telegram, "/late", who=VIEWER)
    texts = telegram.texts(VIEWER)
    assert len(texts) == 3 and [text.rsplit("\n", 1)[1] for text in texts] == ["1/3", "2/3", "3/3"]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("H")]
    assert len(lines) == 100 and lines[0].startswith("H120 ") and all(line.endswith("мин") for line in lines)
    assert "и ещё 20" in texts[-1]


def test_a_silence_is_the_same_as_from_the_shell(chat: Installation, telegram: Telegram) -> None:
    assert say(chat, telegram, "/silence order-late 2h")[0].startswith("Тишина: order-late, до ")
    rule, minutes, who = chat.row("SELECT rule, (until_ms - from_ms) / 60000, made_by FROM silences")
    assert (rule, minutes, who) == ("order-late", 120, "telegram:5 Оля <Смена>")
    assert chat.rows(AUDIT) == [(who, "alert silence", '{"silence":1,"rule":"order-late"}', "telegram", 1)]
    answers = say(chat, telegram, "/silence nonsense 2h", "/silence order-late", "/silence order-late 99d", "/silence")
    assert len(answers) == 4 and not any(answer.startswith("Тишина") for answer in answers)
    assert say(chat, telegram, "/silence all 1d", who=VIEWER) == ["Вам можно смотреть, но не делать это."]
    assert len(chat.rows("SELECT 1 FROM silences")) == 1


def test_what_is_not_meant_for_us_is_left_alone(chat: Installation, telegram: Telegram) -> None:
    telegram.say(GROUP, "/status@OtherBot", **{"from": person(OPERATOR)})
    telegram.say(GROUP, "/unknown", **{"from": person(OPERATOR)})
    telegram.say(GROUP, "good morning", **{"from": person(STRANGER)})
    telegram.say(GROUP, "/status", **{"from": {**person(OPERATOR), "is_bot": True}})
    assert say(chat, telegram, "/status", date=int(time.time()) - 3600) == [
        "Команда пришла слишком поздно и не выполнена."]
    assert telegram.texts(GROUP) == []
    outcomes = [row[0] for row in chat.rows("SELECT outcome FROM telegram_updates ORDER BY update_id")]
    assert outcomes == ["ignored", "ignored", "", "", "late"]


def test_a_stranger_is_told_once_and_counted(chat: Installation, telegram: Telegram) -> None:
    answer, = say(chat, telegram, "/start", who=STRANGER)
    assert answer.endswith(f"номер в Telegram: {STRANGER}")
    for text in ("/status", "hello?", "/late"):
        telegram.say(STRANGER, text, **{"from": person(STRANGER)})
    wait_until(lambda: chat.row("SELECT updates FROM telegram_strangers") == (4,), SECOND, "all are counted")
    assert chat.rows("SELECT 1 FROM telegram_queue") == [] and len(telegram.texts(STRANGER)) == 1
    assert f"{STRANGER} " in chat.control("telegram", "strangers")


def test_one_person_cannot_keep_everybody_busy(chat: Installation, telegram: Telegram) -> None:
    for _ in range(25):
        telegram.say(OPERATOR, "/help", **{"from": person(OPERATOR)})
    wait_until(lambda: chat.row("SELECT count(*) FROM telegram_updates WHERE handled_ms IS NOT NULL") == (25,), SECOND,
               "all are handled")
    assert dict(chat.rows("SELECT outcome, count(*) FROM telegram_updates GROUP BY outcome")) == {"answered": 20, "flood": 5}


# --- once, whatever happens


def test_updates_of_all_kinds_do_no_harm(chat: Installation, telegram: Telegram) -> None:
    number = alert(chat)
    message, _, data = button(telegram)
    huge = 9_007_199_254_740_000
    for update in ({}, [], "x", {"update_id": "nonsense"}, {"update_id": 10**30}, {"update_id": -5}, {"update_id": 1.5},
                   {"update_id": 900, "poll": {"id": "1"}}, {"update_id": 901, "message": {}},
                   {"update_id": 902, "callback_query": {"id": "1", "from": {"id": 10**20}}},
                   {"update_id": 903, "callback_query": {"id": "x" * 5000, "from": person(OPERATOR), "data": data}},
                   {"update_id": 904, "message": {"from": person(OPERATOR), "chat": {"id": huge}, "text": "/" + "я" * 9000}},
                   {"update_id": 905, "message": None}, {"update_id": 906, "message": {"text": "/status"}},
                   {"update_id": 907, "callback_query": {"id": "7", "from": person(OPERATOR), "data": data}}):
        telegram.update(update)
    wait_until(lambda: chat.row(ACKED, number), SECOND, "the last one counts, though it names no message")
    kinds = dict(chat.rows("SELECT update_id, kind || outcome FROM telegram_updates WHERE update_id >= 900"))
    assert kinds == {900: "other", 901: "other", 902: "other", 903: "other", 904: "commandignored", 905: "other", 906: "other",
                     907: "buttonacknowledged"}
    assert chat.started[0].poll() is None and message > 0


def test_a_kill_between_receiving_and_keeping_loses_nothing(place: Installation, telegram: Telegram) -> None:
    number = alert(place)
    message, _, data = button(telegram)
    telegram.fault("lost", method="getUpdates")
    killed = place.start("chat")
    telegram.press(GROUP, message, data, **{"from": person(OPERATOR)})
    assert telegram.journal(api="getupdates", wait_ms=15_000)
    killed.kill()
    killed.wait()
    assert place.rows("SELECT 1 FROM telegram_updates") == []
    place.start("chat")
    wait_until(lambda: place.row(ACKED, number), SECOND, "it comes again")
    assert len(place.rows(AUDIT)) == 1


def test_a_kill_between_handling_and_answering_is_made_up_for_and_nothing_is_done_twice(
        place: Installation, telegram: Telegram) -> None:
    number = alert(place)
    message, _, data = button(telegram)
    telegram.fault("delay", method="answerCallbackQuery", delay_ms=60_000)
    killed = place.start("chat")
    assert telegram.journal(api="getupdates", wait_ms=15_000)
    telegram.press(GROUP, message, data, **{"from": person(OPERATOR)})
    wait_until(lambda: place.row(ACKED, number), SECOND, "it is handled")
    assert telegram.journal(api="answercallbackquery", wait_ms=10_000)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert edits(telegram) == [] and len(place.rows("SELECT 1 FROM telegram_replies")) == 2
    place.start("chat")
    wait_until(lambda: edits(telegram), SECOND, "the message is changed after all")
    assert len(place.rows(AUDIT)) == 1
    offsets = [entry["body"].get("offset") for entry in telegram.journal(api="getupdates")]
    assert offsets[0] is None and offsets[-1] == place.row("SELECT max(update_id) + 1 FROM telegram_updates")[0]


def test_a_second_receiver_is_noticed_and_told(chat: Installation, telegram: Telegram) -> None:
    assert telegram.call("getUpdates", token=TOKEN, timeout=0)[0] == 200
    wait_until(lambda: chat.rows("SELECT 1 FROM telegram_troubles WHERE kind = 'conflict'"), SECOND, "it is noted")
    assert "somebody else receives this bot's updates" in chat.log.read_text()
    chat.run("monitor")
    text, = chat.row("SELECT text FROM alerts WHERE rule = 'telegram-refused' AND state = 'firing'")
    assert "Telegram отказывает боту" in text and "забирает кто-то ещё" in text
    questions = len(telegram.journal(api="getupdates"))
    time.sleep(0.5)
    assert len(telegram.journal(api="getupdates")) == questions, "it leaves the other one in peace for a while"


def test_a_refused_token_is_not_tried_again_before_it_changes(place: Installation, telegram: Telegram) -> None:
    telegram.fault("unauthorized", count=0)
    place.start("chat")
    wait_until(lambda: place.rows("SELECT 1 FROM telegram_troubles WHERE part = 'updates'"), SECOND, "it is noted")
    telegram.clear_faults()
    questions = len(telegram.journal())
    time.sleep(0.5)
    assert len(telegram.journal()) == questions
    place.set_secret("telegram-token", TOKEN)
    wait_until(lambda: telegram.journal(api="getupdates"), SECOND, "it goes on with the new one")
    wait_until(lambda: not place.rows("SELECT 1 FROM telegram_troubles"), 30, "the trouble is over")


# --- by webhook


def test_updates_come_through_nginx_with_their_secret_only(
        make_appliance: Callable[..., Appliance], folder: Path, telegram: Telegram) -> None:
    appliance = make_appliance()
    appliance.write_config(CONFIG.format(
        url=telegram.base_url, group=GROUP, operator=OPERATOR, viewer=VIEWER, updates="webhook",
        more='monitor { public_url = "https://shop.example/" }\njob monitor { enabled = false }'))
    secrets = appliance.state / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    (secrets / "telegram-token").write_text(TOKEN, encoding="utf-8")
    (secrets / "telegram-token").chmod(0o600)
    appliance.start()
    place = Installation.of(appliance)
    assert "https://shop.example/telegram/updates" in place.control("telegram", "webhook", "set")
    secret = telegram.journal(api="setwebhook")[0]["body"]["secret_token"]
    assert "https://shop.example/telegram/updates" in place.control("telegram", "webhook", "show")

    def call(update: Any, given: str | None = secret) -> int:
        headers = {"Content-Type": "application/json"}
        if given is not None:
            headers["X-Telegram-Bot-Api-Secret-Token"] = given
        body = update if isinstance(update, str) else json.dumps(update)
        return appliance.request("POST", "/telegram/updates", body, headers).status

    help_me = {"update_id": 41, "message": {"message_id": 1, "from": person(OPERATOR), "text": "/help",
                                            "chat": {"id": OPERATOR, "type": "private"}}}
    assert [call(help_me, given) for given in (None, "", secret[:-1], secret + "x")] == [401] * 4
    assert place.rows("SELECT 1 FROM telegram_updates") == []
    assert call(help_me) == 200 and call(help_me) == 200, "a repeat is answered, and is none"
    assert call("not JSON") == 200 and call({"no": "number"}) == 200, "it would come for ever"
    assert call("x" * (256 * 1024 + 1)) == 413
    assert appliance.request("GET", "/telegram/updates").status in (404, 405)
    wait_until(lambda: telegram.texts(OPERATOR), SECOND, "the scheduler has the answer sent")
    assert telegram.texts(OPERATOR)[0].startswith("<b>Что я умею:</b>")
    assert place.rows("SELECT update_id, outcome FROM telegram_updates") == [(41, "answered")]
    assert telegram.journal(api="getupdates") == [], "nobody asks"
    assert place.control("telegram", "webhook", "delete") and telegram.journal(api="deletewebhook")
    pid = appliance.pids("chat")[1]
    pss = sum(int(line.split()[1]) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
              if line.startswith("Pss:"))
    print(f"ordergate-chat: {pss} KiB PSS")
    appliance.write_config("")
    assert appliance.process is not None
    appliance.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not appliance.pids("chat"), SECOND, "it is not wanted any more")
    assert call(help_me) == 404
