"""The acceptance scenarios' place: the appliance, the marketplace, and what the tests ask of both."""

from __future__ import annotations

import csv
import io
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from api_client import Order, Shop
from appliance import SLACK, Appliance, wait_until
from doubles import Kuper, between
from kuper.goods import GOODS, catalogue_csv
from kuper.orders import position, totals
from load import check_log, ctl, run_job

MILK, KEFIR, CURD, TEA, WATER = GOODS[0], GOODS[1], GOODS[2], GOODS[16], GOODS[20]
BANANAS, MINCE, CHEESE = GOODS[32], GOODS[44], GOODS[45]
STORE = "1207"
TOLD = ["order.accepted", "order.in_work", "order.assembled", "order.ready_for_delivery"]
BEGUN = ["order.created", "accept", "take"]
DELIVERED = ["order.paid", "order.received", "order.delivering", "order.delivered"]
SETTINGS = """channel kuper { send_accepted = true send_assembled = true }
pool { hook = 2 assembly = 2 processor = 1 notifier = 1 }
invoicing { series = "AC" default_vat = "" seller_name = "ООО «Лавка»" seller_inn = "6900000001" formats = {"json"} }
"""
# Codes of the maker and of the store's scales, beside those of the emulator's goods: 21, article, grams, check digit.
CODES = {MILK.sku: "4600000000015", WATER.sku: "4600000000039", MINCE.sku: "2100001000004", CHEESE.sku: "2100002000003"}
# A document belongs to an order, not to the state that the order had: written beside the steps, whenever the job comes.
BESIDE = ("ready.confirmed", "invoiced", "returned")
_numbers = itertools.count(1)


def catalogue() -> str:
    rows = list(csv.reader(io.StringIO(catalogue_csv())))
    for row in rows[1:]:
        row[2] += f" {CODES[row[0]]}" if row[0] in CODES else ""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


class Street:
    def __init__(self, appliance: Appliance, market: Kuper) -> None:
        self.appliance, self.market, self.shop = appliance, market, Shop(appliance)

    def payload(self, *goods: tuple[Any, int], store: str = STORE, policy: str = "call_or_replace") -> dict[str, Any]:
        lines = [position(good, quantity) for good, quantity in goods]
        return {"originalOrderId": f"H{next(_numbers):010d}", "storeID": store, "customer": {"name": "Иван П.", "phone": "+79990000001"},
                "delivery": {"expectedFrom": "2031-02-03T12:00:00+03:00", "expectedTo": "2031-02-03T14:00:00+03:00"},
                "positions": lines, "total": totals(lines), "replacementPolicy": policy, "shipmentMethod": "by_courier"}

    def order(self, *goods: tuple[Any, int], **options: Any) -> Order:
        """One that both sides know."""
        payload = self.payload(*goods, **options)
        self.market.create(order=payload)
        return self.known(payload["originalOrderId"])

    def known(self, external_id: str) -> Order:
        number = "SELECT number FROM orders WHERE external_id = ?"
        found = wait_until(lambda: self.shop.rows(number, external_id), 10 * SLACK, f"{external_id} is an order")
        order = Order(self.shop, external_id, found[0][0])
        order.read()
        return order

    def taken(self, *goods: tuple[Any, int], **options: Any) -> Order:
        order = self.order(*goods, **options)
        order.do("takeOrder")
        return order

    def changed(self, order: Order, change: Callable[[], Any]) -> None:
        """The marketplace changes the order, and the webhook is worked on; the picker has not looked yet."""
        before = order.seen
        change()
        wait_until(lambda: order.read()["version"] > before, 10 * SLACK, "the change is here")
        order.seen = before

    def deliver(self, order: Order) -> dict[str, Any]:
        self.market.wait(order.external_id, "ready_to_ship", 20_000)
        self.market.advance(order.external_id)
        done = self.market.wait(order.external_id, "shipped", 20_000)
        order.wait_for_state("delivered")
        return done

    def open_notices(self, order: Order) -> int:
        return self.shop.value("SELECT count(*) FROM outbox WHERE external_id = ? AND state IN (1, 2)", order.external_id)

    def told(self, order: Order) -> list[str]:
        """What the marketplace took."""
        return [kind for kind, status in self.market.notifications(order.external_id) if status == 200]

    def check(self, order: Order, state: str, market_state: str, told: list[str], history: list[str]) -> dict[str, Any]:
        """All is said and done: the same state on both sides, each notification taken once and in order, the history, and
        every message that came accounted for."""
        wait_until(lambda: self.open_notices(order) == 0, 20 * SLACK, "everything is told")
        assert order.read()["state"] == state
        there = self.market.wait(order.external_id, market_state)
        assert self.told(order) == told
        assert self.shop.rows("SELECT id, error FROM outbox WHERE external_id = ? AND state = 4", order.external_id) == []
        ours = [kind for kind in order.history() if kind not in BESIDE]
        assert ours == history
        assert [a for a in self.market.anomalies() if a.get("order") == order.external_id] == []
        assert self.shop.rows("SELECT event_type, state FROM inbox WHERE external_id = ? AND state <> 3", order.external_id) == []
        return there

    def outcomes(self, order: Order) -> list[tuple[str, str]]:
        """What became of each message that came."""
        return self.shop.rows("SELECT event_type, outcome FROM inbox WHERE external_id = ? ORDER BY order_seq", order.external_id)

    def final(self, order: Order) -> dict[str, dict[str, Any]]:
        """By SKU, the composition that the marketplace was told last."""
        return {line["id"]: line for line in self.market.order(order.external_id)["final"]["positions"]}

    def documents(self, order: Order) -> list[dict[str, Any]]:
        run_job(self.appliance, "invoicing")
        return [json.loads(body, parse_float=Decimal) for body, in self.shop.rows(
            "SELECT body FROM documents d JOIN orders o ON o.id = order_id WHERE external_id = ? ORDER BY d.id",
            order.external_id)]

    def report(self, store: str, *columns: str, kind: str = "stores") -> tuple[str, ...]:
        """The columns of `ordergatectl report` of the store's day, which is today where it is."""
        today = datetime.now(timezone(timedelta(hours=3))).date()
        text = self.shop.ctl("report", kind, "--from", str(today - timedelta(1)), "--to", str(today), "--store", store)
        row, = csv.DictReader(io.StringIO(text), delimiter=";")
        return tuple(row[column] for column in columns)


@contextmanager
def open_street(more: str = "", oauth: bool = False) -> Iterator[Street]:
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    appliance = Appliance(folder)
    try:
        with between(lambda: appliance, SETTINGS + more, oauth=oauth) as (appliance, market):
            street = Street(appliance, market)
            (folder / "stores.csv").write_text("id,name,integration_type\n1204,Учётная,4\n" + "".join(
                f"{number},Лавка {number},3\n" for number in range(1207, 1230)), encoding="utf-8")
            street.shop.ctl("store", "import", str(folder / "stores.csv"))
            (folder / "goods.csv").write_text(catalogue(), encoding="utf-8")
            street.shop.ctl("catalog", "import", str(folder / "goods.csv"))
            yield street
            verified = ctl(appliance, "verify")
            assert verified.returncode == 0, verified.stdout + verified.stderr
            check_log(appliance)
        appliance.stop()
    finally:
        appliance.destroy()
        shutil.rmtree(folder, ignore_errors=True)


Scenarios = dict[str, Callable[[Street], None]]


def scenarios_of(names: dict[str, Any]) -> Scenarios:
    return {name: value for name, value in names.items() if name.startswith(("scenario_", "extra_"))}


def play(street: Street, scenarios: Scenarios) -> dict[str, Future[None]]:
    """They wait for the marketplace most of the time, so they all wait together: orders do not disturb each other."""
    with ThreadPoolExecutor(8) as pool:
        return {name: pool.submit(scenario, street) for name, scenario in scenarios.items()}
