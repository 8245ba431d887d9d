//! What a provider says of itself: where it is, and with which keys it signs.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::OidcClient;
use super::config::is_safe;
use super::error::OidcError;

/// After this time a provider is asked again where it is and what it signs with.
const KEPT: Duration = Duration::from_hours(1);
/// A token with an unknown key makes us ask again, but not more often than this: anybody can make
/// up the name of a key.
const PAUSE: Duration = Duration::from_mins(1);
/// A provider that has just failed is not asked again for so long, or browsers would queue for it.
const REST: Duration = Duration::from_secs(5);
/// More keys than any provider has at a time.
const KEYS_MAX: usize = 64;

/// OpenID Connect Discovery 1.0, section 3.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

/// Where a provider is.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    jwks_uri: Url,
}

/// RFC 7517; keys of another kind are passed over.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct RsaKey {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    n: String,
    e: String,
}

/// What is known of a provider.
#[derive(Default)]
pub(super) struct Known {
    metadata: Option<(Metadata, Duration)>,
    keys: HashMap<String, DecodingKey>,
    keys_read_at: Option<Duration>,
    failed_at: Option<Duration>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// A call to a provider, at a moment of the monotonic clock.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) client: &'a OidcClient,
    pub(super) issuer: &'a str,
    pub(super) at: Duration,
}

impl Known {
    /// Where the provider is.
    pub(super) async fn metadata(&mut self, asking: Asking<'_>) -> Result<Metadata, OidcError> {
        if let Some((metadata, read_at)) = &self.metadata
            && asking.at.saturating_sub(*read_at) < KEPT
        {
            return Ok(metadata.clone());
        }
        let place = format!("{}/.well-known/openid-configuration", asking.issuer.trim_end_matches('/'));
        let place = Url::parse(&place).map_err(|_shows_input| OidcError::Metadata)?;
        let document: Document = self.read(asking, place).await?;
        let metadata = metadata(&document).filter(|_metadata| document.issuer == asking.issuer);
        let metadata = metadata.ok_or(OidcError::Metadata)?;
        self.metadata = Some((metadata.clone(), asking.at));
        Ok(metadata)
    }

    /// The key of this name; `None` when the provider has none.
    pub(super) async fn key(
        &mut self,
        asking: Asking<'_>,
        kid: &str,
    ) -> Result<Option<DecodingKey>, OidcError> {
        let age = self.keys_read_at.map(|read_at| asking.at.saturating_sub(read_at));
        let is_old = age.is_none_or(|age| age >= KEPT);
        let may_be_new = !self.keys.contains_key(kid) && age.is_none_or(|age| age >= PAUSE);
        if is_old || may_be_new {
            let jwks_uri = self.metadata(asking).await?.jwks_uri;
            let KeySet { keys } = self.read(asking, jwks_uri).await?;
            self.keys = keys.into_iter().take(KEYS_MAX).filter_map(signing_key).collect();
            self.keys_read_at = Some(asking.at);
        }
        Ok(self.keys.get(kid).cloned())
    }

    async fn read<T: DeserializeOwned>(&mut self, asking: Asking<'_>, place: Url) -> Result<T, OidcError> {
        if self.failed_at.is_some_and(|failed_at| asking.at.saturating_sub(failed_at) < REST) {
            return Err(OidcError::Silent);
        }
        let answer = asking.client.get(place).await;
        self.failed_at = answer.is_err().then_some(asking.at);
        answer
    }
}

fn metadata(document: &Document) -> Option<Metadata> {
    let Document { issuer: _, authorization_endpoint, token_endpoint, jwks_uri } = document;
    let place = |text: &str| Url::parse(text).ok().filter(is_safe);
    Some(Metadata {
        authorization_endpoint: place(authorization_endpoint)?,
        token_endpoint: place(token_endpoint)?,
        jwks_uri: place(jwks_uri)?,
    })
}

/// A key that signs with RS256.
fn signing_key(key: Value) -> Option<(String, DecodingKey)> {
    let RsaKey { kty, kid, purpose, alg, n, e } = serde_json::from_value(key).ok()?;
    let signs = purpose.is_none_or(|purpose| purpose == "sig") && alg.is_none_or(|alg| alg == "RS256");
    let key = DecodingKey::from_rsa_components(&n, &e).ok()?;
    (kty == "RSA" && signs).then_some((kid, key))
}
