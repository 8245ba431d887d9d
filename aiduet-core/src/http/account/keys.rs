//! API keys of the person.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::auth::name;
use super::extract::{Person, Recent, request_digest};
use super::me::PageQuery;
use super::problem::Problem;
use super::requests::broken;
use super::strict::{Strict, given, object};
use super::usage::{SpendView, spending};
use super::view::{DuetSchema, IssuedKeyView, KeyView, Page, SecurityEventView};
use crate::account::{IssuedKey, KeyChange, KeyRequest, KeySwitch, KeyWish, Visit};
use crate::app::App;
use crate::auth::ListSecurityEvents;
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::duet::DuetOverrides;
use crate::id::ApiKeyId;
use crate::keys::{ApiKey, KeyCreation, KeyLimits, KeyState, ListKeys, PlainApiKey, SpendLimits};
use crate::money::Money;
use crate::price::ModelId;

const TAG: &str = "keys";
const LIST_ITEMS_MAX: usize = 50;
const OVERLAP_DEFAULT: Duration = Duration::from_hours(24);
const OVERLAP_MAX: Duration = Duration::from_hours(7 * 24);
/// A key of which nobody says when it ends.
const LIFE_DEFAULT: Duration = Duration::from_hours(365 * 24);

#[derive(Deserialize, ToSchema)]
#[schema(as = NewApiKey)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    #[serde(default, deserialize_with = "object")]
    limits: LimitsBody,
    /// When it stops; `null`: never; left out: in a year.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, required = false, format = DateTime)]
    expires_at: Option<Option<String>>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ApiKeyChange)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeBody {
    name: Option<String>,
    #[serde(default, deserialize_with = "object")]
    limits: Option<LimitsBody>,
    disabled: Option<bool>,
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Rotation)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateBody {
    /// How long the key of before works on, in seconds; a day if it is left out.
    #[schema(maximum = 604_800)]
    overlap_seconds: Option<u64>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = LeakedKey)]
#[serde(deny_unknown_fields)]
pub(super) struct LeakedBody {
    /// The whole key: who holds it, may stop it.
    key: String,
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = NewKeyLimits)]
#[serde(deny_unknown_fields)]
struct LimitsBody {
    #[serde(default, deserialize_with = "object")]
    spend: SpendBody,
    #[schema(minimum = 1)]
    requests_per_minute: Option<u32>,
    #[schema(minimum = 1)]
    tokens_per_minute: Option<u64>,
    /// Requests at a time.
    #[schema(minimum = 1)]
    concurrency: Option<u32>,
    /// Empty: all.
    #[serde(default)]
    #[schema(max_items = 50)]
    models: Vec<String>,
    /// Empty: all.
    #[serde(default)]
    #[schema(max_items = 50)]
    endpoints: Vec<String>,
    /// Prefixes of addresses it may come from (CIDR). Empty: all.
    #[serde(default)]
    #[schema(max_items = 50)]
    networks: Vec<String>,
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = DuetSchema)]
    duet: DuetOverrides,
}

/// Decimal dollars as texts.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = NewSpendLimits)]
#[serde(deny_unknown_fields)]
struct SpendBody {
    day: Option<String>,
    week: Option<String>,
    month: Option<String>,
    total: Option<String>,
}

impl LimitsBody {
    fn read(self) -> Result<KeyLimits, Problem> {
        let Self {
            spend,
            requests_per_minute,
            tokens_per_minute,
            concurrency,
            models,
            endpoints,
            networks,
            duet,
        } = self;
        let SpendBody { day, week, month, total } = spend;
        let is_zero =
            requests_per_minute == Some(0) || tokens_per_minute == Some(0) || concurrency == Some(0);
        if is_zero {
            return Err(Problem::field("/limits", "invalid_limit_value"));
        }
        Ok(KeyLimits {
            spend: SpendLimits {
                day: amount(day)?,
                week: amount(week)?,
                month: amount(month)?,
                total: amount(total)?,
            },
            requests_per_minute,
            tokens_per_minute,
            concurrency,
            models: list(&models, |text| ModelId::parse(text).ok())
                .ok_or(Problem::field("/limits/models", "invalid_models"))?,
            endpoints: list(&endpoints, Endpoint::from_name)
                .ok_or(Problem::field("/limits/endpoints", "invalid_endpoints"))?,
            networks: list(&networks, |text| text.parse::<IpNet>().ok())
                .ok_or(Problem::field("/limits/networks", "invalid_networks"))?,
            duet,
        })
    }
}

fn amount(text: Option<String>) -> Result<Option<Money>, Problem> {
    let amount = text.map(|text| text.parse::<Money>().ok().filter(|amount| *amount >= Money::ZERO));
    match amount {
        None => Ok(None),
        Some(Some(amount)) => Ok(Some(amount)),
        Some(None) => Err(Problem::field("/limits/spend", "invalid_amount")),
    }
}

fn list<T>(texts: &[String], read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let few = texts.len() <= LIST_ITEMS_MAX;
    few.then(|| texts.iter().map(|text| read(text)).collect::<Option<Vec<T>>>()).flatten()
}

/// An API key, and how far it is in its limits of spending.
#[derive(Serialize, ToSchema)]
#[schema(as = LimitedApiKey)]
pub(super) struct LimitedKeyView {
    #[serde(flatten)]
    key: KeyView,
    /// Each period that has a limit.
    spend: Vec<SpendView>,
}

impl LimitedKeyView {
    async fn of(app: &App, key: &ApiKey) -> Result<Self, Problem> {
        let limits = key.limits.spend;
        let mut spend = Vec::new();
        if limits != SpendLimits::default() {
            let now = app.clock().now();
            let spent = app.requests().key_spend(key.id, now).await.map_err(|error| broken(&error))?;
            spend = spending(&spent, limits, now);
            spend.retain(SpendView::is_limited);
        }
        Ok(Self { key: KeyView::from(key), spend })
    }
}

/// The API keys that were not revoked, newest first.
#[utoipa::path(
    get, path = "/keys", tag = TAG, operation_id = "list_keys",
    params(PageQuery),
    responses((status = OK, body = Page<LimitedKeyView>)),
)]
pub(super) async fn list_keys(
    State(app): State<App>,
    Person(person): Person,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<LimitedKeyView>>, Problem> {
    let (before, limit) = PageQuery::read(query)?;
    let keys = app.keys().list(ListKeys { account: person.account.id, before, limit }).await;
    let keys = keys.map_err(|error| Problem::internal(&error))?;
    let is_full = keys.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = keys.last().filter(|_last| is_full).map(|last| last.id.to_string());
    let mut shown = Vec::with_capacity(keys.len());
    for key in keys.iter().filter(|key| !matches!(key.state, KeyState::Revoked { .. })) {
        shown.push(LimitedKeyView::of(&app, key).await?);
    }
    Ok(Json(Page::of(shown, next)))
}

/// Makes an API key.
///
/// The only answer that shows the key. Sent again with the same `Idempotency-Key`, it makes no
/// other one.
#[utoipa::path(
    post, path = "/keys", tag = TAG, operation_id = "create_key",
    request_body = CreateBody,
    params(("idempotency-key" = Option<String>, Header, max_length = 64)),
    responses((status = CREATED, body = IssuedKeyView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    (visit, Recent(person)): (Visit, Recent),
    headers: HeaderMap,
    Strict(body): Strict<CreateBody>,
) -> Result<Response, Problem> {
    let CreateBody { name: text, limits, expires_at } = body;
    let now = app.clock().now();
    let expires_at = match expires_at {
        None => Some(now.plus(LIFE_DEFAULT)),
        Some(None) => None,
        Some(Some(text)) => Some(moment(&text, now)?),
    };
    let wish = KeyWish { name: name(text)?, limits: limits.read()?, expires_at };
    let request = request(&headers, &wish)?;
    let issued = app.reception().issue_key(&person, (wish, request), &visit).await?;
    Ok(shown(StatusCode::CREATED, &issued))
}

/// An API key.
#[utoipa::path(
    get, path = "/keys/{id}", tag = TAG, operation_id = "get_key",
    params(("id" = String, Path)),
    responses((status = OK, body = LimitedKeyView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Person(person): Person,
    Path(id): Path<String>,
) -> Result<Json<LimitedKeyView>, Problem> {
    let found = app.keys().find(person.account.id, identifier(&id)?).await;
    let found = found.map_err(|error| Problem::internal(&error))?;
    let found = found.filter(|key| !matches!(key.state, KeyState::Revoked { .. }));
    Ok(Json(LimitedKeyView::of(&app, found.ok_or(Problem::NOT_FOUND)?.as_ref()).await?))
}

/// What happened to an API key, newest first, as long as the security log is kept: 90 days.
#[utoipa::path(
    get, path = "/keys/{id}/history", tag = TAG, operation_id = "list_key_events",
    params(("id" = String, Path), PageQuery),
    responses((status = OK, body = Page<SecurityEventView>)),
)]
pub(super) async fn history(
    State(app): State<App>,
    Person(person): Person,
    Path(id): Path<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<SecurityEventView>>, Problem> {
    let (before, limit) = PageQuery::read(query)?;
    let (account, id) = (person.account.id, identifier(&id)?);
    let found = app.keys().find(account, id).await.map_err(|error| Problem::internal(&error))?;
    if found.is_none() {
        return Err(Problem::NOT_FOUND);
    }
    let request = ListSecurityEvents { account, key: Some(id), before, limit };
    let events = app.stores().security_log.list(request).await;
    let events = events.map_err(|error| Problem::internal(&error))?;
    let is_full = events.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = events.last().filter(|_last| is_full).map(|last| last.id.to_string());
    Ok(Json(Page::of(events.iter().map(SecurityEventView::from), next)))
}

/// Changes an API key, or switches it off and on.
#[utoipa::path(
    patch, path = "/keys/{id}", tag = TAG, operation_id = "change_key",
    request_body = ChangeBody,
    params(("id" = String, Path)),
    responses((status = OK, body = KeyView)),
)]
pub(super) async fn change(
    State(app): State<App>,
    (visit, Recent(person)): (Visit, Recent),
    Path(id): Path<String>,
    Strict(body): Strict<ChangeBody>,
) -> Result<Json<KeyView>, Problem> {
    let ChangeBody { name: text, limits, disabled } = body;
    let change = KeyChange {
        name: text.map(name).transpose()?,
        limits: limits.map(LimitsBody::read).transpose()?,
        state: disabled.map(|disabled| if disabled { KeySwitch::Off } else { KeySwitch::On }),
    };
    let key = app.reception().change_key(&person, (identifier(&id)?, change), &visit).await?;
    Ok(Json(KeyView::from(&key)))
}

/// Revokes an API key: it stops at once.
#[utoipa::path(
    delete, path = "/keys/{id}", tag = TAG, operation_id = "revoke_key",
    params(("id" = String, Path)),
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(super) async fn revoke(
    State(app): State<App>,
    visit: Visit,
    Person(person): Person,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.reception().revoke_key(&person, identifier(&id)?, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Disables an API key that was found where others can read it, and tells its owner.
///
/// The answer is the same whether or not there is such a key.
#[utoipa::path(
    post, path = "/report-leaked-key", tag = TAG, operation_id = "report_leaked_key",
    security(()),
    request_body = LeakedBody,
    responses((status = ACCEPTED, description = "If there is such a key, it no longer works.")),
)]
pub(super) async fn report_leaked(
    State(app): State<App>,
    visit: Visit,
    Strict(body): Strict<LeakedBody>,
) -> Result<StatusCode, Problem> {
    let key =
        PlainApiKey::parse(&body.key).map_err(|_malformed| Problem::field("/key", "invalid_api_key"))?;
    app.reception().report_leaked_key(&key, &visit).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Makes a successor of an API key, which itself works for some more time.
#[utoipa::path(
    post, path = "/keys/{id}/rotate", tag = TAG, operation_id = "rotate_key",
    request_body = RotateBody,
    params(("id" = String, Path)),
    responses((status = CREATED, body = IssuedKeyView)),
)]
pub(super) async fn rotate(
    State(app): State<App>,
    (visit, Recent(person)): (Visit, Recent),
    Path(id): Path<String>,
    Strict(body): Strict<RotateBody>,
) -> Result<Response, Problem> {
    let overlap = body.overlap_seconds.map_or(OVERLAP_DEFAULT, Duration::from_secs);
    if overlap > OVERLAP_MAX {
        return Err(Problem::field("/overlap_seconds", "invalid_overlap"));
    }
    let issued = app.reception().rotate_key(&person, (identifier(&id)?, overlap), &visit).await?;
    Ok(shown(StatusCode::CREATED, &issued))
}

fn identifier(text: &str) -> Result<ApiKeyId, Problem> {
    text.parse().map_err(|_foreign| Problem::NOT_FOUND)
}

/// A moment in the future (RFC 3339).
pub(super) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let moment = text.parse::<Timestamp>().ok().filter(|moment| *moment > now);
    moment.ok_or(Problem::field("/expires_at", "invalid_moment"))
}

/// What the client calls the request, so that it can be sent again.
fn request(headers: &HeaderMap, wish: &KeyWish) -> Result<Option<KeyRequest>, Problem> {
    let Some(token) = request_digest(headers)? else { return Ok(None) };
    // The end is left out: without one of its own it moves with the clock.
    let KeyWish { name, limits, expires_at: _ } = wish;
    let text = json!({"name": name, "limits": limits}).to_string();
    let wish = KeyCreation::digest(text.as_bytes());
    Ok(Some(KeyRequest { token, wish }))
}

fn shown(status: StatusCode, issued: &IssuedKey) -> Response {
    (status, Json(IssuedKeyView::of(&issued.key, issued.plain.as_ref()))).into_response()
}
