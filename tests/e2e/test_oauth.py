"""The marketplace's tokens in the life of orders: one for many calls, renewed before it ends, renewed once when it is refused;
a token service that is away, slow or talks nonsense keeps orders waiting, and nothing is lost, doubled or written down."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from api_client import Order
from appliance import SLACK, wait_until
from doubles import kuper_remote
from load import run_job
from street import BEGUN, DELIVERED, KEFIR, MILK, TOLD, Street, open_street

LIFE = [*BEGUN, "pick", "pick", "finish"]
TOKEN_S = 300
waited: list[Order] = []


@pytest.fixture(scope="module")
def place() -> Iterator[Street]:
    with open_street("channel kuper { timeout_ms = 1000 }\n", oauth=True) as street:
        settled(street, street.order((MILK, 1)).assembled())
        yield street


@pytest.fixture
def street(place: Street) -> Iterator[Street]:
    """Each test begins with a marketplace that works."""
    place.market.clear_faults()
    place.market.config(token_ttl_s=TOKEN_S)
    yield place
    place.market.clear_faults()


def tokens(street: Street, after: int = 0) -> list[dict[str, Any]]:
    return street.market.journal(kind="request", type="token", after=after)


def now(street: Street) -> int:
    """The number of the journal's last entry."""
    return max((entry["n"] for entry in street.market.journal()), default=0)


def refusals(street: Street, after: int) -> int:
    return sum(entry["status"] == 401 for kind in ("notification", "request")
               for entry in street.market.journal(kind=kind, after=after))


def begun(street: Street) -> Order:
    order = street.taken((MILK, 2), (KEFIR, 1))
    order.pick_all()
    return order


def settled(street: Street, order: Order) -> None:
    """The marketplace has it, and our state is confirmed."""
    street.market.wait(order.external_id, "ready_to_ship", 60_000)
    wait_until(lambda: order.read()["state"] == "ready", 20 * SLACK, "the state is confirmed")


def check_told(street: Street, *orders: Order) -> None:
    """Each order's notifications were taken once and in order, and no attempt was counted for a token that had ended."""
    for order in orders:
        settled(street, order)
        street.check(order, "ready", "ready_to_ship", TOLD, LIFE)
        assert street.shop.rows("SELECT event_type, attempts, outcome FROM outbox WHERE external_id = ? ORDER BY order_seq",
                                order.external_id) == [(kind, 1, "ok") for kind in TOLD]


def test_an_order_lives_its_whole_life_on_one_token(street: Street) -> None:
    start = now(street)
    order = begun(street)
    order.do("finishAssembly", bags=1)
    check_told(street, order)
    street.deliver(order)
    street.check(order, "delivered", "shipped", TOLD, [*LIFE, *DELIVERED])
    assert {entry["auth"] for entry in street.market.journal(kind="notification", order=order.external_id)} == {"oauth"}
    assert tokens(street, start) == [] and refusals(street, start) == 0


def test_a_token_is_renewed_before_it_ends_and_no_call_meets_its_end(street: Street) -> None:
    street.market.config(token_ttl_s=4)  # a slow call of somebody has the last fifth of it
    street.market.control("POST", "tokens/expire", {})
    start = now(street)
    settled(street, street.order((MILK, 1)).assembled())  # the one refusal that brings the first short token
    begin = now(street)
    orders = []
    deadline = time.monotonic() + 40 * SLACK
    while len(tokens(street, begin)) < 3 and time.monotonic() < deadline:
        orders.append(begun(street))
        orders[-1].do("finishAssembly")
    assert len(tokens(street, begin)) >= 3 and len(tokens(street, start)) >= 4
    check_told(street, *orders)
    assert refusals(street, begin) == 0, "it is used for four fifths of its life"
    # The next test's tokens are long ones again, from its beginning.
    street.market.config(token_ttl_s=TOKEN_S)
    street.market.control("POST", "tokens/expire", {})
    settled(street, street.order((MILK, 1)).assembled())


def test_a_token_that_dies_in_the_middle_is_renewed_once_and_nothing_is_lost_or_doubled(street: Street) -> None:
    orders = [begun(street) for _ in range(12)]
    for round_no in range(3):
        start = now(street)
        for order in orders[4 * round_no:4 * round_no + 4]:
            order.do("finishAssembly")
            if order is orders[4 * round_no + 1]:
                street.market.control("POST", "tokens/expire", {})
        for order in orders[4 * round_no:4 * round_no + 4]:
            wait_until(lambda order=order: street.told(order) == TOLD, 20 * SLACK, "all is told")
        assert len(tokens(street, start)) == 1 and refusals(street, start) >= 1
    check_told(street, *orders)
    log = street.appliance.log()
    assert "endpoint held" not in log and "breaker" not in log, log[-2000:]


def test_a_token_that_dies_before_the_state_is_read_costs_no_confirmation(street: Street) -> None:
    order = begun(street)
    start = now(street)
    order.do("finishAssembly")
    wait_until(lambda: TOLD[3] in street.told(order), 20 * SLACK, "ready is taken")
    street.market.control("POST", "tokens/expire", {})
    check_told(street, order)
    assert len(tokens(street, start)) <= 1


AWAY: list[tuple[str, str, dict[str, Any]]] = [
    ("hangs up", "close_before", {}), ("talks nonsense", "garbage", {}), ("is slow", "delay", {"delay_ms": 3000}),
    ("is behind a proxy that fails", "status", {"status": 502, "body": "<html>bad gateway</html>"}),
    ("shows a page", "status", {"status": 200, "body": "<html>login</html>"}),
    ("says when to come back", "status", {"status": 429, "headers": {"Retry-After": "1"}}),
    ("smuggles a header", "status", {"status": 200, "body": json.dumps({"access_token": "two words\r\nX-Evil: 1"})}),
]


@pytest.mark.parametrize(("kind", "more"), [row[1:] for row in AWAY], ids=[row[0] for row in AWAY])
def test_a_token_service_that_fails_keeps_orders_waiting_and_loses_none(street: Street, kind: str, more: dict[str, Any]) -> None:
    order = begun(street)
    wait_until(lambda: street.open_notices(order) == 0, 20 * SLACK, "work has begun")
    street.market.fault(kind, path="token", count=1, **more)
    street.market.control("POST", "tokens/expire", {})
    order.do("finishAssembly")
    wait_until(lambda: street.told(order) == TOLD, 20 * SLACK, "all is told")
    waited.append(order)


def test_all_that_waited_for_a_token_was_told_once_and_in_order(street: Street) -> None:
    check_told(street, *waited)
    assert street.shop.rows("SELECT state FROM endpoints WHERE name = 'kuper' AND state <> 'closed'") == []


def test_the_pull_has_a_token_of_its_own_and_renews_it(street: Street) -> None:
    order = begun(street)
    order.do("finishAssembly")
    settled(street, order)
    start = now(street)
    street.market.control("POST", "tokens/expire", {})
    street.market.fault("status", path="shipments", status=401, count=1)
    run_job(street.appliance, "reconcile")
    assert 1 <= len(tokens(street, start)) <= 3
    assert {entry["status"] for entry in street.market.journal(kind="request", type="shipments", after=start)} >= {200}
    check_told(street, order)


def test_nothing_of_a_token_or_of_its_credentials_is_written_down(street: Street) -> None:
    """After all of the above."""
    form = f"grant_type=client_credentials&client_id={kuper_remote.OAUTH_ID}&client_secret={kuper_remote.OAUTH_SECRET}"
    _, _, body = street.market.request("POST", "/auth/token", form.encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    head = json.loads(body)["access_token"].partition(".")[0].encode()  # every token begins with it
    assert len(head) > 20
    secrets = [head, kuper_remote.OAUTH_ID.encode(), kuper_remote.OAUTH_SECRET.encode(), b"X-Evil"]
    run_job(street.appliance, "backup")
    for path in sorted(street.appliance.state.rglob("*")):
        if path.is_file() and path.parent.name != "secrets":
            text = path.read_bytes()
            assert [secret for secret in secrets if secret in text] == [], path
    assert "no token" in street.appliance.log(), "that one was missing is told"
    assert kuper_remote.OAUTH_SECRET not in street.shop.ctl("status", "--json")
