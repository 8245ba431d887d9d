"""The account API against its own description: requests made up from it, good and bad, by schemathesis."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.database import SqliteDatabase
from harness.gateway import Gateway, binary
from harness.wire import Answer, Client

# Whether a value makes sense (a link that has run out, a date in the past) no schema says. That a header is
# missing nobody says to who asks too often.
LEFT_OUT = "positive_data_acceptance,missing_required_header"
# Ends the session that the test asks with.
NOT_CALLED = ["sign_out"]


@pytest.fixture
def demo(tmp_path: Path):
    gateway = Gateway(binary(), tmp_path, SqliteDatabase(tmp_path / "data" / "aiduet.db"), {})
    try:
        yield gateway.start("demo", "--data", str(tmp_path / "data"))
    finally:
        gateway.stop()


def access_token(client: Client, log: str) -> str:
    """Signs in with what the demonstration prints."""
    email, password = (re.search(rf"{word} +(\S+)", log)[1] for word in ("Sign-in", "Password"))
    answer = client.call("POST", "/api/v1/auth/login", {"email": email, "password": password})
    assert answer.status == 200, answer.body
    return answer.json()["access_token"]


def patient(client: Client, path: str, token: str) -> Answer:
    """The answer once the limits of the calls before allow it."""
    for _ in range(60):
        answer = client.call("GET", path, headers={"authorization": f"Bearer {token}"})
        if answer.status != 429:
            break
        time.sleep(float(answer.headers["retry-after"]))
    return answer


def test_no_request_gets_an_answer_that_the_document_does_not_know(demo: Gateway) -> None:
    token = access_token(demo.client(), demo.log().decode())
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{demo.url}/openapi.json",
        "--header", f"Authorization: Bearer {token}", "--exclude-checks", LEFT_OUT,
        "--max-examples", "20", "--generation-deterministic", "--no-color",
    ]  # fmt: skip
    for operation in NOT_CALLED:
        command += ["--exclude-operation-id", operation]
    done = subprocess.run(command, cwd=demo.directory, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    document = demo.client().get("/openapi.json").json()
    operations = sum(len(methods) for methods in document["paths"].values())
    assert tested and int(tested[1]) == operations - len(NOT_CALLED), done.stdout[-2_000:]
    assert patient(demo.client(), "/api/v1/me", token).status == 200
