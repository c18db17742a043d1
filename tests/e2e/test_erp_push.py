"""Documents and orders are pushed to an ERP: the notifier as a process against the double."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from appliance import BIN, ROOT, SLACK, free_port, wait_until
from invoices import BUYER, SELLER, add_order, line, ms
from notifiers import Notifiers
from openapi import Description

sys.path.insert(0, str(ROOT / "tests" / "emulators"))

from erp import remote  # noqa: E402
from erp.remote import Erp  # noqa: E402

DAY = ms("2026-03-14T12:00:00")
STATES = ["accepted", "assembling", "assembled", "ready", "received", "delivered"]
SECRET = "signature-secret-of-the-tests"


class Desk(Notifiers):
    """Orders and documents."""

    def __init__(self, folder: Path, url: str, **options: Any) -> None:
        super().__init__(folder)
        self.orders = 0
        self.described = Description()
        self.configure(url, **options)
        self.ctl("init")
        self.write_secret("erp-push-token", remote.TOKEN)
        self.open()

    # --- the installation

    def configure(self, url: str, **options: Any) -> None:
        values = {"push_url": url, "rate_per_second": 1000, "timeout_ms": 1500, "probe_ms": 300, **options}
        lines = "\n".join(f"  {key} = {json.dumps(value)}" for key, value in values.items())
        self.config.write_text(self.data.named_in(
            f"erp {{\n{lines}\n}}\npool {{ notifier = 2 }}\nrule erp-away {{ for = 0 }}\n"
            f'invoicing {{ series = "OG" default_vat = "20" formats = {{"json"}} {SELLER} }}\n{BUYER}'), encoding="utf-8")

    def run(self, program: str, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        options = {"check": True, "capture_output": True, "text": True, **options}
        return subprocess.run([BIN / program, "--state", self.state, "--config", self.config, *words], **options)

    def ctl(self, *words: str, **options: Any) -> str:
        return self.run("ordergatectl", *words, **options).stdout

    # --- orders and documents

    def change(self, sql: str, *values: Any) -> None:
        self.db.execute(sql, values)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.db.execute(sql, values).fetchall()

    def deliver(self, count: int = 1) -> list[str]:
        """Orders go all their way and are invoiced; their names at the marketplace."""
        made = []
        for _ in range(count):
            self.orders += 1
            add_order(self, self.orders, "1207", DAY, line("1", "2", "10.50"), line("2", "1", "99.00", 950))
            for version, state in enumerate(STATES, 1):
                self.change("INSERT INTO erp_feed (kind, ref_id, event, state, version, at_ms) VALUES ('order', ?, 'state', ?, ?, ?)",
                            self.orders, state, version, DAY)
            made.append(f"H{self.orders}")
        self.run("ordergate-invoicing")
        return made

    def messages(self, order: str) -> list[dict[str, Any]]:
        cursor = self.db.execute("SELECT id, event_type, state, outcome, hold, attempts, http_status, error FROM outbox"
                                 " WHERE external_id = ? ORDER BY order_seq", (order,))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor]

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 15.0) -> Any:
        try:
            return wait_until(condition, seconds * SLACK, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.rows('SELECT * FROM endpoints')}\n{self.messages('H1')}\n{self.log()[-4000:]}") from None

    def wait_over(self, *orders: str, seconds: float = 20) -> None:
        """All that is in the feed of these orders was sent, and they are over."""
        for order in orders:
            self.wait(lambda: len(rows := self.messages(order)) > len(STATES) and all(row["state"] in (3, 4) for row in rows),
                      f"{order} is over", seconds)

    def verdict(self, order: str) -> tuple[str, str]:
        return (self.rows("SELECT v.state, v.reason FROM erp_verdicts v JOIN documents d ON d.id = v.document_id"
                          " JOIN orders o ON o.id = d.order_id WHERE o.external_id = ? ORDER BY d.id", order) or [("none", "")])[0]

    def monitor(self) -> list[tuple[str, str, str]]:
        self.run("ordergate-monitor")
        return self.rows("SELECT rule, subject, text FROM alerts WHERE state = 'firing'")

    def check_requests(self, erp: Erp) -> None:
        """Every body and header is as the description says; no entry went out as two different ones."""
        keys: dict[str, str] = {}
        for entry in erp.journal():
            hook = self.described.spec["webhooks"][entry["path"].removeprefix("/push/")]["post"]
            schema = hook["requestBody"]["content"]["application/json"]["schema"]
            Draft202012Validator(schema, resolver=self.described.resolver).validate(json.loads(entry["body"]))
            assert keys.setdefault(entry["key"], entry["body"]) == entry["body"]
            for reference in hook["parameters"]:
                one = self.described.resolver.resolve(reference["$ref"])[1]
                value = entry["headers"].get(one["name"].lower())
                assert re.fullmatch(one["schema"]["pattern"].strip("^$"), value) if value else not one["required"], one["name"]
        assert erp.anomalies() == []


@pytest.fixture(scope="module")
def one_erp() -> Iterator[Erp]:
    with remote.start() as erp:
        yield erp


@pytest.fixture
def erp(one_erp: Erp) -> Erp:
    one_erp.reset()
    return one_erp


@pytest.fixture
def desk(folder: Path, erp: Erp) -> Iterator[Desk]:
    made = Desk(folder, erp.push_url)
    yield made
    made.destroy()


# --- the usual way


def test_every_step_and_then_the_document_arrive_once(desk: Desk, erp: Erp) -> None:
    orders = desk.deliver(5)
    desk.start()
    desk.wait_over(*orders)
    for order in orders:
        assert erp.steps(order) == STATES
        assert [(row["event_type"], row["outcome"], row["http_status"], row["attempts"]) for row in desk.messages(order)] == \
            [("order", "ok", 200, 1)] * len(STATES) + [("document", "ok", 200, 1)]
        assert desk.verdict(order) == ("acknowledged", "")
    assert len(erp.books()) == 5 and len(erp.journal()) == 5 * (len(STATES) + 1)
    desk.check_requests(erp)
    desk.deliver()
    desk.wait_over("H6")
    assert "push" in desk.ctl("erp", "status")
    desk.ctl("verify")


def test_what_was_pulled_is_not_pushed(desk: Desk, erp: Erp) -> None:
    first = desk.deliver()[0]
    newest = desk.rows("SELECT max(id) FROM erp_feed")[0][0]
    for name in ("documents", "orders"):
        desk.change("INSERT INTO erp_readers VALUES (?, ?, 0)", name, newest)
    second = desk.deliver()[0]
    desk.start()
    desk.wait_over(second)
    assert desk.messages(first) == [] and erp.steps(first) == []


def test_a_person_says_where_it_begins_and_what_comes_again(desk: Desk, erp: Erp) -> None:
    before = desk.deliver()[0]
    assert desk.ctl("erp", "push", "now", check=False) == ""  # why?
    desk.ctl("erp", "push", "now", "--reason", "the books begin today")
    order = desk.deliver()[0]
    desk.start()
    desk.wait_over(order)
    assert desk.messages(before) == [] and erp.steps(before) == []
    erp.reset()  # it has lost everything
    desk.ctl("erp", "push", str(len(STATES) + 1), "--reason", "its backup is older")
    desk.wait(lambda: len(erp.books()) == 1, "it has the document again")
    assert erp.steps(order) == STATES and desk.verdict(order)[0] == "acknowledged"
    assert "the books begin today" in desk.ctl("audit", "list")
    desk.ctl("verify")


def test_without_an_address_nothing_is_queued(folder: Path) -> None:
    desk = Desk(folder, "")
    try:
        desk.deliver()
        desk.start()
        time.sleep(2.5)  # it looks once a second
        assert desk.messages("H1") == [] and desk.rows("SELECT * FROM erp_readers") == []
    finally:
        desk.destroy()


def test_messages_are_signed_and_go_by_https_with_an_authority_of_its_own(folder: Path) -> None:
    certificate, key = folder / "erp.pem", folder / "erp.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with remote.start("--secret", SECRET, "--certificate", str(certificate), "--key", str(key), ca_file=str(certificate)) as erp:
        desk = Desk(folder, erp.push_url, ca_file=str(certificate))
        try:
            desk.write_secret("erp-push-secret", SECRET)
            orders = desk.deliver(2)
            desk.start()
            desk.wait_over(*orders)
            assert len(erp.books()) == 2
            desk.check_requests(erp)
            # Nobody who is not known gets anything.
            desk.configure(erp.push_url)
            desk.processes[-1].send_signal(signal.SIGHUP)
            later = desk.deliver()[0]
            desk.wait(lambda: any(row["error"] for row in desk.messages(later)), "it was tried")
            assert erp.steps(later) == []
            # A wrong signature is a wrong credential: all of it waits until it is right.
            desk.configure(erp.push_url, ca_file=str(certificate))
            desk.write_secret("erp-push-secret", "another")
            desk.processes[-1].send_signal(signal.SIGHUP)
            desk.wait(lambda: desk.rows("SELECT state FROM endpoints WHERE name = 'erp'") == [("held",)], "it is held")
            desk.write_secret("erp-push-secret", SECRET)
            desk.wait_over(later)
        finally:
            desk.destroy()


# --- refusals


def test_a_refused_document_is_a_verdict_and_can_be_offered_again(desk: Desk, erp: Erp) -> None:
    erp.refuse(**{"documents:H1": "нет договора"})
    order = desk.deliver()[0]
    desk.start()
    desk.wait_over(order)
    last = desk.messages(order)[-1]
    assert (last["state"], last["outcome"], last["http_status"]) == (3, "rejected", 422)
    assert desk.verdict(order) == ("refused", "нет договора")
    alerts = [alert for alert in desk.monitor() if alert[0] not in ("backup-old", "store-unknown")]
    assert [(rule, subject) for rule, subject, _ in alerts] == [("erp-refused", "OG1")], "people are told once"
    document = desk.rows("SELECT id FROM documents")[0][0]
    erp.refuse()
    desk.ctl("erp", "offer", str(document), "--reason", "the contract is there now")
    desk.wait(lambda: desk.verdict(order)[0] == "acknowledged", "it was taken")
    assert list(erp.books()) == [document]
    desk.check_requests(erp)
    assert [alert[0] for alert in desk.monitor() if alert[0].startswith("erp")] == []


def test_a_correction_replaces_what_was_refused(desk: Desk, erp: Erp) -> None:
    order, = desk.deliver()
    desk.start()
    desk.wait_over(order)
    erp.refuse(**{f"documents:{order}": "wrong quantity"})
    desk.ctl("document", "return", order, "1=1", "--reason", "damaged")
    desk.wait(lambda: desk.rows("SELECT state FROM erp_verdicts WHERE document_id = 2") == [("refused",)], "the return is refused")
    erp.refuse()
    desk.ctl("document", "return", order, "2=1", "--reason", "also damaged")
    desk.wait(lambda: desk.rows("SELECT state FROM erp_verdicts ORDER BY document_id") == [
        ("acknowledged",), ("replaced",), ("acknowledged",)], "the later one ends the refusal")


def test_a_refused_step_is_told_and_can_be_retried_while_the_next_goes_on(desk: Desk, erp: Erp) -> None:
    erp.fault("status", status=422, body='{"error": {"message": "store 1207 is unknown"}}', order="H1", count=1)
    order = desk.deliver()[0]
    desk.start()
    desk.wait_over(order)
    rows = desk.messages(order)
    assert [row["state"] for row in rows] == [4] + [3] * len(STATES) and rows[-1]["outcome"] == "ok"
    rule, subject, text = next(alert for alert in desk.monitor() if alert[0] in ("erp-refused", "notification-failed"))
    assert rule == "erp-refused" and "store 1207 is unknown" in text and order in text, text
    assert "rejected" in desk.ctl("queue", "outbox", "list", "--endpoint", "erp", "--state", "4")
    desk.ctl("queue", "outbox", "retry", str(rows[0]["id"]), "--reason", "the store is there now")
    # It comes too late now, and the ERP says so: it is for a person to leave it out.
    desk.wait(lambda: desk.messages(order)[0]["http_status"] == 409, "it was sent again")
    desk.ctl("queue", "outbox", "skip", str(rows[0]["id"]), "--reason", "later steps are there")
    assert [alert[0] for alert in desk.monitor() if alert[0].startswith("erp")] == []


def test_what_is_only_accepted_waits_for_the_verdict(desk: Desk, erp: Erp) -> None:
    erp.take_with(202)
    order = desk.deliver()[0]
    desk.start()
    desk.wait_over(order)
    assert desk.messages(order)[-1]["http_status"] == 202 and desk.verdict(order)[0] == "none"


# --- trouble over there


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_wrong_address_or_token_holds_everything_and_refuses_nothing(desk: Desk, erp: Erp, status: int) -> None:
    erp.fault("status", status=status, count=0)
    orders = desk.deliver(2)
    desk.start()
    desk.wait(lambda: desk.rows("SELECT state FROM endpoints WHERE name = 'erp'") == [("held",)], "it is held")
    desk.wait(lambda: {row["state"] for order in orders for row in desk.messages(order)} == {1}, "what was under way is back")
    assert [alert[0] for alert in desk.monitor() if "erp" in alert[1]] == ["erp-away"]
    erp.clear_faults()
    desk.write_secret("erp-push-token", remote.TOKEN + "\n")
    desk.processes[-1].send_signal(signal.SIGHUP)
    desk.wait_over(*orders)
    assert len(erp.books()) == 2 and [alert for alert in desk.monitor() if "erp" in alert[1]] == []


def test_however_an_answer_fails_everything_takes_effect_once(desk: Desk, erp: Erp) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "delay": {"delay_ms": 3000}, "reset_after": {}, "close_after": {}, "half": {}, "garbage": {"process": True},
        "huge": {"process": True, "size_bytes": 100000}, "reset": {}, "close_before": {}, "status": {"status": 502, "process": True}}
    desk.configure(erp.push_url, quick_attempts=10)  # so many faults at once would open the breaker
    for number, (kind, details) in enumerate(kinds.items(), 1):
        erp.fault(kind, order=f"H{number}", count=1, skip=number % 3, **details)
        erp.fault(kind, order=f"H{number}", count=1, skip=6 - number % 3, **details)
    erp.fault("status", status=200, body="<html>log in, please</html>", order="H10", count=2, skip=1)
    erp.fault("status", status=429, headers={"Retry-After": "1"}, order="H11", count=1)
    orders = desk.deliver(11)
    desk.start()
    desk.wait_over(*orders, seconds=60)
    for order in orders:
        assert erp.steps(order) == STATES, order
        assert {row["outcome"] for row in desk.messages(order)} == {"ok"}, (order, desk.messages(order))
        assert desk.verdict(order)[0] == "acknowledged"
    assert len(erp.books()) == 11
    desk.check_requests(erp)
    desk.ctl("verify")


def test_an_erp_that_is_away_finds_everything_in_sequence_when_it_is_back(folder: Path) -> None:
    port = free_port()
    desk = Desk(folder, f"http://127.0.0.1:{port}/push", quick_attempts=2)
    try:
        orders = desk.deliver(8)
        desk.start(1)
        desk.start(2)
        desk.wait(lambda: desk.rows("SELECT state FROM endpoints WHERE name = 'erp'") == [("open",)], "the breaker is open", 40)
        orders += desk.deliver(4)
        desk.change("UPDATE endpoints SET changed_ms = changed_ms - 3600000")
        assert [alert[0] for alert in desk.monitor() if "erp" in alert[1]] == ["erp-away"], "the marketplace's rules are silent"
        with remote.start("--port", str(port)) as erp:
            desk.wait_over(*orders, seconds=40)
            assert all(erp.steps(order) == STATES for order in orders) and len(erp.books()) == 12
            desk.check_requests(erp)
        assert [alert for alert in desk.monitor() if "erp" in alert[1]] == []
    finally:
        desk.destroy()


def test_killed_notifiers_lose_nothing_and_double_nothing(desk: Desk, erp: Erp) -> None:
    erp.fault("delay", delay_ms=60, count=0)
    desk.configure(erp.push_url, parallel=4)
    orders: list[str] = []
    picks = random.Random(7)
    running = {1: desk.start(1), 2: desk.start(2)}
    for _ in range(8):
        orders += desk.deliver(3)
        time.sleep(picks.uniform(0.1, 0.9))
        number = picks.choice((1, 2))
        running[number].kill()
        running[number].wait()
        running[number] = desk.start(number)
    erp.clear_faults()
    desk.wait_over(*orders, seconds=60)
    assert all(erp.steps(order) == STATES for order in orders)
    assert len(erp.books()) == len(orders) == len(desk.rows("SELECT id FROM documents"))
    desk.check_requests(erp)
    desk.ctl("verify")
