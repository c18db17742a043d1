"""The store in PostgreSQL behind a pgbouncer in transaction mode, with the settings that docs/postgresql.md names."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

import pooler
import postgres_server
from appliance import SLACK, Appliance, wait_until
from doubles import between
from load import Senders, check_no_loss, check_senders, check_store, rows, wait_until_processed
from pooler import Pooler
from postgres_server import PostgresServer

WHY_NOT = postgres_server.missing() or pooler.missing()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")
ROUNDS = int(os.environ.get("ORDERGATE_POOLER_ROUNDS", "1"))


@pytest.fixture
def pool() -> Iterator[Pooler]:
    server = PostgresServer({"fsync": "off", "log_statement": "all"})
    one = Pooler(server)
    yield one
    one.close()
    server.close()


def acknowledged(senders: Senders, more: int) -> None:
    before = len(senders.acknowledged)
    wait_until(lambda: len(senders.acknowledged) >= before + more or senders.wrong, 30 * SLACK, "orders are acknowledged")


def test_orders_go_all_the_way_while_the_server_and_the_pooler_die(make_appliance: Callable[..., Appliance], pool: Pooler) -> None:
    with between(lambda: pool.init_past(make_appliance(database=pool))) as (appliance, market):
        senders = Senders(appliance, pause_s=0.01).start()
        ids: list[str] = []
        try:
            for _ in range(ROUNDS):
                ids += market.control("POST", "orders", {"store_id": "1201", "lines": 2, "count": 20})["ids"]
                acknowledged(senders, 50)
                pool.server.stop(signal.SIGQUIT)
                pool.server.start()
                acknowledged(senders, 50)
                pool.kill()
                pool.start()
                acknowledged(senders, 50)
            senders.stop()
        finally:
            senders.abandon()
        print(f"\n{len(senders.acknowledged)} acknowledged, {dict(senders.statuses)}, longest gap {senders.longest_gap_s():.1f} s")
        wait_until(lambda: market.stats()["webhooks_pending"] == 0, 60 * SLACK, "every order is acknowledged")
        wait_until_processed(appliance)
        check_senders(appliance, senders)
        assert set(senders.statuses) <= {200, 503}, senders.statuses
        wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE state IN (1, 2) AND external_id NOT LIKE 'P%'") == [(0,)],
                   60 * SLACK, "every notification is sent")
        told = {order["id"]: order["accepted"] for order in market.control("GET", "orders", brief=1)["orders"]}
        assert told == {order_id: ["order.accepted"] for order_id in ids}
        assert market.anomalies() == []
        check_store(appliance)
        check_no_loss(appliance)
        log = (pool.server.dir / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        assert not [line for line in log if "LISTEN" in line], "a pooler's connections would hear for everybody, for ever"
