"""The client leaves at each chunk of a stream: the charge is what the policy says, and no hold stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import receipt
from harness.deadline import until
from harness.gateway import Customer, Gateway, gateway
from harness.wire import Client

CHUNKS = 12
TEXT = f"Much. simulate:chunks={CHUNKS} simulate:slow=20ms"
VERSION = {"anthropic-version": "2023-06-01"}

STREAMS = {
    "/v1/chat/completions": {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": TEXT}]},
    "/v1/responses": {"model": "gpt-4.1-mini", "input": TEXT},
    "/v1/messages": {"model": "claude-haiku-4-5", "max_tokens": 500, "messages": [{"role": "user", "content": TEXT}]},
}

OUTCOMES = {
    "drain": {"client_disconnected", "completed"},
    "cancel": {"client_disconnected_estimated", "client_disconnected", "completed"},
}


@pytest.fixture(scope="module", params=["drain", "cancel"])
def policy(request: pytest.FixtureRequest, program: Path) -> Iterator[tuple[str, Gateway]]:
    with gateway(program, settings={"AIDUET__GATEWAY__DISCONNECT": request.param}) as instance:
        yield request.param, instance
        assert instance.violations() == []


def leave(client: Client, path: str, events: int, seen: list[str]) -> None:
    """Reads so many events and closes the connection."""
    connection, response = client.open("POST", path, STREAMS[path] | {"stream": True}, VERSION)
    assert response.status == 200, response.read()
    seen.append(str(response.headers["x-request-id"]))
    for _ in range(events):
        while (line := response.readline()) and line.strip():
            pass
    connection.close()


@pytest.mark.parametrize("path", STREAMS)
def test_leaving_at_each_chunk(policy: tuple[str, Gateway], path: str) -> None:
    name, server = policy
    customer: Customer = server.customer(f"leaver{path.replace('/', '-')}", "50.00")
    client = server.client(customer.key)
    seen: list[str] = []
    threads = [threading.Thread(target=leave, args=(client, path, events, seen)) for events in range(2 * CHUNKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(seen) == len(threads)

    balance = until(
        "no holds are left", lambda: found if not (found := server.credits(customer.key))["held"] else None, 40
    )
    receipts = [server.receipt(customer.key, request) for request in seen]
    assert balance["total_usage"] == sum(receipt.check(one) for one in receipts)
    assert {one["outcome"] for one in receipts} <= OUTCOMES[name]
    left = [one for one in receipts if one["outcome"] != "completed"]
    assert len(left) >= CHUNKS // 2
    for one in left:
        assert one["cost_nano"] > 0
        assert one["estimated"] == (one["outcome"] == "client_disconnected_estimated")
    if name == "drain":
        assert len({one["cost_nano"] for one in receipts if not one["tokens"]["cache_read"]}) <= 2, "all cost the same"
    else:
        assert any(one["tokens"]["output"] < CHUNKS for one in left), "the provider was cancelled"
