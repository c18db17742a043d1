"""The day: its plan, its pickers against a stand-in for the appliance, and whether it finds the mistakes it is there for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from day.plan import AFTER, BEFORE, CANCELED_BY_STORE, CANCELED_OUTSIDE, DELIVERED, DURING, REASONS, Options, make_plan
from fake_appliance import ASSEMBLY_TOKEN, HOOK_PATH, FakeAppliance
from kuper import remote
from kuper.remote import Kuper

ROOT = Path(remote.__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_plan_depends_on_seed_and_options_only() -> None:
    options = Options()
    assert make_plan(options) == make_plan(options)
    assert make_plan(options) != make_plan(replace(options, seed=2))
    command = [sys.executable, "-m", "day", "--plan", "--orders", "50"]
    printed = [subprocess.run(command, env={**ENVIRONMENT, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
               for seed in ("1", "2")]
    assert printed[0] == printed[1] and len(json.loads(printed[0])) == 50


@pytest.mark.parametrize("orders", [20, 200, 1000])
def test_a_plan_has_everything_a_day_has(orders: int) -> None:
    plan = make_plan(Options(orders=orders))
    assert {order.end for order in plan} == {DELIVERED, CANCELED_OUTSIDE, CANCELED_BY_STORE}
    assert {order.cancel_stage for order in plan if order.end == CANCELED_OUTSIDE} == {BEFORE, DURING, AFTER}
    assert {order.cancel_stage for order in plan if order.end == CANCELED_BY_STORE} == {BEFORE, DURING}
    assert {order.change_stage for order in plan} == {None, BEFORE, DURING}
    late = [order for order in plan if order.trait == "late"]
    assert late and all(order.deadline_min <= 1 and order.hold_s > 60 for order in late)
    picks = [pick for order in plan for pick in order.picks.values()]
    short = [pick for pick in picks if pick.taken_permille < 1000]
    assert short and all(pick.reason in REASONS for pick in short)
    assert any(pick.weight_permille != 1000 for pick in picks)
    assert all(900 < pick.weight_permille < 1100 for pick in picks)
    assert len({order.order_id("0000000") for order in plan}) == orders


def test_shares_of_a_big_day_are_kept() -> None:
    plan = make_plan(Options(orders=1000))
    traits = Counter(order.trait for order in plan)
    assert traits["late"] == 40 and traits["change_before"] == 100
    assert Counter(order.end for order in plan)[DELIVERED] > 850


@pytest.mark.parametrize("options", [Options(orders=0), Options(orders=10000), Options(stores=0), Options(minutes=0)], ids=str)
def test_an_impossible_day_is_refused(options: Options) -> None:
    with pytest.raises(ValueError):
        make_plan(options)


@pytest.fixture(scope="module")
def day_market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kuper]:
    with remote.start(tmp_path_factory.mktemp("day"), "", "--settle-ms", "30", "--retry-ms", "20") as market:
        yield market


def play(market: Kuper, directory: Path, *options: str, defects: frozenset[str] = frozenset(),
         chaos: float = 0.0) -> tuple[int, dict[str, Any], str, FakeAppliance]:
    """A short day; returns the exit code, the report, the screen and the stand-in."""
    market.reset()
    appliance = FakeAppliance(market.base_url, defects, chaos)
    market.config(hook_url=appliance.url + HOOK_PATH, hook_token=remote.HOOK_TOKEN)
    token, report = directory / "assembly-token", directory / "report.json"
    token.write_text(ASSEMBLY_TOKEN)
    done = subprocess.run(
        [sys.executable, "-m", "day", "--base-url", appliance.url, "--kuper-url", market.base_url,
         "--assembly-token-file", token, "--report", report, "--orders", "40", "--stores", "3", "--minutes", "0.05",
         "--strict", *options], env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    market.config(hook_url="")
    appliance.close()
    assert done.stderr == "", done.stderr
    return done.returncode, json.loads(report.read_text()), done.stdout, appliance


def test_a_good_day_ends_good(day_market: Kuper, tmp_path: Path) -> None:
    code, report, text, _ = play(day_market, tmp_path)
    plan = make_plan(Options(orders=40, stores=3, minutes=0.05))
    assert code == 0 and report["ok"], text
    assert report["delivered"] == sum(order.end == DELIVERED for order in plan)
    assert report["canceled"] == 40 - report["delivered"]
    assert report["short"] > 0 and report["late_planned"] > 0 and report["late_assembled"] > 0
    assert report["anomalies"] == [] and report["faults"] == {} and text.count("\n") < 24


def test_pickers_repeat_lost_changes_with_the_same_request_id(day_market: Kuper, tmp_path: Path) -> None:
    code, report, text, appliance = play(day_market, tmp_path, chaos=0.15)
    assert code == 0, text
    repeats = Counter(key for key in appliance.requests if key[1])
    assert max(repeats.values()) > 1 and report["api"]["answers"]["502"] > 0 and report["api"]["answers"]["none"] > 0


@pytest.mark.parametrize("defect, where, text, grace", [
    ("forget_delivered", "not_at_their_end", "the appliance has it delivering", 4),
    ("wrong_quantity", "faults", "told", 4),
    ("assembled_twice", "anomalies", "accepted_twice", 8),
    ("lose_updates", "faults", "the change was not shown", 8),
])
def test_a_day_finds_what_is_wrong(day_market: Kuper, tmp_path: Path, defect: str, where: str, text: str, grace: int) -> None:
    code, report, screen, _ = play(day_market, tmp_path, "--grace", str(grace), defects=frozenset({defect}))
    assert code == 1 and not report["ok"] and "NOT GOOD" in screen
    assert text in json.dumps(report[where], ensure_ascii=False)


def test_an_unreachable_marketplace_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    done = subprocess.run([sys.executable, "-m", "day", "--kuper-url", "http://127.0.0.1:9", "--assembly-token-file",
                           tmp_path / "token"], env=ENVIRONMENT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and done.stderr.startswith("day: marketplace emulator") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [[], ["--orders", "0", "--plan"],
                                     ["--kuper-url", "http://x", "--assembly-token-file", "/none"]], ids=str)
def test_a_wrong_command_line_ends_with_2(options: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "day", *options], env=ENVIRONMENT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and done.stderr.startswith("day: ")
