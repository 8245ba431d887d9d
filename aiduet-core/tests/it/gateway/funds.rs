//! Funds that are set aside: how much, what happens when they are short, and when they are released.

use aiduet_core::dialect::Endpoint;
use aiduet_core::keys::{KeyLimits, SpendLimits};
use aiduet_core::ledger::{Outcome, Reserving};
use aiduet_core::money::Money;
use aiduet_core::testing::cents;
use bytes::Bytes;
use serde_json::json;

use super::call::{Api, Call, Reply, len, price};
use super::doubles::{Failure, Head};
use super::{House, MARGIN_BP};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_whole_answer_holds_the_worst_case
    a_reserve_whose_answer_is_lost_is_made_once
    a_hold_that_was_resolved_before_its_answer_came_is_no_defect
    a_hold_in_doubt_is_released
    a_whole_answer_is_lowered_to_what_is_affordable
    what_must_be_exact_is_refused_rather_than_lowered
    an_output_limit_is_never_lowered_below_1024_tokens
    a_prompt_that_seems_too_dear_is_counted_exactly
    each_choice_is_held_for
    what_makes_a_call_dearer_is_held_for
    a_stream_that_cannot_hold_its_first_stretch_is_lowered
    embeddings_hold_their_input
    funds_that_others_hold_are_worth_waiting_for
    a_suspended_account_spends_nothing
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
pub(super) fn assert_refused(api: Api, reply: &Reply, code: &str) {
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

/// The answer of the ledger to a reserve is lost. The same hold is asked for once more, so the client
/// gets its answer, and there is one hold whether the first try had made it or not.
async fn a_reserve_whose_answer_is_lost_is_made_once(store: Store) {
    for failure in [Failure::Before, Failure::After] {
        for api in Api::ALL {
            let (plan, provider) = House::scripted(store);
            let house = plan.open().await;
            house.ledger.fail_reserves([Some(failure)]);
            let call = whole(api, 3_000);
            let worst = api.worst(&call.body, 3_000);
            let mut feed = provider.feed();
            let answer = async {
                provider.called(1).await;
                assert_eq!(house.balance().await.held, worst, "{api:?} {failure:?}: one hold");
                feed.begin(Ok(Head::WHOLE));
                feed.send(api.whole("Hello!", (9, 2)));
                feed.end();
            };
            let (reply, ()) = tokio::join!(house.send(call), answer);
            assert_eq!((reply.status, house.ledger.reserves()), (200, vec![worst, worst]), "{api:?}");
            let records = house.close().await;
            assert_eq!((records.len(), records[0].cost()), (1, api.price((9, 2))), "{api:?} {failure:?}");
        }
    }
}

/// A sweeper may take a process for dead whose connections are gone, and resolve the hold of which
/// the process has not heard: the client is asked to come again, not told of a defect.
async fn a_hold_that_was_resolved_before_its_answer_came_is_no_defect(store: Store) {
    for api in Api::ALL {
        let house = House::open(store).await;
        house.ledger.fail_reserves([Some(Failure::Resolved)]);
        let reply = house.send(api.ask("Hello?")).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, "2"), "{api:?}");
        assert_eq!(house.balance().await.held, Money::ZERO);
        assert_eq!(house.send(api.ask("Hello?")).await.status, 200);
        assert_eq!(house.close().await.len(), 1, "{api:?}");
    }
}

/// The answer of the ledger to a reserve is lost, and again, so nobody knows whether there is a hold.
async fn a_hold_in_doubt_is_released(store: Store) {
    for failure in [Failure::Before, Failure::After] {
        let house = House::open(store).await;
        house.ledger.fail_reserves([Some(failure); 2]);
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
        let (plan, provider) = House::scripted(store);
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

async fn an_output_limit_is_never_lowered_below_1024_tokens(store: Store) {
    for api in [Api::Chat, Api::Responses] {
        let call = || whole(api, 50_000);
        let least = api.worst(&call().body, 1_024);
        let one_less = least.checked_sub(Money::from_nanos(1)).unwrap();
        for (funds, is_served) in [(least, true), (one_less, false), (Money::ZERO, false)] {
            let house = House::plan(store).funds(funds).open().await;
            let reply = house.send(call()).await;
            if is_served {
                assert_eq!((reply.status, reply.header("x-aiduet-max-tokens")), (200, "1024"), "{api:?}");
            } else {
                assert_refused(api, &reply, "insufficient_balance");
                let message = reply.json()["error"]["message"].to_string();
                assert!(message.contains(&format!("needs up to ${least}, available ${funds}")), "{message}");
            }
            house.close().await;
        }
    }
    // What asks for less than that is not lowered at all.
    let call = || whole(Api::Chat, 900);
    let exact = Api::Chat.worst(&call().body, 900);
    for (funds, status) in [(exact, 200), (exact.checked_sub(Money::from_nanos(1)).unwrap(), 402)] {
        let house = House::plan(store).funds(funds).open().await;
        assert_eq!(house.send(call()).await.status, status);
        house.close().await;
    }
}

async fn a_prompt_that_seems_too_dear_is_counted_exactly(store: Store) {
    let api = Api::Messages;
    let mut body = api.body(&"word ".repeat(20_000));
    body["stream"] = true.into();
    let call = || Call::post(api.endpoint(), &body);
    let mut count = body.clone();
    for field in ["stream", "max_tokens"] {
        count.as_object_mut().unwrap().remove(field);
    }
    let house = House::open(store).await;
    let counted = house.send(Call::post(Endpoint::CountTokens, &count)).await.json();
    let exact = counted["input_tokens"].as_u64().unwrap();
    house.close().await;
    let rates = api.rates();
    let needed = price(&[(exact, rates.cache_write), (1_000, rates.output)]);
    assert!(needed < api.worst(&call().body, 1_000), "bytes are more than tokens");
    for (funds, status) in [(needed, 200), (needed.checked_sub(Money::from_nanos(1)).unwrap(), 402)] {
        let house = House::plan(store).funds(funds).open().await;
        let reply = house.send(call()).await;
        assert_eq!(reply.status, status);
        assert_eq!(house.ledger.reserves(), [api.worst(&call().body, 1_000), needed]);
        house.close().await;
    }
}

async fn each_choice_is_held_for(store: Store) {
    let api = Api::Chat;
    for (stream, limit, held) in [(false, 3_000, 9_000), (true, 3_000, 9_000), (true, 20_000, 3 * 8_192)] {
        let mut body = api.body("Hello?");
        body["n"] = 3.into();
        body[api.limit()] = limit.into();
        body["stream"] = stream.into();
        let call = Call::post(api.endpoint(), &body);
        let house = House::open(store).await;
        let worst = api.worst(&call.body, held);
        assert_eq!(house.send(call).await.status, 200);
        assert_eq!(house.ledger.reserves()[0], worst, "{stream} {limit}");
        house.close().await;
    }
}

async fn what_makes_a_call_dearer_is_held_for(store: Store) {
    let priority = json!({
        "model": "gpt-5.6", "messages": [], "max_completion_tokens": 1_000, "service_tier": "priority",
    });
    let hour = json!({
        "model": "claude-haiku-4-5", "messages": [], "max_tokens": 1_000,
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
    });
    let fast = json!({
        "model": "claude-opus-5", "messages": [], "max_tokens": 1_000, "speed": "fast", "inference_geo": "us",
    });
    // Pico-dollars for a token written to a cache, and for one of the output.
    for (endpoint, body, write, output) in [
        (Endpoint::ChatCompletions, priority, 10_000_000, 40_000_000),
        (Endpoint::Messages, hour, 2_000_000, 5_000_000),
        (Endpoint::Messages, fast, 6_250_000 * 22 / 10, 25_000_000 * 22 / 10),
    ] {
        let house = House::open(store).await;
        let call = Call::post(endpoint, &body);
        let worst = price(&[(len(&call.body), write), (1_000, output)]);
        house.send(call).await;
        assert_eq!(house.ledger.reserves(), [worst], "{body}");
        house.close().await;
    }
}

async fn a_stream_that_cannot_hold_its_first_stretch_is_lowered(store: Store) {
    for api in [Api::Chat, Api::Responses] {
        let mut body = api.body("Hello?");
        body["stream"] = true.into();
        body[api.limit()] = 60_000.into();
        let call = || Call::post(api.endpoint(), &body);
        let funds = api.worst(&call().body, 3_000);
        let exact = House::plan(store).funds(funds).open().await;
        let reply = exact.send(call().header("x-aiduet-exact", "true")).await;
        assert_refused(api, &reply, "insufficient_balance");
        exact.close().await;

        let (plan, provider) = House::scripted(store);
        let house = plan.funds(funds).open().await;
        let feed = provider.begun(Head::STREAM);
        for piece in [api.opening(9), api.tokens(3_000), api.before_last((9, 3_000)), api.last((9, 3_000))] {
            feed.send(piece);
        }
        let reply = house.send(call()).await;
        assert_eq!((reply.status, reply.header("x-aiduet-max-tokens")), (200, "3000"), "{api:?}");
        assert_eq!(provider.last_body()[api.limit()], 3_000);
        assert_eq!(house.ledger.reserves(), [api.worst(&call().body, 8_192), funds]);
        let records = house.close().await;
        assert_eq!((records[0].outcome, records[0].cost()), (Outcome::Completed, api.price((9, 3_000))));
    }
}

async fn embeddings_hold_their_input(store: Store) {
    let house = House::open(store).await;
    let body = json!({"model": "text-embedding-3-small", "input": ["first", "second"]});
    let call = Call::post(Endpoint::Embeddings, &body);
    let (bytes, reply) = (len(&call.body), house.send(call).await);
    assert_eq!(reply.status, 200);
    assert_eq!(house.ledger.reserves(), [price(&[(bytes, 20_000)])]);
    let tokens = reply.json()["usage"]["prompt_tokens"].as_u64().unwrap();
    assert_eq!(reply.header("x-aiduet-cost"), price(&[(tokens, 20_000)]).to_string());
    house.close().await;
}

async fn funds_that_others_hold_are_worth_waiting_for(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let worst = api.worst(&api.ask("Hello?").body, 1_000);
        // Enough for one, and for a second one only when the first has ended.
        let funds = worst.checked_add(Money::from_nanos(worst.nanos() / 2)).unwrap();
        let house = plan.funds(funds).open().await;
        let mut feed = provider.feed();
        let first = house.send(api.ask("Hello?"));
        let second = async {
            provider.called(1).await;
            if api == Api::Messages {
                provider.counts(1_000_000);
            }
            assert_refused(api, &house.send(api.ask("Hello?")).await, "balance_held");
            feed.begin(Ok(Head::WHOLE));
            feed.send(api.whole("Hello!", (9, 2)));
            feed.end();
        };
        let (reply, ()) = tokio::join!(first, second);
        assert_eq!(reply.status, 200);
        let feed = provider.begun(Head::WHOLE);
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
        assert_eq!(house.send(api.ask("Hello?")).await.status, 200, "{api:?}");
        house.close().await;
    }
}

async fn a_suspended_account_spends_nothing(store: Store) {
    let house = House::open(store).await;
    let account = house.customer().account;
    house.stores.ledger.set_reserving(account, Reserving::Frozen).await.unwrap();
    for api in Api::ALL {
        let reply = house.send(api.ask("Hello?")).await;
        assert_eq!(reply.status, 403);
        assert_eq!(reply.json()["error"]["details"]["error_code"], "account_suspended");
        assert_eq!(reply.json()["error"]["type"], "permission_error");
    }
    house.stores.ledger.set_reserving(account, Reserving::Allowed).await.unwrap();
    assert_eq!(house.send(Api::Chat.ask("Hello?")).await.status, 200);
    house.close().await;
}
