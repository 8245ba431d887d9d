//! The runtime interface of AWS Lambda: where events come from and answers go.
//!
//! # Source
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html> and
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>,
//! read 2026-11-26. Why this is not the crate of AWS: `docs/decisions/0022-lambda-runtime.md`.

use std::convert::Infallible;

use aiduet_core::clock::Timestamp;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, TRAILER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

/// The body of a call to the runtime interface.
pub(crate) type Payload = UnsyncBoxBody<Bytes, Infallible>;

/// The trailer that says of which kind an error in the middle of an answer is.
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
/// The trailer that tells it, as JSON in base64.
pub(crate) const ERROR_BODY: HeaderName = HeaderName::from_static("lambda-runtime-function-error-body");

const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const DEADLINE: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// A stream that begins with the head of an HTTP answer.
const HTTP_RESPONSE: HeaderValue =
    HeaderValue::from_static("application/vnd.awslambda.http-integration-response");
const STREAMING: HeaderValue = HeaderValue::from_static("streaming");
const TRAILERS: HeaderValue =
    HeaderValue::from_static("lambda-runtime-function-error-type, lambda-runtime-function-error-body");

/// Why the runtime interface could not be used. No message holds what an event or an answer holds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// No answer, or the connection broke.
    #[error("the runtime interface does not answer")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    /// The connection broke while an event was read.
    #[error("an event was cut off")]
    CutOff,
    /// It refused.
    #[error("the runtime interface answers with status {0}")]
    Refused(u16),
    /// Its address, or what it says of an event, cannot be used.
    #[error("the runtime interface has an invalid {0}")]
    Invalid(&'static str),
}

/// One event, to be answered until its deadline. Without `Debug`: it holds what people say.
pub(crate) struct Invocation {
    pub(crate) id: InvocationId,
    pub(crate) deadline: Timestamp,
    pub(crate) event: Bytes,
}

/// The name of an event.
#[derive(Clone, Debug)]
pub(crate) struct InvocationId(String);

/// How an answer goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    /// Whole, as JSON.
    Buffered,
    /// As it comes; the function URL must have the invoke mode `RESPONSE_STREAM`.
    Streaming,
}

/// Speaks to the runtime interface.
pub(crate) struct RuntimeApi {
    client: Client<HttpConnector, Payload>,
    base: String,
}

impl RuntimeApi {
    /// The interface at `host:port`.
    pub(crate) fn new(address: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: format!("http://{address}/2018-06-01/runtime"),
        }
    }

    /// Waits for the next event. With this the process says that the one before is over, and it may
    /// stand still until there is one.
    pub(crate) async fn next(&self) -> Result<Invocation, RuntimeError> {
        let empty = Empty::new().boxed_unsync();
        let answer = self.call(Method::GET, "/invocation/next", (HeaderMap::new(), empty)).await?;
        let (head, body) = answer.into_parts();
        let text = |name: &HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
        let id = text(&REQUEST_ID).filter(|id| is_plain(id)).ok_or(RuntimeError::Invalid("request id"))?;
        let deadline = text(&DEADLINE).and_then(|millis| millis.parse().ok());
        let deadline = deadline.ok_or(RuntimeError::Invalid("deadline"))?;
        let event = body.collect().await.map_err(|_cut_off| RuntimeError::CutOff)?.to_bytes();
        let id = InvocationId(id.to_owned());
        Ok(Invocation { id, deadline: Timestamp::from_millis(deadline), event })
    }

    /// Answers an event.
    pub(crate) async fn respond(
        &self,
        id: &InvocationId,
        mode: ResponseMode,
        payload: Payload,
    ) -> Result<(), RuntimeError> {
        let mut headers = HeaderMap::new();
        match mode {
            ResponseMode::Buffered => {
                headers.insert(CONTENT_TYPE, JSON);
            }
            ResponseMode::Streaming => {
                headers.insert(CONTENT_TYPE, HTTP_RESPONSE);
                headers.insert(RESPONSE_MODE, STREAMING);
                headers.insert(TRAILER, TRAILERS);
            }
        }
        let path = format!("/invocation/{}/response", id.0);
        self.call(Method::POST, &path, (headers, payload)).await.map(drop)
    }

    /// Says that an event cannot be answered.
    pub(crate) async fn fail(&self, id: &InvocationId, message: &str) -> Result<(), RuntimeError> {
        self.report(&format!("/invocation/{}/error", id.0), ("Aiduet.Event", message)).await
    }

    /// Says that the process cannot start.
    pub(crate) async fn init_failed(&self, message: &str) -> Result<(), RuntimeError> {
        self.report("/init/error", ("Aiduet.Init", message)).await
    }

    async fn report(&self, path: &str, (kind, message): (&'static str, &str)) -> Result<(), RuntimeError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(ERROR_TYPE, HeaderValue::from_static(kind));
        let told = json!({"errorType": kind, "errorMessage": message, "stackTrace": []}).to_string();
        self.call(Method::POST, path, (headers, Full::from(told).boxed_unsync())).await.map(drop)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        (headers, body): (HeaderMap, Payload),
    ) -> Result<Response<hyper::body::Incoming>, RuntimeError> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        let uri = format!("{}{path}", self.base).parse();
        *request.uri_mut() = uri.map_err(|_invalid| RuntimeError::Invalid("address"))?;
        *request.headers_mut() = headers;
        let answer = self.client.request(request).await.map_err(RuntimeError::Unreachable)?;
        if !answer.status().is_success() {
            return Err(RuntimeError::Refused(answer.status().as_u16()));
        }
        Ok(answer)
    }
}

/// Whether a name may stand in a path as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
