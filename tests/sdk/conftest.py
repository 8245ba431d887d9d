"""A gateway with the simulated providers, and for each test an account whose books must be right."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anthropic
import httpx2
import openai
import pytest

from harness import receipt
from harness.database import chosen
from harness.deadline import until
from harness.function import chosen_mode, function
from harness.gateway import Customer, Gateway, binary, gateway

numbers = itertools.count(1)


@dataclass
class Recorder:
    """What went over the wire, retries included."""

    statuses: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def note(self, response: httpx2.Response) -> None:
        self.statuses.append(response.status_code)
        self.requests.append(response.headers["x-request-id"])

    def client(self) -> httpx2.Client:
        return httpx2.Client(event_hooks={"response": [self.note]}, timeout=60)


@dataclass
class Books:
    """An account, its key, and every call that was made with it."""

    gateway: Gateway
    customer: Customer
    wire: Recorder

    def balance(self) -> dict[str, int]:
        return self.gateway.credits(self.customer.key)

    def receipt(self, request_id: str | None) -> dict[str, object]:
        assert request_id
        return self.gateway.receipt(self.customer.key, request_id)

    def when_settled(self) -> dict[str, int]:
        """The balance once nothing is held any more."""
        return until("no holds are left", lambda: balance if not (balance := self.balance())["held"] else None, 40)

    def receipts(self) -> list[dict[str, object]]:
        """The receipt of every call that left one; a refused call leaves none."""
        found = []
        client = self.gateway.client(self.customer.key)
        for request_id in dict.fromkeys(self.wire.requests):
            answer = client.get(f"/v1/generation?id={request_id}")
            assert answer.status in (200, 404), answer
            if answer.status == 200:
                found.append(answer.json()["data"])
        return found


@pytest.fixture(scope="session")
def program() -> Path:
    return binary()


@pytest.fixture(scope="session")
def server(program: Path) -> Iterator[Gateway]:
    redis = os.environ.get("AIDUET_TEST_REDIS_URL")
    with chosen() as database:
        # Where nodes may share a database they share their limits, too.
        settings = {"AIDUET__REDIS__URL": redis} if database and redis else {}
        mode = chosen_mode()
        with function(program, mode, database) if mode else gateway(program, database, settings) as instance:
            yield instance
            assert instance.violations() == []


@pytest.fixture
def books(server: Gateway) -> Iterator[Books]:
    yield from kept(server)


def kept(server: Gateway, *limits: str) -> Iterator[Books]:
    """After the test the balance has fallen by exactly what the receipts say."""
    customer = server.customer(f"sdk-{next(numbers)}", "5.00", *limits)
    books = Books(server, customer, Recorder())
    before = books.balance()
    yield books
    after = books.when_settled()
    cost = sum(receipt.check(one) for one in books.receipts())
    assert after["total_usage"] - before["total_usage"] == cost
    assert before["available"] - after["available"] == cost
    assert after["total_credits"] == before["total_credits"]


@pytest.fixture
def gpt(books: Books) -> Iterator[openai.OpenAI]:
    url = f"{books.gateway.url}/v1"
    with openai.OpenAI(api_key=books.customer.key, base_url=url, http_client=books.wire.client()) as client:
        yield client


@pytest.fixture
def claude(books: Books) -> Iterator[anthropic.Anthropic]:
    url = books.gateway.url
    with anthropic.Anthropic(api_key=books.customer.key, base_url=url, http_client=books.wire.client()) as client:
        yield client
