//! `POST /webhooks/…`: messages of those we work with, believed by the signature over their raw bytes.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::coding::{is_identity, name_accepted};
use crate::account::ReceptionError;
use crate::app::App;
use crate::class::{Classify, ErrorClass, with_causes};
use crate::keys::{PlainApiKey, ReportError, SignedReport};
use crate::payment::{CashierError, PaymentError, SignedPayload};

/// Messages are a few KiB; what is larger is not one.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Until the whole message must be there.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");
const GITHUB_SIGNER: HeaderName = HeaderName::from_static("github-public-key-identifier");
const GITHUB_SIGNATURE: HeaderName = HeaderName::from_static("github-public-key-signature");
/// Longest address of a find that is passed on, in bytes.
const PLACE_BYTES_MAX: usize = 512;

/// Answers 200 to what was taken, also if nothing follows from it; 400 to anything that is not
/// genuine, without a reason; and 5xx when it should be sent again.
pub(super) async fn stripe(State(app): State<App>, request: Request) -> Response {
    let Some(cashier) = app.cashier() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "payments_unavailable");
    };
    let (head, body) = request.into_parts();
    if !is_identity(&head.headers) {
        return coded();
    }
    let signature = text(&head.headers, &SIGNATURE);
    let Some(body) = read(body).await else {
        return problem(StatusCode::BAD_REQUEST, "invalid_webhook");
    };
    let received_at = app.clock().now();
    match cashier.receive(SignedPayload { body: &body, signature, received_at }).await {
        Ok(()) => Json(json!({ "received": true })).into_response(),
        Err(CashierError::Payment(PaymentError::BadSignature)) => {
            tracing::warn!("a webhook was refused: it is not genuine");
            problem(StatusCode::BAD_REQUEST, "invalid_webhook")
        }
        Err(error @ CashierError::Early) => {
            tracing::warn!(%error, "a webhook is asked for again");
            problem(StatusCode::SERVICE_UNAVAILABLE, "not_processed")
        }
        Err(error) => {
            tracing::error!(%error, "a webhook could not be acted on; it will be sent again");
            let is_passing = matches!(error.class(), ErrorClass::Unavailable | ErrorClass::Timeout);
            let status =
                if is_passing { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
            problem(status, "not_processed")
        }
    }
}

/// A key that GitHub has found.
#[derive(Deserialize)]
struct Find {
    token: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    url: String,
}

/// What GitHub is told about it. The digest would do as well, but in which digits is not documented.
#[derive(Serialize)]
struct Verdict {
    token_raw: String,
    token_type: String,
    label: &'static str,
}

/// Disables the keys that GitHub has found in public, and says of each whether it is one of ours.
pub(super) async fn github(State(app): State<App>, request: Request) -> Response {
    let Some(reports) = app.reports() else { return problem(StatusCode::NOT_FOUND, "not_found") };
    let (head, body) = request.into_parts();
    if !is_identity(&head.headers) {
        return coded();
    }
    let (signer, signature) = (text(&head.headers, &GITHUB_SIGNER), text(&head.headers, &GITHUB_SIGNATURE));
    let Some(body) = read(body).await else {
        return problem(StatusCode::BAD_REQUEST, "invalid_webhook");
    };
    match reports.verify(SignedReport { body: &body, signer, signature }).await {
        Ok(()) => {}
        Err(ReportError::NotGenuine) => {
            tracing::warn!("a report of published keys was refused: it is not genuine");
            return problem(StatusCode::BAD_REQUEST, "invalid_webhook");
        }
        Err(error) => {
            tracing::error!(error = with_causes(&error), "a report of published keys could not be checked");
            return problem(StatusCode::SERVICE_UNAVAILABLE, "not_processed");
        }
    }
    // The error would quote what was sent.
    let Ok(finds) = serde_json::from_slice::<Vec<Find>>(&body) else {
        return problem(StatusCode::BAD_REQUEST, "invalid_webhook");
    };
    let mut verdicts = Vec::new();
    for find in finds {
        match disable(&app, find).await {
            Ok(verdict) => verdicts.push(verdict),
            Err(error) => {
                tracing::error!(error = with_causes(&error), "a published key is not disabled");
                return problem(StatusCode::SERVICE_UNAVAILABLE, "not_processed");
            }
        }
    }
    Json(verdicts).into_response()
}

async fn disable(app: &App, find: Find) -> Result<Verdict, ReceptionError> {
    let Find { token, kind, url } = find;
    let is_place = url.starts_with("https://")
        && url.len() <= PLACE_BYTES_MAX
        && url.bytes().all(|byte| byte.is_ascii_graphic());
    let is_ours = match PlainApiKey::parse(&token) {
        Ok(key) => app.reception().disable_leaked_key(&key, is_place.then_some(url)).await?,
        Err(_malformed) => false,
    };
    let label = if is_ours { "true_positive" } else { "false_positive" };
    Ok(Verdict { token_raw: token, token_type: kind, label })
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn read(body: Body) -> Option<bytes::Bytes> {
    let whole = Limited::new(body, BODY_BYTES_MAX).collect();
    Some(tokio::time::timeout(BODY_TIME_MAX, whole).await.ok()?.ok()?.to_bytes())
}

/// The refusal of a body with a content coding.
fn coded() -> Response {
    let mut response = problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    name_accepted(response.headers_mut());
    response
}

/// Problem details (RFC 9457).
fn problem(status: StatusCode, code: &'static str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "code": code });
    let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
    (status, kind, body.to_string()).into_response()
}
