"""A state directory for programs that are run by hand, one after another, without the rest of the appliance."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from appliance import BIN, wait_until

TOKEN = "123456:AAsecret_token-AA"


class Installation:
    """Everything in a folder of its own. What is started here and not waited for is killed by end()."""

    def __init__(self, folder: Path, config: str = "") -> None:
        self.state = folder / "state"
        self.config = folder / "ordergate.conf"
        self.log = folder / "log.txt"
        self.write_config(config)
        self.started: list[subprocess.Popen[str]] = []
        self.control("init")

    def write_config(self, text: str) -> None:
        self.config.write_text(text, encoding="utf-8")

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
        with closing(sqlite3.connect(f"file:{self.state}/ordergate.db?mode=ro", uri=True, timeout=5)) as store:
            return store.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        found = self.rows(sql, *values)
        return found[0] if found else None

    def change(self, sql: str, *values: Any) -> None:
        """What no program of ours does; the log is left alone, as everybody outside must."""
        with closing(sqlite3.connect(self.state / "ordergate.db", timeout=5)) as store:
            store.execute("PRAGMA wal_autocheckpoint=0")
            with store:
                store.execute(sql, values)

    def queue(self, chat: str, text: str, severity: str = "critical", made_ms: int | None = None) -> int:
        """A message in the Telegram queue; its id."""
        self.change("INSERT INTO telegram_head (chat, last_seq, state, due_ms) VALUES (?, 1, 1, 0) ON CONFLICT (chat)"
                    " DO UPDATE SET last_seq = last_seq + 1, state = iif(state = 0, 1, state)", chat)
        self.change("INSERT INTO telegram_queue (message_id, head_id, chat, event_type, order_seq, severity, state,"
                    " due_ms, created_ms, updated_ms, text) SELECT hex(randomblob(8)), head_id, chat, 'notice',"
                    " last_seq, ?, 1, 0, coalesce(?, unixepoch() * 1000), 0, ? FROM telegram_head WHERE chat = ?",
                    severity, made_ms, text, chat)
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
