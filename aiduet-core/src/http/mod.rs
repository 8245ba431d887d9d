//! The HTTP surface as an axum router: thin handlers that extract, ask the domain and answer.

mod account;
mod catalogue;
mod coding;
pub mod dashboard;
pub mod edge;
mod error;
mod explain;
mod health;
mod language;
mod leaked;
pub mod metrics;
mod openapi;
mod page_headers;
mod pages;
mod proxy;
mod receipt;
mod reply;
mod status;
mod webhook;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{MethodRouter, any, get, head, post};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

pub use account::archive::Archive;
pub use openapi::openapi;
pub use proxy::BodyLimits;

use crate::app::App;
use crate::dialect::{Dialect, Endpoint};
use error::{HttpError, Place, respond};

/// Every public route.
pub fn router(app: App) -> Router {
    let panicked = app.clone();
    let public = [("/api/hello", head(health::ok).get(health::ok)), ("/health", get(health::ok))];
    let [hello, health] = public;
    with_and_without_slash([health])
        .route("/", head(health::ok).get(pages::root))
        .merge(pages::routes())
        .merge(account::routes(app.clone(), with_and_without_slash([hello])))
        .route("/openapi.json", get(openapi::document))
        .route("/webhooks/stripe", post(webhook::stripe))
        .route("/webhooks/github-secrets", post(webhook::github))
        .merge(gateway_routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), leaked::refuse))
        .with_state(app)
        .layer(CatchPanicLayer::custom(move |_payload: Box<dyn std::any::Any + Send>| {
            respond(place(&panicked, Dialect::OpenAi), &HttpError::Panicked)
        }))
}

/// Routes for the operator: not to be reached from outside.
pub fn admin_router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health::ok))
        .route("/readyz", get(health::ready))
        .route("/startupz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .with_state(app)
}

fn gateway_routes() -> Router<App> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        // `*` does not stand for `authorization` (Fetch Standard, "CORS protocol and HTTP caches").
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(Any)
        .max_age(std::time::Duration::from_mins(10));
    let routes = [
        (Endpoint::ChatCompletions.path(), post(proxy::chat_completions)),
        (Endpoint::Responses.path(), post(proxy::responses).get(no_websocket)),
        (Endpoint::Embeddings.path(), post(proxy::embeddings)),
        (Endpoint::Messages.path(), post(proxy::messages)),
        (Endpoint::CountTokens.path(), post(proxy::count_tokens)),
        (Endpoint::InputTokens.path(), post(proxy::input_tokens)),
        ("/v1/models", get(catalogue::list)),
        ("/v1/duet/explain", post(explain::explain)),
        ("/v1/key", get(receipt::key)),
        ("/v1/credits", get(receipt::credits)),
        ("/v1/generation", get(receipt::generation)),
    ];
    with_and_without_slash(routes)
        .route("/v1/models/{*id}", get(catalogue::find))
        .route("/v1/{*rest}", any(not_found))
        // Inside the layer, which answers what browsers ask beforehand.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(cors)
}

/// Some clients put a slash at the end of every path.
fn with_and_without_slash<const N: usize>(routes: [(&str, MethodRouter<App>); N]) -> Router<App> {
    routes.into_iter().fold(Router::new(), |router, (path, methods)| {
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    })
}

/// A place that is no endpoint.
fn place(app: &App, dialect: Dialect) -> Place {
    Place { dialect, endpoint: None, id: app.gateway().new_request_id() }
}

/// The dialect of a shared path: what the headers say.
fn dialect_of(uri: &Uri, headers: &HeaderMap) -> Dialect {
    let messages = uri.path().starts_with(Endpoint::Messages.path());
    if messages || headers.contains_key("anthropic-version") { Dialect::Anthropic } else { Dialect::OpenAi }
}

async fn not_found(State(app): State<App>, head: Parts) -> Response {
    if pages::wants_page(&head.headers) {
        return pages::not_found(&app, &head.headers);
    }
    respond(place(&app, dialect_of(&head.uri, &head.headers)), &HttpError::NotFound)
}

async fn method_not_allowed(State(app): State<App>, head: Parts) -> Response {
    respond(place(&app, dialect_of(&head.uri, &head.headers)), &HttpError::MethodNotAllowed)
}

/// Codex tries a WebSocket first and falls back to HTTP when it is refused like this.
async fn no_websocket(State(app): State<App>, head: Parts) -> Response {
    let asked = head.headers.contains_key(http::header::UPGRADE);
    let error = if asked { HttpError::UpgradeRefused } else { HttpError::MethodNotAllowed };
    respond(place(&app, Dialect::OpenAi), &error)
}
