//! From an answer of the gateway to an HTTP response.

use std::convert::Infallible;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::error::Place;
use crate::clock::Timestamp;
use crate::dialect::{Dialect, Endpoint};
use crate::gateway::{Answer, AnswerBody};
use crate::id::RequestId;
use crate::limit::{LimitKey, Standing};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const ROLE: HeaderName = HeaderName::from_static("x-aiduet-role");
const REASON: HeaderName = HeaderName::from_static("x-aiduet-reason");
const MODEL: HeaderName = HeaderName::from_static("x-aiduet-model");
const PROVIDER: HeaderName = HeaderName::from_static("x-aiduet-provider");
const COST: HeaderName = HeaderName::from_static("x-aiduet-cost");
const BALANCE: HeaderName = HeaderName::from_static("x-aiduet-balance");
const MAX_TOKENS: HeaderName = HeaderName::from_static("x-aiduet-max-tokens");
const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Writes the request's identifier under the names that the SDKs of a dialect look for.
pub(super) fn name_request(headers: &mut HeaderMap, dialect: Dialect, id: RequestId) {
    let Some(value) = text(&id) else { return };
    if dialect == Dialect::Anthropic {
        headers.insert(ANTHROPIC_REQUEST_ID, value.clone());
    }
    headers.insert(REQUEST_ID, value);
}

/// Writes what was asked about models, keys, balances and receipts.
pub(super) fn tell(place: Place, body: Value) -> Response {
    let mut response = Json(body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    name_request(response.headers_mut(), place.dialect, place.id);
    response
}

/// Writes an answer.
pub(super) fn answer(endpoint: Endpoint, answer: Answer, now: Timestamp) -> Response {
    let Answer {
        id,
        status,
        model,
        vendor,
        duet,
        upstream_request_id,
        cost,
        balance,
        lowered_limit,
        standings,
        body,
    } = answer;
    let (body, content_type, cache_control) = match body {
        AnswerBody::Whole(content) => (Body::from(content.into_exposed()), "application/json", "no-store"),
        AnswerBody::Stream(frames) => (
            Body::from_stream(frames.map(Ok::<_, Infallible>)),
            "text/event-stream; charset=utf-8",
            "no-cache",
        ),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers.insert(PROVIDER, HeaderValue::from_static(vendor.as_str()));
    name_request(headers, endpoint.dialect(), id);
    let told = [
        (MODEL, text(&model)),
        (ROLE, duet.as_ref().and_then(|duet| text(&duet.role))),
        (REASON, duet.as_ref().and_then(|duet| text(&duet.reason))),
        (COST, cost.as_ref().and_then(text)),
        (BALANCE, balance.as_ref().and_then(text)),
        (MAX_TOKENS, lowered_limit.as_ref().and_then(text)),
        (UPSTREAM_REQUEST_ID, upstream_request_id.and_then(|id| text(&id.as_str()))),
    ];
    for (name, value) in told {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    for standing in standings {
        rate_limit(headers, endpoint.dialect(), standing, now);
    }
    if status.is_client_error() && status != http::StatusCode::TOO_MANY_REQUESTS {
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}

/// Tells what is left of a limit, under the names that the SDKs of a dialect look for.
pub(super) fn rate_limit(headers: &mut HeaderMap, dialect: Dialect, standing: Standing, now: Timestamp) {
    let Standing { key, limit, remaining, reset_after } = standing;
    let unit = match key {
        LimitKey::KeyRequests(_) => "requests",
        LimitKey::KeyTokens(_) => "tokens",
        LimitKey::KeyConcurrency(_)
        | LimitKey::AccountConcurrency(_)
        | LimitKey::AuthFailures(_)
        | LimitKey::Guard(..) => return,
    };
    let (prefix, reset) = match dialect {
        Dialect::OpenAi => ("x-ratelimit", format!("{}ms", reset_after.as_millis())),
        Dialect::Anthropic => ("anthropic-ratelimit", now.plus(reset_after).to_string()),
    };
    for (what, value) in
        [("limit", limit.to_string()), ("remaining", remaining.to_string()), ("reset", reset)]
    {
        let name = match dialect {
            Dialect::OpenAi => format!("{prefix}-{what}-{unit}"),
            Dialect::Anthropic => format!("{prefix}-{unit}-{what}"),
        };
        if let (Ok(name), Some(value)) = (HeaderName::try_from(name), text(&value)) {
            headers.insert(name, value);
        }
    }
}

fn text(value: &impl ToString) -> Option<HeaderValue> {
    HeaderValue::from_str(&value.to_string()).ok()
}
