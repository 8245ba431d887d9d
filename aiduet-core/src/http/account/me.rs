//! The account, its sessions, and what happened to it.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{EmailBody, PasswordBody, email, locale, name};
use super::extract::{Fresh, Leaving, Person};
use super::problem::Problem;
use super::strict::{Strict, given};
use super::view::{AccountView, NotificationsView, Page, SecurityEventView, SessionView};
use crate::account::{ProfileChange, Visit};
use crate::app::App;
use crate::auth::{ListSecurityEvents, SecurityEventKind, Which};
use crate::id::SessionId;
use crate::notify::NoticeChoices;
use crate::secret::Secret;

const TAG: &str = "me";
const PAGE_DEFAULT: u32 = 50;
const PAGE_MAX: u32 = 100;

#[derive(Deserialize, ToSchema)]
#[schema(as = ProfileChange)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileBody {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, required = false, max_length = 80)]
    name: Option<Option<String>>,
    /// `en`, `zh-CN` or `ja`.
    locale: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// Items on the page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageQuery {
    pub(super) fn read<T: std::str::FromStr>(
        query: Result<Query<Self>, QueryRejection>,
    ) -> Result<(Option<T>, u32), Problem> {
        let Query(asked) = query.map_err(|_refused| Problem::field("query", "invalid_request"))?;
        asked.parse()
    }

    pub(super) const fn of(limit: Option<String>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    pub(super) fn parse<T: std::str::FromStr>(self) -> Result<(Option<T>, u32), Problem> {
        let Self { limit, cursor } = self;
        let limit = match limit {
            Some(text) => text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)),
            None => Some(PAGE_DEFAULT),
        };
        let limit = limit.ok_or(Problem::field("limit", "invalid_limit"))?;
        let cursor = cursor.map(|text| text.parse()).transpose();
        Ok((cursor.map_err(|_foreign| Problem::field("cursor", "invalid_cursor"))?, limit))
    }
}

/// The account.
///
/// Also answers when the account is to be deleted.
#[utoipa::path(
    get, path = "/me", tag = TAG, operation_id = "get_me",
    responses((status = OK, body = AccountView)),
)]
pub(super) async fn show(Leaving(person): Leaving) -> Json<AccountView> {
    Json(AccountView::from(&*person.account))
}

/// Changes name or language.
#[utoipa::path(
    patch, path = "/me", tag = TAG, operation_id = "change_me",
    request_body = ProfileBody,
    responses((status = OK, body = AccountView)),
)]
pub(super) async fn change(
    State(app): State<App>,
    visit: Visit,
    Person(person): Person,
    Strict(body): Strict<ProfileBody>,
) -> Result<Json<AccountView>, Problem> {
    let text = match body.name {
        Some(Some(text)) => Some(Some(name(text)?)),
        other => other,
    };
    let locale = body.locale.as_deref().map(locale).transpose()?;
    let change = ProfileChange { name: text, locale, choices: None };
    let account = app.reception().change_profile(&person, change, &visit).await?;
    Ok(Json(AccountView::from(&account)))
}

/// Sets a new password.
///
/// Needs the password of before within the last 15 minutes; ends all other sessions.
#[utoipa::path(
    post, path = "/me/password", tag = TAG, operation_id = "change_password",
    request_body = PasswordBody,
    responses((status = NO_CONTENT, description = "Done.")),
)]
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

/// Asks for another address.
///
/// Needs the password within the last 15 minutes. The rest is in the mail to the new address.
#[utoipa::path(
    post, path = "/me/email", tag = TAG, operation_id = "change_email",
    request_body = EmailBody,
    responses((status = ACCEPTED, description = "Whatever comes of it is in the mail.")),
)]
pub(super) async fn change_email(
    State(app): State<App>,
    Fresh(person): Fresh,
    Strict(body): Strict<EmailBody>,
) -> Result<StatusCode, Problem> {
    app.reception().change_email(&person, email(&body.email)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The sessions that are alive.
#[utoipa::path(
    get, path = "/me/sessions", tag = TAG, operation_id = "list_sessions",
    responses((status = OK, body = Page<SessionView>)),
)]
pub(super) async fn sessions(
    State(app): State<App>,
    Person(person): Person,
) -> Result<Json<Page<SessionView>>, Problem> {
    let sessions = app.stores().sessions.list(person.account.id).await;
    let sessions = sessions.map_err(|error| Problem::internal(&error))?;
    let now = app.clock().now();
    let alive = sessions.iter().filter(|session| session.is_alive(now));
    Ok(Json(Page::of(alive.map(|session| SessionView::of(session, person.session.id)), None)))
}

/// Ends a session.
#[utoipa::path(
    delete, path = "/me/sessions/{id}", tag = TAG, operation_id = "end_session",
    params(("id" = String, Path)),
    responses((status = NO_CONTENT, description = "Done.")),
)]
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

#[derive(Deserialize, ToSchema)]
#[schema(as = NotificationsChange)]
#[serde(deny_unknown_fields)]
pub(super) struct NotificationsBody {
    /// That a key ends.
    key_expiry: bool,
    /// That somebody signed in on a device that was not seen before.
    new_sign_in: bool,
    /// That requests are refused for lack of funds; left out: as it is.
    #[serde(default)]
    #[schema(required = false)]
    balance_empty: Option<bool>,
}

/// Which mails are sent of those that may be turned off.
#[utoipa::path(
    get, path = "/me/notifications", tag = TAG, operation_id = "get_notifications",
    responses((status = OK, body = NotificationsView)),
)]
pub(super) async fn notifications(Person(person): Person) -> Json<NotificationsView> {
    Json(NotificationsView::from(person.account.choices))
}

/// Chooses which mails are sent of those that may be turned off.
#[utoipa::path(
    put, path = "/me/notifications", tag = TAG, operation_id = "set_notifications",
    request_body = NotificationsBody,
    responses((status = OK, body = NotificationsView)),
)]
pub(super) async fn set_notifications(
    State(app): State<App>,
    visit: Visit,
    Person(person): Person,
    Strict(body): Strict<NotificationsBody>,
) -> Result<Json<NotificationsView>, Problem> {
    let NotificationsBody { key_expiry, new_sign_in, balance_empty } = body;
    let balance_empty = balance_empty.unwrap_or(person.account.choices.balance_empty);
    let choices = NoticeChoices { key_expiry, new_sign_in, balance_empty };
    let change = ProfileChange { choices: Some(choices), ..ProfileChange::default() };
    let account = app.reception().change_profile(&person, change, &visit).await?;
    Ok(Json(NotificationsView::from(account.choices)))
}

/// From where a request comes.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnAddress)]
pub(super) struct AddressView {
    /// As a prefix that stands for it alone, such as `192.0.2.1/32`.
    network: String,
}

/// From where this request comes: for the list of addresses that a key may be used from.
///
/// It is told and not kept.
#[utoipa::path(
    get, path = "/me/address", tag = TAG, operation_id = "get_own_address",
    responses((status = OK, body = AddressView)),
)]
pub(super) async fn address(visit: Visit, Person(_person): Person) -> Json<AddressView> {
    let network = IpNet::from(visit.address.to_canonical()).to_string();
    Json(AddressView { network })
}

/// What happened to the account, newest first.
#[utoipa::path(
    get, path = "/me/security-log", tag = TAG, operation_id = "list_security_events",
    params(PageQuery),
    responses((status = OK, body = Page<SecurityEventView>)),
)]
pub(super) async fn security_log(
    State(app): State<App>,
    Person(person): Person,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<SecurityEventView>>, Problem> {
    let (before, limit) = PageQuery::read(query)?;
    let request = ListSecurityEvents { account: person.account.id, key: None, before, limit };
    let events = app.stores().security_log.list(request).await;
    let events = events.map_err(|error| Problem::internal(&error))?;
    let is_full = events.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = events.last().filter(|_last| is_full).map(|last| last.id.to_string());
    Ok(Json(Page::of(events.iter().map(SecurityEventView::from), next)))
}
