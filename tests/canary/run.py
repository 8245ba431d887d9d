"""A gateway at its most talkative, between marked clients and a marking provider."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canary.canaries import Planter
from canary.traffic import Traffic
from canary.upstream import Upstream
from harness.database import Database
from harness.gateway import Gateway

SEED = int(os.environ.get("AIDUET_CANARY_SEED") or random.SystemRandom().randrange(1 << 32))

TALKATIVE = {
    "RUST_LOG": "trace",
    "RUST_BACKTRACE": "full",
    "AIDUET__TELEMETRY__LEVEL": "trace",
    "AIDUET__GATEWAY__HEARTBEAT": "200ms",
    "AIDUET__GATEWAY__DEAD_AFTER": "1s",
    "AIDUET__GATEWAY__PROGRESS": "100ms",
}

CUSTOMERS = {"customer": "1000.00", "stranger": "1000.00", "poor": "0.00"}


ENSEMBLES = ("--duet", '{"ensemble":true}')
"""Keys that may have plan, code and review in one answer."""


@contextmanager
def traffic(
    program: Path, directory: Path, database: Database, settings: dict[str, str] | None = None
) -> Iterator[Traffic]:
    planter = Planter(SEED)
    credentials = {vendor: planter.plain(f"credential for {vendor}") for vendor in ("OPENAI", "ANTHROPIC")}
    with Upstream().serving() as upstream:
        given = dict(TALKATIVE)
        for vendor, credential in credentials.items():
            given |= {
                f"AIDUET__UPSTREAM__{vendor}__KIND": "api",
                f"AIDUET__UPSTREAM__{vendor}__BASE_URL": upstream.url,
                f"AIDUET__UPSTREAM__{vendor}__API_KEY": credential,
                f"AIDUET__UPSTREAM__{vendor}__ALLOW_PLAIN_HTTP": "true",
            }
        gateway = Gateway(program, directory, database, given | (settings or {})).start()
        try:
            people = [gateway.customer(name, credit, *ENSEMBLES) for name, credit in CUSTOMERS.items()]
            for name, person in zip(CUSTOMERS, people, strict=True):
                planter.take(f"API key of {name}", person.key.removeprefix("sk-duet-"))
            yield Traffic(gateway, upstream, planter, list(credentials.values()), *people)
        finally:
            if gateway.process is not None:
                gateway.process.kill()
                gateway.process.wait()
