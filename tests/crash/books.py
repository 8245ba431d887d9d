"""What must hold once everything has come to rest."""

from __future__ import annotations

from functools import partial

from crash.load import Acknowledged
from harness import receipt
from harness.database import Database
from harness.deadline import until
from harness.gateway import Customer, Gateway


def assert_settled(gateway: Gateway, database: Database, customers: list[Customer], where: str) -> None:
    """Every hold is resolved, the books are right, and the balance fell by what the records say."""
    for customer in customers:
        balance = until(f"no holds are left, {where}", partial(free, gateway, customer.key), 30)
        assert balance["available"] == balance["total_credits"] - balance["total_usage"], where
    assert gateway.violations() == [], where
    recorded = sum(int(cost) for (cost,) in database.rows("select cost from requests"))
    used = sum(gateway.credits(customer.key)["total_usage"] for customer in customers)
    assert used == recorded, where


def free(gateway: Gateway, key: str) -> dict[str, int] | None:
    balance = gateway.credits(key)
    return None if balance["held"] else balance


def assert_known(gateway: Gateway, acknowledged: list[Acknowledged]) -> None:
    """What a client was told is what the receipt says."""
    for one in acknowledged:
        found = gateway.receipt(one.key, one.request)
        cost = receipt.check(found)
        assert found["outcome"] == "completed", found
        assert one.cost in (None, cost), found
