"""Servers of a test's own, which it may restart: PostgreSQL and Redis on free ports of loopback."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.deadline import until
from harness.gateway import free_port
from harness.wire import Client


def newest(pattern: str) -> Path | None:
    found = sorted(glob.glob(pattern), key=lambda path: float(Path(path).parts[-3]))
    return Path(found[-1]) if found else None


INITDB = newest("/usr/lib/postgresql/*/bin/initdb")
REDIS = shutil.which("valkey-server") or shutil.which("redis-server")


@dataclass
class Postgres:
    """A cluster with nothing in it. PostgreSQL refuses to run as root, so it runs as somebody else."""

    directory: Path
    port: int

    def start(self) -> None:
        self._control("-l", str(self.directory / "log"), "start")

    def stop(self) -> None:
        """As if the machine had lost its power."""
        self._control("-m", "immediate", "stop")

    def _control(self, *arguments: str) -> None:
        assert INITDB is not None
        command = [str(INITDB.with_name("pg_ctl")), "-D", str(self.directory / "data"), "-w", *arguments]
        done = subprocess.run(as_postgres(command), capture_output=True, text=True, cwd="/", timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"


def as_postgres(command: list[str]) -> list[str]:
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    assert INITDB is not None
    with tempfile.TemporaryDirectory(prefix="aiduet-pg-") as name:
        directory, port = Path(name), free_port()
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        command = [str(INITDB), "-D", str(directory / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8"]
        subprocess.run(as_postgres(command), check=True, capture_output=True, cwd="/", timeout=120)
        server = Postgres(directory, port)
        with (directory / "data" / "postgresql.conf").open("a") as settings:
            settings.write(f"port = {port}\nlisten_addresses = '127.0.0.1'\n")
            settings.write("unix_socket_directories = ''\nmax_connections = 200\n")
        server = Postgres(directory, port)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass
class Redis:
    """A server that forgets everything when it is restarted."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [REDIS, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        until("Redis takes connections", self._answers)

    def _answers(self) -> bool:
        try:
            Client("127.0.0.1", self.port, timeout=2).open("GET", "/")[0].close()
        except ConnectionRefusedError:
            return False
        except Exception:  # it speaks another protocol
            return True
        return True

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"


@contextmanager
def redis_server() -> Iterator[Redis]:
    server = Redis(free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()
