"""What the README shows and what the demo prints works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from snippets import Snippet, calls, on_page

from harness.database import SqliteDatabase
from harness.deadline import until
from harness.gateway import Gateway


def run(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_readme_has_snippets() -> None:
    languages = [snippet.language for snippet in calls()]
    assert languages.count("sh") >= 3 and languages.count("python") >= 2


def execute(server: Gateway, snippet: Snippet) -> None:
    """Runs a snippet as a new customer, who is charged for it."""
    customer = server.customer(f"reader-{abs(hash(snippet.code))}")
    code = snippet.at(f"127.0.0.1:{server.port}")
    command = ["bash", "-euo", "pipefail", "-c", code] if snippet.language == "sh" else [sys.executable, "-c", code]
    printed = run(command, AIDUET_API_KEY=customer.key)
    assert printed.strip() and '"error"' not in printed
    assert server.credits(customer.key)["total_usage"] > 0


@pytest.mark.parametrize("snippet", calls(), ids=lambda snippet: snippet.name)
def test_snippets_of_the_readme_run(server: Gateway, snippet: Snippet) -> None:
    execute(server, snippet)


def test_snippets_of_the_page_run(server: Gateway) -> None:
    pages = [server.client().get(f"/{language}/docs") for language in ("en", "zh", "ja")]
    found = [on_page(page.body.decode()) for page in pages]
    assert len(found[0]) >= 5 and found[0] == found[1] == found[2]
    for snippet in found[0]:
        execute(server, snippet)


def test_the_page_of_what_is_kept_names_columns_of_receipts(server: Gateway) -> None:
    customer = server.customer("keeper")
    body = {"messages": [{"role": "user", "content": "Write a Rust function."}]}
    request_id = server.client(customer.key).call("POST", "/v1/chat/completions", body).headers["x-request-id"]
    page = server.client().get("/en/privacy/proof").body.decode()
    columns = re.findall(r'<th scope="row"[^>]*><code>(\w+)</code>', page)
    assert len(columns) == 12 and set(columns) <= set(server.receipt(customer.key, request_id))


@pytest.fixture(scope="module")
def demo(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("demo")
    instance = Gateway(program, directory, SqliteDatabase(directory / "work" / "aiduet-data" / "aiduet.db"))
    try:
        yield instance.start("demo")
    finally:
        instance.stop()


def printed_calls(demo: Gateway) -> list[str]:
    """The curl lines, each with its continuations."""

    def found() -> list[str] | None:
        text = demo.log().decode().replace("\\\n", " ")
        lines = [line.strip() for line in text.splitlines() if line.strip().startswith("curl ")]
        return lines if len(lines) >= 2 else None

    return until("the demo prints its curl lines", found)


def test_the_curl_lines_of_the_demo_work_as_printed(demo: Gateway) -> None:
    lines = printed_calls(demo)
    for line in lines:
        printed = run(["bash", "-euo", "pipefail", "-c", line])
        assert printed.strip() and '"error"' not in printed, line
