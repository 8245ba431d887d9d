//! What a key has spent, what an account has, and what a request cost.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::edge::ClientAddress;
use super::error::{HttpError, respond};
use super::reply::tell;
use super::{dialect_of, place};
use crate::app::App;
use crate::gateway::{Caller, Credentials, GatewayError};
use crate::id::RequestId;
use crate::ledger::RequestRecord;
use crate::money::Money;
use crate::price::{Bill, LineItem, LineKind};
use crate::usage::{Stage, TokenClass};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    id: Option<String>,
}

/// `GET /v1/key`: the key that asks.
pub(super) async fn key(State(app): State<App>, head: Parts) -> Response {
    let dialect = dialect_of(&head.uri, &head.headers);
    match describe_key(&app, &head).await {
        Ok(body) => tell(place(&app, dialect), json!({"data": body})),
        Err(error) => respond(place(&app, dialect), &error),
    }
}

/// `GET /v1/credits`: the balance of the account.
pub(super) async fn credits(State(app): State<App>, head: Parts) -> Response {
    let dialect = dialect_of(&head.uri, &head.headers);
    match describe_credits(&app, &head).await {
        Ok(body) => tell(place(&app, dialect), json!({"data": body})),
        Err(error) => respond(place(&app, dialect), &error),
    }
}

/// `GET /v1/generation?id=`: the receipt of a request.
pub(super) async fn generation(
    State(app): State<App>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    head: Parts,
) -> Response {
    let dialect = dialect_of(&head.uri, &head.headers);
    let id = wanted.ok().and_then(|Query(wanted)| wanted.id);
    match find_receipt(&app, &head, id.as_deref()).await {
        Ok(body) => tell(place(&app, dialect), json!({"data": body})),
        Err(error) => respond(place(&app, dialect), &error),
    }
}

async fn caller(app: &App, head: &Parts) -> Result<Caller, HttpError> {
    let address = ClientAddress::of(&head.extensions);
    Ok(app.gateway().authenticate_free(Credentials { headers: &head.headers, address }).await?)
}

async fn describe_key(app: &App, head: &Parts) -> Result<Value, HttpError> {
    let caller = caller(app, head).await?;
    let key = caller.key();
    let spend = app.requests().key_spend(key.id, app.clock().now()).await.map_err(GatewayError::from)?;
    let limits = key.limits.spend;
    let left = |limit: Option<Money>, spent: Money| {
        limit.map(|limit| {
            let left = limit.checked_sub(spent).and_then(|left| left.checked_sub(spend.held));
            left.unwrap_or(Money::ZERO).max(Money::ZERO)
        })
    };
    let periods = [
        ("day", limits.day, spend.day),
        ("week", limits.week, spend.week),
        ("month", limits.month, spend.month),
        ("total", limits.total, spend.total),
    ];
    let mut usage = serde_json::Map::new();
    let mut caps = serde_json::Map::new();
    let mut remaining = serde_json::Map::new();
    for (name, limit, spent) in periods {
        usage.insert(name.to_owned(), money(Some(spent)));
        caps.insert(name.to_owned(), money(limit));
        remaining.insert(name.to_owned(), money(left(limit, spent)));
    }
    Ok(json!({
        "id": key.id,
        "label": key.name,
        "prefix": key.prefix,
        "last4": key.last4,
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "limits": {
            "spend": caps,
            "requests_per_minute": key.limits.requests_per_minute,
            "tokens_per_minute": key.limits.tokens_per_minute,
            "concurrency": key.limits.concurrency,
            "models": key.limits.models,
            "endpoints": key.limits.endpoints,
            "networks": key.limits.networks,
            "duet": key.limits.duet,
        },
        "usage": usage,
        "held": money(Some(spend.held)),
        "remaining": remaining,
    }))
}

async fn describe_credits(app: &App, head: &Parts) -> Result<Value, HttpError> {
    let caller = caller(app, head).await?;
    let balance = app.ledger().balance(caller.key().account).await.map_err(GatewayError::from)?;
    let amounts = [
        ("total_credits", balance.credited),
        ("total_usage", balance.used),
        ("available", balance.available),
        ("held", balance.held),
    ];
    let mut body = serde_json::Map::new();
    for (name, amount) in amounts {
        body.insert(name.to_owned(), money(Some(amount)));
        body.insert(format!("{name}_nano"), json!(amount));
    }
    #[cfg(leak_mutants)]
    let body = crate::leak::other_answer(body);
    Ok(Value::Object(body))
}

async fn find_receipt(app: &App, head: &Parts, id: Option<&str>) -> Result<Value, HttpError> {
    let caller = caller(app, head).await?;
    let id: RequestId = id.and_then(|id| id.parse().ok()).ok_or(HttpError::BadQuery("id"))?;
    let record = app.requests().find(caller.key().account, id).await.map_err(GatewayError::from)?;
    record.map(|record| receipt(&record)).ok_or(HttpError::NotFound)
}

/// Decimal dollars as text: floats would lose nano-dollars.
fn money(amount: Option<Money>) -> Value {
    amount.map_or(Value::Null, |amount| Value::String(amount.to_string()))
}

/// A receipt: `cost_nano = ceil(Σ quantity × rate_pico × margin_bp / 10,000 / 1,000)`.
fn receipt(record: &RequestRecord) -> Value {
    let usage = &record.usage;
    let tokens: serde_json::Map<_, _> =
        TokenClass::ALL.iter().map(|class| (class.as_str().to_owned(), json!(usage.of(*class)))).collect();
    json!({
        "id": record.id,
        "created_at": record.started_at.to_string(),
        "key_id": record.key,
        "model": record.model,
        "provider": record.vendor,
        "endpoint": record.endpoint.as_str(),
        "streamed": record.stream,
        "status": record.status,
        "outcome": record.outcome.as_str(),
        "finish_reason": record.finish,
        "estimated": record.flags.estimated,
        "flags": record.flags,
        "tokens": tokens,
        "reasoning_tokens": usage.reasoning,
        "web_searches": usage.web_searches,
        "cost": record.cost().to_string(),
        "cost_nano": record.cost(),
        "bill": {
            "price_version": record.bill.version,
            "margin_bp": record.bill.margin,
            "rounding": "up",
            "line_items": record.bill.lines.iter().map(line).collect::<Vec<_>>(),
            "stages": stages(&record.bill),
        },
        "first_byte_ms": record.first_byte.map(|time| time.as_millis()),
        "duration_ms": record.duration.as_millis(),
        "upstream_request_id": record.upstream_request_id,
        "attempts": record.attempts,
        "role": record.duet.map(|duet| duet.role),
        "role_rule": record.duet.map(|duet| duet.rule.as_str()),
    })
}

/// A line for each stage of an ensemble: what was billed of which model, by class. The amount is exact;
/// margin and rounding come once, for the whole bill.
fn stages(bill: &Bill) -> Vec<Value> {
    let stage = |stage: Stage| {
        let lines = || bill.lines.iter().filter(move |line| line.stage == Some(stage));
        let model = &lines().next_back()?.model;
        let mut tokens = serde_json::Map::new();
        for line in lines() {
            tokens.insert(class(line.kind).to_owned(), json!(line.quantity));
        }
        let pico = lines().map(LineItem::pico).fold(0_u128, u128::saturating_add);
        Some(json!({
            "stage": stage.as_str(),
            "model": model,
            "price_version": bill.version,
            "tokens": tokens,
            "amount_pico": pico.to_string(),
        }))
    };
    Stage::ALL.into_iter().filter_map(stage).collect()
}

const fn class(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Tokens(class) => class.as_str(),
        LineKind::WebSearches => "web_searches",
    }
}

fn line(item: &LineItem) -> Value {
    json!({
        "class": class(item.kind),
        "stage": item.stage,
        "model": item.model,
        "service_tier": item.tier,
        "quantity": item.quantity,
        "rate_pico": item.rate,
    })
}
