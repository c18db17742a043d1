# SPDX-License-Identifier: MIT
"""From an order that comes through HTTPS to a message in Telegram: the whole way, out of the image."""
import pathlib
import sys
import time

import pytest

from machine import SMALL, Machine, say, skip_loudly

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulators"))

import telegram_remote  # noqa: E402  (needs the path above)

skip_loudly()
if not telegram_remote.installed():
    why = "skipped: npm ci in tests/emulators/telegram was not run"
    print(f"\n{why}", flush=True)
    pytest.skip(why, allow_module_level=True)

CHAT, TOKEN, PORT = -1, "123:TEST", 8081
TOLD_S = 600.0  # a pass of the monitor comes every minute, the sender every 10 s; this is an emulator
RULE = "rule order-not-taken { threshold = 0 for = 0 }\n"


def about(number: str, telegram: telegram_remote.Telegram) -> list[str]:
    return [text for text in telegram.texts(CHAT) if number in text]


def test_an_order_that_nobody_takes_is_told_once(machine: Machine) -> None:
    """A double without TLS is allowed at the loopback only, so it is shown there."""
    machine.give_key()
    machine.put("ordergate.conf", SMALL + f'telegram {{ base_url = "http://127.0.0.1:{PORT}" admin_chat = "{CHAT}" }}\n' + RULE)
    machine.put("credentials/telegram-token", TOKEN)
    machine.power_on()
    machine.wait_for("/healthz", 200)
    with telegram_remote.start() as telegram, machine.shown_inside(int(telegram.base_url.rpartition(":")[2]), PORT):
        telegram.allow_tokens(TOKEN)
        number = machine.order_until_taken("T-1")["number"]
        began = time.monotonic()
        while not about(number, telegram):
            assert time.monotonic() - began < TOLD_S, f"{number}: {telegram.texts(CHAT)}\n{machine.report()}"
            time.sleep(1)
        say(f"order {number} was told after {time.monotonic() - began:.1f} s")
        time.sleep(90)  # another pass of the monitor
        assert len(about(number, telegram)) == 1, telegram.texts(CHAT)
