"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STEP_SECONDS = 0.02


def until(what: str, probe: Callable[[], T | None], seconds: float = 15.0) -> T:
    """Asks again and again until the probe returns something true; fails after a while."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(STEP_SECONDS)
