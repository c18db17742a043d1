"""ordergatectl by itself: what it shows, and how it answers a slip."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from procedures import Installation
from stores import now_ms

DONE, USAGE, NOT_FOUND = 0, 2, 3
INVOICING = 'invoicing { series = "LA-{store}-" }\n'


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, INVOICING)
    made.change("INSERT INTO stores VALUES ('s1', 'Лавка', 'Europe/Moscow', '', '', 3, 1, 0, 0)")
    made.change("INSERT INTO document_series (name, last) VALUES ('OLD-', 7)")
    made.change("INSERT INTO orders (id, channel, external_id, number, store_id, state, version, event_ms, snapshot_ms,"
                " deadline_ms, total_minor, created_ms, updated_ms) VALUES (7, 'kuper', 'H7', '1-7', 's1', 'new', 1, 0, 0, 0, 12345, ?, ?)",
                now_ms(), now_ms())
    made.change("INSERT INTO order_identity (channel, external_id, order_id, number) VALUES ('kuper', 'H7', 7, '1-7')")
    yield made
    made.end()


def ctl(place: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(place.command("ordergatectl", *words), capture_output=True, text=True, timeout=60, check=False)


def test_an_order_is_shown_field_by_field(place: Installation) -> None:
    shown = ctl(place, "order", "show", "H7")
    assert shown.returncode == DONE, shown
    title, *fields = shown.stdout.strip().split("\n\n")[0].split("\n")
    assert title == "order"
    pairs = dict(line.split(maxsplit=1) for line in fields)
    assert (pairs["external_id"], pairs["number"], pairs["state"], pairs["total"]) == ("H7", "1-7", "new", "123.45")
    assert max(map(len, shown.stdout.split("\n"))) < 120
    assert json.loads(ctl(place, "order", "show", "H7", "--json").stdout)["order"][0]["external_id"] == "H7"


SLIPS = [
    (["rule", "set", "order-late", "s9", "30"], NOT_FOUND, "there is no store 's9'"),
    (["rule", "set", "order-late", "s9", "off"], NOT_FOUND, "store list"),
    (["rule", "set", "order-lat", "s1", "30"], NOT_FOUND, "there is no rule"),
    (["label", "set", "s9", "21", "5", "weight", "1000"], NOT_FOUND, "there is no store 's9'"),
    (["alert", "silence", "all", "--for", "1h", "--store", "s9"], NOT_FOUND, "there is no store 's9'"),
    (["series", "advance", "OLD", "9", "--reason", "x"], NOT_FOUND, "series list"),
    (["series", "advance", "LA-s9-", "9", "--reason", "x"], NOT_FOUND, "there is no series 'LA-s9-'"),
    (["job", "history", "nope"], NOT_FOUND, "there is no job 'nope': see ordergatectl job list"),
    (["job", "history"], USAGE, "argument"),
    (["report", "stores", "--from", "2026-02-02", "--to", "2026-02-01"], USAGE, "the other way round"),
    (["report", "pickers", "--from", "2026-02-01", "--to", "2026-02-02", "--store", "s9"], NOT_FOUND, "store list"),
]


@pytest.mark.parametrize("words, code, said", SLIPS, ids=[" ".join(row[0]) for row in SLIPS])
def test_a_name_that_is_none_is_refused(place: Installation, words: list[str], code: int, said: str) -> None:
    done = ctl(place, *words)
    assert (done.returncode, done.stdout) == (code, ""), done
    assert said in done.stderr and done.stderr.count("\n") == 1, "one line that says what to do"
    for table in ("rule_stores", "silences"):
        assert place.rows(f"SELECT count(*) FROM {table}") == [(0,)]


GOOD = [
    ["rule", "set", "order-late", "s1", "30"],
    ["rule", "set", "order-late", "s9", "default"],
    ["label", "set", "s1", "21", "5", "weight", "1000"],
    ["label", "set", "-", "21", "5", "weight", "1000"],
    ["alert", "silence", "all", "--for", "1h", "--store", "s1"],
    ["series", "advance", "OLD-", "9", "--reason", "x"],
    ["series", "advance", "LA-s1-", "9", "--reason", "not used here yet, but the ERP has some"],
    ["job", "history", "monitor"],
    ["report", "stores", "--from", "2026-02-01", "--to", "2026-02-01", "--store", "s1"],
]


@pytest.mark.parametrize("words", GOOD, ids=" ".join)
def test_what_is_there_may_be_named(place: Installation, words: list[str]) -> None:
    done = ctl(place, *words)
    assert (done.returncode, done.stderr) == (DONE, ""), done


LANGUAGES = {
    "en": ["there is no store 's9': see ordergatectl store list", "RULE STORE and THRESHOLD", "silence 1 for 1h", "there is no such layout"],
    "ru": ["магазина «s9» нет: смотрите ordergatectl store list", "нужны RULE STORE и THRESHOLD", "тишина 1 на 1h", "такой раскладки нет"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_one_language_and_which_is_a_setting(place: Installation, language: str) -> None:
    """Alerts have another setting: people in stores need not speak as the administrator does."""
    place.write_config(INVOICING + f'log {{ ctl_locale = "{language}" locale = "ru" }}\n')
    said = [ctl(place, *words) for words in (["rule", "set", "order-late", "s9", "30"], ["rule", "set", "order-late"],
                                             ["alert", "silence", "all", "--for", "1h"], ["label", "remove", "s9", "21"])]
    for done, wanted in zip(said, LANGUAGES[language]):
        assert wanted in done.stdout + done.stderr
