"""kill -9 under load: whatever a client saw whole is billed, once, at the price it saw."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crash.books import assert_known, assert_settled
from crash.load import Acknowledged, Load
from harness.database import Database, SqliteDatabase, postgres, postgres_url
from harness.gateway import Gateway, binary

ROUNDS = int(os.environ.get("AIDUET_KILL_ROUNDS", "10"))
SEED = int(os.environ.get("AIDUET_KILL_SEED") or random.SystemRandom().randrange(1 << 32))
THREADS = 12
LIFE_SECONDS = (0.05, 1.2)

BUSY = b'"error_code":"service_unavailable"'
"""A machine under load may shed calls; nothing else may be refused."""

SETTINGS = {
    "AIDUET__GATEWAY__HEARTBEAT": "200ms",
    "AIDUET__GATEWAY__DEAD_AFTER": "1s",
    "AIDUET__GATEWAY__PROGRESS": "100ms",
    "AIDUET__TELEMETRY__LEVEL": "warn",
}


@pytest.fixture(scope="module")
def program() -> Path:
    return binary()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        yield SqliteDatabase(tmp_path / "data" / "aiduet.db")
    elif postgres_url():
        with postgres() as place:
            yield place
    else:
        pytest.skip("AIDUET_TEST_POSTGRES_URL is not set")


def test_a_killed_gateway_loses_no_money_and_no_receipt(program: Path, database: Database, tmp_path: Path) -> None:
    print(f"seed {SEED}, {ROUNDS} rounds")
    chance = random.Random(SEED)
    gateway = Gateway(program, tmp_path, database, SETTINGS).start()
    customers = [gateway.customer(f"crash-{number}", "1000.00") for number in range(3)]
    acknowledged: list[Acknowledged] = []
    broken = shed = 0
    for number in range(ROUNDS):
        load = Load(gateway, customers, chance.randrange(1 << 32))
        load.start(THREADS)
        time.sleep(chance.uniform(*LIFE_SECONDS))  # the moment of death, not a wait for something
        gateway.kill()
        load.end()
        assert all(BUSY in body for _, body in load.refused), load.refused[:3]
        gateway.start()
        assert_settled(gateway, database, customers, f"round {number} of seed {SEED}")
        assert_known(gateway, load.acknowledged)
        acknowledged += load.acknowledged
        broken += load.broken
        shed += len(load.refused)
    assert_known(gateway, chance.sample(acknowledged, min(200, len(acknowledged))))
    outcomes = dict(database.rows("select outcome, count(*) from requests group by outcome"))
    gateway.stop()
    print(f"{len(acknowledged)} acknowledged, {broken} cut off, {shed} shed, outcomes {outcomes}")
    assert len(acknowledged) > ROUNDS, "work was acknowledged"
    assert broken > ROUNDS, "calls were under way when it died"
    assert len({one.request for one in acknowledged}) == len(acknowledged)
