"""Events of every kind, and what is said of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.database import Database
from harness.deadline import until
from harness.function import Function, Mode, function
from harness.platform import FunctionError, Head

CANARY = "canary-7f3a9c51"

UPKEEP: dict[str, dict[str, Any]] = {
    "rule": {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    "schedule": {"aiduet": "jobs"},
}


@pytest.fixture(scope="module", params=["buffered", "streaming"])
def running(request: pytest.FixtureRequest, program: Path) -> Iterator[Function]:
    settings = {"AIDUET__TELEMETRY__LEVEL": "trace", "RUST_LOG": "trace", "RUST_BACKTRACE": "1"}
    with function(program, request.param, settings=settings) as instance:
        yield instance


@pytest.mark.parametrize("name", UPKEEP)
def test_a_scheduled_event_does_what_is_due(program: Path, database: Database | None, name: str) -> None:
    settings = {"AIDUET__GATEWAY__HEARTBEAT": "100ms", "AIDUET__GATEWAY__DEAD_AFTER": "500ms"}
    with function(program, "streaming", database, settings | {"AIDUET__MAIL__URL": "console:"}) as running:
        customer = running.customer(f"scheduled-{name}")
        body = {"model": "gpt-4.1-mini", "stream": True, "messages": [{"role": "user", "content": "simulate:stall=3"}]}
        connection, response = running.client(customer.key).open("POST", "/v1/chat/completions", body)
        response.readline()
        assert running.ask("ledger", "balance", customer.account)["held_nano"] > 0
        running.platform.environments[0].end()
        connection.close()
        told: list[dict[str, Any]] = []

        def swept() -> bool:
            told.append(running.platform.invoke(UPKEEP[name]))
            return any(told[-1]["holds"].values())

        until("the holds of the dead are resolved", swept, 20)
        jobs = told[0]["jobs"]
        assert running.ask("ledger", "balance", customer.account)["held_nano"] == 0
        assert running.violations() == []
        if database is None:
            assert jobs and all(job["outcome"] == "done" for job in jobs)
        assert running.platform.invoke(UPKEEP[name])["jobs"] == [], "nothing is due at once again"


def test_mails_leave_with_a_scheduled_event(program: Path) -> None:
    with function(program, "buffered", settings={"AIDUET__MAIL__URL": "console:"}) as running:
        person = {"email": "new@example.com", "password": "correct horse battery staple", "accept_policies": True}
        answer = running.client().post("/api/v1/auth/register", person)
        assert answer.status == 202, answer.body
        assert running.platform.invoke(UPKEEP["schedule"])["messages"]["delivered"] == 1
        assert b"new@example.com" in running.log()


def whole(running: Function, event: Any) -> tuple[Head, bytes]:
    items = list(running.platform.begin(event).items())
    assert isinstance(items[0], Head)
    return items[0], b"".join(item for item in items[1:] if isinstance(item, bytes))


def test_the_old_format_is_refused_with_what_to_do(running: Function) -> None:
    event = {"version": "1.0", "path": f"/{CANARY}", "httpMethod": "POST", "body": CANARY, "headers": {"a": CANARY}}
    head, body = whole(running, event)
    assert head.status == 501
    assert b"PayloadFormatVersion" in body


STRANGE = [
    b"",
    CANARY.encode(),
    f'{{"{CANARY}": '.encode(),
    json.dumps({"Records": [{"body": CANARY}]}).encode(),
    json.dumps({"version": "3.0", "body": CANARY}).encode(),
    json.dumps({"version": [CANARY]}).encode(),
    json.dumps({"source": "aws.s3", "detail-type": CANARY}).encode(),
]


@pytest.mark.parametrize("event", STRANGE)
def test_what_is_no_event_of_ours_fails(running: Function, event: bytes) -> None:
    with pytest.raises(FunctionError, match="neither an HTTP request") as caught:
        whole(running, event)
    assert CANARY not in str(caught.value)


MALFORMED = [
    {"version": "2.0", "body": CANARY},
    {"version": "2.0", "rawPath": [CANARY], "requestContext": {"http": {"method": "GET"}}},
    {"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method": f"a b {CANARY}"}}},
    {"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method": "GET"}}, "headers": {"a": f"\n{CANARY}"}},
    {"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method": "GET"}}, "isBase64Encoded": True,
     "body": f"!{CANARY}"},
]  # fmt: skip


@pytest.mark.parametrize("event", MALFORMED)
def test_a_request_that_makes_no_sense_is_refused(running: Function, event: dict[str, Any]) -> None:
    head, body = whole(running, event)
    assert head.status == 400
    assert CANARY.encode() not in body


def test_bodies_may_be_binary_both_ways(running: Function) -> None:
    customer = running.customer("binary")
    packed = gzip.compress(b'{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Hello"}]}')
    client = running.client(customer.key)
    assert client.post("/v1/chat/completions", packed, {"content-type": "application/octet-stream"}).status in (400, 415)
    page = running.client().get("/dashboard")
    assert page.status == 200
    names = [part.split('"')[0] for part in page.body.decode().split("/dashboard/assets/")[1:]]
    assert names
    asset = running.client().get(f"/dashboard/assets/{names[0]}", **{"accept-encoding": "gzip"})
    plain = running.client().get(f"/dashboard/assets/{names[0]}")
    assert asset.headers["content-encoding"] == "gzip"
    assert gzip.decompress(asset.body) == plain.body


def test_nothing_of_any_event_is_logged(running: Function) -> None:
    """PRV-10: at the finest level, after every event above and a call with a prompt."""
    customer = running.customer("secret")
    for stream in (False, True):
        body = {"model": "gpt-4.1-mini", "stream": stream, "messages": [{"role": "user", "content": CANARY}]}
        answer = running.client(customer.key).post("/v1/chat/completions?q=" + CANARY, body)
        assert answer.status == 200
    log = running.log()
    assert b'"level":"trace"' in log or b'"level":"debug"' in log or b'"level":"info"' in log
    assert CANARY.encode() not in log
    assert customer.key.encode() not in log


def test_a_function_that_cannot_start_says_why(program: Path) -> None:
    settings = {"AIDUET__UPSTREAM__OPENAI__KIND": "", "AIDUET__UPSTREAM__ANTHROPIC__KIND": ""}
    modes: list[tuple[Mode, dict[str, str], str]] = [
        ("buffered", settings, "upstream.anthropic.api_key"),
        ("buffered", {"AIDUET__SERVER__NONSENSE": "1"}, "AIDUET__SERVER__NONSENSE"),
    ]
    for mode, given, said in modes:
        with function(program, mode) as running:
            running.platform.variables |= given
            with pytest.raises(AssertionError, match="the function ended") as caught:
                running.platform.begin({"aiduet": "jobs"})
            assert said in str(caught.value)
