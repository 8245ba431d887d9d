"""The binary for AWS Lambda with a platform around it, in place of a server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from harness.database import Database, SqliteDatabase
from harness.gateway import Gateway
from harness.platform import Departure, Platform

Mode = Literal["buffered", "streaming"]


def function_binary() -> Path:
    """The binary under test: `AIDUET_LAMBDA_BIN`, else the one beside `AIDUET_BIN`."""
    given = os.environ.get("AIDUET_LAMBDA_BIN")
    return Path(given) if given else Path(os.environ["AIDUET_BIN"]).with_name("aiduet-lambda")


def chosen_mode() -> Mode | None:
    """How the function answers that `AIDUET_TEST_FUNCTION` asks for (`buffered`, `streaming`); `None`: a server."""
    match os.environ.get("AIDUET_TEST_FUNCTION"):
        case None | "":
            return None
        case "buffered" | "streaming" as mode:
            return mode
        case other:
            raise AssertionError(f"AIDUET_TEST_FUNCTION={other}: expected buffered or streaming")


@dataclass
class Function(Gateway):
    """A gateway that is a function; the command line is that of the server, on the same database."""

    mode: Mode = "streaming"
    departure: Departure = "finish"
    timeout: float = 60.0
    platform: Platform = field(init=False)

    def environment(self) -> dict[str, str]:
        served = ("AIDUET__SERVER__LISTEN", "AIDUET__SERVER__ADMIN_LISTEN", "AIDUET__SERVER__DRAIN_DELAY")
        return {name: value for name, value in super().environment().items() if name not in served}

    def start(self, *command: str) -> Self:
        assert not command, "a function has no commands"
        self.run("migrate", "up")
        streaming = "true" if self.mode == "streaming" else "false"
        variables = self.environment() | {"AIDUET_LAMBDA_STREAMING": streaming}
        self.platform = Platform(
            [str(function_binary())], self.directory, variables, self.port, self.timeout, departure=self.departure
        )
        self.platform.start()
        return self

    def stop(self, number: int = 0) -> int:
        self.platform.stop()
        return 0


@contextmanager
def function(
    program: Path,
    mode: Mode,
    database: Database | None = None,
    settings: dict[str, str] | None = None,
    *,
    departure: Departure = "finish",
    timeout: float = 60.0,
) -> Iterator[Function]:
    """A migrated function that leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="aiduet-test-") as name:
        directory = Path(name)
        place = database or SqliteDatabase(directory / "data" / "aiduet.db")
        instance = Function(
            program, directory, place, settings or {}, mode=mode, departure=departure, timeout=timeout
        )
        try:
            yield instance.start()
        finally:
            instance.stop()
