"""No piece of a prompt or an answer reaches anything but the client and the provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canary.canaries import Scanner
from canary.run import SEED, traffic
from harness.database import Database, SqliteDatabase, postgres, postgres_url
from harness.gateway import binary


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        yield SqliteDatabase(tmp_path / "data" / "aiduet.db")
    elif postgres_url():
        with postgres() as place:
            yield place
    else:
        pytest.skip("AIDUET_TEST_POSTGRES_URL is not set")


def test_no_mark_is_found_anywhere(database: Database, tmp_path: Path) -> None:
    with traffic(binary(), tmp_path, database) as run:
        run.everything()
        sinks = list(run.sinks())
        scanner = Scanner(run.planter.planted)
        hits = [hit for sink in sinks for hit in scanner.scan(sink.name, sink.data)]
    size = sum(len(sink.data) for sink in sinks)
    print(f"seed {SEED}: {len(run.planter.planted)} marks, {run.calls} calls, {len(sinks)} sinks, {size} bytes")
    assert len(run.planter.planted) >= 100 and run.calls >= 500
    assert len(run.upstream.received) > 100, "calls reached the provider"
    assert any(b"refused" in sink.data for sink in sinks if sink.name == "file log"), "the log was read"
    assert not hits, "\n".join(str(hit) for hit in hits[:40])
