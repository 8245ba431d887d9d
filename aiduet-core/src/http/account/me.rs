//! The account, its sessions, and what happened to it.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::auth::{email, locale, name};
use super::extract::{Fresh, Person};
use super::problem::Problem;
use super::strict::{Strict, given};
use super::view;
use crate::account::{ProfileChange, Visit};
use crate::app::App;
use crate::auth::{ListSecurityEvents, SecurityEventKind, Which};
use crate::id::SessionId;
use crate::secret::Secret;

const PAGE_DEFAULT: u32 = 50;
const PAGE_MAX: u32 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileBody {
    #[serde(default, deserialize_with = "given")]
    name: Option<Option<String>>,
    locale: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailBody {
    email: String,
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

impl PageQuery {
    pub(super) fn read<T: std::str::FromStr>(
        query: Result<Query<Self>, QueryRejection>,
    ) -> Result<(Option<T>, u32), Problem> {
        let Query(Self { limit, cursor }) =
            query.map_err(|_refused| Problem::field("query", "invalid_request"))?;
        let limit = match limit {
            Some(text) => text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)),
            None => Some(PAGE_DEFAULT),
        };
        let limit = limit.ok_or(Problem::field("limit", "invalid_limit"))?;
        let cursor = cursor.map(|text| text.parse()).transpose();
        Ok((cursor.map_err(|_foreign| Problem::field("cursor", "invalid_cursor"))?, limit))
    }
}

/// `GET /me`
pub(super) async fn show(Person(person): Person) -> Json<Value> {
    Json(view::account(&person.account))
}

/// `PATCH /me`
pub(super) async fn change(
    State(app): State<App>,
    visit: Visit,
    Person(person): Person,
    Strict(body): Strict<ProfileBody>,
) -> Result<Json<Value>, Problem> {
    let text = match body.name {
        Some(Some(text)) => Some(Some(name(text)?)),
        other => other,
    };
    let locale = body.locale.as_deref().map(locale).transpose()?;
    let change = ProfileChange { name: text, locale };
    let account = app.reception().change_profile(&person, change, &visit).await?;
    Ok(Json(view::account(&account)))
}

/// `POST /me/password`
pub(super) async fn change_password(
    State(app): State<App>,
    visit: Visit,
    Fresh(person): Fresh,
    Strict(body): Strict<PasswordBody>,
) -> Result<StatusCode, Problem> {
    let password = Secret::new(body.password);
    app.reception().change_password(&person, &password, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /me/email`: the rest is in the mail to the new address.
pub(super) async fn change_email(
    State(app): State<App>,
    Fresh(person): Fresh,
    Strict(body): Strict<EmailBody>,
) -> Result<StatusCode, Problem> {
    app.reception().change_email(&person, email(&body.email)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `GET /me/sessions`
pub(super) async fn sessions(State(app): State<App>, Person(person): Person) -> Result<Json<Value>, Problem> {
    let sessions = app.stores().sessions.list(person.account.id).await;
    let sessions = sessions.map_err(|error| Problem::internal(&error))?;
    let now = app.clock().now();
    let alive = sessions.iter().filter(|session| session.is_alive(now));
    Ok(Json(view::page(alive.map(|session| view::session(session, person.session.id)).collect(), None)))
}

/// `DELETE /me/sessions/{id}`
pub(super) async fn end_session(
    State(app): State<App>,
    visit: Visit,
    Person(person): Person,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: SessionId = id.parse().map_err(|_foreign| Problem::NOT_FOUND)?;
    if app.reception().end_sessions(&person, Which::One(id)).await? == 0 {
        return Err(Problem::NOT_FOUND);
    }
    app.reception().record(person.account.id, SecurityEventKind::SessionRevoked, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /me/security-log`
pub(super) async fn security_log(
    State(app): State<App>,
    Person(person): Person,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let (before, limit) = PageQuery::read(query)?;
    let request = ListSecurityEvents { account: person.account.id, before, limit };
    let events = app.stores().security_log.list(request).await;
    let events = events.map_err(|error| Problem::internal(&error))?;
    let is_full = events.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = events.last().filter(|_last| is_full).map(|last| last.id.to_string());
    Ok(Json(view::page(events.iter().map(view::security_event).collect(), next)))
}
