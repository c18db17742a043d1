"""A primary with a synchronous standby: the primary dies and the standby is promoted, the standby is away, while orders come
in; and a server on another machine, whose cable is cut. Part of `./check full`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from appliance import SLACK, Appliance, free_port, wait_until
from doubles import between
from load import Senders, check_senders, check_store, check_the_whole_way, wait_until_processed
from pooler import Pooler, missing as no_pooler
from postgres_server import PostgresServer
from test_front import Cable, why_not

FAILOVERS = int(os.environ.get("ORDERGATE_FAILOVERS", "3"))
BASE = {"fsync": "off", "listen_addresses": "127.0.0.1", "max_connections": "100"}
ANSWERED_S = 4.0  # nginx waits for a hook for 3
WAITING = "SELECT pid, query_start FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
# What an operator sets on a primary, and on it alone: with nobody to wait for, nothing is acknowledged.
WAITS = {"synchronous_standby_names": "*"}


class Pair:
    """Two servers, one after the other the primary. As a database it is named by both."""

    def __init__(self) -> None:
        self.primary = PostgresServer(BASE, port=free_port())
        self.standby: PostgresServer | None = None
        self.ports = [self.primary.port, free_port()]
        self.attach()

    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"postgresql://ordergate@{hosts}/ordergate?target_session_attrs=read-write"

    def attach(self) -> None:
        """Make a new standby, and wait for it with every commit."""
        port, = set(self.ports) - {self.primary.port}
        self.standby = PostgresServer(BASE, copy_of=self.primary, port=port)
        self.primary.set(WAITS)
        self.primary.reload()
        wait_until(lambda: self.primary.rows("SELECT sync_state FROM pg_stat_replication") == [["sync"]], 30 * SLACK, "it is followed")

    def fail_over(self) -> None:
        self.primary.kill()
        self.primary.close()
        time.sleep(0.5)
        assert self.standby is not None
        self.standby.psql("postgres", "SELECT pg_promote()")
        self.primary, self.standby = self.standby, None

    def close(self) -> None:
        for server in (self.standby, self.primary):
            if server is not None:
                server.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


def test_a_primary_that_dies_is_replaced_and_nothing_is_lost_or_doubled(make_appliance: Callable[..., Appliance], pair: Pair) -> None:
    with between(lambda: make_appliance(database=pair)) as (appliance, market):
        senders = Senders(appliance, pause_s=0.01).start()
        ids: list[str] = []
        try:
            for _ in range(FAILOVERS):
                ids += market.control("POST", "orders", {"store_id": "1201", "lines": 2, "count": 20})["ids"]
                senders.wait_for_more(30, 40)
                pair.fail_over()
                senders.wait_for_more(30, 40)
                pair.attach()
            senders.stop()
        finally:
            senders.abandon()
        print(f"\n{FAILOVERS} fail-overs: {len(senders.acknowledged)} acknowledged, {dict(senders.statuses)},"
              f" longest gap {senders.longest_gap_s():.1f} s")
        check_the_whole_way(appliance, market, senders, ids)


@pytest.fixture
def directly(make_appliance: Callable[..., Appliance], pair: Pair) -> Appliance:
    return make_appliance(database=pair)


@pytest.fixture
def behind_a_pooler(make_appliance: Callable[..., Appliance], pair: Pair) -> Iterator[Appliance]:
    if no_pooler():
        pytest.skip(no_pooler() or "")
    one = Pooler(pair.primary)
    yield one.init_past(make_appliance(database=one))
    one.close()


@pytest.mark.parametrize("way", ["directly", "behind_a_pooler"])
def test_without_its_standby_nothing_is_acknowledged_and_with_it_all_goes_on(request: pytest.FixtureRequest, pair: Pair,
                                                                             way: str) -> None:
    appliance: Appliance = request.getfixturevalue(way).start(30 * SLACK)
    senders = Senders(appliance, pause_s=0.01, give_up_s=300).start()
    try:
        senders.wait_for_more(20, 40)
        assert pair.standby is not None
        family = [pair.standby.process.pid, *pair.standby.children()]
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: senders.statuses[503] > 0 or senders.wrong, 20 * SLACK, "a hook says 503")
        before = len(senders.acknowledged)
        # Whoever waits for the standby is given up, and is told so: else they would be all that the server has room for.
        waiting = wait_until(lambda: pair.primary.rows(WAITING), 20 * SLACK, "commits wait")
        wait_until(lambda: not [one for one in pair.primary.rows(WAITING) if one in waiting], 60 * SLACK, "none of them waits any more")
        assert len(senders.acknowledged) == before, "acknowledged without a standby"
        for pid in family:
            os.kill(pid, signal.SIGCONT)
        senders.wait_for_more(20, 40)
        senders.stop()
    finally:
        senders.abandon()
    wait_until_processed(appliance)
    check_senders(appliance, senders)
    check_store(appliance)
    assert appliance.stop() == 0


class Far:
    """A server on the other end of the cable."""

    def __init__(self, cable: Cable) -> None:
        with cable.inside(cable.shop):
            self.server = PostgresServer({"fsync": "off", "listen_addresses": "10.77.0.2"})
        (self.server.data / "pg_hba.conf").write_text("local all all trust\nhost all all 10.77.0.0/24 trust\n", encoding="ascii")
        self.server.reload()

    def url(self) -> str:
        return "postgresql://ordergate@10.77.0.2/ordergate"


@pytest.fixture
def cable() -> Iterator[Cable]:
    made = Cable()
    yield made
    made.remove()


@pytest.mark.skipif(why_not() != "", reason=why_not())
def test_a_cable_that_is_cut_is_a_503_in_time_and_over_when_it_is_back(make_appliance: Callable[..., Appliance], cable: Cable) -> None:
    """Nothing comes back from a cut cable, not even that it is cut."""
    far = Far(cable)
    try:
        with cable.inside(cable.edge):
            appliance = make_appliance(database=far).start(30 * SLACK)
            senders = Senders(appliance, pause_s=0.01, give_up_s=300).start()
            try:
                for _ in range(2):
                    senders.wait_for_more(20, 40)
                    cable.plug("down")
                    refused = senders.statuses[503]
                    # More than the TCP time-out: connections are given up, and no new one comes about.
                    wait_until(lambda: senders.statuses[503] >= refused + 12 or senders.wrong, 60 * SLACK, "hooks say 503")
                    before = len(senders.acknowledged)
                    wait_until(lambda: senders.statuses[503] >= refused + 24 or senders.wrong, 60 * SLACK, "and go on to")
                    assert len(senders.acknowledged) == before, "acknowledged without a store"
                    cable.plug("up")
                    senders.wait_for_more(20, 40)
                senders.stop()
            finally:
                senders.abandon()
            print(f"\n{len(senders.acknowledged)} acknowledged, {dict(senders.statuses)}; the slowest answer {senders.slowest_s:.1f} s,"
                  f" longest gap {senders.longest_gap_s():.1f} s")
            assert set(senders.statuses) <= {200, 503} and not senders.broken, (senders.statuses, senders.broken)
            assert senders.slowest_s < ANSWERED_S * SLACK, "each request has its answer in time"
            # The scheduler asks several times in a row, and may be begun anew by its watchdog.
            stuck = [line for line in appliance.log().splitlines() if "is stuck" in line and "process=scheduler" not in line]
            assert not stuck, stuck[:5]
            wait_until_processed(appliance)
            check_senders(appliance, senders)
            check_store(appliance)
            assert appliance.stop() == 0
    finally:
        far.server.close()
