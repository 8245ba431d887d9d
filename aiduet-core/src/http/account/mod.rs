//! The account API (`/api/v1`): for the dashboard and for programs of the owner.

mod auth;
mod call;
mod cookie;
mod extract;
mod keys;
mod me;
mod problem;
mod strict;
mod titles;
mod view;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, delete, get, post};

use crate::app::App;
use problem::Problem;

/// Every route, and an answer in the form of this API for every other path below `/api`.
pub(super) fn routes(app: App, public: Router<App>) -> Router<App> {
    let auth = Router::new()
        .route("/register", post(auth::register))
        .route("/verify-email", post(auth::verify_email))
        .route("/verify-email/resend", post(auth::resend_verification))
        .route("/login", post(auth::sign_in))
        .route("/refresh", post(auth::refresh))
        .route("/logout", post(auth::sign_out))
        .route("/reauth", post(auth::reauthenticate))
        .route("/password/forgot", post(auth::forgot_password))
        .route("/password/reset", post(auth::reset_password))
        .route("/email/confirm", post(auth::confirm_email))
        .route("/email/undo", post(auth::undo_email));
    let me = Router::new()
        .route("/me", get(me::show).patch(me::change))
        .route("/me/password", post(me::change_password))
        .route("/me/email", post(me::change_email))
        .route("/me/sessions", get(me::sessions))
        .route("/me/sessions/{id}", delete(me::end_session))
        .route("/me/security-log", get(me::security_log));
    let keys = Router::new()
        .route("/keys", get(keys::list_keys).post(keys::create))
        .route("/keys/{id}", get(keys::show).patch(keys::change).delete(keys::revoke))
        .route("/keys/{id}/rotate", post(keys::rotate));
    Router::new()
        .nest("/api/v1/auth", auth)
        .nest("/api/v1", me.merge(keys))
        .route("/api", any(not_found))
        .route("/api/{*rest}", any(not_found))
        .merge(public)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app, call::frame))
}

async fn not_found() -> Problem {
    Problem::NOT_FOUND
}

async fn method_not_allowed() -> Problem {
    Problem::METHOD_NOT_ALLOWED
}
