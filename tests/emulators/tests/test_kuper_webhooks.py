"""Webhooks: what is sent, in which order, and what happens when the hook does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hook_double import PATH, HookDouble, make_certificate
from kuper import remote
from kuper.remote import Kuper
from wire.remote import ControlError

COURIER = ["order.paid", "order.received", "order.delivering", "order.delivered"]


@pytest.fixture
def hook(market: Kuper) -> Iterator[HookDouble]:
    double = HookDouble()
    market.config(hook_url=double.url, hook_token=remote.HOOK_TOKEN, retry_ms=10, retry_limit_ms=40)
    yield double
    market.reset()
    double.close()


def bring_to_ready(market: Kuper, order: str) -> None:
    market.notify("order.in_work", order)
    market.notify("order.ready_for_delivery", order, order={"originalOrderId": order, "changed": False})
    market.wait(order, "ready_to_ship")


def test_created_carries_the_token_and_the_number_is_remembered(market: Kuper, hook: HookDouble) -> None:
    order = market.create(store_id="1207")["id"]
    seen = market.wait(order)
    entry = hook.wait_for(1)[0]
    assert entry["path"] == PATH
    assert entry["headers"]["client-token"] == remote.HOOK_TOKEN
    assert entry["headers"]["content-type"] == "application/json"
    assert entry["body"]["event_type"] == "order.created" and entry["body"]["timestamp"].endswith("+03:00")
    assert entry["body"]["payload"]["originalOrderId"] == order
    assert seen["number"] == f"RT-{order}" and market.anomalies() == []


@pytest.mark.parametrize("status", [503, 500, 502, 429, 408, 403, 400, 301])
def test_a_webhook_is_repeated_until_it_is_answered_with_2xx(market: Kuper, hook: HookDouble, status: int) -> None:
    hook.script = [status, status]
    order = market.create()["id"]
    market.wait(order)
    assert [entry["status"] for entry in market.journal(kind="webhook", order=order)] == [status, status, 200]
    assert hook.received[0]["body"] == hook.received[2]["body"]


def test_a_later_event_of_an_order_waits_for_the_earlier_one(market: Kuper, hook: HookDouble) -> None:
    hook.script = [503, 503, 503]
    order = market.create()["id"]
    market.update(order, comment="Позвоните")
    market.cancel(order)
    market.wait(order, "canceled")
    assert hook.types() == ["order.created"] * 4 + ["order.updated", "order.canceled"]


def test_another_order_does_not_wait(market: Kuper, hook: HookDouble) -> None:
    hook.number = lambda order: None if order == "H1" else f"RT-{order}"
    market.config(retry_ms=5000, retry_limit_ms=5000)
    hook.script = [503]
    blocked = market.create(id="H1")["id"]
    hook.wait_for(1)
    free = market.create(id="H2")["id"]
    market.wait(free)
    assert market.order(blocked)["webhooks_pending"] == 1


def test_nothing_is_lost_while_the_hook_is_away(market: Kuper, hook: HookDouble) -> None:
    market.config(hook_url="http://127.0.0.1:9/")
    order = market.create()["id"]
    assert market.journal(kind="webhook", order=order, wait_ms=5000)[0]["error"]
    market.config(hook_url=hook.url)
    market.wait(order)
    assert hook.types() == ["order.created"]


def test_the_couriers_events_follow_in_order_and_move_the_state(market: Kuper, hook: HookDouble) -> None:
    order = market.create()["id"]
    with pytest.raises(ControlError, match="order is ready"):
        market.advance(order)
    bring_to_ready(market, order)
    market.advance(order)
    assert market.wait(order, "shipped")["payment_state"] == "paid"
    assert hook.types() == ["order.created", *COURIER]


def test_events_follow_by_themselves_when_the_order_was_created_so(market: Kuper, hook: HookDouble) -> None:
    order = market.create(follow={"order.in_work": [["courier.assigned", 1]],
                                  "order.ready_for_delivery": [[name, 5] for name in COURIER]})["id"]
    market.notify("order.in_work", order)
    market.notify("order.ready_for_delivery", order, order={"originalOrderId": order, "changed": False})
    market.wait(order, "shipped")
    assert sorted(hook.types()) == sorted(["order.created", "courier.assigned", *COURIER])
    assert [name for name in hook.types() if name in COURIER] == COURIER


def test_an_update_carries_the_whole_order_with_totals_that_add_up(market: Kuper, hook: HookDouble) -> None:
    order = market.create(lines=4, seed=3)
    lines = order["payload"]["positions"]
    market.update(order["id"], positions=[{"id": lines[0]["id"], "quantity": 7}], remove=[lines[1]["id"]],
                  add=[{"id": "100201185", "quantity": 2}], event_type="order.changed")
    market.wait(order["id"])
    body = hook.wait_for(2)[1]["body"]
    positions = {line["id"]: line for line in body["payload"]["positions"]}
    assert body["event_type"] == "order.changed"
    assert positions[lines[0]["id"]]["quantity"] == 7 and lines[1]["id"] not in positions
    assert positions["100201185"]["weight"] == "360"
    for total, key in (("totalPrice", "totalPrice"), ("discountTotalPrice", "totalDiscountPrice")):
        kopecks = sum(int(line[key].replace(".", "")) for line in positions.values())
        assert int(body["payload"]["total"][total].replace(".", "")) == kopecks


def test_duplicates_and_unknown_events_can_be_sent(market: Kuper, hook: HookDouble) -> None:
    order = market.create()["id"]
    market.update(order, comment="Позвоните")
    market.wait(order)
    market.control("POST", f"orders/{order}/resend", {"times": 3})
    market.control("POST", f"orders/{order}/event", {"event_type": "order.teleported", "payload": {"x": 1}})
    received = hook.wait_for(6)
    assert sorted(hook.types()) == ["order.created"] * 4 + ["order.teleported", "order.updated"]
    created = [entry["body"] for entry in received if entry["body"]["event_type"] == "order.created"]
    assert created[1:] == created[:1] * 3, "a re-delivery is the same body, also after a change"
    with pytest.raises(ControlError, match="never sent"):
        market.control("POST", f"orders/{order}/resend", {"event_type": "order.paid"})


def test_an_event_is_given_up_only_when_told_so(market: Kuper, hook: HookDouble) -> None:
    market.config(attempt_limit=3)
    hook.script = [400] * 3
    order = market.create()["id"]
    market.wait(order)
    market.config(attempt_limit=0)
    assert [entry["anomaly"] for entry in market.anomalies()] == ["webhook_given_up"] and len(hook.received) == 3


@pytest.mark.parametrize("numbers, anomaly", [
    ({"H1": ["A", "B"]}, "number_changed"), ({"H1": ["A"], "H2": ["A"]}, "number_not_unique"), ({"H1": [None]}, "number_missing"),
])
def test_a_wrong_number_is_an_anomaly(market: Kuper, hook: HookDouble, numbers: dict[str, list[str | None]],
                                      anomaly: str) -> None:
    market.config(retry_ms=1)
    for order, answers in numbers.items():
        for index, number in enumerate(answers):
            hook.number = lambda _, number=number: number
            if index == 0:
                market.create(id=order)
            else:
                market.control("POST", f"orders/{order}/event", {"event_type": "order.created"})
            market.wait(order)
    assert [entry["anomaly"] for entry in market.anomalies()] == [anomaly]


@pytest.mark.parametrize("options, delivered", [(("--insecure",), True), (("--ca-file", "CERTIFICATE"), True), ((), False)])
def test_tls_of_the_hook_is_checked_unless_told_otherwise(tmp_path: Path, options: tuple[str, ...], delivered: bool) -> None:
    certificate = make_certificate(tmp_path)
    double = HookDouble(certificate)
    words = [str(certificate) if word == "CERTIFICATE" else word for word in options]
    with remote.start(tmp_path, double.url, *words, insecure=False) as market:
        order = market.create()["id"]
        first = market.journal(kind="webhook", order=order, wait_ms=5000)[0]
        assert (first["status"] == 200) is delivered, first
    double.close()
