"""What AWS Lambda does around a function: the runtime interface, and requests that become events.

Each environment is one process that gets one event at a time. It stands still (SIGSTOP) from the moment its answer
ended, before it knows that the answer was taken, until the next event: what is not done by then is not done.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, Literal

Departure = Literal["finish", "sever"]

VERSION = "/2018-06-01/runtime"
END_OF_HEAD = bytes(8)
STREAM_TYPE = "application/vnd.awslambda.http-integration-response"
TEXTUAL = ("text/", "application/json", "application/javascript", "application/xml", "application/x-www-form-urlencoded")


class FunctionError(Exception):
    """The function said that it cannot answer, or ended."""


@dataclass
class Head:
    """The head of an HTTP answer."""

    status: int
    headers: dict[str, str]
    cookies: list[str]


@dataclass
class Invocation:
    """One event, and its answer as it comes: a head or nothing, chunks, and None or an error at the end."""

    event: bytes = field(repr=False)
    deadline: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: queue.Queue[Head | bytes | FunctionError | None] = field(default_factory=queue.Queue, repr=False)
    streamed: bool = False
    reader: Any = None
    severed: bool = False

    def items(self) -> Iterator[Head | bytes]:
        while True:
            match self.answer.get(timeout=120):
                case None:
                    return
                case FunctionError() as error:
                    raise error
                case item:
                    yield item

    def sever(self) -> None:
        """Breaks the connection that carries the answer."""
        self.severed = True
        if self.reader is not None:
            with suppress(OSError):
                self.reader.connection.shutdown(2)


class Environment:
    """One process of the function."""

    def __init__(self, command: list[str], directory: Path, variables: dict[str, str]) -> None:
        self.idle = threading.Event()
        self.init_error: str | None = None
        self.current: Invocation | None = None
        self._events: queue.Queue[Invocation | None] = queue.Queue()
        self._thawed = threading.Event()
        handler = type("Interface", (_RuntimeInterface,), {"environment": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"127.0.0.1:{self._server.server_port}"
        with (directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=directory / "work",
                env=variables | {"AWS_LAMBDA_RUNTIME_API": address, "AWS_LAMBDA_FUNCTION_NAME": "aiduet"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def started(self) -> bool:
        """Waits until the process asks for an event; False when it ends instead."""
        for _ in range(6_000):
            if self.idle.wait(0.01):
                return True
            if self.process.poll() is not None:
                return False
        raise AssertionError("the function does not start")

    def invoke(self, invocation: Invocation) -> None:
        """Hands over an event. The process runs again from here on."""
        self.idle.clear()
        os.kill(self.process.pid, signal.SIGCONT)
        self._thawed.set()
        self._events.put(invocation)

    def freeze(self) -> None:
        """Stops the process where it stands."""
        self._thawed.clear()
        os.kill(self.process.pid, signal.SIGSTOP)
        stat = Path(f"/proc/{self.process.pid}/stat")
        for _ in range(1_000):
            if stat.read_text().rpartition(")")[2].split()[0] in "TZX":
                return
            time.sleep(0.001)
        raise AssertionError("the process does not stop")

    def is_frozen(self) -> bool:
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def end(self) -> None:
        """kill -9, as the platform ends an environment."""
        self.process.kill()
        self.process.wait()
        self._thawed.set()
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()

    # What the interface calls.

    def next_event(self) -> Invocation | None:
        if self.current is not None:
            # The answer broke off, and the process goes on all the same.
            self._over(FunctionError("the answer was not finished"))
        elif self._events.empty():
            self._over(None)
        self.current = self._events.get()
        return self.current

    def answered(self, end: FunctionError | None) -> None:
        """The last byte is there: everything stands still until the next event."""
        self._over(end)
        self._thawed.wait()

    def _over(self, end: FunctionError | None) -> None:
        self.freeze()
        invocation, self.current = self.current, None
        self.idle.set()
        if invocation is not None:
            invocation.answer.put(end)


class _RuntimeInterface(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    environment: Environment

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        assert self.path == f"{VERSION}/invocation/next", self.path
        invocation = self.environment.next_event()
        if invocation is None:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("lambda-runtime-aws-request-id", invocation.id)
        self.send_header("lambda-runtime-deadline-ms", str(int(invocation.deadline * 1_000)))
        self.send_header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:1:function:aiduet")
        self.send_header("content-length", str(len(invocation.event)))
        self.end_headers()
        self.wfile.write(invocation.event)

    def do_POST(self) -> None:
        if self.path == f"{VERSION}/init/error":
            self.environment.init_error = json.loads(b"".join(self._body()))["errorMessage"]
            self._accepted()
            return
        invocation = self.environment.current
        assert invocation is not None, "an answer to no event"
        kind = self.path.removeprefix(f"{VERSION}/invocation/{invocation.id}/")
        if kind == "error":
            told = json.loads(b"".join(self._body()))
            self.environment.answered(FunctionError(told["errorMessage"]))
        elif self.headers.get("lambda-runtime-function-response-mode") == "streaming":
            assert self.headers["content-type"] == STREAM_TYPE
            invocation.streamed, invocation.reader = True, self
            if not self._relay(invocation):
                self.close_connection = True
                return
            self.environment.answered(self._error())
        else:
            assert kind == "response", self.path
            self._whole(invocation)
            self.environment.answered(None)
        self._accepted()

    def _accepted(self) -> None:
        with suppress(OSError):
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()

    def _whole(self, invocation: Invocation) -> None:
        told = json.loads(b"".join(self._body()))
        if "statusCode" not in told:
            invocation.answer.put(json.dumps(told).encode())
            return
        invocation.answer.put(Head(told["statusCode"], told["headers"], told["cookies"]))
        text = told["body"]
        invocation.answer.put(base64.b64decode(text) if told["isBase64Encoded"] else text.encode())

    def _relay(self, invocation: Invocation) -> bool:
        """Passes on what comes, as it comes; False when the connection breaks."""
        head: bytes | None = b""
        try:
            for chunk in self._body():
                if head is None:
                    invocation.answer.put(chunk)
                    continue
                head += chunk
                if END_OF_HEAD in head:
                    told, _, rest = head.partition(END_OF_HEAD)
                    head, prelude = None, json.loads(told)
                    invocation.answer.put(Head(prelude["statusCode"], prelude["headers"], prelude["cookies"]))
                    if rest:
                        invocation.answer.put(rest)
        except (OSError, EOFError):
            return False
        assert head is None, "an answer without a head"
        return True

    def _body(self) -> Iterator[bytes]:
        self.trailers: dict[str, str] = {}
        if "chunked" in self.headers.get("transfer-encoding", ""):
            yield from chunks(self.rfile, self.trailers)
        else:
            yield self.rfile.read(int(self.headers.get("content-length", "0")))

    def _error(self) -> FunctionError | None:
        if "lambda-runtime-function-error-type" not in self.trailers:
            return None
        told = base64.b64decode(self.trailers["lambda-runtime-function-error-body"])
        return FunctionError(json.loads(told)["errorMessage"])


def chunks(source: BinaryIO, trailers: dict[str, str] | None = None) -> Iterator[bytes]:
    """The chunks of a body, and what stands after them."""
    while True:
        line = source.readline()
        if not line:
            raise EOFError
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        data = source.read(size)
        if len(data) < size:
            raise EOFError
        yield data
        source.readline()
    while line := source.readline().strip():
        name, _, value = line.decode().partition(":")
        if trailers is not None:
            trailers[name.strip().lower()] = value.strip()


@dataclass
class Platform:
    """Environments of one function, as many as there are events at the same time, and a URL in front of them."""

    command: list[str]
    directory: Path
    variables: dict[str, str]
    port: int
    timeout: float = 60.0
    most: int = 32
    departure: Departure = "finish"
    environments: list[Environment] = field(default_factory=list)
    _free: threading.Condition = field(default_factory=threading.Condition)
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        handler = type("Url", (_Url,), {"platform": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self.end_all()

    def end_all(self) -> None:
        """Ends every environment: the next event starts a new one."""
        for environment in self.environments:
            environment.end()
        self.environments.clear()

    def begin(self, event: dict[str, Any] | bytes) -> Invocation:
        """Hands an event to an environment that stands still, or to a new one."""
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        environment = self._environment()
        invocation = Invocation(data, time.time() + self.timeout)
        environment.invoke(invocation)
        return invocation

    def invoke(self, event: dict[str, Any] | bytes) -> Any:
        """The answer to an event that is no request."""
        return json.loads(b"".join(item for item in self.begin(event).items() if isinstance(item, bytes)))

    def _environment(self) -> Environment:
        with self._free:
            while True:
                self.environments = [one for one in self.environments if one.process.poll() is None]
                for one in self.environments:
                    if one.idle.is_set():
                        one.idle.clear()
                        return one
                if len(self.environments) < self.most:
                    break
                self._free.wait(0.01)
            new = Environment(self.command, self.directory, self.variables)
            self.environments.append(new)
        assert new.started(), f"the function ended: {new.init_error}"
        new.idle.clear()
        return new


class _Url(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    platform: Platform

    def log_message(self, *_: object) -> None:
        pass

    def event(self) -> dict[str, Any]:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            lower = name.lower()
            headers[lower] = f"{headers[lower]},{value}" if lower in headers else value
        cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
        peer = self.client_address[0]
        headers |= {"x-forwarded-for": peer, "x-forwarded-proto": "https", "x-forwarded-port": "443"}
        if "chunked" in headers.pop("transfer-encoding", ""):
            body = b"".join(chunks(self.rfile))
            headers["content-length"] = str(len(body))
        else:
            body = self.rfile.read(int(headers.get("content-length") or "0"))
        path, _, query = self.path.partition("?")
        textual = headers.get("content-type", "text/").startswith(TEXTUAL) and "content-encoding" not in headers
        try:
            text, coded = body.decode() if textual else "", not textual
        except UnicodeDecodeError:
            coded = True
        http = {
            "method": self.command, "path": path, "protocol": "HTTP/1.1", "sourceIp": peer,
            "userAgent": headers.get("user-agent", ""),
        }  # fmt: skip
        event = {
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "cookies": cookies,
            "headers": headers, "isBase64Encoded": coded,
            "requestContext": {"accountId": "anonymous", "apiId": "a", "http": http, "stage": "$default"},
        }  # fmt: skip
        if body:
            event["body"] = base64.b64encode(body).decode() if coded else text
        return event

    def answer(self) -> None:
        invocation = self.platform.begin(self.event())
        try:
            self._answer(invocation)
        except OSError:
            # The client has left: the platform does not tell, or it breaks the connection.
            self.close_connection = True
            if self.platform.departure == "sever":
                invocation.sever()
            with suppress(FunctionError):
                for _ in invocation.items():
                    pass

    def _answer(self, invocation: Invocation) -> None:
        items = invocation.items()
        try:
            head = next(items)
        except FunctionError:
            head = Head(502, {"content-type": "application/json"}, [])
            items = iter([b'{"message":"Internal Server Error"}'])
        assert isinstance(head, Head)
        whole = None if invocation.streamed else b"".join(item for item in items if isinstance(item, bytes))
        self.send_response_only(head.status)
        for name, value in head.headers.items():
            if name not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        for cookie in head.cookies:
            self.send_header("set-cookie", cookie)
        if whole is not None:
            self.send_header("content-length", str(len(whole)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(whole)
            return
        bodiless = self.command == "HEAD" or head.status in (204, 304)
        if not bodiless:
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for item in items:
                if isinstance(item, bytes) and not bodiless:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(item), item))
        except FunctionError:
            self.close_connection = True
            return
        if not bodiless:
            self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer
