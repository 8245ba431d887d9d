//! Answering with what a provider says.

use std::io;

use futures_util::StreamExt;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Act, Next, SeenRequest, chunk, gone, head, play, reset};
use crate::clock::{ManualClock, Timestamp};
use crate::content::Content;
use crate::dialect::{Dialect, Endpoint};
use crate::id::{RequestId, SystemEntropy};
use crate::provider::{Provider, ProviderError, UpstreamCall, UpstreamReply};

pub(super) async fn answer(
    socket: &mut TcpStream,
    provider: &dyn Provider,
    request: SeenRequest,
) -> io::Result<Next> {
    let path = request.target.split('?').next().unwrap_or_default();
    let Some(endpoint) = Endpoint::ALL.into_iter().find(|endpoint| endpoint.path() == path) else {
        return refuse(socket, 404).await;
    };
    match missing(endpoint, &request.headers) {
        Some(status) => refuse(socket, status).await,
        None => relay(socket, provider, call(endpoint, request)).await,
    }
}

/// What a real provider would refuse at once.
fn missing(endpoint: Endpoint, headers: &HeaderMap) -> Option<u16> {
    let is_known = headers.contains_key(AUTHORIZATION) || headers.contains_key("x-api-key");
    let has_version = endpoint.dialect() == Dialect::OpenAi || headers.contains_key("anthropic-version");
    match (is_known, has_version) {
        (false, _) => Some(401),
        (true, false) => Some(400),
        (true, true) => None,
    }
}

async fn refuse(socket: &mut TcpStream, status: u16) -> io::Result<Next> {
    let body = br#"{"type":"error","error":{"type":"invalid_request_error","message":"refused"}}"#;
    play(socket, vec![Act::answer(status, &[("content-type", "application/json")], body)]).await
}

fn call(endpoint: Endpoint, request: SeenRequest) -> UpstreamCall {
    let clock = ManualClock::new(Timestamp::from_millis(0));
    UpstreamCall {
        endpoint,
        request: RequestId::generate(&clock, &SystemEntropy),
        headers: request.headers,
        body: Content::new(request.body),
        stream: false,
    }
}

async fn relay(socket: &mut TcpStream, provider: &dyn Provider, call: UpstreamCall) -> io::Result<Next> {
    let dialect = call.endpoint.dialect();
    let replied = tokio::select! {
        replied = provider.send(call) => replied,
        () = gone(socket) => return Ok(Next::PeerLeft),
    };
    let mut reply = match replied {
        Ok(reply) => reply,
        Err(error) => return fail(socket, error).await,
    };
    socket.write_all(opening(dialect, &reply).as_bytes()).await?;
    loop {
        let item = tokio::select! {
            item = reply.body.next() => item,
            () = gone(socket) => return Ok(Next::PeerLeft),
        };
        match item {
            Some(Ok(bytes)) if bytes.is_empty() => {}
            Some(Ok(bytes)) => socket.write_all(&chunk(&bytes)).await?,
            Some(Err(error)) => return fail(socket, error).await,
            None => {
                socket.write_all(&chunk(b"")).await?;
                return Ok(Next::Request);
            }
        }
    }
}

/// A provider that is late is silent; one that breaks resets the connection.
async fn fail(socket: &TcpStream, error: ProviderError) -> io::Result<Next> {
    match error {
        ProviderError::Timeout { .. } => {
            gone(socket).await;
            Ok(Next::PeerLeft)
        }
        ProviderError::Connect | ProviderError::Broken { .. } | ProviderError::TooLarge => reset(socket),
    }
}

/// The head, with what real providers say about the operator in it.
fn opening(dialect: Dialect, reply: &UpstreamReply) -> String {
    let kind = if reply.is_event_stream { "text/event-stream; charset=utf-8" } else { "application/json" };
    let about_the_operator = match dialect {
        Dialect::OpenAi => [
            ("openai-organization", "org-operator"),
            ("x-ratelimit-remaining-requests", "9"),
            ("set-cookie", "a=b"),
        ],
        Dialect::Anthropic => [
            ("anthropic-organization-id", "org-operator"),
            ("anthropic-ratelimit-requests-remaining", "9"),
            ("set-cookie", "a=b"),
        ],
    };
    let mut headers = vec![("content-type", kind), ("transfer-encoding", "chunked")];
    headers.extend(about_the_operator);
    let retry_after = reply.retry_after.map(|wait| wait.as_secs().to_string());
    headers.extend(retry_after.as_deref().map(|seconds| ("retry-after", seconds)));
    let id_name = match dialect {
        Dialect::OpenAi => "x-request-id",
        Dialect::Anthropic => "request-id",
    };
    headers.extend(reply.upstream_request_id.as_ref().map(|id| (id_name, id.as_str())));
    head(reply.status.as_u16(), &headers) + "\r\n"
}
