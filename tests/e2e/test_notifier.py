"""The notifier as a process against the emulated marketplace: what arrives, how often, and what the store says of it."""

from __future__ import annotations

import json
import re
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance import BIN, SLACK
from desk import ASSEMBLED, CANCELED, IN_WORK, READY, Desk
from kuper import remote
from kuper.remote import Kuper

SETTLE_MS = 300


@pytest.fixture(scope="module")
def one_market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kuper]:
    with remote.start(tmp_path_factory.mktemp("kuper"), "", "--settle-ms", str(SETTLE_MS)) as market:
        yield market


@pytest.fixture
def desk(folder: Path, one_market: Kuper) -> Iterator[Desk]:
    one_market.reset()
    one_market.config(settle_ms=SETTLE_MS, unreliable_code=422, wrong_token_status=401, token_ttl_s=300,
                      client_tokens=[remote.CLIENT_TOKEN])
    made = Desk(folder, one_market)
    yield made
    made.destroy()


def assert_clean(desk: Desk) -> None:
    assert desk.market.anomalies() == []


# --- the usual way

def test_notifications_of_an_order_arrive_once_and_in_sequence(desk: Desk) -> None:
    order = desk.order("assembled")
    desk.add(order, "order.accepted", IN_WORK, ASSEMBLED, READY)
    desk.start()
    rows = desk.wait_over(order, 20)
    assert [(row["state"], row["outcome"], row["http_status"], row["attempts"]) for row in rows] == [(3, "ok", 200, 1)] * 4
    assert [name for name, status in desk.market.notifications(order) if status == 200] == [
        "order.accepted", IN_WORK, ASSEMBLED, READY]
    assert_clean(desk)


def test_a_confirmed_composition_makes_the_order_ready(desk: Desk) -> None:
    order = desk.order("assembled")
    desk.add(order, IN_WORK, READY)
    desk.start()
    desk.wait(lambda: desk.sent(order, READY) == 1, "ready was sent")
    assert desk.order_state(order) == "assembled"  # said yes, and not proved yet
    desk.wait_over(order, 20)
    assert desk.order_state(order) == "ready"
    kinds = desk.db.execute("SELECT kind, actor FROM order_history WHERE order_id = ?", (desk.order_id(order),)).fetchall()
    assert ("ready.confirmed", "kuper") in kinds


def test_the_next_message_of_an_order_follows_at_once(desk: Desk) -> None:
    order = desk.order()
    desk.add(order, IN_WORK, *[ASSEMBLED] * 14)
    desk.start()
    assert {row["outcome"] for row in desk.wait_over(order)} == {"ok"}
    times = [entry["at_ms"] for entry in desk.market.journal(kind="notification", order=order)]
    assert statistics.median(after - before for before, after in zip(times, times[1:])) < 800, "it looks once a second"


def test_a_bell_wakes_the_notifier(desk: Desk) -> None:
    """Without one it looks every second."""
    desk.start()
    bell = desk.wait(lambda: list((desk.state / "run").glob("notifier@*.bell")), "the bell hangs")[0]
    waits = []
    for _ in range(15):
        order = desk.order()
        desk.add(order, IN_WORK)
        rung_ms = time.time() * 1000
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ringer:
            ringer.sendto(b"!", str(bell))
        desk.wait_over(order)
        waits.append(desk.market.journal(kind="notification", order=order)[0]["at_ms"] - rung_ms)
    assert statistics.median(waits) < 600


# --- doubts

def test_a_lost_answer_is_asked_about_and_not_repeated(desk: Desk) -> None:
    order = desk.order()
    desk.market.fault("close_after", type=IN_WORK)
    desk.add(order, IN_WORK)
    desk.start()
    rows = desk.wait_over(order)
    assert (rows[0]["state"], rows[0]["outcome"]) == (3, "ok")
    assert desk.sent(order, IN_WORK) == 1 and desk.asked(order) == 1
    assert_clean(desk)


def test_a_request_that_was_lost_is_sent_again_after_two_reads(desk: Desk) -> None:
    order = desk.order()
    desk.market.fault("close_before", type=IN_WORK)
    desk.add(order, IN_WORK)
    desk.start()
    rows = desk.wait_over(order, 15)
    assert (rows[0]["state"], rows[0]["outcome"], rows[0]["http_status"]) == (3, "ok", 200)
    assert desk.sent(order, IN_WORK) == 2 and desk.asked(order) == 2
    assert_clean(desk)


def test_however_an_answer_fails_the_notification_takes_effect_once(desk: Desk) -> None:
    faults: dict[str, dict[str, Any]] = {
        "delay": {"delay_ms": 4000}, "reset_after": {}, "close_after": {}, "half": {}, "garbage": {"process": True},
        "huge": {"process": True}, "status": {"status": 502, "process": True}, "reset": {}, "close_before": {}}
    desk.configure(quick_attempts=10)  # so many faults at once would open the breaker
    orders = {kind: desk.order("assembled") for kind in faults}
    for kind, order in orders.items():
        desk.market.fault(kind, type=IN_WORK, order=order, **faults[kind])
        desk.add(order, IN_WORK, READY)
    desk.start()
    for kind, order in orders.items():
        rows = desk.wait_over(order, 25)
        assert [row["state"] for row in rows] == [3, 3], (kind, rows)
        assert desk.market.order(order)["state"] == "ready_to_ship", kind
    assert desk.sent(orders["status"], IN_WORK) == 1  # a gateway's 502 is asked about before it is repeated
    assert_clean(desk)


def test_a_yes_without_effect_is_told_to_a_person(desk: Desk) -> None:
    """Row 13 of the acceptance rules: straight after creation, with the unreliable 200."""
    desk.market.config(unreliable_code=200)
    desk.configure(quick_attempts=1)
    order = desk.order("assembled")
    desk.add(order, READY)
    desk.start()
    row = desk.wait_over(order, 30)[0]
    assert (row["state"], row["outcome"], row["http_status"]) == (4, "rejected", 200)
    assert "never shows it" in row["error"]
    assert desk.order_state(order) == "assembled"


def test_a_killed_notifier_leaves_nothing_lost_and_nothing_doubled(desk: Desk) -> None:
    order = desk.order()
    desk.market.fault("delay", type=IN_WORK, delay_ms=1000)
    desk.add(order, IN_WORK)
    first = desk.start()
    desk.wait(lambda: desk.rows(order)[0]["sending_since_ms"], "it is sending")
    desk.wait(lambda: desk.sent(order, IN_WORK) == 1, "it has arrived")
    first.kill()
    first.wait()
    desk.start()
    rows = desk.wait_over(order)
    assert (rows[0]["state"], rows[0]["outcome"], rows[0]["attempts"]) == (3, "ok", 2)
    assert desk.sent(order, IN_WORK) == 1
    assert_clean(desk)


def test_sigterm_waits_for_what_is_under_way(desk: Desk) -> None:
    orders = [desk.order() for _ in range(20)]
    desk.configure(parallel=4)
    desk.market.fault("delay", type=IN_WORK, delay_ms=800, count=0)
    for order in orders:
        desk.add(order, IN_WORK)
    process = desk.start()
    desk.wait(lambda: sum(desk.sent(order, IN_WORK) for order in orders) > 0, "something is under way")
    assert desk.stop(process) == 0
    rows = [desk.rows(order)[0] for order in orders]
    assert {row["state"] for row in rows} <= {1, 3} and any(row["state"] == 1 for row in rows)
    # What was not sent carries no mark, and what was sent is done.
    assert all(row["sending_since_ms"] is None for row in rows)
    assert sum(row["state"] == 3 for row in rows) == sum(desk.sent(order, IN_WORK) for order in orders)


def test_sigterm_does_not_wait_for_ever(desk: Desk) -> None:
    order = desk.order()
    desk.configure(timeout_ms=8000)
    desk.market.fault("delay", type=IN_WORK, delay_ms=20000)
    desk.add(order, IN_WORK)
    process = desk.start()
    desk.wait(lambda: desk.sent(order, IN_WORK) == 1, "it is under way")
    assert desk.stop(process) == 0
    row = desk.rows(order)[0]
    assert (row["state"], row["hold"]) == (1, "uncertain") and row["sending_since_ms"]


# --- trouble over there

def test_an_endpoint_that_fails_is_left_alone_and_catches_up(desk: Desk) -> None:
    """Also by two notifiers: they take turns to probe, and one of them tells people."""
    desk.configure(notifiers=2, probe_ms=400)
    orders = [desk.order() for _ in range(12)]
    desk.market.fault("status", status=503, count=0)
    for order in orders:
        desk.add(order, IN_WORK)
    desk.start(1)
    desk.start(2)
    desk.wait(lambda: desk.endpoint() == "open", "the breaker opens", 20)
    desk.wait(lambda: all(row["state"] != 2 for order in orders for row in desk.rows(order)), "what was under way has ended")
    before, began = len(desk.market.journal(kind="notification")), time.monotonic()
    time.sleep(2.0)
    desk.wait(lambda: len(desk.market.journal(kind="notification")) >= before + 2, "it is probed")
    assert len(desk.market.journal(kind="notification")) - before <= 2 + (time.monotonic() - began) / 0.4
    assert all(desk.rows(order)[0]["attempts"] <= 3 for order in orders)
    assert any(desk.rows(order)[0]["hold"] == "breaker" for order in orders)
    late = desk.order()
    desk.add(late, IN_WORK)
    desk.market.clear_faults()
    for order in [*orders, late]:
        assert desk.wait_over(order, 20)[0]["outcome"] == "ok"
    assert desk.endpoint() == "closed"
    assert desk.log().count("breaker open") == 1 and desk.log().count("breaker closed") == 1
    assert_clean(desk)


def test_quick_attempts_are_some_seconds_apart(desk: Desk) -> None:
    order = desk.order()
    desk.market.fault("status", status=500, count=2)
    desk.add(order, IN_WORK)
    desk.start()
    row = desk.wait_over(order, 15)[0]
    assert (row["outcome"], row["attempts"]) == ("ok", 3)
    times = [entry["at_ms"] for entry in desk.market.journal(kind="notification", order=order)]
    assert times[1] - times[0] >= 1900 and times[2] - times[1] >= 3900
    assert desk.endpoint() == "closed"


def test_one_message_that_always_fails_does_not_stop_the_others(desk: Desk) -> None:
    bad = desk.order()
    desk.market.fault("status", status=500, order=bad, count=0)
    desk.add(bad, IN_WORK)
    desk.start()
    deadline = time.monotonic() + 60
    while desk.rows(bad)[0]["attempts"] < 3 and time.monotonic() < deadline:
        good = desk.order()
        desk.add(good, IN_WORK)
        assert desk.wait_over(good)[0]["outcome"] == "ok"
        assert desk.endpoint() == "closed"
    assert desk.rows(bad)[0]["attempts"] >= 3


def test_too_many_requests_wait_as_told_and_count_no_attempt(desk: Desk) -> None:
    orders = [desk.order() for _ in range(2)]
    desk.market.fault("status", status=429, headers={"Retry-After": "2"}, order=orders[0])
    desk.add(orders[0], IN_WORK)
    desk.start()
    desk.wait(lambda: desk.sent(orders[0], IN_WORK) == 1, "it was told to wait")
    desk.add(orders[1], IN_WORK)
    assert [(row["outcome"], row["attempts"]) for order in orders for row in desk.wait_over(order)] == [("ok", 1)] * 2
    first, *others = [entry["at_ms"] for entry in desk.market.journal(kind="notification")]
    assert len(others) == 2 and all(1900 <= moment - first for moment in others)


def test_the_rate_is_kept(desk: Desk) -> None:
    desk.configure(rate_per_second=20)
    orders = [desk.order() for _ in range(60)]
    for order in orders:
        desk.add(order, IN_WORK)
    desk.start()
    desk.wait(lambda: len(desk.market.journal(kind="notification")) == 60, "all were sent", 10)
    # By when they were sent: a machine that stands still squeezes what arrives after it.
    sent = "SELECT started_ms FROM message_attempts WHERE queue = 'outbox' AND kind = 'send' ORDER BY 1"
    times = desk.wait(lambda: len(found := [row[0] for row in desk.db.execute(sent)]) == 60 and found, "all are noted")
    assert max(sum(start <= moment < start + 1000 for moment in times) for start in times) <= 25


def test_fresh_orders_pass_beside_a_backlog_that_goes_oldest_first(desk: Desk) -> None:
    desk.configure(rate_per_second=20)
    backlog = [desk.order() for _ in range(400)]  # of many seconds: also a test that was held up comes in between
    for place, order in enumerate(backlog):
        desk.add(order, IN_WORK, age_ms=3_600_000 - place)
    desk.start()
    desk.wait(lambda: desk.sent(backlog[5], IN_WORK) == 1, "the backlog is being sent")
    fresh = desk.order()
    desk.add(fresh, IN_WORK)
    desk.wait_over(fresh, 2)
    assert any(desk.rows(order)[0]["state"] == 1 for order in backlog)
    sent = [entry["order"] for entry in desk.market.journal(kind="notification") if entry["order"] != fresh]
    places = [backlog.index(order) for order in sent]
    # In claims of a few at a time, which may pass each other on the way.
    assert all(abs(place - rank) <= 8 for rank, place in enumerate(places)), places


# --- refusals

def test_a_refusal_is_kept_with_its_answer_and_keeps_back_what_depends_on_it(desk: Desk) -> None:
    order = desk.order("assembled")
    assert desk.market.notify(IN_WORK, order)[0] == 200  # so that ours is a repeat
    desk.add(order, IN_WORK, READY)
    desk.start()
    rows = desk.wait(lambda: (rows := desk.rows(order))[1]["hold"] == "blocked" and rows[0]["state"] == 4 and rows,
                     "ready waits")
    assert (rows[0]["outcome"], rows[0]["http_status"], rows[0]["attempts"]) == ("rejected", 422, 1)
    assert "HTTP 422" in rows[0]["error"] and "invalid_state" in rows[0]["error"]
    assert order not in rows[0]["error"]
    desk.wait(lambda: "waits for order.in_work" in (desk.rows(order)[1]["error"] or ""), "it says for what")
    assert desk.sent(order, READY) == 0

    desk.set_order_state(order, "canceled")
    desk.add(order, CANCELED)
    rows = desk.wait_over(order, 15)
    assert [(row["state"], row["outcome"]) for row in rows] == [(4, "rejected"), (3, "obsolete"), (3, "ok")]
    assert desk.market.order(order)["state"] == "canceled"


def test_a_refusal_that_a_cancellation_crossed_is_no_failure(desk: Desk) -> None:
    order = desk.order()
    desk.market.cancel(order)
    desk.market.fault("delay", type=IN_WORK, delay_ms=700)
    desk.add(order, IN_WORK)
    desk.start()
    desk.wait(lambda: desk.sent(order, IN_WORK) == 1, "it is under way")
    desk.set_order_state(order, "canceled")  # the webhook has come meanwhile
    row = desk.wait_over(order)[0]
    assert (row["state"], row["outcome"], row["http_status"]) == (3, "obsolete", 422)
    assert "notification failed" not in desk.log()


def test_the_operator_releases_what_is_kept_back(desk: Desk) -> None:
    order = desk.order("assembled")
    assert desk.market.notify(IN_WORK, order)[0] == 200
    desk.add(order, IN_WORK, READY)
    desk.start()
    desk.wait(lambda: "waits for" in (desk.rows(order)[1]["error"] or ""), "ready waits")
    ready = desk.db.execute("SELECT id FROM outbox WHERE event_type = ?", (READY,)).fetchone()[0]
    desk.run_ctl("queue", "outbox", "release", str(ready), "--reason", "it may go")
    assert desk.wait_over(order, 15)[1]["outcome"] == "ok"


def test_what_an_order_has_gone_past_is_not_sent(desk: Desk) -> None:
    order = desk.order("canceled")
    desk.add(order, IN_WORK, READY, CANCELED)
    desk.start()
    rows = desk.wait_over(order, 15)
    assert [(row["state"], row["outcome"]) for row in rows] == [(3, "obsolete"), (3, "obsolete"), (3, "ok")]
    assert [name for name, _ in desk.market.notifications(order)] == [CANCELED]


def test_a_store_without_notifications_hears_nothing(desk: Desk) -> None:
    order = desk.order(kind=4)
    desk.add(order, IN_WORK)
    desk.start()
    row = desk.wait_over(order)[0]
    assert (row["state"], row["outcome"]) == (3, "skipped")
    assert desk.market.notifications(order) == []


# --- credentials

def test_a_wrong_token_holds_the_endpoint_until_it_changes(desk: Desk) -> None:
    orders = [desk.order() for _ in range(3)]
    desk.write_secret("kuper-client-token", "wrong")
    for order in orders:
        desk.add(order, IN_WORK)
    desk.start()
    desk.wait(lambda: desk.endpoint() == "held", "the endpoint is held")
    desk.wait(lambda: all(row["state"] == 1 for order in orders for row in desk.rows(order)), "all wait")
    before = len(desk.market.journal(kind="notification"))
    time.sleep(1.5)
    assert len(desk.market.journal(kind="notification")) == before  # nothing more is tried
    assert all(desk.rows(order)[0]["attempts"] == 0 for order in orders)
    desk.write_secret("kuper-client-token", remote.CLIENT_TOKEN)
    for order in orders:
        assert desk.wait_over(order)[0]["outcome"] == "ok"
    assert desk.endpoint() == "closed" and desk.log().count("endpoint held") == 1


def test_a_wrong_token_may_be_answered_404(desk: Desk) -> None:
    desk.market.config(wrong_token_status=404)
    desk.configure(not_found_is_auth=True)
    order = desk.order()
    desk.write_secret("kuper-client-token", "wrong")
    desk.add(order, IN_WORK)
    desk.start()
    desk.wait(lambda: desk.endpoint() == "held", "the endpoint is held")
    assert desk.rows(order)[0]["state"] in (1, 2)


@pytest.mark.parametrize("missing", ["token", "url"])
def test_what_is_not_configured_is_said_once_and_waited_for(desk: Desk, missing: str) -> None:
    if missing == "token":
        (desk.state / "secrets" / "kuper-client-token").unlink()
    else:
        desk.configure(notifications_url="")
    process = desk.start()
    desk.wait(lambda: "nothing can be sent" in desk.log(), "it says so")
    assert desk.endpoint() == "closed"  # nothing waits: no alarm
    order = desk.order()
    desk.add(order, IN_WORK)
    desk.wait(lambda: desk.endpoint() == "held", "the endpoint is held")
    assert desk.log().count("nothing can be sent") == 1
    desk.write_secret("kuper-client-token", remote.CLIENT_TOKEN)
    desk.configure()
    process.send_signal(signal.SIGHUP)
    assert desk.wait_over(order)[0]["outcome"] == "ok"
    assert desk.endpoint() == "closed"


def use_oauth(desk: Desk, secret: str = remote.OAUTH_SECRET) -> None:
    (desk.state / "secrets" / "kuper-client-token").unlink()
    desk.write_secret("kuper-client-id", remote.OAUTH_ID)
    desk.write_secret("kuper-client-secret", secret)
    desk.configure(auth="oauth")


def tokens_issued(desk: Desk) -> int:
    return len(desk.market.journal(kind="request", type="token"))


def test_one_oauth_token_serves_many_calls_and_is_renewed_when_refused(desk: Desk) -> None:
    use_oauth(desk)
    desk.start()
    for _ in range(3):
        order = desk.order()
        desk.add(order, IN_WORK)
        desk.wait_over(order)
    assert tokens_issued(desk) == 1
    desk.market.control("POST", "tokens/expire", {})
    orders = [desk.order() for _ in range(20)]
    for order in orders:
        desk.add(order, IN_WORK)
    for order in orders:
        row = desk.wait_over(order)[0]
        assert (row["outcome"], row["attempts"]) == ("ok", 1)
    assert tokens_issued(desk) == 2
    assert desk.endpoint() == "closed" and "endpoint held" not in desk.log()


def test_an_oauth_token_is_renewed_before_it_ends(desk: Desk) -> None:
    desk.market.config(token_ttl_s=4)
    use_oauth(desk)
    desk.start()
    deadline = time.monotonic() + 60
    while tokens_issued(desk) < 3 and time.monotonic() < deadline:
        order = desk.order()
        desk.add(order, IN_WORK)
        desk.wait_over(order)
    assert tokens_issued(desk) >= 3
    assert {entry["status"] for entry in desk.market.journal(kind="notification")} == {200}  # never a 401


def test_wrong_oauth_credentials_hold_the_endpoint(desk: Desk) -> None:
    use_oauth(desk, "wrong")
    order = desk.order()
    desk.add(order, IN_WORK)
    desk.start()
    desk.wait(lambda: desk.endpoint() == "held", "the endpoint is held")
    assert tokens_issued(desk) == 1
    desk.write_secret("kuper-client-secret", remote.OAUTH_SECRET)
    assert desk.wait_over(order)[0]["outcome"] == "ok"


@pytest.mark.parametrize("status", [503, 403])
def test_a_token_service_that_is_away_or_walled_off_is_waited_for(desk: Desk, status: int) -> None:
    use_oauth(desk)
    desk.market.fault("status", path="token", status=status, count=3)
    order = desk.order()
    desk.add(order, IN_WORK)
    desk.start()
    desk.wait(lambda: desk.endpoint() == "open", "the breaker opens for want of a token")
    assert desk.wait_over(order, 25)[0]["attempts"] == 1
    assert desk.endpoint() == "closed"


# --- many

def test_two_notifiers_share_the_work_without_doubling_any(desk: Desk) -> None:
    desk.configure(notifiers=2)
    orders = [desk.order("assembled") for _ in range(150)]
    for order in orders:
        desk.add(order, IN_WORK, READY)
    desk.start(1)
    desk.start(2)
    for order in orders:
        assert [row["outcome"] for row in desk.wait_over(order, 30)] == ["ok", "ok"]
    assert desk.market.stats()["accepted"] == 300
    assert {row[0] for row in desk.db.execute("SELECT DISTINCT state FROM orders")} == {"ready"}
    assert_clean(desk)


def test_nothing_secret_is_logged(desk: Desk) -> None:
    use_oauth(desk)
    order = desk.order()
    desk.market.fault("status", status=401, body=json.dumps({"hint": "Bearer"}))
    desk.add(order, IN_WORK, IN_WORK)
    desk.start()
    desk.wait_over(order, 15)
    for secret in (remote.OAUTH_ID, remote.OAUTH_SECRET, "eyJ"):
        assert secret not in desk.log()
    assert not re.search(r"Bearer \S{20}", desk.log())


def test_people_are_told_once_that_the_breaker_opened_and_once_that_it_closed(desk: Desk) -> None:
    """By two notifiers and many runs of the monitor."""
    desk.configure(notifiers=2)
    alerts = desk.folder / "alerts.conf"
    alerts.write_text(desk.data.named_in('telegram { admin_chat = "-1" }\nrule breaker-open { threshold = 1 for = 0 }\n'), encoding="utf-8")

    def told() -> list[str]:
        for _ in range(3):
            subprocess.run([BIN / "ordergate-monitor", "--state", desk.state, "--config", alerts], check=True, capture_output=True)
        return [row[0] for row in desk.db.execute("SELECT t.event_type FROM telegram_queue AS t JOIN alerts AS a"
                                                  " ON a.id = t.alert_id WHERE a.rule = 'breaker-open' ORDER BY t.id")]
    orders = [desk.order() for _ in range(6)]
    desk.market.fault("status", status=503, count=0)
    for order in orders:
        desk.add(order, IN_WORK)
    desk.start(1)
    desk.start(2)
    desk.wait(lambda: desk.endpoint() == "open", "the breaker opens", 20)
    assert told() == ["fire"]
    desk.market.clear_faults()
    for order in orders:
        desk.wait_over(order, 20)
    assert told() == ["fire", "resolve"]


# --- every attempt, and messages that take senders down

def attempts(desk: Desk, order: str) -> list[tuple[Any, ...]]:
    return desk.db.execute("SELECT kind, class, a.http_status, answer FROM message_attempts AS a JOIN outbox ON outbox.id = message"
                           " WHERE queue = 'outbox' AND order_id = ? ORDER BY message, attempt_no",
                           (desk.order_id(order),)).fetchall()


def test_every_attempt_is_kept_with_its_answer(desk: Desk) -> None:
    order = desk.order()
    desk.market.fault("status", status=503, count=1, body="try later, +7 912 345-67-89 or ivan@example.org")
    desk.market.fault("close_after", type=IN_WORK)
    desk.add(order, IN_WORK)
    desk.start()
    desk.wait_over(order, 20)
    kept = attempts(desk, order)
    assert [row[:3] for row in kept] == [("send", "retry", 503), ("send", "reconcile", None), ("ask", "arrived", 200)]
    assert "try later, *** or ***" in kept[0][3]
    assert kept[2][3] != ""
    timed = desk.db.execute("SELECT min(started_ms), min(duration_ms), max(duration_ms) FROM message_attempts").fetchone()
    assert timed[0] > 1_600_000_000_000 and 0 <= timed[1] <= timed[2] < 5000


def test_an_attempt_that_died_with_its_sender_is_kept_too(desk: Desk) -> None:
    order = desk.order()
    desk.market.fault("delay", type=IN_WORK, delay_ms=1000)
    desk.add(order, IN_WORK)
    first = desk.start()
    desk.wait(lambda: desk.sent(order, IN_WORK) == 1, "it has arrived")
    first.kill()
    first.wait()
    desk.start()
    desk.wait_over(order)
    assert [row[:2] for row in attempts(desk, order)] == [("send", "lost"), ("ask", "arrived")]


def test_a_message_that_took_senders_down_goes_alone(desk: Desk) -> None:
    suspects = [desk.order() for _ in range(3)]
    others = [desk.order() for _ in range(6)]
    for order in suspects + others:
        desk.add(order, IN_WORK)
    desk.db.execute("UPDATE outbox SET losses = 2 WHERE order_id <= 3")
    desk.market.fault("delay", type=IN_WORK, delay_ms=300, count=0)
    desk.start()
    for order in suspects + others:
        assert desk.wait_over(order, 20)[0]["outcome"] == "ok"
    times = {entry["order"]: entry["at_ms"] for entry in desk.market.journal(kind="notification")}
    for order in suspects:
        beside = [other for other in times if other != order and abs(times[other] - times[order]) < 290]
        assert beside == [], (times, order)


def test_a_message_that_took_senders_down_may_be_the_probe(desk: Desk) -> None:
    suspect, other = desk.order(), desk.order()
    desk.add(suspect, IN_WORK)
    desk.add(other, IN_WORK)
    desk.db.execute("UPDATE outbox SET losses = 2 WHERE order_id = 1")
    desk.db.execute("INSERT INTO endpoints (name, state, failures, reason, changed_ms, next_probe_ms)"
                    " VALUES ('kuper', 'open', 3, 'HTTP 503', 1, 1)")
    desk.start()
    for order in (suspect, other):
        assert desk.wait_over(order, 20)[0]["outcome"] == "ok"
    assert desk.endpoint() == "closed"


def test_a_message_that_took_five_senders_down_is_given_up(desk: Desk) -> None:
    bad, good = desk.order(), desk.order()
    desk.add(bad, IN_WORK)
    desk.add(good, IN_WORK)
    desk.db.execute("UPDATE outbox SET losses = 5 WHERE order_id = 1")
    desk.start()
    assert desk.wait_over(good)[0]["outcome"] == "ok"
    row = desk.wait_over(bad)[0]
    assert (row["state"], row["outcome"]) == (4, "poisoned") and desk.sent(bad, IN_WORK) == 0
