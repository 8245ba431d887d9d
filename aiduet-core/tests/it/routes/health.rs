//! An upstream that fails too often is left alone, and tried again later.

use std::time::Duration;

use aiduet_core::dialect::Endpoint;
use aiduet_core::provider::Vendor;
use aiduet_core::routing::CircuitState;
use aiduet_core::testing::fake_upstream::FakeUpstream;
use serde_json::{Value, json};

use super::site::{Plan, Site, error, request, serving, upstream};

const CHAT: Endpoint = Endpoint::ChatCompletions;

async fn ask(site: &Site) -> (u16, String) {
    let reply = site.ask(CHAT, &request(CHAT, "gpt-5.4-mini", "Hello?")).await;
    (reply.status, reply.header("retry-after").to_owned())
}

async fn status(site: &Site) -> Value {
    let reply = site.get("/api/v1/status", &[]).await;
    assert_eq!(reply.status, 200);
    reply.json()
}

#[tokio::test]
async fn a_refused_credential_rests_while_the_others_work() {
    for refusal in [401, 402, 403] {
        let refusing = FakeUpstream::always(error(refusal, "authentication_error")).await;
        let healthy = serving().await;
        let spare = aiduet_core::gateway::Upstream {
            priority: 1,
            ..upstream(Vendor::OpenAi, "spare", &healthy.base_url())
        };
        let site = Plan::new()
            .upstream(upstream(Vendor::OpenAi, "refused", &refusing.base_url()))
            .upstream(spare)
            .open()
            .await;
        assert_eq!(status(&site).await["status"], "up");
        for _ in 0..5 {
            assert_eq!(ask(&site).await.0, 200);
        }
        assert_eq!((refusing.seen().len(), healthy.seen().len()), (1, 5), "{refusal}");
        let told = status(&site).await;
        assert_eq!(told["status"], "degraded");
        assert_eq!(told["providers"], json!([{"provider": "openai", "status": "degraded"}]));
        assert!(!told.to_string().contains("refused"), "the operator's names stay here");
        let states: Vec<_> = site.app.gateway().health().iter().map(|it| it.circuit).collect();
        assert_eq!(states, [CircuitState::Open, CircuitState::Closed]);
        let metrics = site.app.metrics().render();
        for line in [
            r#"aiduet_upstream_circuit_state{provider="openai",upstream="refused"} 2"#,
            r#"aiduet_upstream_circuit_state{provider="openai",upstream="spare"} 0"#,
            r#"aiduet_provider_health{provider="openai"} 0.5"#,
            r#"aiduet_upstream_retries_total{provider="openai",reason="operator"} 1"#,
            r#"aiduet_upstream_errors_total{provider="openai",kind="operator"} 1"#,
        ] {
            assert!(metrics.contains(line), "{line}\n{metrics}");
        }
        site.factory.clock().advance(Duration::from_secs(80));
        assert_eq!(ask(&site).await.0, 200);
        assert_eq!(refusing.seen().len(), 2, "it is tried again");
        site.close().await;
    }
}

#[tokio::test]
async fn a_403_after_a_success_is_about_the_request() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let healthy = serving().await;
    let address = healthy.base_url();
    let moody = FakeUpstream::scripted(move |_request| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if call == 0 { super::failover::chat_answer() } else { error(403, "permission_error") }
    })
    .await;
    let spare = aiduet_core::gateway::Upstream { priority: 1, ..upstream(Vendor::OpenAi, "spare", &address) };
    let site = Plan::new()
        .upstream(upstream(Vendor::OpenAi, "moody", &moody.base_url()))
        .upstream(spare)
        .open()
        .await;
    for _ in 0..4 {
        assert_eq!(ask(&site).await.0, 200);
    }
    assert_eq!((moody.seen().len(), healthy.seen().len()), (4, 3));
    site.close().await;
}

#[tokio::test]
async fn a_provider_that_fails_too_often_rests_and_comes_back() {
    let failing = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_failing = std::sync::Arc::clone(&failing);
    let provider = FakeUpstream::scripted(move |_request| {
        if is_failing.load(std::sync::atomic::Ordering::SeqCst) {
            error(500, "server_error")
        } else {
            super::failover::chat_answer()
        }
    })
    .await;
    let site = Plan::new()
        .upstream(upstream(Vendor::OpenAi, "only", &provider.base_url()))
        .settings(|settings| {
            settings.routing.repeats_max = 0;
            settings.routing.circuit.calls_min = 5;
        })
        .open()
        .await;
    for _ in 0..5 {
        assert_eq!(ask(&site).await.0, 502);
    }
    let (told, retry_after) = ask(&site).await;
    assert_eq!((told, provider.seen().len()), (503, 5), "it is left alone");
    assert!((3..=7).contains(&retry_after.parse::<u64>().unwrap()), "{retry_after}");
    assert_eq!(status(&site).await["status"], "down");
    assert!(site.app.metrics().render().contains(r#"aiduet_provider_health{provider="openai"} 0.0"#));

    site.factory.clock().advance(Duration::from_secs(7));
    assert_eq!(ask(&site).await.0, 502);
    assert_eq!((ask(&site).await.0, provider.seen().len()), (503, 6), "one call found out");

    failing.store(false, std::sync::atomic::Ordering::SeqCst);
    site.factory.clock().advance(Duration::from_secs(13));
    for _ in 0..3 {
        assert_eq!(ask(&site).await.0, 200);
    }
    assert_eq!(status(&site).await["status"], "up");
    assert!(site.app.metrics().render().contains(r#"aiduet_provider_health{provider="openai"} 1.0"#));
    let records = site.close().await;
    assert_eq!(records.len(), 9, "what was not forwarded has no record");
}

#[tokio::test]
async fn with_one_vendor_resting_its_requests_go_to_the_other_at_once() {
    let refusing = FakeUpstream::always(error(401, "authentication_error")).await;
    let healthy = serving().await;
    let site = Plan::new()
        .upstream(upstream(Vendor::OpenAi, "refused", &refusing.base_url()))
        .upstream(upstream(Vendor::Anthropic, "healthy", &healthy.base_url()))
        .open()
        .await;
    let body =
        super::site::with(request(CHAT, "gpt-5.4-mini", "Hello?"), &json!({"models": ["claude-sonnet-4-6"]}));
    for _ in 0..3 {
        let reply = site.ask(CHAT, &body).await;
        assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, "claude-sonnet-4-6"));
    }
    assert_eq!(refusing.seen().len(), 1);
    let records = site.close().await;
    assert_eq!(records.iter().map(|record| record.attempts.len()).collect::<Vec<_>>(), [2, 1, 1]);
}

#[tokio::test]
async fn calls_of_a_conversation_stay_with_one_credential_and_others_are_shared() {
    let (a, b) = (serving().await, serving().await);
    let site = Plan::new()
        .upstream(upstream(Vendor::OpenAi, "a", &a.base_url()))
        .upstream(upstream(Vendor::OpenAi, "b", &b.base_url()))
        .open()
        .await;
    for session in 0..16 {
        let session = session.to_string();
        let before = (a.seen().len(), b.seen().len());
        for _ in 0..3 {
            let body = request(CHAT, "gpt-5.4-mini", "Hello?");
            let reply = site.ask_with(CHAT, &body, &[("x-session-id", &session)]).await;
            assert_eq!(reply.status, 200);
        }
        let (to_a, to_b) = (a.seen().len() - before.0, b.seen().len() - before.1);
        assert!((to_a, to_b) == (3, 0) || (to_a, to_b) == (0, 3), "{to_a} {to_b}");
    }
    assert!(a.seen().len() >= 9 && b.seen().len() >= 9, "{} {}", a.seen().len(), b.seen().len());
    site.close().await;
}
