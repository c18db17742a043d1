"""HTTP/1.1 server with keep-alive for one handler."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wire.message import HEAD_LIMIT_BYTES, Answer, Ending, ProtocolError, Request, json_answer, read_request

Handler = Callable[[Request], Awaitable[Answer]]


@dataclass(slots=True)
class Connection:
    """One accepted connection. The number goes into journals, so that tests can tell reuse from a new connection."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def peer_left(self) -> bool:
        return self.reader.at_eof() or self.writer.is_closing()

    def reset(self) -> None:
        """Close with RST: linger 0 makes the kernel drop the connection instead of finishing it."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Server:
    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self.connection_count = 0
        self.port = 0

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, host, port, limit=HEAD_LIMIT_BYTES, backlog=1024, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        connection = Connection(self.connection_count, reader, writer)
        try:
            while await self._serve_one(connection):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except ProtocolError as error:
            writer.write(json_answer(error.status, {"error": str(error)}).raw)
        finally:
            with contextlib.suppress(ConnectionError, RuntimeError):
                writer.close()

    async def _serve_one(self, connection: Connection) -> bool:
        request = await read_request(connection.reader, connection.writer)
        if request is None:
            return False
        request.connection = connection
        reply = await self._handler(request)
        if reply.raw:
            connection.writer.write(reply.raw)
            await connection.writer.drain()
        if reply.ending is Ending.RESET:
            connection.reset()
        return reply.ending is Ending.KEEP and request.keep_alive
