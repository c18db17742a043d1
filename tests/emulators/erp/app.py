"""Puts the parts together: pushes, and the control API beside them."""

from __future__ import annotations

import json
from typing import Any

from erp.books import Books
from erp.rules import FIELDS, Refusal, check_fields, check_headers
from kuper.faults import Fault, Faults, pause
from wire.message import Answer, Request, json_answer

PREFIX = "/push/"
CONTROL = "/_control/"


class App:
    def __init__(self, token: str, secret: str) -> None:
        self._token, self._secret = token, secret
        self._faults = Faults()
        self._reset()

    def _reset(self) -> None:
        self._faults.clear()
        self.books = Books()
        self.answers: dict[str, tuple[bytes, Answer]] = {}
        self.journal: list[dict[str, Any]] = []
        self.anomalies: list[str] = []
        self._busy: dict[str, Request] = {}
        self.taken_status = 200

    async def handle(self, request: Request) -> Answer:
        if request.path.startswith(CONTROL):
            return self._control(request)
        order = self._order_of(request)
        self._look_for_another(request, order)
        self._busy[order] = request
        try:
            return await self._with_faults(request, order)
        finally:
            if self._busy.get(order) is request:
                del self._busy[order]

    def _look_for_another(self, request: Request, order: str) -> None:
        """One key may come twice at once: a sender that was killed does not take back what is on its way, and its successor repeats it."""
        other = self._busy.get(order)
        if other is not None and self._key_of(other) != self._key_of(request):
            self.anomalies.append(f"two of {order} at once")

    @staticmethod
    def _key_of(request: Request) -> str:
        return request.headers.get("idempotency-key", "")

    @staticmethod
    def _order_of(request: Request) -> str:
        try:
            return str(json.loads(request.body)["externalId"])
        except (ValueError, KeyError, TypeError):
            return ""

    async def _with_faults(self, request: Request, order: str) -> Answer:
        fault = self._faults.take(request, None, order)
        real = self._push(request) if fault is None or fault.processed else None
        self.journal.append({"order": order, "path": request.path, "key": self._key_of(request),
                             "body": request.body.decode("utf-8", "replace"), "headers": request.headers,
                             "status": int(real.raw[9:12]) if real else None, "fault": fault.kind if fault else None})
        await pause(fault)
        if fault is not None:
            return fault.answer(real)
        assert real is not None
        return real

    def _push(self, request: Request) -> Answer:
        kind = request.path.removeprefix(PREFIX)
        if not request.path.startswith(PREFIX) or kind not in FIELDS:
            return json_answer(404, {"message": "nothing is taken here"})
        if request.method != "POST":
            return json_answer(405, {"message": "POST, please"})
        try:
            key = check_headers(request.headers, request.body, self._token, self._secret)
        except Refusal as refusal:
            return json_answer(refusal.status, {"reason": refusal.reason})
        if key in self.answers:
            return self._again(key, request.body)
        answer = self._take(kind, key, request.body)
        self.answers[key] = (request.body, answer)
        return answer

    def _again(self, key: str, body: bytes) -> Answer:
        """The answer of the first time."""
        first, answer = self.answers[key]
        if body != first:
            self.anomalies.append(f"key {key} means two things")
            return json_answer(422, {"reason": "the key was used for something else"})
        return answer

    def _take(self, kind: str, key: str, body: bytes) -> Answer:
        try:
            value = json.loads(body)
            check_fields(kind, value, key)
            self.books.take(kind, value)
        except ValueError:
            return json_answer(400, {"reason": "no JSON"})
        except Refusal as refusal:
            return json_answer(refusal.status, {"reason": refusal.reason})
        return json_answer(self.taken_status, {"taken": value["seq"]})

    # --- the control API

    def _control(self, request: Request) -> Answer:
        word = request.path.removeprefix(CONTROL)
        if request.method == "GET":
            return json_answer(200, {
                "journal": lambda: {"entries": self.journal},
                "anomalies": lambda: {"anomalies": self.anomalies},
                "books": lambda: {"documents": list(self.books.documents.values()), "steps": self.books.steps},
            }[word]())
        if word == "faults" and request.method == "DELETE":
            self._faults.clear()
        elif word == "faults":
            self._faults.add(Fault(**{"path": "*", **request.json()}))
        elif word == "refuse":
            self.books.refused = request.json()
        elif word == "status":
            self.taken_status = request.json()["status"]
        elif word == "reset":
            self._reset()
        else:
            return json_answer(404, {"error": "no such call"})
        return json_answer(200, {})
