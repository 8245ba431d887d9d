//! What is tried after a failure, which failure is told, and whom it is held against.

use std::time::Duration;

use aiduet_core::dialect::Endpoint;
use aiduet_core::gateway::Upstream;
use aiduet_core::ledger::Outcome;
use aiduet_core::provider::{UpstreamRequestId, Vendor};
use aiduet_core::routing::CircuitState;
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream, deserted_base_url};
use serde_json::json;

use super::failover::{chat_answer, failing_first};
use super::site::{Plan, Site, error, request, serving, upstream, with};

const CHAT: Endpoint = Endpoint::ChatCompletions;
const MODEL: &str = "gpt-5.4-mini";

/// Upstreams of one vendor in this order.
fn in_order(plan: Plan, addresses: &[String]) -> Plan {
    addresses.iter().zip(0..).fold(plan, |plan, (address, priority)| {
        let name = format!("number-{priority}");
        plan.upstream(Upstream { priority, ..upstream(Vendor::OpenAi, &name, address) })
    })
}

#[tokio::test]
async fn a_failure_that_may_pass_is_repeated_whichever_upstream_had_it() {
    for passing_is_first in [true, false] {
        let passing = failing_first(1, error(500, "server_error"), chat_answer()).await;
        let refusing = FakeUpstream::always(error(401, "authentication_error")).await;
        let mut addresses = [passing.base_url(), refusing.base_url()];
        if !passing_is_first {
            addresses.reverse();
        }
        let site = in_order(Plan::new(), &addresses).open().await;
        let reply = site.ask(CHAT, &request(CHAT, MODEL, "Hello?")).await;
        assert_eq!(reply.status, 200, "{passing_is_first}: {}", reply.text);
        assert_eq!((passing.seen().len(), refusing.seen().len()), (2, 1), "{passing_is_first}");
        site.close().await;
    }
}

#[tokio::test]
async fn of_several_models_the_failure_of_the_first_is_told() {
    let limited = Act::answer(
        429,
        &[("content-type", "application/json"), ("retry-after", "60")],
        br#"{"error":{"type":"rate_limit_error","code":"rate_limit_exceeded","message":"m"}}"#,
    );
    let limited = FakeUpstream::always(vec![limited]).await;
    let failing = FakeUpstream::always(error(500, "api_error")).await;
    let site = Plan::new()
        .upstream(upstream(Vendor::OpenAi, "limited", &limited.base_url()))
        .upstream(upstream(Vendor::Anthropic, "failing", &failing.base_url()))
        .open()
        .await;
    let body = with(request(CHAT, MODEL, "Hello?"), &json!({"models": ["claude-sonnet-4-6"]}));
    let reply = site.ask(CHAT, &body).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "60"), "{}", reply.text);
    assert_eq!((limited.seen().len(), failing.seen().len()), (1, 1));
    site.close().await;
}

#[tokio::test]
async fn no_request_is_tried_more_than_twelve_times() {
    let failing = FakeUpstream::always(error(500, "server_error")).await;
    let addresses: Vec<String> = (0..14).map(|_index| failing.base_url()).collect();
    let site = in_order(Plan::new(), &addresses).open().await;
    let reply = site.ask(CHAT, &request(CHAT, MODEL, "Hello?")).await;
    assert_eq!((reply.status, failing.seen().len()), (502, 12), "{}", reply.text);
    let records = site.close().await;
    assert_eq!(records[0].attempts.len(), 12);
}

#[tokio::test]
async fn the_providers_name_for_the_request_survives_an_attempt_that_has_none() {
    let headers = [("content-type", "application/json"), ("x-request-id", "req_first")];
    let failing = FakeUpstream::always(vec![Act::answer(500, &headers, b"{}")]).await;
    let addresses = [failing.base_url(), deserted_base_url().await];
    let site = in_order(Plan::new(), &addresses).settings(|it| it.routing.repeats_max = 0).open().await;
    assert_eq!(site.ask(CHAT, &request(CHAT, MODEL, "Hello?")).await.status, 502);
    let records = site.close().await;
    let told = records[0].upstream_request_id.as_ref().map(UpstreamRequestId::as_str);
    assert_eq!((records[0].attempts.len(), told), (2, Some("req_first")));
}

#[tokio::test]
async fn a_call_that_the_client_gave_up_is_not_held_against_the_upstream() {
    for stream in [false, true] {
        let (silent, mut called) = silent().await;
        let site = Plan::new()
            .upstream(upstream(Vendor::OpenAi, "silent", &silent.base_url()))
            .settings(|settings| {
                settings.routing.deadline = Duration::from_secs(60);
                settings.gateway.drain_seconds = 0;
                settings.routing.circuit.calls_min = 1;
                settings.routing.circuit.failure_percent = 1;
            })
            .open()
            .await;
        let body = with(request(CHAT, MODEL, "Hello?"), &json!({"stream": stream}));
        tokio::select! {
            reply = site.ask(CHAT, &body) => panic!("answered: {}", reply.text),
            called = called.recv() => called.unwrap(),
        }
        site.app.gateway().idle().await;
        assert_eq!(circuits(&site), [CircuitState::Closed], "stream: {stream}");
        let records = site.close().await;
        let outcomes: Vec<_> = records.iter().map(|record| (record.outcome, record.attempts.len())).collect();
        assert_eq!(outcomes, [(Outcome::ClientDisconnectedEstimated, 1)], "stream: {stream}");
    }
}

/// An upstream that never answers, and says when it is called.
async fn silent() -> (FakeUpstream, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let (call, called) = tokio::sync::mpsc::unbounded_channel();
    let silent = FakeUpstream::scripted(move |_request| {
        call.send(()).ok();
        vec![Act::Hang]
    });
    (silent.await, called)
}

fn circuits(site: &Site) -> Vec<CircuitState> {
    site.app.gateway().health().iter().map(|upstream| upstream.circuit).collect()
}

#[tokio::test]
async fn a_stream_that_is_slow_to_begin_moves_on_when_patience_is_over() {
    let head = Act::chunked_head(200, &[("content-type", "text/event-stream")]);
    let slow = FakeUpstream::always(vec![head, Act::Hang]).await;
    let healthy = serving().await;
    let site = in_order(Plan::new(), &[slow.base_url(), healthy.base_url()])
        .settings(|settings| settings.routing.deadline = Duration::from_secs(60))
        .open()
        .await;
    let body = with(request(CHAT, MODEL, "simulate:say=Here."), &json!({"stream": true}));
    let begun = tokio::time::Instant::now();
    let reply = site.ask(CHAT, &body).await;
    assert_eq!((reply.status, reply.said(CHAT).as_str()), (200, "Here."), "{}", reply.text);
    assert!(begun.elapsed() < Duration::from_secs(25), "half of the deadline is not patience");
    assert_eq!((slow.seen().len(), healthy.seen().len()), (1, 1));
    site.close().await;
}
