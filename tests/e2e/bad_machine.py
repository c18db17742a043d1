"""A machine whose disk, doorbells and clock misbehave when a test says so: tests/preload/bad_machine.c."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

import pytest

from appliance import BUILD

LIBRARY = BUILD / "tests" / "libbad_machine.so"
WORKS, FULL, READ_ONLY, FAILS = b"\0", b"F", b"R", b"I"
KEPT, UNSET = b"K", b"U"
HOUR_MS = 3_600_000


class BadMachine:
    """Takes effect in all processes at once, also in those that run."""

    def __init__(self, folder: Path) -> None:
        if not LIBRARY.exists():
            pytest.skip("this build has no bad machine: sanitizers")
        path = folder / "machine"
        path.write_bytes(bytes(16))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 16)
        self.environment = {"LD_PRELOAD": str(LIBRARY), "ORDERGATE_BAD_MACHINE": str(path)}

    def disk(self, how: bytes) -> None:
        self._memory[0:1] = how

    def fill_incoming(self, full: bool) -> None:
        """No room for files that are sent to us."""
        self._memory[3:4] = b"\1" if full else b"\0"

    def drop_bells(self) -> None:
        self._memory[1:2] = b"\1"

    def set_clock(self, ahead_ms: int) -> None:
        """So far ahead of the real one."""
        self._memory[8:16] = struct.pack("<q", ahead_ms)

    def kernel_clock(self, how: bytes, off_ms: int = 0) -> None:
        """What a time service says of the clock, or that there is none."""
        self._memory[4:8] = struct.pack("<i", off_ms)
        self._memory[2:3] = how
