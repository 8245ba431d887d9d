//! A provider fails: others answer, until the first byte has gone to the client.

use std::time::Duration;

use aiduet_core::dialect::Endpoint;
use aiduet_core::ledger::{AttemptResult, Outcome};
use aiduet_core::money::Money;
use aiduet_core::provider::Vendor;
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream, deserted_base_url};
use serde_json::json;
use tokio::time::Instant;

use super::site::{Form, GENERATING, Plan, error, request, serving, upstream, vendors, with};

/// What can go wrong before the first byte, and what the record says of it.
fn faults(form: Form) -> Vec<(&'static str, Vec<Act>, AttemptResult)> {
    let status = AttemptResult::Status;
    let html = Act::answer(502, &[("content-type", "text/html")], b"<html>bad gateway</html>");
    let garbage = Act::answer(200, &[("content-type", "application/json")], b"\xff\xfe not json");
    let kind = match form {
        Form::Events => "text/event-stream",
        Form::Whole => "application/json",
    };
    let head = Act::chunked_head(200, &[("content-type", kind)]);
    vec![
        ("500", error(500, "api_error"), status(500)),
        ("503", error(503, "overloaded_error"), status(503)),
        ("529", error(529, "overloaded_error"), status(529)),
        ("429", error(429, "rate_limit_error"), status(429)),
        ("401", error(401, "authentication_error"), status(401)),
        ("402", error(402, "billing_error"), status(402)),
        ("403", error(403, "permission_error"), status(403)),
        ("404", error(404, "not_found_error"), status(404)),
        ("credit", error(400, "insufficient_quota"), status(400)),
        ("html", vec![html], status(502)),
        ("garbage", vec![garbage], AttemptResult::Broken),
        ("reset", vec![Act::Reset], AttemptResult::Broken),
        ("close", vec![Act::Close], AttemptResult::Broken),
        ("hang", vec![Act::Hang], AttemptResult::Timeout),
        ("hang behind the head", vec![head.clone(), Act::Hang], AttemptResult::Timeout),
        ("reset behind the head", vec![head.clone(), Act::Reset], AttemptResult::Broken),
        (
            "an error as the first event",
            vec![
                head.clone(),
                Act::chunk(b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"code\":\"server_is_overloaded\",\"message\":\"m\"}}\n\n"),
                Act::chunk(b""),
            ],
            AttemptResult::Broken,
        ),
    ]
}

#[tokio::test]
async fn with_one_vendor_failing_the_other_answers_in_the_dialect_of_the_client() {
    for endpoint in GENERATING {
        let [(own, model), (other, fallback)] = vendors(endpoint);
        for form in Form::BOTH {
            for (what, acts, result) in faults(form) {
                let failing = FakeUpstream::always(acts).await;
                let healthy = serving().await;
                let site = Plan::new()
                    .upstream(upstream(own, "failing", &failing.base_url()))
                    .upstream(upstream(other, "healthy", &healthy.base_url()))
                    .open()
                    .await;
                let body = with(
                    request(endpoint, model, "simulate:say=It works."),
                    &json!({"models": [fallback], "stream": form.is_stream()}),
                );
                let begun = Instant::now();
                let reply = site.ask(endpoint, &body).await;
                let case = format!("{endpoint:?} {form:?} {what}: {}", reply.text);
                assert_eq!(reply.status, 200, "{case}");
                assert!(begun.elapsed() < Duration::from_secs(2), "{case}");
                assert_eq!(reply.said(endpoint), "It works.", "{case}");
                assert_eq!(reply.header("x-aiduet-model"), fallback, "{case}");
                assert_eq!(reply.header("x-aiduet-provider"), other.as_str(), "{case}");
                assert_eq!(healthy.seen().len(), 1, "{case}");
                assert!(!String::from_utf8_lossy(&healthy.seen()[0].body).contains("\"models\""), "{case}");

                let records = site.close().await;
                let [record] = records.as_slice() else { panic!("{case}") };
                assert_eq!((record.outcome, record.status), (Outcome::Completed, 200), "{case}");
                assert_eq!((record.model.as_str(), record.vendor), (fallback, other), "{case}");
                assert!(record.cost() > Money::ZERO, "{case}");
                assert!(record.bill.lines.iter().all(|line| line.model.as_str() == fallback), "{case}");
                let attempts: Vec<_> =
                    record.attempts.iter().map(|it| (it.upstream.as_str(), it.result)).collect();
                assert_eq!(
                    attempts,
                    [("failing", result), ("healthy", AttemptResult::Status(200))],
                    "{case}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_upstream_that_nobody_listens_at_is_passed_over() {
    for endpoint in GENERATING {
        let [(own, model), _other] = vendors(endpoint);
        let healthy = serving().await;
        let second =
            aiduet_core::gateway::Upstream { priority: 1, ..upstream(own, "second", &healthy.base_url()) };
        let site = Plan::new()
            .upstream(second)
            .upstream(upstream(own, "first", &deserted_base_url().await))
            .open()
            .await;
        let reply = site.ask(endpoint, &request(endpoint, model, "Hello?")).await;
        assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, model), "{}", reply.text);
        let records = site.close().await;
        let attempts: Vec<_> =
            records[0].attempts.iter().map(|it| (it.upstream.as_str(), it.result)).collect();
        assert_eq!(attempts, [("first", AttemptResult::Connect), ("second", AttemptResult::Status(200))]);
    }
}

#[tokio::test]
async fn after_the_first_byte_nothing_is_retried() {
    for endpoint in GENERATING {
        let [(own, model), (other, fallback)] = vendors(endpoint);
        for directive in ["simulate:cut=3", "simulate:end=3", "simulate:error=3"] {
            let failing = serving().await;
            let healthy = serving().await;
            let site = Plan::new()
                .upstream(upstream(own, "failing", &failing.base_url()))
                .upstream(upstream(other, "healthy", &healthy.base_url()))
                .open()
                .await;
            let text = format!("{directive} simulate:chunks=9");
            let body = with(request(endpoint, model, &text), &json!({"models": [fallback], "stream": true}));
            let reply = site.ask(endpoint, &body).await;
            assert_eq!((reply.status, healthy.seen().len()), (200, 0), "{endpoint:?} {directive}");
            assert!(reply.text.contains("error"), "{endpoint:?} {directive}: {}", reply.text);
            let records = site.close().await;
            let [record] = records.as_slice() else { panic!("one record") };
            assert_eq!((record.outcome, record.attempts.len()), (Outcome::UpstreamInterrupted, 1));
            assert_eq!(record.model.as_str(), model);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_wrong_everywhere() {
    for endpoint in GENERATING {
        let [(own, model), (other, fallback)] = vendors(endpoint);
        for (status, told) in [(400, 400), (422, 422), (413, 413)] {
            let refusing = FakeUpstream::always(error(status, "invalid_request_error")).await;
            let healthy = serving().await;
            let site = Plan::new()
                .upstream(upstream(own, "refusing", &refusing.base_url()))
                .upstream(upstream(own, "twin", &healthy.base_url()))
                .upstream(upstream(other, "healthy", &healthy.base_url()))
                .settings(|settings| settings.routing.repeats_max = 5)
                .open()
                .await;
            // Whichever of the twins is called, that was it.
            let body = with(request(endpoint, model, "Hello?"), &json!({"models": [fallback]}));
            let reply = site.ask(endpoint, &body).await;
            let calls = refusing.seen().len() + healthy.seen().len();
            assert_eq!(calls, 1, "{endpoint:?} {status}");
            if refusing.seen().len() == 1 {
                assert_eq!(reply.status, told, "{endpoint:?} {status}");
                assert_eq!(reply.header("x-should-retry"), "false");
            }
            let records = site.close().await;
            assert_eq!(records[0].attempts.len(), 1);
        }
    }
}

/// An upstream that fails so often and then answers.
pub(super) async fn failing_first(times: usize, acts: Vec<Act>, then: Vec<Act>) -> FakeUpstream {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    FakeUpstream::scripted(move |_request| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if call < times { acts.clone() } else { then.clone() }
    })
    .await
}

pub(super) fn chat_answer() -> Vec<Act> {
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-5.4-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    });
    vec![Act::answer(200, &[("content-type", "application/json")], body.to_string().as_bytes())]
}

#[tokio::test]
async fn with_nowhere_else_to_go_the_same_call_is_repeated_a_few_times() {
    let chat = Endpoint::ChatCompletions;
    for (acts, failures, repeats_max, status, attempts) in [
        (error(500, "server_error"), 2, 2, 200, 3),
        (error(529, "overloaded"), 1, 2, 200, 2),
        (vec![Act::Reset], 1, 2, 200, 2),
        (error(429, "rate_limit_error"), 1, 2, 200, 2),
        (error(500, "server_error"), 3, 2, 502, 3),
        (error(500, "server_error"), 1, 0, 502, 1),
        (error(401, "authentication_error"), 1, 2, 503, 1),
        (error(404, "not_found"), 1, 2, 404, 1),
    ] {
        let provider = failing_first(failures, acts, chat_answer()).await;
        let site = Plan::new()
            .upstream(upstream(Vendor::OpenAi, "only", &provider.base_url()))
            .settings(|settings| settings.routing.repeats_max = repeats_max)
            .open()
            .await;
        let reply = site.ask(chat, &request(chat, "gpt-5.4-mini", "Hello?")).await;
        assert_eq!((reply.status, provider.seen().len()), (status, attempts), "{}", reply.text);
        let records = site.close().await;
        let [record] = records.as_slice() else { panic!("one record") };
        assert_eq!(record.attempts.len(), attempts);
        assert_eq!(record.cost() > Money::ZERO, status == 200, "one charge, or none");
    }
}

#[tokio::test]
async fn a_provider_that_asks_for_patience_is_not_called_before() {
    let chat = Endpoint::ChatCompletions;
    for (retry_after, status) in [("1", 200), ("3", 429)] {
        let limited = Act::answer(
            429,
            &[("content-type", "application/json"), ("retry-after", retry_after)],
            br#"{"error":{"type":"rate_limit_error","code":"rate_limit_exceeded","message":"m"}}"#,
        );
        let provider = failing_first(1, vec![limited], chat_answer()).await;
        let site = Plan::new().upstream(upstream(Vendor::OpenAi, "only", &provider.base_url())).open().await;
        let begun = Instant::now();
        let reply = site.ask(chat, &request(chat, "gpt-5.4-mini", "Hello?")).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        match status {
            200 => assert!(begun.elapsed() >= Duration::from_secs(1)),
            _ => assert_eq!((reply.header("retry-after"), provider.seen().len()), ("3", 1)),
        }
        site.close().await;
    }
}

#[tokio::test]
async fn repetitions_of_all_requests_together_have_a_budget() {
    let chat = Endpoint::ChatCompletions;
    let provider = FakeUpstream::always(error(500, "server_error")).await;
    let site = Plan::new()
        .upstream(upstream(Vendor::OpenAi, "only", &provider.base_url()))
        .settings(|settings| {
            settings.routing.repeat_burst = 3;
            settings.routing.circuit.calls_min = 1_000;
        })
        .open()
        .await;
    for _ in 0..11 {
        assert_eq!(site.ask(chat, &request(chat, "gpt-5.4-mini", "Hello?")).await.status, 502);
    }
    assert_eq!(provider.seen().len(), 11 + 3 + 1, "three at once, and one that ten further requests earn");
    site.close().await;
}

#[tokio::test]
async fn the_deadline_holds_over_everything_that_is_tried() {
    for stream in [false, true] {
        let silent = FakeUpstream::always(vec![Act::Hang]).await;
        let site = Plan::new()
            .upstream(upstream(Vendor::OpenAi, "a", &silent.base_url()))
            .upstream(upstream(Vendor::OpenAi, "b", &silent.base_url()))
            .upstream(upstream(Vendor::Anthropic, "c", &silent.base_url()))
            .open()
            .await;
        let chat = Endpoint::ChatCompletions;
        let body = with(
            request(chat, "gpt-5.4-mini", "Hello?"),
            &json!({"models": ["claude-sonnet-4-6"], "stream": stream}),
        );
        let begun = Instant::now();
        let reply = site.ask(chat, &body).await;
        assert_eq!(reply.status, 504, "{}", reply.text);
        assert!(begun.elapsed() < Duration::from_millis(2_500), "{:?}", begun.elapsed());
        assert_eq!(silent.seen().len(), 3, "each was tried");
        let records = site.close().await;
        assert_eq!((records[0].outcome, records[0].cost()), (Outcome::UpstreamError, Money::ZERO));
        assert!(records[0].attempts.iter().all(|attempt| attempt.result == AttemptResult::Timeout));
    }
}
