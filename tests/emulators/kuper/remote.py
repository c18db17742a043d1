"""For tests: start the emulator as a process and talk to it without asyncio.

    with kuper.remote.start(tmp_path, hook_url=…) as market:
        order = market.create(store_id="1201")
        market.notify("order.in_work", order["id"])
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wire.remote import Remote, package_root, running

HOOK_TOKEN = "hook-token-of-the-tests"
CLIENT_TOKEN = "client-token-of-the-tests"
OAUTH_ID = "client-id-of-the-tests"
OAUTH_SECRET = "client-secret-of-the-tests"


class Kuper(Remote):
    """One running emulator."""

    def __init__(self, base_url: str, client_token: str = CLIENT_TOKEN) -> None:
        super().__init__(base_url)
        self.client_token = client_token

    def notify(self, event_type: str, order_id: str, headers: dict[str, str] | None = None, path: str = "/v1/notifications",
               **payload: Any) -> tuple[int, Any]:
        """What a merchant sends; returns the status and the body: parsed, as text, or None."""
        return self.notify_raw({"event": {"type": event_type, "payload": {"order_id": order_id, **payload}}}, headers, path)

    def notify_raw(self, value: Any, headers: dict[str, str] | None = None,
                   path: str = "/v1/notifications") -> tuple[int, Any]:
        own = {"Client-Token": self.client_token, "Api-Version": "3.0", "Content-Type": "application/json"}
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        status, _, data = self.request("POST", path, body, own if headers is None else headers)
        try:
            return status, json.loads(data) if data else None
        except ValueError:
            return status, data.decode("utf-8", "replace")

    def read_state(self, order_id: str) -> dict[str, str]:
        headers = {"Client-Token": self.client_token}
        _, _, data = self.request("GET", f"/ofm/api/v1/shipments/{quote(order_id)}/state", None, headers)
        return json.loads(data)["data"]

    def create(self, **wish: Any) -> dict[str, Any]:
        return self.control("POST", "orders", wish)

    def order(self, order_id: str) -> dict[str, Any]:
        return self.control("GET", f"orders/{quote(order_id)}")

    def update(self, order_id: str, **change: Any) -> dict[str, Any]:
        return self.control("POST", f"orders/{quote(order_id)}/update", change)

    def cancel(self, order_id: str, **wish: Any) -> dict[str, Any]:
        return self.control("POST", f"orders/{quote(order_id)}/cancel", wish)

    def advance(self, order_id: str, to: str = "order.delivered", force: bool = False) -> dict[str, Any]:
        return self.control("POST", f"orders/{quote(order_id)}/advance", {"to": to, "force": force})

    def event(self, order_id: str, event_type: str, **wish: Any) -> dict[str, Any]:
        return self.control("POST", f"orders/{quote(order_id)}/event", {"event_type": event_type, **wish})

    def wait(self, order_id: str, state: str | None = None, timeout_ms: int = 60_000) -> dict[str, Any]:
        """Until the order shows this state and its webhooks are answered; ControlError 409 after the time-out."""
        query: dict[str, Any] = {"timeout_ms": timeout_ms, **({"state": state} if state else {})}
        return self.control("GET", f"orders/{quote(order_id)}/wait", **query)

    def notifications(self, order_id: str) -> list[tuple[str, int]]:
        """Type and status of everything that arrived for one order."""
        return [(entry["type"], entry["status"]) for entry in self.journal(kind="notification", order=order_id)]

    def anomalies(self) -> list[dict[str, Any]]:
        return self.control("GET", "anomalies")["anomalies"]

    def stats(self) -> dict[str, int]:
        return self.control("GET", "stats")

    def config(self, **values: Any) -> dict[str, Any]:
        return self.control("POST", "config", values)


@contextlib.contextmanager
def start(directory: Path, hook_url: str = "", *more: str, oauth: bool = True,
          insecure: bool = True) -> Iterator[Kuper]:
    """Runs the emulator with the secrets above, put into `directory`; it is ended on leaving."""
    options = ["--hook-url", hook_url, *_secret_options(directory, oauth), *(["--insecure"] if insecure else []), *more]
    environment = {**os.environ, "PYTHONPATH": str(package_root())}
    with running([sys.executable, "-m", "kuper", "--port", "0", *options], env=environment) as address:
        yield Kuper(address)


def _secret_options(directory: Path, oauth: bool) -> list[str]:
    secrets = [("hook-token", HOOK_TOKEN), ("client-token", CLIENT_TOKEN)]
    if oauth:
        secrets += [("oauth-id", OAUTH_ID), ("oauth-secret", OAUTH_SECRET)]
    options: list[str] = []
    for name, value in secrets:
        path = directory / f"kuper-{name}"
        path.write_text(value, encoding="utf-8")
        options += [f"--{name}-file", str(path)]
    return options
