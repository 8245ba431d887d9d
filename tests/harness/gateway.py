"""One process of the real binary, with a database and directories of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from harness import receipt
from harness.database import Database, SqliteDatabase
from harness.deadline import until
from harness.wire import Client

ROOT = Path(__file__).resolve().parents[2]


def binary() -> Path:
    """The binary under test: `AIDUET_BIN`, else the one that cargo builds."""
    given = os.environ.get("AIDUET_BIN")
    if given:
        return Path(given)
    command = ["cargo", "build", "--locked", "-q", "-p", "aiduet-hyper", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    built = [json.loads(line).get("executable") for line in lines.splitlines()]
    return Path(next(path for path in built if path))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Customer:
    """An account with a key."""

    account: str
    key: str


@dataclass
class Gateway:
    """A gateway on loopback. Settings override the ones that every test has."""

    program: Path
    directory: Path
    database: Database
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    admin_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """Nothing is inherited but what a program needs to run."""
        for name in ("tmp", "home", "work"):
            (self.directory / name).mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory / "home"),
            "TMPDIR": str(self.directory / "tmp"),
            "AIDUET__SERVER__LISTEN": f"127.0.0.1:{self.port}",
            "AIDUET__SERVER__ADMIN_LISTEN": f"127.0.0.1:{self.admin_port}",
            "AIDUET__SERVER__DRAIN_DELAY": "0s",
            "AIDUET__DATABASE__URL": self.database.url,
            # Tests share a gateway, and what one of them breaks on purpose must not rest for the next.
            "AIDUET__ROUTING__CIRCUIT__CALLS_MIN": "1000000",
            "AIDUET__ROUTING__CIRCUIT__REFUSED_COOL_DOWN": "1ms",
            "AIDUET__UPSTREAM__OPENAI__KIND": "simulated",
            "AIDUET__UPSTREAM__ANTHROPIC__KIND": "simulated",
        } | self.settings

    # Life.

    def start(self, *command: str) -> Self:
        """Starts the server and waits until it takes calls."""
        log = (self.directory / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [self.program, *(command or ("serve",))],
                cwd=self.directory / "work",
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until("the gateway takes calls", self.is_ready, 60)
        return self

    def is_ready(self) -> bool:
        assert self.process is not None
        status = self.process.poll()
        assert status is None, f"the gateway ended with {status}:\n{self.log()[-4_000:].decode(errors='replace')}"
        try:
            return Client("127.0.0.1", self.admin_port, timeout=2).get("/readyz").status == 200
        except OSError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and waits for the end."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process = None
        return status

    def kill(self) -> None:
        """kill -9: nothing is flushed, nothing is said."""
        self.stop(signal.SIGKILL)

    # The command line.

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.directory / "work",
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def ask(self, *arguments: str) -> Any:
        """The JSON that a command prints."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def customer(self, name: str, credit: str = "5.00", *limits: str) -> Customer:
        """A new account with credit and a key."""
        account = self.ask("user", "create", f"{name}@example.com")["account"]["id"]
        if receipt.nanos(credit):
            self.run("user", "credit", account, credit, "--break-glass", "--reason", "a customer of a test")
        key = self.ask("keys", "create", "--user", account, "--name", name, *limits)
        return Customer(account, key["key"])

    def violations(self) -> list[Any]:
        """The broken invariants; the command says with its status that there are none."""
        done = self.run("ledger", "verify", "--json", check=False)
        assert done.returncode in (0, 3), f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        found = json.loads(done.stdout)
        rows = found["violations"] if isinstance(found, dict) else found
        assert (done.returncode == 0) == (not rows), done
        return list(rows)

    # HTTP.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, key: str | None = None) -> Client:
        return Client("127.0.0.1", self.port, key)

    def admin(self) -> Client:
        return Client("127.0.0.1", self.admin_port)

    def credits(self, key: str) -> dict[str, int]:
        """The balance in nano-dollars."""
        answer = self.client(key).get("/v1/credits")
        assert answer.status == 200, answer
        data = answer.json()["data"]
        amounts = {name: data[f"{name}_nano"] for name in ("total_credits", "total_usage", "available", "held")}
        for name, amount in amounts.items():
            assert receipt.nanos(data[name]) == amount
        return amounts

    def receipt(self, key: str, request_id: str) -> dict[str, Any]:
        answer = self.client(key).get(f"/v1/generation?id={request_id}")
        assert answer.status == 200, (answer, answer.body)
        return dict(answer.json()["data"])

    def log(self) -> bytes:
        return (self.directory / "log").read_bytes()


@contextmanager
def gateway(
    program: Path, database: Database | None = None, settings: dict[str, str] | None = None
) -> Iterator[Gateway]:
    """A migrated, started gateway that leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="aiduet-test-") as name:
        directory = Path(name)
        place = database or SqliteDatabase(directory / "data" / "aiduet.db")
        instance = Gateway(program, directory, place, settings or {})
        try:
            yield instance.start()
        finally:
            if instance.process is not None:
                instance.process.kill()
                instance.process.wait()
