"""The files under deploy/ are sound, and name settings that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from harness.database import SqliteDatabase
from harness.gateway import ROOT, Gateway

UNIT = ROOT / "deploy" / "systemd" / "aiduet.service"
COMPOSE = ROOT / "deploy" / "docker" / "compose.yaml"
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
CHART = ROOT / "deploy" / "helm" / "aiduet"
KUBERNETES = "1.33"
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


SQLITE = ["storage=sqlite", "replicas=1"]
EVERYTHING = [
    "autoscaling.enabled=true", "ingress.enabled=true", "monitoring.serviceMonitor=true", "monitoring.rules=true",
    "monitoring.labels.release=prometheus", "networkPolicy.metrics[0].namespaceSelector.matchLabels.team=ops",
    "networkPolicy.clients[0].namespaceSelector.matchLabels.team=web", "podAnnotations.a=b", "image.tag=1.2.3",
    "settings.server.limits.in_flight_max=512", "settings.gateway.margin_bp=11000",
    "imagePullSecrets[0].name=registry",
]  # fmt: skip


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("helm")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def rendered(values: list[str]) -> dict[str, dict[str, Any]]:
    """What the chart makes of values, by kind and name."""
    done = helm("template", "duet", str(CHART), "--namespace", "duet", *(f"--set={value}" for value in values))
    assert done.returncode == 0, done.stderr
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    return {f"{document['kind']}/{document['metadata']['name']}": document for document in documents}


@pytest.mark.parametrize("values", [[], SQLITE, EVERYTHING], ids=["external", "sqlite", "everything"])
def test_the_chart_makes_what_kubernetes_takes(values: list[str]) -> None:
    assert helm("lint", "--strict", str(CHART), *(f"--set={value}" for value in values)).returncode == 0
    documents = rendered(values)
    ours = {"ServiceMonitor/duet-aiduet", "PrometheusRule/duet-aiduet"}
    for name in documents.keys() - ours:
        kubernetes_validate.validate(documents[name], KUBERNETES, strict=True)
    workload = "StatefulSet" if values is SQLITE else "Deployment"
    kinds = {f"{workload}/duet-aiduet", "Service/duet-aiduet", "Service/duet-aiduet-admin", "NetworkPolicy/duet-aiduet"}
    if values is not SQLITE:
        kinds |= {"PodDisruptionBudget/duet-aiduet", "Job/duet-aiduet-migration"}
    if values is EVERYTHING:
        kinds |= ours | {"HorizontalPodAutoscaler/duet-aiduet", "Ingress/duet-aiduet"}
    assert documents.keys() == kinds


@pytest.mark.parametrize("values", [[], SQLITE, EVERYTHING], ids=["external", "sqlite", "everything"])
def test_the_pods_of_the_chart_are_configured_with_settings_that_there_are(
    program: Path, tmp_path: Path, values: list[str]
) -> None:
    place = secrets(tmp_path)
    for document in rendered(values).values():
        if document["kind"] not in ("Deployment", "StatefulSet", "Job"):
            continue
        pod = document["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        settings = {
            variable["name"]: variable["value"].replace(mounts["secrets"], str(place)) for variable in container["env"]
        }
        assert check(program, tmp_path, settings) == ""
        assert pod["securityContext"]["runAsNonRoot"] and container["securityContext"]["readOnlyRootFilesystem"]
        settings["AIDUET__SERVER__LISEN"] = "0.0.0.0:1"
        assert "AIDUET__SERVER__LISTEN" in check(program, tmp_path, settings)


@pytest.mark.parametrize(
    "values", [["storage=sqlite"], ["storage=mongo"], ["replicaCount=2"], ["secrets.existingSecret="]]
)
def test_the_chart_refuses_what_cannot_work(values: list[str]) -> None:
    done = helm("template", "duet", str(CHART), *(f"--set={value}" for value in values))
    assert done.returncode != 0 and "values" in done.stderr, done.stderr
