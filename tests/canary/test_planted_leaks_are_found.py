"""The positive control: a binary with planted leaks, in which every one must be found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from canary.canaries import Scanner
from canary.run import traffic
from harness.database import SqliteDatabase
from harness.gateway import ROOT, binary

LEAKS = {
    "log-line": "file log",
    "log-debug": "file log",
    "serde-error": "file log",
    "panic-text": "file log",
    "standard-output": "file log",
    "standard-error": "file log",
    "temporary-file": "file tmp/",
    "core-file": "file work/core",
    "answer-log": "file log",
    "error-body": "another customer's /v1/",
    "other-answer": "another customer's /v1/credits",
    "database-column": "database file",
    "metric-label": "/metrics",
    "upstream-header": "head to the provider",
    "header-log": "file log",
}
"""Each planted leak, and where it must be found."""

MARKER = b"AIDUET_LEAK"


@pytest.fixture(scope="module")
def leaky() -> Path:
    """The binary that was compiled with the leaks."""
    given = os.environ.get("AIDUET_LEAKY_BIN")
    if not given:
        pytest.skip("AIDUET_LEAKY_BIN is not set; `.ci/run leaks` builds it")
    return Path(given)


def test_every_leak_in_the_code_is_tried() -> None:
    code = (ROOT / "aiduet-core/src/leak.rs").read_text()
    assert set(LEAKS) == {part.split('"')[0] for part in code.split('is_on("')[1:]}


def test_only_the_leaky_binary_has_the_leaks(leaky: Path) -> None:
    assert MARKER in leaky.read_bytes()
    assert MARKER not in binary().read_bytes()


def test_without_a_chosen_leak_nothing_is_found(leaky: Path, tmp_path: Path) -> None:
    assert found(leaky, tmp_path, "none") == set()


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found(leaky: Path, tmp_path: Path, leak: str) -> None:
    places = found(leaky, tmp_path, leak)
    assert any(place.startswith(LEAKS[leak]) for place in places), places


def found(program: Path, directory: Path, leak: str) -> set[str]:
    """The sinks with a mark, after one round of calls."""
    database = SqliteDatabase(directory / "data" / "aiduet.db")
    with traffic(program, directory, database, {"AIDUET_LEAK": leak}) as run:
        run.briefly()
        scanner = Scanner(run.planter.planted)
        return {sink.name for sink in run.sinks() if scanner.scan(sink.name, sink.data)}
