"""A tiny stand-in for the appliance: enough of the hook and of the assembly API to check the day and its pickers.

Nothing is stored on disk, there is one process, and `defects` switches on mistakes that the day must find.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kuper import remote
from kuper.model import number_of
from wire.client import NO_ANSWER, Client
from wire.message import Answer, Ending, Request, dump_json, json_answer
from wire.server import Server

ASSEMBLY_TOKEN = "assembly-token-of-the-tests"
HOOK_PATH = "/sbermarket/orders/hook/"
API_PATH = "/sbermarket/orders/api/"
OPEN_STATES = ("new", "accepted", "assembling", "assembled", "ready", "received", "delivering")  # what getOrders lists unasked
_EVENTS = {"order.received": "received", "order.delivering": "delivering", "order.delivered": "delivered",
           "order.canceled": "canceled"}


class Trouble(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status


@dataclass
class Order:
    external_id: str
    number: str
    store_id: str
    payload: dict[str, Any]
    state: str = "accepted"
    version: int = 1
    picker: str | None = None
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)
    outgoing: asyncio.Queue[tuple[str, dict[str, Any]]] = field(default_factory=asyncio.Queue)

    def show(self) -> dict[str, Any]:
        return {"number": self.number, "externalId": self.external_id, "storeId": self.store_id, "state": self.state,
                "version": self.version, "pickerId": self.picker, "deadline": self.payload.get("completeBefore"),
                "lines": list(self.lines.values())}

    def read_lines(self, payload: dict[str, Any]) -> None:
        self.payload = payload
        wanted = {line["id"]: line for line in payload["positions"]}
        for sku, line in self.lines.items():
            line["state"] = line["state"] if sku in wanted else "removed"
        for sku, line in wanted.items():
            old = self.lines.setdefault(sku, {"line": len(self.lines) + 1, "sku": sku, "pickedQuantity": 0,
                                              "pickedWeight": 0, "state": "pending"})
            old.update(quantity=float(number_of(line["quantity"])), orderedQuantity=float(number_of(line["originalQuantity"])),
                       weight=int(number_of(line["weight"])) or None)


class FakeAppliance:
    def __init__(self, market_url: str, defects: frozenset[str] = frozenset(), chaos: float = 0.0) -> None:
        self.defects = defects
        self.requests: list[tuple[str, str]] = []
        self._chaos = chaos
        self._rng = random.Random(7)
        self._market = Client(market_url)
        self._orders: dict[str, Order] = {}
        self._answers: dict[tuple[str, str], dict[str, Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._server = Server(self._handle)
        self._methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "getOrders": self._get_orders, "getOrder": lambda data: {"order": self._order(data).show()},
            "takeOrder": self._take, "pickPosition": self._pick, "resetPosition": self._reset,
            "finishAssembly": self._finish, "cancelOrder": self._cancel}
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start("127.0.0.1", 0), self._loop).result(5)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end_tasks(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end_tasks(self) -> None:
        self._server.stop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _handle(self, request: Request) -> Answer:
        chaos = self._rng.random() if request.path.startswith(API_PATH) else 1.0
        if chaos < self._chaos / 2:
            return self._rng.choice((json_answer(503, {}), Answer(b"", Ending.CLOSE)))
        answer = self._route(request)
        # The other half of the chaos: it was done, but the caller does not learn of it.
        return answer if chaos >= self._chaos else self._rng.choice((json_answer(502, {}), Answer(b"", Ending.RESET)))

    def _route(self, request: Request) -> Answer:
        if request.path == HOOK_PATH:
            assert request.headers["client-token"] == remote.HOOK_TOKEN
            return json_answer(200, self._hook(request.json()))
        assert request.headers["client-token"] == ASSEMBLY_TOKEN
        method, body = request.path.removeprefix(API_PATH), request.json()
        try:
            return json_answer(200, {"requestId": body.get("requestId"), "result": self._call(method, body)})
        except Trouble as trouble:
            return json_answer(trouble.status, {"error": {"code": str(trouble), "message": str(trouble)}})

    def _call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        key = (method, body.get("requestId", ""))
        self.requests.append(key)
        if not key[1]:
            return self._methods[method](body["requestData"])
        if key not in self._answers or "forget_request_ids" in self.defects:
            self._answers[key] = self._methods[method](body["requestData"])
        return self._answers[key]

    def _hook(self, body: dict[str, Any]) -> dict[str, Any]:
        payload, event_type = body["payload"], body["event_type"]
        order_id = payload["originalOrderId"]
        if event_type == "order.created" and order_id not in self._orders:
            self._create(order_id, payload)
        order = self._orders[order_id]
        if event_type == "order.updated" and "lose_updates" not in self.defects:
            order.read_lines(payload)
            order.version += 1
        if event_type in _EVENTS and not (event_type == "order.delivered" and "forget_delivered" in self.defects):
            order.state = _EVENTS[event_type]
            order.version += event_type == "order.canceled"
        return {"status": "ok", "number": order.number}

    def _create(self, order_id: str, payload: dict[str, Any]) -> None:
        order = Order(order_id, f"N{len(self._orders) + 1}", str(payload["storeID"]), payload)
        order.read_lines(payload)
        self._orders[order_id] = order
        self._tell(order, "order.accepted", {"number": order.number})
        task = self._loop.create_task(self._notify(order))
        self._tasks.add(task)

    def _order(self, data: dict[str, Any]) -> Order:
        for order in self._orders.values():
            if order.number == data["number"]:
                return order
        raise Trouble(404, "not_found")

    def _get_orders(self, data: dict[str, Any]) -> dict[str, Any]:
        """Two orders a page, so that the pickers have to turn pages."""
        rows = [order.show() for order in self._orders.values()
                if order.store_id == data["storeId"] and order.state in data.get("states", OPEN_STATES)]
        first = int(data.get("after", 0))
        page = {"orders": rows[first:first + 2]}
        return {**page, "next": str(first + 2)} if len(rows) > first + 2 else page

    def _take(self, data: dict[str, Any]) -> dict[str, Any]:
        order = self._order(data)
        if order.state != "accepted" or order.picker not in (None, data["pickerId"]):
            raise Trouble(409, "taken")
        order.picker, order.state = data["pickerId"], "assembling"
        self._tell(order, "order.in_work", {})
        return self._changed(order)

    def _checked(self, data: dict[str, Any]) -> Order:
        order = self._order(data)
        if data["version"] != order.version:
            raise Trouble(409, "stale_version")
        if order.state != "assembling" or order.picker != data.get("pickerId", order.picker):
            raise Trouble(409, "not_yours")
        return order

    def _pick(self, data: dict[str, Any]) -> dict[str, Any]:
        order = self._checked(data)
        line = next(line for line in order.lines.values() if line["line"] == data["line"])
        if data["quantity"] < line["quantity"] and not data.get("reason"):
            raise Trouble(422, "reason_missing")
        line.update(pickedQuantity=data["quantity"], pickedWeight=data.get("weight", 0),
                    state="picked" if data["quantity"] >= line["quantity"] else "short")
        return self._changed(order)

    def _reset(self, data: dict[str, Any]) -> dict[str, Any]:
        order = self._checked(data)
        line = next(line for line in order.lines.values() if line["line"] == data["line"])
        line.update(pickedQuantity=0, pickedWeight=0)
        return self._changed(order)

    def _finish(self, data: dict[str, Any]) -> dict[str, Any]:
        order = self._checked(data)
        if any(line["state"] == "removed" and line["pickedQuantity"] for line in order.lines.values()):
            raise Trouble(422, "put_back")
        lines = [line for line in order.lines.values() if line["state"] != "removed"]
        if any(line["state"] == "pending" for line in lines):
            raise Trouble(422, "lines_left")
        order.state = "ready"
        extra = 1 if "wrong_quantity" in self.defects else 0
        positions = [{"id": line["sku"], "quantity": line["pickedQuantity"] + extra,
                      **({"weight": str(line["pickedWeight"])} if line["weight"] else {})} for line in lines]
        for _ in range(2 if "assembled_twice" in self.defects else 1):
            self._tell(order, "order.assembled", {})
        self._tell(order, "order.ready_for_delivery",
                   {"order": {"originalOrderId": order.external_id, "changed": True, "positions": positions}})
        return self._changed(order)

    def _cancel(self, data: dict[str, Any]) -> dict[str, Any]:
        order = self._order(data)
        if data["version"] != order.version:
            raise Trouble(409, "stale_version")
        order.state = "canceled"
        self._tell(order, "order.canceled", {})
        return self._changed(order)

    def _changed(self, order: Order) -> dict[str, Any]:
        order.version += 1
        return {"order": {**order.show(), "lines": [dict(line) for line in order.lines.values()]}}

    def _tell(self, order: Order, event_type: str, payload: dict[str, Any]) -> None:
        order.outgoing.put_nowait((event_type, {"order_id": order.external_id, **payload}))

    async def _notify(self, order: Order) -> None:
        headers = {"Client-Token": remote.CLIENT_TOKEN, "Api-Version": "3.0"}
        while True:
            event_type, payload = await order.outgoing.get()
            if order.state == "canceled" and event_type != "order.canceled":
                continue
            body = dump_json({"event": {"type": event_type, "payload": payload}})
            while True:
                try:
                    await self._market.request("POST", "/v1/notifications", body, headers)
                    break
                except NO_ANSWER:
                    await asyncio.sleep(0.05)


