//! What a client sends and gets, and what it should cost.

use std::net::IpAddr;

use aiduet_core::dialect::Endpoint;
use aiduet_core::http::edge::PeerAddress;
use aiduet_core::id::RequestId;
use aiduet_core::money::Money;
use axum::Router;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::MARGIN_BP;
use super::doubles::soon;

/// The APIs that generate text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Chat,
    Responses,
    Messages,
}

/// List prices in pico-dollars a token, from the vendors' pages and not from the catalogue.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub(super) input: u64,
    pub(super) cache_write: u64,
    pub(super) output: u64,
}

/// Sources: <https://platform.openai.com/docs/pricing>, <https://claude.com/pricing> (2026-11-25).
const GPT: Rates = Rates { input: 4_000_000, cache_write: 5_000_000, output: 20_000_000 };
const HAIKU: Rates = Rates { input: 1_000_000, cache_write: 1_250_000, output: 5_000_000 };

/// The price with the margin of the tests, rounded up once to a nano-dollar.
pub(super) fn price(lines: &[(u64, u64)]) -> Money {
    let pico: u128 = lines.iter().map(|(count, rate)| u128::from(*count) * u128::from(*rate)).sum();
    let nanos = (pico * u128::from(MARGIN_BP)).div_ceil(10_000 * 1_000);
    Money::from_nanos(i64::try_from(nanos).unwrap())
}

impl Api {
    pub(super) const ALL: [Self; 3] = [Self::Chat, Self::Responses, Self::Messages];

    pub(super) const fn endpoint(self) -> Endpoint {
        match self {
            Self::Chat => Endpoint::ChatCompletions,
            Self::Responses => Endpoint::Responses,
            Self::Messages => Endpoint::Messages,
        }
    }

    pub(super) const fn rates(self) -> Rates {
        match self {
            Self::Chat | Self::Responses => GPT,
            Self::Messages => HAIKU,
        }
    }

    /// A request with an output limit of 1,000 tokens.
    pub(super) fn body(self, text: &str) -> Value {
        let messages = json!([{"role": "user", "content": text}]);
        match self {
            Self::Chat => json!({
                "model": "gpt-5.6", "messages": messages, "max_completion_tokens": 1_000,
                "reasoning_effort": "none",
            }),
            Self::Responses => json!({
                "model": "gpt-5.6", "input": text, "max_output_tokens": 1_000,
                "reasoning": {"effort": "none"},
            }),
            Self::Messages => {
                json!({"model": "claude-haiku-4-5", "messages": messages, "max_tokens": 1_000})
            }
        }
    }

    /// What the limit of the output is called.
    pub(super) const fn limit(self) -> &'static str {
        match self {
            Self::Chat => "max_completion_tokens",
            Self::Responses => "max_output_tokens",
            Self::Messages => "max_tokens",
        }
    }

    /// A call whose answer comes whole.
    pub(super) fn ask(self, text: &str) -> Call {
        Call::post(self.endpoint(), &self.body(text))
    }

    /// A call whose answer streams.
    pub(super) fn stream(self, text: &str) -> Call {
        let mut body = self.body(text);
        body["stream"] = true.into();
        Call::post(self.endpoint(), &body)
    }

    /// The price of a prompt and an output.
    pub(super) fn price(self, usage: (u64, u64)) -> Money {
        price(&[(usage.0, self.rates().input), (usage.1, self.rates().output)])
    }

    /// The most that a call can cost: each byte of the body a token of the dearest class.
    pub(super) fn worst(self, body: &Bytes, output: u64) -> Money {
        price(&[(len(body), self.rates().cache_write), (output, self.rates().output)])
    }
}

/// A count of bytes.
pub(super) fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

/// A request as a client makes it.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) peer: IpAddr,
    /// The key of the customer is added.
    pub(super) with_key: bool,
}

impl Call {
    pub(super) fn new(method: Method, path: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost"));
        let peer = IpAddr::from([127, 0, 0, 1]);
        Self { method, path: path.to_owned(), headers, body: Bytes::new(), peer, with_key: true }
    }

    pub(super) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(endpoint: Endpoint, body: &Value) -> Self {
        Self::bytes(endpoint, body.to_string())
    }

    pub(super) fn bytes(endpoint: Endpoint, body: impl Into<Bytes>) -> Self {
        let call = Self::new(Method::POST, endpoint.path()).header("content-type", "application/json");
        let messages = matches!(endpoint, Endpoint::Messages | Endpoint::CountTokens);
        let call = if messages { call.header("anthropic-version", "2023-06-01") } else { call };
        Self { body: body.into(), ..call }
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    pub(super) fn without_key(self) -> Self {
        Self { with_key: false, ..self }
    }

    pub(super) async fn start(self, router: Router, key: &str) -> Opened {
        let Self { method, path, headers, body, peer, with_key } = self;
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        *request.headers_mut() = headers;
        if with_key {
            let value = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
            request.headers_mut().insert("authorization", value);
        }
        request.extensions_mut().insert(PeerAddress(peer));
        let (head, body) = soon("an answer", router.oneshot(request)).await.unwrap().into_parts();
        Opened { status: head.status.as_u16(), headers: head.headers, body: body.into_data_stream() }
    }
}

/// An answer whose body is still to be read.
pub(super) struct Opened {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    body: BodyDataStream,
}

impl Opened {
    /// The next frame; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        soon("a frame", self.body.next()).await.transpose().unwrap()
    }

    /// So many frames.
    pub(super) async fn take(&mut self, count: usize) -> Vec<Bytes> {
        let mut frames = Vec::new();
        for _ in 0..count {
            frames.push(self.next().await.unwrap());
        }
        frames
    }

    /// What is left.
    pub(super) async fn rest(&mut self) -> Vec<Bytes> {
        let frames = async {
            let mut frames = Vec::new();
            while let Some(frame) = self.next().await {
                frames.push(frame);
                assert!(frames.len() < 10_000, "a stream without an end");
            }
            frames
        };
        soon("the end of a stream", frames).await
    }

    pub(super) fn id(&self) -> RequestId {
        text(&self.headers, "x-request-id").parse().unwrap()
    }

    pub(super) async fn read(mut self) -> Reply {
        let body = Bytes::from(self.rest().await.concat());
        Reply { status: self.status, headers: self.headers, body }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    /// A header, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        text(&self.headers, name)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn id(&self) -> RequestId {
        self.header("x-request-id").parse().unwrap()
    }
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// The documents in the `data` lines of a stream; `[DONE]` is none.
pub(super) fn events(frames: &[Bytes]) -> Vec<Value> {
    let stream = frames.concat();
    let text = std::str::from_utf8(&stream).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}
