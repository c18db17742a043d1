"""Monitor, housekeeping and backup, run by hand on a store that the test fills."""

from __future__ import annotations

import http.server
import os
import pwd
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance import SLACK
from bad_machine import KEPT, LIBRARY, UNSET, BadMachine
from procedures import Installation
from stores import now_ms

MINUTE_MS = 60_000
SANITIZED = not LIBRARY.exists()


@pytest.fixture
def place(folder: Path) -> Iterator[Installation]:
    made = Installation(folder, 'telegram { admin_chat = "-1" }\n')
    made.change("INSERT INTO stores VALUES ('s1', 'Лента <7>', 'Asia/Novosibirsk', '', '-100', 3, 1, 0, 0)")
    yield made
    made.end()


def add_orders(place: Installation, count: int, late_minutes: int, state: str = "assembling") -> None:
    place.change("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                 " INSERT INTO orders (id, channel, external_id, number, store_id, state, version, event_ms,"
                 " snapshot_ms, deadline_ms, created_ms, updated_ms)"
                 " SELECT i, 'kuper', 'H' || i, '1-' || i, 's1', ?, 1, 0, 0, ?, ?, 0 FROM n",
                 count, state, now_ms() - late_minutes * MINUTE_MS, now_ms() - 1440 * MINUTE_MS)


def messages(place: Installation) -> list[tuple[str, str, str]]:
    return place.rows("SELECT chat, event_type, text FROM telegram_queue ORDER BY id")


# --- monitor


def test_a_late_order_is_told_once_in_russian_and_its_end_too(place: Installation) -> None:
    add_orders(place, 1, 12)
    assert place.run("monitor") == "fired=1 repeated=0 resolved=0 open=1"
    assert place.run("monitor") == "fired=0 repeated=0 resolved=0 open=1"
    (chat, kind, text), = messages(place)
    lines = text.split("\n")
    assert (chat, kind) == ("-100", "fire")
    assert lines[:3] == ["🔴 <b>Заказ опаздывает</b>", "Заказ H1 (№ 1-1)", "Магазин: Лента &lt;7&gt;"]
    assert lines[3].startswith("Срок: ") and lines[3].endswith(" (Asia/Novosibirsk)")
    assert lines[4] == "Состояние: собирается, опоздание 12 мин"
    place.change("UPDATE orders SET state = 'ready'")
    assert place.run("monitor") == "fired=0 repeated=0 resolved=1 open=0"
    assert messages(place)[1][1:] == ("resolve", "\n".join([
        "✅ <b>Устранено</b>: Заказ опаздывает", *lines[1:3], "Теперь: готов к выдаче", "Длилось: меньше минуты"]))


def test_reasons_are_told_in_russian(place: Installation) -> None:
    add_orders(place, 2, -60, "delivered")
    place.change("UPDATE orders SET invoice_state = 'blocked', invoice_reason = 'line 1 (4607) has no price' WHERE id = 1")
    place.change("INSERT INTO order_later_changes (order_id, event_ms, total_minor, body, state, reason, created_ms)"
                 " VALUES (2, 1, 0, '', 'told', 'cancelled after the sale: all of it came back', 1)")
    place.change("INSERT INTO quarantine (received_ms, channel, reason, raw) VALUES (1, 'kuper', 'JSON at byte 1: value expected', ?)", b"{")
    place.change("INSERT INTO market_reports (channel, file_name, hash, revision, outcome, name, reason, created_ms)"
                 " VALUES ('kuper', 'bad.csv', 'h', 1, 'failed', '', 'the row names no order', ?)", now_ms())
    place.run("monitor")
    told = "\n".join(text for _, _, text in messages(place))
    for line in ("Причина: строка 1 (4607) без цены", "Причина: отменён после продажи: вернулось всё",
                 "Причина: JSON, байт 1: ожидалось значение", "Отчёт маркетплейса не принят", "Он не прочитан: в строке нет заказа"):
        assert line in told


def test_english_is_a_setting(place: Installation) -> None:
    place.write_config(place.config.read_text() + 'log { locale = "en" }\n')
    add_orders(place, 1, 12)
    place.run("monitor")
    assert messages(place)[0][2].startswith("🔴 <b>Order is late</b>\nOrder H1 (no. 1-1)")


def own_kib(pid: int) -> int:
    """Memory of its own, now; 0 when it has ended. Its share of libraries depends on who else uses them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return max([int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:")], default=0)


def test_a_storm_is_one_message_quickly_and_in_little_memory(place: Installation) -> None:
    add_orders(place, 10_000, 12)
    before, most = time.monotonic(), 0
    with subprocess.Popen(place.command("ordergate-monitor"), stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            most = max(most, own_kib(process.pid))
            time.sleep(0.01)
        assert process.stdout is not None
        assert process.stdout.read().strip() == "fired=10000 repeated=0 resolved=0 open=10000"
    took = time.monotonic() - before
    print(f"{most} KiB of its own")
    if not SANITIZED:
        assert most <= 15 * 1024
    (chat, kind, text), = messages(place)
    assert (chat, kind) == ("-100", "fire")
    assert text.startswith("🔴 <b>Заказ опаздывает</b>: 10000\n") and text.endswith("\nи ещё 9995")
    assert took <= 10 * SLACK


def test_no_rule_hides_the_others(place: Installation) -> None:
    add_orders(place, 1, 12)
    place.change("DROP TABLE quarantine")
    line = place.run("monitor", code=1)
    assert line.startswith("fired=1 ") and "inbox-quarantined" in line
    assert len(messages(place)) == 1


def test_people_acknowledge_silence_and_set_rules_by_store(place: Installation) -> None:
    place.write_config(place.config.read_text() + "rule order-late { repeat = 1s }\n")
    add_orders(place, 1, 12)
    assert place.run("monitor").startswith("fired=1 ")
    time.sleep(1.1)
    assert place.run("monitor").startswith("fired=0 repeated=1 ")
    number, = place.row("SELECT id FROM alerts WHERE state = 'firing'")
    assert place.control("alert", "ack", str(number)).endswith("acknowledged\n")
    time.sleep(1.1)
    assert place.run("monitor").startswith("fired=0 repeated=0 ")
    assert place.row("SELECT acked_by <> '' FROM alerts WHERE id = ?", number) == (1,)

    place.control("rule", "set", "order-late", "s1", "30")
    assert place.run("monitor").startswith("fired=0 repeated=0 resolved=1 ")
    place.control("rule", "set", "order-late", "s1", "default")
    silence = place.control("alert", "silence", "order-late", "--for", "2h", "--store", "s1").split()[1]
    assert place.run("monitor").startswith("fired=0 ")
    assert place.row("SELECT state FROM alerts ORDER BY id DESC") == ("pending",)
    place.control("alert", "unsilence", silence)
    assert place.run("monitor").startswith("fired=1 ")
    place.change("UPDATE alerts SET state = 'resolved'")
    place.control("rule", "set", "order-late", "s1", "off")
    assert place.run("monitor").startswith("fired=0 ")


def test_who_acknowledged_silenced_and_set_what_and_when_is_in_the_audit_log(place: Installation) -> None:
    add_orders(place, 1, 12)
    place.run("monitor")
    began = now_ms()
    number, = place.row("SELECT id FROM alerts WHERE state = 'firing'")
    place.control("alert", "ack", str(number))
    silence = place.control("alert", "silence", "order-late", "--for", "2h", "--store", "s1", "--reason", "переезд").split()[1]
    place.control("alert", "unsilence", silence)
    place.control("rule", "set", "order-late", "s1", "30")
    place.control("rule", "set", "order-late", "s1", "default")
    again = subprocess.run(place.command("ordergatectl", "alert", "ack", str(number)), capture_output=True, text=True, timeout=30,
                           check=False)
    assert again.returncode == 3 and "acknowledged them already" in again.stderr
    entries = place.rows("SELECT action, filter, reason, changed FROM audit_log ORDER BY id")
    assert entries == [
        ("alert ack", f'{{"alert":"{number}"}}', "", 1),
        ("alert silence", '{"rule":"order-late","for":"2h","subject":"","store":"s1"}', "переезд", 1),
        ("alert unsilence", f'{{"silence":"{silence}"}}', "", 1),
        ("rule set", '{"rule":"order-late","store":"s1","value":"30"}', "", 1),
        ("rule set", '{"rule":"order-late","store":"s1","value":"default"}', "", 1),
        ("alert ack", f'{{"alert":"{number}"}}', "", 0),
    ]
    least, actors, first, last = place.row("SELECT min(actor), max(actor), min(at_ms), max(at_ms) FROM audit_log")
    assert least == actors == place.row("SELECT acked_by FROM alerts WHERE id = ?", number)[0] == pwd.getpwuid(os.getuid()).pw_name
    assert began <= first <= last <= now_ms()
    shown = place.control("audit", "list")
    assert "alert silence" in shown and "переезд" in shown and actors in shown


def test_the_machine_is_measured_and_so_is_what_comes_in(place: Installation) -> None:
    place.change("INSERT INTO inbox (message_id, channel, external_id, event_type, order_id, order_seq, event_ms, state,"
                 " outcome, due_ms, created_ms, updated_ms, body) VALUES ('m', 'kuper', 'H', 'order.paid', 1, 1, 0, 3, 'ok',"
                 " 0, ?, 0, '{}')", now_ms())
    place.run("monitor")
    place.run("monitor")
    measured = dict(place.rows("SELECT name, value FROM measures"))
    assert 0 <= measured["disk-low"] <= 100 and measured["backup-old"] == 0
    assert ("wal-large" not in measured) if place.data.on_server else measured["wal-large"] < 64
    assert {"clock-unset", "last-message"} <= set(measured) and "self-probe" not in measured
    assert place.rows("SELECT channel, messages FROM intake_hours") == [("kuper", 1)]
    (place.state / "backup" / "ordergate-20200101T000000Z.db").touch()
    os.utime(place.state / "backup" / "ordergate-20200101T000000Z.db", (1_577_836_800, 1_577_836_800))
    assert place.run("monitor").startswith("fired=1 ")
    assert "Нет свежей резервной копии" in messages(place)[-1][2]


def test_a_clock_that_is_wrong_is_told_with_its_error(place: Installation, folder: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    machine = BadMachine(folder)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    place.write_config(place.config.read_text() + "rule clock-offset { threshold = 1500 for = 0 keep = 0 }\n"
                       "rule clock-unset { for = 0 keep = 0 }\n")
    measured = "SELECT name, value FROM measures WHERE name LIKE 'clock-%' ORDER BY name"
    machine.kernel_clock(KEPT, -1499)
    assert place.run("monitor").startswith("fired=0 ")
    assert place.rows(measured) == [("clock-offset", 1499), ("clock-unset", 0)]
    machine.kernel_clock(KEPT, -1500)
    assert place.run("monitor").startswith("fired=1 ")
    assert messages(place)[-1][2].startswith("🟡 <b>Часы идут неверно</b>\nРасхождение: 1500 мс по данным службы времени\n")
    machine.kernel_clock(UNSET, 9_000)
    assert place.run("monitor").startswith("fired=1 repeated=0 resolved=0 "), "without a service nobody knows how far: that is not all fine"
    assert place.rows(measured) == [("clock-offset", -1), ("clock-unset", 1)]
    assert "Часы не синхронизированы</b>\nих не ставит ни одна служба времени" in messages(place)[-1][2]
    machine.kernel_clock(KEPT, 0)
    assert place.run("monitor").startswith("fired=0 repeated=0 resolved=2 ")
    assert [kind for _, kind, _ in messages(place)][-2:] == ["resolve", "resolve"]
    machine.kernel_clock(UNSET, 9_000)
    assert place.run("monitor").startswith("fired=1 ")
    place.change("INSERT INTO measures VALUES ('clock-seen', 'telegram', -7200000, '', ?)", now_ms())
    assert place.run("monitor").startswith("fired=1 "), "but Telegram does"
    assert "отстают от Telegram на 7200000 мс" in messages(place)[-1][2]
    place.change("UPDATE measures SET at_ms = at_ms - 1000000 WHERE name = 'clock-seen'")
    assert place.run("monitor").startswith("fired=0 repeated=0 resolved=0 "), "what was long ago proves nothing, and nobody knows better"


def test_an_address_that_does_not_answer_is_noticed(place: Installation) -> None:
    place.write_config(place.config.read_text() + 'monitor { public_url = "http://127.0.0.1:9" }\n'
                       "rule self-probe { for = 0 }\n")
    assert place.run("monitor").startswith("fired=1 ")
    assert "Наш адрес не отвечает" in messages(place)[-1][2]
    place.write_config('telegram { admin_chat = "-1" }\nrule self-probe { for = 0 keep = 0 }\n')
    assert place.run("monitor").startswith("fired=0 repeated=0 resolved=1 ")


def test_somebody_outside_hears_of_each_good_pass_and_of_no_other(place: Installation) -> None:
    calls: list[str] = []

    class Outside(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Outside) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place.write_config(place.config.read_text()
                           + f'monitor {{ ping_url = "http://127.0.0.1:{server.server_port}/alive/1" }}\n')
        place.run("monitor")
        assert calls == ["/alive/1"]
        place.change("DROP TABLE quarantine")
        place.run("monitor", code=1)
        assert calls == ["/alive/1"]
        server.shutdown()


def test_planned_work_is_silent(place: Installation) -> None:
    begin = time.strftime("%H:%M", time.gmtime(time.time() - 60))
    place.write_config(place.config.read_text()
                       + f'window night {{ at = "{begin}" length = 1h time_zone = "Etc/UTC" rule = "order-late" }}\n')
    add_orders(place, 1, 12)
    place.run("monitor")
    assert place.run("monitor").startswith("fired=0 ")
    assert place.rows("SELECT rule, made_by FROM silences") == [("order-late", "window night")]


# --- housekeeping


def test_done_messages_leave_the_hot_tables(place: Installation) -> None:
    old = now_ms() - 61 * MINUTE_MS
    place.change("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO inbox"
                 " (message_id, channel, external_id, event_type, order_id, order_seq, event_ms, state, due_ms,"
                 " created_ms, updated_ms, body) SELECT 'm', 'kuper', 'H', 'order.paid', i, 1, 0, CASE i % 10 WHEN 0 THEN 4 ELSE 3 END,"
                 " 0, ?, ?, '{}' FROM n", old, old)
    line = place.run("housekeeping")
    assert " inbox=1800 " in line
    assert place.rows("SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM inbox_archive)") == [(200, 1800)]
    assert " inbox=0 " in place.run("housekeeping")


def test_an_event_that_nobody_waits_for_is_given_up_aloud(place: Installation) -> None:
    add_orders(place, 1, -60)
    place.change("INSERT INTO parked_events VALUES (7, 1, 'order.delivered', 0, ?, 'kuper', '{}')", now_ms() - 1)
    place.change("INSERT INTO parked_events VALUES (8, 1, 'order.delivered', 0, ?, 'kuper', '{}')", now_ms() + 600_000)
    assert place.run("housekeeping").startswith("expired=1 ")
    assert place.rows("SELECT inbox_id FROM parked_events") == [(8,)]
    assert place.rows("SELECT order_id, kind, actor, detail FROM order_history") == [
        (1, "event.expired", "housekeeping", '{"event":"order.delivered","inboxId":7}')]
    assert messages(place) == [("-1", "notice", "🟡 <b>Событие так и не применено</b>\nЗаказ H1 (№ 1-1)\n"
                                                "Событие: order.delivered; не пришло то, что должно быть раньше")]
    assert place.run("housekeeping").startswith("expired=0 ")


def test_old_answers_runs_and_archives_go(place: Installation) -> None:
    day = 86_400_000
    place.change("INSERT INTO api_requests (key, body_hash, answer, created_ms)"
                 " VALUES ('old', '', '', ?), ('new', '', '', ?)", now_ms() - 8 * day,
                 now_ms() - 6 * day)
    for outcome, age in (("failed", 91), ("failed", 16), ("ok", 15), ("ok", 13)):
        place.change("INSERT INTO job_runs (job, slot_ms, started_ms, ended_ms, outcome, trigger, term)"
                     " VALUES ('j', ?, ?, ?, ?, 'schedule', 1)", age, *[now_ms() - age * day] * 2, outcome)
    line = place.run("housekeeping")
    assert "answers=1 quiet_runs=1 runs=1 " in line
    assert place.rows("SELECT key FROM api_requests") == [("new",)]
    assert place.rows("SELECT outcome, slot_ms FROM job_runs ORDER BY id") == [("failed", 16), ("ok", 13)]


# --- backup


def test_a_backup_is_a_whole_private_file(place: Installation) -> None:
    add_orders(place, 100, 0)
    leftover = place.state / "backup" / "ordergate-20200101T000000Z.db.partial"
    leftover.write_text("of a run that was killed")
    line = place.run("backup")
    name = line.split()[0].removeprefix("file=")
    path = place.state / "backup" / name
    assert f"bytes={path.stat().st_size} kept=1" in line
    assert path.stat().st_mode & 0o777 == 0o600
    assert not leftover.exists() and len(list(path.parent.iterdir())) == 1
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT count(*) FROM orders").fetchall() == [(100,)]


def test_only_the_newest_backups_stay_and_nothing_else_is_touched(place: Installation) -> None:
    place.write_config(place.config.read_text() + "retention { backups = 3 }\n")
    folder = place.state / "backup"
    old = [f"ordergate-2020010{day}T000000Z.db" for day in range(1, 6)]
    others = ["ordergate-before-update.db", "notes.txt", "ordergate-20200101T000000Z.db.gz"]
    for name in old + others:
        (folder / name).write_text("x")
    assert "kept=3" in place.run("backup")
    left = sorted(path.name for path in folder.iterdir() if path.name not in others)
    assert left[:2] == old[-2:] and len(left) == 3
    assert all((folder / name).exists() for name in others)


def test_a_backup_that_cannot_be_written_says_so(place: Installation) -> None:
    folder = place.state / "backup"
    (folder / "x").mkdir(parents=True, exist_ok=True)
    place.change("CREATE TABLE big AS SELECT randomblob(3000000) AS x")
    limited = ["/bin/sh", "-c", 'ulimit -f 1000; trap "" XFSZ; exec "$@"', "sh", *place.command("ordergate-backup")]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1, done
    assert "backup" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["x"]
