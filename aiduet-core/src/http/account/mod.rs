//! The account API (`/api/v1`): for the dashboard and for programs of the owner.

mod admin;
pub(super) mod archive;
mod auth;
mod billing;
mod call;
mod consents;
mod cookie;
mod deletion;
mod document;
mod export;
mod exports;
mod extract;
mod google;
mod identities;
mod inventory;
mod inventory_words;
mod keys;
mod me;
mod models;
mod overview;
mod policies;
mod problem;
mod receipt_view;
mod requests;
mod status_history;
mod strict;
mod summaries;
mod titles;
mod usage;
mod usage_query;
mod usage_view;
mod view;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::status;
use crate::app::App;
use problem::Problem;

/// Every route, and an answer in the form of this API for every other path below `/api`.
pub(super) fn routes(app: App, public: Router<App>) -> Router<App> {
    described()
        .split_for_parts()
        .0
        .route("/api", any(not_found))
        .route("/api/{*rest}", any(not_found))
        .merge(public)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app, call::frame))
}

/// What the routes are, for those who call them.
pub(super) fn document() -> OpenApi {
    document::finished(described().into_openapi())
}

/// Every route with its operation.
fn described() -> OpenApiRouter<App> {
    let auth = OpenApiRouter::new()
        .routes(routes!(auth::register))
        .routes(routes!(auth::verify_email))
        .routes(routes!(auth::resend_verification))
        .routes(routes!(auth::sign_in))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::sign_out))
        .routes(routes!(auth::reauthenticate))
        .routes(routes!(auth::forgot_password))
        .routes(routes!(auth::reset_password))
        .routes(routes!(auth::confirm_email))
        .routes(routes!(auth::undo_email))
        .routes(routes!(deletion::cancel_by_link))
        .routes(routes!(google::methods))
        .routes(routes!(google::begin))
        .routes(routes!(google::finish))
        .routes(routes!(google::pending, google::link));
    let me = OpenApiRouter::new()
        .routes(routes!(me::show, me::change))
        .routes(routes!(me::change_password))
        .routes(routes!(me::change_email))
        .routes(routes!(me::sessions))
        .routes(routes!(me::end_session))
        .routes(routes!(me::security_log))
        .routes(routes!(me::address))
        .routes(routes!(me::notifications, me::set_notifications))
        .routes(routes!(consents::list, consents::give))
        .routes(routes!(identities::list))
        .routes(routes!(identities::unlink))
        .routes(routes!(deletion::show, deletion::ask, deletion::cancel))
        .routes(routes!(inventory::show))
        .routes(routes!(exports::list, exports::ask))
        .routes(routes!(exports::show))
        .routes(routes!(exports::download));
    let keys = OpenApiRouter::new()
        .routes(routes!(keys::list_keys, keys::create))
        .routes(routes!(keys::show, keys::change, keys::revoke))
        .routes(routes!(keys::history))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::report_leaked));
    let public = OpenApiRouter::new()
        .routes(routes!(models::list))
        .routes(routes!(models::prices))
        .routes(routes!(policies::list))
        .routes(routes!(policies::show))
        .routes(routes!(status::status))
        .routes(routes!(status_history::history));
    let usage = OpenApiRouter::new()
        .routes(routes!(overview::show))
        .routes(routes!(usage::over_time))
        .routes(routes!(usage::by_group))
        .routes(routes!(usage::export))
        .routes(routes!(usage::of_key))
        .routes(routes!(requests::list))
        .routes(routes!(requests::export))
        .routes(routes!(requests::show));
    OpenApiRouter::with_openapi(document::frame())
        .nest("/api/v1/auth", auth)
        .nest("/api/v1/admin", for_operators())
        .nest("/api/v1", me.merge(keys).merge(usage).merge(for_payers()).merge(public))
}

/// What people pay with, and what for.
fn for_payers() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(billing::balance))
        .routes(routes!(billing::transactions))
        .routes(routes!(billing::list_top_ups, billing::open_top_up))
        .routes(routes!(billing::quote::quote))
        .routes(routes!(billing::top_up))
        .routes(routes!(billing::portal))
        .routes(routes!(billing::wallet::invoices))
        .routes(routes!(billing::wallet::cards))
        .routes(routes!(billing::wallet::remove_card))
        .routes(routes!(billing::alerts::show, billing::alerts::set))
        .routes(routes!(billing::limits::show, billing::limits::set))
        .routes(routes!(billing::recharge::show, billing::recharge::set))
}

/// What only operators see.
fn for_operators() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(admin::list_accounts))
        .routes(routes!(admin::show_account))
        .routes(routes!(admin::suspend))
        .routes(routes!(admin::restore))
        .routes(routes!(admin::credit))
        .routes(routes!(admin::refund))
        .routes(routes!(admin::erase))
        .routes(routes!(admin::list_approvals))
        .routes(routes!(admin::grant_approval))
        .routes(routes!(admin::refuse_approval))
        .routes(routes!(admin::list_policies))
        .routes(routes!(admin::publish_policy))
        .routes(routes!(admin::notify_policies))
        .routes(routes!(admin::list_prices, admin::draft_prices))
        .routes(routes!(admin::show_prices))
        .routes(routes!(admin::publish_prices))
        .routes(routes!(admin::withdraw_prices))
        .routes(routes!(admin::list_upstreams))
        .routes(routes!(admin::verify_ledger))
        .routes(routes!(admin::search_audit))
        .routes(routes!(admin::verify_audit))
}

async fn not_found() -> Problem {
    Problem::NOT_FOUND
}

async fn method_not_allowed() -> Problem {
    Problem::METHOD_NOT_ALLOWED
}
