"""/_control/: how tests and the day steer the emulator and look inside. Never part of the real service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from kuper.auth import Auth
from kuper.config import Config
from kuper.faults import Fault, Faults
from kuper.journal import Journal
from kuper.marketplace import Marketplace, NotPossible
from kuper.model import Shipment, control_object
from wire.message import Answer, Request, json_answer

PREFIX = "/_control/"
BULK_LIMIT = 100_000
WAIT_LIMIT_S = 60.0

Action = Callable[[Request, list[str]], Awaitable[Any]]


class NotFound(Exception):
    pass


class Control:
    """Each action returns the value that goes out as JSON with 200."""

    def __init__(self, config: Config, market: Marketplace, auth: Auth, faults: Faults, journal: Journal) -> None:
        self._config = config
        self._market = market
        self._auth = auth
        self._faults = faults
        self._journal = journal
        # The name after /_control/ and, for one order, the word after its id.
        self._actions: dict[tuple[str, str], Action] = {
            ("POST", "orders"): self._create, ("GET", "orders"): self._orders, ("GET", "orders/*"): self._order,
            ("POST", "orders/*/update"): self._update, ("POST", "orders/*/cancel"): self._cancel,
            ("POST", "orders/*/advance"): self._advance, ("POST", "orders/*/event"): self._event,
            ("POST", "orders/*/resend"): self._resend, ("GET", "orders/*/wait"): self._wait,
            ("POST", "faults"): self._add_faults, ("GET", "faults"): self._list_faults,
            ("DELETE", "faults"): self._clear_faults, ("GET", "journal"): self._read_journal,
            ("GET", "anomalies"): self._anomalies, ("GET", "stats"): self._stats,
            ("GET", "config"): self._show_config, ("POST", "config"): self._set_config,
            ("POST", "stores"): self._set_stores, ("POST", "tokens/expire"): self._expire_tokens,
            ("POST", "reset"): self._reset,
        }

    async def handle(self, request: Request) -> Answer:
        words = request.path[len(PREFIX):].strip("/").split("/")
        name = "/".join(words)
        if words[0] == "orders" and len(words) > 1:
            name = "/".join(["orders", "*", *words[2:]])
        action = self._actions.get((request.method, name))
        if action is None:
            return json_answer(404, {"error": f"no such control: {request.method} {request.path}"})
        try:
            return json_answer(200, await action(request, words))
        except NotFound as error:
            return json_answer(404, {"error": str(error)})
        except NotPossible as error:
            return json_answer(409, {"error": str(error)})
        except (ValueError, KeyError, TypeError) as error:
            return json_answer(400, {"error": f"{type(error).__name__}: {error}"})

    def _shipment(self, words: list[str]) -> Shipment:
        shipment = self._market.shipments.get(words[1])
        if shipment is None:
            raise NotFound(f"no such order: {words[1]}")
        return shipment

    async def _create(self, request: Request, words: list[str]) -> Any:
        wish = request.json()
        if "count" not in wish:
            return control_object(self._market.create(wish))
        if not 0 < wish["count"] <= BULK_LIMIT:
            raise ValueError(f"count must be 1 to {BULK_LIMIT}")
        return {"ids": [self._market.create(wish).id for _ in range(wish["count"])]}

    async def _orders(self, request: Request, words: list[str]) -> Any:
        brief = request.query().get("brief") == "1"
        rows = [control_object(shipment) for shipment in self._market.shipments.values()]
        return {"orders": [{k: v for k, v in row.items() if k != "payload"} for row in rows] if brief else rows}

    async def _order(self, request: Request, words: list[str]) -> Any:
        return control_object(self._shipment(words))

    async def _update(self, request: Request, words: list[str]) -> Any:
        wish = request.json()
        self._market.update(self._shipment(words), wish, wish.get("event_type", "order.updated"))
        return control_object(self._shipment(words))

    async def _cancel(self, request: Request, words: list[str]) -> Any:
        wish = request.json()
        self._market.cancel(self._shipment(words), wish.get("slug", "changed_my_mind"),
                            wish.get("description", "Клиент передумал"), wish.get("event_type", "order.canceled"))
        return control_object(self._shipment(words))

    async def _advance(self, request: Request, words: list[str]) -> Any:
        wish = request.json()
        self._market.advance(self._shipment(words), wish.get("to", "order.delivered"), wish.get("force", False))
        return control_object(self._shipment(words))

    async def _event(self, request: Request, words: list[str]) -> Any:
        """Any event, also an unknown one; `payload` replaces the usual reference to the order, `at` its time."""
        wish = request.json()
        self._market.happen(self._shipment(words), wish["event_type"], wish.get("payload"),
                            datetime.fromisoformat(wish["at"]) if "at" in wish else None)
        return control_object(self._shipment(words))

    async def _resend(self, request: Request, words: list[str]) -> Any:
        """{"event_type": "order.created", "times": 1}: re-deliveries of an event that was sent before."""
        wish = request.json()
        self._market.resend(self._shipment(words), wish.get("event_type", "order.created"), wish.get("times", 1))
        return {}

    async def _wait(self, request: Request, words: list[str]) -> Any:
        """?state=&phase=&timeout_ms=: until the order has them and no webhook pending, or until the time-out (409)."""
        query = request.query()
        deadline = asyncio.get_running_loop().time() + min(float(query.get("timeout_ms", 10_000)) / 1000, WAIT_LIMIT_S)
        state, phase = query.get("state"), query.get("phase")
        while asyncio.get_running_loop().time() < deadline:
            shipment = self._shipment(words)
            if not shipment.outgoing and state in (None, shipment.state) and phase in (None, shipment.phase):
                return control_object(shipment)
            await asyncio.sleep(0.02)
        raise NotPossible(f"order is {self._shipment(words).state}, {len(self._shipment(words).outgoing)} webhooks pending")

    async def _add_faults(self, request: Request, words: list[str]) -> Any:
        wishes = request.json()
        for wish in wishes if isinstance(wishes, list) else [wishes]:
            self._faults.add(Fault(**wish))
        return {"queued": len(self._faults.queue)}

    async def _list_faults(self, request: Request, words: list[str]) -> Any:
        return {"faults": [fault.show() for fault in self._faults.queue]}

    async def _clear_faults(self, request: Request, words: list[str]) -> Any:
        self._faults.clear()
        return {}

    async def _read_journal(self, request: Request, words: list[str]) -> Any:
        """?after=N&kind=&order=&type=&wait_ms=: with wait_ms the answer comes with the first fitting entry."""
        query = request.query()
        wanted = {name: query.get(name) for name in ("kind", "order", "type")}
        deadline = asyncio.get_running_loop().time() + min(float(query.get("wait_ms", 0)) / 1000, WAIT_LIMIT_S)
        while True:
            entries = self._journal.since(int(query.get("after", 0)), **wanted)
            left = deadline - asyncio.get_running_loop().time()
            if entries or left <= 0:
                return {"entries": entries}
            await self._journal.wait(left)

    async def _anomalies(self, request: Request, words: list[str]) -> Any:
        return {"anomalies": list(self._journal.anomalies)}

    async def _stats(self, request: Request, words: list[str]) -> Any:
        pending = sum(len(shipment.outgoing) for shipment in self._market.shipments.values())
        return {"orders": len(self._market.shipments), "webhooks_pending": pending, **self._journal.counts}

    async def _show_config(self, request: Request, words: list[str]) -> Any:
        return self._config.show()

    async def _set_config(self, request: Request, words: list[str]) -> Any:
        self._config.change(request.json())
        return self._config.show()

    async def _set_stores(self, request: Request, words: list[str]) -> Any:
        """{"1201": 3, "1202": 5}: the integration type of stores, for orders created afterwards."""
        self._config.change({"kinds": {**self._config.kinds, **request.json()}})
        return self._config.kinds

    async def _expire_tokens(self, request: Request, words: list[str]) -> Any:
        self._auth.expire_all()
        return {}

    async def _reset(self, request: Request, words: list[str]) -> Any:
        """Forgets orders, journal and faults; the configuration stays."""
        self._market.reset()
        self._faults.clear()
        return {}
