"""The commands of docs/operations.md back an installation up and bring it back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.database import Database, SqliteDatabase, postgres, postgres_url
from harness.deadline import until
from harness.gateway import ROOT, Gateway

CHAPTER = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(chapter: str, tool: str) -> str:
    """The one block of a chapter that uses a tool."""
    chapters = dict(CHAPTER.findall((ROOT / "docs" / "operations.md").read_text()))
    (found,) = [block for block in BLOCK.findall(chapters[chapter]) if tool in block]
    return str(found)


def run(code: str, **environment: str) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        yield SqliteDatabase(tmp_path / "data" / "aiduet.db")
    elif postgres_url() is None:
        pytest.skip("AIDUET_TEST_POSTGRES_URL is not set")
    else:
        with postgres() as server:
            yield server


def places(database: Database, backup: Path) -> tuple[dict[str, str], tuple[str, str]]:
    """The variables of the commands, and the tools that back up and restore."""
    if isinstance(database, SqliteDatabase):
        return {"DATABASE": str(database.path), "BACKUP": str(backup)}, ("sqlite3", "sqlite3")
    return {"DATABASE_URL": database.url, "BACKUP": str(backup)}, ("pg_dump", "pg_restore")


def lose(database: Database) -> None:
    """What a restore is for."""
    if isinstance(database, SqliteDatabase):
        shutil.rmtree(database.path.parent)
        database.path.parent.mkdir()
    else:
        run('psql --quiet "$URL" -c "drop schema public cascade; create schema public"', URL=database.url)


def test_a_backup_of_a_running_server_comes_back_with_its_books(
    program: Path, database: Database, tmp_path: Path
) -> None:
    settings = {"AIDUET__GATEWAY__HEARTBEAT": "200ms", "AIDUET__GATEWAY__DEAD_AFTER": "2s"}
    tombstones = tmp_path / "tombstones"
    settings["AIDUET__PRIVACY__TOMBSTONES"] = str(tombstones)
    gateway = Gateway(program, tmp_path, database, settings)
    variables, (save, restore) = places(database, tmp_path / "backup")
    if any(shutil.which(tool) is None for tool in (save, restore)):
        pytest.skip(f"{save} or {restore} is not installed")
    call = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
    slow = {**call, "stream": True, "messages": [{"role": "user", "content": "simulate:chunks=2000 simulate:slow=20ms"}]}
    try:
        gateway.start()
        customer = gateway.customer("before", "5.00")
        for _ in range(3):
            assert gateway.client(customer.key).call("POST", "/v1/chat/completions", call).status == 200
        known = gateway.credits(customer.key)
        leaver = gateway.customer("leaver", "5.00")
        # One request is running while the backup is made.
        connection, response = gateway.client(customer.key).open("POST", "/v1/chat/completions", slow)
        assert response.status == 200
        until("the hold is there", lambda: gateway.credits(customer.key)["held"] > 0)
        run(commands("Back up", save), **variables)
        connection.close()
        # Somebody leaves after the backup.
        gateway.run("user", "erase", leaver.account, "--break-glass", "--yes", "--reason", "ticket 4711")
        assert tombstones.read_text().strip()
        gateway.kill()
        lose(database)

        run(commands("Restore", restore), **variables)
        for command in commands("Restore", "aiduet").replace("$TOMBSTONES", str(tombstones)).splitlines():
            gateway.run(*command.split()[1:])
        assert gateway.violations() == []
        assert gateway.run("user", "show", leaver.account, check=False).returncode == 4, "not brought back"

        gateway.start()
        until("the hold is swept", lambda: gateway.credits(customer.key)["held"] == 0, 30)
        restored = gateway.credits(customer.key)
        assert restored["total_credits"] == known["total_credits"]
        assert restored["total_usage"] >= known["total_usage"] > 0
        assert gateway.client(customer.key).call("POST", "/v1/chat/completions", call).status == 200
        assert gateway.violations() == []
    finally:
        gateway.stop()
