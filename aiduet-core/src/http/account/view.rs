//! What answers look like. Each member is named here, so that a new field of a stored type stays
//! inside until somebody decides otherwise.

use serde_json::{Value, json};

use crate::account::{Account, AccountState, Entered, Role};
use crate::auth::{ACCESS_TOKEN_LIFE, SecurityEvent, Session};
use crate::id::SessionId;
use crate::keys::{ApiKey, KeyLimits, KeyState, SpendLimits};

/// The account to its owner.
pub(super) fn account(account: &Account) -> Value {
    let Account { id, email, email_verified_at, password, name, locale, role, state, created_at } = account;
    json!({
        "id": id,
        "email": email.expose(),
        "email_verified": email_verified_at.is_some(),
        "has_password": password.is_some(),
        "name": name,
        "locale": locale,
        "role": match role {
            Role::User => "user",
            Role::Operator => "operator",
        },
        "state": match state {
            AccountState::Active => "active",
            AccountState::Frozen { .. } => "frozen",
            AccountState::Closed { .. } => "closed",
        },
        "created_at": created_at.to_string(),
    })
}

/// An access token, for whom.
pub(super) fn entered(entered: &Entered) -> Value {
    json!({
        "access_token": entered.access.expose(),
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_LIFE.as_secs(),
        "account": account(&entered.person.account),
    })
}

/// A session; `own` is the one that asks.
pub(super) fn session(session: &Session, own: SessionId) -> Value {
    json!({
        "id": session.id,
        "current": session.id == own,
        "device": session.device.to_string(),
        "network": session.network.map(|network| network.to_string()),
        "created_at": session.created_at.to_string(),
        "last_seen_at": session.seen_at.to_string(),
        "expires_at": session.idle_until.min(session.ends_at).to_string(),
    })
}

/// Something that happened.
pub(super) fn security_event(event: &SecurityEvent) -> Value {
    json!({
        "id": event.id,
        "event": event.kind,
        "device": event.device.to_string(),
        "network": event.network.map(|network| network.to_string()),
        "request_id": event.request,
        "at": event.at.to_string(),
    })
}

/// An API key, without its text.
pub(super) fn key(key: &ApiKey) -> Value {
    let ApiKey {
        id,
        account: _,
        hash: _,
        prefix,
        last4,
        name,
        state,
        limits,
        created_at,
        expires_at,
        last_used_at,
    } = key;
    let (state, ends_at) = match state {
        KeyState::Active => ("active", None),
        KeyState::Disabled { .. } => ("disabled", None),
        KeyState::Rotated { until } => ("rotated", Some(*until)),
        KeyState::Revoked { at } => ("revoked", Some(*at)),
    };
    json!({
        "id": id,
        "name": name,
        "prefix": prefix,
        "last4": last4,
        "state": state,
        "works_until": ends_at.or(*expires_at).map(|at| at.to_string()),
        "limits": key_limits(limits),
        "created_at": created_at.to_string(),
        "expires_at": expires_at.map(|at| at.to_string()),
        "last_used_at": last_used_at.map(|at| at.to_string()),
    })
}

fn key_limits(limits: &KeyLimits) -> Value {
    let KeyLimits {
        spend,
        requests_per_minute,
        tokens_per_minute,
        concurrency,
        models,
        endpoints,
        networks,
        duet,
    } = limits;
    let SpendLimits { day, week, month, total } = spend;
    let periods = [("day", day), ("week", week), ("month", month), ("total", total)];
    let mut amounts = serde_json::Map::new();
    for (name, amount) in periods {
        amounts.insert(name.to_owned(), json!(amount.map(|amount| amount.to_string())));
        amounts.insert(format!("{name}_nano"), json!(amount));
    }
    json!({
        "spend": amounts,
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "concurrency": concurrency,
        "models": models,
        "endpoints": endpoints,
        "networks": networks,
        "duet": duet,
    })
}

/// A page of a list.
pub(super) fn page(data: Vec<Value>, next_cursor: Option<String>) -> Value {
    json!({"data": data, "next_cursor": next_cursor})
}
