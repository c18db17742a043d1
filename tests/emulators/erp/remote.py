"""For tests: start the ERP as a process and steer it."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

from wire.remote import Remote, package_root, running

TOKEN = "push-token-of-the-tests"


class Erp(Remote):
    """One running ERP. Over HTTPS the control API has it too: `ca_file` is then what it is checked with."""

    def __init__(self, base_url: str, ca_file: str | None) -> None:
        super().__init__(base_url)
        self.push_url = f"{base_url}/push"
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file else None

    def control(self, method: str, path: str, value: Any = None, **query: Any) -> Any:
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"{self.base_url}/_control/{path}", body, method=method)
        with urllib.request.urlopen(request, timeout=30, context=self._tls) as answer:
            return json.load(answer)

    def books(self) -> dict[int, dict[str, Any]]:
        return {one["id"]: one for one in self.control("GET", "books")["documents"]}

    def steps(self, order: str) -> list[str]:
        return self.control("GET", "books")["steps"].get(order, [])

    def anomalies(self) -> list[str]:
        return self.control("GET", "anomalies")["anomalies"]

    def refuse(self, **reasons: str) -> None:
        """By "documents:H1" or "orders:H1"."""
        self.control("POST", "refuse", reasons)

    def take_with(self, status: int) -> None:
        self.control("POST", "status", {"status": status})


@contextlib.contextmanager
def start(*options: str, ca_file: str | None = None) -> Iterator[Erp]:
    environment = {**os.environ, "PYTHONPATH": str(package_root())}
    with running([sys.executable, "-m", "erp", *options], env=environment) as url:
        yield Erp(url, ca_file)
