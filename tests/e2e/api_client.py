"""The assembly API as a test uses it, and orders that it can work on."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from appliance import BIN, Answer, Appliance, wait_until

# Notifications have nowhere to go and stay in the outbox, where the tests look at them.
CONFIG = """
pool { hook = 1 assembly = 2 processor = 1 notifier = 1 }
channel kuper { send_accepted = true send_assembled = true }
telegram { base_url = "http://127.0.0.1:9" }
"""
FINISHED = ["order.accepted", "order.in_work", "order.assembled", "order.ready_for_delivery"]

API = "/sbermarket/orders/api/"
SEEN_S = 10.0
_numbers = itertools.count(1)

Line = tuple[str, float, int | None]  # SKU, quantity, grams of a weighed line
THREE: list[Line] = [("2001", 3, None), ("2002", 1, 1000), ("2003", 1, None)]


def positions(lines: list[Line]) -> list[dict[str, Any]]:
    return [{"id": sku, "originalQuantity": quantity, "quantity": quantity, "price": "100.00", "discountPrice": "90.00",
             "totalPrice": f"{100 * quantity:.2f}", "totalDiscountPrice": f"{90 * quantity:.2f}",
             "weight": "" if grams is None else str(grams), "replacedByID": ""} for sku, quantity, grams in lines]


class Shop:
    """One appliance, its marketplace's webhooks, and its pickers' calls."""

    def __init__(self, appliance: Appliance) -> None:
        self.appliance = appliance
        self._token = appliance.secret("assembly-token")

    # --- the marketplace

    def event(self, external_id: str, event_type: str, minute: int, **payload: Any) -> Answer:
        body = {"event_type": event_type, "timestamp": f"2026-02-03T09:{minute:02d}:00+03:00",
                "payload": {"originalOrderId": external_id, **payload}}
        answer = self.appliance.hook(json.dumps(body))
        assert answer.status == 200, answer
        return answer

    def new_order(self, lines: list[Line] | None = None, store: str = "1207", slot_hour: int = 12,
                  policy: str = "call_or_replace") -> "Order":
        external_id = f"H{next(_numbers):08d}"
        slot = {"expectedFrom": f"2026-02-03T{slot_hour:02d}:00:00+03:00", "expectedTo": f"2026-02-03T{slot_hour + 2:02d}:00:00+03:00"}
        answer = self.event(external_id, "order.created", 0, storeID=store, delivery=slot, positions=positions(lines or THREE),
                            comment="Помидоры покрепче", replacementPolicy=policy)
        order = Order(self, external_id, answer.json()["number"])
        wait_until(lambda: order.read() is not None, SEEN_S, f"{external_id} is an order")
        return order

    # --- the API

    def post(self, method: str, body: Any, token: str | None = None) -> Answer:
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        if token != "":
            headers["Client-Token"] = token or self._token
        return self.appliance.request("POST", API + method, data, headers)

    def ask(self, method: str, **data: Any) -> Answer:
        return self.post(method, {"requestData": data})

    def change(self, method: str, request_id: str | None = None, **data: Any) -> Answer:
        return self.post(method, {"requestId": request_id or str(uuid.uuid4()), "requestData": data})

    # --- the store

    def ctl(self, *words: str) -> str:
        return subprocess.run([BIN / "ordergatectl", "--config", self.appliance.config, "--state", self.appliance.state, *words], check=True, capture_output=True,
                              text=True).stdout

    def import_catalogue(self, text: str) -> None:
        path = self.appliance.folder / "catalogue.csv"
        header = "sku,name,barcodes,unit,piece_weight_g,vat_rate,tolerance_percent"
        marked = text.partition("\n")[0].count(",") == header.count(",") + 1
        path.write_text(header + (",marked" if marked else "") + "\n" + text, encoding="utf-8")
        self.ctl("catalog", "import", str(path))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(self.appliance.store()) as store:
            return store.execute(sql, values).fetchall()

    def value(self, sql: str, *values: Any) -> Any:
        return self.rows(sql, *values)[0][0]


@contextmanager
def open_shop(config: str = CONFIG) -> Iterator[Shop]:
    """An appliance of its own; at the end it must stop well."""
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    appliance = Appliance(folder, config)
    try:
        appliance.start()
        yield Shop(appliance)
        appliance.stop()
    finally:
        appliance.destroy()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stopped(shop: Shop, service: str) -> Iterator[None]:
    """The processes of a service stand still."""
    pids = list(shop.appliance.pids(service).values())
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def error_of(answer: Answer, status: int, code: str) -> dict[str, Any]:
    assert answer.status == status, answer
    error = answer.json()["error"]
    assert error["code"] == code, answer
    assert error["message"]
    return error


def codes(error: dict[str, Any]) -> list[str]:
    return [f"{detail.get('line', 0)}:{detail['code']}" for detail in error["details"]]


class Order:
    """An order as its picker sees it: `seen` is the last version that an answer has shown."""

    def __init__(self, shop: Shop, external_id: str, number: str) -> None:
        self.shop, self.external_id, self.number = shop, external_id, number
        self.seen = 0

    def read(self) -> dict[str, Any] | None:
        answer = self.shop.ask("getOrder", number=self.number)
        if answer.status == 404:
            return None
        order = answer.json()["result"]["order"]
        self.seen = order["version"]
        return order

    def call(self, method: str, picker: str | None = "anna", **data: Any) -> Answer:
        """With this order's number and, unless the call names another one, the version that was seen last."""
        request_id = data.pop("request_id", None)
        if method not in ("takeOrder", "releaseOrder", "keepAlive"):
            data.setdefault("version", self.seen)
        if picker is not None:
            data["pickerId"] = picker
        answer = self.shop.change(method, request_id, number=self.number, **data)
        if answer.status == 200:
            self.seen = answer.json()["result"]["order"]["version"]
        return answer

    def do(self, method: str, picker: str | None = "anna", **data: Any) -> dict[str, Any]:
        """call() that must succeed; the order."""
        answer = self.call(method, picker, **data)
        assert answer.status == 200, (method, answer)
        return answer.json()["result"]["order"]

    def pick_all(self, picker: str = "anna") -> None:
        for line in self.read()["lines"]:
            weight = {} if line["weight"] is None else {"weight": line["weight"]}
            self.do("pickPosition", picker, line=line["line"], quantity=line["quantity"], **weight)

    def assembled(self) -> "Order":
        self.do("takeOrder")
        self.pick_all()
        self.do("finishAssembly")
        return self

    def history(self) -> list[str]:
        return [kind for kind, in self.shop.rows("SELECT kind FROM order_history h JOIN orders o ON o.id = h.order_id"
                                                 " WHERE o.number = ? ORDER BY h.id", self.number)]

    def notices(self) -> list[str]:
        return [kind for kind, in self.shop.rows("SELECT event_type FROM outbox WHERE external_id = ? ORDER BY order_seq",
                                                 self.external_id)]

    def wait_for_state(self, state: str) -> dict[str, Any]:
        wait_until(lambda: self.read()["state"] == state, SEEN_S, f"{self.external_id} is {state}")
        return self.read()

