# SPDX-License-Identifier: MIT
"""Where things are: the tree, and what was built from it."""
import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ORDERGATE_BUILD", ROOT / "build"))


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    return ROOT


@pytest.fixture(scope="session")
def build() -> pathlib.Path:
    return BUILD
