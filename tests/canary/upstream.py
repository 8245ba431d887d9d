"""A provider that answers as it is told, keeps what it was sent, and plants marks in what it says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from canary.canaries import Planter

Json = dict[str, Any]


@dataclass
class Received:
    """A call as it arrived."""

    path: str
    head: bytes
    body: bytes


@dataclass
class Reply:
    """What is answered: a head, and the pieces of a body; `cut` breaks the connection after them."""

    status: int = 200
    content_type: str = "application/json"
    pieces: list[bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    wait: threading.Event | None = None
    """Waits for this before the last piece."""


class Upstream:
    """The server; `reply` makes the answer to each call from its path and body."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.reply: Callable[[str, Json], Reply] = lambda path, body: Reply(pieces=[b"{}"])
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                head = f"{self.requestline}\n{self.headers}".encode()
                upstream.received.append(Received(self.path, head, body))
                upstream._send(self, upstream.reply(self.path, json.loads(body)))

            def log_message(self, format: str, *arguments: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        try:
            handler.send_response_only(reply.status)
            handler.send_header("content-type", reply.content_type)
            for name, value in reply.headers.items():
                handler.send_header(name, value)
            handler.send_header("transfer-encoding", "chunked")
            handler.end_headers()
            for number, piece in enumerate(reply.pieces):
                if reply.wait is not None and number == len(reply.pieces) - 1:
                    reply.wait.wait(20)
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                handler.wfile.flush()
            if not reply.cut:
                handler.wfile.write(b"0\r\n\r\n")
        except OSError:
            pass
        handler.close_connection = True

    @contextmanager
    def serving(self) -> Iterator[Upstream]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(10)


class Answers:
    """Answers with marks in every position, in all dialects."""

    def __init__(self, planter: Planter) -> None:
        text, plain = planter.text, planter.plain
        self.text = text("answer text")
        self.more = text("more answer text")
        self.thought = text("reasoning")
        self.signature = plain("signature")
        self.arguments = text("tool arguments")
        self.tool = plain("tool name in an answer")
        self.refusal = text("refusal")
        self.end = plain("finish reason")
        self.id = plain("answer id")
        self.call_id = plain("call id")
        self.model = plain("model of the answer")
        self.fingerprint = plain("fingerprint")
        self.tier = plain("service tier of the answer")
        self.unknown = text("unknown member")
        self.comment = text("comment").replace("\n", " ")
        self.event = plain("event name")
        self.error = text("error message of a provider")
        self.error_type = plain("error type of a provider")
        self.error_code = plain("error code of a provider")
        self.header = plain("header of a provider")
        self.exchange = plain("request id of a provider") + "."
        self.page = text("error page")

    def headers(self) -> dict[str, str]:
        return {
            "x-request-id": self.exchange,
            "request-id": self.exchange,
            "set-cookie": self.header,
            "openai-organization": self.header,
            "x-ratelimit-remaining-tokens": self.header,
            "anthropic-organization-id": self.header,
            "server": self.header,
        }

    def ok(self, path: str, body: Json) -> Reply:
        stream = body.get("stream") is True
        if path.startswith("/v1/embeddings"):
            return self._json(
                {
                    "object": "list",
                    "data": [],
                    "model": self.model,
                    "usage": {"prompt_tokens": 3, "total_tokens": 3},
                    "x": self.unknown,
                }
            )
        if path.startswith("/v1/messages/count_tokens"):
            return self._json({"input_tokens": 5, "x": self.unknown})
        if path.startswith("/v1/messages"):
            return self._events(self._message_events()) if stream else self._json(self._message())
        if path.startswith("/v1/responses"):
            return self._events(self._response_events()) if stream else self._json(self._response())
        return self._events(self._chat_events()) if stream else self._json(self._chat())

    def fault(self, status: int) -> Reply:
        error = {"message": self.error, "type": self.error_type, "code": self.error_code, "param": self.unknown}
        body = {"type": "error", "error": error, "request_id": self.id}
        return Reply(status, pieces=[json.dumps(body).encode()], headers=self.headers() | {"retry-after": "1"})

    def page_of(self, status: int) -> Reply:
        return Reply(status, "text/html", [f"<html>{self.page}</html>".encode()], self.headers())

    def without_usage(self, path: str, body: Json) -> Reply:
        reply = self.ok(path, body)
        reply.pieces = [piece.replace(b'"usage"', b'"not_usage"') for piece in reply.pieces]
        return reply

    def broken_event(self, path: str, body: Json) -> Reply:
        reply = self.ok(path, body)
        reply.pieces.insert(2, b"data: {" + self.unknown.replace("\n", " ").encode() + b"\n\n")
        return reply

    def failing_event(self, path: str, body: Json) -> Reply:
        reply = self.ok(path, body)
        error = {"type": "error", "error": {"type": self.error_type, "message": self.error, "code": self.error_code}}
        reply.pieces[3:] = [b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n"]
        return reply

    def byte_by_byte(self, path: str, body: Json) -> Reply:
        reply = self.ok(path, body)
        whole = b"".join(reply.pieces)
        reply.pieces = [whole[at : at + 1] for at in range(len(whole))]
        return reply

    def _json(self, body: Json) -> Reply:
        return Reply(pieces=[json.dumps(body, ensure_ascii=False).encode()], headers=self.headers())

    def _events(self, events: list[tuple[str | None, Any]]) -> Reply:
        pieces = [f": {self.comment}\n\n".encode(), f"event: {self.event}\ndata: {{}}\n\n".encode()]
        for name, data in events:
            lines = "" if name is None else f"event: {name}\n"
            told = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
            pieces.append(f"{lines}data: {told}\n\n".encode())
        return Reply(200, "text/event-stream", pieces, self.headers())

    # Chat completions.

    def _chat(self) -> Json:
        message = {
            "role": "assistant",
            "content": self.text,
            "refusal": self.refusal,
            "reasoning_content": self.thought,
            "tool_calls": [self._call()],
            self.tool: self.unknown,
        }
        choice = {"index": 0, "message": message, "finish_reason": self.end, "logprobs": None}
        return self._frame("chat.completion") | {"choices": [choice], "usage": self._chat_usage()}

    def _chat_events(self) -> list[tuple[str | None, Any]]:
        deltas: list[Json] = [
            {"role": "assistant", "content": self.text},
            {"content": self.more, "reasoning_content": self.thought},
            {"refusal": self.refusal},
            {"tool_calls": [{"index": 0} | self._call()]},
        ]
        frames = [self._chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
        frames.append(self._chunk([{"index": 0, "delta": {}, "finish_reason": self.end}]))
        frames.append(self._chunk([]) | {"usage": self._chat_usage()})
        return [(None, frame) for frame in frames] + [(None, "[DONE]")]

    def _call(self) -> Json:
        return {"id": self.call_id, "type": "function", "function": {"name": self.tool, "arguments": self.arguments}}

    def _frame(self, kind: str) -> Json:
        return {
            "id": f"chatcmpl-{self.id}",
            "object": kind,
            "created": 1,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "service_tier": self.tier,
            "x_unknown": self.unknown,
        }

    def _chunk(self, choices: list[Json]) -> Json:
        return self._frame("chat.completion.chunk") | {"choices": choices}

    def _chat_usage(self) -> Json:
        return {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16, "x": self.unknown}

    # Responses.

    def _response(self, status: str = "completed") -> Json:
        content = [
            {"type": "output_text", "text": self.text, "annotations": []},
            {"type": "refusal", "refusal": self.refusal},
        ]
        return {
            "id": f"resp_{self.id}",
            "object": "response",
            "status": status,
            "model": self.model,
            "service_tier": self.tier,
            "x_unknown": self.unknown,
            "output": [
                {"type": "reasoning", "id": self.id, "summary": [{"type": "summary_text", "text": self.thought}]},
                {"type": "message", "id": self.id, "role": "assistant", "content": content},
                {"type": "function_call", "call_id": self.call_id, "name": self.tool, "arguments": self.arguments},
            ],
            "usage": {"input_tokens": 9, "output_tokens": 7, "total_tokens": 16},
        }

    def _response_events(self) -> list[tuple[str | None, Any]]:
        delta = {"item_id": self.id, "output_index": 0, "content_index": 0}
        kinds: list[tuple[str, Json]] = [
            ("response.created", {"response": self._response("in_progress") | {"output": [], "usage": None}}),
            ("response.output_text.delta", delta | {"delta": self.text}),
            ("response.reasoning_text.delta", delta | {"delta": self.thought}),
            ("response.function_call_arguments.delta", delta | {"delta": self.arguments}),
            ("response.completed", {"response": self._response()}),
        ]
        return [(kind, {"type": kind, "sequence_number": n} | data) for n, (kind, data) in enumerate(kinds)]

    # Messages.

    def _message(self) -> Json:
        return {
            "id": f"msg_{self.id}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "x_unknown": self.unknown,
            "content": [
                {"type": "thinking", "thinking": self.thought, "signature": self.signature},
                {"type": "text", "text": self.text},
                {"type": "tool_use", "id": self.call_id, "name": self.tool, "input": {"a": self.arguments}},
            ],
            "stop_reason": self.end,
            "stop_sequence": self.more,
            "usage": {"input_tokens": 9, "output_tokens": 7, "service_tier": self.tier},
        }

    def _message_events(self) -> list[tuple[str | None, Any]]:
        start = self._message() | {"content": [], "stop_reason": None, "stop_sequence": None}
        tool = {"type": "tool_use", "id": self.call_id, "name": self.tool, "input": {}}
        deltas: list[Json] = [
            {"type": "text_delta", "text": self.text},
            {"type": "thinking_delta", "thinking": self.thought},
            {"type": "signature_delta", "signature": self.signature},
            {"type": "input_json_delta", "partial_json": self.arguments},
        ]
        events: list[Json] = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": tool},
            *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": self.end, "stop_sequence": self.more},
                "usage": {"output_tokens": 7},
            },
            {"type": "message_stop"},
        ]
        return [(event["type"], event) for event in events]
