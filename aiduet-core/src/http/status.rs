//! `GET /api/v1/status`: how the providers are doing, for anyone.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::provider::Vendor;
use crate::routing::ProviderHealth;

/// How the service is.
#[derive(Serialize, ToSchema)]
#[schema(as = Status)]
pub(super) struct StatusView {
    #[schema(value_type = Health)]
    status: ProviderHealth,
    #[schema(format = DateTime)]
    checked_at: String,
    providers: Vec<ProviderView>,
}

/// How a provider is.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderStatus)]
struct ProviderView {
    #[schema(value_type = String)]
    provider: Vendor,
    #[schema(value_type = Health)]
    status: ProviderHealth,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain, which knows nothing of documents")]
pub(super) enum Health {
    Up,
    Degraded,
    Down,
}

/// How the providers are doing.
///
/// It says nothing about the operator's upstreams.
#[utoipa::path(
    get, path = "/status", tag = "public", operation_id = "get_status",
    security(()),
    responses((status = OK, body = StatusView)),
)]
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
    let providers =
        providers.into_iter().map(|(provider, status)| ProviderView { provider, status }).collect();
    let body = StatusView { status: overall, checked_at: app.clock().now().to_string(), providers };
    let mut response = Json(body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
