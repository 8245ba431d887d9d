"""The real binary, and a real provider of OpenID Connect in the place of Google."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.gateway import binary, free_port, gateway
from people import World

HERE = Path(__file__).parent
CALLBACK = "/api/v1/auth/google/callback"
CLIENT_ID = "aiduet"
CLIENT_SECRET = "the secret of the client, with : and +"


@pytest.fixture(scope="session")
def provider(port: int) -> Iterator[str]:
    """The issuer."""
    assert (HERE / "node_modules").is_dir(), f"run `npm ci --ignore-scripts` in {HERE}"
    command = ["node", HERE / "provider.mjs", f"http://127.0.0.1:{port}{CALLBACK}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield next(line.strip() for line in process.stdout if line.startswith("http"))
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def world(port: int, provider: str) -> Iterator[World]:
    settings = {
        "AIDUET__SERVER__LISTEN": f"127.0.0.1:{port}",
        "AIDUET__SERVER__PUBLIC_URL": f"http://127.0.0.1:{port}",
        # Each test is a person of its own, in a network of its own.
        "AIDUET__SERVER__TRUSTED_PROXIES": "127.0.0.1/32",
        "AIDUET__AUTH__GOOGLE__ISSUER": provider,
        "AIDUET__AUTH__GOOGLE__CLIENT_ID": CLIENT_ID,
        "AIDUET__AUTH__GOOGLE__CLIENT_SECRET": CLIENT_SECRET,
    }
    with gateway(binary(), settings=settings) as instance:
        instance.port = port
        yield World(instance, provider)
