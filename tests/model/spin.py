"""Runs spin over outbox.pml with given bounds."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).with_name("outbox.pml")
DEPTH = 400_000


def errors(folder: Path, seconds: float, **values: int) -> tuple[int, str]:
    """How many errors the whole state space has, and what the verifier said."""
    if shutil.which("spin") is None:
        pytest.skip("spin is not installed")
    defines = [f"-D{name}={value}" for name, value in values.items()]
    shutil.copy(MODEL, folder)
    made = subprocess.run(["spin", *defines, "-a", MODEL.name], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0 and "rror" not in made.stdout, made.stdout
    subprocess.run(["gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=6000", "-o", "pan", "pan.c"], cwd=folder, check=True,
                   timeout=120)
    said = subprocess.run(["./pan", f"-m{DEPTH}"], cwd=folder, capture_output=True, text=True, timeout=seconds, check=False).stdout
    assert "max search depth too small" not in said and "out of memory" not in said, said
    found = re.search(r"errors: (\d+)", said)
    assert found, said
    states = re.search(r"[\d.e+]+ states, stored", said)
    print(values, found[0], states and states[0])
    return int(found[1]), said


def mutations() -> dict[str, int]:
    """Name and number of everything that can be taken away from the protocol."""
    found = re.findall(r"^#define ((?:NO_|LOST_|FORGETS_)\w+) (\d+) +/\*", MODEL.read_text(encoding="utf-8"), re.M)
    return {name: int(number) for name, number in found}
