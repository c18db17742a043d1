"""The generator of orders: the same seed gives the same bytes, the sums add up, the variety is there."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from kuper.goods import GOODS, barcode
from kuper.orders import bench_bodies, main, sample_bodies, stores_csv
from wire.remote import package_root

SAMPLES = [json.loads(body) for body in sample_bodies(400)]
BENCH = [json.loads(body) for body in bench_bodies(50)]


def kopecks(text: str) -> int:
    roubles, _, rest = text.partition(".")
    assert len(rest) == 2, text
    return int(roubles) * 100 + int(rest)


@pytest.mark.parametrize("bodies", [SAMPLES, BENCH], ids=["samples", "bench"])
def test_all_sums_add_up_to_the_kopeck(bodies: list[dict[str, Any]]) -> None:
    for body in bodies:
        lines = body["payload"]["positions"]
        for line in lines:
            for price, total in (("price", "totalPrice"), ("discountPrice", "totalDiscountPrice")):
                assert kopecks(line[price]) * float(line["quantity"]) == kopecks(line[total])
            assert kopecks(line["discountPrice"]) <= kopecks(line["price"])
        for total, key in (("totalPrice", "totalPrice"), ("discountTotalPrice", "totalDiscountPrice")):
            assert kopecks(body["payload"]["total"][total]) == sum(kopecks(line[key]) for line in lines)


def test_a_bench_order_has_12_lines_and_about_2200_bytes() -> None:
    bodies = list(bench_bodies(200))
    assert all(2200 <= len(body) <= 2350 for body in bodies)
    assert all(len(body["payload"]["positions"]) == 12 for body in BENCH)
    assert len({body["payload"]["originalOrderId"] for body in BENCH}) == 50


def test_the_command_line_writes_the_same_bytes_every_time() -> None:
    command = [sys.executable, "-m", "kuper.orders", "--bench", "20", "--seed", "5"]
    outputs = [subprocess.run(command, env={**os.environ, "PYTHONPATH": str(package_root()), "PYTHONHASHSEED": seed},
                              capture_output=True, check=True).stdout for seed in ("1", "2")]
    assert outputs[0] == outputs[1] == b"".join(body + b"\n" for body in bench_bodies(20, seed=5))
    assert outputs[0] != b"".join(body + b"\n" for body in bench_bodies(20, seed=6))


@pytest.mark.parametrize("what, seen", [
    ("store as a number", lambda b: isinstance(b["payload"]["storeID"], int)),
    ("store as text", lambda b: isinstance(b["payload"]["storeID"], str)),
    ("quantity as text", lambda b: isinstance(b["payload"]["positions"][0]["quantity"], str)),
    ("quantity as a decimal", lambda b: isinstance(b["payload"]["positions"][-1]["quantity"], float)),
    ("no timestamp", lambda b: "timestamp" not in b),
    ("no name of the customer", lambda b: b["payload"]["customer"]["name"] is None),
    ("comment null", lambda b: b["payload"].get("comment", "") is None),
    ("no comment", lambda b: "comment" not in b["payload"]),
    ("no address", lambda b: "address" not in b["payload"]),
    ("weight null", lambda b: any(line["weight"] is None for line in b["payload"]["positions"])),
    ("weight empty", lambda b: any(line["weight"] == "" for line in b["payload"]["positions"])),
    ("weighed", lambda b: any((line["weight"] or "").isdigit() for line in b["payload"]["positions"])),
    ("replacedByID missing", lambda b: any("replacedByID" not in line for line in b["payload"]["positions"])),
    ("business", lambda b: "inn" in b["payload"]["customer"]),
    ("another time zone", lambda b: not b["payload"]["delivery"]["expectedFrom"].endswith("+03:00")),
])
def test_samples_show_what_real_bodies_show(what: str, seen: Any) -> None:
    assert any(map(seen, SAMPLES)), what


def test_goods_are_distinct_and_their_barcodes_valid() -> None:
    assert len({good.sku for good in GOODS}) == len({barcode(good) for good in GOODS}) == len(GOODS)
    for good in GOODS:
        digits = [int(digit) for digit in barcode(good)]
        assert len(digits) == 13 and (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def test_the_files_for_the_import_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--catalogue-csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(GOODS) and {row["vat_rate"] for row in rows} == {"10", "20"}
    assert [row["id"] for row in csv.DictReader(io.StringIO(stores_csv(2)))] == ["1201", "1202"]
