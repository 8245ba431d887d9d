"""The examples for AWS Lambda are sound, agree with each other, and name settings that there are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from harness.database import SqliteDatabase
from harness.gateway import ROOT, Gateway

TEMPLATE = ROOT / "deploy" / "lambda" / "template.yaml"
TERRAFORM = ROOT / "deploy" / "lambda" / "main.tf"

VALUES = {
    "AIDUET__SERVER__PUBLIC_URL": "https://duet.example.com",
    "AIDUET__DATABASE__URL": "postgres://aiduet:secret@database/aiduet",
    "AIDUET__UPSTREAM__ANTHROPIC__API_KEY": "sk-ant-test",
    "AIDUET__UPSTREAM__OPENAI__API_KEY": "sk-test",
    "AIDUET__AUTH__TOKEN_SECRET": "t" * 48,
    "AIDUET__AUTH__PEPPERS": "p1:" + "0f" * 32,
}


class _Loader(yaml.SafeLoader):
    """YAML with the short functions of CloudFormation."""


_Loader.add_multi_constructor("!", lambda loader, name, node: {name: loader.construct_scalar(node)})


@pytest.fixture(scope="module")
def sam() -> dict[str, Any]:
    return dict(yaml.load(TEMPLATE.read_text(), _Loader)["Resources"]["Gateway"]["Properties"])


@pytest.fixture(scope="module")
def terraform() -> dict[str, Any]:
    """The attributes of the function, with literals as they are written."""
    found = hcl2.loads(TERRAFORM.read_text())
    functions = [block for block in found["resource"] if any(kind.strip('"') == "aws_lambda_function" for kind in block)]
    (named,) = functions[0].values()
    (function,) = (body for name, body in named.items() if not name.startswith("__"))
    return dict(function)


def text(value: object) -> str:
    return str(value).strip('"')


def test_cloudformation_knows_every_property() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([lint, "--non-zero-exit-code", "warning", TEMPLATE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_make_the_same_function(sam: dict[str, Any], terraform: dict[str, Any]) -> None:
    assert text(terraform["runtime"]) == sam["Runtime"] == "provided.al2023"
    assert int(terraform["timeout"]) == sam["Timeout"] == 900
    assert int(terraform["memory_size"]) == sam["MemorySize"] >= 512
    variables = terraform["environment"][0]["variables"]
    assert {text(name) for name in variables} - {"__is_block__"} == sam["Environment"]["Variables"].keys()


def test_every_variable_is_a_setting(program: Path, tmp_path: Path, sam: dict[str, Any]) -> None:
    names = set(sam["Environment"]["Variables"]) - {"AIDUET_LAMBDA_STREAMING"}
    assert names == VALUES.keys()
    gateway = Gateway(program, tmp_path, SqliteDatabase(tmp_path / "aiduet.db"))
    environment = {name: value for name, value in gateway.environment().items() if not name.startswith("AIDUET__")}
    command = [program, "config", "check"]
    done = subprocess.run(command, env=environment | VALUES, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_streaming_is_said_on_both_sides(sam: dict[str, Any]) -> None:
    assert sam["Environment"]["Variables"]["AIDUET_LAMBDA_STREAMING"] == "true"
    assert sam["FunctionUrlConfig"]["InvokeMode"] == "RESPONSE_STREAM"
    assert 'invoke_mode        = "RESPONSE_STREAM"' in TERRAFORM.read_text()


def test_the_schedule_sends_what_the_function_knows(sam: dict[str, Any]) -> None:
    assert json.loads(sam["Events"]["Clock"]["Properties"]["Input"]) == {"aiduet": "jobs"}
    assert "jsonencode({ aiduet = \"jobs\" })" in TERRAFORM.read_text()
