"""The binary for AWS Lambda, in the emulated platform, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.database import Database, postgres, postgres_url
from harness.gateway import binary


@pytest.fixture(scope="session")
def program() -> Path:
    return binary()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database | None]:
    """`None`: a file of each function's own."""
    if request.param == "sqlite":
        yield None
        return
    if postgres_url() is None:
        pytest.skip("AIDUET_TEST_POSTGRES_URL is not set")
    with postgres() as place:
        yield place
