"""Requests, answers and the reading of both from a stream."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

HEAD_LIMIT_BYTES = 64 * 1024
BODY_LIMIT_BYTES = 16 * 1024 * 1024

_REASONS = {status.value: status.phrase for status in HTTPStatus}


class ProtocolError(Exception):
    """The peer did not speak HTTP/1.1 within our limits. `status` is what a server should answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Ending(Enum):
    """What happens to the connection after the bytes of an answer."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query_text: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool
    connection: "Any" = None

    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_text, keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON; an empty body counts as an empty object."""
        return json.loads(self.body) if self.body else {}


@dataclass(slots=True)
class Answer:
    """Raw bytes to send and what to do then."""

    raw: bytes
    ending: Ending = Ending.KEEP


@dataclass(slots=True)
class Response:
    """What a client got."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


def dump_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def answer(status: int, body: bytes = b"", content_type: str = "application/json",
           headers: dict[str, str] | None = None) -> Answer:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}", f"Content-Length: {len(body)}"]
    if body:
        lines.append(f"Content-Type: {content_type}")
    lines.extend(f"{name}: {value}" for name, value in (headers or {}).items())
    return Answer("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def json_answer(status: int, value: Any, headers: dict[str, str] | None = None) -> Answer:
    return answer(status, dump_json(value), headers=headers)


def parse_head(head: bytes) -> tuple[str, dict[str, str]]:
    """First line and the header fields, names in lower case; a repeated field keeps its last value."""
    lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        if not line:
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise ProtocolError(400, "header line without a colon")
        headers[name.lower()] = value.strip()
    return lines[0], headers


async def read_head(reader: asyncio.StreamReader) -> bytes | None:
    """Bytes up to the empty line, or None when the peer closed between two messages."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise ProtocolError(400, "connection closed inside a header") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise ProtocolError(431, "header too large") from error


async def read_chunked(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        length_text = (await reader.readline()).split(b";")[0].strip()
        try:
            length = int(length_text, 16)
        except ValueError as error:
            raise ProtocolError(400, "bad chunk length") from error
        size += length
        if size > BODY_LIMIT_BYTES:
            raise ProtocolError(413, "body too large")
        if length == 0:
            break
        parts.append(await reader.readexactly(length))
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return b"".join(parts)


async def read_sized(reader: asyncio.StreamReader, length_text: str) -> bytes:
    if not length_text.isdigit():
        raise ProtocolError(400, "bad Content-Length")
    length = int(length_text)
    if length > BODY_LIMIT_BYTES:
        raise ProtocolError(413, "body too large")
    return await reader.readexactly(length) if length else b""


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    head = await read_head(reader)
    if head is None:
        return None
    first, headers = parse_head(head)
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise ProtocolError(400, "bad request line")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = await read_chunked(reader)
    else:
        body = await read_sized(reader, headers.get("content-length", "0"))
    path, _, query_text = words[1].partition("?")
    wish = headers.get("connection", "").lower()
    keep_alive = wish != "close" and (words[2] == "HTTP/1.1" or wish == "keep-alive")
    return Request(words[0], unquote(path) if "%" in path else path, query_text, headers, body, keep_alive)


async def read_response(reader: asyncio.StreamReader) -> tuple[Response, bool]:
    """One response and whether the connection may be used again. Interim 1xx answers are skipped."""
    while True:
        head = await read_head(reader)
        if head is None:
            raise ConnectionResetError("closed without an answer")
        first, headers = parse_head(head)
        words = first.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
            raise ProtocolError(502, "answer is not HTTP")
        if not words[1].startswith("1"):
            break
    reusable = headers.get("connection", "").lower() != "close"
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = await read_chunked(reader)
    elif "content-length" in headers:
        body = await read_sized(reader, headers["content-length"])
    elif words[1] in ("204", "304"):
        body = b""
    else:
        body = await reader.read(BODY_LIMIT_BYTES)
        reusable = False
    return Response(int(words[1]), headers, body), reusable
