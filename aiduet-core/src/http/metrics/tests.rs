use super::*;
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::id::{AccountId, ApiKeyId, RequestId};
use crate::ledger::{Balance, Outcome};
use crate::money::Money;
use crate::price::{Bill, ModelId};
use crate::usage::{Usage, UsageFlags};

fn record(outcome: Outcome) -> RequestRecord {
    let id = uuid::Uuid::from_u128(7);
    RequestRecord {
        id: RequestId::from_uuid(id),
        account: AccountId::from_uuid(id),
        key: ApiKeyId::from_uuid(id),
        endpoint: Endpoint::Messages,
        stream: true,
        model: ModelId::parse("claude-opus-4-8").unwrap(),
        vendor: Vendor::Anthropic,
        upstream_request_id: None,
        started_at: Timestamp::from_millis(0),
        first_byte: Some(Duration::from_millis(300)),
        duration: Duration::from_secs(2),
        status: 200,
        outcome,
        finish: None,
        usage: Usage { input: 10, cache_read: 4, output: 7, ..Usage::default() },
        flags: UsageFlags::default(),
        bill: Bill { charge: Money::from_nanos(421_000), ..Bill::default() },
        attempts: Vec::new(),
        duet: None,
    }
}

fn settlement(state: SettlementState) -> Settlement {
    let charged = Money::from_nanos(421_000);
    Settlement { charged, overage: Money::ZERO, balance: Balance::default(), state }
}

#[track_caller]
fn shows(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "no line {line} in\n{text}");
}

#[test]
fn a_settled_call_is_counted_by_provider_model_and_outcome() {
    let metrics = Metrics::new();
    metrics.settled(&record(Outcome::Completed), &settlement(SettlementState::Booked));
    metrics.settled(&record(Outcome::ClientDisconnected), &settlement(SettlementState::Booked));
    let text = metrics.render();
    let origin = r#"provider="anthropic",model="claude-opus-4-8""#;
    for line in [
        format!(r#"aiduet_gateway_requests_total{{{origin},operation="messages",outcome="ok"}} 1"#),
        format!(r#"aiduet_gateway_requests_total{{{origin},operation="messages",outcome="cancelled"}} 1"#),
        format!(r#"aiduet_gateway_tokens_total{{{origin},type="cached_read"}} 8"#),
        format!(r#"aiduet_gateway_tokens_total{{{origin},type="output"}} 14"#),
        format!(r#"aiduet_gateway_duration_seconds_count{{{origin},stream="true"}} 2"#),
        format!(r#"aiduet_gateway_time_to_first_token_seconds_sum{{{origin}}} 0.6"#),
        format!(r#"aiduet_billing_charged_usd_total{{{origin}}} 0.000842"#),
        format!(r#"aiduet_billing_upstream_cost_usd_total{{{origin}}} 0.000842"#),
    ] {
        shows(&text, &line);
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn money_of_a_replayed_settlement_is_not_counted_again() {
    let metrics = Metrics::new();
    metrics.settled(&record(Outcome::Completed), &settlement(SettlementState::Booked));
    metrics.settled(&record(Outcome::Completed), &settlement(SettlementState::Replayed));
    metrics.settled(&record(Outcome::Completed), &settlement(SettlementState::Late));
    let text = metrics.render();
    shows(
        &text,
        r#"aiduet_billing_charged_usd_total{provider="anthropic",model="claude-opus-4-8"} 0.000842"#,
    );
    shows(&text, "aiduet_billing_settlements_late_total 1");
}

#[test]
fn refusals_failures_and_sweeps_are_counted_by_kind() {
    let metrics = Metrics::new();
    metrics.refused(&Refusal { class: ErrorClass::InsufficientFunds });
    metrics.upstream_failed(Vendor::OpenAi, UpstreamFailure::RateLimited { retry_after: None });
    metrics.reserved(Duration::from_micros(300));
    metrics.streams_changed(1);
    metrics.streams_changed(1);
    metrics.streams_changed(-1);
    metrics.swept(Swept { recovered: 3, lost: 0 });
    metrics.delivered(Deliveries { delivered: 2, ..Deliveries::default() });
    let text = metrics.render();
    for line in [
        r#"aiduet_gateway_requests_total{provider="other",model="other",operation="other",outcome="refused"} 1"#,
        r#"aiduet_gateway_refusals_total{class="insufficient_funds"} 1"#,
        r#"aiduet_upstream_errors_total{provider="openai",kind="429"} 1"#,
        r#"aiduet_gateway_overhead_seconds_bucket{le="0.0005",phase="reserve"} 1"#,
        "aiduet_gateway_streams_active 1",
        r#"aiduet_billing_reservations_expired_total{outcome="recovered"} 3"#,
        r#"aiduet_notices_total{outcome="delivered"} 2"#,
    ] {
        shows(&text, line);
    }
    assert!(!text.contains(r#"outcome="lost""#));
}

#[test]
fn a_request_is_in_flight_until_its_guard_is_dropped() {
    let metrics = Metrics::new();
    let guard = metrics.begin("/v1/messages");
    shows(&metrics.render(), r#"aiduet_http_requests_in_flight{surface="v1"} 1"#);
    drop(guard);
    shows(&metrics.render(), r#"aiduet_http_requests_in_flight{surface="v1"} 0"#);
}

#[test]
fn methods_that_a_client_invents_become_other() {
    let metrics = Metrics::new();
    let method = Method::from_bytes(b"MY-SECRET").unwrap();
    let took = Duration::from_millis(1);
    metrics.answered(&Measured { route: "/v1/messages", method: &method, status: StatusCode::OK, took });
    let text = metrics.render();
    shows(
        &text,
        r#"aiduet_http_requests_total{surface="v1",route="/v1/messages",method="other",status="200"} 1"#,
    );
    assert!(!text.contains("SECRET"));
}
