"""The race of a cancellation with the end of the assembly, two hundred times."""

from __future__ import annotations

from street import Street
from test_acceptance import race, street  # noqa: F401  (a fixture)


def test_two_hundred_races_have_one_outcome_each(street: Street) -> None:  # noqa: F811
    race(street, 200)
