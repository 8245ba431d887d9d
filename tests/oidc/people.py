"""As much of a browser as signing in elsewhere needs: cookies of two hosts, and redirects a step at a time."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from harness.gateway import Gateway

REFRESH = "__Secure-aiduet_refresh"
FLOW = "__Host-aiduet_flow"
networks = itertools.count(1)


@dataclass(frozen=True)
class World:
    """Where people are, and where they come from."""

    gateway: Gateway
    issuer: str


@dataclass
class Page:
    """An answer, and the address it came from."""

    url: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)

    @property
    def place(self) -> str:
        """Where the browser is sent."""
        found = [value for name, value in self.headers if name.lower() == "location"]
        assert self.status in (302, 303) and len(found) == 1, self
        return urljoin(self.url, found[0])


@dataclass
class Browser:
    """Keeps cookies by host and port; asks from a network of its own."""

    site: str
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)
    network: int = field(default_factory=lambda: next(networks))

    def ask(self, method: str, url: str, form: dict[str, str] | None = None, **more: str) -> Page:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.netloc, timeout=30)
        headers = {"x-forwarded-for": f"10.0.{self.network}.1"} | {
            name.replace("_", "-"): value for name, value in more.items()
        }
        kept = [f"{name}={value}" for (host, name), value in self.cookies.items() if host == parts.netloc]
        if kept:
            headers["cookie"] = "; ".join(kept)
        body = None
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode(form)
        try:
            connection.request(method, f"{parts.path}?{parts.query}".rstrip("?"), body, headers)
            answer = connection.getresponse()
            page = Page(url, answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()
        for name, value in page.headers:
            if name.lower() == "set-cookie":
                self.keep(parts.netloc, value)
        return page

    def keep(self, host: str, cookie: str) -> None:
        name, _, value = cookie.split(";")[0].partition("=")
        self.cookies.pop((host, name), None)
        if value:
            self.cookies[host, name] = value

    def own(self, name: str) -> str | None:
        """A cookie of the site."""
        return self.cookies.get((urlsplit(self.site).netloc, name))

    def leave(self, **wish: str) -> str:
        """Begins; the address at the provider."""
        return self.ask("GET", f"{self.site}/api/v1/auth/google/start?{urlencode(wish)}").place

    def answer(self, place: str, who: str, does: str = "continue") -> str:
        """Follows the provider's pages and says who it is; the address of the callback."""
        while not place.startswith(self.site):
            if "/interaction/" in place:
                place = self.ask("POST", place, {"who": who, "does": does}).place
            else:
                place = self.ask("GET", place).place
        return place

    def come(self, who: str, does: str = "continue", **wish: str) -> str:
        """There and back; the page of the dashboard, without the site."""
        return self.back(self.answer(self.leave(**wish), who, does))

    def back(self, callback: str) -> str:
        return self.ask("GET", callback).place.removeprefix(self.site)

    def account(self) -> dict[str, Any] | None:
        """Who is signed in here."""
        page = self.ask("POST", f"{self.site}/api/v1/auth/refresh")
        return json.loads(page.body)["account"] if page.status == 200 else None


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
