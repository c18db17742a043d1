"""A picker: looks for the most urgent order of the store, picks it line by line, finishes it."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from day.api import AssemblyApi, Away, Conflict, Refused
from day.plan import CANCELED_BY_STORE, DELIVERED, DURING
from day.record import Record, Wish, lines_to_put_back, open_lines

POLL_S = 0.3
STEP_LIMIT = 500
CLOSED = ("canceled", "delivered")
WORKABLE = ("new", "accepted", "assembling")


class Gone(Exception):
    """The order is no longer ours to assemble."""


class Picker:
    def __init__(self, name: str, store_id: str, api: AssemblyApi, records: dict[str, Record], think_s: float,
                 seen_limit_s: float) -> None:
        self.name = name
        self._store_id = store_id
        self._api = api
        self._records = records
        self._think_s = think_s
        self._seen_limit_s = seen_limit_s
        # Only the rhythm is random here; what is picked comes from the plan.
        self._rhythm = random.Random(name)

    async def work(self) -> None:
        """Until cancelled."""
        while True:
            try:
                row = await self._next_order()
                if row is not None:
                    await self._assemble(self._records[row["externalId"]], row)
                    continue
            except (Conflict, Gone, Refused, Away):
                # Somebody else has it, it was cancelled, or the service is away: the list tells what to do next.
                pass
            await asyncio.sleep(POLL_S * self._rhythm.uniform(0.5, 1.5))

    async def _next_order(self) -> dict[str, Any] | None:
        rows: list[dict[str, Any]] = []
        after: dict[str, Any] = {}
        while True:
            page = await self._api.read("getOrders", storeId=self._store_id, states=list(WORKABLE), **after)
            rows += page["orders"]
            if not page.get("next"):
                break
            after = {"after": page["next"]}
        mine = [row for row in rows if self._wanted(row)]
        return min(mine, key=lambda row: (row["state"] != "assembling", row.get("deadline") or "~")) if mine else None

    def _wanted(self, row: dict[str, Any]) -> bool:
        record = self._records.get(row["externalId"])
        if record is None or not record.takeable or row["state"] not in WORKABLE:
            return False
        return row.get("pickerId") == self.name if row["state"] == "assembling" else not row.get("pickerId")

    async def _assemble(self, record: Record, row: dict[str, Any]) -> None:
        record.number = row["number"]
        if row["state"] == "assembling":
            order = await self._read(record)
        else:
            order = (await self._api.change("takeOrder", number=record.number, pickerId=self.name))["order"]
        record.taken_by = self.name
        for _ in range(STEP_LIMIT):
            order = await self._step(record, order)
            if order["state"] not in WORKABLE:
                self._close(record, order)
                return
        raise Gone(record.id)

    async def _step(self, record: Record, order: dict[str, Any]) -> dict[str, Any]:
        """One line, or what comes when no line is left. A conflict only means: look again and go on."""
        lines = open_lines(order)
        left = [line for line in lines if not record.wish(line).met_by(line)]
        try:
            if record.stops_halfway and not record.half_picked.is_set() and len(left) <= len(lines) // 2:
                return await self._halfway(record, order)
            if left:
                return await self._pick(record, order, left[0])
            for line in lines_to_put_back(order):
                return await self._put_back(record, order, line)
            return await self._finish(record, order)
        except (Conflict, Refused) as problem:
            fresh = await self._read(record)
            # A refusal that the order's state does not explain would come again and again.
            if isinstance(problem, Refused) and fresh["version"] == order["version"]:
                record.faults.append(str(problem))
                raise
            return fresh

    async def _pick(self, record: Record, order: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(self._think_s * self._rhythm.uniform(0.5, 1.5))
        wish = record.wish(line)
        data: dict[str, Any] = {"number": record.number, "pickerId": self.name, "version": order["version"],
                                "line": line["line"], "quantity": wish.quantity}
        if wish.weight_g is not None:
            data["weight"] = wish.weight_g
        if wish.reason is not None:
            data["reason"] = wish.reason
        return (await self._api.change("pickPosition", **data))["order"]

    async def _put_back(self, record: Record, order: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        """The customer does not want it any more, and it is in the bag already."""
        answer = await self._api.change("resetPosition", number=record.number, pickerId=self.name,
                                        version=order["version"], line=line["line"])
        return answer["order"]

    async def _finish(self, record: Record, order: dict[str, Any]) -> dict[str, Any]:
        answer = await self._api.change("finishAssembly", number=record.number, pickerId=self.name,
                                        version=order["version"], bags=1)
        return answer["order"]

    async def _halfway(self, record: Record, order: dict[str, Any]) -> dict[str, Any]:
        """What the plan has for the middle of the assembly: a change, a cancellation from outside, or our own."""
        record.half_picked.set()
        if record.plan.end == CANCELED_BY_STORE:
            answer = await self._api.change("cancelOrder", number=record.number, version=order["version"],
                                            reason="out_of_stock")
            return answer["order"]
        await record.may_go_on.wait()
        if record.plan.change_stage == DURING:
            return await self._see_change(record)
        return order

    async def _see_change(self, record: Record) -> dict[str, Any]:
        deadline = time.monotonic() + self._seen_limit_s
        while True:
            order = await self._read(record)
            if record.change_visible(order):
                return order
            if time.monotonic() > deadline:
                record.faults.append(f"the change was not shown within {self._seen_limit_s:.0f} s")
                return order
            await asyncio.sleep(POLL_S / 3)

    async def _read(self, record: Record) -> dict[str, Any]:
        order = (await self._api.read("getOrder", number=record.number))["order"]
        if order["state"] in CLOSED or order.get("pickerId") not in (None, "", self.name):
            raise Gone(record.id)
        return order

    def _close(self, record: Record, order: dict[str, Any]) -> None:
        """Remembers what was picked, and checks that the appliance remembers the same."""
        if order["state"] == "canceled" or record.plan.end == CANCELED_BY_STORE:
            return
        record.finished_at = time.time()
        for line in open_lines(order):
            wish: Wish = record.wish(line)
            record.picked[line["sku"]] = wish
            record.short = record.short or wish.reason is not None
            if record.plan.end == DELIVERED and not wish.met_by(line):
                record.faults.append(f"line {line['sku']}: the finished order shows another pick")
