//! `aiduet keys`

use std::sync::Arc;

use aiduet_core::app::Stores;
use aiduet_core::audit::AuditAction;
use aiduet_core::clock::{Clock, SystemClock, Timestamp};
use aiduet_core::dialect::Endpoint;
use aiduet_core::id::{AccountId, ApiKeyId, SystemEntropy};
use aiduet_core::keys::{ApiKey, KeyLimits, KeyState, ListKeys, PlainApiKey, SpendLimits};
use aiduet_core::price::ModelId;
use serde_json::{Value, json};

use super::{Confirmed, Context, Desk, confirm, dollars, duration, find_user};
use crate::cli::{CreateKey, Keys, Which};
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(context: &Context, verb: Keys) -> Result<(), Failure> {
    let desk = context.desk().await?;
    let stores = &desk.stores;
    match verb {
        Keys::Create(wish) => {
            let account = desk.user(&wish.user).await?.id;
            let expires = wish.expires.as_deref().map(duration).transpose()?;
            let expires_at = expires.map(|life| SystemClock::new().now().plus(life));
            let (key, plain) = new_key(account, &wish.name, limits(&wish)?, expires_at)?;
            desk.record(AuditAction::KeyCreated, key.id).await?;
            insert(stores, context, key, &plain).await?;
        }
        Keys::List { user, limit } => {
            let account = desk.user(&user).await?.id;
            desk.record(AuditAction::KeysListed, account).await?;
            let wanted = ListKeys { account, before: None, limit };
            let keys = stores.keys.list(wanted).await.map_err(|error| Failure::of(&error))?;
            let rows: Vec<_> = keys.iter().map(|key| short_row(key)).collect();
            output::list(context.form, &rows)?;
        }
        Keys::Show(which) => show(&desk, context, &which).await?,
        Keys::Disable(which) => {
            set_state(&desk, &which, (AuditAction::KeyDisabled, |at| KeyState::Disabled { at })).await?;
        }
        Keys::Enable(which) => {
            set_state(&desk, &which, (AuditAction::KeyEnabled, |_at| KeyState::Active)).await?;
        }
        Keys::Rotate { which, overlap } => rotate(&desk, context, &which, &overlap).await?,
        Keys::Delete { which, yes } => {
            let key = find(stores, &which).await?;
            confirm(Confirmed::from(yes), "The key stops at once and cannot be brought back.")?;
            desk.record(AuditAction::KeyDeleted, key.id).await?;
            stores.keys.delete(key.account, key.id).await.map_err(|error| Failure::of(&error))?;
        }
        Keys::Verify => verify(&desk, context).await?,
    }
    desk.close().await
}

async fn show(desk: &Desk, context: &Context, which: &Which) -> Result<(), Failure> {
    let key = find(&desk.stores, which).await?;
    desk.record(AuditAction::KeyViewed, key.id).await?;
    let now = SystemClock::new().now();
    let spend = desk.stores.requests.key_spend(key.id, now).await.map_err(|error| Failure::of(&error))?;
    let mut row = short_row(&key);
    if let Value::Object(fields) = &mut row {
        fields.insert("limits".to_owned(), json!(key.limits));
        fields.insert("spend_nano".to_owned(), json!(spend));
    }
    Ok(output::object(context.form, &row)?)
}

/// A key that is not stored yet, and its text.
pub(super) fn new_key(
    account: AccountId,
    name: &str,
    limits: KeyLimits,
    expires_at: Option<Timestamp>,
) -> Result<(ApiKey, PlainApiKey), Failure> {
    if name.chars().count() > 80 || name.chars().any(char::is_control) {
        return Err(Failure::Usage("a name has at most 80 characters and no control characters".to_owned()));
    }
    let clock = SystemClock::new();
    let plain = PlainApiKey::generate(&SystemEntropy);
    let key = ApiKey {
        id: ApiKeyId::generate(&clock, &SystemEntropy),
        account,
        hash: plain.hash(),
        prefix: plain.prefix().to_owned(),
        last4: plain.last4().to_owned(),
        name: name.to_owned(),
        state: KeyState::Active,
        limits,
        created_at: clock.now(),
        expires_at,
        last_used_at: None,
    };
    Ok((key, plain))
}

/// Stores a key and prints it, the only time.
async fn insert(stores: &Stores, context: &Context, key: ApiKey, plain: &PlainApiKey) -> Result<(), Failure> {
    let mut row = short_row(&key);
    stores.keys.insert(key).await.map_err(|error| Failure::of(&error))?;
    if let Value::Object(fields) = &mut row {
        fields.insert("key".to_owned(), json!(plain.expose()));
    }
    output::object(context.form, &row)?;
    output::note("Keep the key: it is not stored and cannot be shown again.");
    Ok(())
}

async fn find(stores: &Stores, which: &Which) -> Result<Arc<ApiKey>, Failure> {
    let account = find_user(stores, &which.user).await?.id;
    let id: ApiKeyId = which.key.parse().map_err(|error| Failure::Usage(format!("{error}")))?;
    let found = stores.keys.find(account, id).await.map_err(|error| Failure::of(&error))?;
    found.ok_or_else(|| Failure::NotFound("the account has no such key".to_owned()))
}

async fn set_state(
    desk: &Desk,
    which: &Which,
    (action, state): (AuditAction, impl FnOnce(Timestamp) -> KeyState),
) -> Result<(), Failure> {
    let key = find(&desk.stores, which).await?;
    match key.state {
        KeyState::Active | KeyState::Disabled { .. } => {}
        KeyState::Rotated { .. } | KeyState::Revoked { .. } => {
            return Err(Failure::Conflict("the key was rotated or revoked".to_owned()));
        }
    }
    desk.record(action, key.id).await?;
    let changed = ApiKey { state: state(SystemClock::new().now()), ..ApiKey::clone(&key) };
    desk.stores.keys.update(changed).await.map_err(|error| Failure::of(&error))
}

/// The new key is there before the old one begins to end.
async fn rotate(desk: &Desk, context: &Context, which: &Which, overlap: &str) -> Result<(), Failure> {
    let stores = &desk.stores;
    let old = find(stores, which).await?;
    let overlap = duration(overlap)?;
    let now = SystemClock::new().now();
    old.check(now).map_err(|refusal| Failure::Conflict(refusal.to_string()))?;
    let (new, plain) = new_key(old.account, &old.name, old.limits.clone(), old.expires_at)?;
    desk.record(AuditAction::KeyRotated, old.id).await?;
    insert(stores, context, new, &plain).await?;
    let ending = ApiKey { state: KeyState::Rotated { until: now.plus(overlap) }, ..ApiKey::clone(&old) };
    stores.keys.update(ending).await.map_err(|error| Failure::of(&error))
}

async fn verify(desk: &Desk, context: &Context) -> Result<(), Failure> {
    let mut text = String::new();
    std::io::stdin().read_line(&mut text)?;
    let plain = PlainApiKey::parse(text.trim()).map_err(|error| Failure::Usage(error.to_string()))?;
    let found = desk.stores.keys.find_by_hash(&plain.hash()).await.map_err(|error| Failure::of(&error))?;
    let key = found.ok_or_else(|| Failure::NotFound("there is no such key".to_owned()))?;
    desk.record(AuditAction::KeyViewed, key.id).await?;
    output::object(context.form, &short_row(&key))?;
    key.check(SystemClock::new().now()).map_err(|refusal| {
        output::note(&refusal.to_string());
        Failure::Problems
    })
}

fn limits(wish: &CreateKey) -> Result<KeyLimits, Failure> {
    let amount = |text: &Option<String>| text.as_deref().map(dollars).transpose();
    let usage = |what: &str| Failure::Usage(format!("not {what}"));
    let models = wish.models.iter().map(|text| ModelId::parse(text).map_err(|_invalid| usage("a model")));
    let endpoints =
        wish.endpoints.iter().map(|text| Endpoint::from_name(text).ok_or_else(|| usage("an endpoint")));
    let networks = wish.networks.iter().map(|text| text.parse().map_err(|_invalid| usage("a network")));
    let duet = wish
        .duet
        .as_deref()
        .map(|text| serde_json::from_str(text).map_err(|error| Failure::Usage(format!("--duet: {error}"))));
    Ok(KeyLimits {
        spend: SpendLimits {
            day: amount(&wish.limit_day)?,
            week: amount(&wish.limit_week)?,
            month: amount(&wish.limit_month)?,
            total: amount(&wish.limit_total)?,
        },
        requests_per_minute: wish.requests_per_minute,
        tokens_per_minute: wish.tokens_per_minute,
        concurrency: wish.concurrency,
        models: models.collect::<Result<_, _>>()?,
        endpoints: endpoints.collect::<Result<_, _>>()?,
        networks: networks.collect::<Result<_, _>>()?,
        duet: duet.transpose()?.unwrap_or_default(),
    })
}

fn short_row(key: &ApiKey) -> Value {
    let (state, since) = match key.state {
        KeyState::Active => ("active", None),
        KeyState::Disabled { at } => ("disabled", Some(at)),
        KeyState::Rotated { until } => ("rotated", Some(until)),
        KeyState::Revoked { at } => ("revoked", Some(at)),
    };
    json!({
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "last4": key.last4,
        "state": state,
        "state_at": since.map(|at| at.to_string()),
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "last_used_at": key.last_used_at.map(|at| at.to_string()),
    })
}
