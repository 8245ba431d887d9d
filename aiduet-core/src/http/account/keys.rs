//! API keys of the person.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::name;
use super::extract::{Person, Recent};
use super::me::PageQuery;
use super::problem::Problem;
use super::strict::{Strict, given};
use super::view;
use crate::account::{IssuedKey, KeyChange, KeyRequest, KeySwitch, KeyWish, Visit};
use crate::app::App;
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::duet::DuetOverrides;
use crate::id::ApiKeyId;
use crate::keys::{KeyCreation, KeyLimits, KeyState, ListKeys, SpendLimits};
use crate::money::Money;
use crate::price::ModelId;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const LIST_ITEMS_MAX: usize = 50;
const OVERLAP_DEFAULT: Duration = Duration::from_hours(24);
const OVERLAP_MAX: Duration = Duration::from_hours(7 * 24);
/// A key of which nobody says when it ends.
const LIFE_DEFAULT: Duration = Duration::from_hours(365 * 24);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    name: String,
    #[serde(default)]
    limits: LimitsBody,
    /// `null`: never.
    #[serde(default, deserialize_with = "given")]
    expires_at: Option<Option<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeBody {
    name: Option<String>,
    limits: Option<LimitsBody>,
    disabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateBody {
    overlap_seconds: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LimitsBody {
    spend: SpendBody,
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u64>,
    concurrency: Option<u32>,
    models: Vec<String>,
    endpoints: Vec<String>,
    networks: Vec<String>,
    duet: DuetOverrides,
}

/// Decimal dollars as texts.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

/// `GET /keys`: newest first, without those that were revoked.
pub(super) async fn list_keys(
    State(app): State<App>,
    Person(person): Person,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let (before, limit) = PageQuery::read(query)?;
    let keys = app.keys().list(ListKeys { account: person.account.id, before, limit }).await;
    let keys = keys.map_err(|error| Problem::internal(&error))?;
    let is_full = keys.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = keys.last().filter(|_last| is_full).map(|last| last.id.to_string());
    let living = keys.iter().filter(|key| !matches!(key.state, KeyState::Revoked { .. }));
    Ok(Json(view::page(living.map(|key| view::key(key)).collect(), next)))
}

/// `POST /keys`: the only answer that shows the key.
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

/// `GET /keys/{id}`
pub(super) async fn show(
    State(app): State<App>,
    Person(person): Person,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let found = app.keys().find(person.account.id, identifier(&id)?).await;
    let found = found.map_err(|error| Problem::internal(&error))?;
    let found = found.filter(|key| !matches!(key.state, KeyState::Revoked { .. }));
    Ok(Json(view::key(found.ok_or(Problem::NOT_FOUND)?.as_ref())))
}

/// `PATCH /keys/{id}`
pub(super) async fn change(
    State(app): State<App>,
    (visit, Recent(person)): (Visit, Recent),
    Path(id): Path<String>,
    Strict(body): Strict<ChangeBody>,
) -> Result<Json<Value>, Problem> {
    let ChangeBody { name: text, limits, disabled } = body;
    let change = KeyChange {
        name: text.map(name).transpose()?,
        limits: limits.map(LimitsBody::read).transpose()?,
        state: disabled.map(|disabled| if disabled { KeySwitch::Off } else { KeySwitch::On }),
    };
    let key = app.reception().change_key(&person, (identifier(&id)?, change), &visit).await?;
    Ok(Json(view::key(&key)))
}

/// `DELETE /keys/{id}`: it stops at once.
pub(super) async fn revoke(
    State(app): State<App>,
    visit: Visit,
    Person(person): Person,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.reception().revoke_key(&person, identifier(&id)?, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /keys/{id}/rotate`: a successor; the key itself works for some more time.
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
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let moment =
        text.parse::<jiff::Timestamp>().map(|moment| Timestamp::from_millis(moment.as_millisecond()));
    let moment = moment.ok().filter(|moment| *moment > now);
    moment.ok_or(Problem::field("/expires_at", "invalid_moment"))
}

/// What the client calls the request, so that it can be sent again.
fn request(headers: &HeaderMap, wish: &KeyWish) -> Result<Option<KeyRequest>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let bytes = value.as_bytes();
    if !(1..=64).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(Problem::field("idempotency-key", "invalid_idempotency_key"));
    }
    // The end is left out: without one of its own it moves with the clock.
    let KeyWish { name, limits, expires_at: _ } = wish;
    let text = json!({"name": name, "limits": limits}).to_string();
    let wish = KeyCreation::digest(text.as_bytes());
    Ok(Some(KeyRequest { token: KeyCreation::digest(bytes), wish }))
}

fn shown(status: StatusCode, issued: &IssuedKey) -> Response {
    let mut body = view::key(&issued.key);
    if let Value::Object(members) = &mut body {
        let plain = issued.plain.as_ref().map(crate::keys::PlainApiKey::expose);
        members.insert("key".to_owned(), json!(plain));
    }
    (status, Json(body)).into_response()
}
