"""Signing in with Google, with a provider that the OpenID Foundation has certified in Google's place."""

from __future__ import annotations

import itertools
from copy import deepcopy

import pytest

from people import FLOW, REFRESH, Browser, World, query

numbers = itertools.count(1)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world.gateway.url)


@pytest.fixture
def who() -> str:
    return f"person-{next(numbers)}@example.com"


def accounts(world: World) -> list[str]:
    return [account["email"] for account in world.gateway.ask("user", "list")]


def test_sec_t09_a_person_signs_up_and_in(world: World, browser: Browser, who: str) -> None:
    place = browser.leave(accept_policies="true", locale="zh-CN", return_to="/keys")
    sent = query(place)
    assert place.startswith(world.issuer) and sent["scope"] == "openid email"
    assert sent["response_type"] == "code" and sent["code_challenge_method"] == "S256"
    assert browser.back(browser.answer(place, who)) == "/dashboard/google?return_to=/keys"
    account = browser.account()
    assert account and account["email"] == who and account["email_verified"] and not account["has_password"]
    assert account["locale"] == "zh-CN"
    elsewhere = Browser(world.gateway.url)
    assert elsewhere.come(who) == "/dashboard/google?return_to=/"
    again = elsewhere.account()
    assert again and again["id"] == account["id"]


def test_sec_t09_without_the_policies_no_account_is_made(world: World, browser: Browser, who: str) -> None:
    assert browser.come(who) == "/dashboard/sign-up?google=policies&return_to=/"
    assert browser.own(REFRESH) is None and who not in accounts(world)


def test_sec_t09_an_unverified_address_lets_nobody_in(world: World, browser: Browser, who: str) -> None:
    unverified = f"unverified-{who}"
    assert browser.come(unverified, accept_policies="true") == "/dashboard/sign-up?google=unverified&return_to=/"
    assert browser.own(REFRESH) is None and unverified not in accounts(world)


def test_sec_t09_a_person_may_go_back(world: World, browser: Browser, who: str) -> None:
    assert browser.come(who, "cancel") == "/dashboard/sign-in?google=cancelled&return_to=/"
    assert browser.own(REFRESH) is None and who not in accounts(world)


def test_sec_t09_another_browser_and_another_state_are_refused(world: World, browser: Browser, who: str) -> None:
    callback = browser.answer(browser.leave(accept_policies="true"), who)
    without = Browser(world.gateway.url)
    assert without.back(callback) == "/dashboard/sign-in?google=expired&return_to=/"
    other = Browser(world.gateway.url)
    other.leave(accept_policies="true")
    assert other.back(callback) == "/dashboard/sign-up?google=expired&return_to=/"
    state = query(callback)["state"]
    changed = deepcopy(browser)
    assert changed.back(callback.replace(state, state[::-1])) == "/dashboard/sign-up?google=expired&return_to=/"
    assert {each.own(REFRESH) for each in (without, other, changed)} == {None} and who not in accounts(world)
    assert browser.back(callback) == "/dashboard/google?return_to=/", "the rest is compared to this"


def test_sec_t09_a_code_is_good_once(world: World, browser: Browser, who: str) -> None:
    callback = browser.answer(browser.leave(accept_policies="true"), who)
    thief = deepcopy(browser)
    assert browser.back(callback) == "/dashboard/google?return_to=/"
    # The same answer with the cookie of before, and the code on a way that the thief began.
    assert thief.back(callback) == "/dashboard/sign-up?google=expired&return_to=/"
    state = query(thief.leave())["state"]
    assert thief.own(FLOW) is not None
    replayed = callback.replace(query(callback)["state"], state)
    assert thief.back(replayed) == "/dashboard/sign-in?google=refused&return_to=/"
    assert thief.own(REFRESH) is None
