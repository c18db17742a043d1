"""One order's whole way through the real processes: marketplace, picker, courier, invoice; and one that is late."""

from __future__ import annotations

import html
import json
import signal
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from appliance import SLACK, Appliance, wait_until
from doubles import ADMIN_CHAT, Kuper, Telegram, between, charged, telegram_remote
from load import check_store, ctl, rows, run_job, wait_until_processed

MOSCOW = timezone(timedelta(hours=3))
COMPANY = 'invoicing { series = "LA" default_vat = "22" seller_name = "ООО «Лавка»" seller_inn = "6900000001" }\n'
NOTICES = ["order.accepted", "order.in_work", "order.assembled", "order.ready_for_delivery"]
EVENTS = ["order.created", "order.paid", "order.received", "order.delivering", "order.delivered"]
VAT = Decimal(22)


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    if not telegram_remote.installed():
        pytest.skip("the Telegram double is not installed: npm ci --prefix tests/emulators/telegram")
    with telegram_remote.start() as double:
        yield double


def position(sku: str, quantity: int, price: str, discount_price: str, weight_g: int = 0) -> dict[str, Any]:
    return {"id": sku, "originalQuantity": quantity, "quantity": quantity, "price": price, "discountPrice": discount_price,
            "replacedByID": "", "weight": str(weight_g) if weight_g else "", "totalPrice": str(Decimal(price) * quantity),
            "totalDiscountPrice": str(Decimal(discount_price) * quantity)}


def order(order_id: str, deadline_in_minutes: int, *positions: dict[str, Any]) -> dict[str, Any]:
    def after(minutes: int) -> str:
        return (datetime.now(MOSCOW) + timedelta(minutes=minutes)).isoformat(timespec="seconds")

    return {"originalOrderId": order_id, "storeID": "1207", "customer": {"name": "Иван П.", "phone": "+79990000001"},
            "completeBefore": after(deadline_in_minutes), "positions": list(positions), "comment": "Бананы незелёные",
            "delivery": {"expectedFrom": after(deadline_in_minutes + 30), "expectedTo": after(deadline_in_minutes + 150)},
            "total": {"totalPrice": str(sum(Decimal(line["totalPrice"]) for line in positions)),
                      "discountTotalPrice": str(sum(Decimal(line["totalDiscountPrice"]) for line in positions))}}


# --- the picker

class Picker:
    def __init__(self, appliance: Appliance, name: str = "anna") -> None:
        self._appliance = appliance
        self._name = name

    def call(self, method: str, **data: Any) -> dict[str, Any]:
        answer = self._appliance.request(
            "POST", f"/sbermarket/orders/api/{method}", json.dumps({"requestId": str(uuid.uuid4()), "requestData": data}),
            {"Client-Token": self._appliance.secret("assembly-token"), "Content-Type": "application/json"})
        assert answer.status == 200, (method, data, answer)
        return answer.json()["result"]

    def find(self, order_id: str) -> dict[str, Any]:
        """The order's row in the list of its store, once it is there."""
        def listed() -> list[dict[str, Any]]:
            return [row for row in self.call("getOrders", storeId="1207")["orders"] if row["externalId"] == order_id]

        return wait_until(listed, 5 * SLACK, f"{order_id} is in the picker's list")[0]

    def assemble(self, number: str, picked: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Take it, pick each line as `picked` says of its SKU, finish it."""
        now = self.call("takeOrder", number=number, pickerId=self._name)["order"]
        for line in now["lines"]:
            now = self.call("pickPosition", number=number, pickerId=self._name, version=now["version"], line=line["line"],
                            **picked[line["sku"]])["order"]
        return self.call("finishAssembly", number=number, pickerId=self._name, version=now["version"], bags=1)["order"]


def deliver(appliance: Appliance, market: Kuper, order_id: str) -> dict[str, Any]:
    """From the end of the assembly to the buyer's door."""
    market.wait(order_id, "ready_to_ship", 20_000)
    market.advance(order_id)
    done = market.wait(order_id, "shipped", 20_000)
    wait_until_processed(appliance)
    assert done["webhooks_delivered"] == EVENTS
    return done


def check_told(appliance: Appliance, market: Kuper, order_id: str, number: str) -> None:
    """Every notification accepted, once, in order, and by nobody else's rules than the marketplace's."""
    wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE external_id = ? AND state IN (1, 2)",
                            order_id) == [(0,)], 20 * SLACK, "everything is told")
    assert market.notifications(order_id) == [(notice, 200) for notice in NOTICES]
    accepted, = market.journal(kind="notification", order=order_id, type="order.accepted")
    assert accepted["body"]["event"]["payload"] == {"order_id": order_id, "number": number}
    assert market.order(order_id)["number"] == number
    assert rows(appliance, "SELECT event_type, state, outcome FROM outbox WHERE external_id = ? ORDER BY order_seq",
                order_id) == [(notice, 3, "ok") for notice in NOTICES]
    assert market.anomalies() == []


def check_document(appliance: Appliance, market_order: dict[str, Any]) -> int:
    """In the store and as a file: the lines and sums of the marketplace, with the tax inside each line. Its number."""
    number, = rows(appliance, "SELECT d.number FROM documents d JOIN orders o ON o.id = order_id WHERE external_id = ?",
                   market_order["id"])[0]
    made = [document for path in (appliance.state / "export").glob("documents-*.json")
            for document in json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)["documents"]]
    document, = (one for one in made if one["number"] == number)
    wanted = charged(market_order)
    assert {line["sku"]: Decimal(line["amount"]) for line in document["lines"]} == wanted
    for line in document["lines"]:
        inside = Decimal(line["amount"]) * VAT / (100 + VAT)
        assert line["vatRate"] == VAT and Decimal(line["vat"]) == inside.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert Decimal(document["total"]) == sum(wanted.values())
    assert Decimal(document["vat"]) == sum(Decimal(line["vat"]) for line in document["lines"])
    assert document["order"]["externalId"] == market_order["id"] and document["order"]["number"] == market_order["number"]
    assert document["seller"]["name"] == "ООО «Лавка»"
    delivered_ms, = rows(appliance, "SELECT delivered_ms FROM orders WHERE external_id = ?", market_order["id"])[0]
    day = datetime.fromtimestamp(delivered_ms / 1000, MOSCOW).date().isoformat()
    assert document["date"] == day
    kept, = rows(appliance, "SELECT kind, d.total_minor, vat_minor, business_date, d.state, body FROM documents d"
                 " JOIN orders o ON o.id = order_id WHERE external_id = ?", market_order["id"])
    assert kept[:5] == ("sale", int(Decimal(document["total"]) * 100), int(Decimal(document["vat"]) * 100), day, "exported")
    assert json.loads(kept[5], parse_float=Decimal) == document
    return number


def test_an_order_goes_the_whole_way(make_appliance) -> None:
    """One as it was ordered, and one with weights, a short line and a line that is not there at all."""
    with between(make_appliance, COMPANY + "channel kuper { send_assembled = true }\n") as (appliance, market):
        picker = Picker(appliance)
        goods = [position("100245871", 2, "89.90", "79.90"), position("100318840", 1, "139.99", "119.99", 1000),
                 position("100900127", 2, "257.70", "257.70", 600), position("100511002", 3, "64.50", "64.50")]
        for order_id in ("H48120937765", "H48120937766"):
            market.create(order=order(order_id, 90, *goods))
        exact, changed = picker.find("H48120937765"), picker.find("H48120937766")
        assert exact["lineCount"] == 4 and exact["number"] != changed["number"]

        done = picker.assemble(exact["number"], {
            "100245871": {"quantity": 2}, "100318840": {"quantity": 1, "weight": 1000},
            "100900127": {"quantity": 2, "weight": 600}, "100511002": {"quantity": 3}})
        assert done["state"] == "assembled"
        picker.assemble(changed["number"], {
            "100245871": {"quantity": 1, "reason": "not_found"}, "100318840": {"quantity": 1, "weight": 1087},
            "100900127": {"quantity": 2, "weight": 557}, "100511002": {"quantity": 0, "reason": "expired"}})

        at_market = {row["externalId"]: deliver(appliance, market, row["externalId"]) for row in (exact, changed)}
        for row in (exact, changed):
            check_told(appliance, market, row["externalId"], row["number"])
            assert rows(appliance, "SELECT state FROM orders WHERE number = ?", row["number"]) == [("delivered",)]
        assert at_market["H48120937766"]["items"] == {"100245871": "assembled", "100318840": "assembled",
                                                      "100900127": "assembled", "100511002": "canceled"}

        assert run_job(appliance, "invoicing") == "made=2 empty=0 blocked=0 exported=2"
        assert sum(charged(at_market["H48120937765"]).values()) == Decimal(
            at_market["H48120937765"]["payload"]["total"]["discountTotalPrice"]), "as ordered is as the marketplace said"
        assert sorted(check_document(appliance, done) for done in at_market.values()) == [1, 2]
        files = {path.name: path.read_bytes() for path in (appliance.state / "export").iterdir()}
        assert run_job(appliance, "invoicing") == "made=0 empty=0 blocked=0 exported=0"
        assert {path.name: path.read_bytes() for path in (appliance.state / "export").iterdir()} == files
        check_store(appliance)


LONGEST_IDS = {"of one byte each": "H" * 255, "of two bytes each": "Ж" * 255, "that must be escaped": "a? %&'<" * 36 + "abc"}


@pytest.mark.parametrize("kind", LONGEST_IDS)
def test_an_id_as_long_as_the_protocol_allows_goes_the_whole_way(make_appliance, telegram: Telegram, kind: str) -> None:
    order_id = LONGEST_IDS[kind]
    assert len(order_id) == 255
    with between(make_appliance, COMPANY + "channel kuper { send_assembled = true }\n", telegram) as (appliance, market):
        market.create(order=order(order_id, -5, position("100245871", 2, "89.90", "79.90")))
        picker = Picker(appliance)
        row = picker.find(order_id)
        for job in ("monitor", "telegram"):
            run_job(appliance, job)
        told, = [text for text in telegram.texts(ADMIN_CHAT) if row["number"] in text]
        assert html.escape(order_id, quote=False) in told
        picker.assemble(row["number"], {"100245871": {"quantity": 2}})
        done = deliver(appliance, market, order_id)
        check_told(appliance, market, order_id, row["number"])
        assert run_job(appliance, "invoicing") == "made=1 empty=0 blocked=0 exported=1"
        check_document(appliance, done)
        run_job(appliance, "reconcile")
        for command in (("order", "show", order_id), ("queue", "outbox", "list", "--order", order_id)):
            shown = ctl(appliance, *command, "--json")
            assert shown.returncode == 0 and json.dumps(order_id, ensure_ascii=False)[1:-1] in shown.stdout
        check_store(appliance)


def put_in_force(appliance: Appliance, addition: str) -> None:
    text = appliance.config.read_text(encoding="utf-8") + addition
    appliance.config.write_text(text, encoding="utf-8")
    appliance.process.send_signal(signal.SIGHUP)
    taken = appliance.state / "run" / "scheduler-1.conf"
    wait_until(lambda: taken.read_text(encoding="utf-8") == text, 10 * SLACK, "what is taken is what runs read")


def test_a_document_waits_for_its_tax_rate_and_is_made_then(make_appliance) -> None:
    with between(make_appliance, 'invoicing { series = "LA" seller_name = "ООО «Лавка»" }\n') as (appliance, market):
        market.create(order=order("H48120937767", 90, position("100245871", 2, "89.90", "79.90")))
        picker = Picker(appliance)
        picker.assemble(picker.find("H48120937767")["number"], {"100245871": {"quantity": 2}})
        done = deliver(appliance, market, "H48120937767")
        for _ in range(2):
            assert run_job(appliance, "invoicing") == "made=0 empty=0 blocked=1 exported=0"
        assert rows(appliance, "SELECT invoice_state, invoice_reason FROM orders") == [
            ("blocked", "line 1 (100245871) has no VAT rate: import it with the catalogue, or set invoicing.default_vat")]
        assert not list((appliance.state / "export").iterdir())
        put_in_force(appliance, 'invoicing { default_vat = "22" }\n')
        assert run_job(appliance, "invoicing") == "made=1 empty=0 blocked=0 exported=1"
        assert check_document(appliance, done) == 1


def texts_about(telegram: Telegram, word: str) -> list[str]:
    return [text for text in telegram.texts(ADMIN_CHAT) if word in text]


def test_a_late_order_is_told_of_once(make_appliance, telegram: Telegram) -> None:
    with between(make_appliance, COMPANY, telegram) as (appliance, market):
        picker = Picker(appliance)
        market.create(order=order("H48120937768", -5, position("100245871", 2, "89.90", "79.90")))
        market.create(order=order("H48120937769", 90, position("100245871", 2, "89.90", "79.90")))
        late = picker.find("H48120937768")
        picker.find("H48120937769")
        for _ in range(3):
            run_job(appliance, "monitor")
            run_job(appliance, "telegram")
        told, = texts_about(telegram, "H48120937768")
        assert "1207" in told and late["number"] in told
        assert not texts_about(telegram, "H48120937769"), "silence otherwise"
        assert rows(appliance, "SELECT rule, severity, state FROM alerts WHERE text LIKE '%H48120937768%'") == [
            ("order-late", "critical", "firing")]
        assert rows(appliance, "SELECT chat, outcome FROM telegram_archive WHERE text LIKE '%H48120937768%'") == [
            (str(ADMIN_CHAT), "ok")]
        # And when it is over, they are told that, too.
        picker.assemble(late["number"], {"100245871": {"quantity": 2}})
        deliver(appliance, market, "H48120937768")
        for _ in range(2):
            run_job(appliance, "monitor")
            run_job(appliance, "telegram")
        assert len(texts_about(telegram, "H48120937768")) == 2


def test_what_was_not_understood_is_told_of(make_appliance, telegram: Telegram) -> None:
    with between(make_appliance, "", telegram) as (appliance, market):
        market.create(order=order("H48120937770", 90, position("100245871", 2, "89.90", "79.90")))
        market.control("POST", "orders/H48120937770/event", {"event_type": "order.teleported"})
        market.wait("H48120937770")
        wait_until_processed(appliance)
        for _ in range(2):
            run_job(appliance, "monitor")
            run_job(appliance, "telegram")
        assert len(texts_about(telegram, "неизвестный тип события")) == 1, telegram.texts(ADMIN_CHAT)


def test_an_unknown_store_is_told_of_once(make_appliance, telegram: Telegram) -> None:
    with between(make_appliance, "", telegram) as (appliance, market):
        for order_id in ("H48120937771", "H48120937772"):
            market.create(order={**order(order_id, 90, position("100245871", 2, "89.90", "79.90")), "storeID": "nobody's"})
            market.wait(order_id)
            wait_until_processed(appliance)
            run_job(appliance, "monitor")
            run_job(appliance, "telegram")
        assert len(texts_about(telegram, "nobody's")) == 1, telegram.texts(ADMIN_CHAT)
