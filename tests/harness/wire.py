"""Plain HTTP, for what an SDK would hide."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Speaks to one gateway with one key, over a new connection for each call."""

    host: str
    port: int
    key: str | None = None
    # Longer than three waits for a connection to a database that is gone, ten seconds each: who looks the
    # key up, and whose turn it is behind others in the ledger's queue.
    timeout: float = 90.0

    def headers(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        return headers | (extra or {})

    def open(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Sends a call and returns as soon as the head of the answer is there."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            # A server may answer before it has read a body that is too large.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, data, self.headers(headers))
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection, response = self.open(method, path, body, headers)
        try:
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, headers=headers)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        return self.call("POST", path, body, headers)


def events(lines: Iterator[bytes]) -> Iterator[Any]:
    """The JSON data of server-sent events; the end mark comes as None."""
    for line in lines:
        if line.startswith(b"data:"):
            data = line[5:].strip()
            yield None if data == b"[DONE]" else json.loads(data)
