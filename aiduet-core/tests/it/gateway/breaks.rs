//! Streams that break in the middle: how they end for the client, and what they cost.

use aiduet_core::ledger::Outcome;
use aiduet_core::money::Money;
use aiduet_core::provider::{ProviderError, Stage};
use serde_json::json;

use super::House;
use super::call::{Api, events, len};
use super::doubles::Head;
use super::faults::error_of;
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_break_in_mid_stream_is_charged_what_was_streamed
    an_error_inside_a_stream_is_charged_what_was_streamed
    a_stream_that_fails_before_any_output_is_free
}

/// Checks that a stream ends with an error in its dialect and returns the code or type of it.
fn last_error(api: Api, body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap();
    assert!(text.ends_with("\n\n") && !text.contains("secret"), "{text}");
    let last = events(&[body.to_vec().into()]).pop().unwrap();
    let (error, word) = match api {
        Api::Chat => {
            assert!(!text.contains("[DONE]"), "an SDK takes that for a good end");
            (&last["error"], "code")
        }
        Api::Responses => {
            assert_eq!(
                (&last["type"], &last["response"]["status"]),
                (&json!("response.failed"), &json!("failed"))
            );
            assert_eq!(last["response"]["id"], "resp_1");
            assert!(text.contains("event: response.failed\n"));
            (&last["response"]["error"], "code")
        }
        Api::Messages => {
            assert_eq!(last["type"], "error");
            assert!(
                last["request_id"].as_str().unwrap().starts_with("req_") && text.contains("event: error\n")
            );
            (&last["error"], "type")
        }
    };
    assert!(error["message"].is_string());
    error[word].as_str().unwrap().to_owned()
}

/// What is counted where the provider did not come to report: the prompt by its bytes, except on
/// Messages, which reports it at once.
fn prompt(api: Api) -> u64 {
    if api == Api::Messages { 9 } else { len(&api.stream("Hello?").body).div_ceil(4) }
}

async fn a_break_in_mid_stream_is_charged_what_was_streamed(store: Store) {
    let breaks = [
        (Some(ProviderError::Broken { stage: Stage::Body }), ["upstream_error", "api_error"]),
        (Some(ProviderError::Timeout { stage: Stage::Body }), ["upstream_timeout", "timeout_error"]),
        (None, ["upstream_error", "api_error"]),
    ];
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        for (error, words) in breaks {
            let feed = provider.begun(Head::STREAM);
            for piece in [api.opening(9), api.tokens(3), api.tokens(2)] {
                feed.send(piece);
            }
            match error {
                Some(error) => feed.fail(error),
                None => feed.end(),
            }
            let reply = house.send(api.stream("Hello?")).await;
            assert_eq!(reply.status, 200);
            let word = last_error(api, &reply.body);
            assert_eq!(word, words[usize::from(api == Api::Messages)], "{api:?} {error:?}");
        }
        for record in house.close().await {
            assert_eq!((record.outcome, record.flags.estimated), (Outcome::UpstreamInterrupted, true));
            assert_eq!(record.cost(), api.price((prompt(api), 5)), "{api:?}");
        }
    }
}

/// An event by which a provider says in mid-stream that it failed.
fn error_event(api: Api, kind: &str, code: &str) -> String {
    match api {
        Api::Chat => format!("data: {}\n\n", error_of(api, kind, Some(code))),
        Api::Responses => {
            let error = json!({"code": code, "message": "secret of the operator"});
            let response = json!({"id": "resp_1", "status": "failed", "output": [], "error": error});
            let event = json!({"type": "response.failed", "sequence_number": 3, "response": response});
            format!("event: response.failed\ndata: {event}\n\n")
        }
        Api::Messages => format!("event: error\ndata: {}\n\n", error_of(api, kind, None)),
    }
}

async fn an_error_inside_a_stream_is_charged_what_was_streamed(store: Store) {
    let errors = [
        (("server_error", "server_error"), "api_error", ["upstream_error", "api_error"]),
        (("x", "server_is_overloaded"), "overloaded_error", ["server_is_overloaded", "overloaded_error"]),
        (("x", "rate_limit_exceeded"), "rate_limit_error", ["upstream_unavailable", "api_error"]),
        (
            ("insufficient_quota", "insufficient_quota"),
            "billing_error",
            ["upstream_unavailable", "api_error"],
        ),
    ];
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        for ((kind, code), anthropic_kind, words) in errors {
            let kind = if api == Api::Messages { anthropic_kind } else { kind };
            let feed = provider.begun(Head::STREAM);
            feed.send(api.opening(9));
            feed.send(api.tokens(5));
            feed.send(error_event(api, kind, code));
            let reply = house.send(api.stream("Hello?")).await;
            let word = last_error(api, &reply.body);
            assert_eq!(word, words[usize::from(api == Api::Messages)], "{api:?} {kind} {code}");
        }
        for record in house.close().await {
            assert_eq!((record.outcome, record.flags.estimated), (Outcome::UpstreamInterrupted, true));
            assert_eq!(record.cost(), api.price((prompt(api), 5)), "{api:?}");
        }
    }
}

async fn a_stream_that_fails_before_any_output_is_free(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        // The first event, before a block or an item is opened.
        let opening = String::from_utf8(api.opening(9).to_vec()).unwrap();
        let first = format!("{}\n\n", opening.split("\n\n").next().unwrap());
        for ending in [String::new(), error_event(api, "api_error", "server_error")] {
            let feed = provider.begun(Head::STREAM);
            feed.send(first.clone());
            feed.send(ending);
            feed.end();
            last_error(api, &house.send(api.stream("Hello?")).await.body);
        }
        for record in house.close().await {
            assert_eq!((record.outcome, record.cost()), (Outcome::UpstreamError, Money::ZERO), "{api:?}");
        }
    }
}
