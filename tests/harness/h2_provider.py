"""A provider over TLS and HTTP/2 that answers every question with the same words."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import trustme

ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-5-5",
    "content": [{"type": "text", "text": "over tls"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 11, "output_tokens": 3},
}

EVENTS = [
    {"type": "message_start", "message": ANSWER | {"content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "over tls"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 3},
    },
    {"type": "message_stop"},
]


class H2Provider:
    """Serves the Messages API at `https://{name}`; `authority` is what a client must trust."""

    def __init__(self, name: str = "localhost") -> None:
        self.authority = trustme.CA()
        self.protocols: list[str | None] = []
        self.calls: list[dict[str, str]] = []
        self.failures = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_alpn_protocols(["h2", "http/1.1"])
        self.authority.issue_cert(name).configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        return f"https://localhost:{self._listener.getsockname()[1]}"

    @contextmanager
    def serving(self) -> Iterator[H2Provider]:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            thread.join(10)

    def trusted_in(self, directory: Path) -> str:
        """Writes the certificate of the authority; returns its path."""
        path = directory / "authority.pem"
        self.authority.cert_pem.write_to_path(str(path))
        return str(path)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._connection, args=(plain,), daemon=True).start()

    def _connection(self, plain: socket.socket) -> None:
        try:
            with self._context.wrap_socket(plain, server_side=True) as secure:
                self.protocols.append(secure.selected_alpn_protocol())
                self._speak(secure)
        except OSError:
            self.failures += 1
            plain.close()

    def _speak(self, secure: ssl.SSLSocket) -> None:
        speech = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        speech.initiate_connection()
        secure.sendall(speech.data_to_send())
        bodies: dict[int, bytes] = {}
        while data := secure.recv(65_536):
            for event in speech.receive_data(data):
                match event:
                    case h2.events.RequestReceived():
                        self.calls.append(dict(event.headers))
                        bodies[event.stream_id] = b""
                    case h2.events.DataReceived():
                        bodies[event.stream_id] += event.data
                        speech.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    case h2.events.StreamEnded():
                        self._answer(speech, event.stream_id, json.loads(bodies.pop(event.stream_id)))
            secure.sendall(speech.data_to_send())

    def _answer(self, speech: h2.connection.H2Connection, stream: int, question: dict[str, object]) -> None:
        is_stream = bool(question.get("stream"))
        kind = "text/event-stream" if is_stream else "application/json"
        speech.send_headers(stream, [(":status", "200"), ("content-type", kind), ("request-id", "req_tls")])
        if is_stream:
            for event in EVENTS:
                speech.send_data(stream, f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        else:
            speech.send_data(stream, json.dumps(ANSWER).encode())
        speech.end_stream(stream)
