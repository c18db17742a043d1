"""People are told that the store cannot be written, and that it can be again: without the store, once each."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import SLACK, Appliance, wait_until
from bad_machine import FAILS, FULL, WORKS, BadMachine
from postgres_server import PostgresServer, on_server
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
    return [reason for reason in found if reason.startswith("the store cannot be")]


class Disk:
    """Of a file: full, which stops nobody, or failing, so that each process begins anew, again and again."""

    def __init__(self, folder: Path, how: bytes) -> None:
        self.machine, self.how = BadMachine(folder), how
        self.environment, self.database = self.machine.environment, None

    def break_down(self) -> None:
        self.machine.disk(self.how)

    def mend(self) -> None:
        self.machine.disk(WORKS)


class Server:
    """One that is away."""

    def __init__(self) -> None:
        self.server = PostgresServer({"fsync": "off"})
        self.environment: dict[str, str] = {}
        self.database = self.server.database("own")

    def break_down(self) -> None:
        self.server.stop(signal.SIGQUIT)

    def mend(self) -> None:
        self.server.start()


@pytest.fixture(params=["away"] if on_server() else ["full", "failing"])
def trouble(request: pytest.FixtureRequest, folder: Path) -> Iterator[Disk | Server]:
    if request.param != "away":
        yield Disk(folder, {"full": FULL, "failing": FAILS}[request.param])
        return
    one = Server()
    yield one
    one.server.close()


def test_a_store_that_cannot_be_written_is_told_once_and_so_is_its_end(make_appliance: Callable[..., Appliance],
                                                                       telegram: telegram_remote.Telegram,
                                                                       trouble: Disk | Server) -> None:
    appliance = make_appliance(CONFIG.format(url=telegram.base_url), database=trouble.database)
    appliance.environment.update(trouble.environment)
    appliance.start(30 * SLACK)
    token = appliance.state / "secrets" / "telegram-token"
    token.touch(0o600)
    token.write_text(TOKEN)
    assert reasons(appliance) == []
    trouble.break_down()
    wait_until(lambda: told(telegram, BAD) == 1, 20 * SLACK, "they are told")
    if not isinstance(trouble, Disk) or trouble.how == FULL:
        wait_until(lambda: reasons(appliance), 20 * SLACK, "and whoever asks")
    wait_until(lambda: appliance.log().count("people are told of the store") == 1, 10 * SLACK, "it is remembered")
    trouble.mend()
    wait_until(lambda: told(telegram, GOOD) == 1, 90 * SLACK, "they are told of the end")
    wait_until(lambda: appliance.request("GET", "/healthz").status == 200, 30 * SLACK, "all is well")
    assert (told(telegram, BAD), told(telegram, GOOD)) == (1, 1)
    assert TOKEN not in appliance.log()
