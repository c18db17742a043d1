"""Runs the day: makes the marketplace do what is planned, lets the pickers work, and waits for the end of every order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from day.api import AssemblyApi, Away, Conflict, Refused, Statistics
from day.marketplace import Market, MarketError
from day.picker import Picker
from day.plan import AFTER, BEFORE, CANCELED_BY_STORE, CANCELED_OUTSIDE, DELIVERED, DURING, Options, make_plan
from day.record import Record, compare_composition
from kuper.orders import MOSCOW
from wire.client import NO_ANSWER

ASSEMBLY_BY_US = 3
LOOK_S = 0.5
# Reading all orders costs the emulator time, so that a long list is read less often.
LOOKED_AT_PER_S = 2000
# The share of a picker's day that goes into picking, so that there is time for polling, changes and a slow machine.
BUSY_SHARE, MEAN_LINES, LONGEST_THINK_S = 0.4, 7, 2.0
# How long a picker waits for a change that the hook has acknowledged to be shown.
CHANGE_SEEN_LIMIT_S, SHORTEST_SEEN_LIMIT_S = 10.0, 2.0
_SHOP_STATES = {DELIVERED: "delivered", CANCELED_OUTSIDE: "canceled", CANCELED_BY_STORE: "canceled"}
_MARKET_STATES = {DELIVERED: "shipped", CANCELED_OUTSIDE: "canceled", CANCELED_BY_STORE: "canceled"}


class Director:
    def __init__(self, options: Options, market: Market, apis: list[AssemblyApi], prefix: str, grace_s: float) -> None:
        self._options = options
        self._market = market
        self._apis = apis
        self._grace_s = grace_s
        self._prefix = prefix
        self._start = time.monotonic()
        self.records = {plan.order_id(prefix): Record(plan, plan.order_id(prefix)) for plan in make_plan(options)}
        self.anomalies: list[dict[str, Any]] = []
        self.notifications: list[dict[str, Any]] = []

    async def run(self) -> None:
        await self._market.control("POST", "stores", {store: ASSEMBLY_BY_US for store in self._options.store_ids})
        opening = datetime.now(MOSCOW)
        self._start = time.monotonic()
        work = [self._watch(), *self._pickers(), *(self._live(record, opening) for record in self.records.values())]
        tasks = [asyncio.create_task(part) for part in work]
        try:
            await self._until_all_ended(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        _raise_first(tasks)
        await self._collect()

    def _pickers(self) -> list[Coroutine[Any, Any, None]]:
        count = self._options.stores * self._options.pickers
        budget_s = self._options.seconds * BUSY_SHARE * count / self._options.orders
        think_s = min(budget_s / MEAN_LINES, LONGEST_THINK_S)
        seen_limit_s = self._options.seen_s or max(CHANGE_SEEN_LIMIT_S * self._options.pace, SHORTEST_SEEN_LIMIT_S)
        places = [(store, self._apis[number]) for number, store in enumerate(self._options.store_ids)]
        return [Picker(f"picker-{number + 1}", *places[number % len(places)], self.records, think_s, seen_limit_s).work()
                for number in range(count)]

    async def _watch(self) -> None:
        """Tells the orders' lives which notifications the marketplace accepted."""
        seen = 0
        while True:
            for entry in await self._market.notifications_after(seen):
                seen = entry["n"]
                record = self.records.get(entry["order"])
                if record is not None and entry["accepted"]:
                    record.accepted_event(entry["type"]).set()

    async def _live(self, record: Record, opening: datetime) -> None:
        try:
            await self._sleep_until(record.plan.at_s)
            await self._begin(record, opening)
        except (Refused, Away) as problem:
            record.faults.append(str(problem))

    async def _begin(self, record: Record, opening: datetime) -> None:
        plan = record.plan
        payload = plan.payload(opening, self._prefix, self._options.quirks)
        await self._market.control("POST", "orders", {"order": payload, "follow": plan.follow()})
        if plan.change_stage == BEFORE:
            await self._market.order_action(record.id, "update", plan.change)
        if plan.cancel_stage == BEFORE:
            await self._cancel_before(record)
            return
        await self._market.answered(record.id)
        if plan.redelivered:
            await self._market.order_action(record.id, "resend", {"times": 1})
        await self._sleep_until(plan.at_s + plan.hold_s)
        record.takeable = True
        await self._play_later_stages(record)

    async def _play_later_stages(self, record: Record) -> None:
        plan = record.plan
        if DURING in (plan.change_stage, plan.cancel_stage) and plan.end != CANCELED_BY_STORE:
            await record.half_picked.wait()
            if plan.change_stage == DURING:
                await self._market.order_action(record.id, "update", plan.change)
            else:
                await self._cancel_outside(record)
            await self._market.answered(record.id)
            record.may_go_on.set()
        if plan.cancel_stage == AFTER:
            await record.accepted_event("order.ready_for_delivery").wait()
            await self._cancel_outside(record)

    async def _cancel_before(self, record: Record) -> None:
        if record.plan.end == CANCELED_OUTSIDE:
            await self._cancel_outside(record)
            return
        await self._market.answered(record.id)
        record.number = (await self._market.control("GET", f"orders/{record.id}"))["number"]
        while not await self._is_listed(record):
            await asyncio.sleep(LOOK_S)
        while True:
            order = (await self._apis[0].read("getOrder", number=record.number))["order"]
            try:
                await self._apis[0].change("cancelOrder", number=record.number, version=order["version"],
                                           reason="store_closed")
                return
            except Conflict:
                continue

    async def _is_listed(self, record: Record) -> bool:
        """A store learns of an order from its list, some time after the marketplace's webhook was acknowledged."""
        rows = (await self._apis[0].read("getOrders", storeId=record.plan.store_id, limit=1000))["orders"]
        return any(row["number"] == record.number for row in rows)

    async def _cancel_outside(self, record: Record) -> None:
        await self._market.order_action(record.id, "cancel", {})

    async def _sleep_until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, self._start + at_s - time.monotonic()))

    async def _until_all_ended(self, tasks: list[asyncio.Task[None]]) -> None:
        deadline = self._start + self._options.seconds + self._grace_s
        while time.monotonic() < deadline:
            await asyncio.sleep(max(LOOK_S, len(self.records) / LOOKED_AT_PER_S))
            _raise_first(tasks)
            await self._look()
            if all(self._ended_outside(record) for record in self.records.values()):
                break
        while time.monotonic() < deadline:
            await self._ask_shop()
            if all(record.shop_state == _SHOP_STATES[record.plan.end] for record in self.records.values()):
                return
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        for row in (await self._market.control("GET", "orders", brief=1))["orders"]:
            record = self.records.get(row["id"])
            if record is not None:
                record.market = row
                record.number = record.number or row["number"]

    def _ended_outside(self, record: Record) -> bool:
        return (record.market.get("state") == _MARKET_STATES[record.plan.end] and not record.market["webhooks_pending"])

    async def _ask_shop(self) -> None:
        """The state that the appliance itself shows for every order that has not shown its end yet."""
        for record in list(self.records.values()):
            if record.number is None or record.shop_state == _SHOP_STATES[record.plan.end]:
                continue
            try:
                record.shop_state = (await self._apis[0].read("getOrder", number=record.number))["order"]["state"]
            except (Refused, Conflict, Away) as problem:
                record.shop_state = f"unknown ({problem})"

    async def _collect(self) -> None:
        """Everything the report needs from the emulator, for our orders only."""
        await self._ask_shop()
        for record in list(self.records.values()):
            try:
                record.market = await self._market.control("GET", f"orders/{record.id}")
            except MarketError:
                continue
            if record.plan.end == DELIVERED and record.market["state"] == "shipped":
                record.faults += compare_composition(record)
        answer = await self._market.control("GET", "anomalies")
        self.anomalies = [entry for entry in answer["anomalies"] if entry["order"] in self.records]
        entries = (await self._market.control("GET", "journal", kind="notification"))["entries"]
        self.notifications = [entry for entry in entries if entry["order"] in self.records]

    def problem_of(self, record: Record) -> str | None:
        """Why an order did not reach its planned end; None when it did."""
        if not record.market:
            return "was never created"
        if record.market["state"] != _MARKET_STATES[record.plan.end]:
            return f"the marketplace has it {record.market['state']}, planned {record.plan.end}"
        if record.market["webhooks_pending"]:
            return f"{record.market['webhooks_pending']} webhooks were not answered"
        if record.shop_state != _SHOP_STATES[record.plan.end]:
            return f"the appliance has it {record.shop_state}, planned {record.plan.end}"
        return None


def _raise_first(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def play(options: Options, market_url: str, base_url: str, token: str, ca_file: str | None, prefix: str,
               grace_s: float) -> tuple[Director, Statistics]:
    """The whole day. Connection errors to the emulator end it, because without a marketplace there is no day."""
    statistics = Statistics()
    market = Market(market_url)
    apis = [AssemblyApi(base_url, token, statistics, ca_file) for _ in range(options.stores)]
    director = Director(options, market, apis, prefix, grace_s)
    try:
        await director.run()
    except NO_ANSWER as error:
        raise MarketError(0, f"{type(error).__name__} {error}") from error
    finally:
        market.close()
        for api in apis:
            api.close()
    return director, statistics


def prefix_of(moment: float) -> str:
    """Seven digits that differ between days played one after another on the same appliance."""
    return f"{int(moment) % 10**7:07d}"

