//! The calls that are forwarded: read the body, ask the gateway, write the answer.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::coding::is_identity;
use super::edge::ClientAddress;
use super::error::{HttpError, Place, respond};
use super::reply;
use crate::app::App;
use crate::content::Content;
use crate::dialect::Endpoint;
use crate::gateway::{Answer, Credentials, GatewayRequest};
use crate::id::RequestId;

pub(super) async fn chat_completions(state: State<App>, request: Request) -> Response {
    forward(state, Endpoint::ChatCompletions, request).await
}

pub(super) async fn responses(state: State<App>, request: Request) -> Response {
    forward(state, Endpoint::Responses, request).await
}

pub(super) async fn embeddings(state: State<App>, request: Request) -> Response {
    forward(state, Endpoint::Embeddings, request).await
}

pub(super) async fn messages(state: State<App>, request: Request) -> Response {
    forward(state, Endpoint::Messages, request).await
}

pub(super) async fn count_tokens(state: State<App>, request: Request) -> Response {
    forward(state, Endpoint::CountTokens, request).await
}

pub(super) async fn input_tokens(state: State<App>, request: Request) -> Response {
    forward(state, Endpoint::InputTokens, request).await
}

async fn forward(State(app): State<App>, endpoint: Endpoint, request: Request) -> Response {
    let id = app.gateway().new_request_id();
    match call(&app, endpoint, id, request).await {
        Ok(answer) => reply::answer(endpoint, answer, app.clock().now()),
        Err(error) => respond(Place::endpoint(endpoint, id), &error),
    }
}

/// The caller is known before the first byte of the body is read.
async fn call(app: &App, endpoint: Endpoint, id: RequestId, request: Request) -> Result<Answer, HttpError> {
    let address = ClientAddress::of(request.extensions());
    let (head, body) = request.into_parts();
    let credentials = Credentials { headers: &head.headers, address };
    let caller = app.gateway().authenticate(credentials).await?;
    let body = read_json(&head.headers, body, app.limits()).await?;
    let request = GatewayRequest { id, endpoint, headers: head.headers, body };
    Ok(app.gateway().handle(caller, request).await?)
}

/// Bounds of what is read from a client.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Largest body of a forwarded call, in bytes as they are received: no coding is undone.
    pub bytes_max: usize,
    /// Until the whole body must be there.
    pub time_max: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { bytes_max: 32 << 20, time_max: Duration::from_mins(5) }
    }
}

pub(super) async fn read_json(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
) -> Result<Content, HttpError> {
    if !is_identity(headers) {
        return Err(HttpError::ContentCoding);
    }
    let json = headers.get_all(CONTENT_TYPE).iter().all(|value| value.to_str().is_ok_and(is_json));
    if !json {
        return Err(HttpError::UnsupportedMediaType);
    }
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limits.bytes_max) {
        return Err(HttpError::TooLarge(limits.bytes_max));
    }
    let collected =
        tokio::time::timeout(limits.time_max, Limited::new(body, limits.bytes_max).collect()).await;
    match collected {
        Ok(Ok(whole)) => Ok(Content::new(whole.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge(limits.bytes_max)),
        Ok(Err(_broken)) => Err(HttpError::Incomplete),
        Err(_elapsed) => Err(HttpError::RequestTimeout),
    }
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
