"""Faults that the control API queues for the next matching requests."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from typing import Any

from kuper.rules import Notification
from wire.message import Answer, Ending, Request, answer

FAULT_LIMIT = 1000
HUGE_BYTES = 10 * 1024 * 1024
GARBAGE = b"\x16\x03\x01\x00\xa5 this is not HTTP \x00\xff\r\n\r\n"

# What each kind of fault does to the order (is the request processed?) and to the connection; "own" answers `status`, `body`.
#   kind            processed  answer      ending
KINDS: dict[str, tuple[bool, str, Ending]] = {
    "status":       (False,    "own",      Ending.KEEP),
    "delay":        (True,     "real",     Ending.KEEP),
    "close_before": (False,    "none",     Ending.CLOSE),
    "close_after":  (True,     "none",     Ending.CLOSE),
    "reset":        (False,    "none",     Ending.RESET),
    "reset_after":  (True,     "none",     Ending.RESET),
    "half":         (True,     "half",     Ending.CLOSE),
    "garbage":      (False,    "garbage",  Ending.CLOSE),
    "huge":         (False,    "huge",     Ending.KEEP),
}

_PATHS = {"/v1/notifications": "notifications", "/v3/notifications": "notifications", "/auth/token": "token"}


def path_group(path: str) -> str:
    """notifications, token, state, shipments or other: the names that faults match on."""
    group = _PATHS.get(path)
    if group is not None:
        return group
    if path.startswith("/ofm/api/v1/shipments"):
        return "state" if path.endswith("/state") else "shipments"
    return "other"


@dataclass(slots=True)
class Fault:
    """`count` matching requests are hit after `skip` were let through; a count of 0 means until cleared."""

    kind: str
    path: str = "notifications"
    order: str | None = None
    type: str | None = None
    count: int = 1
    skip: int = 0
    status: int | None = None
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_ms: int = 0
    size_bytes: int = HUGE_BYTES
    process: bool | None = None
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")

    @property
    def processed(self) -> bool:
        return KINDS[self.kind][0] if self.process is None else self.process

    def matches(self, group: str, order: str | None, event_type: str | None) -> bool:
        return (self.path in (group, "*") and self.order in (None, order) and self.type in (None, event_type)
                and (self.count == 0 or self.hits < self.count))

    def answer(self, real: Answer | None) -> Answer:
        """The bytes this fault sends instead of the real answer, which is None when nothing was processed."""
        _, form, ending = KINDS[self.kind]
        raw = {"own": self._own, "real": lambda: real.raw if real else b"", "none": lambda: b"",
               "half": lambda: self._half(real), "garbage": lambda: GARBAGE, "huge": self._huge}[form]()
        return Answer(raw, ending)

    def _own(self) -> bytes:
        body = (self.body or "").encode()
        kind = "application/json" if body[:1] in (b"{", b"[") else "text/html"
        return answer(self.status or 503, body, kind, self.headers).raw

    def _half(self, real: Answer | None) -> bytes:
        """The head promises a body of which only half comes, so that no client can take it for whole."""
        promised = answer(200, b'{"status":"success","data":{}}').raw
        raw = real.raw if real and not real.raw.endswith(b"\r\n\r\n") else promised
        return raw[:-max(1, (len(raw) - raw.index(b"\r\n\r\n") - 4) // 2)]

    def _huge(self) -> bytes:
        return answer(self.status or 200, b"A" * self.size_bytes, "text/plain", self.headers).raw

    def show(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    def __init__(self) -> None:
        self.queue: list[Fault] = []

    def add(self, fault: Fault) -> None:
        if len(self.queue) >= FAULT_LIMIT:
            raise ValueError(f"more than {FAULT_LIMIT} faults are queued")
        self.queue.append(fault)

    def clear(self) -> None:
        self.queue.clear()

    def take(self, request: Request, note: Notification | None = None, order: str | None = None) -> Fault | None:
        """The first fault that wants this request, with its count taken down."""
        if not self.queue:
            return None
        group = path_group(request.path)
        for fault in self.queue:
            if not fault.matches(group, order, note.type if note else None):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.hits += 1
            if fault.count and fault.hits >= fault.count:
                self.queue.remove(fault)
            return fault
        return None


async def pause(fault: Fault | None) -> None:
    if fault is not None and fault.delay_ms > 0:
        await asyncio.sleep(fault.delay_ms / 1000)
