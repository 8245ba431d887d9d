//! `GET /policies`: what people agree to, version by version, for anyone.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::locale;
use super::problem::Problem;
use crate::account::Locale;
use crate::app::App;
use crate::http::language::preferred_language;
use crate::notify::PolicyKind;
use crate::policy::Policy;

/// Every version of every policy.
#[derive(Serialize, ToSchema)]
pub(super) struct PolicyList {
    data: Vec<PolicyView>,
}

/// A version of a policy.
#[derive(Serialize, ToSchema)]
#[schema(as = Policy)]
pub(super) struct PolicyView {
    kind: &'static str,
    /// The day it was written for.
    version: &'static str,
    #[schema(format = DateTime)]
    effective_from: String,
    in_force: bool,
}

impl PolicyView {
    pub(super) fn of(app: &App, policy: &Policy) -> Self {
        let in_force = app.policies().in_force(policy.kind, app.clock().now());
        Self {
            kind: policy.kind.as_str(),
            version: policy.version,
            effective_from: policy.effective_from.to_string(),
            in_force: in_force.is_some_and(|current| current.version == policy.version),
        }
    }
}

/// A version of a policy, with what it says.
#[derive(Serialize, ToSchema)]
#[schema(as = PolicyText)]
pub(super) struct PolicyTextView {
    #[serde(flatten)]
    policy: PolicyView,
    locale: &'static str,
    title: String,
    /// What is new in this version.
    summary: String,
    /// Markdown, with `{operator}` and `{contact}`.
    text: &'static str,
    /// Of the text, in hexadecimal.
    sha256: String,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguageQuery {
    /// `en`, `zh-CN` or `ja`; left out: what `accept-language` asks for.
    pub(super) locale: Option<String>,
}

/// The versions of the policies, of each kind the newest first.
#[utoipa::path(
    get, path = "/policies", tag = "public", operation_id = "list_policies",
    security(()),
    responses((status = OK, body = PolicyList)),
)]
pub(super) async fn list(State(app): State<App>) -> Json<PolicyList> {
    let all = PolicyKind::ALL.into_iter().flat_map(|kind| app.policies().versions(kind));
    Json(PolicyList { data: all.map(|policy| PolicyView::of(&app, policy)).collect() })
}

/// What a version of a policy says.
#[utoipa::path(
    get, path = "/policies/{kind}/{version}", tag = "public", operation_id = "get_policy",
    security(()),
    params(("kind" = String, Path), ("version" = String, Path), LanguageQuery),
    responses((status = OK, body = PolicyTextView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Path((kind, version)): Path<(String, String)>,
    query: Result<Query<LanguageQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<PolicyTextView>, Problem> {
    let Query(query) = query.map_err(|_refused| Problem::field("query", "invalid_request"))?;
    let accepted = || headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let locale = match &query.locale {
        Some(tag) => locale(tag)?,
        None => accepted().map_or(Locale::En, preferred_language),
    };
    let kind = PolicyKind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or(Problem::NOT_FOUND)?;
    let policy = app.policies().find(kind, &version).ok_or(Problem::NOT_FOUND)?;
    let text = policy.text(locale);
    Ok(Json(PolicyTextView {
        policy: PolicyView::of(&app, policy),
        locale: locale.as_str(),
        title: text.title.clone(),
        summary: text.summary.clone(),
        text: text.source,
        sha256: text.digest.clone(),
    }))
}
