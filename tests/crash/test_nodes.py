"""Four nodes on one PostgreSQL and one Redis: what happens to one of them is nobody's loss."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crash.books import assert_known, assert_settled
from crash.load import CALLS, Acknowledged, Call, Load, Refused, chat
from crash.servers import INITDB, REDIS, postgres_server, redis_server
from harness.database import PostgresDatabase, postgres, postgres_url
from harness.deadline import until
from harness.gateway import Customer, Gateway, binary

SECONDS = int(os.environ.get("AIDUET_FAULT_SECONDS", "10"))
SEED = int(os.environ.get("AIDUET_KILL_SEED") or random.SystemRandom().randrange(1 << 32))
NODES = 4
THREADS = 12
STREAMS = CALLS[3:]
ATTEMPTS = 60
PATIENCE = 0.1

SETTINGS = {
    "AIDUET__GATEWAY__HEARTBEAT": "500ms",
    "AIDUET__GATEWAY__DEAD_AFTER": "3s",
    "AIDUET__GATEWAY__PROGRESS": "200ms",
    "AIDUET__TELEMETRY__LEVEL": "warn",
}

pytestmark = pytest.mark.skipif(postgres_url() is None, reason="AIDUET_TEST_POSTGRES_URL is not set")


@dataclass
class Callers(Load):
    """Clients as the official SDKs are: what was not answered, or not now, is asked again, of any node."""

    nodes: list[Gateway] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    """Calls that nobody answered, however often they were repeated."""
    poor: int = 0
    """Calls that were refused for want of funds."""
    cut: int = 0
    """Streams that ended without their end."""

    def _keep_calling(self, chance: random.Random) -> None:
        while not self._stop.is_set():
            self._call(chance, chance.choice(self.customers), chance.choice(CALLS))

    def _call(self, chance: random.Random, customer: Customer, call: Call) -> None:
        for _ in range(ATTEMPTS):
            try:
                done = call(chance.choice(self.nodes).client(customer.key), chance)
            except Refused as refused:
                self.refused.append((refused.status, refused.body))
                if refused.status == 402:
                    self.poor += 1
                    return
            except (OSError, http.client.HTTPException):
                if call in STREAMS:
                    self.cut += 1
                    return
            else:
                self.acknowledged.append(Acknowledged(customer.key, *done))
                return
            time.sleep(PATIENCE)
        self.given_up.append(call.__name__)


@contextmanager
def nodes_on(database: PostgresDatabase, directory: Path, settings: dict[str, str]) -> Iterator[list[Gateway]]:
    nodes = []
    for number in range(NODES):
        place = directory / f"node-{number}"
        place.mkdir()
        nodes.append(Gateway(binary(), place, database, SETTINGS | settings))
    try:
        yield [node.start() for node in nodes]
    finally:
        for node in nodes:
            if node.process is not None:
                node.process.kill()
                node.process.wait()


def rich_and_poor(node: Gateway) -> list[Customer]:
    """Some who can pay for everything, and some who can pay for one call at a time."""
    return [node.customer(f"rich-{n}", "1000.00") for n in range(2)] + [
        node.customer(f"poor-{n}", "0.0015") for n in range(2)
    ]


@pytest.mark.skipif(REDIS is None, reason="no Redis is installed")
def test_nodes_that_die_and_a_redis_that_restarts_cost_nothing(tmp_path: Path) -> None:
    print(f"seed {SEED}, {SECONDS} s")
    chance = random.Random(SEED)
    with postgres() as database, redis_server() as redis:
        with nodes_on(database, tmp_path, {"AIDUET__REDIS__URL": redis.url}) as nodes:
            customers = rich_and_poor(nodes[0])
            load = Callers(nodes[0], customers, chance.randrange(1 << 32), nodes=nodes)
            load.start(THREADS)
            for second in range(SECONDS):
                time.sleep(1)  # the moment of death, not a wait for something
                victim = chance.choice(nodes)
                victim.kill()
                if second in (SECONDS // 3, 2 * SECONDS // 3):
                    redis.stop()
                    redis.start()
                victim.start()
            load.end()
            check(load, database)


@pytest.mark.skipif(INITDB is None, reason="no PostgreSQL is installed whose files a test may own")
def test_a_database_that_restarts_loses_no_settlement(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    with postgres_server() as server:
        database = PostgresDatabase(server.url)
        with nodes_on(database, tmp_path, {}) as nodes:
            processes = [node.process for node in nodes]
            customers = rich_and_poor(nodes[0])
            load = Callers(nodes[0], customers, SEED, nodes=nodes)
            load.start(THREADS)
            for _ in range(2):
                until("calls are answered", after(load), 60)
                server.stop()
                answer = nodes[0].client(customers[0].key).post(
                    "/v1/chat/completions", chat(random.Random(SEED), "", stream=False), {}
                )
                assert answer.status == 503, (answer, answer.body)
                server.start()
            until("calls are answered again", after(load), 60)
            load.end()
            assert [node.process for node in nodes] == processes, "no node was restarted"
            assert all(node.is_ready() for node in nodes)
            check(load, database)


def after(load: Load) -> object:
    """Whether more was answered since."""
    begin = len(load.acknowledged)
    return lambda: len(load.acknowledged) > begin + 20


def check(load: Callers, database: PostgresDatabase) -> None:
    assert load.given_up == [], "clients that repeat see no failure"
    assert_settled(load.nodes[0], database, load.customers, f"seed {SEED}")
    assert_known(load.nodes[-1], random.Random(SEED).sample(load.acknowledged, min(300, len(load.acknowledged))))
    assert len({one.request for one in load.acknowledged}) == len(load.acknowledged)
    for customer in load.customers:
        assert load.nodes[0].credits(customer.key)["available"] >= 0, "nobody overspent"
    recorded = {str(row[0]) for row in database.rows("select outcome from requests group by outcome")}
    print(
        f"{len(load.acknowledged)} acknowledged, {load.cut} streams cut, {load.poor} without funds, "
        f"{len(load.refused) - load.poor} repeated, outcomes {sorted(recorded)}"
    )
    assert len(load.acknowledged) > 50, "work was acknowledged"
    assert load.poor, "the poor asked for more than they had"


def test_a_revoked_key_stops_on_every_node(tmp_path: Path) -> None:
    with postgres() as database, nodes_on(database, tmp_path, {}) as nodes:
        customer = nodes[0].customer("revoked", "1.00")
        (key,) = nodes[0].ask("keys", "list", "--user", customer.account)
        for node in nodes:
            assert node.client(customer.key).get("/v1/key").status == 200
        nodes[0].run("keys", "disable", key["id"], "--user", customer.account)
        begin = time.monotonic()
        for node in nodes:
            until("the key is refused", lambda node=node: node.client(customer.key).get("/v1/key").status == 401, 30)
        print(f"refused by all after {time.monotonic() - begin:.1f} s")


@pytest.mark.skipif(REDIS is None, reason="no Redis is installed")
def test_a_limit_over_four_nodes_is_one_limit(tmp_path: Path) -> None:
    limit = 200
    with ExitStack() as stack:
        database, redis = stack.enter_context(postgres()), stack.enter_context(redis_server())
        nodes = stack.enter_context(nodes_on(database, tmp_path, {"AIDUET__REDIS__URL": redis.url}))
        customer = nodes[0].customer("limited", "1000.00", "--requests-per-minute", str(limit))
        body = {"model": "text-embedding-3-small", "input": "x"}
        passed = [0] * NODES
        begin = time.monotonic()

        def ask(number: int) -> None:
            client = nodes[number].client(customer.key)
            statuses = [client.post("/v1/embeddings", body).status for _ in range(limit)]
            assert set(statuses) <= {200, 429}, statuses
            passed[number] = statuses.count(200)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(NODES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # What time gives back meanwhile, however long it took, is not above the limit.
        allowed = limit + limit * (time.monotonic() - begin) / 60
        print(f"{passed} of {NODES * limit} passed, {allowed:.0f} allowed")
        assert limit <= sum(passed) <= allowed * 1.01
        assert all(passed), "every node let some through"
