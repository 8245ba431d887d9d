//! `GET /api/v1/status`: how the providers are doing, for anyone.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::json;

use crate::app::App;
use crate::routing::ProviderHealth;

/// What is told about a provider says nothing about the operator's upstreams.
pub(super) async fn status(State(app): State<App>) -> Response {
    let gateway = app.gateway();
    let providers: Vec<_> =
        gateway.vendors().map(|vendor| (vendor, gateway.provider_health(vendor))).collect();
    let best = providers.iter().map(|(_vendor, health)| *health).min().unwrap_or(ProviderHealth::Down);
    let worst = providers.iter().map(|(_vendor, health)| *health).max().unwrap_or(ProviderHealth::Down);
    let overall = match (best, worst) {
        (ProviderHealth::Down, _) => ProviderHealth::Down,
        (_, ProviderHealth::Up) => ProviderHealth::Up,
        _ => ProviderHealth::Degraded,
    };
    let providers: Vec<_> =
        providers.into_iter().map(|(vendor, health)| json!({"provider": vendor, "status": health})).collect();
    let body =
        json!({"status": overall, "checked_at": app.clock().now().to_string(), "providers": providers});
    let mut response = Json(body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
