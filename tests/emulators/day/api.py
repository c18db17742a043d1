"""The assembly API as a picking app uses it.

Every change has a request id and is repeated with it until it is answered; conflicts and refusals are told to the caller.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from wire.client import NO_ANSWER, Client, tls_context
from wire.message import Response, dump_json

PREFIX = "/sbermarket/orders/api/"
GIVE_UP_S = 90.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
UNEXPECTED_LIMIT = 100


class Conflict(Exception):
    """409: somebody else was faster, or our version is stale. Read the order again."""


class Refused(Exception):
    """Any other 4xx: repeating would not help."""

    def __init__(self, method: str, status: int, text: str) -> None:
        super().__init__(f"{method}: {status} {text}")
        self.status = status


class Away(Exception):
    """No useful answer for GIVE_UP_S."""


@dataclass(slots=True)
class Statistics:
    calls: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        values = sorted(self.took_ms)
        return round(values[min(int(len(values) * part), len(values) - 1)], 1) if values else 0.0


class AssemblyApi:
    def __init__(self, base_url: str, token: str, statistics: Statistics, ca_file: str | None = None) -> None:
        # The appliance's own certificate is self-signed; on loopback nobody can stand between.
        insecure = ca_file is None and urlsplit(base_url).hostname in LOOPBACK
        self._client = Client(base_url, tls_context(ca_file, insecure))
        self._token = token
        self._statistics = statistics

    async def read(self, method: str, **data: Any) -> dict[str, Any]:
        return await self._call(method, {"requestData": data})

    async def change(self, method: str, **data: Any) -> dict[str, Any]:
        """`requestData` with a new request id; the answer's `result.order` is the order as it is now."""
        return await self._call(method, {"requestId": str(uuid.uuid4()), "requestData": data})

    def close(self) -> None:
        self._client.close()

    async def _call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        data = dump_json(body)
        self._statistics.calls[method] += 1
        deadline = time.monotonic() + GIVE_UP_S
        pause_s = FIRST_PAUSE_S
        while time.monotonic() < deadline:
            response = await self._attempt(method, data)
            if response is not None and response.status < 500 and response.status not in (408, 429):
                return self._result(method, response)
            await asyncio.sleep(_pause(response, pause_s))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        raise Away(f"{method}: no answer for {GIVE_UP_S:.0f} s")

    async def _attempt(self, method: str, data: bytes) -> Response | None:
        started = time.monotonic()
        try:
            response = await self._client.request("POST", PREFIX + method, data, {"Client-Token": self._token})
        except NO_ANSWER:
            self._statistics.answers["none"] += 1
            return None
        self._statistics.took_ms.append((time.monotonic() - started) * 1000)
        self._statistics.answers[str(response.status)] += 1
        return response

    def _result(self, method: str, response: Response) -> dict[str, Any]:
        try:
            value = response.json()
        except ValueError:
            value = {}
        if response.status == 200 and isinstance(value.get("result"), dict):
            return value["result"]
        if response.status == 409:
            raise Conflict(method)
        text = response.body[:200].decode("utf-8", "replace")
        if len(self._statistics.unexpected) < UNEXPECTED_LIMIT:
            self._statistics.unexpected.append(f"{method}: {response.status} {text}")
        raise Refused(method, response.status, text)


def _pause(response: Response | None, usual_s: float) -> float:
    text = response.headers.get("retry-after", "") if response is not None else ""
    return max(usual_s, min(float(text), LONGEST_PAUSE_S)) if text.isdigit() else usual_s
