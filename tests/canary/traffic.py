"""Everything that may go right or wrong, once each, and everything that was written meanwhile."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from canary.canaries import Planter
from canary.requests import Call, Questions, malformed, minimal
from canary.upstream import Answers, Json, Reply, Upstream
from harness.deadline import until
from harness.gateway import Customer, Gateway
from harness.wire import Answer, Client

PROVIDER_STATUSES = (400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 529)

FEATURES = (b"anthropic-version:", b"anthropic-beta:")
"""The headers of a client that are meant for the provider."""

Replier = Callable[[str, Json], Reply]


@dataclass
class Sink:
    """Something that was written or said, where no mark may be."""

    name: str
    data: bytes


@dataclass
class Traffic:
    """Calls through one gateway to one provider; collects what others got to see."""

    gateway: Gateway
    upstream: Upstream
    planter: Planter
    credentials: list[str]
    """What the operator's upstreams are configured with."""
    customer: Customer
    stranger: Customer
    poor: Customer
    said: list[Sink] = field(default_factory=list)
    calls: int = 0
    known: list[str] = field(default_factory=list)
    """The identifiers of the customer's requests."""

    def __post_init__(self) -> None:
        self.answers = Answers(self.planter)
        self.questions = Questions(self.planter)

    # What is done.

    def everything(self) -> None:
        self.faults()
        self.refusals()
        self.departures()
        self.endings()

    def briefly(self) -> None:
        """Every endpoint once."""
        self.upstream.reply = self.answers.ok
        for call in self.questions.calls():
            self.send(call.name, call, self.customer)
        self.listen_in("one round")

    def faults(self) -> None:
        """Every endpoint, against everything that a provider may do."""
        for name, reply in self.repliers():
            self.upstream.reply = reply
            for call in self.questions.calls():
                self.send(f"{name}: {call.name}", call, self.customer)
            self.listen_in(name)

    def repliers(self) -> Iterator[tuple[str, Replier]]:
        answers = self.answers
        yield "well", answers.ok
        for status in PROVIDER_STATUSES:
            yield f"provider says {status}", partial(failing, answers, status)
        yield "error page", lambda _path, _body: answers.page_of(502)
        yield "page of a proxy", lambda _path, _body: answers.page_of(200)
        yield "no usage", answers.without_usage
        yield "broken event", answers.broken_event
        yield "error in the stream", answers.failing_event
        yield "byte by byte", answers.byte_by_byte
        yield "cut in the middle", lambda path, body: cut(answers.ok(path, body))
        yield "cut at once", lambda path, body: Reply(pieces=[], cut=True)

    def refusals(self) -> None:
        """What the gateway refuses by itself: such an answer may quote nothing."""
        self.upstream.reply = self.answers.ok
        for call in malformed(self.planter):
            before = len(self.upstream.received)
            answer = self.send(call.name, call, self.customer)
            if answer is not None and answer.status >= 400 and len(self.upstream.received) == before:
                self.said.append(Sink(f"the gateway's own answer to {call.name}", seen(answer)))
        for call in self.questions.calls():
            answer = self.send(f"no funds: {call.name}", call, self.poor)
            if answer is not None and answer.status >= 400:
                self.said.append(Sink(f"the gateway's own answer to {call.name} without funds", seen(answer)))
        self.listen_in("refusals")

    def departures(self) -> None:
        """The client leaves: before the answer, and in its middle."""
        for call in self.questions.calls():
            if "streamed" in call.name:
                for pieces in (0, 3):
                    self.leave(call, pieces)
        self.when_settled()
        self.listen_in("departures")

    def endings(self) -> None:
        """kill -9 and SIGTERM, each in the middle of streams, and a start after it."""
        for end in (self.gateway.kill, self.gateway.stop):
            go = threading.Event()
            self.upstream.reply = partial(held_back, self.answers.ok, go)
            threads = [
                threading.Thread(target=self.send, args=(call.name, call, self.customer), daemon=True)
                for call in self.questions.calls()
                if "streamed" in call.name
            ]
            before = len(self.upstream.received)
            for thread in threads:
                thread.start()
            self.until_received(before + len(threads))
            if end == self.gateway.stop:
                threading.Timer(0.3, go.set).start()
            end()
            go.set()
            for thread in threads:
                thread.join(30)
            self.gateway.start()
            self.when_settled()
        self.listen_in("endings")

    def send(self, name: str, call: Call, customer: Customer) -> Answer | None:
        self.calls += 1
        client = self.client(call, customer)
        try:
            answer = client.call(call.method, call.path, call.body or None, call.headers)
        except (OSError, http.client.HTTPException):
            return None
        if customer is self.customer:
            self.known.append(answer.headers.get("x-request-id", ""))
        return answer

    def leave(self, call: Call, pieces: int) -> None:
        self.calls += 1
        go = threading.Event()
        self.upstream.reply = partial(held_back, self.answers.ok, go)
        before = len(self.upstream.received)
        connection, response = self.client(call, self.customer).open(call.method, call.path, call.body, call.headers)
        self.until_received(before + 1)
        for _ in range(pieces):
            response.readline()
        connection.close()
        go.set()

    def client(self, call: Call, customer: Customer) -> Client:
        return self.gateway.client(None if call.anonymous else customer.key)

    def until_received(self, count: int) -> None:
        until("the calls have reached the provider", lambda: len(self.upstream.received) >= count)

    def when_settled(self) -> None:
        until("no holds are left", lambda: not self.gateway.credits(self.customer.key)["held"], 40)

    def listen_in(self, after: str) -> None:
        """What somebody else sees, and what the operator sees, at this moment."""
        client = self.gateway.client(self.stranger.key)
        for path in ("/v1/models", "/v1/key", "/v1/credits", "/v1/generation?id=x", "/v1/nothing", "/health"):
            self.said.append(Sink(f"another customer's {path} after {after}", seen(client.get(path))))
        bad = client.post("/v1/chat/completions", b"{")
        self.said.append(Sink(f"another customer's error after {after}", seen(bad)))
        self.upstream.reply = lambda _path, _body: Reply(pieces=[json.dumps(PLAIN).encode()])
        good = client.post("/v1/chat/completions", minimal("/v1/chat/completions"))
        self.said.append(Sink(f"another customer's answer after {after}", seen(good)))
        for path in ("/metrics", "/healthz", "/readyz"):
            self.said.append(Sink(f"{path} after {after}", seen(self.gateway.admin().get(path))))

    # Where it is looked for.

    def sinks(self) -> Iterator[Sink]:
        """Everything that was written or said. The gateway is stopped on the way."""
        yield from self.said
        yield from self.records()
        for place, data in self.gateway.database.contents():
            yield Sink(f"{place}, running", data)
        yield from self.sent()
        self.gateway.stop()
        for place, data in self.gateway.database.contents():
            yield Sink(f"{place}, stopped", data)
        for path in sorted(self.gateway.directory.rglob("*")):
            if path.is_file():
                yield Sink(f"file {path.relative_to(self.gateway.directory)}", path.read_bytes())
        yield from shared_files(self.gateway.directory)

    def records(self) -> Iterator[Sink]:
        """Receipts of the customer: a view of what is kept."""
        client = self.gateway.client(self.customer.key)
        for path in ("/v1/key", "/v1/credits", *(f"/v1/generation?id={one}" for one in self.known if one)):
            yield Sink(f"the customer's {path}", seen(client.get(path)))

    def sent(self) -> Iterator[Sink]:
        """The heads of what went to the provider, less what is meant for it; and no key of a client."""
        keys = [one.key.encode() for one in (self.customer, self.stranger, self.poor)]
        for received in self.upstream.received:
            lines = received.head.splitlines()
            head = b"\n".join(line for line in lines if not line.lower().startswith(FEATURES))
            for credential in self.credentials:
                head = head.replace(credential.encode(), b"")
            yield Sink("head to the provider", head)
            yield Sink("body to the provider", b"".join(key for key in keys if key in received.body))


PLAIN = {"id": "x", "object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}


def seen(answer: Answer) -> bytes:
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return head.encode() + b"\n\n" + answer.body


def cut(reply: Reply) -> Reply:
    reply.pieces = reply.pieces[: max(1, len(reply.pieces) // 2)]
    if len(reply.pieces) == 1:
        reply.pieces = [reply.pieces[0][: len(reply.pieces[0]) // 2]]
    reply.cut = True
    return reply


def held_back(well: Replier, go: threading.Event, path: str, body: Json) -> Reply:
    reply = well(path, body)
    reply.wait = go
    return reply


def failing(answers: Answers, status: int, _path: str, _body: Json) -> Reply:
    return answers.fault(status)


def shared_files(since: Path) -> Iterator[Sink]:
    """New small files in the places that every program may write to."""
    begin = since.stat().st_ctime
    for place in ("/tmp", "/var/tmp", "/dev/shm"):
        for path in Path(place).glob("*"):
            try:
                status = path.stat()
                if path.is_file() and status.st_mtime >= begin and status.st_size < 1 << 20:
                    yield Sink(f"file {path}", path.read_bytes())
            except OSError:
                continue
