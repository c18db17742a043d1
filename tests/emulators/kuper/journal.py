"""What happened, in order: every notification, read, token request and webhook, and what looked wrong about them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from kuper.model import Shipment
from kuper.rules import Verdict

ENTRY_LIMIT = 200_000
ANOMALY_LIMIT = 10_000
FLUSH_S = 0.2

# The order in which a merchant may send; `order.canceled` fits anywhere before the end.
_RANK = {"order.accepted": 1, "order.in_work": 2, "order.assembled": 3, "order.pickup_code_created": 3,
         "order.ready_for_delivery": 4, "order.delivering": 5, "order.delivered": 6, "order.canceled": 7}
_NEEDS_WORK = frozenset({"order.assembled", "order.ready_for_delivery", "order.delivering", "order.delivered"})


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Journal:
    """Bounded in memory (the oldest entries go first); the file, if there is one, keeps everything."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=ENTRY_LIMIT)
        self.anomalies: deque[dict[str, Any]] = deque(maxlen=ANOMALY_LIMIT)
        self.counts: Counter[str] = Counter()
        self._sequence = 0
        self._file: TextIO | None = path.open("a", encoding="utf-8", buffering=1 << 16) if path else None
        self._flush_due = False
        self._waiters: set[asyncio.Future[None]] = set()

    def add(self, kind: str, entry: dict[str, Any]) -> dict[str, Any]:
        self._sequence += 1
        entry = {"n": self._sequence, "kind": kind, "at_ms": now_ms(), **entry}
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")
            self._flush_later()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        return entry

    def anomaly(self, kind: str, order: str, detail: str) -> None:
        self.counts["anomalies"] += 1
        self.anomalies.append(self.add("anomaly", {"anomaly": kind, "order": order, "detail": detail}))

    def since(self, after: int, **wanted: str | None) -> list[dict[str, Any]]:
        """Entries numbered above `after` whose fields equal the wanted ones; None means any."""
        matches = {key: value for key, value in wanted.items() if value is not None}
        first = self.entries[0]["n"] if self.entries else 0
        skip = max(0, after + 1 - first)
        return [entry for entry in islice(self.entries, skip, None)
                if all(entry.get(key) == value for key, value in matches.items())]

    async def wait(self, timeout_s: float) -> None:
        """Until the next entry or the time-out."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait_for(waiter, timeout_s)
        except asyncio.TimeoutError:
            pass
        finally:
            self._waiters.discard(waiter)

    def clear(self) -> None:
        self.entries.clear()
        self.anomalies.clear()
        self.counts.clear()

    def flush(self) -> None:
        self._flush_due = False
        if self._file is not None:
            self._file.flush()

    def _flush_later(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_later(FLUSH_S, self.flush)


def check_acceptance(journal: Journal, shipment: Shipment, event_type: str, payload: dict[str, Any],
                     verdict: Verdict) -> None:
    """Flags what a well-behaved merchant never does. Called for accepted notifications, before they are remembered."""
    before = shipment.accepted_types
    if event_type in before:
        journal.anomaly("accepted_twice", shipment.id, event_type)
    elif _out_of_order(before, event_type):
        journal.anomaly("accepted_out_of_order", shipment.id, f"{event_type} after {', '.join(before) or 'nothing'}")
    elif verdict.next_phase is None:
        journal.anomaly("accepted_against_the_rules", shipment.id, f"{event_type} in {shipment.phase}, row {verdict.row}")
    number = payload.get("number")
    if number is not None and shipment.number is not None and str(number) != shipment.number:
        journal.anomaly("number_differs", shipment.id, f"{event_type} says {number}, the hook said {shipment.number}")


def _out_of_order(before: list[str], event_type: str) -> bool:
    if event_type in _NEEDS_WORK and "order.in_work" not in before:
        return True
    if not before:
        return False
    if "order.canceled" in before or "order.delivered" in before:
        return True
    return _RANK[event_type] < max(_RANK[name] for name in before)
