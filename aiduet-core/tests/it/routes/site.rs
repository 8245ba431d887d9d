//! A gateway with upstreams on loopback, and one customer.

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app::{App, AppBuilder, Stores};
use aiduet_core::backends::anthropic::{AnthropicConfig, AnthropicProvider};
use aiduet_core::backends::openai::{OpenAiConfig, OpenAiProvider};
use aiduet_core::backends::simulated::{SimulatedConfig, SimulatedProvider};
use aiduet_core::backends::upstream_http::{BaseUrl, HttpLimits, NetworkRules, UpstreamHttpConfig};
use aiduet_core::clock::{Clock, ManualClock};
use aiduet_core::dialect::{Dialect, Endpoint};
use aiduet_core::gateway::Upstream;
use aiduet_core::http::router;
use aiduet_core::id::AccountId;
use aiduet_core::keys::{ApiKey, KeyLimits};
use aiduet_core::ledger::{ListRequests, RequestRecord, UpstreamName};
use aiduet_core::money::Money;
use aiduet_core::provider::{Provider, Vendor};
use aiduet_core::secret::Secret;
use aiduet_core::settings::{DatabaseSettings, Settings};
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream};
use aiduet_core::testing::provider::CREDENTIAL;
use aiduet_core::testing::{Factory, SeededEntropy, cents};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Endpoints that generate.
pub(super) const GENERATING: [Endpoint; 3] =
    [Endpoint::ChatCompletions, Endpoint::Responses, Endpoint::Messages];

/// How an answer is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Events,
}

impl Form {
    pub(super) const BOTH: [Self; 2] = [Self::Whole, Self::Events];

    pub(super) fn is_stream(self) -> bool {
        self == Self::Events
    }
}

const LOOPBACK: NetworkRules = NetworkRules { allow_plain_loopback: true, allow_private: false };

/// A gateway that is not open yet.
pub(super) struct Plan {
    pub(super) settings: Settings,
    pub(super) upstreams: Vec<Upstream>,
    pub(super) funds: Money,
    pub(super) limits: KeyLimits,
}

impl Plan {
    /// Nobody to call, and little patience.
    pub(super) fn new() -> Self {
        let mut settings = Settings::default();
        settings.routing.deadline = Duration::from_secs(2);
        settings.routing.patience = Duration::from_millis(300);
        settings.routing.repeat_pause = Duration::from_millis(10);
        Self { settings, upstreams: Vec::new(), funds: cents(10_000), limits: KeyLimits::default() }
    }

    pub(super) fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstreams.push(upstream);
        self
    }

    pub(super) fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(super) async fn open(self) -> Site {
        let Self { settings, upstreams, funds, limits } = self;
        let factory = Factory::new(11);
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        let database =
            DatabaseSettings { url: Some("memory:".to_owned().into()), ..DatabaseSettings::default() };
        // Migrations are deep futures.
        let stores = Box::pin(Stores::ready(&database, Arc::clone(&clock))).await.unwrap();
        let account = factory.account();
        let id = account.id;
        stores.accounts.insert(account, &[]).await.unwrap();
        stores.ledger.post(vec![factory.top_up(id, funds)]).await.unwrap();
        let (plain, key) = factory.api_key(id);
        stores.keys.insert(ApiKey { limits, ..key }).await.unwrap();
        let app = AppBuilder::new(settings)
            .clock(clock)
            .entropy(Arc::new(SeededEntropy::new(11)))
            .stores(stores.clone())
            .upstreams(upstreams)
            .build()
            .await
            .unwrap();
        let key = plain.expose().to_owned();
        Site { router: router(app.clone()), app, factory, stores, account: id, key }
    }
}

/// A gateway with one customer.
pub(super) struct Site {
    pub(super) app: App,
    router: Router,
    pub(super) factory: Factory,
    pub(super) stores: Stores,
    pub(super) account: AccountId,
    key: String,
}

impl Site {
    /// Sends a body to an endpoint and reads the answer to its end.
    pub(super) async fn ask(&self, endpoint: Endpoint, body: &Value) -> Reply {
        self.ask_with(endpoint, body, &[]).await
    }

    pub(super) async fn ask_with(
        &self,
        endpoint: Endpoint,
        body: &Value,
        headers: &[(&'static str, &str)],
    ) -> Reply {
        self.ask_text(endpoint, &body.to_string(), headers).await
    }

    /// Sends a body as it is written.
    pub(super) async fn ask_text(
        &self,
        endpoint: Endpoint,
        body: &str,
        headers: &[(&'static str, &str)],
    ) -> Reply {
        let mut request = Request::post(endpoint.path())
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json");
        if endpoint.dialect() == Dialect::Anthropic {
            request = request.header("anthropic-version", "2023-06-01");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Sends a body to a path.
    pub(super) async fn post(&self, path: &str, body: &Value, headers: &[(&'static str, &str)]) -> Reply {
        let mut request = Request::post(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// The same with another key.
    pub(super) async fn post_as(&self, key: &str, path: &str, body: &Value) -> Reply {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Asks for what is at a path.
    pub(super) async fn get(&self, path: &str, headers: &[(&'static str, &str)]) -> Reply {
        let mut request = Request::get(path).header("authorization", format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        self.factory.clock().advance(Duration::from_millis(1));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 64 << 20).await.unwrap();
        Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// The records of all requests, oldest first.
    pub(super) async fn records(&self) -> Vec<RequestRecord> {
        let all = ListRequests { account: self.account, key: None, before: None, limit: 10_000 };
        let mut records = self.stores.requests.list(all).await.unwrap();
        records.reverse();
        records
    }

    /// Waits for everything that is under way, and checks what holds after every test: nothing
    /// held, sound books, bills that recompute and add up to what was used.
    pub(super) async fn close(self) -> Vec<RequestRecord> {
        self.app.close().await;
        let records = self.records().await;
        let mut charged = Money::ZERO;
        for record in &records {
            assert_eq!(record.bill.recompute().unwrap(), record.cost(), "{:?}", record.bill);
            charged = charged.checked_add(record.cost()).unwrap();
        }
        let balance = self.stores.ledger.balance(self.account).await.unwrap();
        assert_eq!((balance.held, balance.used), (Money::ZERO, charged));
        assert_eq!(self.stores.audit.verify().await.unwrap(), []);
        records
    }
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }

    /// The data of the events of a stream; `[DONE]` as a text.
    pub(super) fn events(&self) -> Vec<Value> {
        assert_eq!(self.header("content-type"), "text/event-stream; charset=utf-8", "{}", self.text);
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect()
    }

    /// The text that the model wrote, whole or streamed, in any dialect.
    pub(super) fn said(&self, endpoint: Endpoint) -> String {
        let is_stream = self.header("content-type").starts_with("text/event-stream");
        let all = if is_stream { self.events() } else { vec![self.json()] };
        let texts = all.iter().map(|event| match (endpoint, is_stream) {
            (Endpoint::ChatCompletions, true) => {
                event["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
            }
            (Endpoint::ChatCompletions, false) => {
                event["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
            }
            (Endpoint::Responses, true) if event["type"] == "response.output_text.delta" => {
                event["delta"].as_str().unwrap().to_owned()
            }
            (Endpoint::Messages, true) if event["delta"]["type"] == "text_delta" => {
                event["delta"]["text"].as_str().unwrap().to_owned()
            }
            (_, true) => String::new(),
            (Endpoint::Responses, false) => texts(&event["output"]),
            (_, false) => texts(&event["content"]),
        });
        texts.collect()
    }
}

/// All texts in a list of blocks or items.
fn texts(list: &Value) -> String {
    let Some(items) = list.as_array() else { return String::new() };
    items
        .iter()
        .map(|item| match item["text"].as_str() {
            Some(text) if item["type"] != "thinking" => text.to_owned(),
            _ => texts(&item["content"]),
        })
        .collect()
}

/// A request of an endpoint.
pub(super) fn request(endpoint: Endpoint, model: &str, text: &str) -> Value {
    let messages = json!([{"role": "user", "content": text}]);
    match endpoint {
        Endpoint::ChatCompletions => json!({"model": model, "messages": messages}),
        Endpoint::Responses => json!({"model": model, "input": text}),
        Endpoint::Messages => json!({"model": model, "max_tokens": 2_000, "messages": messages}),
        Endpoint::CountTokens => json!({"model": model, "messages": messages}),
        Endpoint::Embeddings | Endpoint::InputTokens => json!({"model": model, "input": text}),
    }
}

/// The same with further members.
pub(super) fn with(mut request: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// The simulated provider.
pub(super) fn simulated() -> Arc<dyn Provider> {
    let clock = Arc::new(ManualClock::new(Factory::new(0).now()));
    Arc::new(SimulatedProvider::new(SimulatedConfig::default(), clock))
}

/// The simulated provider behind a socket.
pub(super) async fn serving() -> FakeUpstream {
    FakeUpstream::serving(simulated()).await
}

/// An upstream with the vendor's real provider.
pub(super) fn upstream(vendor: Vendor, name: &str, base_url: &str) -> Upstream {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Factory::new(0).now()));
    let base_url = BaseUrl::parse(base_url, LOOPBACK).unwrap();
    let limits = HttpLimits::default();
    let http = UpstreamHttpConfig { network: LOOPBACK, limits, ..UpstreamHttpConfig::new(base_url) };
    let api_key = Secret::new(CREDENTIAL.to_owned());
    let provider: Arc<dyn Provider> = match vendor {
        Vendor::Anthropic => {
            Arc::new(AnthropicProvider::new(AnthropicConfig { api_key, http }, clock).unwrap())
        }
        Vendor::OpenAi => Arc::new(OpenAiProvider::new(OpenAiConfig { api_key, http }, clock).unwrap()),
    };
    Upstream::new(UpstreamName::parse(name).unwrap(), vendor, provider)
}

/// An error of a provider.
pub(super) fn error(status: u16, kind: &str) -> Vec<Act> {
    let body = json!({"type": "error", "error": {"type": kind, "code": kind, "message": "made up"}});
    vec![Act::answer(status, &[("content-type", "application/json")], body.to_string().as_bytes())]
}

/// The vendor whose dialect an endpoint is, and the other one; each with a model.
pub(super) const fn vendors(endpoint: Endpoint) -> [(Vendor, &'static str); 2] {
    let claude = (Vendor::Anthropic, "claude-sonnet-4-6");
    let gpt = (Vendor::OpenAi, "gpt-5.4-mini");
    match endpoint.dialect() {
        Dialect::OpenAi => [gpt, claude],
        Dialect::Anthropic => [claude, gpt],
    }
}
