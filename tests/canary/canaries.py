"""Marks that are planted in requests and answers, and the search for them in whatever form.

A mark has letters and digits at both ends, and between them characters that escaping changes. A
hit is a piece of one of its forms, long enough to be no accident: text that was cut off, escaped
or encoded is found too.
"""

from __future__ import annotations

import base64
import html
import json
import random
import string
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

ALPHABET = string.ascii_letters + string.digits
SPECIALS = ('"\\', "\n<", "&é", "漢", "😀")

PROBE_BYTES = 8
STRIDE_BYTES = 5
RAW_BYTES_MIN = PROBE_BYTES + STRIDE_BYTES - 1
"""Every piece of this length holds a probe at a multiple of the stride."""


@dataclass(frozen=True)
class Canary:
    """A mark, and the position it was planted in: a hit names the leak."""

    position: str
    text: str

    @property
    def utf8(self) -> bytes:
        return self.text.encode()


@dataclass(frozen=True)
class Hit:
    """A mark that was found."""

    position: str
    form: str
    sink: str
    around: bytes

    def __str__(self) -> str:
        return f"{self.position} as {self.form} in {self.sink}: {self.around!r}"


class Planter:
    """Makes marks from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.planted: list[Canary] = []

    def plain(self, position: str) -> str:
        """A mark of letters and digits, for places that allow nothing else."""
        return self._plant(position, self._letters(24))

    def text(self, position: str) -> str:
        """A mark with everything that escaping changes."""
        middle = "".join(special + self._letters(4) for special in SPECIALS)
        return self._plant(position, self._letters(14) + middle + self._letters(10))

    def take(self, position: str, text: str) -> None:
        """Looks for a text that was made elsewhere, such as a key."""
        self._plant(position, text)

    def _plant(self, position: str, text: str) -> str:
        self.planted.append(Canary(position, text))
        return text

    def _letters(self, count: int) -> str:
        return "".join(self._random.choices(ALPHABET, k=count))


def forms(canary: Canary) -> Iterator[tuple[str, bytes, int]]:
    """Every form of a mark: its name, its bytes, and how many of them in a row are a hit."""
    raw = canary.utf8
    units = [canary.text.encode("utf-16-be")[i : i + 2] for i in range(0, len(canary.text.encode("utf-16-be")), 2)]
    yield "text", raw, RAW_BYTES_MIN
    yield "JSON", json.dumps(canary.text)[1:-1].encode(), 20
    yield "HTML", html.escape(canary.text).encode(), RAW_BYTES_MIN
    yield "percent", urllib.parse.quote(canary.text, safe="").encode(), 20
    yield "\\u escapes", b"".join(b"\\u" + unit.hex().encode() for unit in units), 48
    yield "\\U escapes", b"".join(b"\\u" + unit.hex().upper().encode() for unit in units), 48
    yield "percent of every byte", b"".join(b"%%%02X" % byte for byte in raw), 24
    yield "percent of every byte, lower case", b"".join(b"%%%02x" % byte for byte in raw), 24
    yield "character references", b"".join(b"&#%d;" % ord(char) for char in canary.text), 40
    yield "hexadecimal", raw.hex().encode(), 24
    yield "upper hexadecimal", raw.hex().upper().encode(), 24
    yield "list of bytes", b", ".join(b"%d" % byte for byte in raw), 36
    yield "dense list of bytes", b",".join(b"%d" % byte for byte in raw), 28
    yield "UTF-16LE", canary.text.encode("utf-16-le"), 24
    yield "UTF-16BE", canary.text.encode("utf-16-be"), 24
    for offset in range(3):
        skipped = -(-offset * 8 // 6)
        padded = b"\0" * offset + raw
        whole = padded[: len(padded) // 3 * 3]
        yield f"base64 at {offset}", base64.b64encode(whole)[skipped:], 16
        yield f"base64url at {offset}", base64.urlsafe_b64encode(whole)[skipped:], 16


class Scanner:
    """Looks for pieces of many marks at once."""

    def __init__(self, canaries: list[Canary]) -> None:
        self._probes: dict[bytes, list[tuple[Canary, str, bytes, int, int]]] = {}
        for canary in canaries:
            for name, form, least in forms(canary):
                for at in range(len(form) - PROBE_BYTES + 1):
                    probe = form[at : at + PROBE_BYTES]
                    self._probes.setdefault(probe, []).append((canary, name, form, at, min(least, len(form))))

    def scan(self, sink: str, data: bytes) -> list[Hit]:
        """The marks in a sink; each at most once per form."""
        hits: dict[tuple[str, str], Hit] = {}
        probes = self._probes
        for at in range(0, len(data) - PROBE_BYTES + 1, STRIDE_BYTES):
            found = probes.get(data[at : at + PROBE_BYTES])
            if found is None:
                continue
            for canary, name, form, offset, least in found:
                if (canary.position, name) in hits:
                    continue
                start, end = _extended(data, at, form, offset)
                if end - start >= least:
                    around = data[max(0, start - 60) : end + 20]
                    hits[canary.position, name] = Hit(canary.position, name, sink, around)
        return list(hits.values())


def _extended(data: bytes, at: int, form: bytes, offset: int) -> tuple[int, int]:
    """The longest piece of the form around a probe."""
    start, left = at, offset
    while start > 0 and left > 0 and data[start - 1] == form[left - 1]:
        start, left = start - 1, left - 1
    end, right = at + PROBE_BYTES, offset + PROBE_BYTES
    while end < len(data) and right < len(form) and data[end] == form[right]:
        end, right = end + 1, right + 1
    return start, end
