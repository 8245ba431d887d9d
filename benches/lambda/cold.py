"""Cold start of the function: from the start of a process to its first answer, in the emulated platform.

    python benches/lambda/cold.py target/release/aiduet target/release/aiduet-lambda [rounds]

Each round starts a new process. AIDUET_TEST_POSTGRES_URL adds PostgreSQL.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from harness.database import postgres, postgres_url
from harness.function import Function, function

ASK = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}


def milliseconds(begun: float) -> float:
    return (time.perf_counter() - begun) * 1_000


def resident(running: Function) -> int:
    status = Path(f"/proc/{running.platform.environments[0].process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1_024


def measure(name: str, program: Path, rounds: int) -> None:
    with postgres() if name == "PostgreSQL" else nullcontext() as database:
        with function(program, "streaming", database) as running:
            key = running.customer("cold").key
            client = running.client(key)
            first, health, warm, memory = [], [], [], []
            for _ in range(rounds):
                running.platform.end_all()
                begun = time.perf_counter()
                assert running.client().get("/health").status == 200
                health.append(milliseconds(begun))
                running.platform.end_all()
                begun = time.perf_counter()
                assert client.post("/v1/chat/completions", ASK).status == 200
                first.append(milliseconds(begun))
                begun = time.perf_counter()
                assert client.post("/v1/chat/completions", ASK).status == 200
                warm.append(milliseconds(begun))
                memory.append(resident(running))
    told = [f"{statistics.median(times):.0f} ms" for times in (health, first, warm)]
    print(f"| {name} | {' | '.join(told)} | {max(memory)} MiB |")


def main() -> None:
    program, function_program = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    os.environ["AIDUET_LAMBDA_BIN"] = str(function_program)
    print(f"{function_program.stat().st_size / 2**20:.1f} MiB")
    print("| Database | start to `/health` | start to a billed answer | the next billed answer | resident |")
    print("|---|---|---|---|---|")
    for name in ["SQLite"] + (["PostgreSQL"] if postgres_url() else []):
        measure(name, program, rounds)


if __name__ == "__main__":
    main()
