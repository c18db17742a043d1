"""For tests without asyncio: start a double as a process and call its control API."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

START_LIMIT_S = 10.0
STOP_LIMIT_S = 30.0


class ControlError(Exception):
    """The control API refused; `value` is its answer."""

    def __init__(self, status: int, value: Any) -> None:
        super().__init__(f"{status}: {value}")
        self.status = status
        self.value = value


class Remote:
    """A running double."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._address = urlsplit(base_url)

    def request(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None,
                timeout_s: float = 70.0) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own: status, headers with names in lower case, body."""
        assert self._address.hostname is not None
        connection = http.client.HTTPConnection(self._address.hostname, self._address.port, timeout=timeout_s)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def control(self, method: str, path: str, value: Any = None, **query: Any) -> Any:
        body = None if value is None else json.dumps(value).encode()
        target = f"/_control/{path}" + (f"?{urlencode(query)}" if query else "")
        status, _, data = self.request(method, target, body, {"Content-Type": "application/json"})
        answer = json.loads(data)
        if status != 200:
            raise ControlError(status, answer)
        return answer

    def fault(self, kind: str, **details: Any) -> None:
        self.control("POST", "faults", {"kind": kind, **details})

    def clear_faults(self) -> None:
        self.control("DELETE", "faults")

    def journal(self, **query: Any) -> list[dict[str, Any]]:
        return self.control("GET", "journal", **query)["entries"]

    def reset(self) -> None:
        self.control("POST", "reset", {})


@contextlib.contextmanager
def running(command: list[str], **options: Any) -> Iterator[str]:
    """Runs a double until the block ends; gives the address it printed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    try:
        yield read_address(process)
    finally:
        process.terminate()
        process.wait(timeout=STOP_LIMIT_S)


def read_address(process: subprocess.Popen[str]) -> str:
    """The address from the line `…: listening on http://…` that a double prints when it is ready."""
    assert process.stdout is not None
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if "listening on " in line:
            return line.split("listening on ")[1].strip()
        if not line and process.poll() is not None:
            break
    process.kill()
    raise RuntimeError(f"the double did not start (exit code {process.wait()})")


def package_root() -> Path:
    """The folder that must be on PYTHONPATH."""
    return Path(__file__).resolve().parent.parent
