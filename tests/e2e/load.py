"""Orders under load: clients that remember every acknowledgement, wrk, and what must be true of the store afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from appliance import BIN, SLACK, Answer, Appliance, wait_until
from doubles import Kuper

HOOK = "/sbermarket/orders/hook/"
WRK_SCRIPT = Path(__file__).with_name("wrk_orders.lua")
REPEAT_PAUSE_S, GIVE_UP_S = 0.05, 60.0
# What nginx says for a worker that died, and a worker for its store: both mean "send it again".
UNAVAILABLE = ("unavailable", "store_unavailable")


def order_body(order_id: str, event_type: str = "order.created", **payload: object) -> dict:
    """A small order of two lines; `payload` adds to it or replaces parts of it."""
    return {"event_type": event_type, "timestamp": "2026-03-14T09:12:41+03:00",
            "payload": {"originalOrderId": order_id, "storeID": "1207", "positions": [
                {"id": "100245871", "originalQuantity": 2, "quantity": 2, "price": "89.90", "discountPrice": "79.90",
                 "weight": "", "totalPrice": "179.80", "totalDiscountPrice": "159.80"},
                {"id": "100318840", "originalQuantity": 1, "quantity": 1, "price": "139.99", "discountPrice": "119.99",
                 "weight": "1000", "totalPrice": "139.99", "totalDiscountPrice": "119.99"}], **payload}}


def ctl(appliance: Appliance, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "ordergatectl", "--config", appliance.config, "--state", appliance.state, *words],
                          capture_output=True, text=True, timeout=60, check=False)


def rows(appliance: Appliance, sql: str, *values: object) -> list[tuple]:
    with contextlib.closing(appliance.store()) as store:
        return store.execute(sql, values).fetchall()


def run_job(appliance: Appliance, name: str) -> str:
    """What the run said of itself."""
    before = rows(appliance, "SELECT coalesce(max(id), 0) FROM job_runs")[0][0]
    asked = ctl(appliance, "job", "run", name)
    assert asked.returncode == 0, asked

    def ended() -> list[tuple]:
        return rows(appliance, "SELECT outcome, detail FROM job_runs WHERE id > ? AND job = ? AND slot_ms IS NULL"
                    " AND ended_ms IS NOT NULL", before, name)

    outcome, detail = wait_until(ended, 20 * SLACK, f"job {name} has run")[0]
    assert outcome == "ok", detail
    return detail


@contextlib.contextmanager
def store_locked(appliance: Appliance) -> Iterator[None]:
    """Nobody can write while this lasts: writers queue for this very lock."""
    if appliance.data.on_server:
        with contextlib.closing(appliance.data.open()) as store, store.transaction():
            yield
        return
    descriptor = os.open(appliance.state / "ordergate.db.lock", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Senders:
    """Some connections that send new orders, each until it is acknowledged, as a marketplace does."""

    def __init__(self, appliance: Appliance, count: int = 4, prefix: str = "P", pause_s: float = 0.0,
                 give_up_s: float = GIVE_UP_S) -> None:
        self._appliance = appliance
        self._token = appliance.secret("hook-token")
        self._prefix = prefix
        self._pause_s = pause_s
        self._give_up_s = give_up_s
        self._lock = threading.Lock()
        self._stop, self._abandoned = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(count)]
        self.acknowledged: dict[str, str] = {}  # order id: number
        self.moments: list[float] = []  # of acknowledgements
        self.statuses: Counter[int] = Counter()
        self.broken: Counter[str] = Counter()  # requests without any answer
        self.wrong: list[str] = []
        self.slowest_s = 0.0  # to an answer

    def start(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Each sends on until its order under way is acknowledged."""
        self._stop.set()
        for thread in self._threads:
            thread.join(self._give_up_s)
            assert not thread.is_alive(), "an order is not acknowledged for a long time"

    def wait_for_more(self, more: int, seconds: float = 30.0) -> None:
        before = len(self.acknowledged)
        wait_until(lambda: len(self.acknowledged) >= before + more or self.wrong, seconds * SLACK, "orders are acknowledged")

    def abandon(self) -> None:
        """For the end of a test that has failed."""
        self._stop.set()
        self._abandoned.set()

    def longest_gap_s(self) -> float:
        """Between two acknowledgements, whoever got them."""
        moments = sorted(self.moments)
        return max((later - earlier for earlier, later in zip(moments, moments[1:])), default=float("inf"))

    def _run(self, number: int) -> None:
        count = 0
        connection = self._appliance.connection()
        while not self._stop.is_set():
            count += 1
            self._send(connection, f"{self._prefix}{number}-{count:06d}")
            time.sleep(self._pause_s)
        connection.close()

    def _send(self, connection: http.client.HTTPSConnection, order_id: str) -> None:
        body = json.dumps(order_body(order_id))
        deadline = time.monotonic() + self._give_up_s
        while time.monotonic() < deadline and not self._abandoned.is_set():
            answer = self._attempt(connection, body)
            with self._lock:
                if self._judge(order_id, answer):
                    return
            time.sleep(REPEAT_PAUSE_S)
        self.wrong.append(f"{order_id}: never acknowledged")

    def _attempt(self, connection: http.client.HTTPSConnection, body: str) -> Answer | None:
        asked = time.monotonic()
        try:
            connection.request("POST", HOOK, body, {"Client-Token": self._token, "Content-Type": "application/json"})
            answer = Answer(connection.getresponse())
            self.slowest_s = max(self.slowest_s, time.monotonic() - asked)
            return answer
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            with self._lock:
                self.broken[type(problem).__name__] += 1
            return None

    def _judge(self, order_id: str, answer: Answer | None) -> bool:
        """Is it acknowledged?"""
        if answer is None:
            return False
        self.statuses[answer.status] += 1
        if answer.status == 200 and answer.json()["status"] == "created":
            self.acknowledged[order_id] = answer.json()["number"]
            self.moments.append(time.monotonic())
            return True
        retry_after = answer.headers.get("Retry-After", "")
        if answer.status != 503 or answer.json()["error"]["code"] not in UNAVAILABLE or not retry_after.isdigit():
            self.wrong.append(f"{order_id}: {answer}")
        return False


class Wrk:
    """wrk with its own orders. The numbers that it was answered stand in a file per thread."""

    def __init__(self, appliance: Appliance, seconds: float, connections: int = 16, pause_ms: int = 20) -> None:
        self._folder = appliance.folder / "wrk"
        self._folder.mkdir()
        environment = {**os.environ, "WRK_TOKEN": appliance.secret("hook-token"), "WRK_FOLDER": str(self._folder),
                       "WRK_PAUSE_MS": str(pause_ms)}
        self._process = subprocess.Popen(
            ["wrk", "-t2", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "10s", "-s", WRK_SCRIPT,
             f"https://127.0.0.1:{appliance.port}{HOOK}"], stdout=subprocess.PIPE, text=True, env=environment)

    def runs(self) -> bool:
        return self._process.poll() is None

    def result(self, seconds: float = 60.0) -> dict[str, int]:
        text = self._process.communicate(timeout=seconds)[0]
        assert self._process.returncode == 0 and "RESULT" in text, text
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", text[text.index("RESULT"):])}

    def finish(self) -> dict[str, int]:
        """The result of what it has done so far."""
        self._process.send_signal(signal.SIGINT)
        return self.result()

    def numbers(self) -> list[str]:
        """A line that was cut off by the end of wrk is no acknowledgement."""
        lines = [line for path in self._folder.iterdir() for line in path.read_text(encoding="utf-8").splitlines()]
        return [json.loads(line)["number"] for line in lines if line.endswith("}")]

    def destroy(self) -> None:
        self._process.kill()
        self._process.wait()


def wait_until_processed(appliance: Appliance, seconds: float = 60.0) -> None:
    """Nothing in the inbox waits any more."""
    def waiting() -> int:
        return rows(appliance, "SELECT count(*) FROM inbox WHERE state IN (1, 2)")[0][0]

    wait_until(lambda: waiting() == 0, seconds * SLACK, "the inbox is empty")


def check_senders(appliance: Appliance, senders: Senders) -> None:
    """Every order that was acknowledged is there, once, with the number that was answered."""
    assert not senders.wrong, senders.wrong[:5]
    stored = dict(rows(appliance, "SELECT external_id, number FROM orders"))
    lost = {order_id for order_id, number in senders.acknowledged.items() if stored.get(order_id) != number}
    assert not lost, f"{len(lost)} of {len(senders.acknowledged)} acknowledged orders are not as answered: {sorted(lost)[:5]}"
    assert len(set(stored.values())) == len(stored)


def check_numbers(appliance: Appliance, numbers: list[str]) -> None:
    """The same for wrk, which sends each order once and remembers the answers only."""
    assert numbers and len(set(numbers)) == len(numbers), "one number for two orders"
    lost = set(numbers) - {number for number, in rows(appliance, "SELECT number FROM orders")}
    assert not lost, f"{len(lost)} of {len(numbers)} acknowledged orders are not in the store: {sorted(lost)[:5]}"


def check_no_loss(appliance: Appliance) -> None:
    """The store was away and no worker died: nothing is blamed for that."""
    assert rows(appliance, "SELECT message, attempt_no FROM message_attempts WHERE answer = 'its worker died or stood still'") == []


def check_log(appliance: Appliance) -> None:
    """Of the builds with sanitizers: a worker that found something may have gone unnoticed."""
    found = [line for line in appliance.log().splitlines() if "Sanitizer" in line or "runtime error:" in line]
    assert not found, found[:5]


def check_store(appliance: Appliance) -> None:
    """Everything that came was applied, and the promises hold that can be checked from data."""
    states = dict(rows(appliance, "SELECT state || ' ' || outcome, count(*) FROM inbox GROUP BY 1"))
    assert set(states) <= {"3 ok", "3 duplicate"}, states
    verify = ctl(appliance, "verify")
    assert verify.returncode == 0 and "BAD" not in verify.stdout, verify.stdout + verify.stderr
    check_log(appliance)


def check_the_whole_way(appliance: Appliance, market: Kuper, senders: Senders, ids: list[str]) -> None:
    """After troubles: what the senders were told is there once, and the marketplace heard of each of its orders once."""
    wait_until(lambda: market.stats()["webhooks_pending"] == 0, 60 * SLACK, "every order is acknowledged")
    wait_until_processed(appliance)
    check_senders(appliance, senders)
    assert set(senders.statuses) <= {200, 503}, senders.statuses
    wait_until(lambda: rows(appliance, "SELECT count(*) FROM outbox WHERE state IN (1, 2) AND external_id NOT LIKE 'P%'") == [(0,)],
               60 * SLACK, "every notification is sent")
    told = {order["id"]: order["accepted"] for order in market.control("GET", "orders", brief=1)["orders"]}
    assert told == {order_id: ["order.accepted"] for order_id in ids}
    assert market.anomalies() == []
    check_store(appliance)
