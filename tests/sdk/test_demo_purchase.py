"""In the demonstration credit is bought on the card company's page, as a browser does it, and spent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.database import SqliteDatabase
from harness.deadline import until
from harness.gateway import Gateway

DOLLAR = 10**9


class Person:
    """Somebody with a browser: signed in here, unknown there."""

    def __init__(self, demo: Gateway, email: str, password: str) -> None:
        self.demo = demo
        answer = demo.client().post("/api/v1/auth/login", {"email": email, "password": password})
        assert answer.status == 200, answer.body
        self.token = answer.json()["access_token"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.demo.client(self.token).call(method, f"/api/v1/billing/{path}", body)
        assert answer.status in (200, 201), (path, answer.status, answer.body)
        return answer.json()


def browse(method: str, url: str) -> tuple[int, str, str]:
    """What a page answers: the status, where it sends the browser, the text."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        body = b"" if method == "POST" else None
        connection.request(method, parts.path, body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("location") or "", answer.read().decode()
    finally:
        connection.close()


def press(page: str, text: str, button: str) -> str:
    """The address of the form with this button."""
    form = re.search(rf"<form method=post action=\"([^\"]+)\"><button>{button}</button>", text)
    assert form, text
    parts = urlsplit(page)
    return f"{parts.scheme}://{parts.netloc}{form[1]}"


@pytest.fixture
def demo(program: Path, tmp_path: Path) -> Iterator[Gateway]:
    instance = Gateway(program, tmp_path, SqliteDatabase(tmp_path / "work" / "aiduet-data" / "aiduet.db"))
    try:
        yield instance.start("demo")
    finally:
        instance.stop()


def printed(demo: Gateway, name: str) -> str:
    """The last one: the log goes on when the demonstration starts again."""

    def found() -> str | None:
        lines = re.findall(rf"^\s*{name}\s+(\S+)$", demo.log().decode(), re.M)
        return str(lines[-1]) if lines else None

    until("the demo says that it can be stopped", lambda: demo.log().count(b"Press Ctrl-C") or None)
    return until(f"the demo prints {name}", found)


def buy(demo: Gateway, person: Person, amount: str) -> tuple[str, str]:
    """The purchase, and where the browser is after paying."""
    top_up = person.ask("POST", "topups", {"amount": amount})
    page = top_up["checkout_url"]
    status, _, text = browse("GET", page)
    assert status == 200 and f"Pay {amount} USD" in text
    status, location, _ = browse("POST", press(page, text, "Pay"))
    assert status == 303
    status, _, text = browse("GET", page)
    assert status == 200 and "closed" in text
    return top_up["id"], location


def test_credit_is_bought_and_spent(demo: Gateway) -> None:
    person = Person(demo, printed(demo, "Sign-in"), printed(demo, "Password"))
    key = printed(demo, "API key")
    before = person.ask("GET", "balance")["available_nano"]
    top_up, location = buy(demo, person, "20.00")
    assert location == f"{demo.url}/dashboard/billing?topup={top_up}"
    # Nobody asks about the purchase: the card company says that it was paid.
    until("the balance rises", lambda: person.ask("GET", "balance")["available_nano"] == before + 20 * DOLLAR or None)
    assert person.ask("GET", f"topups/{top_up}")["state"] == "paid"

    call = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello"}]}
    answer = demo.client(key).post("/v1/chat/completions", call)
    assert answer.status == 200, answer.body
    cost = demo.receipt(key, answer.headers["x-request-id"])["cost_nano"]
    assert cost > 0
    balance = person.ask("GET", "balance")
    assert balance["available_nano"] == before + 20 * DOLLAR - cost
    assert (balance["held_nano"], balance["used_nano"]) == (0, cost)

    lines = person.ask("GET", "transactions")["data"]
    assert [line["kind"] for line in lines] == ["usage", "topup", "promo_grant"]
    assert lines[0]["balance_nano"] == balance["posted_nano"]
    assert sum(line["amount_nano"] for line in lines) == balance["posted_nano"]
    assert demo.violations() == []


def test_who_turns_back_pays_nothing(demo: Gateway) -> None:
    person = Person(demo, printed(demo, "Sign-in"), printed(demo, "Password"))
    before = person.ask("GET", "balance")
    top_up = person.ask("POST", "topups", {"amount": "10.00"})
    _, _, text = browse("GET", top_up["checkout_url"])
    status, location, _ = browse("POST", press(top_up["checkout_url"], text, "Go back"))
    assert (status, location) == (303, f"{demo.url}/dashboard/billing?topup={top_up['id']}&cancelled=1")
    assert person.ask("GET", f"topups/{top_up['id']}")["state"] == "open"
    assert person.ask("GET", "balance") == before


def test_a_demonstration_that_is_started_again_sells_more(demo: Gateway) -> None:
    for purchase in range(1, 3):
        person = Person(demo, printed(demo, "Sign-in"), printed(demo, "Password"))
        before = person.ask("GET", "balance")["available_nano"]
        top_up, _ = buy(demo, person, "10.00")
        assert person.ask("GET", f"topups/{top_up}")["state"] == "paid"
        assert person.ask("GET", "balance")["available_nano"] == before + 10 * DOLLAR
        assert len(person.ask("GET", "topups")["data"]) == purchase
        if purchase == 1:
            demo.stop()
            (demo.directory / "log").unlink()
            demo.start("demo")
    assert demo.violations() == []
