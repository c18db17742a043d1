"""What the scheduler and its procedures live through: a store that cannot be written, a job that takes all of the processor or
of the store's lock, and a clock that is set by hours while everything runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import SLACK, Appliance, wait_until
from bad_machine import FAILS, FULL, HOUR_MS, READ_ONLY, WORKS, BadMachine
from load import check_store, order_body, rows
from postgres_server import BIN as PG_BIN
from stores import LOCK
from test_scheduler import TICK, Place

OUTAGE_S, LEASE_S = 8.0, 3
HELD_S = 6.0
# What a job takes: every processor, or the lock that all writers queue for.
BURN = "for i in 1 2 3 4; do (exec timeout 6 sh -c 'while :; do :; done') & done; wait; echo burnt=1 >&3\n"
HOLD = f'exec 9>>"$2/ordergate.db.lock"; flock 9; echo held >>"$trace"; sleep {HELD_S}; echo held=1 >&3\n'
HOLD_THERE = f'{{psql}} -X -q -d "{{url}}" -c "{LOCK}; SELECT pg_sleep({HELD_S})" >/dev/null && echo held=1 >&3\n'


@pytest.fixture
def machine(folder: Path) -> BadMachine:
    return BadMachine(folder)


@pytest.fixture
def place(folder: Path) -> Iterator[Place]:
    made = Place(folder)
    yield made
    made.end()


def is_grid(slots: list[int], step: int) -> bool:
    """Each slot once, none left out."""
    return slots == list(range(slots[0], slots[-1] + 1, step))


def slots_of(place: Place, job: str) -> list[int]:
    return sorted(slot for slot, in place.rows("SELECT slot_ms FROM job_runs WHERE job = ? AND slot_ms IS NOT NULL", job))


# --- the store


def last_success(appliance: Appliance, job: str) -> int:
    """As told in the metrics: a scheduler that begins anew tells nothing for a moment, and never a wrong time."""
    told: list[int] = []

    def is_told() -> bool:
        text = appliance.request("GET", "/metrics").body.decode()
        told[:] = map(int, re.findall(rf'^ordergate_job_last_success_seconds\{{[^}}]*job="{job}"\}} (\d+)', text, re.MULTILINE))
        return bool(told)

    wait_until(is_told, 10 * SLACK, "the last good run is told")
    return told[0]


@pytest.mark.parametrize("how", [FULL, READ_ONLY, FAILS], ids=["full", "read-only", "failing"])
def test_the_scheduler_outlives_a_store_that_cannot_be_written(make_appliance: Callable[..., Appliance], machine: BadMachine,
                                                               how: bytes) -> None:
    appliance = make_appliance(f"scheduler {{ lease_ms = {LEASE_S}s }}\njob monitor {{ every = 1s }}\n"
                               "job telegram { every = 1s misfire = all }\n")
    appliance.environment.update(machine.environment)
    appliance.start()
    good = "SELECT count(*) FROM job_runs WHERE job = ? AND outcome = 'ok'"
    wait_until(lambda: rows(appliance, good, "monitor")[0][0] >= 2 and rows(appliance, good, "telegram")[0][0] >= 2, 20 * SLACK,
               "both run")
    machine.disk(how)
    time.sleep(OUTAGE_S / 2)
    seen, processes = last_success(appliance, "monitor"), appliance.pids("scheduler")
    assert appliance.hook(str(order_body("H1")).replace("'", '"')).status == 503
    time.sleep(OUTAGE_S / 2)
    assert last_success(appliance, "monitor") == seen > 0, "the age of the last good run grows, for whoever looks"
    assert appliance.request("GET", "/healthz").status in (200, 503), "and somebody answers"
    begun = len(rows(appliance, "SELECT 1 FROM job_runs"))
    if how == FULL:  # after an error of the disk itself a process begins anew
        assert appliance.pids("scheduler") == processes != {}
    machine.disk(WORKS)
    before = {job: rows(appliance, good, job)[0][0] for job in ("monitor", "telegram")}
    wait_until(lambda: all(rows(appliance, good, job)[0][0] >= before[job] + 3 for job in before), 40 * SLACK, "both run again")
    assert len(rows(appliance, "SELECT 1 FROM job_runs")) > begun
    # No run that began before is left open, and no slot of a job that must run each is missing or double.
    wait_until(lambda: rows(appliance, "SELECT count(*) FROM job_runs WHERE outcome = 'running' AND started_ms <"
                            " (SELECT max(started_ms) FROM job_runs) - 10000") == [(0,)], 20 * SLACK, "each run has its end")
    slots = [slot for slot, in rows(appliance, "SELECT DISTINCT slot_ms FROM job_runs WHERE job = 'telegram' AND slot_ms IS NOT"
                                    " NULL ORDER BY slot_ms")]
    assert is_grid(slots, 1000)
    assert rows(appliance, "SELECT slot_ms FROM job_runs WHERE job = 'telegram' AND outcome = 'ok' AND slot_ms IS NOT NULL"
                " GROUP BY slot_ms HAVING count(*) > 1") == []
    check_store(appliance)


def test_a_run_that_ends_while_the_store_is_away_gets_its_end_afterwards(place: Place, machine: BadMachine,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is begun that cannot be written down first."""
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    place.write_config(place.config.read_text() + f"scheduler {{ lease_ms = {LEASE_S}s }}\n")
    place.job("slow", "sleep 3\necho slow=1 >&3\n", "every = 1h misfire = once")
    place.job("tick", TICK, "every = 1s misfire = all")
    process = place.go()
    place.wait_runs("tick", 2, 10)
    place.control("job", "run", "slow")
    place.wait_for("SELECT count(*) FROM job_runs WHERE job = 'slow' AND outcome = 'running'", 10 * SLACK, "it runs")
    machine.disk(FULL)
    time.sleep(0.5)
    begun = len(place.trace("tick"))
    time.sleep(OUTAGE_S)
    assert len(place.trace("tick")) <= begun + 1 and process.poll() is None
    machine.disk(WORKS)
    place.wait_runs("tick", begun + 8, 30)
    place.wait_for("SELECT outcome <> 'running' FROM job_runs WHERE job = 'slow'", 30, "it has an end")
    outcome, detail = place.row("SELECT outcome, detail FROM job_runs WHERE job = 'slow'")
    assert (outcome, detail) == ("ok", "slow=1") or (outcome == "lost" and detail), "it is known what became of it"
    slots = slots_of(place, "tick")
    assert is_grid(slots, 1000) and len(place.trace("tick")) <= len(slots) + 1
    assert place.row("SELECT count(*) FROM job_runs WHERE outcome = 'running' AND ended_ms IS NULL AND job = 'slow'") == (0,)


# --- a greedy job


@pytest.mark.parametrize("script", [BURN, HOLD], ids=["processor", "lock"])
def test_a_greedy_job_makes_others_late_by_no_more_than_it_takes(place: Place, script: str) -> None:
    database = place.data.database
    holds = script == HOLD
    if holds and database:
        script = HOLD_THERE.format(psql=PG_BIN[0] / "psql", url=database.url())
    place.job("greedy", script, "every = 1h timeout = 60s")
    place.job("tick", TICK, "every = 1s misfire = all")
    process = place.go()
    place.wait_runs("tick", 2, 10)
    place.control("job", "run", "greedy")
    began = time.time() * 1000
    place.wait_runs("greedy", 1, 3 * HELD_S)
    place.wait_runs("tick", place.count("tick") + 3, 20)
    late = [started - slot for slot, _, started, *_ in place.runs("tick") if slot > began - 1000]
    print(f"\nlate by {max(late)} ms at most, {sorted(late)[len(late) // 2]} ms in the middle")
    assert max(late) <= HELD_S * 1000 + 20_000 * SLACK, "by what it takes, and what a busy machine adds"
    if holds:
        assert max(late) >= (HELD_S - 3) * 1000, "the lock was what they waited for"
    assert is_grid(slots_of(place, "tick"), 1000) and place.count("tick", "skipped") == 0, "each slot has had its run"
    wait_until(lambda: (last := place.runs("tick")[-1])[2] - last[0] < 1000, 10, "and then it is in time again")
    assert process.poll() is None


# --- the clock


def test_a_clock_that_is_set_by_two_hours_while_the_scheduler_runs(place: Place, machine: BadMachine,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    place.job("tick", TICK, "every = 1s misfire = once")
    place.job("hourly", TICK, "every = 30m misfire = all")
    process = place.go()
    place.wait_runs("tick", 2, 10)
    for ahead_ms in (2 * HOUR_MS, 0, -2 * HOUR_MS, 0):
        before, began = len(place.trace("tick")), time.monotonic()
        machine.set_clock(ahead_ms)
        wait_until(lambda: len(place.trace("tick")) >= before + 4, 15 * SLACK, f"it goes on at {ahead_ms} ms")
        took = time.monotonic() - began
        print(f"\n{ahead_ms / HOUR_MS:+.0f} h: 4 runs after {took:.1f} s")
        time.sleep(1)
        assert len(place.trace("tick")) - before <= time.monotonic() - began + 3, "no slot of two hours is made up for"
    assert process.poll() is None
    hourly = slots_of(place, "hourly")
    assert len(hourly) == len(set(hourly)) >= 4 and is_grid(hourly, HOUR_MS // 2), "each of the slots that came, once"
    assert place.rows("SELECT * FROM job_runs WHERE job IN ('tick', 'hourly') AND outcome NOT IN ('ok', 'skipped', 'running')"
                      ) == []


def test_a_clock_that_is_set_by_two_hours_tells_nobody_twice_and_forgets_nobody(
        place: Place, machine: BadMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The monitor: an order that is late by the right clock is told once, whatever the clock says in between."""
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    now = int(time.time() * 1000)
    place.write_config('telegram { admin_chat = "-1" }\nrule measure-missing { enabled = false }\n')
    place.change("INSERT INTO stores VALUES ('s1', 'Ob', 'Europe/Moscow', '', '-100', 3, 1, 0, 0)")
    for number, late_min in ((1, 10), (2, -60)):
        place.change("INSERT INTO orders (id, channel, external_id, number, store_id, state, version, event_ms, snapshot_ms,"
                     " deadline_ms, created_ms, updated_ms) VALUES (?, 'kuper', 'H' || ?, '1-' || ?, 's1', 'assembling', 1, 0, 0,"
                     " ?, ?, 0)", number, number, number, now - late_min * 60_000, now - HOUR_MS)
    late = "SELECT subject, state FROM alerts WHERE rule = 'order-late' ORDER BY id"
    place.run("monitor")
    assert place.rows(late) == [("1-1", "firing")]
    machine.set_clock(2 * HOUR_MS)
    place.run("monitor")
    assert place.rows(late) == [("1-1", "firing"), ("1-2", "firing")], "by that clock it is late, too"
    machine.set_clock(-2 * HOUR_MS)
    place.run("monitor")
    machine.set_clock(0)
    place.run("monitor")
    told = place.rows("SELECT event_type, count(*) FROM telegram_queue WHERE text LIKE '%H1 %' AND text LIKE '%опаздывает%'"
                      " GROUP BY 1 ORDER BY 1")
    assert told in ([("fire", 1)], [("fire", 2), ("resolve", 1)]), "an end that the clock made is told, and its beginning again"
    assert [state for subject, state in place.rows(late) if subject == "1-1"][-1] == "firing"
    assert [state for subject, state in place.rows(late) if subject == "1-2"][-1] == "resolved"


