"""The store in PostgreSQL behind a pgbouncer in transaction mode, with the settings that docs/postgresql.md names."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

import pooler
import postgres_server
from appliance import Appliance
from doubles import between
from load import Senders, check_no_loss, check_the_whole_way
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


def test_orders_go_all_the_way_while_the_server_and_the_pooler_die(make_appliance: Callable[..., Appliance], pool: Pooler) -> None:
    with between(lambda: pool.init_past(make_appliance(database=pool))) as (appliance, market):
        senders = Senders(appliance, pause_s=0.01).start()
        ids: list[str] = []
        try:
            for _ in range(ROUNDS):
                ids += market.control("POST", "orders", {"store_id": "1201", "lines": 2, "count": 20})["ids"]
                senders.wait_for_more(50)
                pool.server.stop(signal.SIGQUIT)
                pool.server.start()
                senders.wait_for_more(50)
                pool.kill()
                pool.start()
                senders.wait_for_more(50)
            senders.stop()
        finally:
            senders.abandon()
        print(f"\n{len(senders.acknowledged)} acknowledged, {dict(senders.statuses)}, longest gap {senders.longest_gap_s():.1f} s")
        check_the_whole_way(appliance, market, senders, ids)
        check_no_loss(appliance)
        log = (pool.server.dir / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        assert not [line for line in log if "LISTEN" in line], "a pooler's connections would hear for everybody, for ever"
