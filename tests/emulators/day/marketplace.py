"""The emulator's control API, asynchronous, for the director of the day."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from wire.client import Client
from wire.message import dump_json

LONG_POLL_MS = 1000


class MarketError(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"marketplace emulator: {status} {text}")
        self.status = status


class Market:
    def __init__(self, base_url: str) -> None:
        self._client = Client(base_url, timeout_s=70.0)

    async def control(self, method: str, path: str, value: Any = None, **query: Any) -> Any:
        body = b"" if value is None else dump_json(value)
        target = f"/_control/{path}" + (f"?{urlencode(query)}" if query else "")
        response = await self._client.request(method, target, body)
        if response.status != 200:
            raise MarketError(response.status, response.body[:200].decode("utf-8", "replace"))
        return response.json()

    async def order_action(self, order_id: str, action: str, value: Any = None) -> Any:
        return await self.control("POST", f"orders/{quote(order_id)}/{action}", value or {})

    async def answered(self, order_id: str, timeout_ms: int = 60_000) -> Any:
        """Waits until every webhook of the order was answered."""
        return await self.control("GET", f"orders/{quote(order_id)}/wait", timeout_ms=timeout_ms)

    async def notifications_after(self, number: int) -> list[dict[str, Any]]:
        answer = await self.control("GET", "journal", kind="notification", after=number, wait_ms=LONG_POLL_MS)
        return answer["entries"]

    def close(self) -> None:
        self._client.close()
