"""The official Node SDKs of both vendors, each on models of both."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from harness.gateway import Gateway


def test_node_sdks(server: Gateway) -> None:
    customer = server.customer("node")
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", "other_vendor.mjs"],
        cwd=Path(__file__).parent,
        env=os.environ | {"AIDUET_URL": server.url, "AIDUET_API_KEY": customer.key},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout and "# tests 0" not in done.stdout
    balance = server.credits(customer.key)
    assert balance["total_usage"] > 0 and balance["held"] == 0
