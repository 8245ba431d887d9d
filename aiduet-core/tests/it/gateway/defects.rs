//! What nobody foresaw: a defect, or a client that is gone before its call is made. Whatever
//! happens, no funds stay behind.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aiduet_core::ledger::Outcome;
use aiduet_core::money::Money;
use aiduet_core::provider::{Provider, ProviderError, UpstreamCall, UpstreamReply};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::StatusCode;

use super::House;
use super::call::{Api, Call};
use super::doubles::{Asked, Failure, Head};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_client_that_leaves_before_its_call_is_made_pays_nothing
    a_panic_before_the_answer_keeps_nothing
    a_panic_in_mid_stream_keeps_nothing
    a_lost_reserve_on_the_way_to_another_model_takes_nothing_away
    a_client_that_leaves_on_the_way_to_another_model_is_not_called_for
}

async fn a_client_that_leaves_before_its_call_is_made_pays_nothing(store: Store) {
    for api in Api::ALL {
        for call in [api.ask("Hello?"), api.stream("Hello?")] {
            let (plan, provider) = House::scripted(store);
            let house = plan.open().await;
            house.ledger.stop_reserves();
            tokio::select! {
                biased;
                _answer = house.start(call) => panic!("the ledger has not answered"),
                () = house.ledger.reserves_asked(1) => {}
            }
            house.ledger.let_reserves_pass();
            house.ledger.closed(1).await;
            assert_eq!(house.balance().await.held, Money::ZERO);
            assert_eq!(provider.calls(), 0, "{api:?}: nobody waits for the answer");
            assert_eq!(house.close().await, []);
        }
    }
}

/// When a provider panics.
#[derive(Debug)]
enum Defect {
    Head,
    Body,
}

#[async_trait]
impl Provider for Defect {
    async fn send(&self, call: UpstreamCall) -> Result<UpstreamReply, ProviderError> {
        let api = Api::ALL.into_iter().find(|api| api.endpoint() == call.endpoint).unwrap();
        assert!(matches!(self, Self::Body), "a defect before the head");
        let first = [Ok(api.opening(9)), Ok(api.tokens(5))];
        let defect = stream::once(async move {
            assert_eq!(call.body.len(), 0, "a defect in the body");
            Ok(Bytes::new())
        });
        Ok(UpstreamReply {
            status: StatusCode::OK,
            is_event_stream: true,
            upstream_request_id: None,
            retry_after: None,
            body: stream::iter(first).chain(defect).boxed(),
        })
    }
}

async fn a_panic_before_the_answer_keeps_nothing(store: Store) {
    for api in Api::ALL {
        let house = House::plan(store).provider(Arc::new(Defect::Head)).open().await;
        let reply = house.send(api.ask("Hello?")).await;
        assert_eq!(reply.status, 500);
        let body = reply.json();
        assert_eq!(body["error"]["details"]["error_code"], "internal_error");
        assert!(!body.to_string().contains("defect"), "a bug shows its request id only");
        house.ledger.closed(1).await;
        assert_eq!(house.balance().await.held, Money::ZERO);
        assert_eq!(house.close().await, [], "{api:?}");
    }
}

async fn a_panic_in_mid_stream_keeps_nothing(store: Store) {
    for api in Api::ALL {
        let house = House::plan(store).provider(Arc::new(Defect::Body)).open().await;
        let mut answer = house.start(api.stream("Hello?")).await;
        answer.take(2).await;
        let next: Result<Option<Bytes>, _> = AssertUnwindSafe(answer.next()).catch_unwind().await;
        assert!(next.is_err());
        drop(answer);
        house.ledger.closed(1).await;
        assert_eq!(house.balance().await.held, Money::ZERO);
        assert_eq!(house.close().await.len(), 0, "{api:?}");
    }
}

/// A call of Chat Completions that falls back on two other models; the second one needs more than
/// the first one holds, the third one less.
fn with_fallbacks() -> Call {
    let mut body = Api::Chat.body("Hello?");
    body["model"] = "gpt-5.4-mini".into();
    body["models"] = serde_json::json!(["gpt-5.6", "gpt-5.4-nano"]);
    Call::post(Api::Chat.endpoint(), &body)
}

/// The first model fails; of the reserve that the second one needs nobody knows whether it was
/// made. The third one is covered by the first hold, which must stay until the request is closed.
async fn a_lost_reserve_on_the_way_to_another_model_takes_nothing_away(store: Store) {
    for failure in [Failure::Before, Failure::After] {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        house.ledger.fail_reserves([None, Some(failure), Some(failure)]);
        let feed = provider.begun(Head { status: 500, ..Head::WHOLE });
        feed.send("{}");
        feed.end();
        let mut feed = provider.feed();
        let answer = async {
            provider.called(2).await;
            // What runs in the background has its turn.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert!(!house.ledger.asked().contains(&Asked::Void), "{failure:?}: the first hold is released");
            let first = house.ledger.reserves()[0];
            assert!(house.balance().await.held >= first, "{failure:?}: the call is not covered");
            feed.begin(Ok(Head::WHOLE));
            feed.send(Api::Chat.whole("Hello!", (9, 2)));
            feed.end();
        };
        let (reply, ()) = tokio::join!(house.send(with_fallbacks()), answer);
        assert_eq!((reply.status, house.ledger.reserves().len()), (200, 3), "{failure:?}");
        let records = house.close().await;
        assert_eq!((records.len(), records[0].outcome), (1, Outcome::Completed), "{failure:?}");
        assert_eq!(provider.last_body()["model"], "gpt-5.4-nano", "{failure:?}");
    }
}

/// Nobody waits for what another model would say.
async fn a_client_that_leaves_on_the_way_to_another_model_is_not_called_for(store: Store) {
    let (plan, provider) = House::scripted(store);
    let house = plan.open().await;
    let mut feed = provider.feed();
    let failing = async {
        provider.called(1).await;
        house.ledger.stop_reserves();
        feed.begin(Ok(Head { status: 500, ..Head::WHOLE }));
        feed.send("{}");
        feed.end();
        house.ledger.reserves_asked(2).await;
    };
    tokio::select! {
        biased;
        _answer = house.start(with_fallbacks()) => panic!("the ledger has not answered"),
        () = failing => {}
    }
    house.ledger.let_reserves_pass();
    house.ledger.closed(1).await;
    let records = house.close().await;
    assert_eq!(provider.calls(), 1, "nobody waits for the answer");
    assert_eq!(
        (records.len(), records[0].outcome, records[0].cost()),
        (1, Outcome::UpstreamError, Money::ZERO)
    );
    assert_eq!(records[0].model.as_str(), "gpt-5.4-mini", "the model that was called");
}
