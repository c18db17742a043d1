"""A report of a million orders in little memory."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

from invoices import add_order, line, ms
from procedures import Installation

ROWS = 1_000_000
DATA_BYTES_MAX = 96 * 1024 * 1024  # heap and stacks; the file itself is looked at through a window


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES_MAX, DATA_BYTES_MAX))


def test_a_million_orders_take_little_memory(folder: Path) -> None:
    place = Installation(folder, 'invoicing { default_vat = "20" formats = {"json"} }\n')
    add_order(place, 1, "s1", ms("2025-11-25T12:00"), line("a", "1", "1.00"))
    place.run("invoicing")
    path = folder / "million.csv"
    with open(path, "w", encoding="utf-8") as out:
        out.write("order,total,date,filler\n")
        out.writelines(f"H{i},1.00,2025-11-25,{'x' * 60}\n" for i in range(1, ROWS + 1))
    subprocess.run(place.command("ordergatectl", "document", "reconcile", str(path)), check=True, timeout=600,
                   preexec_fn=limit_memory)
    assert place.rows("SELECT order_count, missing, extra FROM market_reports") == [(ROWS, ROWS - 1, 0)]
    place.control("verify")
