"""Fixtures of the end-to-end tests. `appliance` is a running one; `make_appliance` makes any number, not started."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
# What they assert is shown as what a test asserts.
pytest.register_assert_rewrite("api_client", "desk", "intake_checks", "invoices", "load", "street")

from appliance import Appliance  # noqa: E402
from engines import runs_here  # noqa: E402
from fakes import POOLS, Fakes  # noqa: E402
from postgres_server import PostgresDatabase, on_server  # noqa: E402


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests about SQLite do not run with stores in PostgreSQL: engines.py.
    ORDERGATE_PART="2/3": every third test of a file, from its second on. Files that wait long run in parts at a time."""
    others = [item for item in items if not runs_here(item.path.name, getattr(item, "originalname", item.name), on_server())]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
    part, parts = map(int, os.environ.get("ORDERGATE_PART", "1/1").split("/"))
    items[:] = items[part - 1::parts]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: UNIX sockets have room for 107 characters."""
    path = Path(tempfile.mkdtemp(prefix="og-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_appliance(folder: Path) -> Iterator[Callable[..., Appliance]]:
    made: list[Appliance] = []

    def make(config: str = "", bin_folder: Path | None = None, database: PostgresDatabase | None = None) -> Appliance:
        own = folder / str(len(made))
        own.mkdir()
        made.append(Appliance(own, config, bin_folder, database))
        return made[-1]

    yield make
    for one in made:
        one.destroy()


@pytest.fixture
def appliance(make_appliance: Callable[..., Appliance]) -> Appliance:
    return make_appliance().start()


@pytest.fixture
def fakes(folder: Path) -> Fakes:
    return Fakes(folder / "bin")


@pytest.fixture
def shop(make_appliance: Callable[..., Appliance], fakes: Fakes) -> Appliance:
    """The real supervisor and nginx around programs that are not ours; not started."""
    return make_appliance(POOLS, fakes.folder)
