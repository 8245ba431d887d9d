"""What an operator is told to do, done."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.gateway import binary


@pytest.fixture(scope="session")
def program() -> Path:
    return binary()
