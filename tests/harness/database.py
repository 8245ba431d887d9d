"""The database of a gateway, read from outside."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pymysql
from psycopg import sql


class Database(Protocol):
    """What a test needs to know of a database."""

    url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Everything in it, by the place it stands at."""
        ...


class SqliteDatabase:
    """A file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.url = f"sqlite://{path}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30) as connection:
            found = connection.execute(query).fetchall()
        connection.close()
        return found

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """The files byte by byte, free pages and write-ahead log included; and as text."""
        for path in sorted(self.path.parent.glob(f"{self.path.name}*")):
            yield f"database file {path.name}", path.read_bytes()
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30)
        yield "database as text", "\n".join(connection.iterdump()).encode()
        connection.close()


class PostgresDatabase:
    """A database of its own on the server that the tests were given."""

    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    def contents(self) -> Iterator[tuple[str, bytes]]:
        tables = "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
        with psycopg.connect(self.url) as connection:
            for schema, table in connection.execute(f"{tables} and table_schema not like 'pg_%'").fetchall():
                if schema == "information_schema":
                    continue
                name = sql.Identifier(schema, table)
                rows = connection.execute(sql.SQL("select t::text from {} as t").format(name)).fetchall()
                yield f"table {table}", "\n".join(row[0] for row in rows).encode()
            queries = connection.execute("select coalesce(query, '') from pg_stat_activity").fetchall()
            yield "running statements", "\n".join(row[0] for row in queries).encode()


def postgres_url() -> str | None:
    return os.environ.get("AIDUET_TEST_POSTGRES_URL")


@contextmanager
def postgres() -> Iterator[PostgresDatabase]:
    """A new, empty database that is dropped afterwards."""
    server = postgres_url()
    assert server, "AIDUET_TEST_POSTGRES_URL is not set"
    name = f"aiduet_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield PostgresDatabase(urlunsplit(urlsplit(server)._replace(path=f"/{name}")))
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


class MysqlDatabase:
    """A database of its own on the MySQL or MariaDB that the tests were given."""

    def __init__(self, url: str) -> None:
        self.url = url

    def connect(self) -> pymysql.Connection[Any]:
        parts = urlsplit(self.url)
        name = parts.path.strip("/") or None
        return pymysql.connect(
            host=parts.hostname, port=parts.port or 3306, user=parts.username, password=parts.password or "",
            database=name, autocommit=True,
        )  # fmt: skip

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def contents(self) -> Iterator[tuple[str, bytes]]:
        for (table,) in self.rows("show tables"):
            yield f"table {table}", repr(self.rows(f"select * from `{table}`")).encode()


def mysql_url() -> str | None:
    return os.environ.get("AIDUET_TEST_MYSQL_URL")


@contextmanager
def mysql() -> Iterator[MysqlDatabase]:
    """A new, empty database that is dropped afterwards."""
    server = mysql_url()
    assert server, "AIDUET_TEST_MYSQL_URL is not set"
    name = f"aiduet_{secrets.token_hex(6)}"
    admin = MysqlDatabase(urlunsplit(urlsplit(server)._replace(path="")))
    admin.rows(f"create database {name}")
    try:
        yield MysqlDatabase(urlunsplit(urlsplit(server)._replace(path=f"/{name}")))
    finally:
        admin.rows(f"drop database {name}")


@contextmanager
def chosen() -> Iterator[Database | None]:
    """The database that `AIDUET_TEST_DATABASE` names (`postgres`, `mysql`); `None`: a file of each gateway's own."""
    match os.environ.get("AIDUET_TEST_DATABASE", "sqlite"):
        case "postgres":
            with postgres() as database:
                yield database
        case "mysql":
            with mysql() as database:
                yield database
        case "sqlite":
            yield None
        case other:
            raise AssertionError(f"AIDUET_TEST_DATABASE={other}: expected sqlite, postgres or mysql")
