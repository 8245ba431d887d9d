"""One gateway with the simulated providers for all clients from npm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.gateway import Gateway, binary, gateway

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def server() -> Iterator[Gateway]:
    modules = HERE / "node_modules"
    assert modules.is_dir(), f"run `npm ci --ignore-scripts` in {HERE}"
    with gateway(binary()) as instance:
        yield instance
        assert instance.violations() == []
