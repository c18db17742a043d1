"""A state directory for programs that are run by hand, one after another, without the rest of the appliance."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from pathlib import Path
from typing import Any

from appliance import BIN, Appliance, wait_until
from stores import Store, now_ms

TOKEN = "123456:AAsecret_token-AA"


class Installation:
    """Everything in a folder of its own. What is started here and not waited for is killed by end()."""

    def __init__(self, folder: Path, config: str = "", data: Store | None = None) -> None:
        self.state = folder / "state"
        self.data = data or Store(self.state)
        self.config = folder / "ordergate.conf"
        self.log = folder / "log.txt"
        self.write_config(config)
        self.started: list[subprocess.Popen[str]] = []
        self.control("init")

    @classmethod
    def of(cls, appliance: Appliance) -> "Installation":
        """The one that an appliance runs in: nothing is made."""
        made = cls.__new__(cls)
        made.state, made.config, made.data = appliance.state, appliance.config, appliance.data
        made.log, made.started = appliance.folder / "log.txt", []
        return made

    def write_config(self, text: str) -> None:
        self.config.write_text(self.data.named_in(text), encoding="utf-8")

    def set_secret(self, name: str, value: str) -> None:
        path = self.state / "secrets" / name
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_text(value, encoding="utf-8")

    # --- programs

    def command(self, program: str, *arguments: str, bin_folder: Path = BIN) -> list[str]:
        return [str(bin_folder / program), "--state", str(self.state), "--config", str(self.config), *arguments]

    def control(self, *arguments: str) -> str:
        done = subprocess.run(self.command("ordergatectl", *arguments), capture_output=True, text=True, timeout=30,
                              check=False)
        assert done.returncode == 0, f"ordergatectl {arguments}: {done.stderr}"
        return done.stdout

    def run(self, name: str, code: int = 0, timeout: float = 60.0) -> str:
        """The result line of a procedure."""
        with open(self.log, "a", encoding="utf-8") as log:
            done = subprocess.run(self.command(f"ordergate-{name}"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=log, text=True, timeout=timeout, check=False)
        assert done.returncode == code, f"{name}: exit {done.returncode}\n{done.stdout}\n{self.log.read_text()}"
        return done.stdout.strip()

    def start(self, name: str, *arguments: str, bin_folder: Path = BIN) -> subprocess.Popen[str]:
        with open(self.log, "a", encoding="utf-8") as log:
            process = subprocess.Popen(self.command(f"ordergate-{name}", *arguments, bin_folder=bin_folder),
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True)
        self.started.append(process)
        return process

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                # A stopped process is killed all the same.
                process.send_signal(signal.SIGKILL)
            process.wait()

    # --- the store

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.data.rows(sql, *values)

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        return self.data.row(sql, *values)

    def change(self, sql: str, *values: Any) -> None:
        self.data.change(sql, *values)

    def queue(self, chat: str, text: str, severity: str = "critical", made_ms: int | None = None) -> int:
        """A message in the Telegram queue; its id."""
        self.change("INSERT INTO telegram_head (chat, last_seq, state, due_ms) VALUES (?, 1, 1, 0) ON CONFLICT (chat)"
                    " DO UPDATE SET last_seq = telegram_head.last_seq + 1, state = CASE telegram_head.state WHEN 0 THEN 1"
                    " ELSE telegram_head.state END", chat)
        self.change("INSERT INTO telegram_queue (message_id, head_id, chat, event_type, order_seq, severity, state,"
                    " due_ms, created_ms, updated_ms, text) SELECT ?, head_id, chat, 'notice', last_seq, ?, 1, 0, ?, 0, ?"
                    " FROM telegram_head WHERE chat = ?", uuid.uuid4().hex, severity,
                    now_ms() if made_ms is None else made_ms, text, chat)
        return self.rows("SELECT max(id) FROM telegram_queue")[0][0]

    def make_due(self) -> None:
        """As if the time that messages wait for were over."""
        self.change("UPDATE telegram_queue SET due_ms = 0 WHERE state = 1")
        self.change("UPDATE telegram_head SET due_ms = 0 WHERE state = 1")

    def wait_for(self, sql: str, seconds: float, what: str) -> tuple[Any, ...]:
        """The first row of a query that has one with a true first column."""
        def look() -> tuple[Any, ...] | None:
            found = self.row(sql)
            return found if found and found[0] else None
        try:
            return wait_until(look, seconds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()}\n{self.rows('SELECT * FROM job_runs')}") from None


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
