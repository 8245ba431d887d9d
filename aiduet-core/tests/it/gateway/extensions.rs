//! Long streams: funds are set aside a stretch at a time, ahead of need.

use std::time::Duration;

use aiduet_core::ledger::Outcome;
use aiduet_core::money::Money;
use bytes::Bytes;
use futures_util::poll;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::House;
use super::call::{Api, Call, Opened, events, len};
use super::doubles::{Asked, Failure, Feed, Head, ScriptedProvider};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_stream_holds_a_stretch_at_a_time
    a_short_stream_holds_its_limit
    a_stream_whose_hold_cannot_be_extended_ends_as_at_a_length_limit
    an_extension_whose_answer_is_lost_is_made_once
    a_stream_that_is_cut_tells_its_usage_and_cost_to_who_asked
}

/// What a stream holds at a time, in tokens.
const STRETCH: u64 = 8_192;

fn stream(api: Api, limit: u64) -> Call {
    let mut body = api.body("Hello?");
    body["stream"] = true.into();
    body[api.limit()] = limit.into();
    Call::post(api.endpoint(), &body)
}

/// Starts a stream, and takes its first frame.
async fn begin(house: &House, provider: &ScriptedProvider, call: Call, api: Api) -> (Feed, Opened) {
    let feed = provider.begun(Head::STREAM);
    feed.send(api.opening(9));
    let mut answer = house.start(call).await;
    answer.next().await.unwrap();
    (feed, answer)
}

/// Sends a piece of so many tokens and waits until the client has it.
async fn pass(feed: &Feed, answer: &mut Opened, api: Api, tokens: usize) {
    feed.send(api.tokens(tokens));
    assert_eq!(answer.next().await.unwrap().len(), frame(api, tokens));
}

/// How long a frame of so many tokens is; Chat Completions loses its `"usage":null`.
fn frame(api: Api, tokens: usize) -> usize {
    let sent = api.tokens(tokens).len();
    if api == Api::Chat { sent - r#","usage":null"#.len() } else { sent }
}

async fn a_stream_holds_a_stretch_at_a_time(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        let call = stream(api, 20_000);
        let worst = |output| api.worst(&call.body, output);
        let difference = |more, less| worst(more).checked_sub(worst(less)).unwrap();
        let mut expected = vec![worst(STRETCH)];
        let (feed, mut answer) = begin(&house, &provider, call.clone(), api).await;
        assert_eq!(house.ledger.reserves(), expected, "{api:?}");
        for (tokens, whole) in [(4_095, None), (1, Some(16_384)), (4_095, None), (1, Some(20_000))] {
            pass(&feed, &mut answer, api, tokens).await;
            // The next piece shows that the stream goes on meanwhile.
            pass(&feed, &mut answer, api, 0).await;
            if let Some(whole) = whole {
                expected
                    .push(difference(whole, whole.min(16_384) - if whole == 20_000 { 0 } else { STRETCH }));
            }
            assert_eq!(house.ledger.reserves(), expected, "{api:?}");
        }
        let sum = expected.iter().fold(Money::ZERO, |sum, amount| sum.checked_add(*amount).unwrap());
        assert_eq!(sum, worst(20_000), "in the end the whole limit is held");
        feed.send(api.before_last((9, 9_000)));
        feed.send(api.last((9, 9_000)));
        answer.rest().await;
        let record = &house.close().await[0];
        assert_eq!((record.outcome, record.cost()), (Outcome::Completed, api.price((9, 9_000))));
    }
}

async fn a_short_stream_holds_its_limit(store: Store) {
    for api in Api::ALL {
        for limit in [1_000, STRETCH] {
            let (plan, provider) = House::scripted(store);
            let house = plan.open().await;
            let call = stream(api, limit);
            let worst = api.worst(&call.body, limit);
            let (feed, mut answer) = begin(&house, &provider, call, api).await;
            // More than the limit: the provider decides when it is reached.
            for _ in 0..10 {
                pass(&feed, &mut answer, api, 1_000).await;
            }
            feed.send(api.before_last((9, limit)));
            feed.send(api.last((9, limit)));
            answer.rest().await;
            assert_eq!(house.ledger.reserves(), [worst], "{api:?}");
            house.close().await;
        }
    }
}

/// Checks that a stream ends as its dialect ends at a length limit.
fn assert_cut(api: Api, end: &[Bytes]) {
    let text = String::from_utf8(end.concat()).unwrap();
    let events = events(end);
    let names: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    match api {
        Api::Chat => {
            assert_eq!(events[0]["choices"][0]["finish_reason"], "length");
            assert!(text.ends_with("data: [DONE]\n\n"));
        }
        Api::Responses => {
            assert_eq!(names, ["response.incomplete"]);
            let response = &events[0]["response"];
            assert_eq!(response["status"], "incomplete");
            assert_eq!(response["incomplete_details"], json!({"reason": "max_output_tokens"}));
        }
        Api::Messages => {
            assert_eq!(names, ["content_block_stop", "message_delta", "message_stop"]);
            assert_eq!(events[1]["delta"]["stop_reason"], "max_tokens");
        }
    }
}

async fn a_stream_whose_hold_cannot_be_extended_ends_as_at_a_length_limit(store: Store) {
    for api in Api::ALL {
        let call = stream(api, 60_000);
        let held = api.worst(&call.body, STRETCH);
        let (plan, provider) = House::scripted(store);
        let house = plan.funds(held).open().await;
        let (feed, mut answer) = begin(&house, &provider, call, api).await;
        // What is held is used to the end, although it cannot be extended.
        for _ in 0..8 {
            pass(&feed, &mut answer, api, 1_000).await;
        }
        assert_eq!(house.ledger.reserves().len(), 2, "one extension was tried");
        pass(&feed, &mut answer, api, 200).await;
        let end = answer.rest().await;
        assert_cut(api, &end);
        feed.is_cancelled().await;
        let records = house.close().await;
        assert_eq!((records.len(), records[0].outcome), (1, Outcome::BalanceExhausted));
        assert!(records[0].flags.estimated);
        let prompt = if api == Api::Messages { 9 } else { len(&stream(api, 60_000).body).div_ceil(4) };
        assert_eq!(records[0].cost(), api.price((prompt, STRETCH)), "{api:?}");
        assert!(records[0].cost() <= held);
    }
}

async fn a_stream_that_is_cut_tells_its_usage_and_cost_to_who_asked(store: Store) {
    for asked in [true, false] {
        let mut body = Api::Chat.body("Hello?");
        body["stream"] = true.into();
        body[Api::Chat.limit()] = 60_000.into();
        body["stream_options"] = json!({"include_usage": asked});
        let call = Call::post(Api::Chat.endpoint(), &body);
        let (plan, provider) = House::scripted(store);
        let house = plan.funds(Api::Chat.worst(&call.body, STRETCH)).open().await;
        let (feed, mut answer) = begin(&house, &provider, call, Api::Chat).await;
        feed.send(Api::Chat.tokens(9_000));
        let end = answer.rest().await.concat();
        feed.is_cancelled().await;
        let record = &house.close().await[0];
        assert_eq!(record.outcome, Outcome::BalanceExhausted);
        let text = String::from_utf8(end).unwrap();
        assert_eq!(text.matches(r#""finish_reason":"length""#).count(), 1, "{asked}");
        let told = format!(
            r#""choices":[],"usage":{{"prompt_tokens":{},"completion_tokens":{STRETCH},"total_tokens":{},"#,
            record.usage.prompt(),
            record.usage.prompt() + STRETCH,
        );
        assert_eq!(text.matches(&told).count(), usize::from(asked), "{text}");
        let cost = format!(r#","cost":{}}}}}{}"#, record.cost(), "\n\ndata: [DONE]\n\n");
        assert_eq!(text.ends_with(&cost), asked, "{text}");
    }
}

async fn an_extension_whose_answer_is_lost_is_made_once(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        house.ledger.fail_reserves([None, Some(Failure::After), Some(Failure::Before), None]);
        let call = stream(api, 60_000);
        let body = call.body.clone();
        let (feed, mut answer) = begin(&house, &provider, call, api).await;
        for _ in 0..10 {
            pass(&feed, &mut answer, api, 1_000).await;
        }
        let extension = api.worst(&body, 2 * STRETCH).checked_sub(api.worst(&body, STRETCH)).unwrap();
        let reserves = house.ledger.reserves();
        assert_eq!(reserves[..4], [api.worst(&body, STRETCH), extension, extension, extension]);
        feed.send(api.before_last((9, 9_000)));
        feed.send(api.last((9, 9_000)));
        answer.rest().await;
        let record = &house.close().await[0];
        assert_eq!(record.cost(), api.price((9, 9_000)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_waits_for_its_extension_and_tells_the_client_so() {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(Store::Memory);
        let house = plan.open().await;
        let (feed, mut answer) = begin(&house, &provider, stream(api, 60_000), api).await;
        house.ledger.stop_reserves();
        for _ in 0..9 {
            pass(&feed, &mut answer, api, 1_000).await;
        }
        assert_eq!(house.ledger.reserves().len(), 2);
        feed.send(api.tokens(1_000));
        let begun = Instant::now();
        {
            let mut next = std::pin::pin!(answer.next());
            assert!(poll!(&mut next).is_pending(), "what is held is used");
            let alive = next.await.unwrap();
            assert_eq!(begun.elapsed(), Duration::from_secs(15));
            assert!(alive == ": keep-alive\n\n" || alive.starts_with(b"event: ping\n"), "{api:?}");
        }
        house.ledger.let_reserves_pass();
        assert_eq!(answer.next().await.unwrap().len(), frame(api, 1_000));
        assert_eq!(begun.elapsed(), Duration::from_secs(15));
        feed.send(api.before_last((9, 10_000)));
        feed.send(api.last((9, 10_000)));
        answer.rest().await;
        house.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_extension_is_not_answered_ends() {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(Store::Memory);
        let house = plan.open().await;
        // Every try fails; the first one has made the hold all the same.
        house.ledger.fail_reserves([None, Some(Failure::After)]);
        house.ledger.fail_reserves(vec![Some(Failure::Before); 20]);
        let (feed, mut answer) = begin(&house, &provider, stream(api, 60_000), api).await;
        for _ in 0..9 {
            pass(&feed, &mut answer, api, 1_000).await;
        }
        feed.send(api.tokens(1_000));
        assert_cut(api, &answer.rest().await);
        feed.is_cancelled().await;
        assert!(!house.ledger.asked().contains(&Asked::Void), "what was held first is not released");
        let record = &house.close().await[0];
        assert_eq!(record.outcome, Outcome::BalanceExhausted);
    }
}

/// Lets time pass while the stream waits, until the client gets a sign of life.
async fn pass_silence(house: &House, answer: &mut Opened) {
    let mut next = std::pin::pin!(answer.next());
    assert!(poll!(&mut next).is_pending());
    house.factory.clock().advance(Duration::from_secs(15));
    let alive = next.await.unwrap();
    assert!(alive == ": keep-alive\n\n" || alive.starts_with(b"event: ping\n"), "{alive:?}");
}

/// Reasoning that is not shown is generated and billed all the same.
#[tokio::test(start_paused = true)]
async fn the_hold_grows_while_a_model_thinks_in_silence() {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(Store::Memory);
        let house = plan.open().await;
        let (feed, mut answer) = begin(&house, &provider, stream(api, 60_000), api).await;
        // A hundred tokens a second are assumed, which the stream sees after each quarter of a minute.
        for holds in [1, 1, 1, 2] {
            pass_silence(&house, &mut answer).await;
            assert_eq!(house.ledger.reserves().len(), holds, "{api:?}");
        }
        feed.send(api.before_last((9, 5_000)));
        feed.send(api.last((9, 5_000)));
        answer.rest().await;
        let record = &house.close().await[0];
        assert_eq!(record.cost(), api.price((9, 5_000)), "what is assumed is held, not charged");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_thinks_longer_than_funds_last_is_stopped() {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(Store::Memory);
        let call = stream(api, 60_000);
        let house = plan.funds(api.worst(&call.body, STRETCH)).open().await;
        let (feed, mut answer) = begin(&house, &provider, call, api).await;
        for _ in 0..6 {
            pass_silence(&house, &mut answer).await;
        }
        assert_cut(api, &answer.rest().await);
        feed.is_cancelled().await;
        assert_eq!(house.close().await[0].outcome, Outcome::BalanceExhausted);
    }
}
