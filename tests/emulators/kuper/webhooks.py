"""Webhooks to the merchant: per order one after another, repeated until answered with 2xx.

With `attempt_limit` an event is given up after so many attempts; 0 (the default) never gives up.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kuper.config import Config
from kuper.journal import Journal
from kuper.model import Shipment
from wire.client import NO_ANSWER, Client, tls_context
from wire.message import Response, dump_json

ANSWER_TEXT_LIMIT = 500


@dataclass(slots=True)
class Outgoing:
    event_type: str
    body: bytes


class Webhooks:
    def __init__(self, config: Config, journal: Journal, ca_file: str | None, insecure: bool) -> None:
        self._config = config
        self._journal = journal
        self._tls = tls_context(ca_file, insecure)
        self._slots = asyncio.Semaphore(config.hook_connections)
        self._client: Client | None = None
        self._client_url = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._owners: dict[str, str] = {}

    def send(self, shipment: Shipment, event_type: str, body: bytes) -> None:
        """Queues an event behind the earlier ones of its order."""
        shipment.outgoing.append(Outgoing(event_type, body))
        if not shipment.sending:
            shipment.sending = True
            self._start(self._drain(shipment))

    def send_beside(self, shipment: Shipment, event_type: str, body: bytes) -> None:
        """Sends past the queue: a re-delivery that overtakes, as a marketplace with several senders produces them."""
        self._start(self._deliver(shipment, Outgoing(event_type, body)))

    def forget(self) -> None:
        """Ends all sending; queued events are dropped."""
        for task in self._tasks:
            task.cancel()
        self._owners.clear()

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, shipment: Shipment) -> None:
        try:
            while shipment.outgoing:
                await self._deliver(shipment, shipment.outgoing[0])
                shipment.outgoing.popleft()
        finally:
            shipment.sending = False

    async def _deliver(self, shipment: Shipment, event: Outgoing) -> None:
        attempt = 0
        while True:
            attempt += 1
            async with self._slots:
                response = await self._attempt(shipment, event, attempt)
            if response is not None and 200 <= response.status < 300:
                shipment.delivered_events.append(event.event_type)
                self._remember_number(shipment, event, response)
                return
            if 0 < self._config.attempt_limit <= attempt:
                self._journal.anomaly("webhook_given_up", shipment.id, f"{event.event_type} after {attempt} attempts")
                return
            wait_ms = min(self._config.retry_ms * 2 ** min(attempt - 1, 16), self._config.retry_limit_ms)
            await asyncio.sleep(wait_ms / 1000)

    async def _attempt(self, shipment: Shipment, event: Outgoing, attempt: int) -> Response | None:
        started = time.monotonic()
        response, error = None, None
        try:
            response = await self._post(event.body)
        except NO_ANSWER as problem:
            error = f"{type(problem).__name__}: {problem}"
        text = response.body[:ANSWER_TEXT_LIMIT].decode("utf-8", "replace") if response else None
        self._journal.counts["webhook_attempts"] += 1
        self._journal.counts["webhooks_delivered"] += response is not None and 200 <= response.status < 300
        self._journal.add("webhook", {
            "order": shipment.id, "type": event.event_type, "attempt": attempt, "error": error, "answer": text,
            "status": response.status if response else None, "took_ms": round((time.monotonic() - started) * 1000, 1)})
        return response

    async def _post(self, body: bytes) -> Response:
        if not self._config.hook_url:
            raise ConnectionError("no hook URL is set")
        if self._client is None or self._client_url != self._config.hook_url:
            self._client_url = self._config.hook_url
            parts = urlsplit(self._client_url)
            self._client = Client(f"{parts.scheme}://{parts.netloc}", self._tls)
        path = urlsplit(self._client_url).path or "/"
        return await self._client.request("POST", path, body, {"Client-Token": self._config.hook_token},
                                          self._config.hook_timeout_ms / 1000)

    def _remember_number(self, shipment: Shipment, event: Outgoing, response: Response) -> None:
        """The merchant's number must come with order.created, never change, and belong to one order only."""
        try:
            number = json.loads(response.body).get("number")
        except (ValueError, AttributeError):
            number = None
        if number is None:
            if event.event_type == "order.created":
                self._journal.anomaly("number_missing", shipment.id, "order.created was answered without a number")
            return
        number = str(number)
        if shipment.number is None:
            shipment.number = number
        elif shipment.number != number:
            self._journal.anomaly("number_changed", shipment.id, f"{shipment.number}, then {number}")
        if self._owners.setdefault(number, shipment.id) != shipment.id:
            self._journal.anomaly("number_not_unique", shipment.id, f"{number} already belongs to {self._owners[number]}")


def event_bytes(body: dict[str, Any]) -> bytes:
    return dump_json(body)
