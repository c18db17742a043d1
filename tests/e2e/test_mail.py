"""Alerts by mail when Telegram fails or nobody acknowledges, through a real mail server (Exim) with real failures."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bad_store import BadStore
from mail_server import PASSWORD, USER, MailServer
from procedures import Installation

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def exim() -> Iterator[MailServer]:
    folder = Path(tempfile.mkdtemp(prefix="og-mail-"))
    server = MailServer(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


class Post(Installation):
    def __init__(self, folder: Path, exim: MailServer) -> None:
        self.exim = exim
        super().__init__(folder, self.options())
        self.set_secret("mail-password", PASSWORD)
        now = int(time.time() * 1000)
        self.change("INSERT INTO stores VALUES ('s', 'Магазин <1>', 'Europe/Moscow', '', '-7', 3, 1, 0, 0)")
        self.now = now

    def options(self, to: str = "admin@test", timeout: str = "20s", more: str = "") -> str:
        return (f'telegram {{ admin_chat = "-1" }}\nmail {{ server = "localhost" port = {self.exim.port} user = "{USER}"'
                f' ca_file = "{self.exim.certificate}" from = "ordergate@shop.test" to = "{to}" timeout_ms = {timeout}'
                f' interval_minutes = 0 {more} }}\n')

    def late_order(self, number: int = 7, count: int = 1, look: bool = True) -> None:
        """An order that is late since a minute; the monitor tells of it."""
        self.change("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                    " INSERT INTO orders (id, channel, external_id, number, store_id, state, version, event_ms, snapshot_ms,"
                    " deadline_ms, created_ms, updated_ms) SELECT ? + i, 'kuper', 'H' || (? + i), '1-' || (? + i), 's', 'new',"
                    " 1, 0, 0, ?, ?, 0 FROM n", count, number - 1, number - 1, number - 1, self.now - MINUTE_MS,
                    self.now - 60 * MINUTE_MS)
        if look:
            self.run("monitor")

    def later(self, minutes: int) -> None:
        """As if all that was told had been told so much earlier."""
        self.change("UPDATE telegram_queue SET created_ms = created_ms - ?", minutes * MINUTE_MS)
        self.change("UPDATE alerts SET notified_ms = notified_ms - ?, fired_ms = fired_ms - ? WHERE state = 'firing'",
                    minutes * MINUTE_MS, minutes * MINUTE_MS)

    def telegram_delivers(self) -> None:
        self.change("INSERT INTO telegram_archive (id, message_id, chat, event_type, order_seq, alert_id, severity, text, state,"
                    " outcome, attempts, created_ms, sent_ms, telegram_message_id) SELECT id, message_id, chat, event_type,"
                    " order_seq, alert_id, severity, text, 3, 'ok', 1, created_ms, created_ms, id FROM telegram_queue")
        self.change("DELETE FROM telegram_queue")
        self.change("UPDATE telegram_head SET state = 0")

    def mail_due(self) -> None:
        self.change("UPDATE mail_queue SET due_ms = 0 WHERE state = 1")
        self.change("UPDATE mail_head SET due_ms = 0 WHERE state = 1")

    def waiting(self) -> list[tuple]:
        return self.rows("SELECT address, state, hold, attempts, sending_since_ms IS NOT NULL, error FROM mail_queue ORDER BY id")


@pytest.fixture
def post(folder: Path, exim: MailServer) -> Iterator[Post]:
    for name in ("grey", "slow", "full", "no-tls", "open"):
        exim.switch(name, False)
    exim.clear()
    made = Post(folder, exim)
    yield made
    made.end()


def test_a_critical_alert_goes_by_mail_when_telegram_fails_and_its_end_too(post: Post) -> None:
    post.late_order()
    post.later(9)
    assert "mails" not in post.run("monitor")
    post.later(2)
    assert "mails=1" in post.run("monitor")
    assert "mails" not in post.run("monitor"), "once"
    assert post.run("mail").startswith("sent=1 later=0 failed=0")
    mail, = post.exim.mails()
    assert mail["Subject"] == "Ordergate: Заказ опаздывает"
    assert mail["From"] == "Ordergate <ordergate@shop.test>" and mail["To"] == "admin@test"
    message_id, = post.row("SELECT message_id FROM mail_archive")
    assert mail["Message-ID"] == f"<{message_id}@shop.test>" and mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "Telegram не доставляет" in text and "H7" in text and "Магазин <1>" in text and "<b>" not in text
    assert "250" in post.row("SELECT error FROM mail_archive")[0], "what the server said is kept"

    # Its end is told to whoever knows of it, once.
    post.change("UPDATE orders SET state = 'ready'")
    assert "mails=1" in post.run("monitor")
    assert "mails" not in post.run("monitor")
    post.run("mail")
    end = post.exim.mails()[-1]
    assert end["Subject"] == "Ordergate, окончено: Заказ опаздывает" and "H7" in end.get_content()
    post.run("monitor")
    assert post.row("SELECT count(*) FROM alert_mails WHERE closed = 0") == (0,)


@pytest.mark.parametrize("statement", ["INSERT INTO alert_mails", "INSERT INTO mail_queue", "INSERT INTO mail_head"])
def test_a_monitor_that_is_killed_between_alert_and_mail_mails_in_its_next_pass(
        post: Post, folder: Path, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """What is to be mailed is asked of the alerts' state, so there is nothing to lose between the two transactions."""
    store = BadStore(folder, "ordergate-monitor")
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    post.late_order(7)
    post.later(11)
    post.late_order(8, look=False)
    store.die_at(statement)
    for _ in range(2):
        post.run("monitor", code=-9)
    assert post.row("SELECT count(*) FROM alerts WHERE state = 'firing'") == (2,), "the second one is known, and told"
    assert post.row("SELECT count(*) FROM telegram_queue WHERE alert_id IS NOT NULL") == (2,), "once"
    assert post.row("SELECT (SELECT count(*) FROM alert_mails) + (SELECT count(*) FROM mail_queue)") == (0,)
    store.live()
    assert "mails=1" in post.run("monitor")
    assert "mails" not in post.run("monitor"), "once"
    post.run("mail")
    mail, = post.exim.mails()
    assert "H7" in mail.get_content() and "H8" in mail.get_content()


def test_an_end_is_not_told_when_the_beginning_was_not(post: Post) -> None:
    post.exim.stop()
    try:
        post.late_order()
        post.later(11)
        assert "mails=1" in post.run("monitor")
        post.run("mail", code=1)
        assert post.waiting()[0][:4] == ("admin@test", 1, "none", 0), "an attempt that reached nobody does not count"
        post.change("UPDATE mail_queue SET created_ms = created_ms - 120000")
        post.change("UPDATE orders SET state = 'ready'")
        assert "mails" not in post.run("monitor")
        assert "mails" not in post.run("monitor")
    finally:
        post.exim.start()
    post.mail_due()
    post.run("mail")
    assert post.exim.mails() == []
    assert post.row("SELECT outcome, error FROM mail_archive") == ("obsolete", "over before it was sent")


def test_nobody_acknowledges(post: Post) -> None:
    post.late_order(7)
    post.late_order(8)
    post.telegram_delivers()
    post.later(31)
    post.control("alert", "ack", str(post.row("SELECT id FROM alerts WHERE subject = '1-8'")[0]))
    assert "mails=1" in post.run("monitor")
    assert "mails" not in post.run("monitor")
    post.run("mail")
    mail, = post.exim.mails()
    assert mail["Subject"] == "Ordergate, никто не принял: Заказ опаздывает"
    assert "H7" in mail.get_content() and "H8" not in mail.get_content()


def test_who_waits_how_long_is_a_matter_of_severity_and_rule(post: Post) -> None:
    post.write_config(post.options(more="critical_minutes = 0 warning_minutes = 5") +
                      "rule order-late { escalate = 0 }\nrule order-not-taken { mail = false }\nrule cancel-share { escalate = 1m }\n")
    for rule, severity in (("order-late", "critical"), ("order-not-taken", "warning"), ("order-not-ready", "warning"),
                           ("cancel-share", "info")):
        post.change("INSERT INTO alerts (rule, subject, severity, state, chat, text, since_ms, fired_ms, notified_ms, acked_by,"
                    " told_id) VALUES (?, 'x', ?, 'firing', '-1', '<b>' || ? || '</b>', ?, ?, ?, '', 999)", rule, severity, rule,
                    post.now - 6 * MINUTE_MS, post.now - 6 * MINUTE_MS, post.now - 6 * MINUTE_MS)
    # The rules themselves would find these over: only the mail is looked at here.
    if post.data.on_server:
        post.change("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    post.change("CREATE TRIGGER keep BEFORE UPDATE OF state ON alerts "
                + ("FOR EACH ROW EXECUTE FUNCTION keep()" if post.data.on_server else "BEGIN SELECT raise(IGNORE); END"))
    post.run("monitor")
    told = post.rows("SELECT a.rule FROM alert_mails AS m JOIN alerts AS a ON a.id = m.alert_id ORDER BY a.rule")
    assert told == [("cancel-share",), ("order-not-ready",)]


def test_many_alerts_are_one_mail_with_their_number(post: Post) -> None:
    post.late_order(100, count=300)
    post.later(11)
    assert "mails=1" in post.run("monitor")
    post.run("mail")
    mail, = post.exim.mails()
    assert mail["Subject"].endswith("(событий: 300)")
    assert mail.get_content().count("\n[") == 50 and "и ещё 250" in mail.get_content()
    assert post.row("SELECT count(*) FROM alert_mails") == (300,)
    post.change("UPDATE orders SET state = 'ready'")
    post.run("monitor")
    post.run("mail")
    assert len(post.exim.mails()) == 2


def test_a_dead_sender_and_a_refused_bot_are_failures_of_telegram_at_once(post: Post) -> None:
    post.change("INSERT INTO jobs (name, last_slot_ms, expected_ms) VALUES ('telegram', 1, ?)", post.now - 11 * MINUTE_MS)
    post.late_order()
    assert post.row("SELECT count(*) FROM mail_queue WHERE event_type = 'telegram'") >= (1,)
    post.change("DELETE FROM jobs")
    post.change("DELETE FROM alert_mails")
    post.change("DELETE FROM mail_queue")
    assert "mails" not in post.run("monitor")
    old = post.queue("-9", "old", "info", post.now - 11 * MINUTE_MS)
    post.change("UPDATE telegram_queue SET hold = 'auth' WHERE id = ?", old)
    assert "mails=1" in post.run("monitor")


def test_a_refused_recipient_stops_no_other(post: Post) -> None:
    post.write_config(post.options(to="refused@test admin@test"))
    post.late_order()
    post.later(11)
    post.run("monitor")
    assert post.run("mail").startswith("sent=1 later=0 failed=1")
    assert [mail["To"] for mail in post.exim.mails()] == ["admin@test"]
    (address, state, hold, attempts, doubt, error), = post.waiting()
    assert (address, state, doubt) == ("refused@test", 4, 0) and "no such person" in error
    assert post.row("SELECT class, http_status FROM message_attempts WHERE queue = 'mail'") == ("reject", 550)
    assert "no such person" in post.control("queue", "mail", "list")
    post.run("monitor")
    assert post.row("SELECT state FROM alerts WHERE rule = 'mail-failing'") == ("firing",), "people are told, by Telegram"


def test_greylisting_is_waited_for(post: Post) -> None:
    post.exim.switch("grey")
    post.write_config(post.options(to="grey@test"))
    post.late_order()
    post.later(11)
    post.run("monitor")
    assert post.run("mail").startswith("sent=0 later=1")
    (_, state, hold, attempts, doubt, error), = post.waiting()
    assert (state, attempts, doubt) == (1, 1, 0) and "greylisted" in error
    assert post.row("SELECT due_ms - updated_ms FROM mail_queue")[0] >= 30_000
    assert post.run("mail").startswith("sent=0 later=0"), "not before its time"
    post.exim.switch("grey", False)
    post.mail_due()
    assert post.run("mail").startswith("sent=1")


def test_a_full_server_after_the_mail_is_not_a_doubt(post: Post) -> None:
    post.exim.switch("full")
    post.late_order()
    post.later(11)
    post.run("monitor")
    assert post.run("mail").startswith("sent=0 later=1")
    (_, state, hold, attempts, doubt, error), = post.waiting()
    assert (state, doubt) == (1, 0) and "no room" in error


def test_no_answer_to_a_whole_mail_is_a_doubt_and_its_repeat_is_recognised(post: Post) -> None:
    post.exim.switch("slow")
    post.write_config(post.options(timeout="6s"))
    post.late_order()
    post.later(11)
    post.run("monitor")
    post.run("mail", code=1)
    (_, state, hold, attempts, doubt, error), = post.waiting()
    assert (state, hold, attempts, doubt) == (1, "uncertain", 1, 1) and "no answer to it" in error
    post.exim.switch("slow", False)
    post.write_config(post.options())
    post.mail_due()
    message_id, = post.row("SELECT message_id FROM mail_queue")
    assert post.run("mail").startswith("sent=1")
    mail = post.exim.mails()[-1]
    assert mail["Message-ID"] == f"<{message_id}@shop.test>" and mail["X-Ordergate-Attempt"] == "2"


def test_a_wrong_password_stops_the_queue_and_the_right_one_starts_it(post: Post) -> None:
    post.set_secret("mail-password", "wrong")
    post.late_order()
    post.later(11)
    post.run("monitor")
    post.run("mail", code=1)
    assert post.waiting()[0][1:5] == (1, "auth", 0, 0)
    assert "wrong" not in post.log.read_text() and PASSWORD not in post.log.read_text()
    post.set_secret("mail-password", PASSWORD)
    assert "ok   admin@test: 250" in post.control("mail", "test")
    assert post.run("mail").startswith("sent=1"), "it does not wait for its pause"


def test_neither_password_nor_mail_goes_where_it_is_not_safe(post: Post) -> None:
    post.late_order()
    post.later(11)
    post.run("monitor")
    seen = len(post.exim.log())
    post.exim.switch("no-tls")
    post.run("mail", code=1)
    assert post.waiting()[0][1:5] == (1, "auth", 0, 0), "STARTTLS is not offered"
    post.exim.switch("no-tls", False)
    post.write_config(post.options().replace(f'ca_file = "{post.exim.certificate}"', ""))
    post.mail_due()
    post.run("mail", code=1)
    assert "certificate" in post.waiting()[0][5] and post.waiting()[0][1] == 1
    assert "A=plain" not in post.exim.log()[seen:] and post.exim.mails() == []


def test_tls_from_the_first_byte(post: Post) -> None:
    post.write_config(post.options().replace(f"port = {post.exim.port}", f'port = {post.exim.tls_port} security = "tls"'))
    assert "ok   admin@test: 250" in post.control("mail", "test")
    mail, = post.exim.mails()
    assert mail["Subject"] == "Ordergate: проверка связи"


def test_a_mailer_that_dies_leaves_a_doubt(post: Post) -> None:
    post.exim.switch("slow")
    post.late_order()
    post.later(11)
    post.run("monitor")
    process = post.start("mail")
    post.wait_for("SELECT count(*) FROM mail_queue WHERE state = 2", 10, "it is being sent")
    process.kill()
    process.wait()
    post.exim.switch("slow", False)
    assert post.run("mail").startswith("sent=1")
    message_id, = post.row("SELECT message_id FROM mail_archive")
    assert post.exim.mails()[-1]["Message-ID"] == f"<{message_id}@shop.test>"
    assert post.row("SELECT class FROM message_attempts_archive WHERE queue = 'mail'") == ("lost",)


def test_without_a_server_nothing_is_made(post: Post) -> None:
    post.write_config('telegram { admin_chat = "-1" }\n')
    post.late_order()
    post.later(60)
    post.run("monitor")
    assert post.row("SELECT count(*) FROM mail_queue") == (0,)
    assert post.run("mail") == "mail.server is empty"
