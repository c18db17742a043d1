"""HTTP/1.1 client with a pool of kept connections and TLS.

It never repeats a request by itself: who calls it knows whether a repeat is allowed and under which request id.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from urllib.parse import urlsplit

from wire.message import HEAD_LIMIT_BYTES, ProtocolError, Response, read_response

IDLE_LIMIT = 64

# Everything that can go wrong between a request and its answer, for callers that treat all of it as "no answer".
NO_ANSWER = (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, ProtocolError)

_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def tls_context(ca_file: str | None = None, insecure: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    """Requests to one origin. `base_url` may end in a path, which is put before every path asked for."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None = None, timeout_s: float = 10.0) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http or https address: {base_url}")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._prefix = parts.path.rstrip("/")
        self._tls = (tls or tls_context()) if parts.scheme == "https" else None
        self._timeout_s = timeout_s
        self._idle: list[_Stream] = []

    async def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None,
                      timeout_s: float | None = None) -> Response:
        return await asyncio.wait_for(self._exchange(method, path, body, headers or {}), timeout_s or self._timeout_s)

    def close(self) -> None:
        for _, writer in self._idle:
            _close_quietly(writer)
        self._idle.clear()

    async def _exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Response:
        reader, writer = await self._take()
        kept = False
        try:
            writer.write(self._head(method, path, body, headers) + body)
            await writer.drain()
            response, kept = await read_response(reader)
            return response
        finally:
            if kept and len(self._idle) < IDLE_LIMIT:
                self._idle.append((reader, writer))
            else:
                _close_quietly(writer)

    async def _take(self) -> _Stream:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            _close_quietly(writer)
        return await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=HEAD_LIMIT_BYTES)

    def _head(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", f"Host: {self._host}:{self._port}",
                 f"Content-Length: {len(body)}"]
        if body:
            lines.append("Content-Type: application/json")
        lines.extend(f"{name}: {value}" for name, value in headers.items())
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _close_quietly(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
