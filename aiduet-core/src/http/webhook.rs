//! `POST /webhooks/stripe`: messages of the card company, by their raw bytes.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Limited};
use serde_json::json;

use crate::app::App;
use crate::class::{Classify, ErrorClass};
use crate::payment::{CashierError, PaymentError, SignedPayload};

/// Messages are a few KiB; what is larger is not one.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Until the whole message must be there.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// Answers 200 to what was taken, also if nothing follows from it; 400 to anything that is not
/// genuine, without a reason; and 5xx when it should be sent again.
pub(super) async fn stripe(State(app): State<App>, request: Request) -> Response {
    let Some(cashier) = app.cashier() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "payments_unavailable");
    };
    let (head, body) = request.into_parts();
    let signature = head.headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
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
        Err(error) => {
            tracing::error!(%error, "a webhook could not be acted on; it will be sent again");
            let is_passing = matches!(error.class(), ErrorClass::Unavailable | ErrorClass::Timeout);
            let status =
                if is_passing { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
            problem(status, "not_processed")
        }
    }
}

async fn read(body: Body) -> Option<bytes::Bytes> {
    let whole = Limited::new(body, BODY_BYTES_MAX).collect();
    Some(tokio::time::timeout(BODY_TIME_MAX, whole).await.ok()?.ok()?.to_bytes())
}

/// Problem details (RFC 9457).
fn problem(status: StatusCode, code: &'static str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "code": code });
    let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
    (status, kind, body.to_string()).into_response()
}
