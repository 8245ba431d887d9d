//! The real providers against the real wire formats, over a real socket.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::backends::anthropic::{AnthropicConfig, AnthropicProvider};
use aiduet_core::backends::openai::{OpenAiConfig, OpenAiProvider};
use aiduet_core::backends::simulated::{SimulatedConfig, SimulatedProvider};
use aiduet_core::backends::upstream_http::{
    BaseUrl, HttpLimits, NetworkRules, UpstreamConfigError, UpstreamHttpConfig,
};
use aiduet_core::clock::{Clock, ManualClock, Timestamp};
use aiduet_core::content::Content;
use aiduet_core::dialect::{Dialect, Endpoint};
use aiduet_core::id::{RequestId, SystemEntropy};
use aiduet_core::provider::{Provider, ProviderError, Stage, UpstreamCall};
use aiduet_core::secret::Secret;
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream};
use aiduet_core::testing::provider::{CREDENTIAL, collect};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

const LOOPBACK: NetworkRules = NetworkRules { allow_plain_loopback: true, allow_private: false };
const SHORT: Duration = Duration::from_millis(100);

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(Timestamp::from_millis(1_790_000_000_000)))
}

fn simulated() -> SimulatedProvider {
    SimulatedProvider::new(SimulatedConfig::default(), clock())
}

fn config(base_url: &str) -> UpstreamHttpConfig {
    let base_url = BaseUrl::parse(base_url, LOOPBACK).unwrap();
    UpstreamHttpConfig { network: LOOPBACK, ..UpstreamHttpConfig::new(base_url) }
}

fn credential() -> Secret<String> {
    Secret::new(CREDENTIAL.to_owned())
}

fn provider(dialect: Dialect, http: UpstreamHttpConfig) -> Arc<dyn Provider> {
    match dialect {
        Dialect::OpenAi => {
            Arc::new(OpenAiProvider::new(OpenAiConfig { api_key: credential(), http }, clock()).unwrap())
        }
        Dialect::Anthropic => Arc::new(
            AnthropicProvider::new(AnthropicConfig { api_key: credential(), http }, clock()).unwrap(),
        ),
    }
}

fn call(endpoint: Endpoint, body: &Value) -> UpstreamCall {
    UpstreamCall {
        endpoint,
        request: RequestId::generate(clock().as_ref(), &SystemEntropy),
        headers: HeaderMap::new(),
        body: Content::new(Bytes::from(body.to_string())),
        stream: body["stream"] == true,
    }
}

/// How an answer is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Document,
    Events,
}

fn request(endpoint: Endpoint, text: &str, form: Form) -> Value {
    let stream = form == Form::Events;
    let messages = json!([{"role": "user", "content": text}]);
    match endpoint {
        Endpoint::ChatCompletions => json!({
            "model": "gpt-4.1", "messages": messages, "stream": stream, "stream_options": {"include_usage": true},
        }),
        Endpoint::Responses => json!({"model": "gpt-5.6", "input": text, "stream": stream}),
        Endpoint::Embeddings => json!({"model": "text-embedding-3-small", "input": text}),
        Endpoint::Messages => {
            json!({"model": "claude-opus-5", "max_tokens": 900, "messages": messages, "stream": stream})
        }
        Endpoint::CountTokens => json!({"model": "claude-opus-5", "messages": messages}),
        Endpoint::InputTokens => json!({"model": "gpt-5.6", "input": text}),
    }
}

#[tokio::test]
async fn every_shape_passes_unchanged() {
    for endpoint in Endpoint::ALL {
        for form in [Form::Document, Form::Events] {
            let body = request(endpoint, "日本語 and \"quotes\"", form);
            let expected = simulated().send(call(endpoint, &body)).await.unwrap();
            let upstream = FakeUpstream::serving(Arc::new(simulated())).await;
            let provider = provider(endpoint.dialect(), config(&upstream.base_url()));
            let reply = provider.send(call(endpoint, &body)).await.unwrap();
            assert_eq!(reply.status, StatusCode::OK, "{endpoint:?}");
            assert_eq!(reply.is_event_stream, expected.is_event_stream, "{endpoint:?}");
            assert_eq!(reply.upstream_request_id, expected.upstream_request_id, "{endpoint:?}");
            let (came, sent) = (collect(reply.body).await.unwrap(), collect(expected.body).await.unwrap());
            assert!(came == sent && !came.is_empty(), "{endpoint:?} {form:?}");
        }
    }
}

#[tokio::test]
async fn failures_arrive_at_the_stage_at_which_they_happen() {
    let body_broken = ProviderError::Broken { stage: Stage::Body };
    for endpoint in [Endpoint::ChatCompletions, Endpoint::Responses, Endpoint::Messages] {
        let upstream = FakeUpstream::serving(Arc::new(simulated())).await;
        let patient = provider(endpoint.dialect(), config(&upstream.base_url()));
        let send = |text: &str| patient.send(call(endpoint, &request(endpoint, text, Form::Events)));

        assert_eq!(send("simulate:reset").await.err(), Some(ProviderError::Broken { stage: Stage::Head }));
        let reply = send("simulate:cut=3").await.unwrap();
        assert_eq!(collect(reply.body).await.err(), Some(body_broken));
        let reply = send("simulate:end=3").await.unwrap();
        assert!(collect(reply.body).await.is_ok());
        let reply = send("simulate:status=529 simulate:retry_after=7s").await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.retry_after), (529, Some(Duration::from_secs(7))));

        let limits = HttpLimits { idle: SHORT, ..HttpLimits::default() };
        let hasty =
            provider(endpoint.dialect(), UpstreamHttpConfig { limits, ..config(&upstream.base_url()) });
        let reply =
            hasty.send(call(endpoint, &request(endpoint, "simulate:stall=3", Form::Events))).await.unwrap();
        assert_eq!(collect(reply.body).await.err(), Some(ProviderError::Timeout { stage: Stage::Body }));
        let limits = HttpLimits { first_byte: SHORT, ..HttpLimits::default() };
        let hasty =
            provider(endpoint.dialect(), UpstreamHttpConfig { limits, ..config(&upstream.base_url()) });
        let late = hasty.send(call(endpoint, &request(endpoint, "simulate:hang", Form::Events))).await;
        assert_eq!(late.err(), Some(ProviderError::Timeout { stage: Stage::Head }));
    }
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_a_timeout_of_that_stage() {
    let silent = FakeUpstream::always(vec![Act::Hang]).await;
    let limits = HttpLimits { connect: SHORT, ..HttpLimits::default() };
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let tls = silent.base_url().replace("http://", "https://");
        let provider = provider(dialect, UpstreamHttpConfig { limits, ..config(&tls) });
        let error = provider.send(call(Endpoint::Messages, &json!({}))).await.err();
        assert_eq!(error, Some(ProviderError::Timeout { stage: Stage::Connect }));
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_forbidden_address_is_not_called() {
    let upstream = FakeUpstream::always(vec![Act::Close]).await;
    let by_name = upstream.base_url().replace("http://127.0.0.1", "https://localhost");
    let base_url = BaseUrl::parse(&by_name, NetworkRules::default()).unwrap();
    let provider = provider(Dialect::OpenAi, UpstreamHttpConfig::new(base_url));
    let error = provider.send(call(Endpoint::Responses, &json!({}))).await.err();
    assert_eq!((error, upstream.connections()), (Some(ProviderError::Connect), 0));
}

#[tokio::test]
async fn a_version_is_named_where_the_client_names_none() {
    let upstream = FakeUpstream::always(vec![Act::answer(200, &[], b"{}")]).await;
    let provider = provider(Dialect::Anthropic, config(&upstream.base_url()));
    let without = call(Endpoint::CountTokens, &json!({}));
    let mut with = call(Endpoint::CountTokens, &json!({}));
    with.headers.insert("anthropic-version", HeaderValue::from_static("2026-10-21"));
    for call in [without, with] {
        provider.send(call).await.unwrap();
    }
    let versions: Vec<_> = upstream
        .seen()
        .iter()
        .map(|request| request.headers.get_all("anthropic-version").iter().cloned().collect::<Vec<_>>())
        .collect();
    assert_eq!(versions, [vec!["2023-06-01"], vec!["2026-10-21"]]);
}

#[test]
fn credentials_are_checked_and_never_shown() {
    let http = config("https://api.example.com");
    for text in ["", " ", "with space", "line\nbreak", "ünïcode"] {
        let config = OpenAiConfig { api_key: Secret::new(text.to_owned()), http: http.clone() };
        let refused = OpenAiProvider::new(config, clock());
        assert!(matches!(refused, Err(UpstreamConfigError::MalformedCredential)), "{text}");
    }
    let open_ai = OpenAiConfig { api_key: credential(), http: http.clone() };
    let anthropic = AnthropicConfig { api_key: credential(), http };
    let shown = format!(
        "{open_ai:?} {anthropic:?} {:?} {:?}",
        OpenAiProvider::new(open_ai.clone(), clock()).unwrap(),
        AnthropicProvider::new(anthropic.clone(), clock()).unwrap(),
    );
    assert!(shown.contains("api.example.com") && !shown.contains(CREDENTIAL));
}
