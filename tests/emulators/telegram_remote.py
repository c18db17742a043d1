"""For tests: start the Telegram double and look into it. Needs `npm ci` in telegram/ to have been run.

    with telegram_remote.start() as telegram:
        telegram.fault("throttle", chat=-100123, count=2, retry_after=3)
        ...
        assert telegram.texts(-100123) == ["…"]
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from wire.remote import Remote, package_root, running

FOLDER = package_root() / "telegram"


def installed() -> bool:
    return (FOLDER / "node_modules" / "telegram-test-api").is_dir()


class Telegram(Remote):
    def call(self, method: str, token: str = "123:TEST", **params: Any) -> tuple[int, Any]:
        """What a bot sends: status and parsed body."""
        status, _, body = self.request("POST", f"/bot{token}/{method}", json.dumps(params).encode(),
                                       {"Content-Type": "application/json"})
        return status, json.loads(body)

    def messages(self, chat: int | str | None = None) -> list[dict[str, Any]]:
        """What is in the chats, as the double stored it."""
        return self.control("GET", "messages", **({} if chat is None else {"chat": chat}))["messages"]

    def texts(self, chat: int | str | None = None) -> list[str]:
        return [message["text"] for message in self.messages(chat)]

    def press(self, chat: int, message_id: int, data: str, **who: Any) -> None:
        """Somebody presses a button; the bot gets a callback_query."""
        self.control("POST", "press", {"chat": chat, "message_id": message_id, "data": data, **who})

    def say(self, chat: int, text: str, **who: Any) -> None:
        """Somebody writes into a chat where the bot is."""
        self.control("POST", "say", {"chat": chat, "text": text, **who})

    def update(self, update: Any) -> None:
        """An update as it is, whatever it is."""
        self.control("POST", "update", update)

    def allow_tokens(self, *tokens: str) -> None:
        """Only these bots are let in; none at all lets in every bot."""
        self.control("POST", "config", {"tokens": list(tokens)})


@contextlib.contextmanager
def start() -> Iterator[Telegram]:
    with running(["node", str(FOLDER / "start.js"), "--port", "0"]) as address:
        yield Telegram(address)
