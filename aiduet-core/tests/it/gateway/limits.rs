//! Rate limits, and places among the running requests.

use std::time::Duration;

use aiduet_core::keys::{ApiKey, KeyLimits};
use aiduet_core::ledger::Outcome;
use aiduet_core::money::Money;
use aiduet_core::testing::cents;
use serde_json::Value;

use super::House;
use super::call::{Api, Call, Reply, len};
use super::doubles::Head;
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_key_may_ask_only_so_often
    a_key_may_use_only_so_many_tokens
    a_key_may_run_only_so_many_calls_at_once
    an_account_may_run_only_so_many_calls_at_once
    however_a_call_ends_its_place_is_free
}

/// The headers of one kind of limit, under the names of the dialect: limit, remaining, reset.
fn told(api: Api, reply: &Reply, unit: &str) -> [String; 3] {
    ["limit", "remaining", "reset"].map(|what| {
        let name = match api {
            Api::Chat | Api::Responses => format!("x-ratelimit-{what}-{unit}"),
            Api::Messages => format!("anthropic-ratelimit-{unit}-{what}"),
        };
        reply.header(&name).to_owned()
    })
}

fn assert_limited(reply: &Reply, wait: &str) {
    let body: Value = reply.json();
    assert_eq!((reply.status, &body["error"]["type"]), (429, &"rate_limit_error".into()));
    assert_eq!(body["error"]["details"]["error_code"], "rate_limit_exceeded");
    assert_eq!((reply.header("retry-after"), reply.header("x-should-retry")), (wait, ""));
}

async fn a_key_may_ask_only_so_often(store: Store) {
    for api in Api::ALL {
        let limits = KeyLimits { requests_per_minute: Some(2), ..KeyLimits::default() };
        let house = House::plan(store).limits(limits).open().await;
        // House::start moves the clock by a millisecond before each call.
        for (call, remaining, taken) in [(api.ask("a"), "1", 30_000), (api.stream("a"), "0", 59_999)] {
            let reply = house.send(call).await;
            let reset = match api {
                Api::Chat | Api::Responses => format!("{taken}ms"),
                Api::Messages => house.factory.now().plus(Duration::from_millis(taken)).to_string(),
            };
            assert_eq!(reply.status, 200);
            assert_eq!(told(api, &reply, "requests"), ["2".to_owned(), remaining.to_owned(), reset]);
        }
        assert_limited(&house.send(api.ask("a")).await, "30");
        house.factory.clock().advance(Duration::from_secs(30));
        assert_eq!(house.send(api.ask("a")).await.status, 200);
        assert_eq!(house.close().await.len(), 3, "{api:?}");
    }
}

async fn a_key_may_use_only_so_many_tokens(store: Store) {
    for api in Api::ALL {
        let of_one = len(&api.ask("a").body).div_ceil(4) + 1_000;
        let limits = KeyLimits { tokens_per_minute: Some(2 * of_one), ..KeyLimits::default() };
        let house = House::plan(store).limits(limits).open().await;
        let reply = house.send(api.ask("a")).await;
        assert_eq!(told(api, &reply, "tokens")[..2], [(2 * of_one).to_string(), of_one.to_string()]);
        // A call above the whole quota waits until the quota is whole.
        let mut body = api.body("a");
        body[api.limit()] = 30_000.into();
        assert_limited(&house.send(Call::post(api.endpoint(), &body)).await, "30");
        house.factory.clock().advance(Duration::from_secs(30));
        let reply = house.send(Call::post(api.endpoint(), &body)).await;
        assert_eq!((reply.status, told(api, &reply, "tokens")[1].as_str()), (200, "0"));
        house.close().await;
    }
}

async fn a_key_may_run_only_so_many_calls_at_once(store: Store) {
    for api in Api::ALL {
        let limits = KeyLimits { concurrency: Some(2), ..KeyLimits::default() };
        let (plan, provider) = House::scripted(store);
        let house = plan.limits(limits).open().await;
        let feeds = [provider.begun(Head::STREAM), provider.begun(Head::STREAM)];
        let first = house.start(api.stream("a")).await;
        let mut second = house.start(api.stream("a")).await;
        assert_eq!((first.status, second.status), (200, 200));
        assert_limited(&house.send(api.ask("a")).await, "1");
        let [_first, feed] = feeds;
        for piece in [api.opening(9), api.tokens(1), api.before_last((9, 1)), api.last((9, 1))] {
            feed.send(piece);
        }
        second.rest().await;
        let feed = provider.begun(Head::WHOLE);
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
        assert_eq!(house.send(api.ask("a")).await.status, 200, "{api:?}: a place is free");
        drop(first);
        house.close().await;
    }
}

async fn an_account_may_run_only_so_many_calls_at_once(store: Store) {
    let (plan, provider) = House::scripted(store);
    let mut house = plan.gateway(|gateway| gateway.account_concurrency = 1).open().await;
    let stranger = house.admit(cents(100), KeyLimits::default()).await;
    let (plain, key) = house.factory.api_key(house.customer().account);
    house.stores.keys.insert(ApiKey { ..key }).await.unwrap();
    let _feeds = [provider.begun(Head::STREAM), provider.begun(Head::STREAM)];
    let _first = house.start(Api::Chat.stream("a")).await;
    let other_key = Api::Chat.ask("a").without_key().header("x-api-key", plain.expose());
    assert_limited(&house.send(other_key).await, "1");
    let theirs = Api::Chat.stream("a").start(house.router.clone(), &stranger.plain).await;
    assert_eq!(theirs.status, 200, "another account has places of its own");
    house.app.gateway().interrupt();
}

async fn however_a_call_ends_its_place_is_free(store: Store) {
    for api in Api::ALL {
        let limits = KeyLimits { concurrency: Some(1), ..KeyLimits::default() };
        let house = House::plan(store).funds(cents(30)).limits(limits).open().await;
        let mut settled = 0;
        let mut rejected = api.body("a");
        rejected["stream"] = "no".into();
        let mut unknown = api.body("a");
        unknown["model"] = "gpt-nothing".into();
        let mut dear = api.body("a");
        dear[api.limit()] = 1_000_000_000.into();
        for (text, outcome) in [
            ("a", Some(Outcome::Completed)),
            ("simulate:no_usage", Some(Outcome::CompletedEstimated)),
            ("simulate:status=500", Some(Outcome::UpstreamError)),
            ("simulate:status=400", Some(Outcome::UpstreamError)),
            ("simulate:status=401", Some(Outcome::UpstreamError)),
            ("simulate:refuse", Some(Outcome::UpstreamError)),
            ("simulate:reset", Some(Outcome::UpstreamError)),
            ("simulate:garbage", Some(Outcome::UpstreamError)),
            ("simulate:cut=8", Some(Outcome::UpstreamInterrupted)),
            ("simulate:end=8", Some(Outcome::UpstreamInterrupted)),
            ("simulate:error=8", Some(Outcome::UpstreamInterrupted)),
        ] {
            for streamed in [true, false] {
                let call = if streamed { api.stream(text) } else { api.ask(text) };
                let reply = house.send(call).await;
                assert_ne!(reply.status, 429, "{api:?} after {text}");
                assert_eq!(house.slots.running(), 0, "{api:?} {text}");
                settled += 1;
                if streamed {
                    let record =
                        house.stores.requests.find(house.customer().account, reply.id()).await.unwrap();
                    assert_eq!(record.map(|record| record.outcome), outcome, "{api:?} {text}");
                }
            }
        }
        for body in [rejected, unknown, dear] {
            let exact = Call::post(api.endpoint(), &body).header("x-aiduet-exact", "true");
            let status = house.send(exact).await.status;
            assert!(
                (400..500).contains(&status) && status != 429 || api == Api::Responses,
                "{api:?} {status}"
            );
            assert_eq!(house.slots.running(), 0);
        }
        drop(house.start(api.stream("a")).await);
        house.ledger.closed(settled + 1).await;
        assert_eq!(house.send(api.ask("a")).await.status, 200);
        let records = house.close().await;
        assert_eq!(records.len(), settled + 2);
        assert!(
            records
                .iter()
                .all(|record| record.outcome != Outcome::UpstreamError || record.cost() == Money::ZERO)
        );
    }
}
