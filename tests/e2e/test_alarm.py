"""People are told that the store cannot be written, and that it can be again: without the store, once each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import SLACK, Appliance, wait_until
from bad_machine import FAILS, FULL, WORKS, BadMachine
from procedures import TOKEN

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulators"))

import telegram_remote  # noqa: E402  (needs the path above)

CONFIG = """log {{ locale = "en" }}
scheduler {{ lease_ms = 2s alarm_after = 3s }}
telegram {{ base_url = "{url}" admin_chat = "-1" critical_chat = "-2" }}
"""
BAD, GOOD = "cannot be written since", "can be written again"


@pytest.fixture
def telegram() -> Iterator[telegram_remote.Telegram]:
    if not telegram_remote.installed():
        pytest.skip("npm ci in tests/emulators/telegram was not run")
    with telegram_remote.start() as double:
        yield double


def told(telegram: telegram_remote.Telegram, what: str) -> int:
    return sum(what in text for text in telegram.texts(-2))


def reasons(appliance: Appliance) -> list[str]:
    answer = appliance.request("GET", "/healthz")
    found = answer.json().get("reasons", [])
    assert answer.status == (503 if found else 200)
    return [reason for reason in found if "the store cannot be written" in reason]


# A full disk stops nobody; after an error of the disk itself each process begins anew, again and again.
@pytest.mark.parametrize("how", [FULL, FAILS], ids=["full", "failing"])
def test_a_store_that_cannot_be_written_is_told_once_and_so_is_its_end(make_appliance: Callable[..., Appliance], folder: Path,
                                                                       telegram: telegram_remote.Telegram, how: bytes) -> None:
    machine = BadMachine(folder)
    appliance = make_appliance(CONFIG.format(url=telegram.base_url))
    appliance.environment.update(machine.environment)
    appliance.start()
    token = appliance.state / "secrets" / "telegram-token"
    token.touch(0o600)
    token.write_text(TOKEN)
    assert reasons(appliance) == []
    machine.disk(how)
    wait_until(lambda: told(telegram, BAD) == 1, 20 * SLACK, "they are told")
    if how == FULL:
        wait_until(lambda: reasons(appliance), 20 * SLACK, "and whoever asks")
    wait_until(lambda: appliance.log().count("people are told of the store") == 1, 10 * SLACK, "it is remembered")
    machine.disk(WORKS)
    wait_until(lambda: told(telegram, GOOD) == 1, 90 * SLACK, "they are told of the end")
    wait_until(lambda: appliance.request("GET", "/healthz").status == 200, 30 * SLACK, "all is well")
    assert (told(telegram, BAD), told(telegram, GOOD)) == (1, 1)
    assert TOKEN not in appliance.log()
