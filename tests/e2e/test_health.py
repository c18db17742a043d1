"""What /healthz says of a machine that has only a part of an installation (docs/scale.md)."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

from appliance import SLACK, wait_until
from procedures import Installation

NO_POOLS = "pool { hook = 0 assembly = 0 erp = 0 processor = 0 notifier = 0 }\n"


def ask(path: Path) -> tuple[int, dict[str, object]] | None:
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.connect(str(path))
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    finally:
        connection.close()


def test_a_scheduler_may_be_elsewhere_when_the_store_is_shared(folder: Path) -> None:
    place = Installation(folder, NO_POOLS)
    try:
        place.start("console")
        found = wait_until(lambda: ask(place.state / "run" / "console-1.sock"), 20 * SLACK, "the console answers")
        assert (found[0], found[1].get("reasons")) == (
            (200, None) if place.data.on_server else (503, ["the scheduler does not run"]))
        place.change("INSERT INTO leases (name, owner, term, until_ms) VALUES ('scheduler', 'x', 1, 1)")
        found = ask(place.state / "run" / "console-1.sock")
        assert found
        listed = found[1]["warnings" if place.data.on_server else "reasons"]
        assert any("no scheduler is active" in text if place.data.on_server else "cannot be written" in text for text in listed)
    finally:
        place.end()
