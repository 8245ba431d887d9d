//! Providers that fail: what the client is told, and that nobody pays for nothing.

use std::time::Duration;

use aiduet_core::dialect::Dialect;
use aiduet_core::ledger::{AttemptResult, Outcome};
use aiduet_core::money::Money;
use aiduet_core::provider::{ProviderError, Stage};
use serde_json::{Value, json};

use super::House;
use super::call::{Api, Reply, events, len};
use super::doubles::{Asked, Head};
use crate::databases::{Store, on_each_store};

on_each_store! {
    an_error_before_the_answer_is_told_in_the_clients_dialect_and_is_free
    an_error_about_the_request_passes_in_the_providers_words
    trouble_of_the_operator_is_not_the_callers
    a_connection_that_breaks_before_the_answer_is_free
    an_answer_without_usage_is_counted
    impossible_usage_is_charged_at_most_what_was_held
    a_whole_answer_that_says_it_failed_is_an_error_and_free
    garbage_is_not_an_answer
}

/// What the error of an answer says: its type, and our own stable code.
fn told(api: Api, reply: &Reply) -> (String, String) {
    assert_eq!(reply.header("content-type"), "application/json");
    let body = reply.json();
    let error = &body["error"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    assert!(!text(&error["message"]).is_empty());
    match api.endpoint().dialect() {
        Dialect::OpenAi => {
            for name in ["message", "type", "param", "code"] {
                assert!(error.get(name).is_some(), "{body}");
            }
            assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        }
        Dialect::Anthropic => {
            assert_eq!(body["type"], "error");
            assert_eq!(body["request_id"], reply.header("request-id"), "{body}");
        }
    }
    assert!(!reply.header("x-request-id").is_empty());
    (text(&error["type"]), text(&error["details"]["error_code"]))
}

/// An error as a provider words it, with something that no client may see.
pub(super) fn error_of(api: Api, kind: &str, code: Option<&str>) -> String {
    let error = json!({"type": kind, "code": code, "param": null, "message": "secret of the operator"});
    match api.endpoint().dialect() {
        Dialect::OpenAi => json!({"error": error}),
        Dialect::Anthropic => json!({"type": "error", "error": error, "request_id": "req_upstream"}),
    }
    .to_string()
}

struct Case {
    status: u16,
    /// Status and error type in the OpenAI dialect.
    openai: (u16, &'static str),
    /// The same in the Anthropic dialect.
    anthropic: (u16, &'static str),
    code: &'static str,
}

const fn case(
    status: u16,
    openai: (u16, &'static str),
    anthropic: (u16, &'static str),
    code: &'static str,
) -> Case {
    Case { status, openai, anthropic, code }
}

const UNAVAILABLE: ((u16, &str), (u16, &str)) = ((503, "server_error"), (503, "api_error"));
const FAILED: ((u16, &str), (u16, &str)) = ((502, "server_error"), (502, "api_error"));
const LATE: ((u16, &str), (u16, &str)) = ((504, "server_error"), (504, "timeout_error"));
const OVERLOADED: ((u16, &str), (u16, &str)) =
    ((503, "service_unavailable_error"), (529, "overloaded_error"));

/// Every status of the two vendors that is not about the request itself.
const CASES: [Case; 13] = [
    case(401, UNAVAILABLE.0, UNAVAILABLE.1, "upstream_unavailable"),
    case(402, UNAVAILABLE.0, UNAVAILABLE.1, "upstream_unavailable"),
    case(403, UNAVAILABLE.0, UNAVAILABLE.1, "upstream_unavailable"),
    case(404, (404, "invalid_request_error"), (404, "not_found_error"), "model_not_found"),
    case(408, LATE.0, LATE.1, "upstream_timeout"),
    case(413, (413, "invalid_request_error"), (413, "request_too_large"), "request_too_large"),
    case(429, (429, "rate_limit_error"), (429, "rate_limit_error"), "rate_limit_exceeded"),
    case(500, FAILED.0, FAILED.1, "upstream_error"),
    case(501, FAILED.0, FAILED.1, "upstream_error"),
    case(502, FAILED.0, FAILED.1, "upstream_error"),
    case(503, OVERLOADED.0, OVERLOADED.1, "overloaded"),
    case(504, LATE.0, LATE.1, "upstream_timeout"),
    case(529, OVERLOADED.0, OVERLOADED.1, "overloaded"),
];

async fn an_error_before_the_answer_is_told_in_the_clients_dialect_and_is_free(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        for Case { status, openai, anthropic, code } in CASES {
            for call in [api.ask("Hello?"), api.stream("Hello?")] {
                // A longer wait would hang clients that sleep whatever they are told.
                let wait = Duration::from_secs(if call.body == api.ask("Hello?").body { 7 } else { 3_600 });
                let retry_after = (status == 429).then_some(wait);
                let feed = provider.begun(Head { status, is_event_stream: false, retry_after });
                feed.send(error_of(api, "some_error", None));
                feed.end();
                let reply = house.send(call).await;
                let expected = if api == Api::Messages { anthropic } else { openai };
                let (kind, told_code) = told(api, &reply);
                assert_eq!((reply.status, kind.as_str()), expected, "{api:?} {status}");
                assert_eq!(told_code, code, "{api:?} {status}");
                assert!(!String::from_utf8_lossy(&reply.body).contains("secret"), "{api:?} {status}");
                let hopeless = matches!(reply.status, 404 | 413);
                assert_eq!(reply.header("x-should-retry"), if hopeless { "false" } else { "" }, "{status}");
                let wait = match reply.status {
                    429 if retry_after == Some(Duration::from_secs(7)) => "7",
                    429 => "60",
                    503 | 529 if code == "overloaded" => "5",
                    503 => "30",
                    _ => "",
                };
                assert_eq!(reply.header("retry-after"), wait, "{api:?} {status}");
            }
        }
        assert!(!house.ledger.asked().iter().any(|asked| matches!(asked, Asked::Settle(_))));
        assert_eq!(house.balance().await.used, Money::ZERO);
        let records = house.close().await;
        assert_eq!(records.len(), 2 * CASES.len());
        for (record, case) in records.iter().zip(CASES.iter().flat_map(|case| [case, case])) {
            assert_eq!((record.outcome, record.cost()), (Outcome::UpstreamError, Money::ZERO));
            assert_eq!(record.attempts.len(), 1);
            assert_eq!(record.attempts[0].result, AttemptResult::Status(case.status));
        }
    }
}

async fn an_error_about_the_request_passes_in_the_providers_words(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        for status in [400, 405, 409, 415, 422] {
            let body = error_of(api, "invalid_request_error", Some("invalid_value"));
            let feed = provider.begun(Head { status, is_event_stream: false, retry_after: None });
            feed.send(body.clone());
            feed.end();
            let reply = house.send(api.stream("Hello?")).await;
            assert_eq!((reply.status, &reply.body[..]), (status, body.as_bytes()), "{api:?}");
            assert_eq!(reply.header("x-should-retry"), "false");
            assert_eq!(reply.header("content-type"), "application/json");
            assert_eq!(reply.header("x-aiduet-cost"), "0.000000000");
        }
        for record in house.close().await {
            assert_eq!((record.outcome, record.cost()), (Outcome::UpstreamError, Money::ZERO));
        }
    }
}

async fn trouble_of_the_operator_is_not_the_callers(store: Store) {
    let cases = [
        (429, r#"{"error":{"type":"insufficient_quota","code":"credit_balance_exhausted","message":"m"}}"#),
        (
            429,
            r#"{"error":{"type":"x","code":"organization_spend_limit_exceeded","message":"m","param":null}}"#,
        ),
        (429, r#"{"error":{"type":"insufficient_quota","code":7,"message":"m"}}"#),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
        ),
        (
            400,
            r#"{"error":{"type":"invalid_request_error","code":4,"message":"Your credit balance is too low"}}"#,
        ),
        (402, r#"{"type":"error","error":{"type":"billing_error","message":"m"}}"#),
        (
            429,
            r#"{"type":"error","error":{"type":"x","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
        ),
        (401, r#"{"error":{"type":"invalid_request_error","code":"invalid_api_key","message":"m"}}"#),
        (403, r#"{"error":{"type":"permission_error","message":"m"}}"#),
        (401, "<html>"),
        (403, ""),
    ];
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        for (status, body) in cases {
            let feed = provider.begun(Head { status, is_event_stream: false, retry_after: None });
            feed.send(body);
            feed.end();
            let reply = house.send(api.ask("Hello?")).await;
            let (kind, code) = told(api, &reply);
            let expected = if api == Api::Messages { "api_error" } else { "server_error" };
            assert_eq!((reply.status, kind.as_str()), (503, expected), "{api:?} {status} {body}");
            assert_eq!(code, "upstream_unavailable", "{api:?} {status} {body}");
            let text = String::from_utf8_lossy(&reply.body).to_lowercase();
            for word in ["credit", "quota", "billing", "api key", "api_key", "spend", "balance"] {
                assert!(!text.contains(word), "{text}");
            }
        }
        assert_eq!(house.balance().await.used, Money::ZERO);
        house.close().await;
    }
}

async fn a_connection_that_breaks_before_the_answer_is_free(store: Store) {
    let before_the_head = [
        (ProviderError::Connect, 503, AttemptResult::Connect),
        (ProviderError::Timeout { stage: Stage::Connect }, 503, AttemptResult::Timeout),
        (ProviderError::Timeout { stage: Stage::Head }, 504, AttemptResult::Timeout),
        (ProviderError::Broken { stage: Stage::Head }, 502, AttemptResult::Broken),
        (ProviderError::TooLarge, 502, AttemptResult::Broken),
    ];
    let in_the_body = [
        (ProviderError::Timeout { stage: Stage::Body }, 504, AttemptResult::Timeout),
        (ProviderError::Broken { stage: Stage::Body }, 502, AttemptResult::Broken),
        (ProviderError::TooLarge, 502, AttemptResult::Broken),
    ];
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        let mut attempts = Vec::new();
        for (error, status, attempt) in before_the_head {
            for call in [api.ask("Hello?"), api.stream("Hello?")] {
                provider.feed().begin(Err(error));
                let reply = house.send(call).await;
                assert_eq!(reply.status, status, "{api:?} {error}");
                told(api, &reply);
                attempts.push(attempt);
            }
        }
        for (error, status, attempt) in in_the_body {
            let feed = provider.begun(Head::WHOLE);
            let whole = api.whole("Hello!", (9, 2));
            feed.send(whole.slice(..whole.len() / 2));
            feed.fail(error);
            let reply = house.send(api.ask("Hello?")).await;
            assert_eq!(reply.status, status, "{api:?} {error}");
            told(api, &reply);
            attempts.push(attempt);
        }
        let records = house.close().await;
        assert_eq!(records.len(), attempts.len());
        for (record, attempt) in records.iter().zip(attempts) {
            assert_eq!((record.outcome, record.cost()), (Outcome::UpstreamError, Money::ZERO));
            assert_eq!(record.attempts[0].result, attempt);
        }
    }
}

async fn an_answer_without_usage_is_counted(store: Store) {
    const TEXT: &str = "simulate:no_usage simulate:say=0123456789";
    for api in Api::ALL {
        let house = House::open(store).await;
        for call in [api.ask(TEXT), api.stream(TEXT)] {
            assert_eq!(house.send(call).await.status, 200);
        }
        for (record, call) in house.close().await.iter().zip([api.ask(TEXT), api.stream(TEXT)]) {
            assert_eq!((record.outcome, record.flags.estimated), (Outcome::CompletedEstimated, true));
            // Ten letters are two tokens and a half.
            assert_eq!(record.cost(), api.price((len(&call.body).div_ceil(4), 3)), "{api:?}");
        }
    }
}

async fn impossible_usage_is_charged_at_most_what_was_held(store: Store) {
    const TEXT: &str = "simulate:usage=1000000000000000000";
    for api in Api::ALL {
        let house = House::open(store).await;
        for call in [api.ask(TEXT), api.stream(TEXT)] {
            assert_eq!(house.send(call).await.status, 200);
        }
        let held = house.ledger.reserves();
        for ((record, call), held) in
            house.close().await.iter().zip([api.ask(TEXT), api.stream(TEXT)]).zip(held)
        {
            assert_eq!((record.outcome, record.flags.clamped), (Outcome::Completed, true));
            assert_eq!(record.cost(), api.price((len(&call.body), 1_000)), "{api:?}");
            assert!(record.cost() <= held);
        }
    }
}

async fn a_whole_answer_that_says_it_failed_is_an_error_and_free(store: Store) {
    let errors = [
        (("server_error", "server_error"), "api_error", 502),
        (("x", "server_is_overloaded"), "overloaded_error", 503),
        (("x", "rate_limit_exceeded"), "rate_limit_error", 503),
        (("x", "insufficient_quota"), "billing_error", 503),
    ];
    let whole = |api, kind: &str, code: &str| match api {
        Api::Responses => {
            let error = json!({"code": code, "message": "secret of the operator"});
            let usage = json!({"input_tokens": 9, "output_tokens": 5});
            json!({"id": "resp_1", "status": "failed", "output": [], "error": error, "usage": usage})
                .to_string()
        }
        Api::Chat | Api::Messages => error_of(api, kind, Some(code)),
    };
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        for ((kind, code), anthropic_kind, status) in errors {
            let kind = if api == Api::Messages { anthropic_kind } else { kind };
            let feed = provider.begun(Head::WHOLE);
            feed.send(whole(api, kind, code));
            feed.end();
            let reply = house.send(api.ask("Hello?")).await;
            let overloaded = api == Api::Messages && kind == "overloaded_error";
            assert_eq!(reply.status, if overloaded { 529 } else { status }, "{api:?} {kind} {code}");
            told(api, &reply);
            assert!(!String::from_utf8_lossy(&reply.body).contains("secret"));
        }
        // What is about the request passes.
        let feed = provider.begun(Head::WHOLE);
        let body = whole(api, "invalid_request_error", "invalid_prompt");
        feed.send(body.clone());
        feed.end();
        let reply = house.send(api.ask("Hello?")).await;
        let status = if api == Api::Responses { 200 } else { 400 };
        assert_eq!((reply.status, &reply.body[..]), (status, body.as_bytes()), "{api:?}");
        for record in house.close().await {
            assert_eq!((record.outcome, record.cost()), (Outcome::UpstreamError, Money::ZERO), "{api:?}");
        }
    }
}

async fn garbage_is_not_an_answer(store: Store) {
    let garbage: [&[u8]; 6] =
        [b"", b"{", b"[]", b"<html></html>", b"\xff\xfe\x00", b"{\"usage\":{}} trailing"];
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        for bytes in garbage {
            for status in [200, 400] {
                let feed = provider.begun(Head { status, ..Head::WHOLE });
                feed.send(bytes);
                feed.end();
                let reply = house.send(api.ask("Hello?")).await;
                assert_eq!(
                    (reply.status, told(api, &reply).1.as_str()),
                    (502, "upstream_error"),
                    "{status} {bytes:?}"
                );
            }
            let feed = provider.begun(Head::STREAM);
            feed.send(bytes);
            feed.end();
            let reply = house.send(api.stream("Hello?")).await;
            assert_eq!(reply.status, 200);
            assert!(
                events(&[reply.body]).pop().unwrap().to_string().contains("upstream_error")
                    || api == Api::Messages
            );
        }
        // Events where none were asked for.
        let feed = provider.begun(Head::STREAM);
        feed.send(api.opening(9));
        let reply = house.send(api.ask("Hello?")).await;
        assert_eq!((reply.status, told(api, &reply).1.as_str()), (502, "upstream_error"));
        assert_eq!(house.balance().await.used, Money::ZERO);
        house.close().await;
    }
}
