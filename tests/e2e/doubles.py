"""An appliance between the doubles of the outside world: the marketplace and, if wanted, Telegram."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from appliance import Appliance

EMULATORS = Path(__file__).resolve().parents[1] / "emulators"
sys.path.insert(0, str(EMULATORS))

import telegram_remote  # noqa: E402
from kuper import remote as kuper_remote  # noqa: E402
from kuper.remote import Kuper  # noqa: E402
from telegram_remote import Telegram  # noqa: E402

__all__ = ["ADMIN_CHAT", "EMULATORS", "Kuper", "Telegram", "between", "charged", "telegram_remote"]

ADMIN_CHAT = -1001000000001
# Faster than in real life: tests wait for what the marketplace does, not for the pace that it asks for.
CHANNEL = """channel kuper {{
  notifications_url = "{url}/v1/notifications" shipments_url = "{url}/ofm/api/v1/shipments"
  rate_per_second = 500 probe_ms = 500
}}
"""
OAUTH = 'channel kuper {{ auth = "oauth" token_url = "{url}/auth/token" }}\n'
TELEGRAM = 'telegram {{ base_url = "{url}" admin_chat = "{chat}" }}\n'


def _write_secret(appliance: Appliance, name: str, value: str) -> None:
    path = appliance.state / "secrets" / name
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    path.write_text(value, encoding="utf-8")
    path.chmod(0o600)


@contextlib.contextmanager
def between(make_appliance: Callable[..., Appliance], config: str = "",
            telegram: Telegram | None = None, environment: dict[str, str] | None = None,
            oauth: bool = False) -> Iterator[tuple[Appliance, Kuper]]:
    """A running appliance and the marketplace that sends it orders and hears from it: with the client token, or with tokens
    that end."""
    appliance = make_appliance()
    appliance.environment.update(environment or {})
    with kuper_remote.start(appliance.folder, "", "--settle-ms", "200") as market:
        text = (CHANNEL + (OAUTH if oauth else "")).format(url=market.base_url) + config
        if telegram is not None:
            text += TELEGRAM.format(url=telegram.base_url, chat=ADMIN_CHAT)
            _write_secret(appliance, "telegram-token", "123456:TEST-token-of-the-tests")
        appliance.write_config(text)
        if oauth:
            _write_secret(appliance, "kuper-client-id", kuper_remote.OAUTH_ID)
            _write_secret(appliance, "kuper-client-secret", kuper_remote.OAUTH_SECRET)
        else:
            _write_secret(appliance, "kuper-client-token", kuper_remote.CLIENT_TOKEN)
        appliance.start()
        market.config(hook_url=f"https://127.0.0.1:{appliance.port}/sbermarket/orders/hook/",
                      hook_token=appliance.secret("hook-token"))
        yield appliance, market


def charged(market_order: dict[str, Any]) -> dict[str, Decimal]:
    """By SKU, what the buyer pays for the final composition: the price of a weighed line is that of its ordered weight."""
    lines = {line["id"]: line for line in market_order["payload"]["positions"]}
    result = {}
    for final in market_order["final"]["positions"]:
        if not final["quantity"]:
            continue  # perhaps a line that the buyer has taken back
        line = lines[final["id"]]
        amount = Decimal(line["discountPrice"]) * Decimal(str(final["quantity"]))
        if line["weight"]:
            ordered = Decimal(line["discountPrice"]) * Decimal(str(line["quantity"]))
            amount = ordered * Decimal(final["weight"]) / Decimal(line["weight"])
        result[final["id"]] = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return result
