"""Messages signed by the card company's own library are taken; anything else gets one answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from harness.gateway import Gateway, gateway
from harness.wire import Answer

SECRET = "whsec_0123456789abcdef0123456789abcdef"
PREVIOUS = "whsec_fedcba9876543210fedcba9876543210"
# Of a kind that nothing follows from, so that the card company is not asked.
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.paid",
    "livemode": False,
    "data": {"object": {"id": "in_1", "object": "invoice"}},
}
BODY = json.dumps(EVENT, indent=2)


@pytest.fixture(scope="module")
def shop(program: Path) -> Iterator[Gateway]:
    settings = {
        "AIDUET__PAYMENT__STRIPE__SECRET_KEY": "sk_test_1",
        "AIDUET__PAYMENT__STRIPE__WEBHOOK_SECRET": SECRET,
        "AIDUET__PAYMENT__STRIPE__WEBHOOK_SECRET_PREVIOUS": PREVIOUS,
    }
    with gateway(program, settings=settings) as instance:
        yield instance


def signature(body: str, secret: str = SECRET, at: float | None = None) -> str:
    moment = int(at if at is not None else time.time())
    signed = stripe.WebhookSignature._compute_signature(f"{moment}.{body}", secret)
    header = f"t={moment},v1={signed}"
    if at is None:
        assert stripe.Webhook.construct_event(body, header, secret).id == "evt_1"
    return header


def deliver(shop: Gateway, body: str, header: str | None) -> Answer:
    headers = {} if header is None else {"stripe-signature": header}
    return shop.client().post("/webhooks/stripe", body.encode(), headers)


@pytest.mark.parametrize("secret", [SECRET, PREVIOUS])
def test_what_the_library_signs_is_taken(shop: Gateway, secret: str) -> None:
    for _ in range(2):
        answer = deliver(shop, BODY, signature(BODY, secret))
        assert (answer.status, answer.json()) == (200, {"received": True})


def test_what_is_not_genuine_gets_one_answer(shop: Gateway) -> None:
    good = signature(BODY)
    now = time.time()
    refused = [
        deliver(shop, BODY, None),
        deliver(shop, BODY, ""),
        deliver(shop, BODY, signature(BODY, "whsec_" + "0" * 32, now)),
        deliver(shop, BODY, signature(BODY, at=now - 310)),
        deliver(shop, BODY, signature(BODY, at=now + 310)),
        deliver(shop, BODY, good[:-2]),
        deliver(shop, BODY, good.replace("v1=", "v0=")),
        deliver(shop, json.dumps(EVENT), good),
        deliver(shop, "\ufeff" + BODY, good),
        deliver(shop, BODY[:-1], good),
        deliver(shop, "", good),
        deliver(shop, "x" * 2_000_000, good),
    ]
    assert {answer.status for answer in refused} == {400}
    assert len({answer.body for answer in refused}) == 1
    assert refused[0].json()["code"] == "invalid_webhook"
    assert refused[0].headers["content-type"] == "application/problem+json"


def test_without_a_card_company_nothing_is_taken(server: Gateway) -> None:
    assert deliver(server, BODY, signature(BODY)).status == 503


@pytest.mark.parametrize("secret", ["", "whsec_short", None])
def test_a_start_without_a_signing_secret_is_refused(program: Path, secret: str | None) -> None:
    settings = {"AIDUET__PAYMENT__STRIPE__SECRET_KEY": "sk_test_1"}
    if secret is not None:
        settings["AIDUET__PAYMENT__STRIPE__WEBHOOK_SECRET"] = secret
    with pytest.raises(AssertionError, match="the gateway ended with"), gateway(program, settings=settings):
        pass
