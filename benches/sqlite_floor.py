"""What SQLite itself costs: operations in groups, with full synchronisation, from Python.

    python benches/sqlite_floor.py [seconds per size]

An operation changes a row of one of 1,000 accounts and adds a row to a journal.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

ACCOUNTS = 1_000
SIZES = (1, 8, 32, 128, 512)


def opened(place: Path) -> sqlite3.Connection:
    books = sqlite3.connect(place / "floor.db", isolation_level=None)
    books.execute("PRAGMA journal_mode = WAL")
    books.execute("PRAGMA synchronous = FULL")
    books.execute("PRAGMA wal_autocheckpoint = 4000")
    books.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER, held INTEGER)")
    books.execute("CREATE TABLE transfer (id TEXT PRIMARY KEY, account INTEGER, amount INTEGER)")
    books.executemany("INSERT INTO account VALUES (?, 1000000000, 0)", ((account,) for account in range(ACCOUNTS)))
    return books


def operate(books: sqlite3.Connection, number: int) -> None:
    account = random.randrange(ACCOUNTS)
    books.execute("UPDATE account SET held = held + 10 WHERE id = ? AND balance - held >= 10", (account,))
    name = f"{number:012d}{random.getrandbits(64):016x}"  # in the order of time, as those of the ledger
    books.execute("INSERT INTO transfer VALUES (?, ?, 10)", (name, account))


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(prefix="aiduet-bench-") as place:
        books = opened(Path(place))
        for size in SIZES:
            begun, first = time.monotonic(), next(numbers)
            while time.monotonic() - begun < seconds:
                books.execute("BEGIN IMMEDIATE")
                for _ in range(size):
                    operate(books, next(numbers))
                books.execute("COMMIT")
            rate = (next(numbers) - first) / (time.monotonic() - begun)
            print(f"groups of {size:>3}: {rate:>9,.0f} operations/s")
        books.close()


if __name__ == "__main__":
    main()
