//! Which provider, and as whom.

use std::fmt;
use std::time::Duration;

use reqwest::Url;

use crate::class::Source;
use crate::secret::Secret;

/// Which provider, and as whom.
#[derive(Clone)]
pub struct OidcConfig {
    /// Who vouches, exactly as it stands in tokens: an `https` URL, or `http` on loopback.
    pub issuer: String,
    /// What the provider calls us.
    pub client_id: String,
    /// Proves to the provider that it is us.
    pub client_secret: Secret<String>,
    /// Where browsers come back to, exactly as the provider knows it.
    pub redirect_uri: String,
    /// How long the provider may take to answer one call.
    pub timeout: Duration,
}

impl fmt::Debug for OidcConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcConfig")
            .field("issuer", &self.issuer)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcConfigError {
    /// The issuer is no plain URL.
    #[error("the issuer must be an https URL without query or fragment")]
    MalformedIssuer,
    /// A secret would cross the network unencrypted.
    #[error("the issuer must be https; http is for loopback only")]
    PlainHttp,
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be set up")]
    Client {
        /// Why.
        source: Source,
    },
}

impl OidcConfig {
    /// A configuration with a time-out of ten seconds.
    pub fn new(issuer: String, client: (String, Secret<String>), redirect_uri: String) -> Self {
        let (client_id, client_secret) = client;
        Self { issuer, client_id, client_secret, redirect_uri, timeout: Duration::from_secs(10) }
    }

    /// The issuer as an address.
    pub(super) fn issuer_url(&self) -> Result<Url, OidcConfigError> {
        let url = Url::parse(&self.issuer).map_err(|_shows_input| OidcConfigError::MalformedIssuer)?;
        if url.query().is_some() || url.fragment().is_some() || url.host_str().is_none() {
            return Err(OidcConfigError::MalformedIssuer);
        }
        if is_safe(&url) { Ok(url) } else { Err(OidcConfigError::PlainHttp) }
    }

    /// Whether all calls are on this machine, where `http` will do.
    pub(super) fn is_local(&self) -> bool {
        self.issuer.starts_with("http:")
    }
}

/// `https`, or `http` that does not leave this machine.
pub(super) fn is_safe(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}
