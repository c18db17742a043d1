"""A folder of programs that stand for ours and misbehave on demand (fake_program.py)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

SERVICES = ("hook", "assembly", "erp", "processor", "notifier", "console", "scheduler")
POOLS = "pool { hook = 2 assembly = 1 erp = 1 processor = 1 notifier = 1 }\n"
FAKE = Path(__file__).with_name("fake_program.py")


class Fakes:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in SERVICES:
            shutil.copy(FAKE, folder / f"ordergate-{name}")

    def set(self, instance: str, **behaviour: object) -> None:
        """Replaced in one step: the program reads it at every request."""
        aside = self.folder / f"{instance}.new"
        aside.write_text(json.dumps(behaviour), encoding="utf-8")
        aside.rename(self.folder / f"{instance}.json")
