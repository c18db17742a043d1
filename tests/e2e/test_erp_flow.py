"""From a webhook to the ERP's books: what is sold, what the marketplace takes off later, what comes back, for each kind of contract."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api_client import THREE, Line, Order, Shop, positions
from appliance import BIN, ROOT, SLACK, Appliance, wait_until
from invoices import SELLER, check_sums

sys.path.insert(0, str(ROOT / "tests" / "emulators"))

from erp import remote  # noqa: E402
from erp.remote import Erp  # noqa: E402

CONFIG = """
pool {{ hook = 1 assembly = 1 processor = 1 notifier = 1 erp = 1 }}
telegram {{ base_url = "http://127.0.0.1:9" }}
channel kuper {{ scheme = "{scheme}" buyer_name = "ООО «Маркетплейс»" buyer_inn = "7800000002" buyer_kpp = "780001001" }}
erp {{ push_url = "{url}" probe_ms = 300 }}
invoicing {{ default_vat = "22" formats = {{"json", "csv", "commerceml", "html"}} after_delivery = "correct" {seller} }}
"""
# How a sale and a return are called in CommerceML, and who the seller is there.
WORDS = {"sale": ("Отпуск товара", "Возврат товара", "Продавец"), "agent": ("Отпуск товара", "Возврат товара", "Продавец"),
         "commission": ("Отчет о продажах комиссионного товара", "Возврат комиссионного товара", "Комитент")}
# And on a printed page.
ROLES = {"sale": ("Продавец", "Покупатель"), "agent": ("Принципал", "Агент"), "commission": ("Комитент", "Комиссионер")}


class Street:
    def __init__(self, scheme: str, erp: Erp, folder: Path) -> None:
        self.scheme, self.erp = scheme, erp
        self.appliance = Appliance(folder, CONFIG.format(scheme=scheme, url=erp.push_url, seller=SELLER))
        secret = self.appliance.state / "secrets" / "erp-push-token"
        secret.parent.mkdir(parents=True, mode=0o700)
        secret.touch(mode=0o600)
        secret.write_text(remote.TOKEN, encoding="utf-8")
        self.appliance.start()
        self.shop = Shop(self.appliance)

    def invoice(self) -> None:
        subprocess.run([BIN / "ordergate-invoicing", "--state", self.appliance.state, "--config", self.appliance.config], check=True,
                       capture_output=True)

    def booked(self, count: int) -> list[dict[str, Any]]:
        """All that the ERP has booked, oldest first, when there are so many."""
        books = wait_until(lambda: len(found := self.erp.books()) == count and found, 20 * SLACK, f"{count} documents are booked")
        return [books[number] for number in sorted(books)]

    def exported(self, pattern: str) -> str:
        return "".join(path.read_text(encoding="utf-8-sig") for path in sorted((self.appliance.state / "export").glob(pattern)))


@pytest.fixture(params=sorted(WORDS))
def street(request: pytest.FixtureRequest) -> Iterator[Street]:
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    with remote.start() as erp:
        made = Street(request.param, erp, folder)
        try:
            yield made
            made.appliance.stop()
        finally:
            made.appliance.destroy()
            shutil.rmtree(folder, ignore_errors=True)


def sell(street: Street, lines: list[Line]) -> Order:
    order = street.shop.new_order(lines).assembled()
    for minute, event in enumerate(("order.received", "order.delivering", "order.delivered"), 40):
        street.shop.event(order.external_id, event, minute)
    order.wait_for_state("delivered")
    street.invoice()
    return order


def test_what_is_sold_and_what_comes_back_is_in_the_books_of_the_erp(street: Street) -> None:
    order = sell(street, THREE)  # 3, 1 of 1000 g, 1, at 90.00 each
    sale, = street.booked(1)
    assert (sale["kind"], sale["total"], sale["document"]["scheme"]) == ("sale", "450.00", street.scheme)
    # The marketplace takes one piece off what is delivered.
    street.shop.event(order.external_id, "order.updated", 50, positions=positions([("2001", 2, None), *THREE[1:]]))
    wait_until(lambda: street.shop.value("SELECT count(*) FROM order_later_changes") == 1, 10 * SLACK, "it is kept")
    street.invoice()
    taken_off = street.booked(2)[-1]
    assert (taken_off["kind"], taken_off["total"], taken_off["document"]["original"]["number"]) == ("return", "90.00", sale["number"])
    assert [(one["sku"], one["quantity"]) for one in taken_off["document"]["lines"]] == [("2001", 1)]
    # The customer brings back a part, and then what is left of the line; a weight was wrong.
    for count, pieces in ((3, "1=1"), (4, "1=1")):
        street.shop.ctl("--config", str(street.appliance.config), "document", "return", order.number, pieces, "--reason", "damaged")
        assert street.booked(count)[-1]["total"] == "90.00"
    street.shop.ctl("--config", str(street.appliance.config), "document", "correct", order.number, "2=1/500", "--reason", "weighed again")
    books = street.booked(5)
    assert (books[-1]["kind"], books[-1]["total"]) == ("correction", "-45.00")
    for one in books:
        check_sums(one["document"])
        assert one["document"]["scheme"] == street.scheme and one["externalId"] == order.external_id
    # What is left: 500 g and one piece. The tax of all parts together is that of what is left.
    left = sum((Decimal(one[amount]) * (-1 if one["kind"] == "return" else 1) for one in books for amount in ("total",)), Decimal(0))
    tax = sum((Decimal(one["vat"]) * (-1 if one["kind"] == "return" else 1) for one in books), Decimal(0))
    assert (left, tax) == (Decimal("135.00"), Decimal("8.11") + Decimal("16.23"))
    assert street.erp.steps(order.external_id)[-4:] == ["assembled", "received", "delivering", "delivered"]
    assert street.erp.anomalies() == []
    states = "SELECT state, count(*) FROM erp_verdicts GROUP BY state"
    wait_until(lambda: street.shop.rows(states) == [("acknowledged", 5)], 10 * SLACK, "each verdict is kept")
    street.invoice()
    text = street.exported("documents-*.xml")
    assert all(word in text for word in WORDS[street.scheme]) and f"<Значение>{street.scheme}</Значение>" in text
    pages = street.exported("*.html")
    assert all(f">{word}<" in pages for word in ROLES[street.scheme]) and "было 90.00, стало 45.00" in pages
    assert f";{street.scheme};" in street.exported("documents-*.csv")
    street.shop.ctl("verify")
