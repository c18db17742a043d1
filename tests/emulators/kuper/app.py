"""Puts the parts together and sends each request to its part."""

from __future__ import annotations

from pathlib import Path

from kuper.auth import Auth
from kuper.config import Config
from kuper.control import PREFIX as CONTROL_PREFIX
from kuper.control import Control
from kuper.faults import Fault, Faults, path_group, pause
from kuper.journal import Journal
from kuper.marketplace import Marketplace
from kuper.notifications import Notifications
from kuper.pull import PREFIX as PULL_PREFIX
from kuper.pull import Pull
from kuper.webhooks import Webhooks
from wire.message import Answer, Request, json_answer

_NOTIFICATIONS = frozenset({"/v1/notifications", "/v3/notifications"})


class App:
    def __init__(self, config: Config, journal_path: Path | None, ca_file: str | None, insecure: bool) -> None:
        self.journal = Journal(journal_path)
        self._faults = Faults()
        self._auth = Auth(config)
        webhooks = Webhooks(config, self.journal, ca_file, insecure)
        market = Marketplace(config, self.journal, webhooks)
        self._notifications = Notifications(market, self._auth, self._faults, self.journal)
        self._pull = Pull(market, self._auth)
        self._control = Control(config, market, self._auth, self._faults, self.journal)

    async def handle(self, request: Request) -> Answer:
        if request.method == "POST" and request.path in _NOTIFICATIONS:
            return await self._notifications.handle(request)
        if request.path.startswith(CONTROL_PREFIX):
            return await self._control.handle(request)
        return await self._with_faults(request)

    async def _with_faults(self, request: Request) -> Answer:
        """Token and pull requests: faults first, then the real answer, then one line in the journal."""
        order = request.path[len(PULL_PREFIX):].strip("/").split("/")[0] if request.path.startswith(PULL_PREFIX) else ""
        fault = self._faults.take(request, None, order or None)
        real = self._route(request) if fault is None or fault.processed else None
        self._write(request, order, fault, real)
        await pause(fault)
        if fault is not None:
            return fault.answer(real)
        assert real is not None
        return real

    def _route(self, request: Request) -> Answer:
        if request.path == "/auth/token" and request.method == "POST":
            return self._auth.issue(request)
        if request.path.startswith(PULL_PREFIX) and request.method == "GET":
            return self._pull.handle(request)
        return json_answer(404, {"error": {"type": "not-found", "title": "no such address", "status": 404}})

    def _write(self, request: Request, order: str, fault: Fault | None, real: Answer | None) -> None:
        self.journal.add("request", {
            "order": order or None, "type": path_group(request.path), "method": request.method, "path": request.path,
            "query": request.query_text, "status": int(real.raw[9:12]) if real else None,
            "connection": request.connection.number, "fault": fault.kind if fault else None})
