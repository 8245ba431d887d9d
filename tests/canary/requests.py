"""Requests with marks in every position."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from canary.canaries import Planter

Json = dict[str, Any]
Mark = Callable[[str], str]

CHAT = "gpt-4.1-mini"
RESPONSES = "gpt-5.2"
EMBEDDING = "text-embedding-3-small"
CLAUDE = "claude-haiku-4-5"

VERSION = {"anthropic-version": "2023-06-01"}
ANTHROPIC_PATHS = ("/v1/messages",)

CLIENT_HEADERS = (
    "x-title",
    "http-referer",
    "referer",
    "user-agent",
    "x-request-id",
    "x-client-request-id",
    "idempotency-key",
    "openai-organization",
    "openai-project",
    "cookie",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "cf-connecting-ip",
    "cf-ray",
    "traceparent",
    "baggage",
    "anthropic-workspace-id",
    "anthropic-user-profile-id",
    "x-stainless-lang",
    "accept-language",
    "origin",
)


@dataclass
class Call:
    """One call: what is sent and how."""

    name: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    anonymous: bool = False


def call(name: str, path: str, body: Json, headers: dict[str, str] | None = None) -> Call:
    extra = dict(VERSION) if path.startswith(ANTHROPIC_PATHS) else {}
    return Call(name, path, json.dumps(body, ensure_ascii=False).encode(), extra | (headers or {}))


class Questions:
    """Well-formed requests to each endpoint, with marks wherever a client may write."""

    def __init__(self, planter: Planter) -> None:
        self._planter = planter
        self.headers = {name: planter.plain(f"header {name}") for name in CLIENT_HEADERS}
        self.headers[f"x-{planter.plain('header name')}"] = planter.plain("value of an unknown header")
        self.beta = {"anthropic-beta": planter.plain("header anthropic-beta")}
        self.bodies: dict[str, Json] = {
            "/v1/chat/completions": self._chat(),
            "/v1/responses": self._responses(),
            "/v1/embeddings": self._embeddings(),
            "/v1/messages": self._messages(),
            "/v1/messages/count_tokens": self._counting(),
        }
        self.ensembles = {path: self._ensemble(path) for path in GENERATING}

    def calls(self) -> Iterator[Call]:
        """Every endpoint, whole and streamed."""
        for path, body in self.bodies.items():
            headers = self.headers | (self.beta if path.startswith("/v1/messages") else {})
            yield call(path, path, body, headers)
            if path not in ("/v1/embeddings", "/v1/messages/count_tokens"):
                yield call(f"{path}, streamed", path, body | {"stream": True}, headers)
            if path != "/v1/embeddings":
                nameless = {name: value for name, value in body.items() if name != "model"}
                yield call(f"{path}, no model", path, nameless, headers)
                version = VERSION if path.startswith(ANTHROPIC_PATHS) else {}
                yield call(f"{path}, explained", "/v1/duet/explain", nameless, headers | version)
        for path, body in self.ensembles.items():
            # The plan, the code and the review of one stage are said to the next.
            headers = self.headers | {"x-aiduet-rounds": "1"}
            yield call(f"{path}, ensemble", path, body, headers)
            yield call(f"{path}, ensemble, streamed", path, body | {"stream": True}, headers)

    def _marks(self, where: str) -> tuple[Mark, Mark]:
        return (
            lambda position: self._planter.text(f"{where}: {position}"),
            lambda position: self._planter.plain(f"{where}: {position}"),
        )

    def _encoded(self, position: str) -> str:
        return base64.b64encode(self._planter.text(position).encode()).decode()

    def _chat(self) -> Json:
        text, plain = self._marks("chat")
        image = f"data:image/png;base64,{self._encoded('chat: image')}"
        file = f"data:application/pdf;base64,{self._encoded('chat: file')}"
        schema = {
            "type": "object",
            "description": text("schema description"),
            "properties": {plain("schema property"): {"enum": [text("schema enum")]}},
        }
        called = {"name": plain("called tool"), "arguments": json.dumps({"a": text("tool arguments")})}
        return {
            "model": CHAT,
            "max_tokens": 64,
            "messages": [
                {"role": "system", "content": text("system"), "name": plain("name of a message")},
                {"role": "developer", "content": text("developer")},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": text("user text")},
                        {"type": "image_url", "image_url": {"url": image, "detail": "low"}},
                        {"type": "image_url", "image_url": {"url": f"https://example.com/{plain('image address')}"}},
                        {"type": "file", "file": {"file_data": file, "filename": text("file name")}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": text("assistant text"),
                    "refusal": text("assistant refusal"),
                    "tool_calls": [{"id": plain("call id"), "type": "function", "function": called}],
                },
                {"role": "tool", "tool_call_id": plain("id of a tool result"), "content": text("tool result")},
                {"role": "user", "content": text("newline") + '\n{"level":"INFO","fake":"' + plain("fake log line")},
            ],
            "tools": [
                {
                    "type": "function",
                    "function": {"name": plain("tool name"), "description": text("tool text"), "parameters": schema},
                }
            ],
            "response_format": {"type": "json_schema", "json_schema": {"name": plain("format name"), "schema": schema}},
            "stop": [text("stop")],
            "user": plain("user"),
            "safety_identifier": plain("safety identifier"),
            "prompt_cache_key": plain("prompt cache key"),
            "metadata": {plain("metadata key"): text("metadata value")},
            "prediction": {"type": "content", "content": text("prediction")},
            plain("unknown field"): text("value of an unknown field"),
        }

    def _responses(self) -> Json:
        text, plain = self._marks("responses")
        return {
            "model": RESPONSES,
            "max_output_tokens": 64,
            "instructions": text("instructions"),
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": text("input text")}]},
                {
                    "type": "reasoning",
                    "id": plain("reasoning id"),
                    "summary": [],
                    "encrypted_content": plain("encrypted"),
                },
                {
                    "type": "function_call",
                    "call_id": plain("call id"),
                    "name": plain("called"),
                    "arguments": text("args"),
                },
                {"type": "function_call_output", "call_id": plain("output id"), "output": text("tool output")},
            ],
            "tools": [{"type": "function", "name": plain("tool"), "description": text("tool text"), "parameters": {}}],
            "text": {"format": {"type": "json_schema", "name": plain("format"), "schema": {"title": text("schema")}}},
            "metadata": {plain("metadata key"): text("metadata value")},
            "user": plain("user"),
            plain("unknown field"): text("value of an unknown field"),
        }

    def _embeddings(self) -> Json:
        text, plain = self._marks("embeddings")
        return {
            "model": EMBEDDING,
            "input": [text("first input"), text("second input") * 40],
            "user": plain("user"),
            plain("unknown field"): text("value of an unknown field"),
        }

    def _messages(self) -> Json:
        text, plain = self._marks("messages")
        document = {"type": "base64", "media_type": "application/pdf", "data": self._encoded("messages: document")}
        image = {"type": "base64", "media_type": "image/png", "data": self._encoded("messages: image")}
        schema = {"type": "object", "properties": {plain("schema property"): {"enum": [text("schema enum")]}}}
        return {
            "model": CLAUDE,
            "max_tokens": 64,
            "system": [{"type": "text", "text": text("system"), "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": text("user text")},
                        {"type": "image", "source": image},
                        {"type": "document", "source": document, "title": text("title"), "context": text("context")},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": text("thinking"), "signature": plain("signature")},
                        {"type": "text", "text": text("assistant text")},
                        {
                            "type": "tool_use",
                            "id": plain("call id"),
                            "name": plain("called"),
                            "input": {"a": text("arguments")},
                        },
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": plain("result id"), "content": text("tool result")},
                        {"type": plain("unknown block"), "x": text("value in an unknown block")},
                    ],
                },
            ],
            "tools": [{"name": plain("tool name"), "description": text("tool text"), "input_schema": schema}],
            "stop_sequences": [text("stop sequence")],
            "metadata": {"user_id": plain("user id")},
            "output_config": {"format": {"type": "json_schema", "schema": schema}},
            plain("unknown field"): text("value of an unknown field"),
        }

    def _ensemble(self, path: str) -> Json:
        """What can be translated for every stage."""
        text, _plain = self._marks(f"ensemble on {path}")
        body = minimal(path) | {"model": "duet/ensemble"}
        said = "input" if "input" in body else "messages"
        body[said] = [{"role": "user", "content": text("user text")}]
        return {name: 2_000 if name.startswith("max_") else value for name, value in body.items()}

    def _counting(self) -> Json:
        text, plain = self._marks("count_tokens")
        return {
            "model": CLAUDE,
            "system": text("system"),
            "messages": [{"role": "user", "content": text("user text")}],
            plain("unknown field"): text("value of an unknown field"),
        }


GENERATING = ("/v1/chat/completions", "/v1/responses", "/v1/messages")

PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages", "/v1/messages/count_tokens")

TYPED_FIELDS = (
    "model", "messages", "input", "max_tokens", "max_completion_tokens", "max_output_tokens", "stream", "n",
    "stream_options", "store", "service_tier", "speed", "inference_geo", "tools", "tool_choice", "temperature",
    "stop", "stop_sequences", "metadata", "system", "thinking", "output_config", "response_format", "modalities",
    "web_search_options", "previous_response_id", "conversation", "background", "container", "prompt",
    "prompt_cache_retention", "dimensions", "encoding_format", "models", "plugins", "mcp_servers", "thread",
)  # fmt: skip


def minimal(path: str) -> Json:
    messages = [{"role": "user", "content": "Hello"}]
    bodies: dict[str, Json] = {
        "/v1/chat/completions": {"model": CHAT, "messages": messages, "max_tokens": 16},
        "/v1/responses": {"model": RESPONSES, "input": "Hello", "max_output_tokens": 16},
        "/v1/embeddings": {"model": EMBEDDING, "input": "Hello"},
        "/v1/messages": {"model": CLAUDE, "messages": messages, "max_tokens": 16},
        "/v1/messages/count_tokens": {"model": CLAUDE, "messages": messages},
    }
    return bodies[path]


def malformed(planter: Planter) -> Iterator[Call]:
    """What a gateway should refuse by itself."""
    wrong = planter.text("value of a wrong type")
    key = planter.plain("key in a wrong place")
    for path in PATHS:
        body = minimal(path)
        for name in TYPED_FIELDS:
            yield call(f"{path}: {name} as text", path, body | {name: wrong})
            yield call(f"{path}: {name} as an object", path, body | {name: {key: wrong}})
            yield call(f"{path}: {name} as a list", path, body | {name: [wrong, {key: 1}]})
    for path in PATHS:
        yield from broken(planter, path)
    yield from elsewhere(planter)


def broken(planter: Planter, path: str) -> Iterator[Call]:
    """JSON that is none, and JSON with tricks."""
    version = VERSION if path.startswith("/v1/messages") else {}
    text = planter.text(f"{path}: broken JSON")
    whole = json.dumps(minimal(path) | {"metadata": {"x": text, text: [text]}}, ensure_ascii=False).encode()
    for at in range(len(whole) - 1, 20, -len(whole) // 9):
        yield Call(f"{path}: cut at {at}", path, whole[:at], dict(version))
    for name, body in {
        "trailing text": whole + text.encode(),
        "bare text": json.dumps(text).encode(),
        "no JSON": text.encode(),
        "invalid UTF-8": whole.replace(b"Hello", b"\xff\xfe" + text.encode()[:20]),
        "NUL": whole.replace(b"Hello", b"\0" + text.encode()[:20]),
        "lone surrogate": whole.replace(b"Hello", b"\\ud800" + planter.plain(f"{path}: surrogate").encode()),
        "doubled model": whole[:-1] + b',"model":' + json.dumps(text).encode() + b"}",
        "doubled limit": whole[:-1] + b',"max_tokens":' + json.dumps(text).encode() + b',"max_tokens":1}',
        "deep": b'{"a":' * 3_000 + json.dumps(text).encode() + b"}" * 3_000,
        "list": json.dumps([text]).encode(),
        "number": whole.replace(b"16", b"1e" + b"9" * 40),
        "long text": json.dumps(minimal(path) | {"metadata": {"x": text * 20_000}}).encode(),
    }.items():
        yield Call(f"{path}: {name}", path, body, dict(version))


def elsewhere(planter: Planter) -> Iterator[Call]:
    """Marks beside the body: model names, keys, paths, queries, types."""
    for path in PATHS:
        yield call(f"{path}: unknown model", path, minimal(path) | {"model": planter.plain("model name")})
        yield call(
            f"{path}: model of a vendor", path, minimal(path) | {"model": "openai/" + planter.text("vendor model")}
        )
        yield call(f"{path}: name of the duet", path, minimal(path) | {"model": "duet/" + planter.text("duet")})
        role = {"x-aiduet-role": planter.plain("role")}
        yield call(f"{path}: unknown role", path, minimal(path) | {"model": "duet"}, role)
    body = json.dumps(minimal(PATHS[0])).encode()
    plain = planter.plain

    def post(name: str, path: str = PATHS[0], **headers: str) -> Call:
        told = {key.replace("_", "-"): value for key, value in headers.items()}
        return Call(name, path, body, told, anonymous="authorization" in told or "x-api-key" in told)

    yield post("mark as bearer", authorization=f"Bearer {plain('bearer')}")
    yield post("mark like a key", authorization=f"Bearer sk-duet-{plain('bearer like a key')}")
    yield post("mark as other scheme", authorization=f"Basic {plain('basic credentials')}")
    yield post("mark as key", x_api_key=plain("x-api-key"))
    yield post("content type", content_type=f"text/{plain('content type')}")
    yield post("multipart", content_type=f"multipart/form-data; boundary={plain('boundary')}")
    yield post("content encoding", content_encoding=plain("content encoding"))
    yield post("accept", accept=plain("accept"))
    yield post("query", f"{PATHS[0]}?{plain('query key')}={plain('query value')}")
    yield post("path", f"/v1/{plain('path')}")
    yield post("other path", f"/{plain('other path')}/x")
    yield Call(
        "version", "/v1/messages", json.dumps(minimal("/v1/messages")).encode(), {"anthropic-version": plain("version")}
    )
    for path in ("/v1/models/{}", "/v1/generation?id={}", "/v1/models?after_id={}", "/v1/key?{}", "/{}"):
        yield Call(path, path.format(plain(f"GET {path}")), b"", method="GET")
    yield Call("too large", PATHS[0], planter.text("too large").encode() * 700_000)
