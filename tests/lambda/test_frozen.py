"""When the process stands still, nothing of an answer is left to be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness import receipt
from harness.database import Database
from harness.deadline import until
from harness.function import Function, Mode, function
from harness.gateway import Customer
from harness.platform import Departure, FunctionError, Head, Invocation

numbers = count(1)

VERSION = {"anthropic-version": "2023-06-01"}


def ask(text: str) -> dict[str, Any]:
    return {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": text}]}


@pytest.fixture(scope="module", params=["buffered", "streaming"])
def running(request: pytest.FixtureRequest, program: Path, database: Database | None) -> Iterator[Function]:
    with function(program, request.param, database) as instance:
        yield instance
        assert instance.violations() == []


@pytest.fixture
def customer(running: Function) -> Customer:
    return running.customer(f"frozen-{next(numbers)}")


def frozen(running: Function) -> None:
    assert running.platform.environments
    for environment in running.platform.environments:
        assert environment.idle.is_set() and environment.is_frozen()


def cost(running: Function, customer: Customer) -> int:
    """What an account has spent; nothing of it is held."""
    balance = running.ask("ledger", "balance", customer.account)
    assert balance["held_nano"] == 0, balance
    assert balance["available_nano"] == balance["credited_nano"] - balance["used_nano"]
    return int(balance["used_nano"])


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_ended_is_settled(running: Function, customer: Customer, stream: bool) -> None:
    body = ask("Say something. simulate:chunks=20") | {"stream": stream}
    answer = running.client(customer.key).post("/v1/chat/completions", body)
    assert answer.status == 200
    assert answer.body.rstrip().endswith(b"data: [DONE]") == stream
    frozen(running)
    spent = cost(running, customer)
    assert spent > 0
    assert receipt.check(running.receipt(customer.key, answer.headers["x-request-id"])) == spent


def test_the_use_of_a_key_is_written(running: Function, customer: Customer) -> None:
    assert running.client(customer.key).get("/v1/key").status == 200
    frozen(running)
    assert all(key["last_used_at"] for key in running.ask("keys", "list", "--user", customer.account))


def test_one_environment_answers_many_events(running: Function, customer: Customer) -> None:
    client = running.client(customer.key)
    before = {environment.process.pid for environment in running.platform.environments}
    for number in range(10):
        assert client.post("/v1/chat/completions", ask(f"{number}")).status == 200
    after = {environment.process.pid for environment in running.platform.environments}
    assert len(before | after) == max(1, len(before))


def event(customer: Customer, body: bytes) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": "/v1/chat/completions",
        "headers": {"host": "f.example", "authorization": f"Bearer {customer.key}", "content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "sourceIp": "192.0.2.7"}},
        "body": body.decode(),
    }


SLOW = b'{"model":"gpt-4.1-mini","stream":true,"messages":[{"role":"user","content":"simulate:chunks=%d simulate:slow=20ms"}]}'


def drained(invocation: Invocation) -> list[Head | bytes]:
    found = []
    with suppress(FunctionError):
        for item in invocation.items():
            found.append(item)
    return found


@pytest.mark.parametrize("departure", ["finish", "sever"])
def test_a_client_that_leaves_pays_for_the_answer(program: Path, departure: Departure) -> None:
    with function(program, "streaming", departure=departure) as running:
        customer = running.customer("leaver")
        connection, response = running.client(customer.key).open(
            "POST", "/v1/chat/completions", ask("simulate:chunks=50 simulate:slow=20ms") | {"stream": True}
        )
        request = response.headers["x-request-id"]
        response.readline()
        connection.close()
        until("everything stands still", lambda: all(one.idle.is_set() for one in running.platform.environments), 30)
        frozen(running)
        pids = {one.process.pid for one in running.platform.environments}
        spent = cost(running, customer)
        found = running.receipt(customer.key, request)
        assert receipt.check(found) == spent > 0
        assert found["tokens"]["output"] >= 50, "read on to the end"
        assert found["outcome"] == ("completed" if departure == "finish" else "client_disconnected")
        assert {one.process.pid for one in running.platform.environments} == pids, "the process goes on"
        assert running.violations() == []


@pytest.mark.parametrize("mode", ["buffered", "streaming"])
def test_what_outlasts_the_time_of_the_function_is_cut_off_and_settled(program: Path, mode: Mode) -> None:
    with function(program, mode, timeout=4) as running:
        customer = running.customer("patient")
        invocation = running.platform.begin(event(customer, SLOW % 1_000))
        found = b"".join(item for item in drained(invocation) if isinstance(item, bytes))
        frozen(running)
        assert b"[DONE]" not in found and b"error" in found
        assert cost(running, customer) > 0, "what was streamed until then is charged"
        running.platform.timeout = 60
        again = running.client(customer.key).post("/v1/chat/completions", ask("Hello"))
        assert again.status == 200, "the same process goes on with everything new"
        assert len(running.platform.environments) == 1
        assert running.violations() == []
