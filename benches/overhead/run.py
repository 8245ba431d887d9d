"""What the gateway adds to a call: latency, processor time and memory, beside nginx and a direct call.

    python benches/overhead/run.py [seconds per measurement]

Everything runs on this machine: a provider (the simulated one, over HTTP), nginx as a bare reverse
proxy, and the gateway on SQLite with everything on. The targets take turns, several times, so that
what else the machine does hits all of them. Prints a table for benches/README.md.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from harness.database import SqliteDatabase  # noqa: E402
from harness.deadline import until  # noqa: E402
from harness.gateway import Gateway, free_port  # noqa: E402

ROUNDS = 3
CONNECTIONS = 16
RATE = 1_000
STREAMS = 1_000
CHUNKS = 200
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
MICROSECONDS = 1_000_000

NGINX = """
daemon off; worker_processes 1; pid {place}/nginx.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {place}; proxy_temp_path {place}; fastcgi_temp_path {place};
  uwsgi_temp_path {place}; scgi_temp_path {place};
  upstream provider {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


@dataclass
class Target:
    """Something that answers calls, and the processes that do it."""

    name: str
    port: int
    processes: list[int]
    key: str

    def cpu_us(self) -> int:
        ticks = 0
        for process in self.processes:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks * MICROSECONDS // TICKS_PER_SECOND

    def resident_bytes(self) -> int:
        return sum(
            int(line.split()[1]) * 1024
            for process in self.processes
            for line in Path(f"/proc/{process}/status").read_text().splitlines()
            if line.startswith("VmRSS:")
        )


@dataclass
class Measured:
    """One measurement."""

    calls: int
    per_second: int
    p50_us: int
    p99_us: int
    cpu_us: float


def request(target: Target, body: dict[str, object], path: str = "/v1/chat/completions") -> bytes:
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{target.port}\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {target.key}\r\nanthropic-version: 2023-06-01\r\n"
        f"content-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def chat(text: str, **fields: object) -> dict[str, object]:
    return {"model": "gpt-4.1-mini", "max_tokens": 512, "messages": [{"role": "user", "content": text}]} | fields


def measure(load: Path, target: Target, call: bytes, rate: int, seconds: int) -> Measured:
    with tempfile.NamedTemporaryFile() as file:
        file.write(call)
        file.flush()
        before = target.cpu_us()
        command = [load, f"127.0.0.1:{target.port}", file.name, str(CONNECTIONS), str(rate), str(seconds)]
        done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        used = target.cpu_us() - before
    calls = done["calls"]
    return Measured(calls, calls * MICROSECONDS // done["took_us"], done["p50_us"], done["p99_us"], used / calls)


def open_streams(target: Target, count: int) -> int:
    """Bytes of memory that each open stream takes."""
    call = request(target, chat(f"simulate:chunks={CHUNKS} simulate:slow=200ms", stream=True))
    before = target.resident_bytes()
    with ExitStack() as stack:
        sockets = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", target.port)))
            one.sendall(call)
            sockets.append(one)
        for one in sockets:
            assert one.recv(4_096).startswith(b"HTTP/1.1 200")
            one.recv(4_096)
        return (target.resident_bytes() - before) // count


def table(rows: list[tuple[str, dict[str, list[Measured]]]]) -> Iterator[str]:
    yield "| Load | Target | calls/s | p50 µs | p99 µs | CPU µs per call | of nginx |"
    yield "|---|---|---|---|---|---|---|"
    for load, found in rows:
        nginx = statistics.median(one.cpu_us for one in found["nginx"])
        for name, all_of_it in found.items():

            def middle(field: str, all_of_it: list[Measured] = all_of_it) -> float:
                return statistics.median(getattr(one, field) for one in all_of_it)

            cpu = middle("cpu_us")
            ratio = "" if name == "direct" else f"{cpu / nginx:.1f}×"
            yield (
                f"| {load} | {name} | {middle('per_second'):,.0f} | {middle('p50_us'):,.0f} | "
                f"{middle('p99_us'):,.0f} | {cpu:.0f} | {ratio} |"
            )


@contextmanager
def started(command: list[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [process, *(int(child) for child in text.split())]


def seconds_asked() -> int:
    return int(sys.argv[1]) if len(sys.argv) > 1 else 10


def built() -> Path:
    """Where the programs are, built."""
    build = ["cargo", "build", "--locked", "--release", "-q", "-p", "aiduet-hyper", "-p", "aiduet-benches", "--bins"]
    subprocess.run(build, cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


def simulated_provider(stack: ExitStack, release: Path) -> tuple[int, int]:
    """The port and the process of a provider."""
    upstream = stack.enter_context(started([release / "upstream"]))
    assert upstream.stdout is not None
    return int(upstream.stdout.readline().rpartition(b":")[2]), upstream.pid


def gateway_before(stack: ExitStack, release: Path, place: Path, upstream: int) -> Target:
    """The gateway in front of a provider, with everything on."""
    settings = {"AIDUET__GATEWAY__ACCOUNT_CONCURRENCY": "5000"}
    for vendor in ("OPENAI", "ANTHROPIC"):
        settings |= {
            f"AIDUET__UPSTREAM__{vendor}__KIND": "api",
            f"AIDUET__UPSTREAM__{vendor}__BASE_URL": f"http://127.0.0.1:{upstream}",
            f"AIDUET__UPSTREAM__{vendor}__API_KEY": "sk-bench",
            f"AIDUET__UPSTREAM__{vendor}__ALLOW_PLAIN_HTTP": "true",
        }
    database = SqliteDatabase(place / "data" / "aiduet.db")
    gateway = Gateway(release / "aiduet", place, database, settings).start()
    stack.callback(gateway.stop)
    assert gateway.process is not None
    key = gateway.customer("bench", "100000.00").key
    return Target("aiduet", gateway.port, [gateway.process.pid], key)


def main() -> None:
    seconds, release = seconds_asked(), built()
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aiduet-bench-")))
        nginx_port = free_port()
        upstream_port, upstream = simulated_provider(stack, release)
        config = place / "nginx.conf"
        config.write_text(NGINX.format(place=place, upstream=upstream_port, port=nginx_port))
        proxy = stack.enter_context(started([nginx, "-p", str(place), "-c", str(config)]))
        until("nginx listens", lambda: listens(nginx_port))
        aiduet = gateway_before(stack, release, place, upstream_port)
        targets = [
            Target("direct", upstream_port, [upstream], aiduet.key),
            Target("nginx", nginx_port, children(proxy.pid), aiduet.key),
            aiduet,
        ]
        loads: list[tuple[str, dict[str, object], int]] = [
            ("JSON, as fast as it goes", chat("Hello"), 0),
            (f"JSON, {RATE:,} calls/s", chat("Hello"), RATE),
            (f"stream of {CHUNKS} chunks", chat(f"simulate:chunks={CHUNKS}", stream=True), 0),
        ]
        rows = []
        for name, body, rate in loads:
            found: dict[str, list[Measured]] = {target.name: [] for target in targets}
            for _ in range(ROUNDS):
                for target in targets:
                    found[target.name].append(measure(release / "load", target, request(target, body), rate, seconds))
            rows.append((name, found))
        print("\n".join(table(rows)))
        after_load = aiduet.resident_bytes()
        per_stream = open_streams(aiduet, STREAMS)
        print(f"\nMemory after load: {after_load >> 20} MiB. Each of {STREAMS:,} open streams: {per_stream >> 10} KiB.")


if __name__ == "__main__":
    main()
