"""POST /v1/notifications: authorisation, rules, effect, journal, faults."""

from __future__ import annotations

import json
import time
from typing import Any

from kuper.auth import Auth
from kuper.faults import Fault, Faults, pause
from kuper.journal import Journal
from kuper.marketplace import Marketplace
from kuper.model import Shipment
from kuper.rules import Notification, Verdict, judge_order, judge_shape, parse, refusal, relaxed
from wire.message import Answer, Request, answer, json_answer

BODY_TEXT_LIMIT = 4096
_OK = answer(200)


class Notifications:
    def __init__(self, market: Marketplace, auth: Auth, faults: Faults, journal: Journal) -> None:
        self._market = market
        self._auth = auth
        self._faults = faults
        self._journal = journal

    async def handle(self, request: Request) -> Answer:
        started = time.monotonic()
        body, note = _read(request)
        shipment = self._market.find(note) if isinstance(note, Notification) and isinstance(note.payload, dict) else None
        known = note if isinstance(note, Notification) else None
        order = shipment.id if shipment else _order_text(known)
        fault = self._faults.take(request, known, order)
        self._mark_parallel(shipment, request, known)
        try:
            return await self._answer(request, note, shipment, fault, started, body)
        finally:
            if shipment is not None:
                shipment.active.remove(request.connection)

    async def _answer(self, request: Request, note: Notification | Verdict, shipment: Shipment | None,
                      fault: Fault | None, started: float, body: Any) -> Answer:
        real, verdict, auth = None, None, "none"
        if fault is None or fault.processed:
            auth, verdict = self._decide(request, note, shipment)
            real = _OK if verdict.accepted else _refused(verdict)
        known = note if isinstance(note, Notification) else None
        entry = self._journal.add("notification", {
            "order": shipment.id if shipment else _order_text(known), "type": known.type if known else None,
            "status": verdict.status if verdict else None, "row": verdict.row if verdict else None,
            "accepted": bool(verdict and verdict.accepted), "state": shipment.state if shipment else None,
            "auth": auth, "path": request.path, "connection": request.connection.number,
            "fault": fault.kind if fault else None, "body": body})
        self._count(verdict)
        await pause(fault)
        entry["took_ms"] = round((time.monotonic() - started) * 1000, 2)
        if fault is None:
            assert real is not None
            return real
        entry["answered"] = fault.answer(real).raw[9:12].decode("latin-1")
        return fault.answer(real)

    def _decide(self, request: Request, note: Notification | Verdict,
                shipment: Shipment | None) -> tuple[str, Verdict]:
        auth, refused = self._auth.check(request)
        if refused is not None:
            return auth, refused
        if isinstance(note, Verdict):
            return auth, note
        policy = self._market.config.policy
        verdict = judge_shape(note, policy)
        if verdict is None and shipment is None:
            verdict = refusal("A12", "order_id", "no such order")
        if verdict is None:
            assert shipment is not None
            verdict = judge_order(note, shipment, policy)
        if shipment is not None and isinstance(note.payload, dict):
            verdict = relaxed(verdict, policy)
            if verdict.accepted:
                self._market.apply(shipment, note, verdict)
        return auth, verdict

    def _mark_parallel(self, shipment: Shipment | None, request: Request, note: Notification | None) -> None:
        """One order's notifications must come one after another. A sender that gave up has closed its connection."""
        if shipment is None:
            return
        if any(not connection.peer_left() for connection in shipment.active):
            self._journal.anomaly("sent_in_parallel", shipment.id, note.type if note else "")
        shipment.active.append(request.connection)

    def _count(self, verdict: Verdict | None) -> None:
        counts = self._journal.counts
        counts["notifications"] += 1
        if verdict is not None:
            counts["accepted" if verdict.accepted else "rejected"] += 1
            counts[f"status_{verdict.status}"] += 1


def _read(request: Request) -> tuple[Any, Notification | Verdict]:
    """The body for the journal and what it says."""
    try:
        body = json.loads(request.body)
    except ValueError:
        text = request.body[:BODY_TEXT_LIMIT].decode("utf-8", "replace")
        return text, refusal("S0", None, "body is not JSON")
    return body, parse(body)


def _order_text(note: Notification | None) -> str | None:
    if note is None or not isinstance(note.payload, dict):
        return None
    return note.text("order_id") or note.text("orderUUID") or None


def _refused(verdict: Verdict) -> Answer:
    return answer(202) if verdict.status == 202 else json_answer(verdict.status, verdict.errors())
