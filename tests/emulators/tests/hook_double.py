"""A merchant's hook for the webhook tests: records what comes and answers by a script."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATH = "/sbermarket/orders/hook/"


class HookDouble:
    """Answers with the statuses of `script` first and with 200 afterwards; order.created gets `number(order id)`."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.received: list[dict[str, Any]] = []
        self.script: list[int] = []
        self.number: Callable[[str], str | None] = lambda order: f"RT-{order}"
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._server.daemon_threads = True
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}{PATH}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count: int, limit_s: float = 10.0) -> list[dict[str, Any]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= count, limit_s), self.types()
            return list(self.received)

    def types(self) -> list[str]:
        return [entry["body"]["event_type"] for entry in self.received]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        value = json.loads(body)
        order = value["payload"].get("originalOrderId", "")
        with self._changed:
            status = self.script.pop(0) if self.script else 200
            self.received.append({"path": path, "headers": headers, "body": value, "status": status})
            self._changed.notify_all()
        answer: dict[str, Any] = {"status": "ok"}
        if self.number(order) is not None:
            answer["number"] = self.number(order)
        return status, json.dumps(answer).encode()

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, answer = hook.take(self.path, headers, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *words: Any) -> None:
                pass

        return Handler


def make_certificate(directory: Path) -> Path:
    """A self-signed certificate and its key in one file."""
    path = directory / "hook.pem"
    key = directory / "hook.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", key, "-out", path], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path
