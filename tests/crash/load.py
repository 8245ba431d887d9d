"""Clients that keep calling, and remember what they were told."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness import receipt
from harness.gateway import Customer, Gateway
from harness.wire import Client, events

GPT = "gpt-4.1-mini"
CLAUDE = "claude-haiku-4-5"


@dataclass(frozen=True)
class Acknowledged:
    """An answer that a client has seen whole."""

    key: str
    request: str
    cost: int | None
    """Nano-dollars, where the answer tells it."""


class Refused(Exception):
    """A whole answer that is not the one that was wanted."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


@dataclass
class Load:
    """Threads that call until the gateway is gone."""

    gateway: Gateway
    customers: list[Customer]
    seed: int
    acknowledged: list[Acknowledged] = field(default_factory=list)
    broken: int = 0
    """Calls that were under way when the gateway died."""
    refused: list[tuple[int, bytes]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, threads: int) -> None:
        for number in range(threads):
            chance = random.Random(f"{self.seed}/{number}")
            thread = threading.Thread(target=self._keep_calling, args=(chance,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _keep_calling(self, chance: random.Random) -> None:
        while not self._stop.is_set():
            customer = chance.choice(self.customers)
            client = self.gateway.client(customer.key)
            try:
                request, cost = chance.choice(CALLS)(client, chance)
            except Refused as refused:
                self.refused.append((refused.status, refused.body))
                continue
            except ConnectionRefusedError:
                return
            except (OSError, http.client.HTTPException):
                self.broken += 1
                return
            self.acknowledged.append(Acknowledged(customer.key, request, cost))


def whole(client: Client, path: str, body: Any, headers: dict[str, str]) -> tuple[str, int]:
    answer = client.post(path, body, headers)
    if answer.status != 200:
        raise Refused(answer.status, answer.body)
    return answer.headers["x-request-id"], receipt.nanos(answer.headers["x-aiduet-cost"])


def completion(client: Client, chance: random.Random) -> tuple[str, int]:
    return whole(client, "/v1/chat/completions", chat(chance, "", stream=False), {})


def embedding(client: Client, chance: random.Random) -> tuple[str, int]:
    body = {"model": "text-embedding-3-small", "input": f"text {chance.random()}"}
    return whole(client, "/v1/embeddings", body, {})


def message(client: Client, chance: random.Random) -> tuple[str, int]:
    return whole(client, "/v1/messages", claude(chance, "", stream=False), VERSION)


def completion_stream(client: Client, chance: random.Random) -> tuple[str, int]:
    body = chat(chance, pace(chance), stream=True) | {"stream_options": {"include_usage": True}}
    connection, response = client.open("POST", "/v1/chat/completions", body)
    try:
        if response.status != 200:
            raise Refused(response.status, response.read())
        cost = None
        for event in events(response):
            if event is None:
                assert cost is not None
                return str(response.headers["x-request-id"]), cost
            if event.get("usage"):
                cost = receipt.nanos(str(event["usage"]["cost"]))
    finally:
        connection.close()
    raise ConnectionResetError("the stream ended without its end")


def message_stream(client: Client, chance: random.Random) -> tuple[str, None]:
    connection, response = client.open("POST", "/v1/messages", claude(chance, pace(chance), stream=True), VERSION)
    try:
        if response.status != 200:
            raise Refused(response.status, response.read())
        for event in events(response):
            if event["type"] == "message_stop":
                return str(response.headers["x-request-id"]), None
    finally:
        connection.close()
    raise ConnectionResetError("the stream ended without its end")


VERSION = {"anthropic-version": "2023-06-01"}
Call = Callable[[Client, random.Random], tuple[str, int | None]]
CALLS: list[Call] = [completion, embedding, message, completion_stream, message_stream]


def pace(chance: random.Random) -> str:
    return f"simulate:chunks={chance.randint(2, 30)} simulate:slow={chance.randint(1, 20)}ms"


def chat(chance: random.Random, extra: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"question {chance.random()} {extra}"}]
    return {"model": GPT, "max_tokens": 500, "messages": messages} | fields


def claude(chance: random.Random, extra: str, **fields: Any) -> dict[str, Any]:
    return chat(chance, extra, **fields) | {"model": CLAUDE}
