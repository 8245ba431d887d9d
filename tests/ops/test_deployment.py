"""The files under deploy/ are sound, and name settings that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from harness.database import SqliteDatabase
from harness.gateway import ROOT, Gateway

UNIT = ROOT / "deploy" / "systemd" / "aiduet.service"
COMPOSE = ROOT / "deploy" / "docker" / "compose.yaml"
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
EXPOSURE_MAX = 1.5
VARIABLE = re.compile(r"(AIDUET__[A-Z0-9_]+)=(\S+)")


def check(program: Path, directory: Path, settings: dict[str, str]) -> str:
    """What `config check` says of settings, without those of the harness."""
    gateway = Gateway(program, directory, SqliteDatabase(directory / "aiduet.db"))
    environment = {name: text for name, text in gateway.environment().items() if not name.startswith("AIDUET__")}
    done = subprocess.run(
        [program, "config", "check"], env=environment | settings, cwd=directory,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr


def secrets(directory: Path) -> Path:
    place = directory / "secrets"
    place.mkdir(mode=0o700)
    for name, text in {
        "anthropic_key": "sk-ant-test",
        "openai_key": "sk-test",
        "database_url": "postgres://aiduet:secret@postgres/aiduet",
        "token_secret": "t" * 48,
        "peppers": "p1:" + "0f" * 32,
    }.items():
        (place / name).write_text(text)
        (place / name).chmod(0o400)
    return place


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_exposes_little() -> None:
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={int(EXPOSURE_MAX * 10)}", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr


def test_the_unit_starts_with_the_credentials_of_systemd(program: Path, tmp_path: Path) -> None:
    settings = dict(VARIABLE.findall(UNIT.read_text()))
    assert settings
    settings["CREDENTIALS_DIRECTORY"] = str(secrets(tmp_path))
    assert check(program, tmp_path, settings) == ""


def test_the_services_of_compose_are_configured_with_settings_that_there_are(program: Path, tmp_path: Path) -> None:
    service = yaml.safe_load(COMPOSE.read_text())["services"]["aiduet"]
    place = secrets(tmp_path)
    image = dict(VARIABLE.findall(DOCKERFILE.read_text().replace(" \\\n", "\n")))
    settings = image | {
        name: re.sub(r"\$\{.*\}", "https://app.example.com", text).replace("/run/secrets", str(place))
        for name, text in service["environment"].items()
    }
    assert check(program, tmp_path, settings) == ""
    settings["AIDUET__SERVER__LISEN"] = "0.0.0.0:1"
    assert "AIDUET__SERVER__LISTEN" in check(program, tmp_path, settings)
