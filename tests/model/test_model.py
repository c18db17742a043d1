"""The protocol of the outbox, searched through: small bounds here, larger ones and every mutation in test_full_model.py."""

from __future__ import annotations

import re
from pathlib import Path

from spin import MODEL, errors, mutations

ROOT = Path(__file__).resolve().parents[2]
# What the model shares with the code: constants of its enums, functions of the queue and columns.
NAMES = re.compile(r"\b(?:(?:QUEUE|HEAD|HOLD|REPLY|ERR|ARRIVAL|PLAN)_[A-Z]+|queue_\w+|lease_\w+|sending_since_ms|settle_head"
                   r"|earlier_unknown|keep_uncertain|fits_into_lease)\b")
OF_THE_MODEL = {"lease_over"}  # lease_until_ms against the clock, which a model has not


def test_nothing_is_lost_or_doubled_and_the_sequence_is_kept(tmp_path: Path) -> None:
    count, said = errors(tmp_path, 60)
    assert count == 0, said


def test_without_the_mark_of_a_sending_the_model_finds_a_double_effect(tmp_path: Path) -> None:
    count, said = errors(tmp_path, 60, MUTATION=mutations()["NO_MARK"])
    assert count > 0 and "said_5xx" in said, said


def test_the_names_of_the_model_are_those_of_the_code() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for folder in ("common", "services/notifier")
                     for path in sorted((ROOT / folder).rglob("*.[ch]")))
    names = set(NAMES.findall(MODEL.read_text(encoding="utf-8"))) - OF_THE_MODEL
    assert len(names) > 20
    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()
