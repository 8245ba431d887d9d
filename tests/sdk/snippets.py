"""The code in the README."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from harness.gateway import ROOT

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ON_PAGE = re.compile(r'<pre[^>]* data-run="(\w+)"><code>(.*?)</code>', re.DOTALL)
ADDRESS = "127.0.0.1:8080"


@dataclass(frozen=True)
class Snippet:
    """A block of code that a reader may paste."""

    language: str
    code: str

    @property
    def name(self) -> str:
        return f"{self.language}: {self.code.splitlines()[-1].strip()[:60]}"

    def at(self, address: str) -> str:
        return self.code.replace(ADDRESS, address)


def snippets() -> list[Snippet]:
    text = (ROOT / "README.md").read_text()
    return [Snippet(language, code) for language, code in FENCE.findall(text)]


def calls() -> list[Snippet]:
    """The ones that talk to a gateway."""
    return [one for one in snippets() if ADDRESS in one.code and one.language in ("sh", "python")]


def on_page(text: str) -> list[Snippet]:
    """The ones of a page that says how to call."""
    return [Snippet(language, html.unescape(code)) for language, code in ON_PAGE.findall(text)]
