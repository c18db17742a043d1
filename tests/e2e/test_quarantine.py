"""What nobody could read is repaired by a person (P4): shown, replayed as it is or corrected, dismissed; each with a reason."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import SLACK, Appliance, wait_until
from load import ctl, order_body, rows

DONE, FAILED, USAGE, NOT_FOUND = 0, 1, 2, 3


@pytest.fixture
def shop(make_appliance: Callable[..., Appliance]) -> Iterator[Appliance]:
    yield make_appliance().start()


def orders(shop: Appliance) -> list[str]:
    return [name for name, in rows(shop, "SELECT external_id FROM orders ORDER BY id")]


def test_a_body_that_cannot_be_read_is_shown_corrected_and_replayed_once(shop: Appliance, folder: Path) -> None:
    whole = json.dumps(order_body("Q1"))
    torn = (whole[:-2] + "\x07").encode()
    assert shop.hook(torn).status == 400
    assert ctl(shop, "quarantine", "show", "1").stdout.encode() == torn
    refused = ctl(shop, "quarantine", "replay", "1", "--reason", "try")
    assert refused.returncode == FAILED and "still not readable" in refused.stderr
    better = folder / "better.json"
    better.write_text(whole)
    assert ctl(shop, "quarantine", "replay", "1", "--body", str(better)).returncode == USAGE, "a reason is needed"
    assert ctl(shop, "quarantine", "replay", "1", "--body", str(better), "--reason", "a brace was missing").returncode == DONE
    wait_until(lambda: orders(shop) == ["Q1"], 10 * SLACK, "the order is there")
    assert ctl(shop, "quarantine", "replay", "1", "--body", str(better), "--reason", "again").returncode == NOT_FOUND
    assert rows(shop, "SELECT raw, outcome FROM quarantine") == [(torn, "replayed")], "the original stays"
    assert rows(shop, "SELECT action, reason, changed FROM audit_log") == [("quarantine replay", "a brace was missing", 1)]


def test_what_nobody_needs_is_dismissed(shop: Appliance) -> None:
    assert shop.hook(b"rubbish").status == 400
    assert ctl(shop, "quarantine", "dismiss", "1").returncode == USAGE
    assert ctl(shop, "quarantine", "dismiss", "2", "--reason", "x").returncode == NOT_FOUND
    assert ctl(shop, "quarantine", "dismiss", "1", "--reason", "a probe of ours").returncode == DONE
    assert "dismissed" in ctl(shop, "quarantine", "list").stdout
    assert rows(shop, "SELECT action, reason FROM audit_log") == [("quarantine dismiss", "a probe of ours")]


def test_a_message_that_was_not_understood_gets_another_body_and_is_tried_again(shop: Appliance, folder: Path) -> None:
    body = order_body("Q2")
    body["payload"]["positions"][0]["quantity"] = "two"
    assert shop.hook(json.dumps(body)).status == 200
    wait_until(lambda: rows(shop, "SELECT state FROM inbox") == [(4,)], 10 * SLACK, "it is put apart")
    file = folder / "body.json"

    def correct(text: str) -> subprocess.CompletedProcess[str]:
        file.write_text(text)
        return ctl(shop, "queue", "inbox", "correct", "1", "--body", str(file), "--reason", "quantity by telephone")

    assert "still not understood" in correct(json.dumps(body)).stderr
    assert "that is order 'Q3'" in correct(json.dumps(order_body("Q3"))).stderr
    assert correct(json.dumps(order_body("Q2"))).returncode == DONE
    assert ctl(shop, "queue", "inbox", "retry", "1", "--reason", "corrected").returncode == DONE
    wait_until(lambda: orders(shop) == ["Q2"], 10 * SLACK, "the order is there")
    original, outcome, closed = rows(shop, "SELECT raw, outcome, closed_ms > 0 FROM quarantine")[0]
    assert (json.loads(original), outcome, closed) == (body, "corrected", 1)
