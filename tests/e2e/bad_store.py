"""A store whose every statement fails once, and a program that dies of what it reads: tests/preload/bad_store.c."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from appliance import BUILD

LIBRARY = BUILD / "tests" / "libbad_store.so"
BUSY, FAILS, WORKS = b"B", b"I", b"\0"
HEAD_BYTES, SLOTS = 64, 8192


class BadStore:
    """Takes effect in all processes at once, also in those that run."""

    def __init__(self, folder: Path, program: str = "") -> None:
        if not LIBRARY.exists():
            pytest.skip("this build has no bad store: sanitizers")
        path = folder / "bad-store"
        bytes_ = HEAD_BYTES + 8 * SLOTS
        path.write_bytes(bytes(bytes_))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), bytes_)
        self._memory[2:2 + len(program)] = program.encode()
        self._log = path.with_name("bad-store.log")
        self.environment = {"LD_PRELOAD": str(LIBRARY), "ORDERGATE_BAD_STORE": str(path)}

    def statements(self, how: bytes) -> None:
        """Each statement of each program fails once from now on."""
        self._memory[0:1] = how

    def die_of(self, text: str) -> None:
        self._die(text, b"\1")

    def die_at(self, statement: str) -> None:
        """By SIGKILL, before a statement with this text has run."""
        self._die(statement, b"\2")

    def _die(self, text: str, how: bytes) -> None:
        assert len(text.encode()) < 32
        self._memory[32:64] = text.encode().ljust(32, b"\0")
        self._memory[1:2] = how

    def live(self) -> None:
        self._memory[1:2] = b"\0"

    def failed(self) -> dict[str, set[str]]:
        """Statements that have failed, by program."""
        found: dict[str, set[str]] = {}
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines() if self._log.exists() else []
        for line in lines:
            program, _, sql = line.split("\t", 2)
            found.setdefault(program.removeprefix("ordergate-"), set()).add(sql)
        return found
