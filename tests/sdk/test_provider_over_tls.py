"""Towards a provider: TLS with a certificate that is checked, and HTTP/2 with kept connections."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import anthropic
import pytest

from harness import receipt
from harness.database import SqliteDatabase
from harness.gateway import Gateway, gateway
from harness.h2_provider import H2Provider

CALLS = 24


@contextmanager
def towards(program: Path, provider: H2Provider, directory: Path, authority: str) -> Iterator[Gateway]:
    """A gateway whose Claude models are at the provider."""
    settings = {
        "AIDUET__UPSTREAM__ANTHROPIC__KIND": "api",
        "AIDUET__UPSTREAM__ANTHROPIC__API_KEY": "sk-ant-of-the-operator",
        "AIDUET__UPSTREAM__ANTHROPIC__BASE_URL": provider.url,
        "AIDUET__UPSTREAM__ANTHROPIC__ALLOW_PRIVATE": "true",
        "SSL_CERT_FILE": authority,
    }
    with gateway(program, SqliteDatabase(directory / "data" / "aiduet.db"), settings) as instance:
        yield instance


def ask(client: anthropic.Anthropic) -> str:
    message = client.messages.create(
        model="claude-haiku-5-5", max_tokens=64, messages=[{"role": "user", "content": "Hello"}]
    )
    return str(message.content[0].text)


def ask_stream(client: anthropic.Anthropic) -> str:
    with client.messages.stream(
        model="claude-haiku-5-5", max_tokens=64, messages=[{"role": "user", "content": "Hello"}]
    ) as stream:
        return stream.get_final_text()


def test_calls_share_connections_of_http_2(program: Path, tmp_path: Path) -> None:
    provider = H2Provider()
    with provider.serving(), towards(program, provider, tmp_path, provider.trusted_in(tmp_path)) as server:
        customer = server.customer("tls")
        with (
            anthropic.Anthropic(api_key=customer.key, base_url=server.url, max_retries=0) as client,
            ThreadPoolExecutor(8) as pool,
        ):
            asked = [pool.submit(ask_stream if number % 2 else ask, client) for number in range(CALLS)]
            assert {one.result(30) for one in asked} == {"over tls"}
        assert set(provider.protocols) == {"h2"}
        assert len(provider.calls) == CALLS > len(provider.protocols)
        for call in provider.calls:
            assert call["x-api-key"] == "sk-ant-of-the-operator"
            assert call[":scheme"] == "https"
            assert "authorization" not in call
        credits = server.credits(customer.key)
        assert credits["held"] == 0
        assert credits["total_usage"] > 0
        assert credits["total_usage"] % CALLS == 0, "each call costs the same"
        assert server.violations() == []


@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_certificate_that_proves_nothing_is_refused(wrong: str, program: Path, tmp_path: Path) -> None:
    provider = H2Provider("elsewhere.example" if wrong == "name" else "localhost")
    trusted = provider if wrong == "name" else H2Provider()
    with provider.serving(), towards(program, provider, tmp_path, trusted.trusted_in(tmp_path)) as server:
        customer = server.customer("tls")
        with (
            anthropic.Anthropic(api_key=customer.key, base_url=server.url, max_retries=0) as client,
            pytest.raises(anthropic.APIStatusError) as caught,
        ):
            ask(client)
        assert caught.value.status_code in (502, 503)
        assert provider.calls == []
        assert provider.failures > 0, "the handshake was tried"
        assert server.credits(customer.key)["available"] == receipt.nanos("5.00")
