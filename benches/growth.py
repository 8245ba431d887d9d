"""Pairs of reserve and settle per second on PostgreSQL: spread and on one account, by one to four processes, and
on a database that has grown.

    cargo build --release -p aiduet-benches
    python benches/growth.py [seconds per measurement] [accounts] [rows of the log]

Uses `AIDUET_TEST_POSTGRES_URL`; each part has a database of its own, which is dropped afterwards. What is compared
takes turns. Prints tables for benches/README.md.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from harness.database import postgres  # noqa: E402

ROUNDS = 3
CLIENTS = 256
SPREAD = 1_000
# As many as make the caches of a small and of a grown database do the same work.
SAMPLE = 20_000
PROCESSES_MAX = 4
DAYS = 89
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def pairs(url: str, seconds: int, accounts: int, processes: int = 1) -> int:
    """Pairs per second of all processes together."""
    command = [
        TARGET / "release/ledger", url, f"seconds={seconds}", f"accounts={accounts}",
        f"clients={CLIENTS // processes}", "audit=no",
    ]  # fmt: skip
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _index in range(processes)]
    total = 0
    for process in running:
        output, _nothing = process.communicate()
        assert process.returncode == 0, output
        found = re.search(r"(\d+) pairs/s", output)
        assert found, output
        total += int(found.group(1))
    return total


def grow(url: str, accounts: int, rows: int) -> None:
    """Adds accounts of people, their keys, and copies of the records there are, spread over the days they are kept."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """insert into account (id, kind, owner, shard, currency, limited, dr_pending, dr_posted, cr_pending,
               cr_posted, allowed_neg, used, frozen)
               select gen_random_uuid(), 'paid', gen_random_uuid(), 0, 'USD', 1, 0, 0, 0, 0, 0, 0, 0
               from generate_series(1, %s)""",
            [accounts],
        )
        connection.execute(
            """insert into key_spend (api_key, day_start, day_spent, week_start, week_spent, month_start, month_spent,
               total_spent, held) select gen_random_uuid(), 0, 0, 0, 0, 0, 0, 0, 0 from generate_series(1, %s)""",
            [accounts],
        )
        found = connection.execute(
            "select column_name from information_schema.columns where table_name = 'requests' order by ordinal_position"
        )
        others = {"id": "gen_random_uuid()", "started_at": f"started_at - (random() * {DAYS} * 86400000)::bigint"}
        values = ", ".join(others.get(name, name) for (name,) in found.fetchall())
        sample = connection.execute("select count(*) from (select 1 from requests limit 1000) sample").fetchone()
        assert sample and sample[0], "a measurement must come before"
        connection.execute(
            f"insert into requests select {values} from (select * from requests limit 1000) sample, "  # type: ignore[arg-type]
            f"generate_series(1, {rows // sample[0]})"
        )
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def compare(title: str, measures: dict[str, list[int]]) -> None:
    print(f"\n| {title} | pairs/s, rounds | median |\n|---|---|---|")
    for name, rounds in measures.items():
        print(f"| {name} | {', '.join(f'{value:,}' for value in rounds)} | {int(statistics.median(rounds)):,} |")


def main() -> None:
    numbers = [int(text) for text in sys.argv[1:]]
    seconds, accounts, rows = (*numbers, *(5, 1_000_000, 10_000_000)[len(numbers) :])
    with postgres() as database:
        loads = {"1,000 accounts": SPREAD, "one account": 1}
        measures: dict[str, list[int]] = {name: [] for name in loads}
        for _round in range(ROUNDS):
            for name, count in loads.items():
                measures[name].append(pairs(database.url, seconds, count))
        compare("Load", measures)
        measures = {f"{count}": [] for count in range(1, PROCESSES_MAX + 1)}
        for _round in range(ROUNDS):
            for count in range(1, PROCESSES_MAX + 1):
                measures[f"{count}"].append(pairs(database.url, seconds, SPREAD, count))
        compare("Processes", measures)
    with postgres() as small, postgres() as grown:
        pairs(grown.url, 1, SPREAD)
        grow(grown.url, accounts, rows)
        databases = {"nothing before": small.url, f"{accounts:,} accounts, {rows:,} records": grown.url}
        measures = {name: [] for name in databases}
        for _round in range(ROUNDS):
            for name, url in databases.items():
                measures[name].append(pairs(url, seconds, SAMPLE))
        compare("Database", measures)


if __name__ == "__main__":
    main()
