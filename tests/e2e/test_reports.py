"""Reports for the stores' management, of a store that the test fills."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from invoices import add_order, add_store, line, ms
from procedures import Installation


@pytest.fixture
def place(folder: Path) -> Iterator[Installation]:
    made = Installation(folder)
    yield made
    made.end()


def report(place: Installation, kind: str, *options: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(place.control("report", kind, *options), newline=""), delimiter=";"))


def fill(place: Installation) -> None:
    add_store(place, "east", "Asia/Kamchatka")
    add_store(place, "west", "Europe/Moscow")
    # 23:30 of 9 March in Moscow is 10 March in Kamchatka.
    moment = ms("2026-03-09T23:30")
    for number, (store, minutes, picker) in enumerate((("west", 10, "ann"), ("west", 30, "bob"), ("east", 20, "cid"),
                                                       ("west", 90, "ann")), 1):
        add_order(place, number, store, moment + 7_200_000, line("a", "2", "10.00"), line("b", "3", "10.00", picked=1, state="short"),
                  line("c", "1", "10.00", picked=0, state="replaced"), line("d", "1", "10.00", replaces=3))
        place.change("UPDATE orders SET taken_ms = ?, assembled_ms = ?, deadline_ms = ?, picker_id = ? WHERE id = ?",
                     moment, moment + minutes * 60_000, moment + 3_600_000, picker, number)
        place.change("UPDATE order_lines SET replaced_by = 4 WHERE order_id = ? AND line_no = 3", number)


def test_a_store_s_day_is_told_in_its_own_time_zone(place: Installation) -> None:
    fill(place)
    west, east = report(place, "stores", "--from", "2026-03-09", "--to", "2026-03-10")
    assert (west["date"], west["store"], west["orders"], east["date"], east["store"]) == ("2026-03-09", "west", "3", "2026-03-10", "east")
    assert (west["on_time"], west["with_deadline"], west["on_time_percent"]) == ("2", "3", "66.7")
    assert (west["lines"], west["found"], west["replaced"], west["short"]) == ("9", "3", "3", "3")
    assert (west["assembly_median_min"], west["assembly_90_min"]) == ("30.0", "90.0")
    assert [row["store"] for row in report(place, "stores", "--from", "2026-03-09", "--to", "2026-03-09")] == ["west"]
    assert report(place, "stores", "--from", "2026-03-09", "--to", "2026-03-09", "--store", "east") == []


def test_a_picker_s_pace_is_items_by_hours_of_assembly(place: Installation) -> None:
    fill(place)
    rows = {row["picker"]: row for row in report(place, "pickers", "--from", "2026-03-01", "--to", "2026-03-31")}
    assert {name: (row["orders"], Decimal(row["items"]), row["items_per_hour"]) for name, row in rows.items()} == {
        "ann": ("2", 8, "4.8"), "bob": ("1", 4, "8.0"), "cid": ("1", 4, "12.0")}


def test_many_orders_are_read_in_pages(place: Installation) -> None:
    fill(place)
    place.change("WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 2009) INSERT INTO orders (id,"
                 " channel, external_id, number, store_id, state, version, event_ms, snapshot_ms, created_ms, updated_ms)"
                 " SELECT i, 'kuper', 'H' || i, '1-' || i, 'west', 'new', 1, 0, 0, ?, 0 FROM n", ms("2026-03-09T12:00"))
    west, _ = report(place, "stores", "--from", "2026-03-09", "--to", "2026-03-10")
    assert west["orders"] == "2003"


@pytest.mark.parametrize("options", [(), ("--from", "2026-03-09"), ("--from", "2026-02-30", "--to", "2026-03-01"),
                                     ("--from", "9.3.2026", "--to", "2026-03-10"),
                                     ("--from", "2026-03-09", "--to", "2026-03-10", "extra")])
def test_days_that_are_none_are_refused(place: Installation, options: tuple[str, ...]) -> None:
    done = subprocess.run(place.command("ordergatectl", "report", "stores", *options), capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
