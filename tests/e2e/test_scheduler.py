"""The scheduler with jobs that are scripts of the test's own, beside a copy of its program."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import BIN, SLACK, wait_until
from procedures import Installation, is_running

OFF = "".join(f"job {name} {{ enabled = false }}\n" for name in ("telegram", "monitor", "mail", "invoicing", "reconcile",
                                                                 "housekeeping", "backup"))

# The scheduler tells its jobs where the state is; they leave traces there.
PRELUDE = """#!/bin/sh
trace="$2/run/$(basename "$0").trace"
echo "begin $$ $(date +%s%3N)" >>"$trace"
"""
TICK = "echo ticked=1 >&3\n"
SLOW = "sleep 1.4\necho slow=1 >&3\necho end $$ >>\"$trace\"\n"
HANG = "trap '' TERM\nsleep 1000 &\necho \"group $!\" >>\"$trace\"\necho hanging >&3\nwait\nsleep 1000\n"
LONG = "sleep 1000 &\necho \"group $!\" >>\"$trace\"\nwait\n"


class Place(Installation):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, OFF)
        self.bin = folder / "bin"
        self.bin.mkdir()
        shutil.copy(BIN / "ordergate-scheduler", self.bin)

    def job(self, name: str, script: str, options: str) -> None:
        """A job and its program; takes effect at the next start or reload."""
        path = self.bin / f"ordergate-{name}"
        path.write_text(PRELUDE + script, encoding="utf-8")
        path.chmod(0o755)
        self.write_config(self.config.read_text() + f"job {name} {{ {options} }}\n")

    def go(self, instance: int = 1):
        return self.start("scheduler", "--instance", str(instance), bin_folder=self.bin)

    def runs(self, job: str, outcome: str = "ok") -> list[tuple]:
        return self.rows("SELECT slot_ms, trigger, started_ms, ended_ms, detail FROM job_runs WHERE job = ? AND"
                         " outcome = ? ORDER BY id", job, outcome)

    def trace(self, job: str) -> list[list[str]]:
        path = self.state / "run" / f"ordergate-{job}.trace"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def count(self, job: str, outcome: str = "ok") -> int:
        return len(self.runs(job, outcome))

    def wait_runs(self, job: str, number: int, seconds: float, outcome: str = "ok") -> list[tuple]:
        self.wait_for(f"SELECT count(*) >= {number} FROM job_runs WHERE job = '{job}' AND outcome = '{outcome}'",
                      seconds * SLACK, f"{number} runs of {job} are {outcome}")
        return self.runs(job, outcome)


@pytest.fixture
def place(folder: Path) -> Iterator[Place]:
    made = Place(folder)
    yield made
    made.end()


# Jobs of one scheduler that do not meet: what is asked of each is a test. The first one starts first on their slots.
SHARED = {
    "tick": (TICK, "every = 1s"),
    "slow": (SLOW, "every = 1s misfire = once"),
    "each": (SLOW, "every = 1s misfire = all"),
    "hang": (HANG, "every = 1s timeout = 1s misfire = once"),
    "leaves": ("(trap '' TERM; exec sleep 1000) &\necho \"group $!\" >>\"$trace\"\n", "every = 2s"),
    "bad": ("echo 'no luck' >&3\nexit 3\n", "every = 5s"),
    "killed": ("kill -SEGV $$\n", "every = 5s"),
    "none": ("", "every = 5s"),
    "odd": ("head -c 300000 /dev/urandom >&3\n", "every = 5s"),
    "long": ("yes 'ы' | head -c 300000 | tr -d '\\n' >&3\n", "every = 5s"),
}


@pytest.fixture(scope="module")
def busy() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    made = Place(folder)
    for name, (script, options) in SHARED.items():
        made.job(name, script, options)
    (made.bin / "ordergate-none").unlink()
    made.go()
    yield made
    made.end()
    shutil.rmtree(folder, ignore_errors=True)


# --- slots


def check_slots(place: Place, job: str) -> None:
    """Each slot of a job of every second is run, once, or written down as skipped."""
    with_run = [slot for slot, *_ in place.runs(job)]
    missing = len(range(with_run[0], with_run[-1] + 1, 1000)) - len(with_run)
    assert with_run == sorted(set(with_run)) and missing >= 0
    assert missing <= sum(int(detail.split()[2].rstrip(",")) for *_, detail in place.runs(job, "skipped"))


def test_a_job_starts_on_its_slots(busy: Place) -> None:
    runs = busy.wait_runs("tick", 8, 10)
    late = [started - slot for slot, _, started, _, _ in runs]
    assert all(slot % 1000 == 0 for slot, *_ in runs)
    assert min(late) >= 0 and statistics.median(late) <= 250, "who looks once a second is late by twice that"
    check_slots(busy, "tick")
    assert {(trigger, detail) for _, trigger, _, _, detail in runs} == {("schedule", "ticked=1")}


def test_a_job_never_runs_twice_at_a_time(busy: Place) -> None:
    busy.wait_runs("slow", 3, 10)
    assert [word for word, *_ in busy.trace("slow")][:6] == ["begin", "end"] * 3
    assert any("the run before had not ended" in detail for *_, detail in busy.runs("slow", "skipped"))
    check_slots(busy, "slow")


def test_slots_of_a_job_that_must_run_each_wait_for_each_other(busy: Place) -> None:
    runs = busy.wait_runs("each", 4, 15)
    assert [slot for slot, *_ in runs] == list(range(runs[0][0], runs[0][0] + 4000, 1000))
    assert busy.count("each", "skipped") == 0


def test_a_run_that_hangs_ends_with_its_whole_group(busy: Place) -> None:
    run = busy.wait_runs("hang", 1, 15, "timeout")[0]
    assert run[4] == "ended after its time-out: hanging"
    assert 6000 <= run[3] - run[2] <= 6000 + 1500 * SLACK
    pids = [int(words[1]) for words in busy.trace("hang")[:2]]
    assert not any(is_running(pid) for pid in pids)
    assert busy.count("tick") >= 5, "others are not held up"


def test_what_a_run_leaves_behind_is_gone(busy: Place) -> None:
    busy.wait_runs("leaves", 1, 5)
    wait_until(lambda: not is_running(int(busy.trace("leaves")[1][1])), 2, "its child is killed")


def test_failures_say_why(busy: Place) -> None:
    assert busy.wait_runs("bad", 1, 8, "failed")[0][4] == "exit code 3: no luck"
    assert busy.wait_runs("killed", 1, 8, "killed")[0][4] == "killed by signal 11"
    assert "ordergate-none" in busy.wait_runs("none", 1, 8, "failed")[0][4]


def test_a_result_that_is_no_text_or_endless_does_no_harm(busy: Place) -> None:
    busy.wait_runs("odd", 1, 8)
    assert busy.wait_runs("long", 1, 8)[0][4] == "ы" * 200


# --- missed slots


def test_missed_slots_follow_each_jobs_policy(place: Place) -> None:
    for policy in ("skip", "once", "all"):
        place.job(policy, TICK, f"every = 2s misfire = {policy}")
    first = place.go()
    for policy in ("skip", "once", "all"):
        place.wait_runs(policy, 1, 6)
    first.terminate()
    assert first.wait(60) == 0
    before = {policy: place.row("SELECT last_slot_ms FROM jobs WHERE name = ?", policy)[0] for policy in ("skip", "once", "all")}
    # Seven slots are missed; the last of them lies more than 5 s before the start (the grace of "skip").
    place.change("UPDATE jobs SET last_slot_ms = last_slot_ms - 14000")
    place.change("UPDATE job_runs SET slot_ms = slot_ms - 1000000 WHERE slot_ms IS NOT NULL")
    place.go()
    caught = place.wait_runs("all", 8, 10)
    slots = [slot for slot, *_ in caught[1:8]]
    assert slots == list(range(before["all"] - 12000, before["all"] + 1, 2000))
    assert {trigger for _, trigger, *_ in caught[1:8]} <= {"catch-up", "schedule"} and caught[1][1] == "catch-up"
    place.wait_runs("once", 2, 5)
    skipped = place.runs("once", "skipped")[0]
    assert skipped[4].endswith("missed while no scheduler was there") and int(skipped[4].split()[2].rstrip(",")) >= 6
    place.wait_runs("skip", 2, 8)
    assert place.runs("skip", "skipped"), "left out and written down"


def test_a_run_that_was_lost_with_its_scheduler_is_repeated(place: Place) -> None:
    place.job("each", '[ "$(grep -c begin "$trace")" = 1 ] && sleep 1000\n' + TICK, "every = 2s misfire = all")
    killed = place.go()
    place.wait_for("SELECT count(*) FROM job_runs WHERE job = 'each' AND outcome = 'running'", 6, "it runs")
    child = int(wait_until(lambda: place.trace("each"), 3, "its process is there")[-1][1])
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    wait_until(lambda: not is_running(child), 3, "the run dies with its scheduler")
    place.go()
    runs = place.wait_runs("each", 3, 12)
    lost = place.runs("each", "lost")
    assert len(lost) == 1 and "has died" in lost[0][4]
    assert runs[0][:2] == (lost[0][0], "repeat")
    slots = [slot for slot, *_ in runs]
    assert slots == list(range(slots[0], slots[-1] + 1, 2000)), "every slot, once"


def test_a_failed_run_is_tried_again_later_and_later(place: Place) -> None:
    place.job("weak", '[ "$(grep -c begin "$trace")" -lt 3 ] && exit 1\n' + TICK,
              "every = 1h retries = 3 retry = 1s misfire = skip")
    place.go()
    wait_until(lambda: place.row("SELECT count(*) FROM jobs WHERE name = 'weak' AND last_slot_ms > 0") == (1,), 5, "it is known")
    place.control("job", "run", "weak")
    place.wait_runs("weak", 1, 10)
    runs = place.rows("SELECT trigger, outcome, started_ms, ended_ms FROM job_runs WHERE job = 'weak' ORDER BY id")
    assert [(trigger, outcome) for trigger, outcome, *_ in runs][1:] == [("retry 1 of 3", "failed"), ("retry 2 of 3", "ok")]
    assert runs[1][2] - runs[0][3] >= 1000 and runs[2][2] - runs[1][3] >= 2000


def test_what_is_planned_can_be_seen(place: Place) -> None:
    place.job("nightly", TICK, 'cron = "30 2 * * *" time_zone = "Europe/Moscow" jitter = 10m')
    # Its slot has come, and its delay has not passed yet.
    place.job("delayed", TICK, time.strftime('cron = "%M %H * * *" time_zone = "UTC" jitter = 1h', time.gmtime(time.time() - 60)))
    place.job("tick", TICK, "every = 1s")
    process = place.go()
    place.wait_runs("tick", 1, 5)
    assert place.row("SELECT expected_ms - next_ms FROM jobs WHERE name = 'delayed'") == (60_000,)
    next_ms, expected_ms = place.row("SELECT next_ms, expected_ms FROM jobs WHERE name = 'nightly'")
    assert 0 <= (next_ms - 23 * 3_600_000 - 30 * 60_000) % 86_400_000 <= 600_000 and next_ms > time.time() * 1000
    assert expected_ms == next_ms + 60_000
    assert any("nightly" in line and "T2" in line for line in place.control("job", "list").splitlines())
    seen = place.row("SELECT expected_ms FROM jobs WHERE name = 'tick'")[0]
    place.wait_for(f"SELECT expected_ms > {seen} FROM jobs WHERE name = 'tick'", 5, "a good run moves what is expected")
    place.control("job", "pause", "tick")
    place.wait_for("SELECT expected_ms = 0 AND next_ms = 0 FROM jobs WHERE name = 'tick'", 5, "of a paused job nothing is")
    place.write_config(OFF)
    os.kill(process.pid, signal.SIGHUP)
    place.wait_for("SELECT expected_ms = 0 FROM jobs WHERE name = 'nightly'", 5, "nor of one that is gone")


# --- one of them


def test_a_standby_takes_over_at_once_when_the_active_one_dies(place: Place) -> None:
    place.write_config(place.config.read_text() + "scheduler { lease_ms = 60s }\n")
    place.job("tick", TICK, "every = 1s misfire = all")
    first = place.go(1)
    place.wait_runs("tick", 1, 5)
    place.go(2)
    place.wait_runs("tick", 3, 5)
    first.send_signal(signal.SIGKILL)
    first.wait()
    number, died = place.count("tick"), time.monotonic()
    place.wait_runs("tick", number + 2, 5)
    assert time.monotonic() - died < 50, "the lease would have lasted for 60 s"
    assert place.rows("SELECT DISTINCT term FROM job_runs ORDER BY term") == [(1,), (2,)]
    slots = [slot for slot, *_ in place.runs("tick")]
    assert slots == list(range(slots[0], slots[-1] + 1, 1000))


def test_one_that_was_frozen_does_nothing_when_it_thaws(place: Place) -> None:
    place.write_config(place.config.read_text() + "scheduler { lease_ms = 3s }\n")
    place.job("tick", TICK, "every = 1s misfire = once")
    frozen = place.go(1)
    place.wait_runs("tick", 1, 5)
    place.go(2)
    frozen.send_signal(signal.SIGSTOP)
    place.wait_for("SELECT max(term) = 2 FROM job_runs", 25, "the standby takes over when the lease is over")
    begun = len(place.trace("tick"))
    frozen.send_signal(signal.SIGCONT)
    wait_until(lambda: "standing by" in place.log.read_text(), 5, "the frozen one stands by")
    wait_until(lambda: len(place.trace("tick")) >= begun + 3, 8 * SLACK, "work goes on")
    starts = sorted(int(words[2]) // 1000 for words in place.trace("tick"))
    assert len(starts) == len(set(starts)), "no slot ran twice"
    after, = place.row("SELECT min(id) FROM job_runs WHERE term = 2")
    assert place.row("SELECT count(*) FROM job_runs WHERE term = 1 AND id > ?", after) == (0,)
    assert frozen.poll() is None


# --- people


def test_a_person_can_run_pause_and_resume_a_job(place: Place) -> None:
    place.job("rare", TICK, "every = 1h misfire = all")
    place.job("tick", TICK, "every = 1s misfire = all")
    place.go()
    place.wait_runs("tick", 1, 5)
    began = time.monotonic()
    for _ in range(10):
        place.control("job", "run", "rare")
    asking_s = time.monotonic() - began
    run = place.wait_runs("rare", 1, 5)[0]
    assert run[0] is None and run[1] not in ("", "schedule")
    time.sleep(1.5)
    assert place.count("rare") <= 2 + asking_s, "ten wishes are not ten runs: people are heard once a second"

    place.control("job", "pause", "tick")
    place.wait_for("SELECT paused FROM jobs WHERE name = 'tick'", 3, "it is paused")
    time.sleep(1.2)
    place.wait_for("SELECT count(*) = 0 FROM job_runs WHERE job = 'tick' AND outcome = 'running'", 5, "the last run has ended")
    resting = place.count("tick")
    time.sleep(2.2)
    assert place.count("tick") == resting
    place.control("job", "run", "tick")
    place.wait_runs("tick", resting + 1, 5)
    place.control("job", "resume", "tick")
    runs = place.wait_runs("tick", resting + 3, 6)
    assert [slot for slot, *_ in runs if slot is None] == [None]
    assert place.runs("tick", "skipped")[0][4].endswith("the job was paused")


# --- ending and reloading


def test_it_ends_with_its_runs_and_writes_them_down(place: Place) -> None:
    place.job("long", LONG, "every = 1s timeout = 60s")
    place.job("deaf", HANG, "every = 1s timeout = 60s")
    process = place.go()
    wait_until(lambda: len(place.trace("long")) == 2 and len(place.trace("deaf")) == 2, 6, "both run")
    pids = [int(words[1]) for job in ("long", "deaf") for words in place.trace(job)]
    process.terminate()
    assert process.wait(60) == 0
    assert not any(is_running(pid) for pid in pids)
    assert place.rows("SELECT job, outcome FROM job_runs WHERE outcome <> 'skipped' ORDER BY job") == [
        ("deaf", "killed"), ("long", "killed")]
    assert place.row("SELECT until_ms FROM leases") == (0,)


def test_a_reload_adds_changes_and_drops_jobs(place: Place) -> None:
    place.job("old", TICK, "every = 1s")
    place.job("tick", TICK, "every = 1s misfire = all")
    process = place.go()
    place.wait_runs("old", 1, 5)
    place.write_config(OFF + "job tick { every = 1s misfire = all }\n")
    place.job("new", TICK, "every = 1s")
    os.kill(process.pid, signal.SIGHUP)
    place.wait_runs("new", 2, 6)
    left = place.count("old")
    runs = place.wait_runs("tick", place.count("tick") + 2, 5)
    assert place.count("old") == left
    slots = [slot for slot, *_ in runs]
    assert slots == list(range(slots[0], slots[-1] + 1, 1000)), "no slot is lost by it"


def test_a_slip_in_the_configuration_stops_no_run_before_it_is_mended(place: Place) -> None:
    """A reload refuses it, and runs are given the one that was taken: they are to tell of it."""
    place.job("reads", 'cp "$4" "$trace.config"\n' + TICK, "every = 1s")
    process = place.go()
    place.wait_runs("reads", 2, 8)
    taken = (place.state / "run" / "scheduler-1.conf")
    good = place.config.read_text()
    assert taken.read_text() == good and taken.stat().st_mode & 0o777 == 0o600
    place.write_config(good + 'job reads { cron = "0 0 31 2 *" }\n')
    os.kill(process.pid, signal.SIGHUP)
    wait_until(lambda: "no day ever fits" in place.log.read_text(), 5 * SLACK, "it is refused")
    number = place.count("reads")
    place.wait_runs("reads", number + 2, 8)
    assert taken.read_text() == good == (place.state / "run" / "ordergate-reads.trace.config").read_text()
    place.write_config(good + "# mended\n")
    os.kill(process.pid, signal.SIGHUP)
    wait_until(lambda: taken.read_text().endswith("# mended\n"), 5 * SLACK, "what is taken is what runs read")


def test_a_daily_job_with_a_time_that_is_none_is_refused(place: Place) -> None:
    place.write_config(OFF + 'job x { at = "25:00" }\n')
    process = place.go()
    assert process.wait(60) == 1
    assert "job.at" in place.log.read_text() or "25:00" in place.log.read_text()


def test_an_expression_that_never_comes_is_refused(place: Place) -> None:
    place.write_config(OFF + 'job x { cron = "0 0 31 2 *" }\n')
    process = place.go()
    assert process.wait(60) == 1
    assert "no day ever fits" in place.log.read_text()
