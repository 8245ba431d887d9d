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
use super::doubles::{Failure, Head};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_client_that_leaves_before_its_call_is_made_pays_nothing
    a_panic_before_the_answer_keeps_nothing
    a_panic_in_mid_stream_keeps_nothing
    a_lost_reserve_on_the_way_to_another_model_takes_nothing_away
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

/// The first model fails; of the reserve that the second one needs nobody knows whether it was
/// made. The first hold must stay until the request is closed.
async fn a_lost_reserve_on_the_way_to_another_model_takes_nothing_away(store: Store) {
    for failure in [Failure::Before, Failure::After] {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        house.ledger.fail_reserves([None, Some(failure)]);
        let mut body = Api::Chat.body("Hello?");
        body["model"] = "gpt-5.6-luna".into();
        body["models"] = serde_json::json!(["gpt-5.6"]);
        let feed = provider.begun(Head { status: 500, ..Head::WHOLE });
        feed.send("{}");
        feed.end();
        // Whatever is tried next finds this.
        let feed = provider.begun(Head::WHOLE);
        feed.send(Api::Chat.whole("Hello!", (9, 2)));
        feed.end();
        let reply = house.send(Call::post(Api::Chat.endpoint(), &body)).await;
        assert_eq!(house.ledger.reserves().len(), 2, "the dearer model needs more");
        let records = house.close().await;
        assert_eq!(records.len(), 1);
        let outcome = if reply.status == 200 { Outcome::Completed } else { Outcome::UpstreamError };
        assert_eq!(records[0].outcome, outcome, "{failure:?}");
    }
}
