"""Puts the doubles on the path and starts one marketplace for all tests that only need rules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kuper import remote  # noqa: E402  (needs the path above)


@pytest.fixture(scope="session")
def session_market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[remote.Kuper]:
    with remote.start(tmp_path_factory.mktemp("kuper"), "", "--settle-ms", "50") as market:
        yield market


@pytest.fixture
def market(session_market: remote.Kuper) -> remote.Kuper:
    """The marketplace, empty and with its usual behaviour."""
    session_market.reset()
    session_market.config(settle_ms=50, enforce=True, spec_rules=True, unreliable_code=422, repeat_code=422,
                         attempt_limit=0, wrong_token_status=401, kinds={}, hook_url="", client_tokens=[remote.CLIENT_TOKEN])
    return session_market
