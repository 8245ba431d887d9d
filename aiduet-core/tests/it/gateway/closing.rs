//! The end of an answer is seen when its charge is durable, and not before.

use std::time::Duration;

use aiduet_core::ledger::Outcome;
use aiduet_core::money::Money;
use bytes::Bytes;
use futures_util::poll;
use tokio::time::Instant;

use super::House;
use super::call::{Api, events};
use super::doubles::{Asked, Failure, Feed, Head, ScriptedProvider, soon};
use crate::databases::{Store, on_each_store};

on_each_store! {
    the_last_frame_waits_for_the_ledger
    a_whole_answer_waits_for_the_ledger
    whoever_leaves_during_the_settlement_is_charged_once
    a_settlement_whose_answer_is_lost_is_made_once
    a_server_that_stops_settles_what_was_streamed
    a_server_that_stops_charges_nothing_for_an_answer_that_had_not_begun
}

/// A whole stream of five tokens.
fn pieces(api: Api) -> [Bytes; 4] {
    [api.opening(9), api.tokens(5), api.before_last((9, 5)), api.last((9, 5))]
}

/// A provider that has sent everything.
fn fed(provider: &ScriptedProvider, api: Api) -> Feed {
    let feed = provider.begun(Head::STREAM);
    pieces(api).into_iter().for_each(|piece| feed.send(piece));
    feed
}

/// Waits until the ledger was asked to settle or release so many requests.
async fn closings_asked(house: &House, count: usize) {
    let closing = |asked: &Asked| matches!(asked, Asked::Settle(_) | Asked::Void);
    let asked = async {
        while house.ledger.asked().iter().filter(|asked| closing(asked)).count() < count {
            tokio::task::yield_now().await;
        }
    };
    soon("a settlement", asked).await;
}

async fn the_last_frame_waits_for_the_ledger(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        house.ledger.stop_closings();
        let _feed = fed(&provider, api);
        let mut answer = house.start(api.stream("Hello?")).await;
        let seen = answer.take(3).await.concat();
        assert!(!seen.ends_with(&last_event(api)), "{api:?}");
        {
            let mut next = std::pin::pin!(answer.next());
            assert!(poll!(&mut next).is_pending());
            closings_asked(&house, 1).await;
            for _ in 0..100 {
                assert!(poll!(&mut next).is_pending(), "{api:?}: the charge is not durable");
                tokio::task::yield_now().await;
            }
            assert_eq!(house.ledger.closed_now(), 0);
            house.ledger.let_closings_pass();
            assert!(next.await.is_some());
            assert_eq!(house.ledger.closed_now(), 1);
        }
        assert_eq!(house.balance().await.used, api.price((9, 5)), "before the stream has ended");
        answer.rest().await;
        house.close().await;
    }
}

async fn a_whole_answer_waits_for_the_ledger(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        house.ledger.stop_closings();
        let feed = provider.begun(Head::WHOLE);
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
        let mut answer = Box::pin(house.send(api.ask("Hello?")));
        while !house.ledger.asked().iter().any(|asked| matches!(asked, Asked::Settle(_))) {
            assert!(poll!(&mut answer).is_pending());
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            assert!(poll!(&mut answer).is_pending(), "{api:?}: the charge is not durable");
            tokio::task::yield_now().await;
        }
        house.ledger.let_closings_pass();
        let reply = answer.await;
        let price = api.price((9, 2));
        assert_eq!(reply.header("x-aiduet-cost"), price.to_string());
        let balance = house.balance().await;
        assert_eq!((balance.used, balance.held), (price, Money::ZERO));
        assert_eq!(reply.header("x-aiduet-balance"), balance.available.to_string());
        house.close().await;
    }
}

async fn whoever_leaves_during_the_settlement_is_charged_once(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        house.ledger.stop_closings();
        let _feed = fed(&provider, api);
        let mut answer = house.start(api.stream("Hello?")).await;
        answer.take(3).await;
        {
            let mut next = std::pin::pin!(answer.next());
            assert!(poll!(&mut next).is_pending());
        }
        drop(answer);
        closings_asked(&house, 1).await;
        house.ledger.let_closings_pass();
        let records = house.close().await;
        assert_eq!(records.len(), 1);
        // The answer was complete when the client left.
        assert_eq!((records[0].outcome, records[0].cost()), (Outcome::Completed, api.price((9, 5))));
    }
}

async fn a_settlement_whose_answer_is_lost_is_made_once(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        house.ledger.fail_closings([Some(Failure::After), Some(Failure::Before), None]);
        let _feed = fed(&provider, api);
        let reply = house.send(api.stream("Hello?")).await;
        assert!(reply.body.ends_with(&last_event(api)), "{api:?}: the answer ends well");
        let settles = house.ledger.asked().iter().filter(|asked| matches!(asked, Asked::Settle(_))).count();
        assert_eq!(settles, 3);
        let records = house.close().await;
        assert_eq!((records.len(), records[0].cost()), (1, api.price((9, 5))));
    }
}

/// How a good stream ends.
fn last_event(api: Api) -> Vec<u8> {
    match api {
        Api::Chat => b"data: [DONE]\n\n".to_vec(),
        Api::Responses | Api::Messages => api.last((9, 5)).to_vec(),
    }
}

/// Checks that a stream ends with an error and without its last event.
fn assert_withheld(api: Api, body: &[u8], code: &str) {
    let last = events(&[body.to_vec().into()]).pop().unwrap();
    let text = String::from_utf8_lossy(body);
    assert!(last.to_string().contains(code), "{api:?}: {last}");
    for end in ["[DONE]", "response.completed", "message_stop"] {
        assert!(!text.contains(end), "{api:?}: {text}");
    }
}

const fn unavailable(api: Api) -> &'static str {
    match api {
        Api::Chat | Api::Responses => "upstream_unavailable",
        Api::Messages => "api_error",
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_the_ledger_hears_from_us() {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(Store::Memory);
        let house = plan.gateway(|gateway| gateway.settle_wait = Duration::from_secs(50)).open().await;
        house.ledger.stop_closings();
        let _feed = fed(&provider, api);
        let mut answer = house.start(api.stream("Hello?")).await;
        answer.take(3).await;
        let begun = Instant::now();
        let keep_alive: &[u8] = match api {
            Api::Chat | Api::Responses => b": keep-alive\n\n",
            Api::Messages => b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
        };
        for seconds in [15, 30, 45] {
            assert_eq!(answer.next().await.unwrap(), keep_alive);
            assert_eq!(begun.elapsed().as_secs(), seconds);
        }
        let end = answer.rest().await.concat();
        assert_eq!(begun.elapsed().as_secs(), 50);
        assert_withheld(api, &end, unavailable(api));
        assert_eq!(house.balance().await.used, Money::ZERO, "it is being tried");
        assert!(house.balance().await.held > Money::ZERO, "and the funds are kept");
        house.ledger.let_closings_pass();
        house.ledger.closed(1).await;
        let records = house.close().await;
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].outcome, records[0].cost()), (Outcome::Completed, api.price((9, 5))));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_charge_cannot_be_written_is_withheld_and_charged_later() {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(Store::Memory);
        let house = plan.open().await;
        // Tries for half a minute and more; of the first one the answer is lost.
        house.ledger.fail_closings([Some(Failure::After)]);
        house.ledger.fail_closings(vec![Some(Failure::Before); 20]);
        let feed = provider.begun(Head::WHOLE);
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
        let begun = Instant::now();
        let reply = house.send(api.ask("Hello?")).await;
        assert_eq!(begun.elapsed().as_secs(), 30);
        assert_eq!((reply.status, reply.header("x-should-retry")), (503, "false"));
        assert!(!String::from_utf8_lossy(&reply.body).contains("Hello!"));
        house.ledger.closed(1).await;
        let records = house.close().await;
        assert_eq!((records.len(), records[0].cost()), (1, api.price((9, 2))));
        assert_eq!(records[0].id, reply.id(), "its receipt says what became of it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_stops_only_when_every_charge_is_written() {
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.open().await;
    house.ledger.fail_closings(vec![Some(Failure::Before); 30]);
    let _feed = fed(&provider, Api::Messages);
    let reply = house.send(Api::Messages.stream("Hello?")).await;
    assert_withheld(Api::Messages, &reply.body, "api_error");
    assert_eq!(house.ledger.closed_now(), 0);
    house.app.close().await;
    assert_eq!(house.ledger.closed_now(), 1);
    house.close().await;
}

async fn a_server_that_stops_settles_what_was_streamed(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        let feed = provider.begun(Head::STREAM);
        feed.send(api.opening(9));
        feed.send(api.tokens(5));
        let mut answer = house.start(api.stream("Hello?")).await;
        answer.take(2).await;
        house.app.gateway().interrupt();
        assert_withheld(api, &answer.rest().await.concat(), unavailable(api));
        feed.is_cancelled().await;
        let record = &house.close().await[0];
        assert_eq!(record.outcome, Outcome::UpstreamInterrupted);
        assert_eq!(record.usage.output, 5);
        assert!(record.flags.estimated && record.cost() > Money::ZERO);
    }
}

async fn a_server_that_stops_charges_nothing_for_an_answer_that_had_not_begun(store: Store) {
    for api in Api::ALL {
        for head in [None, Some(Head::WHOLE)] {
            let (plan, provider) = House::scripted(store);
            let house = plan.open().await;
            let mut feed = provider.feed();
            let stop = async {
                provider.called(1).await;
                if let Some(head) = head {
                    feed.begin(Ok(head));
                }
                tokio::task::yield_now().await;
                house.app.gateway().interrupt();
            };
            let (reply, ()) = tokio::join!(house.send(api.ask("Hello?")), stop);
            assert_eq!((reply.status, reply.header("retry-after")), (503, "5"), "{api:?}");
            let record = &house.close().await[0];
            assert_eq!((record.outcome, record.cost()), (Outcome::UpstreamError, Money::ZERO));
        }
    }
}
