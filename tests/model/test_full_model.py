"""Larger bounds, and each means of the protocol taken away: the search must miss it. Part of `./check full`."""

from __future__ import annotations

from pathlib import Path

import pytest

from spin import errors, mutations


@pytest.mark.parametrize("bounds", [{"KILLS": 2, "STOPS": 2, "LOSSES": 2}, {"KILLS": 2, "STOPS": 1, "LOSSES": 2, "MESSAGES": 3},
                                    {"NOTIFIERS": 3, "KILLS": 1, "STOPS": 1, "LOSSES": 2}], ids=str)
def test_more_trouble_changes_nothing(tmp_path: Path, bounds: dict[str, int]) -> None:
    count, said = errors(tmp_path, 400, **bounds)
    assert count == 0, said


@pytest.mark.parametrize("name", mutations())
def test_a_protocol_without_it_fails(tmp_path: Path, name: str) -> None:
    count, said = errors(tmp_path, 60, MUTATION=mutations()[name])
    assert count > 0, said


def test_every_mutation_is_there() -> None:
    assert len(mutations()) == 9
