//! The reception from settings.

use std::sync::Arc;
use std::time::Duration;

use super::{BuildError, Stores, identity_provider};
use crate::account::{DepartureParts, Reception, ReceptionParts};
use crate::auth::{AccessTokens, HashCost, HasherConfig, PasswordHasher, PasswordRules, Pepper, SigningKey};
use crate::clock::Clock;
use crate::id::Entropy;
use crate::keys::KeyStore;
use crate::limit::RateLimiter;
use crate::policy::Policies;
use crate::secret::Secret;
use crate::settings::{AuthSettings, PrivacySettings, Settings};

const RANDOM_SECRET_BYTES: usize = 32;

/// What the reception shares with the rest.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) limiter: Arc<dyn RateLimiter>,
    pub(super) keys: Arc<dyn KeyStore>,
}

pub(super) fn from_settings(
    settings: &Settings,
    stores: &Stores,
    shared: Shared,
) -> Result<Reception, BuildError> {
    let Shared { clock, entropy, limiter, keys } = shared;
    let config = HasherConfig {
        cost: cost(&settings.auth)?,
        peppers: peppers(&settings.auth)?,
        ..HasherConfig::default()
    };
    let unusable = |error: crate::auth::HashError| refused("auth.hash_memory", error);
    let hasher = Arc::new(PasswordHasher::new(config, Arc::clone(&entropy)).map_err(unusable)?);
    let urls = [&settings.server.public_url, &settings.server.api_url];
    let hosts =
        urls.into_iter().flatten().filter_map(|url| url.split("://").nth(1)?.split(['/', ':']).next());
    let hosts: Vec<&str> = hosts.collect();
    let parts = ReceptionParts {
        identity_provider: identity_provider::from_settings(settings, &clock)?,
        clock,
        tokens: Arc::new(tokens(&settings.auth, entropy.as_ref())?),
        entropy,
        accounts: Arc::clone(&stores.accounts),
        consents: Arc::clone(&stores.consents),
        identities: Arc::clone(&stores.identities),
        exports: Arc::clone(&stores.exports),
        sessions: Arc::clone(&stores.sessions),
        tickets: Arc::clone(&stores.tickets),
        failures: Arc::clone(&stores.failures),
        security_log: Arc::clone(&stores.security_log),
        outbox: Arc::clone(&stores.outbox),
        limiter,
        keys,
        creations: Arc::clone(&stores.creations),
        departure: departure(&settings.privacy, stores),
        hasher,
        policies: Arc::new(Policies::embedded()?),
        rules: Arc::new(PasswordRules::new(&hosts)),
        even_time: settings.auth.even_time,
    };
    Ok(Reception::new(parts))
}

fn departure(settings: &PrivacySettings, stores: &Stores) -> DepartureParts {
    DepartureParts {
        deletions: Arc::clone(&stores.deletions),
        ledger: Arc::clone(&stores.ledger),
        top_ups: Arc::clone(&stores.top_ups),
        recharges: Arc::clone(&stores.recharges),
        window: Duration::from_hours(24).saturating_mul(settings.deletion_days.into()),
    }
}

fn cost(settings: &AuthSettings) -> Result<HashCost, BuildError> {
    let memory_kib = u32::try_from(settings.hash_memory >> 10).unwrap_or(u32::MAX);
    HashCost::new(memory_kib, settings.hash_passes).map_err(|error| refused("auth.hash_memory", error))
}

fn peppers(settings: &AuthSettings) -> Result<Vec<Pepper>, BuildError> {
    let Some(text) = &settings.peppers else { return Ok(Vec::new()) };
    let lines = text.expose().lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| Pepper::parse(line).map_err(|error| refused("auth.peppers", error))).collect()
}

fn tokens(settings: &AuthSettings, entropy: &dyn Entropy) -> Result<AccessTokens, BuildError> {
    let key = |text: &Secret<String>, setting: &'static str| {
        let secret = Secret::new(text.expose().as_bytes().to_vec());
        SigningKey::new(secret).map_err(|error| refused(setting, error))
    };
    let signing = match &settings.token_secret {
        Some(text) => key(text, "auth.token_secret")?,
        None => {
            let mut random = vec![0_u8; RANDOM_SECRET_BYTES];
            entropy.fill(&mut random);
            SigningKey::new(Secret::new(random)).map_err(|error| refused("auth.token_secret", error))?
        }
    };
    let before = settings.token_secret_before.as_ref();
    let retired = before.map(|text| key(text, "auth.token_secret_before")).transpose()?;
    Ok(AccessTokens::new(signing, retired.into_iter().collect()))
}

fn refused(setting: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> BuildError {
    BuildError::Setting { setting, source: Box::new(error) }
}
