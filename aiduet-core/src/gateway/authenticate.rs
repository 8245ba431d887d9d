//! Who calls: from the headers to a key that may be used.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::{Gateway, GatewayError};
use crate::clock::Timestamp;
use crate::id::ApiKeyId;
use crate::keys::{ApiKey, KeyRefusal, PlainApiKey};
use crate::ledger::Reserving;
use crate::limit::{Claim, LimitKey, Quota};

/// Wrong keys that one address may send per minute.
const AUTH_FAILURES: Quota = Quota::per_minute(30);

/// What a client shows to prove who it is, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// The headers of the request.
    pub headers: &'a HeaderMap,
    /// The address of the client.
    pub address: IpAddr,
}

/// An authenticated caller: a key that exists and may be used now, from where it is used.
#[derive(Clone, Debug)]
pub struct Caller {
    key: Arc<ApiKey>,
}

impl Caller {
    /// The key.
    pub fn key(&self) -> &ApiKey {
        &self.key
    }
}

impl Gateway {
    /// Finds out who calls. Format and checksum are checked before any look-up.
    ///
    /// # Errors
    /// [`GatewayError::MissingKey`], [`GatewayError::InvalidKey`], [`GatewayError::KeyRevoked`],
    /// [`GatewayError::KeyExpired`], [`GatewayError::AddressNotAllowed`],
    /// [`GatewayError::RateLimited`] after too many wrong keys from one address.
    pub async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Caller, GatewayError> {
        let text = credential(credentials.headers)?;
        let failures = LimitKey::AuthFailures(address_block(credentials.address));
        let ask = Claim { key: failures, quota: AUTH_FAILURES, cost: 0 };
        let standing = self.parts.limiter.take(&[ask]).await?;
        if standing.first().is_some_and(|standing| standing.remaining == 0) {
            return Err(GatewayError::RateLimited { retry_after: std::time::Duration::from_mins(1) });
        }
        match self.look_up(text).await? {
            Some(key) => self.judge(key, credentials.address),
            None => {
                // A refused claim is fine: the address is at its limit then.
                drop(self.parts.limiter.take(&[Claim { cost: 1, ..ask }]).await);
                Err(GatewayError::InvalidKey)
            }
        }
    }

    /// Finds out who calls something that is free. What costs is refused by the ledger when the
    /// account is suspended; where nothing is set aside, it is asked here.
    ///
    /// # Errors
    /// Those of [`authenticate`](Self::authenticate); [`GatewayError::AccountSuspended`];
    /// [`GatewayError::Unavailable`] when the ledger does not answer.
    pub async fn authenticate_free(&self, credentials: Credentials<'_>) -> Result<Caller, GatewayError> {
        let caller = self.authenticate(credentials).await?;
        self.check_account(&caller).await?;
        Ok(caller)
    }

    /// Whether the account of a caller may call at all.
    pub(super) async fn check_account(&self, caller: &Caller) -> Result<(), GatewayError> {
        match self.parts.ledger.balance(caller.key().account).await?.reserving {
            Reserving::Allowed => Ok(()),
            Reserving::Frozen => Err(GatewayError::AccountSuspended),
        }
    }

    async fn look_up(&self, text: &str) -> Result<Option<Arc<ApiKey>>, GatewayError> {
        let Ok(plain) = PlainApiKey::parse(text) else { return Ok(None) };
        self.parts.keys.find_by_hash(&plain.hash()).await.map_err(|error| {
            tracing::error!(%error, source = ?std::error::Error::source(&error).map(ToString::to_string), "key store");
            GatewayError::Unavailable { retry_after: std::time::Duration::from_secs(2) }
        })
    }

    fn judge(&self, key: Arc<ApiKey>, address: IpAddr) -> Result<Caller, GatewayError> {
        let now = self.parts.clock.now();
        key.check(now).map_err(|refusal| match refusal {
            KeyRefusal::Expired => GatewayError::KeyExpired,
            KeyRefusal::Disabled | KeyRefusal::Revoked => GatewayError::KeyRevoked,
        })?;
        if !key.limits.allows_address(address) {
            return Err(GatewayError::AddressNotAllowed);
        }
        self.used_keys.note(key.id, now);
        Ok(Caller { key })
    }
}

/// The one key that the headers carry: `authorization: Bearer` or `x-api-key`, or both if equal.
fn credential(headers: &HeaderMap) -> Result<&str, GatewayError> {
    let bearer =
        headers.get_all(AUTHORIZATION).iter().map(|value| value.to_str().ok().and_then(bearer_token));
    let plain = headers.get_all("x-api-key").iter().map(|value| value.to_str().ok().map(str::trim));
    let mut found = None;
    for token in bearer.chain(plain) {
        let token = token.ok_or(GatewayError::InvalidKey)?;
        if *found.get_or_insert(token) != token {
            return Err(GatewayError::InvalidKey);
        }
    }
    found.filter(|token| !token.is_empty()).ok_or(GatewayError::MissingKey)
}

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// An IPv4 address, or the /64 of an IPv6 address.
fn address_block(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits() & !u128::from(u64::MAX),
    }
}

/// When keys were last used, to the minute, until it is written down.
#[derive(Debug, Default)]
pub(super) struct UsedKeys(Mutex<HashMap<ApiKeyId, Timestamp>>);

impl UsedKeys {
    fn note(&self, key: ApiKeyId, at: Timestamp) {
        let minute = Timestamp::from_millis(at.millis() - at.millis().rem_euclid(60_000));
        self.lock().insert(key, minute);
    }

    pub(super) fn take(&self) -> Vec<(ApiKeyId, Timestamp)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    pub(super) fn put_back(&self, used: &[(ApiKeyId, Timestamp)]) {
        let mut map = self.lock();
        for (key, at) in used {
            map.entry(*key).or_insert(*at);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ApiKeyId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn either_header_carries_the_key() {
        for pairs in [
            &[("authorization", "Bearer abc")][..],
            &[("authorization", "bearer  abc ")],
            &[("x-api-key", "abc")],
            &[("authorization", "Bearer abc"), ("x-api-key", "abc")],
        ] {
            assert_eq!(credential(&headers(pairs)).ok(), Some("abc"), "{pairs:?}");
        }
    }

    #[test]
    fn two_different_keys_are_no_key() {
        for pairs in [
            &[("authorization", "Bearer abc"), ("x-api-key", "abd")][..],
            &[("x-api-key", "abc"), ("x-api-key", "abd")],
            &[("authorization", "Basic abc")],
        ] {
            assert!(matches!(credential(&headers(pairs)), Err(GatewayError::InvalidKey)), "{pairs:?}");
        }
        assert!(matches!(credential(&HeaderMap::new()), Err(GatewayError::MissingKey)));
    }

    #[test]
    fn neighbours_in_an_ipv6_network_share_a_block() {
        let block = |text: &str| address_block(text.parse().unwrap());
        assert_eq!(block("2001:db8::1"), block("2001:db8::ffff:1"));
        assert_ne!(block("2001:db8::1"), block("2001:db8:0:1::1"));
        assert_eq!(block("::ffff:192.0.2.1"), block("192.0.2.1"));
    }
}
