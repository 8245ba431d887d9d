//! GitHub's reports of keys that it found in repositories and packages: its
//! [secret scanning partner program](https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program/secret-scanning-partner-program).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::keys::{ReportError, ReportVerifier, SignedReport};

/// Where GitHub publishes its keys.
pub const KEYS_URL: &str = "https://api.github.com/meta/public_keys/secret_scanning";
/// Whoever names keys that do not exist makes us ask for them no more often than this.
const REFETCH_AFTER: Duration = Duration::from_mins(1);
/// A key that GitHub has withdrawn is believed for no longer than this.
const KEPT_FOR: Duration = Duration::from_hours(24);
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest list of keys that is read, in bytes.
const LIST_MAX: usize = 256 << 10;

/// Believes what GitHub has signed.
#[derive(Debug)]
pub struct GithubReports {
    http: Client,
    keys_url: Url,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

/// The keys of GitHub that are in use, by their names, each as DER (SubjectPublicKeyInfo).
#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, Vec<u8>>,
    /// When they were asked for, whatever came of it.
    asked_at: Option<Duration>,
    /// When they were had.
    had_at: Option<Duration>,
}

/// Settings that cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GithubConfigError {
    /// No URL, or one that is neither `https` nor of this machine.
    #[error("the address of GitHub's keys must be an https URL")]
    MalformedUrl,
    /// No client can be made.
    #[error("no HTTP client")]
    Client {
        /// Why.
        source: reqwest::Error,
    },
}

#[derive(Deserialize)]
struct KeyList {
    public_keys: Vec<PublicKey>,
}

#[derive(Deserialize)]
struct PublicKey {
    key_identifier: String,
    /// PEM.
    key: String,
    is_current: bool,
}

impl GithubReports {
    /// Asks for keys at `keys_url`, which is [`KEYS_URL`] but in tests.
    ///
    /// # Errors
    /// [`GithubConfigError`].
    pub fn new(keys_url: &str, clock: Arc<dyn Clock>) -> Result<Self, GithubConfigError> {
        let keys_url = Url::parse(keys_url).map_err(|_shows_input| GithubConfigError::MalformedUrl)?;
        let is_local = matches!(keys_url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if keys_url.scheme() != "https" && !(keys_url.scheme() == "http" && is_local) {
            return Err(GithubConfigError::MalformedUrl);
        }
        let http = Client::builder()
            .user_agent(concat!("aiduet/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .https_only(keys_url.scheme() == "https")
            .timeout(PATIENCE)
            .build()
            .map_err(|source| GithubConfigError::Client { source })?;
        Ok(Self { http, keys_url, clock, known: Mutex::default() })
    }

    /// The key of this name; asks for the keys if they are old, or if there is none of this name.
    async fn key(&self, name: &str) -> Result<Vec<u8>, ReportError> {
        let mut known = self.known.lock().await;
        let now = self.clock.monotonic();
        let is_within = |since: Option<Duration>, time: Duration| {
            since.is_some_and(|since| now.saturating_sub(since) < time)
        };
        if !is_within(known.had_at, KEPT_FOR) {
            known.keys.clear();
        }
        if !known.keys.contains_key(name) && !is_within(known.asked_at, REFETCH_AFTER) {
            known.asked_at = Some(now);
            known.keys = self.fetch().await?;
            known.had_at = Some(now);
        }
        match known.keys.get(name) {
            Some(key) => Ok(key.clone()),
            // Nothing is known, since GitHub did not answer a moment ago.
            None if known.keys.is_empty() => Err(unavailable("asked a moment ago")),
            None => Err(ReportError::NotGenuine),
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, Vec<u8>>, ReportError> {
        let asked = self.http.get(self.keys_url.clone()).send().await;
        let mut response = asked.and_then(reqwest::Response::error_for_status).map_err(unavailable)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
            body.extend_from_slice(&chunk);
            if body.len() > LIST_MAX {
                return Err(unavailable("the list of keys is too long"));
            }
        }
        let list: KeyList = serde_json::from_slice(&body).map_err(unavailable)?;
        let current = list.public_keys.into_iter().filter(|key| key.is_current);
        Ok(current.filter_map(|key| Some((key.key_identifier, der(&key.key)?))).collect())
    }
}

#[async_trait]
impl ReportVerifier for GithubReports {
    async fn verify(&self, report: SignedReport<'_>) -> Result<(), ReportError> {
        let signature = STANDARD.decode(report.signature).map_err(|_malformed| ReportError::NotGenuine)?;
        let key = self.key(report.signer).await?;
        let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(report.body, &signature);
        verified.map_err(|_unspecified| ReportError::NotGenuine)
    }
}

fn unavailable(source: impl Into<crate::class::Source>) -> ReportError {
    ReportError::Unavailable { source: source.into() }
}

/// What a PEM holds.
fn der(pem: &str) -> Option<Vec<u8>> {
    let text = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?;
    let text = text.strip_suffix("-----END PUBLIC KEY-----")?;
    STANDARD.decode(text.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
#[cfg(all(feature = "http", feature = "testing"))]
mod tests;
