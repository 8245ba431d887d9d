"""The search itself: a search that finds nothing anywhere would let everything pass."""

from __future__ import annotations

import random

import pytest

from canary.canaries import RAW_BYTES_MIN, Canary, Planter, Scanner, forms

NOISE = random.Random(7).randbytes(2_000)


def planted() -> Canary:
    planter = Planter(1)
    planter.text("somewhere")
    return planter.planted[0]


@pytest.mark.parametrize("name", [name for name, _, _ in forms(planted())])
def test_every_form_is_found_at_every_alignment(name: str) -> None:
    scanner = Scanner([planted()])
    form = next(form for known, form, _ in forms(planted()) if known == name)
    for shift in range(5):
        hits = scanner.scan("noise", NOISE[: 100 + shift] + form + NOISE[100:])
        assert name in {hit.form for hit in hits}


def test_a_piece_of_a_mark_is_found() -> None:
    canary = planted()
    scanner = Scanner([canary])
    for start in range(len(canary.utf8) - RAW_BYTES_MIN + 1):
        piece = canary.utf8[start : start + RAW_BYTES_MIN]
        assert scanner.scan("noise", NOISE + piece + NOISE), start


def test_what_holds_no_mark_gives_no_hit() -> None:
    planter = Planter(2)
    for number in range(100):
        planter.text(f"position {number}")
    others = Planter(3)
    text = "".join(others.text("elsewhere") for _ in range(100)).encode()
    assert Scanner(planter.planted).scan("noise", NOISE * 50 + text) == []
