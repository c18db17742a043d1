"""A UBL 2.1 shadow of every document is held against the schema and the rules of others."""

from __future__ import annotations

import random
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from invoices import BUYER, SELLER, add_order, documents, line, ms
from procedures import Installation
from ubl import as_xml, check_rules, is_readable, read_by_others, shadow

XSD = Path(__file__).resolve().parents[2].parent / "shared" / "schemas" / "ubl-2.1" / "maindoc" / "UBL-Invoice-2.1.xsd"
CONFIG = f'invoicing {{ {SELLER} default_vat = "22" formats = {{"json"}} }}\n{BUYER}'
SEED = 20261126


@pytest.fixture(name="made", scope="module")
def fixture_made(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Sales, a return and a correction of mixed baskets, of both years."""
    place = Installation(tmp_path_factory.mktemp("shadow"), CONFIG)
    chance = random.Random(SEED)
    rates = place.state.parent / "catalogue.csv"
    rates.write_text("sku,name,vat_rate\nmilk,Milk,10\nbook,Book,none\nflour,Flour,0\ncheese,Cheese,22\n", encoding="utf-8")
    place.control("catalog", "import", str(rates))
    for number in range(1, 13):
        goods = [line(chance.choice(("milk", "book", "flour", "cheese", "other")), str(chance.randint(1, 9)),
                      str(Decimal(chance.randint(1, 300_000)) / 100), weight, picked_weight=weight and weight - 7)
                 for weight in (chance.choice((None, None, 500, 1000)) for _ in range(chance.randint(1, 12)))]
        add_order(place, number, "s1", ms("2025-12-31T12:00" if number % 2 else "2026-01-01T12:00"), *goods)
    place.run("invoicing")
    place.control("document", "return", "H1", "1=1", "--reason", "x")
    place.control("document", "correct", "H2", "1=0", "--reason", "x")
    made = [shadow(one) for one in documents(place)]
    assert len(made) == 14
    return made


def check_schema(xml: bytes, folder: Path) -> None:
    path = folder / "shadow.xml"
    path.write_bytes(xml)
    done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", str(XSD), str(path)], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_sums_rates_and_prices_are_as_the_european_rules_want_them(made: list[dict[str, Any]]) -> None:
    for one in made:
        check_rules(one)


@pytest.mark.skipif(not XSD.exists() or shutil.which("xmllint") is None, reason="no UBL 2.1 schema or no xmllint")
def test_the_shadow_is_what_its_schema_says(made: list[dict[str, Any]], folder: Path) -> None:
    for one in (made[0], made[1], made[-2], made[-1]):
        check_schema(as_xml(one), folder)


@pytest.mark.skipif(not is_readable(), reason="@e-invoice-eu/core was not fetched: npm ci in tests/emulators/ubl_reader")
def test_a_program_of_others_reads_it(made: list[dict[str, Any]], folder: Path) -> None:
    broken = {"ubl:Invoice": {**made[0]["ubl:Invoice"], "cbc:IssueDate": "31.12.2025"}}
    read = read_by_others([made[0], made[1], made[-2], made[-1], broken])
    assert ["why" in one for one in read] == [False, False, False, False, True], read
    if XSD.exists() and shutil.which("xmllint") is not None:
        check_schema(read[0]["xml"].encode(), folder)
