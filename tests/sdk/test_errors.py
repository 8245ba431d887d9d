"""What is refused or fails reaches a program as the right exception, and is tried again only if that can help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anthropic
import openai
import pytest
from conftest import Books, Recorder, numbers

from harness.deadline import until
from harness.gateway import Gateway

GPT = "gpt-4.1-mini"
CLAUDE = "claude-haiku-4-5"


def chat(client: openai.OpenAI, text: str, model: str = GPT) -> object:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])


def message(client: anthropic.Anthropic, text: str, model: str = CLAUDE) -> object:
    return client.messages.create(model=model, max_tokens=50, messages=[{"role": "user", "content": text}])


@dataclass
class Clients:
    """Both SDKs with one key."""

    gpt: openai.OpenAI
    claude: anthropic.Anthropic
    wire: Recorder

    @classmethod
    def of(cls, server: Gateway, key: str, wire: Recorder, retries: int = 2) -> Clients:
        return cls(
            openai.OpenAI(api_key=key, base_url=f"{server.url}/v1", http_client=wire.client(), max_retries=retries),
            anthropic.Anthropic(api_key=key, base_url=server.url, http_client=wire.client(), max_retries=retries),
            wire,
        )


@pytest.fixture
def clients(books: Books) -> Clients:
    return Clients.of(books.gateway, books.customer.key, books.wire)


@pytest.fixture
def impatient(books: Books) -> Clients:
    """SDKs that do not try again."""
    return Clients.of(books.gateway, books.customer.key, books.wire, retries=0)


def code_of(error: openai.APIStatusError | anthropic.APIStatusError) -> str:
    return error.response.json()["error"]["details"]["error_code"]


def wrong_check_sum(key: str) -> str:
    return key[:-1] + ("a" if key[-1] != "a" else "b")


def test_a_wrong_key_is_not_authenticated(server: Gateway, books: Books) -> None:
    for key in ("sk-duet-nonsense", "sk-ant-api03-nonsense", wrong_check_sum(books.customer.key)):
        clients = Clients.of(server, key, Recorder())
        with pytest.raises(openai.AuthenticationError) as told:
            chat(clients.gpt, "Hello")
        assert told.value.code == "invalid_api_key"
        with pytest.raises(anthropic.AuthenticationError) as told_too:
            message(clients.claude, "Hello")
        assert told_too.value.type == "authentication_error"
        assert clients.wire.statuses == [401, 401]


def test_a_key_that_another_process_disabled_stops(server: Gateway, books: Books, clients: Clients) -> None:
    message(clients.claude, "Hello")
    key_id = server.client(books.customer.key).get("/v1/key").json()["data"]["id"]
    fresh = server.ask("keys", "create", "--user", books.customer.account, "--name", "second")["key"]
    server.run("keys", "disable", key_id, "--user", books.customer.account)
    # This process may believe in it for five seconds.
    until("the key is refused", lambda: server.client(books.customer.key).get("/v1/key").status == 401)
    with pytest.raises(anthropic.AuthenticationError) as told:
        message(clients.claude, "Hello")
    assert code_of(told.value) == "key_revoked"
    books.customer = type(books.customer)(books.customer.account, fresh)


def test_an_empty_balance_is_told_as_each_client_understands_it(server: Gateway) -> None:
    poor = server.customer(f"poor-{next(numbers)}", credit="0.00")
    clients = Clients.of(server, poor.key, Recorder())
    with pytest.raises(anthropic.PaymentRequiredError) as told:
        message(clients.claude, "Hello")
    assert told.value.type == "billing_error" and told.value.error_code == "insufficient_balance"
    with pytest.raises(openai.APIStatusError) as told_too:
        chat(clients.gpt, "Hello")
    assert told_too.value.status_code == 402 and told_too.value.code == "insufficient_quota"
    with pytest.raises(openai.APIStatusError) as embedding:
        clients.gpt.embeddings.create(model="text-embedding-3-small", input="Hello")
    assert embedding.value.status_code == 402
    with pytest.raises(openai.RateLimitError) as response:
        clients.gpt.responses.create(model=GPT, input="Hello")
    assert response.value.code == response.value.type == "insufficient_quota"
    assert clients.wire.statuses == [402, 402, 402, 429], "no retries"
    counted = clients.claude.messages.count_tokens(model=CLAUDE, messages=[{"role": "user", "content": "Hello"}])
    assert counted.input_tokens > 0, "counting is free"
    assert clients.gpt.responses.input_tokens.count(model=GPT, input="Hello").input_tokens > 0


def test_an_unknown_model_does_not_exist(clients: Clients) -> None:
    with pytest.raises(openai.NotFoundError) as told:
        chat(clients.gpt, "Hello", "no-such-model")
    assert told.value.code == "model_not_found" and told.value.param == "model"
    with pytest.raises(anthropic.NotFoundError) as told_too:
        message(clients.claude, "Hello", "no-such-model")
    assert told_too.value.type == "not_found_error"
    assert "no-such-model" not in str(told_too.value) + str(told.value)
    assert clients.wire.statuses == [404, 404]


BAD_CHAT: list[dict[str, object]] = [
    {"n": -1},
    {"max_completion_tokens": -5},
    {"max_completion_tokens": "many"},
    {"stream": "yes"},
    {"messages": "Hello"},
    {"store": True, "previous_response_id": "x", "n": 0},
]


@pytest.mark.parametrize("change", BAD_CHAT, ids=str)
def test_a_malformed_request_is_refused_at_once(clients: Clients, books: Books, change: dict[str, object]) -> None:
    body = {"model": GPT, "messages": [{"role": "user", "content": "Hello"}]} | change
    with pytest.raises(openai.BadRequestError):
        clients.gpt.post("/chat/completions", body=body, cast_to=object)
    assert clients.wire.statuses == [400]
    assert books.balance()["held"] == 0


def test_missing_required_fields_are_named(clients: Clients) -> None:
    with pytest.raises(anthropic.BadRequestError) as told:
        clients.claude.post("/v1/messages", body={"model": CLAUDE, "messages": []}, cast_to=object)
    assert "max_tokens" in str(told.value) or "messages" in str(told.value)


def test_a_body_beyond_the_limit_is_too_large(clients: Clients) -> None:
    huge = "x" * (33 << 20)
    with pytest.raises(anthropic.APIStatusError) as told:
        message(clients.claude, huge)
    assert told.value.status_code == 413 and told.value.type == "request_too_large"
    with pytest.raises(openai.APIStatusError) as told_too:
        chat(clients.gpt, huge)
    assert told_too.value.status_code == 413
    assert clients.wire.statuses == [413, 413]


def test_what_a_key_may_not_use_is_forbidden(server: Gateway) -> None:
    limited = server.customer(f"limited-{next(numbers)}", "1.00", "--models", GPT)
    clients = Clients.of(server, limited.key, Recorder())
    with pytest.raises(anthropic.PermissionDeniedError) as told:
        message(clients.claude, "Hello")
    assert told.value.type == "permission_error" and told.value.error_code == "model_not_allowed"
    chat(clients.gpt, "Hello")


UPSTREAM: list[tuple[str, int, int, type[Exception], type[Exception]]] = [
    # what the provider does, our status in each dialect, the exceptions
    ("status=500", 502, 502, openai.InternalServerError, anthropic.InternalServerError),
    ("status=502", 502, 502, openai.InternalServerError, anthropic.InternalServerError),
    ("status=503", 503, 529, openai.InternalServerError, anthropic.OverloadedError),
    ("status=529", 503, 529, openai.InternalServerError, anthropic.OverloadedError),
    ("html=502", 502, 502, openai.InternalServerError, anthropic.InternalServerError),
    ("status=429", 429, 429, openai.RateLimitError, anthropic.RateLimitError),
    ("status=401", 503, 503, openai.InternalServerError, anthropic.ServiceUnavailableError),
    ("status=403", 503, 503, openai.InternalServerError, anthropic.ServiceUnavailableError),
    ("quota", 503, 503, openai.InternalServerError, anthropic.ServiceUnavailableError),
    ("status=413", 413, 413, openai.APIStatusError, anthropic.APIStatusError),
    ("status=400", 400, 400, openai.BadRequestError, anthropic.BadRequestError),
    ("too_long", 400, 400, openai.BadRequestError, anthropic.BadRequestError),
    ("refuse", 503, 503, openai.InternalServerError, anthropic.ServiceUnavailableError),
    ("reset", 502, 502, openai.InternalServerError, anthropic.InternalServerError),
    ("garbage", 502, 502, openai.InternalServerError, anthropic.InternalServerError),
]


@pytest.mark.parametrize(
    ("trouble", "openai_status", "anthropic_status", "openai_error", "anthropic_error"), UPSTREAM, ids=lambda v: str(v)
)
def test_trouble_of_the_provider_is_told_and_not_charged(
    impatient: Clients,
    books: Books,
    trouble: str,
    openai_status: int,
    anthropic_status: int,
    openai_error: type[openai.APIStatusError],
    anthropic_error: type[anthropic.APIStatusError],
) -> None:
    with pytest.raises(openai_error) as told:
        chat(impatient.gpt, f"simulate:{trouble}")
    assert told.value.status_code == openai_status
    with pytest.raises(anthropic_error) as told_too:
        message(impatient.claude, f"simulate:{trouble}")
    assert told_too.value.status_code == anthropic_status
    if openai_status in (429, 503):
        assert int(told.value.response.headers["retry-after"]) >= 1
    assert books.when_settled()["total_usage"] == 0


def test_the_sdks_try_again_where_that_can_help(clients: Clients, books: Books) -> None:
    with pytest.raises(openai.InternalServerError):
        chat(clients.gpt, "simulate:status=500")
    assert len(clients.wire.statuses) == 3
    assert books.balance()["total_usage"] == 0


def stream_chat(client: openai.OpenAI, text: str) -> object:
    stream = client.chat.completions.create(model=GPT, messages=[{"role": "user", "content": text}], stream=True)
    return list(stream)


def stream_message(client: anthropic.Anthropic, text: str) -> object:
    with client.messages.stream(model=CLAUDE, max_tokens=500, messages=[{"role": "user", "content": text}]) as stream:
        return stream.get_final_message()


Streamer = Callable[[object, str], object]


@pytest.mark.parametrize("trouble", ["error=3", "cut=3"])
def test_trouble_in_mid_stream_is_an_exception_and_what_came_is_charged(
    impatient: Clients, books: Books, trouble: str
) -> None:
    ask = f"Much. simulate:chunks=20 simulate:{trouble}"
    with pytest.raises(openai.APIError):
        stream_chat(impatient.gpt, ask)
    with pytest.raises(anthropic.APIError):
        stream_message(impatient.claude, ask)
    books.when_settled()
    bills = books.receipts()
    assert [bill["outcome"] for bill in bills] == ["upstream_interrupted", "upstream_interrupted"]
    assert all(bill["cost_nano"] > 0 for bill in bills)


def test_usage_that_cannot_be_true_is_brought_down(impatient: Clients, books: Books) -> None:
    chat(impatient.gpt, "simulate:usage=1000000000000000000")
    bill = books.receipts()[0]
    assert bill["flags"]["clamped"] is True
    assert sum(bill["tokens"].values()) < 3_000_000


def test_missing_usage_is_estimated(impatient: Clients, books: Books) -> None:
    chat(impatient.gpt, "simulate:no_usage")
    message(impatient.claude, "simulate:no_usage")
    for bill in books.receipts():
        assert bill["outcome"] == "completed_estimated" and bill["estimated"] is True
        assert bill["cost_nano"] > 0
