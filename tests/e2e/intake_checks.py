"""One appliance for all tests of a file, and what every answer and every row at the hook looks like.

Each test leaves the workers as they were: none has died, and all of them serve.
"""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import Answer, Appliance
from load import check_log, rows, wait_until_processed

WORKERS = ("hook", "processor")


@pytest.fixture(scope="module")
def running() -> Iterator[Appliance]:
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    appliance = Appliance(folder)
    try:
        yield appliance.start()
        assert appliance.stop() == 0
        check_log(appliance)
    finally:
        appliance.destroy()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def intake(running: Appliance) -> Iterator[Appliance]:
    before = {service: running.pids(service) for service in WORKERS}
    assert len(before["hook"]) == 4 and len(before["processor"]) == 1
    yield running
    assert {service: running.pids(service) for service in WORKERS} == before, "a worker has died"
    for number in before["hook"]:
        assert plain_status(running.state / "run" / f"hook-{number}.sock") == 404, f"hook-{number} does not serve"
    assert running.request("GET", "/healthz").status == 200


def plain_status(path: Path) -> int:
    """What a worker itself says, without nginx."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(path))
        connection.sendall(b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return int(connection.recv(4096).split(b" ")[1])


def unique() -> str:
    unique.count += 1
    return f"H{unique.count:08d}"


unique.count = 0


def send(intake: Appliance, body: object) -> Answer:
    return intake.hook(json.dumps(body))


def accepted(answer: Answer, status: str = "ok") -> str:
    """The number that was answered."""
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "application/json"
    assert sorted(answer.json()) == ["number", "status"] and answer.json()["status"] == status, answer
    return answer.json()["number"]


def refused(answer: Answer, status: int, *codes: str) -> str:
    """The message, of an answer in the form that contract.md promises."""
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/json"
    value = answer.json()
    assert list(value) == ["error"] and sorted(value["error"]) == ["code", "message"], answer
    assert value["error"]["code"] in codes and value["error"]["message"], answer
    return value["error"]["message"]


def kept(intake: Appliance) -> tuple[int, int]:
    """Rows of the inbox and of the quarantine."""
    return rows(intake, "SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM quarantine)")[0]


def messages(intake: Appliance, order_id: str) -> list[tuple]:
    """What the inbox has of an order, once it is worked on: type, state, outcome."""
    wait_until_processed(intake)
    return rows(intake, "SELECT event_type, state, outcome FROM inbox WHERE external_id = ? ORDER BY order_seq", order_id)


def order_state(intake: Appliance, order_id: str) -> str:
    wait_until_processed(intake)
    return rows(intake, "SELECT state FROM orders WHERE external_id = ?", order_id)[0][0]
