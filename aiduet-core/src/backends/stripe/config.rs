//! How Stripe is reached and recognised.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;

use super::signature::WebhookSecret;
use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::secret::Secret;

/// Where Stripe is.
const BASE_URL: &str = "https://api.stripe.com";
/// During a change two secrets hold; a third is one that was forgotten.
const WEBHOOK_SECRETS_MAX: usize = 3;

/// Whether Stripe computes tax on top of the credit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutomaticTax {
    /// No.
    #[default]
    Off,
    /// Yes, by the payer's address.
    On,
}

/// How Stripe is reached and recognised.
pub struct StripeConfig {
    /// A restricted or secret key: `rk_live_…`, `rk_test_…`, `sk_live_…` or `sk_test_…`.
    pub secret_key: Secret<String>,
    /// What messages are signed with, one to three: `whsec_…`.
    pub webhook_secrets: Vec<Secret<String>>,
    /// Another address, for a fake on this machine.
    pub base_url: Option<String>,
    /// Whether Stripe computes tax.
    pub automatic_tax: AutomaticTax,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// How long to wait before the second attempt; it doubles with each further one.
    pub retry_delay: Duration,
}

impl StripeConfig {
    /// The configuration for a key and the secrets of its endpoint.
    pub const fn new(secret_key: Secret<String>, webhook_secrets: Vec<Secret<String>>) -> Self {
        Self {
            secret_key,
            webhook_secrets,
            base_url: None,
            automatic_tax: AutomaticTax::Off,
            timeout: Duration::from_secs(30),
            retry_delay: Duration::from_millis(500),
        }
    }

    pub(super) fn mode(&self) -> Result<Mode, StripeConfigError> {
        let key = self.secret_key.expose();
        let is_clean = key.bytes().all(|byte| byte.is_ascii_graphic());
        let has_mode =
            |mode: &str| ["sk_", "rk_"].iter().any(|kind| key.starts_with(&format!("{kind}{mode}_")));
        match (is_clean, has_mode("live"), has_mode("test")) {
            (true, true, _) => Ok(Mode::Live),
            (true, _, true) => Ok(Mode::Test),
            _ => Err(StripeConfigError::MalformedKey),
        }
    }

    pub(super) fn secrets(&self) -> Result<Vec<WebhookSecret>, StripeConfigError> {
        if !(1..=WEBHOOK_SECRETS_MAX).contains(&self.webhook_secrets.len()) {
            return Err(StripeConfigError::MalformedWebhookSecret);
        }
        let secrets = self.webhook_secrets.iter().map(|secret| WebhookSecret::try_new(secret.clone()));
        secrets.collect::<Option<_>>().ok_or(StripeConfigError::MalformedWebhookSecret)
    }

    /// `https`, or `http` to this machine.
    pub(super) fn base(&self) -> Result<Url, StripeConfigError> {
        let text = self.base_url.as_deref().unwrap_or(BASE_URL);
        let url = Url::parse(text).map_err(|_shows_input| StripeConfigError::MalformedBaseUrl)?;
        let is_loopback = url.host_str().is_some_and(|host| {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        });
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
        let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if is_safe && is_bare { Ok(url) } else { Err(StripeConfigError::MalformedBaseUrl) }
    }
}

impl fmt::Debug for StripeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeConfig").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Whether money is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Live,
    Test,
}

impl Mode {
    /// What `livemode` says.
    pub(super) const fn is_live(self) -> bool {
        matches!(self, Self::Live)
    }
}

/// Settings that cannot work. Shows no value: a secret may be in the wrong field.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StripeConfigError {
    /// Neither a restricted nor a secret key.
    #[error("the key of stripe must look like rk_live_… or rk_test_…")]
    MalformedKey,
    /// None, more than three, or one that is not a signing secret. Without it anybody could pay
    /// with words.
    #[error("stripe needs one to three webhook secrets, each whsec_… with at least 32 characters")]
    MalformedWebhookSecret,
    /// Neither https, nor http to this machine.
    #[error("the base URL of stripe must use https; plain http is for loopback only")]
    MalformedBaseUrl,
    /// The HTTP client cannot be made.
    #[error("the HTTP client for stripe cannot be set up")]
    Client {
        /// What it said.
        source: Source,
    },
}

impl Classify for StripeConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::MalformedKey | Self::MalformedWebhookSecret | Self::MalformedBaseUrl => ErrorClass::Invalid,
            Self::Client { .. } => ErrorClass::Internal,
        }
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(key: &str, secrets: &[&str]) -> StripeConfig {
        let secrets = secrets.iter().map(|secret| Secret::new((*secret).to_owned())).collect();
        StripeConfig::new(Secret::new(key.to_owned()), secrets)
    }

    const GOOD: &str = "whsec_0123456789abcdef0123456789";

    #[test]
    fn a_start_without_a_signing_secret_is_refused() {
        for secrets in [&[][..], &[""], &["whsec_short"], &["0123456789abcdef0123456789abcdef01"], &[GOOD; 4]]
        {
            assert!(config("sk_test_1", secrets).secrets().is_err(), "{secrets:?}");
        }
        assert_eq!(config("sk_test_1", &[GOOD, GOOD]).secrets().unwrap().len(), 2);
    }

    #[test]
    fn the_key_says_whether_money_is_real() {
        let mode = |key| config(key, &[GOOD]).mode().ok();
        assert_eq!(mode("rk_live_1"), Some(Mode::Live));
        assert_eq!(mode("sk_test_1"), Some(Mode::Test));
        for key in ["", "pk_live_1", "sk_1", "sk_live_1\n"] {
            assert_eq!(mode(key), None, "{key:?}");
        }
    }

    #[test]
    fn only_a_fake_on_this_machine_goes_without_tls() {
        let base = |url: &str| {
            StripeConfig { base_url: Some(url.to_owned()), ..config("sk_test_1", &[GOOD]) }.base().is_ok()
        };
        assert!(config("sk_test_1", &[GOOD]).base().is_ok());
        assert!(base("http://127.0.0.1:9") && base("http://[::1]:9") && base("http://localhost:9"));
        assert!(!base("http://10.0.0.1") && !base("https://a:b@stripe.example") && !base("stripe"));
    }
}
