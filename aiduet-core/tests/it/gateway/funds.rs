//! Funds that are set aside: how much, what happens when they are short, and when they are released.

use std::sync::Arc;

use aiduet_core::keys::{KeyLimits, SpendLimits};
use aiduet_core::ledger::Outcome;
use aiduet_core::money::Money;
use aiduet_core::testing::cents;
use bytes::Bytes;

use super::call::{Api, Call, Reply, len};
use super::doubles::{Failure, Head, ScriptedProvider};
use super::{House, MARGIN_BP, Store, on_both};

on_both! {
    a_whole_answer_holds_the_worst_case
    a_hold_in_doubt_is_released
    a_whole_answer_is_lowered_to_what_is_affordable
    what_must_be_exact_is_refused_rather_than_lowered
}

/// A call whose answer comes whole, with an output limit.
fn whole(api: Api, limit: u64) -> Call {
    let mut body = api.body("Hello?");
    body[api.limit()] = limit.into();
    Call::post(api.endpoint(), &body)
}

/// The most output tokens whose worst case is within the funds.
fn affordable(api: Api, body: &Bytes, funds: Money) -> u64 {
    let pico = u64::try_from(funds.nanos()).unwrap() * 1_000 * 10_000 / u64::from(MARGIN_BP);
    (pico - len(body) * api.rates().cache_write) / api.rates().output
}

/// Checks a refusal for lack of funds, whose shape differs between the APIs.
fn assert_refused(api: Api, reply: &Reply, code: &str) {
    let body = reply.json();
    let (status, kind) = match api {
        Api::Chat => (402, "insufficient_quota"),
        // Codex repeats a 402, and stops at this.
        Api::Responses => (429, "insufficient_quota"),
        Api::Messages => (402, "billing_error"),
    };
    assert_eq!((reply.status, &body["error"]["type"]), (status, &kind.into()), "{api:?} {body}");
    assert_eq!(body["error"]["details"]["error_code"], code, "{api:?}");
    match api {
        Api::Messages => assert_eq!(body["type"], "error"),
        Api::Chat if code == "balance_held" => assert_eq!(body["error"]["code"], code),
        Api::Chat | Api::Responses => assert_eq!(body["error"]["code"], "insufficient_quota"),
    }
    let (retry, wait) = if code == "balance_held" { ("", "1") } else { ("false", "") };
    assert_eq!((reply.header("x-should-retry"), reply.header("retry-after")), (retry, wait), "{api:?}");
}

async fn a_whole_answer_holds_the_worst_case(store: Store) {
    for api in Api::ALL {
        let house = House::open(store).await;
        let call = whole(api, 3_000);
        let body = call.body.clone();
        let reply = house.send(call).await;
        assert_eq!((reply.status, reply.header("x-aiduet-max-tokens")), (200, ""));
        assert_eq!(house.ledger.reserves(), [api.worst(&body, 3_000)], "{api:?}");
        house.close().await;
    }
}

/// The answer of the ledger to a reserve is lost, so nobody knows whether there is a hold.
async fn a_hold_in_doubt_is_released(store: Store) {
    for failure in [Failure::Before, Failure::After] {
        let house = House::open(store).await;
        house.ledger.fail_reserves([Some(failure)]);
        house.ledger.fail_closings([Some(Failure::Before), Some(Failure::After), None]);
        let reply = house.send(Api::Chat.ask("Hello?")).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, "2"));
        house.ledger.closed(1).await;
        assert_eq!(house.balance().await.held, Money::ZERO, "{failure:?}");
        assert_eq!(house.close().await, [], "it was not forwarded, so there is no record");
    }
}

async fn a_whole_answer_is_lowered_to_what_is_affordable(store: Store) {
    for api in Api::ALL {
        let provider = Arc::new(ScriptedProvider::default());
        let plan = House::plan(store).provider(Arc::<ScriptedProvider>::clone(&provider));
        let house = plan.funds(cents(10)).open().await;
        let call = whole(api, 50_000);
        let body = call.body.clone();
        let limit = affordable(api, &body, cents(10));
        let feed = provider.begun(Head::WHOLE);
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
        let reply = house.send(call).await;
        assert_eq!((reply.status, reply.header("x-aiduet-max-tokens")), (200, limit.to_string().as_str()));
        assert_eq!(provider.last_body()[api.limit()], limit, "{api:?}");
        assert_eq!(house.ledger.reserves(), [api.worst(&body, 50_000), api.worst(&body, limit)]);
        assert!(api.worst(&body, limit) <= cents(10) && api.worst(&body, limit + 1) > cents(10));
        let records = house.close().await;
        assert_eq!((records[0].outcome, records[0].cost()), (Outcome::Completed, api.price((9, 2))));
    }
}

async fn what_must_be_exact_is_refused_rather_than_lowered(store: Store) {
    for api in Api::ALL {
        let spend = SpendLimits { day: Some(cents(10)), ..SpendLimits::default() };
        let capped = KeyLimits { spend, ..KeyLimits::default() };
        for (funds, limits, code) in [
            (cents(10), KeyLimits::default(), "insufficient_balance"),
            (cents(500), capped, "key_limit_reached"),
        ] {
            let house = House::plan(store).funds(funds).limits(limits).open().await;
            let reply = house.send(whole(api, 50_000).header("x-aiduet-exact", "true")).await;
            assert_refused(api, &reply, code);
            assert_eq!(house.send(whole(api, 50_000)).await.status, 200, "it need not be exact");
            house.close().await;
        }
    }
}
