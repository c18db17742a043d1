"""The Telegram sender against telegram-test-api behind a proxy that breaks things."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot_api
from appliance import SLACK, wait_until
from bad_machine import HOUR_MS, BadMachine
from procedures import TOKEN, Installation
from stores import now_ms

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulators"))

import telegram_remote  # noqa: E402  (needs the path above)

CONFIG = """
telegram {{
  base_url = "{url}"
  admin_chat = "-1"
  timeout_ms = {timeout_ms}
  {more}
}}
job telegram {{ timeout = 30s }}
"""
QUEUE = "SELECT state, outcome, hold, attempts, sending_since_ms IS NOT NULL, error FROM telegram_queue WHERE chat = ?"
WAITS, SENDING, FAILED = 1, 2, 4


@pytest.fixture(scope="module")
def running_double() -> Iterator[telegram_remote.Telegram]:
    if not telegram_remote.installed():
        pytest.skip("npm ci in tests/emulators/telegram was not run")
    with telegram_remote.start() as double:
        yield double


@pytest.fixture(autouse=True)
def every_request_is_what_telegram_says(telegram: telegram_remote.Telegram) -> Iterator[None]:
    yield
    bot_api.check(telegram)


def test_there_is_a_description_of_the_bot_api() -> None:
    bot_api.need()


@pytest.fixture
def telegram(running_double: telegram_remote.Telegram) -> telegram_remote.Telegram:
    running_double.reset()
    return running_double


@pytest.fixture
def place(folder: Path, telegram: telegram_remote.Telegram) -> Iterator[Installation]:
    installation = Installation(folder)
    configure(installation, telegram)
    installation.set_secret("telegram-token", TOKEN)
    yield installation
    installation.end()
    assert TOKEN not in installation.log.read_text() if installation.log.exists() else True
    dump = installation.rows("SELECT error FROM telegram_queue")
    assert TOKEN not in str(dump)


def configure(place: Installation, telegram: telegram_remote.Telegram, timeout_ms: int = 8000, more: str = "") -> None:
    place.write_config(CONFIG.format(url=telegram.base_url, timeout_ms=timeout_ms, more=more))


def sent(telegram: telegram_remote.Telegram, chat: str) -> list[dict]:
    return telegram.journal(chat=chat, api="sendmessage")


# --- what goes well


def test_messages_arrive_and_move_to_the_archive(place: Installation, telegram: telegram_remote.Telegram) -> None:
    first = place.queue("-100", "<b>Заказ &lt;3</b>")
    place.queue("-100", "second")
    place.queue("@shift", "third", severity="info")
    assert place.run("telegram").startswith("sent=3 later=0 failed=0 expired=0 waiting=0")
    assert telegram.texts(-100) == ["<b>Заказ &lt;3</b>", "second"]
    assert place.rows("SELECT count(*) FROM telegram_queue") == [(0,)]
    row = place.row("SELECT chat, state, outcome, telegram_message_id, abs(sent_ms - ?) < 60000"
                    " FROM telegram_archive WHERE id = ?", now_ms(), first)
    assert row == ("-100", 3, "ok", telegram.messages(-100)[0]["message_id"], 1)
    loud, quiet = sent(telegram, "-100")[0]["body"], sent(telegram, "@shift")[0]["body"]
    assert loud["chat_id"] == -100 and loud["parse_mode"] == "HTML" and "disable_notification" not in loud
    assert quiet["disable_notification"] is True
    assert place.run("telegram").startswith("sent=0")


def test_nothing_is_sent_without_a_token(place: Installation, telegram: telegram_remote.Telegram) -> None:
    (place.state / "secrets" / "telegram-token").unlink()
    place.queue("-100", "x")
    assert "no secret telegram-token" in place.run("telegram")
    assert place.row(QUEUE, "-100") == (WAITS, "", "none", 0, 0, None)
    assert telegram.journal() == []


def test_an_empty_administrators_chat_is_said(place: Installation, telegram: telegram_remote.Telegram) -> None:
    place.write_config(place.config.read_text().replace('admin_chat = "-1"', 'admin_chat = ""'))
    place.queue("-100", "x")
    assert "admin_chat is empty" in place.run("telegram")
    assert telegram.texts(-100) == ["x"]


def test_old_messages_become_obsolete(place: Installation, telegram: telegram_remote.Telegram) -> None:
    configure(place, telegram, more="expire_minutes = 60")
    place.queue("-100", "old", made_ms=int(time.time() * 1000) - 3601_000)
    place.queue("-100", "new")
    assert place.run("telegram").startswith("sent=1 later=0 failed=0 expired=1")
    assert telegram.texts(-100) == ["new"]
    assert place.row("SELECT outcome, sent_ms FROM telegram_archive WHERE text = 'old'") == ("obsolete", None)


def test_a_chat_gets_its_share_per_minute(place: Installation, telegram: telegram_remote.Telegram) -> None:
    configure(place, telegram, more="chat_messages_per_minute = 3")
    for number in range(5):
        place.queue("-100", str(number))
    place.queue("-200", "other")
    assert place.run("telegram").startswith("sent=4")
    assert place.run("telegram").startswith("sent=0")
    assert telegram.texts(-100) == ["0", "1", "2"]
    due, = place.row("SELECT due_ms - (SELECT min(sent_ms) FROM telegram_archive WHERE chat = '-100')"
                     " FROM telegram_head WHERE chat = '-100'")
    assert due == 60_000


def test_what_is_put_off_waits_by_the_clock_of_the_store(place: Installation, telegram: telegram_remote.Telegram, folder: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is not this machine's when a server has it."""
    machine = BadMachine(folder)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    configure(place, telegram)
    telegram.fault("throttle", chat=-200, retry_after=5)
    place.queue("-200", "put off")
    machine.set_clock(2 * HOUR_MS)
    assert place.run("telegram").startswith("sent=0 later=1")
    waits, = place.row("SELECT due_ms - updated_ms FROM telegram_queue")
    assert 4_000 < waits < 60_000


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_is_set_by_two_hours_keeps_no_message_waiting(
        place: Installation, telegram: telegram_remote.Telegram, folder: Path, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """Messages that wait for their share of the minute, and one that Telegram has put off, across a step and back."""
    machine = BadMachine(folder)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    configure(place, telegram, more="chat_messages_per_minute = 2")
    telegram.fault("throttle", chat=-200, retry_after=5)
    machine.set_clock(hours * HOUR_MS)
    now = int(time.time() * 1000) + hours * HOUR_MS
    for number in range(4):
        place.queue("-100", str(number), made_ms=now)
    place.queue("-200", "put off", made_ms=now)
    assert place.run("telegram").startswith("sent=2 later=1")
    machine.set_clock(0)
    if hours < 0:  # what was named in the past is over at once
        assert place.run("telegram").startswith("sent=3")
    else:
        place.queue("-300", "by the right clock")
        assert place.run("telegram").startswith("sent=4"), "what waits for a time of the wrong clock is due"
    assert telegram.texts(-100) == ["0", "1", "2", "3"] and telegram.texts(-200) == ["put off"]
    assert place.rows("SELECT count(*) FROM telegram_queue") == [(0,)]
    seen, = place.row("SELECT value FROM measures WHERE name = 'clock-seen'")
    assert abs(seen) < 2000, "and the clock is right, as Telegram's answers say"
    machine.set_clock(hours * HOUR_MS)
    place.queue("-300", "x", made_ms=now)
    place.run("telegram")
    seen, = place.row("SELECT value FROM measures WHERE name = 'clock-seen'")
    assert abs(seen - hours * HOUR_MS) < 5000


def test_the_global_rate_is_kept_and_used(place: Installation, telegram: telegram_remote.Telegram) -> None:
    configure(place, telegram, more="messages_per_second = 20")
    for number in range(100):
        place.queue(str(-1000 - number), "x")
    assert place.run("telegram").startswith("sent=100")
    times = [entry["at_ms"] for entry in telegram.journal(api="sendmessage")]
    for first, later in zip(times, times[20 + 8:]):
        assert later - first >= 900, "more than a burst and 20 within a second"
    assert times[-1] - times[0] <= 100 / 20 * 1000 * 1.6


def test_one_runs_at_a_time(place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("delay", delay_ms=1500)
    place.queue("-100", "x")
    place.start("telegram")
    assert telegram.journal(wait_ms=10_000), "the first one is sending"
    place.run("telegram", code=1)
    wait_until(lambda: place.started[0].poll() is not None, 10, "the first one ends")
    assert telegram.texts(-100) == ["x"]


# --- limits and refusals


def test_a_throttled_chat_waits_alone_and_burns_no_attempt(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("throttle", chat=-100, retry_after=2, header=1)
    place.queue("-100", "a")
    place.queue("-200", "b")
    assert place.run("telegram").startswith("sent=1 later=1")
    assert telegram.texts(-200) == ["b"] and telegram.texts(-100) == []
    assert place.row(QUEUE, "-100")[:5] == (WAITS, "", "none", 0, 0)
    wait_until(lambda: place.run("telegram").startswith("sent=1"), 10, "it is sent after all")
    first, second = sent(telegram, "-100")
    assert second["at_ms"] - first["at_ms"] >= 2000
    assert place.row("SELECT attempts FROM telegram_archive WHERE chat = '-100'") == (1,)


def test_a_storm_of_throttling_ends_the_run(place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("throttle", count=0, retry_after=60)
    configure(place, telegram, more="messages_per_second = 1")
    for number in range(10):
        place.queue(str(-100 - number), "x")
    assert "stopped: 429" in place.run("telegram")
    assert len(telegram.journal()) == 3


@pytest.mark.parametrize("kind", ["unauthorized", "not_found"])
def test_a_wrong_token_stops_all_and_burns_no_attempt(
        place: Installation, telegram: telegram_remote.Telegram, kind: str) -> None:
    telegram.fault(kind, count=0)
    configure(place, telegram, more="messages_per_second = 1")
    for number in range(20):
        place.queue(str(-100 - number), "x")
    assert "stopped: 40" in place.run("telegram", code=1)
    assert len(telegram.journal()) == 1
    assert place.rows("SELECT DISTINCT state, attempts, sending_since_ms FROM telegram_queue") == [(WAITS, 0, None)]
    telegram.clear_faults()
    configure(place, telegram)
    assert "nothing is tried until the secret telegram-token changes: 40" in place.run("telegram")
    place.run("monitor")
    assert place.row("SELECT subject, state, severity FROM alerts WHERE rule = 'telegram-refused'") == (
        "sending", "firing", "critical")
    assert len(telegram.journal()) == 1, "the token is the same, and so is its file"
    place.set_secret("telegram-token", TOKEN)
    assert place.run("telegram").startswith("sent=21"), "the alert, too"
    assert place.rows("SELECT * FROM telegram_troubles") == []


def test_a_test_by_hand_ends_the_wait_for_another_token(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("unauthorized")
    place.queue("-100", "x")
    place.run("telegram", code=1)
    assert place.run("telegram").startswith("sent=0")
    assert "ok   token" in place.control("telegram", "test")
    assert place.run("telegram").startswith("sent=1")


def test_what_something_in_between_answers_is_no_reason_to_wait_for_a_token(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("status", status=404, body="<html>nginx</html>")
    place.queue("-100", "x")
    place.run("telegram", code=1)
    assert place.run("telegram").startswith("sent=1")


def test_a_night_is_that_of_the_store(place: Installation, telegram: telegram_remote.Telegram) -> None:
    """The two zones never have the same hour."""
    hour = time.gmtime().tm_hour
    configure(place, telegram, more=f'time_zone = "Etc/GMT-12" quiet_hours = "{hour:02}:00-{(hour + 1) % 24:02}:00"')
    place.change("INSERT INTO stores VALUES ('s1', 'M', 'UTC', '', '-300', 3, 1, 0, 0)")
    place.queue("-300", "of a store", severity="warning")
    place.queue("-400", "of none", severity="warning")
    assert place.run("telegram").startswith("sent=2")
    if time.gmtime().tm_hour == hour:
        assert sent(telegram, "-300")[0]["body"].get("disable_notification") is True
        assert "disable_notification" not in sent(telegram, "-400")[0]["body"]


def test_one_blocked_chat_does_not_stop_others(place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("forbidden", chat=-200, count=0)
    for chat in ("-100", "-200", "-300"):
        place.queue(chat, "x")
    assert place.run("telegram").startswith("sent=2 later=0 failed=1")
    assert place.row(QUEUE, "-200")[:3] == (FAILED, "rejected", "none")
    assert "blocked by the user" in place.row(QUEUE, "-200")[5]


def test_a_chat_that_moved_is_remembered(place: Installation, telegram: telegram_remote.Telegram) -> None:
    new = -1001234567890123
    telegram.fault("migrate", chat=-100, to=new)
    place.queue("-100", "first")
    place.queue("-100", "second")
    assert place.run("telegram").startswith("sent=2")
    place.queue("-100", "third")
    assert place.run("telegram").startswith("sent=1")
    assert telegram.texts(new) == ["first", "second", "third"]
    assert len(sent(telegram, "-100")) == 1
    assert place.rows("SELECT DISTINCT chat, attempts FROM telegram_archive") == [(str(new), 1)]


def test_a_chat_may_move_twice(place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("migrate", chat=-100, to=-200)
    place.queue("-100", "first")
    assert place.run("telegram").startswith("sent=1")
    telegram.fault("migrate", chat=-200, to=-300)
    place.queue("-100", "second")
    place.queue("-100", "third")
    assert place.run("telegram").startswith("sent=2")
    assert telegram.texts(-200) == ["first"] and telegram.texts(-300) == ["second", "third"]
    assert len(sent(telegram, "-100")) == 1


def test_a_topic_that_is_gone_does_not_swallow_messages(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("bad_request", chat=-100, count=1, description="Bad Request: message thread not found")
    place.queue("-100:45", "first")
    place.queue("-100:45", "second")
    assert place.run("telegram").startswith("sent=2")
    threads = [entry["body"].get("message_thread_id") for entry in sent(telegram, "-100")]
    assert threads == [45, None, None], "the group takes it, and is remembered"
    assert place.rows("SELECT error FROM telegram_archive ORDER BY id")[0] == ("sent to the group: the topic is gone",)


def test_a_chat_that_refuses_us_is_noted_once_and_forgotten_when_it_takes_one(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("forbidden", chat=-200, count=2)
    for text in ("a", "b", "c"):
        place.queue("-200", text)
    assert place.run("telegram").startswith("sent=0 later=0 failed=1")
    noted = place.row("SELECT blocked_ms, block_reason FROM telegram_head WHERE chat = '-200'")
    assert noted[0] > 0 and "blocked by the user" in noted[1]
    assert place.run("telegram").startswith("sent=0 later=0 failed=0"), "it is not tried again at once"
    place.make_due()
    assert place.run("telegram").startswith("sent=0 later=0 failed=1")
    assert place.row("SELECT blocked_ms FROM telegram_head WHERE chat = '-200'")[0] == noted[0]
    assert "ok   -200" not in place.control("telegram", "test")
    place.make_due()
    assert place.run("telegram").startswith("sent=1")
    assert place.row("SELECT blocked_ms FROM telegram_head WHERE chat = '-200'") == (0,)


def test_a_storm_into_one_group_becomes_a_few_messages_with_a_true_count(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    for number in range(500):
        place.queue("-100", f"<b>Late</b>\nOrder H{number}", severity="warning" if number < 499 else "critical")
    line = place.run("telegram")
    assert "merged=487" in line and line.startswith("sent=15 ")
    texts = telegram.texts(-100)
    assert texts[0].endswith("H499"), "the critical one goes first"
    assert [text.split("H")[1] for text in texts[1:13]] == [str(number) for number in range(12)]
    assert texts[13].startswith("<b>Сообщений в одном: ") and texts[13].endswith("и ещё 390")
    shown = sum(int(text.split("одном: ")[1].split("<")[0]) for text in telegram.texts(-100) if "одном: " in text)
    assert shown + 13 == 500
    assert place.rows("SELECT count(*) FROM telegram_queue") == [(0,)]


def test_everybody_can_be_tried(place: Installation, telegram: telegram_remote.Telegram) -> None:
    place.change("INSERT INTO stores VALUES ('s1', 'M', 'Europe/Moscow', '', '-300', 3, 1, 0, 0)")
    place.change("INSERT INTO telegram_head (chat, last_seq, state, due_ms, blocked_ms) VALUES ('-300', 1, 0, 0, 5)")
    assert place.control("telegram", "test").splitlines() == ["ok   token", "ok   -1", "ok   -300"]
    assert place.row("SELECT blocked_ms FROM telegram_head WHERE chat = '-300'") == (0,)
    assert len(telegram.texts(-300)) == 1


def test_chats_that_move_in_a_circle_end(place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("migrate", chat=-100, to=-200, count=0)
    telegram.fault("migrate", chat=-200, to=-100, count=0)
    place.queue("-100", "x")
    assert place.run("telegram").startswith("sent=0 later=0 failed=1")
    assert len(telegram.journal()) == 2


@pytest.mark.parametrize(("text", "arrives"), [
    ("5 < 7 & <i>x</i>", None),
    ("<b>never closed &amp; so on", "never closed & so on"),
    ("<b>" + "ж" * 5000 + "</b>", "ж" * 4000 + "…"),
])
def test_markup_that_is_refused_goes_as_plain_text_once(
        place: Installation, telegram: telegram_remote.Telegram, text: str, arrives: str | None) -> None:
    place.queue("-100", text)
    assert place.run("telegram").startswith("sent=1")
    requests = sent(telegram, "-100")
    assert [entry["status"] for entry in requests] == [400, 200]
    assert "parse_mode" not in requests[1]["body"]
    if arrives is not None:
        assert telegram.texts(-100) == [arrives]
    assert place.row("SELECT error FROM telegram_archive") == ("sent without markup",)


def test_what_is_refused_as_plain_text_too_fails(place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("bad_request", chat=-100, count=0, description="Bad Request: can't parse entities: whatever")
    place.queue("-100", "x")
    place.queue("-200", "y")
    assert place.run("telegram").startswith("sent=1 later=0 failed=1")
    assert len(sent(telegram, "-100")) == 2


# --- answers that do not come, or are none


@pytest.mark.parametrize("fault", [
    {"kind": "server_error"}, {"kind": "html_502"}, {"kind": "html_200"}, {"kind": "half"}, {"kind": "garbage"},
    {"kind": "huge"}, {"kind": "close_before"}, {"kind": "reset_before"},
    {"kind": "status", "status": 503, "body": "x"}, {"kind": "status", "status": 200, "body": "{}"},
], ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}")
def test_a_strange_answer_is_no_success(
        place: Installation, telegram: telegram_remote.Telegram, fault: dict) -> None:
    telegram.fault(**fault, chat=-100)
    place.queue("-100", "x")
    place.queue("-200", "y")
    assert place.run("telegram").startswith("sent=1 later=1")
    state, outcome, hold, attempts, doubtful, _ = place.row(QUEUE, "-100")
    assert (state, outcome, hold, attempts, doubtful) == (WAITS, "", "uncertain", 1, 1)
    assert len(sent(telegram, "-100")) == 1
    place.make_due()
    assert place.run("telegram").startswith("sent=1")
    assert f"возможно, повтор #" in telegram.texts(-100)[-1]


def test_a_redirect_is_not_followed(place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("status", status=302, headers={"Location": f"{telegram.base_url}/elsewhere"})
    place.queue("-100", "x")
    place.run("telegram", code=1)
    assert [entry["path"] for entry in telegram.journal()] == ["/bot<TOKEN>/sendMessage"]


def test_a_lost_answer_is_repeated_with_a_mark_and_not_for_ever(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    configure(place, telegram, timeout_ms=1500)
    telegram.fault("lost", count=0)
    number = place.queue("-100", "x")
    for copies in (1, 2, 3):
        place.run("telegram", code=0)
        assert len(telegram.texts(-100)) == copies
        place.make_due()
    assert telegram.texts(-100) == ["x"] + [f"x\n(возможно, повтор #{number})"] * 2
    assert place.row(QUEUE, "-100")[:2] == (FAILED, "poisoned")
    assert place.run("telegram").startswith("sent=0 later=0 failed=0")


def test_an_answer_that_is_lost_does_not_hold_up_other_chats(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("lost", chat=-100)
    place.queue("-100", "x")
    for number in range(10):
        place.queue(str(-200 - number), "y")
    place.start("telegram")
    place.wait_for("SELECT count(*) = 10 FROM telegram_archive", 20, "the others are sent")
    assert place.row(QUEUE, "-100")[0] == SENDING, "meanwhile"


def test_a_connection_that_closes_is_not_used_twice_for_one_message(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    """libcurl alone would send the second message again on a new connection, and call that a success."""
    telegram.fault("close_after", chat=-100, skip=1)
    place.queue("-100", "first")
    place.queue("-100", "second")
    assert place.run("telegram").startswith("sent=1 later=1")
    assert [entry["body"]["text"] for entry in sent(telegram, "-100")] == ["first", "second"]
    assert place.row(QUEUE, "-100")[2:5] == ("uncertain", 1, 1)


def test_no_connection_burns_no_attempt(place: Installation, telegram: telegram_remote.Telegram) -> None:
    place.write_config(CONFIG.format(url="http://127.0.0.1:9", timeout_ms=500, more="messages_per_second = 1"))
    for number in range(9):
        place.queue(str(-100 - number), "x")
    place.run("telegram", code=1)
    assert place.rows("SELECT sum(attempts), sum(state), count(sending_since_ms) FROM telegram_queue") == [(0, 9, 0)]
    configure(place, telegram)
    place.make_due()
    assert place.run("telegram").startswith("sent=9")


def test_a_sender_that_is_killed_leaves_a_doubt_and_no_loss(
        place: Installation, telegram: telegram_remote.Telegram) -> None:
    telegram.fault("lost", chat=-100)
    number = place.queue("-100", "x")
    killed = place.start("telegram")
    assert telegram.journal(wait_ms=10_000)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert place.row(QUEUE, "-100")[0] == 2
    assert place.run("telegram").startswith("sent=1")
    assert telegram.texts(-100) == ["x", f"x\n(возможно, повтор #{number})"]
    assert place.rows("SELECT count(*) FROM telegram_queue") == [(0,)]
    assert place.rows("SELECT attempts FROM telegram_archive") == [(2,)]


def test_a_sender_that_is_asked_to_end_does_so_soon(place: Installation, telegram: telegram_remote.Telegram) -> None:
    configure(place, telegram, timeout_ms=8000, more="messages_per_second = 1")
    for number in range(90):  # a minute and a half of work
        place.queue(str(-100 - number), "x")
    process = place.start("telegram")
    assert telegram.journal(wait_ms=10_000)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20 * SLACK) == 0
    waiting, = place.row("SELECT count(*) FROM telegram_queue WHERE state = 1 AND attempts = 0")
    archived, = place.row("SELECT count(*) FROM telegram_archive")
    assert waiting + archived == 90 and waiting > 20
