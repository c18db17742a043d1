"""The exchange with an ERP when we are the ones in trouble: too many questions, no room, a store that fails, imports that fail.
Every answer is held against the description."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance import SLACK, Answer, Appliance, wait_until
from bad_machine import FULL, WORKS, BadMachine
from openapi import Description

CONFIG = """
pool { hook = 1 assembly = 1 erp = 1 }
telegram { base_url = "http://127.0.0.1:9" }
"""
UPLOADS = [(method, path) for method in ("PUT", "POST") for path in ("/catalog", "/stores")]
ROWS = {"/catalog": "sku,name\n1,a\n", "/stores": "id,name\n1207,a\n"}
BUSY = 20  # more than wait at a time


class Erp:
    def __init__(self, appliance: Appliance, described: Description) -> None:
        self.appliance, self.described = appliance, described
        self.state = appliance.state
        self.headers = {"Authorization": f"Bearer {appliance.secret('erp-token')}"}

    def call(self, method: str, path: str, body: bytes | str | None = None) -> Answer:
        answer = self.appliance.request(method, f"/erp/v1{path}", body, self.headers, timeout=30)
        return self.described.check(method, f"/erp/v1{path}", answer)

    def code(self, answer: Answer) -> tuple[int, str]:
        return answer.status, answer.json()["error"]["code"]

    def value(self, sql: str) -> Any:
        with self.appliance.store() as store:
            return store.execute(sql).fetchone()[0]


@contextmanager
def exchange(config: str, described: Description) -> Iterator[tuple[Erp, BadMachine]]:
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    machine = BadMachine(folder)
    appliance = Appliance(folder, CONFIG + config)
    appliance.environment.update(machine.environment)
    try:
        appliance.start()
        yield Erp(appliance, described), machine
        appliance.stop()
    finally:
        appliance.destroy()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def described() -> Description:
    return Description()


@pytest.fixture(scope="module")
def place(described: Description) -> Iterator[tuple[Erp, BadMachine]]:
    with exchange("", described) as (erp, machine):
        erp.appliance.change("INSERT INTO documents (id, kind, series, number, order_id, revision, store_id, business_date, total_minor,"
                             " vat_minor, state, body, created_ms) VALUES (1, 'sale', 'OG', 1, 1, 1, '1', '2026-03-14', 1, 0, 'made', '{}', 1773500000000)")
        yield erp, machine


@contextmanager
def nobody_imports(erp: Erp) -> Iterator[None]:
    with ExitStack() as locks:
        for name in ("catalog-import", "store-import"):
            fcntl.flock(locks.enter_context(open(erp.state / "run" / f"{name}-1.lock", "w", encoding="utf-8")), fcntl.LOCK_EX)
        yield


def test_too_many_questions_are_told_to_wait(described: Description) -> None:
    wanted = {(method, path) for method, path, status in described.routes() if status == 429}
    with exchange("http { requests_per_second = 1 }\n", described) as (erp, _):
        for method, path in wanted:
            body = None if method == "GET" else "{}"
            real = path.replace("{id}", "1").replace("{number}", "1-1")
            wait_until(lambda: erp.call(method, real, body).status == 429, 10 * SLACK, f"{method} {path} is too much")
    assert {(method, path) for method, path, status in described.seen if status == 429} == wanted


@pytest.mark.parametrize("method,path", UPLOADS)
def test_a_file_without_room_is_refused_and_leaves_nothing(place: tuple[Erp, BadMachine], method: str, path: str) -> None:
    erp, machine = place
    machine.fill_incoming(True)
    try:
        assert erp.code(erp.call(method, path, ROWS[path] + "2,b\n" * 100000)) == (507, "insufficient_storage")
    finally:
        machine.fill_incoming(False)
    assert list((erp.state / "incoming").iterdir()) == []
    assert erp.call(method, path, ROWS[path]).status == 200


def test_a_store_that_fails_acknowledges_nothing(place: tuple[Erp, BadMachine]) -> None:
    erp, machine = place
    before = erp.value("SELECT count(*) FROM erp_uploads")
    machine.disk(FULL)
    try:
        for method, path, body in [(method, path, ROWS[path]) for method, path in UPLOADS] + [
                ("GET", "/documents", None), ("POST", "/documents/1/ack", None), ("POST", "/documents/1/refuse", '{"reason": "x"}')]:
            answer = erp.call(method, path, body)
            assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0, (method, path, answer)
        # An order that is read needs no write.
        assert erp.call("GET", "/orders/1-1").status == 404
    finally:
        machine.disk(WORKS)
    wait_until(lambda: erp.call("GET", "/documents").status == 200, 10 * SLACK, "the store works")
    assert erp.call("GET", "/documents/1").json()["verdict"]["state"] == "none"
    assert erp.value("SELECT count(*) FROM erp_uploads") == before and list((erp.state / "incoming").iterdir()) == []


@pytest.mark.parametrize("path", ["/catalog", "/stores"])
def test_more_files_than_can_wait_are_told_to_come_again(place: tuple[Erp, BadMachine], path: str) -> None:
    erp, _ = place
    with nobody_imports(erp), ThreadPoolExecutor(BUSY) as callers:
        answers = list(callers.map(lambda _: erp.call("PUT", path, ROWS[path]), range(BUSY)))
    late = [answer for answer in answers if answer.status == 503]
    assert late and {answer.status for answer in answers} == {202, 503}
    assert {answer.json()["error"]["code"] for answer in late} == {"busy"} and all(answer.headers["Retry-After"] for answer in late)
    for answer in answers:
        if answer.status == 202:
            wait_until(lambda: erp.call("GET", f"/imports/{answer.json()['id']}").json()["state"] == "done", 20 * SLACK, "it is done")
    assert list((erp.state / "incoming").iterdir()) == []


@pytest.mark.parametrize("method,path", UPLOADS)
def test_an_import_that_cannot_be_done_says_so_at_last(place: tuple[Erp, BadMachine], method: str, path: str) -> None:
    """Somebody has removed its file: there is nothing to try again."""
    erp, _ = place
    incoming = erp.state / "incoming"
    with ThreadPoolExecutor(1) as caller:
        with nobody_imports(erp):
            answer = caller.submit(erp.call, method, path, ROWS[path])
            wait_until(lambda: erp.value("SELECT count(*) FROM erp_uploads WHERE state = 'waiting'"), 10 * SLACK, "it waits")
            for file in incoming.iterdir():
                file.unlink()
        answer = answer.result()
    if answer.status == 202:  # a slow machine
        wait_until(lambda: erp.call("GET", f"/imports/{answer.json()['id']}").json()["state"] == "failed", 20 * SLACK, "it has failed")
        pytest.skip("too slow for an answer in time")
    assert erp.code(answer) == (500, "import_failed") and answer.json()["import"]["state"] == "failed"



def test_every_status_of_this_kind_was_seen(described: Description) -> None:
    missing = {row for row in described.routes() if row[2] in (429, 500, 507)} - described.seen
    assert missing == set()
