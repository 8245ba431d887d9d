//! Clients that leave: what they pay, and what becomes of the funds that were held.

use aiduet_core::gateway::DisconnectPolicy;
use aiduet_core::ledger::{Outcome, RequestRecord};
use aiduet_core::money::Money;
use aiduet_core::provider::{ProviderError, Stage};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::House;
use super::call::{Api, Call, events, len};
use super::doubles::{Feed, Head, ScriptedProvider};
use crate::databases::{Store, on_each_store};

on_each_store! {
    whoever_leaves_while_the_rest_is_read_pays_what_the_provider_reports
    whoever_leaves_where_nothing_is_read_on_pays_what_was_streamed
    whoever_leaves_before_the_head_pays_for_what_was_begun
    a_call_that_is_cancelled_before_its_head_is_charged_its_prompt
    whoever_leaves_a_whole_answer_pays_for_it
    a_hold_covers_no_more_of_an_answer_that_nobody_reads
}

/// What a stream reports as input and output at its end.
fn reported(api: Api, frames: &[Bytes]) -> (u64, u64) {
    let events = events(frames);
    let usage = |value: &Value, names: (&str, &str)| {
        Some((value.get(names.0)?.as_u64()?, value.get(names.1)?.as_u64()?))
    };
    match api {
        Api::Chat => {
            events.iter().find_map(|event| usage(&event["usage"], ("prompt_tokens", "completion_tokens")))
        }
        Api::Responses => events
            .iter()
            .find_map(|event| usage(&event["response"]["usage"], ("input_tokens", "output_tokens"))),
        Api::Messages => {
            let input = events[0]["message"]["usage"]["input_tokens"].as_u64();
            let output = events.iter().find_map(|event| event["usage"]["output_tokens"].as_u64());
            input.zip(output)
        }
    }
    .unwrap()
}

/// What we count where nothing was reported: a token for four bytes of the prompt, and for four
/// letters of what was streamed. Messages tells the prompt at the beginning.
fn counted(api: Api, body: &Bytes, frames: &[Bytes]) -> (u64, u64) {
    let mut prompt = len(body).div_ceil(4);
    let mut letters = 0;
    let mut first_count = 0;
    for event in events(frames) {
        let text = match api {
            Api::Chat => &event["choices"][0]["delta"]["content"],
            Api::Responses => &event["delta"],
            Api::Messages => &event["delta"]["text"],
        };
        letters += text.as_str().map_or(0, |text| len(text.as_bytes()));
        if let Some(usage) = event["message"]["usage"].as_object() {
            prompt = usage["input_tokens"].as_u64().unwrap();
            first_count = usage["output_tokens"].as_u64().unwrap();
        }
    }
    (prompt, letters.div_ceil(4).max(first_count))
}

/// Leaves each answer after one frame more than the one before, from none to all. Returns the
/// frames of the whole answer, and the records.
async fn leave_everywhere(
    store: Store,
    api: Api,
    policy: DisconnectPolicy,
) -> (Vec<Bytes>, Vec<RequestRecord>) {
    let house = House::plan(store).gateway(|gateway| gateway.disconnect = policy).open().await;
    let call = api.stream("Who sings the second voice?");
    let frames = house.start(call.clone()).await.rest().await;
    for count in 0..=frames.len() {
        let mut answer = house.start(call.clone()).await;
        let seen = answer.take(count).await;
        drop(answer);
        assert_eq!(seen.len(), count);
        house.ledger.closed(count + 2).await;
        assert_eq!(house.balance().await.held, Money::ZERO, "{api:?} after {count} frames");
    }
    assert_eq!(house.ledger.closed_now(), frames.len() + 2, "one settlement each");
    let mut records = house.close().await;
    assert_eq!(records.len(), frames.len() + 2, "one record each");
    assert_eq!(records.remove(0).outcome, Outcome::Completed);
    (frames, records)
}

async fn whoever_leaves_while_the_rest_is_read_pays_what_the_provider_reports(store: Store) {
    for api in Api::ALL {
        let (frames, records) = leave_everywhere(store, api, DisconnectPolicy::Drain).await;
        let price = api.price(usage_of(api).await);
        for (count, record) in records.iter().enumerate() {
            // Whoever has seen the last frame has seen everything.
            let left = count < frames.len();
            let outcome = if left { Outcome::ClientDisconnected } else { Outcome::Completed };
            assert_eq!(record.outcome, outcome, "{api:?} after {count} frames");
            assert_eq!(record.cost(), price, "{api:?} after {count} frames");
            assert!(!record.flags.estimated);
        }
    }
}

/// What the provider reports for the question of these tests.
async fn usage_of(api: Api) -> (u64, u64) {
    let house = House::open(Store::Memory).await;
    let mut body = api.body("Who sings the second voice?");
    body["stream"] = true.into();
    if api == Api::Chat {
        body["stream_options"] = json!({"include_usage": true});
    }
    let frames = house.start(Call::post(api.endpoint(), &body)).await.rest().await;
    house.close().await;
    reported(api, &frames)
}

async fn whoever_leaves_where_nothing_is_read_on_pays_what_was_streamed(store: Store) {
    for api in Api::ALL {
        let body = api.stream("Who sings the second voice?").body;
        let (frames, records) = leave_everywhere(store, api, DisconnectPolicy::Cancel).await;
        let usage = usage_of(api).await;
        for (count, record) in records.iter().enumerate() {
            let seen = &frames[..count];
            // Messages reports its usage one frame before the last.
            let is_reported = api == Api::Messages && count == frames.len() - 1;
            let (outcome, estimated) = match (count == frames.len(), is_reported) {
                (true, _) => (Outcome::Completed, false),
                (false, true) => (Outcome::ClientDisconnected, false),
                (false, false) => (Outcome::ClientDisconnectedEstimated, true),
            };
            assert_eq!((record.outcome, record.flags.estimated), (outcome, estimated), "{api:?} {count}");
            let expected = if estimated { counted(api, &body, seen) } else { usage };
            assert_eq!(record.cost(), api.price(expected), "{api:?} after {count} frames");
        }
    }
}

/// Starts a call, and leaves once the provider has it.
async fn leave_at_once(house: &House, provider: &ScriptedProvider, call: Call) {
    let calls = provider.calls();
    let start = house.start(call);
    tokio::select! {
        biased;
        _answer = start => panic!("there is no answer yet"),
        () = provider.called(calls + 1) => {}
    }
}

async fn whoever_leaves_before_the_head_pays_for_what_was_begun(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;

        let mut feed = provider.feed();
        leave_at_once(&house, &provider, api.stream("Hello?")).await;
        assert!(house.balance().await.held > Money::ZERO);
        feed.begin(Ok(Head::STREAM));
        for piece in [api.opening(9), api.tokens(5), api.before_last((9, 5)), api.last((9, 5))] {
            feed.send(piece);
        }
        house.ledger.closed(1).await;

        let mut feed = provider.feed();
        leave_at_once(&house, &provider, api.ask("Hello?")).await;
        feed.begin(Ok(Head::WHOLE));
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
        house.ledger.closed(2).await;

        let mut feed = provider.feed();
        leave_at_once(&house, &provider, api.ask("Hello?")).await;
        feed.begin(Err(ProviderError::Broken { stage: Stage::Head }));
        house.ledger.closed(3).await;

        let records = house.close().await;
        let outcomes: Vec<_> = records.iter().map(|record| (record.outcome, record.cost())).collect();
        let expected = [
            (Outcome::ClientDisconnected, api.price((9, 5))),
            (Outcome::ClientDisconnected, api.price((9, 2))),
            (Outcome::UpstreamError, Money::ZERO),
        ];
        assert_eq!(outcomes, expected, "{api:?}");
    }
}

async fn a_call_that_is_cancelled_before_its_head_is_charged_its_prompt(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.gateway(|gateway| gateway.disconnect = DisconnectPolicy::Cancel).open().await;
        for call in [api.stream("Hello?"), api.ask("Hello?")] {
            let feed = provider.feed();
            leave_at_once(&house, &provider, call).await;
            feed.is_cancelled().await;
        }
        for (record, call) in house.close().await.iter().zip([api.stream("Hello?"), api.ask("Hello?")]) {
            assert_eq!(record.outcome, Outcome::ClientDisconnectedEstimated);
            assert!(record.flags.estimated);
            assert_eq!(record.cost(), api.price((len(&call.body).div_ceil(4), 0)), "{api:?}");
        }
    }
}

async fn whoever_leaves_a_whole_answer_pays_for_it(store: Store) {
    for api in Api::ALL {
        for policy in [DisconnectPolicy::Drain, DisconnectPolicy::Cancel] {
            let (plan, provider) = House::scripted(store);
            let house = plan.gateway(|gateway| gateway.disconnect = policy).open().await;
            let mut feed = provider.feed();
            let whole = api.whole("Hello!", (9, 2));
            let start = house.start(api.ask("Hello?"));
            let half_way = async {
                provider.called(1).await;
                feed.begin(Ok(Head::WHOLE));
                feed.send(whole.slice(..whole.len() / 2));
                tokio::task::yield_now().await;
            };
            tokio::select! {
                _answer = start => panic!("there is only half of an answer"),
                () = half_way => {}
            }
            if policy == DisconnectPolicy::Cancel {
                feed.is_cancelled().await;
            }
            feed.send(whole.slice(whole.len() / 2..));
            feed.end();
            house.ledger.closed(1).await;
            let (outcome, usage) = match policy {
                DisconnectPolicy::Drain => (Outcome::ClientDisconnected, (9, 2)),
                DisconnectPolicy::Cancel => {
                    let prompt = len(&api.ask("Hello?").body).div_ceil(4);
                    (Outcome::ClientDisconnectedEstimated, (prompt, 0))
                }
            };
            let records = house.close().await;
            assert_eq!(
                (records[0].outcome, records[0].cost()),
                (outcome, api.price(usage)),
                "{api:?} {policy:?}"
            );
        }
    }
}

/// Opens a stream with an output limit above what is held at a time, and leaves.
async fn leave_a_long_stream(house: &House, provider: &ScriptedProvider, api: Api) -> Feed {
    let feed = provider.begun(Head::STREAM);
    feed.send(api.opening(9));
    let mut body = api.body("Hello?");
    body["stream"] = true.into();
    body[api.limit()] = 60_000.into();
    let mut answer = house.start(Call::post(api.endpoint(), &body)).await;
    answer.next().await.unwrap();
    feed
}

async fn a_hold_covers_no_more_of_an_answer_that_nobody_reads(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        let feed = leave_a_long_stream(&house, &provider, api).await;
        for _ in 0..20 {
            feed.send(api.tokens(1_000));
        }
        feed.is_cancelled().await;
        house.ledger.closed(1).await;
        assert_eq!(house.ledger.reserves().len(), 1, "nothing more is held for nobody");
        let records = house.close().await;
        assert_eq!(records[0].outcome, Outcome::ClientDisconnectedEstimated);
        assert_eq!(records[0].usage.output, 8_192, "{api:?}: what was held, and not what was read");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_is_read_on_for_half_a_minute() {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(Store::Memory);
        let house = plan.open().await;
        let begun = Instant::now();
        let feed = leave_a_long_stream(&house, &provider, api).await;
        feed.send(api.tokens(7));
        feed.is_cancelled().await;
        assert_eq!(begun.elapsed().as_secs(), 30);
        let record = &house.close().await[0];
        assert_eq!(record.outcome, Outcome::ClientDisconnectedEstimated);
        assert_eq!(record.usage.output, 7);
    }
}

#[tokio::test(start_paused = true)]
async fn of_too_many_answers_that_nobody_reads_the_last_are_not_read_on() {
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.gateway(|gateway| gateway.drains_max = 1).open().await;
    let begun = Instant::now();
    let first = leave_a_long_stream(&house, &provider, Api::Chat).await;
    tokio::task::yield_now().await;
    let second = leave_a_long_stream(&house, &provider, Api::Chat).await;
    second.is_cancelled().await;
    assert!(begun.elapsed().is_zero());
    first.is_cancelled().await;
    assert_eq!(begun.elapsed().as_secs(), 30);
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_does_not_keep_a_server_from_stopping() {
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.open().await;
    let begun = Instant::now();
    let _feed = leave_a_long_stream(&house, &provider, Api::Messages).await;
    let records = house.close().await;
    assert!(begun.elapsed().is_zero());
    assert_eq!(records[0].outcome, Outcome::ClientDisconnectedEstimated);
}
