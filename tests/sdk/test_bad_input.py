"""What is malformed is refused at once, in the shape of its dialect, and holds nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from canary.canaries import Planter
from canary.requests import Call, malformed
from harness.gateway import Customer, Gateway
from harness.wire import Answer

ANTHROPIC_PATH = "/v1/messages"


@pytest.fixture(scope="module")
def customer(server: Gateway) -> Customer:
    return server.customer("careless", "50.00")


def assert_shape(call: Call, answer: Answer) -> None:
    """The error body that the official SDKs of the dialect read."""
    body = answer.json()
    error = body["error"]
    assert isinstance(error["message"], str) and error["message"], call.name
    assert isinstance(error["type"], str), call.name
    if call.path.startswith(ANTHROPIC_PATH) or "anthropic-version" in call.headers:
        assert body["type"] == "error" and body["request_id"] == answer.headers["request-id"], call.name
    else:
        assert {"message", "type", "param", "code"} <= error.keys(), call.name
    assert answer.headers["content-type"] == "application/json", call.name
    assert answer.headers["x-request-id"], call.name
    assert answer.headers.get("x-should-retry") == "false", call.name


def test_whatever_is_malformed_gets_an_answer_in_shape(server: Gateway, customer: Customer) -> None:
    client = server.client(customer.key)
    refused = 0
    for call in malformed(Planter(11)):
        used = server.client() if call.anonymous else client
        answer = used.call(call.method, call.path, call.body or None, call.headers)
        assert answer.status < 500, (call.name, answer.status, answer.body[:300])
        if answer.status >= 400:
            assert_shape(call, answer)
            refused += 1
    assert refused > 150
    assert server.credits(customer.key)["held"] == 0


LINES = "POST /v1/chat/completions HTTP/1.1\r\n"
GOOD = "Host: 127.0.0.1\r\nContent-Type: application/json\r\n"

TRICKS = {
    "no host": LINES + "Content-Length: 2\r\n\r\n{}",
    "two hosts": LINES + "Host: a\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": LINES + GOOD + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunks": LINES + GOOD + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "odd length": LINES + GOOD + "Content-Length: +2\r\n\r\n{}",
    "odd transfer coding": LINES + GOOD + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "folded header": LINES + GOOD + "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    "space before colon": LINES + GOOD + "X-A : b\r\nContent-Length: 2\r\n\r\n{}",
    "NUL in a header": LINES + GOOD + "X-A: \0\r\nContent-Length: 2\r\n\r\n{}",
    "long header": LINES + GOOD + f"X-A: {'a' * 70_000}\r\nContent-Length: 2\r\n\r\n{{}}",
    "many headers": LINES + GOOD + "X-A: b\r\n" * 300 + "Content-Length: 2\r\n\r\n{}",
    "long path": f"POST /v1/{'a' * 20_000} HTTP/1.1\r\n" + GOOD + "Content-Length: 2\r\n\r\n{}",
    "no such version": "POST / HTTP/9.9\r\n\r\n",
    "no HTTP": "hello\r\n\r\n",
}


def pieces(connection: socket.socket) -> Iterator[bytes]:
    """What comes until the server closes or resets the connection."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65_536):
            yield piece


@pytest.mark.parametrize("name", TRICKS)
def test_tricks_with_the_head_are_refused(server: Gateway, name: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(TRICKS[name].encode("latin-1"))
        answer = b"".join(pieces(connection))
    statuses = [int(part[1:4]) for part in answer.split(b"HTTP/1.1")[1:]]
    assert all(400 <= status < 500 for status in statuses), answer[:500]
    assert len(statuses) <= 1, "one request, one answer"


def test_the_server_is_well_afterwards(server: Gateway, customer: Customer) -> None:
    body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
    assert server.client(customer.key).post("/v1/chat/completions", body).status == 200


NUMBERS = ("-1", "1.5", "1e3", "99999999999999999999", "null", "true", '"8"', "[]", "{}")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_odd_limits_never_hold_anything(server: Gateway, customer: Customer, path: str, number: str) -> None:
    limit = {"/v1/chat/completions": "max_completion_tokens", "/v1/responses": "max_output_tokens"}
    field = limit.get(path, "max_tokens")
    ask = '"input":"Hello"' if path == "/v1/responses" else '"messages":[{"role":"user","content":"Hello"}]'
    model = "claude-haiku-4-5" if path == "/v1/messages" else "gpt-4.1-mini"
    body = f'{{"model":"{model}",{ask},"{field}":{number}}}'.encode()
    answer = server.client(customer.key).post(path, body, {"anthropic-version": "2023-06-01"})
    assert answer.status == 400 or (number == "null" and answer.status == 200), answer.body
    assert server.credits(customer.key)["held"] == 0
