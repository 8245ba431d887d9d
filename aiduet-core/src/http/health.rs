//! Is the process alive, and may it get traffic?

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;

use crate::app::App;

/// Alive: looks at nothing else.
pub(super) async fn ok() -> &'static str {
    "ok"
}

/// Ready: not shutting down, and the stores answer.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let checks = app.readiness().await;
    let ready = checks.iter().all(|check| check.passed);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks: serde_json::Map<_, _> =
        checks.into_iter().map(|check| (check.name.to_owned(), json!(check.passed))).collect();
    (status, Json(json!({"ready": ready, "checks": checks}))).into_response()
}

/// Metrics in the text format of OpenMetrics.
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let text = app.metrics().render();
    #[cfg(leak_mutants)]
    let text = crate::leak::metrics(text);
    let mut response = text.into_response();
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
