"""Claude Code and Codex do a task on a model of either vendor, and stop when the balance is empty."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path

import pytest

from harness.gateway import Customer, Gateway

HERE = Path(__file__).parent
MODELS = {"claude-sonnet-5": "anthropic", "gpt-5.4": "openai"}
WORDS = "written by a tool"

numbers = itertools.count(1)


def run(command: list[str], place: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    home = place / "home"
    home.mkdir()
    work = place / "work"
    work.mkdir()
    return subprocess.run(
        ["node", *command],
        cwd=work,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def claude_code(server: Gateway, customer: Customer, model: str, place: Path) -> subprocess.CompletedProcess[str]:
    call = json.dumps({"file_path": str(place / "work" / "note.txt"), "content": WORDS})
    return run(
        [
            str(HERE / "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"),
            *("-p", f"Write a note.\nsimulate:call=Write {call}"),
            *("--model", model, "--permission-mode", "acceptEdits", "--output-format", "json"),
        ],
        place,
        {
            "ANTHROPIC_BASE_URL": server.url,
            "ANTHROPIC_AUTH_TOKEN": customer.key,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        },
    )


def codex(server: Gateway, customer: Customer, model: str, place: Path) -> subprocess.CompletedProcess[str]:
    call = json.dumps({"cmd": f"printf '{WORDS}' > note.txt"})
    provider = {"name": "AI Duet", "base_url": f"{server.url}/v1", "env_key": "AIDUET_API_KEY", "wire_api": "responses"}
    settings = {f"model_providers.aiduet.{name}": value for name, value in provider.items()}
    settings["model_provider"] = "aiduet"
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={json.dumps(value)}")]
    return run(
        [
            str(HERE / "node_modules/@openai/codex/bin/codex.js"),
            *("exec", "-m", model, *options, "--skip-git-repo-check", "--json"),
            "--dangerously-bypass-approvals-and-sandbox",
            f"Write a note.\nsimulate:call=exec_command {call}",
        ],
        place,
        {"AIDUET_API_KEY": customer.key},
    )


AGENTS = pytest.mark.parametrize("agent", [claude_code, codex])


@AGENTS
@pytest.mark.parametrize("model", MODELS)
def test_an_agent_writes_a_file(server: Gateway, tmp_path: Path, agent: object, model: str) -> None:
    customer = server.customer(f"agent-{next(numbers)}")
    done = agent(server, customer, model, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "work" / "note.txt").read_text() == WORDS
    assert "This answer is simulated" in done.stdout, "the tool's result was answered"
    balance = server.credits(customer.key)
    assert balance["total_usage"] > 0 and balance["held"] == 0


@AGENTS
@pytest.mark.parametrize("model", MODELS)
def test_an_agent_ends_when_the_balance_is_empty(server: Gateway, tmp_path: Path, agent: object, model: str) -> None:
    customer = server.customer(f"poor-{next(numbers)}", credit="0.00")
    done = agent(server, customer, model, tmp_path)
    assert done.returncode != 0
    told = (done.stdout + done.stderr).lower()
    assert "balance" in told or "quota" in told, told
    assert not (tmp_path / "work" / "note.txt").exists()
