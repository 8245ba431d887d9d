//! The endpoints that generate nothing: embeddings, which are billed, and counting, which is free.

use aiduet_core::dialect::{Dialect, Endpoint};
use aiduet_core::gateway::DisconnectPolicy;
use aiduet_core::ledger::Outcome;
use aiduet_core::money::Money;
use aiduet_core::provider::{ProviderError, Stage};
use serde_json::{Value, json};

use super::House;
use super::call::{Call, Reply, len, price};
use super::doubles::{Head, ScriptedProvider};
use crate::databases::{Store, on_each_store};

on_each_store! {
    embeddings_are_charged_their_input
    embeddings_that_fail_are_free
    counting_that_fails_leaves_nothing
}

/// List price of text-embedding-3-small in pico-dollars a token.
const EMBEDDING: u64 = 20_000;

fn embed(input: &Value) -> Call {
    Call::post(Endpoint::Embeddings, &json!({"model": "text-embedding-3-small", "input": input}))
}

fn count() -> Call {
    let messages = json!([{"role": "user", "content": "Hello?"}]);
    Call::post(Endpoint::CountTokens, &json!({"model": "claude-haiku-4-5", "messages": messages}))
}

/// Answers the next call.
fn answer(provider: &ScriptedProvider, status: u16, body: &str) {
    let feed = provider.begun(Head { status, ..Head::WHOLE });
    feed.send(body.to_owned());
    feed.end();
}

async fn embeddings_are_charged_their_input(store: Store) {
    let (plan, provider) = House::scripted(store);
    let house = plan.open().await;
    let call = embed(&json!(["one", "two"]));
    let bytes = len(&call.body);
    let mut expected = Vec::new();
    for (usage, outcome, tokens) in [
        (json!({"prompt_tokens": 7, "total_tokens": 7}), Outcome::Completed, 7),
        (Value::Null, Outcome::CompletedEstimated, bytes.div_ceil(4)),
        // More than the text has bytes is nonsense.
        (json!({"prompt_tokens": 1_000_000_000_000_u64}), Outcome::Completed, bytes),
    ] {
        answer(&provider, 200, &json!({"object": "list", "data": [], "usage": usage}).to_string());
        let reply = house.send(call.clone()).await;
        assert_eq!(reply.status, 200);
        let cost = price(&[(tokens, EMBEDDING)]);
        assert_eq!(reply.header("x-aiduet-cost"), cost.to_string(), "{usage}");
        expected.push((outcome, cost));
    }
    let records = house.close().await;
    let found: Vec<_> = records.iter().map(|record| (record.outcome, record.cost())).collect();
    assert_eq!(found, expected);
}

/// The status and code of an error.
fn told(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["error"]["details"]["error_code"].as_str().unwrap().to_owned())
}

async fn embeddings_that_fail_are_free(store: Store) {
    let (plan, provider) = House::scripted(store);
    let house = plan.gateway(|gateway| gateway.answer_bytes_max = 1_000).open().await;
    let large = format!("{{\"data\":\"{}\"}}", "a".repeat(1_000));
    for (status, body, expected) in [
        (401, "{}", (503, "upstream_unavailable")),
        (429, "{}", (429, "rate_limit_exceeded")),
        (500, "{}", (502, "upstream_error")),
        (200, "garbage", (502, "upstream_error")),
        (200, r#"{"error":{"type":"server_error"}}"#, (502, "upstream_error")),
        (200, large.as_str(), (502, "upstream_error")),
    ] {
        answer(&provider, status, body);
        let reply = house.send(embed(&json!("one"))).await;
        assert_eq!(told(&reply), (expected.0, expected.1.to_owned()), "{status}");
        assert_eq!(reply.json()["error"].as_object().unwrap().len(), 5, "the shape of this dialect");
    }
    for record in house.close().await {
        assert_eq!((record.outcome, record.cost()), (Outcome::UpstreamError, Money::ZERO));
    }
}

async fn counting_that_fails_leaves_nothing(store: Store) {
    let (plan, provider) = House::scripted(store);
    let house = plan.open().await;
    for (status, expected) in [
        (401, (503, "upstream_unavailable")),
        (402, (503, "upstream_unavailable")),
        (403, (503, "upstream_unavailable")),
        (404, (404, "model_not_found")),
        (408, (504, "upstream_timeout")),
        (413, (413, "request_too_large")),
        (429, (429, "rate_limit_exceeded")),
        (500, (502, "upstream_error")),
        (503, (529, "overloaded")),
        (529, (529, "overloaded")),
    ] {
        answer(&provider, status, r#"{"type":"error","error":{"type":"x","message":"secret"}}"#);
        let reply = house.send(count()).await;
        assert_eq!(told(&reply), (expected.0, expected.1.to_owned()), "{status}");
        assert_eq!(reply.json()["type"], "error");
        assert!(!String::from_utf8_lossy(&reply.body).contains("secret"));
    }
    for (error, status) in [
        (ProviderError::Connect, 503),
        (ProviderError::Timeout { stage: Stage::Head }, 504),
        (ProviderError::Broken { stage: Stage::Head }, 502),
    ] {
        provider.feed().begin(Err(error));
        assert_eq!(house.send(count()).await.status, status);
    }
    let refusal =
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"about the request"}}"#;
    answer(&provider, 400, refusal);
    let reply = house.send(count()).await;
    assert_eq!((reply.status, &reply.body[..]), (400, refusal.as_bytes()));
    assert_eq!(reply.header("x-should-retry"), "false");
    assert_eq!(house.ledger.asked(), []);
    assert_eq!(house.close().await, []);
}

/// Nothing depends on an answer that is free, so nobody waits for it.
#[tokio::test]
async fn a_client_that_leaves_a_count_ends_it() {
    for policy in [DisconnectPolicy::Drain, DisconnectPolicy::Cancel] {
        let (plan, provider) = House::scripted(Store::Memory);
        let house = plan.gateway(|gateway| gateway.disconnect = policy).open().await;
        let feed = provider.feed();
        tokio::select! {
            _answer = house.start(count()) => panic!("there is no answer yet"),
            () = provider.called(1) => {}
        }
        feed.is_cancelled().await;
        house.close().await;
    }
}

/// A client of one dialect never sees the shape of the other one, whatever fails.
#[tokio::test]
async fn free_and_billed_errors_have_the_shape_of_their_path() {
    for (endpoint, call) in [(Endpoint::Embeddings, embed(&json!("one"))), (Endpoint::CountTokens, count())] {
        let (plan, provider) = House::scripted(Store::Memory);
        let house = plan.open().await;
        answer(&provider, 500, "<html>");
        let body = house.send(call).await.json();
        assert_eq!(body.get("type").is_some(), endpoint.dialect() == Dialect::Anthropic, "{body}");
        house.close().await;
    }
}
