"""The arithmetic of a receipt, written a second time, in whole numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

BASIS_POINTS = 10_000
PICO_PER_NANO = 1_000
NANO_PER_USD = 1_000_000_000


def recomputed(receipt: dict[str, Any]) -> int:
    """The charge in nano-dollars that follows from the lines: one rounding, upwards."""
    bill = receipt["bill"]
    pico = sum(line["quantity"] * line["rate_pico"] for line in bill["line_items"])
    return -(-pico * bill["margin_bp"] // (BASIS_POINTS * PICO_PER_NANO))


def nanos(usd: str) -> int:
    """Decimal dollars as nano-dollars, exactly."""
    amount = Decimal(usd) * NANO_PER_USD
    whole = int(amount)
    assert whole == amount, f"{usd} is no whole number of nano-dollars"
    return whole


def check(receipt: dict[str, Any]) -> int:
    """Holds a receipt against itself; returns its cost in nano-dollars."""
    cost = receipt["cost_nano"]
    assert recomputed(receipt) == cost, receipt
    assert nanos(receipt["cost"]) == cost, receipt
    counted: dict[str, int] = {}
    for line in receipt["bill"]["line_items"]:
        counted[line["class"]] = counted.get(line["class"], 0) + line["quantity"]
    searches = counted.pop("web_searches", 0)
    assert searches == receipt["web_searches"], receipt
    if counted:
        tokens = {name: count for name, count in receipt["tokens"].items() if count}
        assert counted == tokens, receipt
    return cost
