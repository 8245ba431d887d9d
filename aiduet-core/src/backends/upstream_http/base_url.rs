//! The address of a provider as the operator writes it.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use super::{NetworkRules, UpstreamConfigError};
use crate::dialect::Endpoint;

/// The address of a provider: with or without a trailing slash or `/v1`.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a base URL.
    ///
    /// # Errors
    /// [`UpstreamConfigError`] if it is not one, or leads where the rules do not allow.
    pub fn parse(text: &str, rules: NetworkRules) -> Result<Self, UpstreamConfigError> {
        let mut url =
            Url::parse(text.trim()).map_err(|_shows_input| UpstreamConfigError::MalformedBaseUrl)?;
        let named = !url.username().is_empty() || url.password().is_some();
        if named || url.query().is_some() || url.fragment().is_some() || url.host_str().is_none() {
            return Err(UpstreamConfigError::MalformedBaseUrl);
        }
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1").unwrap_or(path).trim_end_matches('/').to_owned();
        url.set_path(&path);
        let base = Self(url);
        base.check(rules)?;
        Ok(base)
    }

    /// Names are checked when they are resolved; addresses are never resolved, so here.
    pub(super) fn check(&self, rules: NetworkRules) -> Result<(), UpstreamConfigError> {
        let address = self.address();
        if address.is_some_and(|address| !rules.allows(address)) {
            return Err(UpstreamConfigError::ForbiddenAddress);
        }
        match self.0.scheme() {
            "https" => Ok(()),
            "http" if rules.allow_plain_loopback && self.is_loopback() => Ok(()),
            "http" => Err(UpstreamConfigError::PlainHttp),
            _ => Err(UpstreamConfigError::MalformedBaseUrl),
        }
    }

    fn address(&self) -> Option<IpAddr> {
        self.0.host_str()?.trim_matches(['[', ']']).parse().ok()
    }

    fn is_loopback(&self) -> bool {
        self.0.host_str() == Some("localhost") || self.address().is_some_and(|address| address.is_loopback())
    }

    /// Whether calls go without TLS.
    pub(super) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Where an endpoint is.
    pub(super) fn endpoint(&self, endpoint: Endpoint) -> Url {
        self.at(endpoint.path())
    }

    /// Where a path is.
    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: NetworkRules = NetworkRules { allow_plain_loopback: true, allow_private: false };

    fn messages(text: &str) -> String {
        BaseUrl::parse(text, LOOPBACK).unwrap().endpoint(Endpoint::Messages).to_string()
    }

    #[test]
    fn the_path_is_the_same_however_the_base_is_written() {
        for text in
            ["https://a.example", "https://a.example/", "https://a.example/v1", " https://a.example/v1/ "]
        {
            assert_eq!(messages(text), "https://a.example/v1/messages", "{text}");
        }
        assert_eq!(messages("https://a.example:8443/proxy/v1"), "https://a.example:8443/proxy/v1/messages");
        assert_eq!(messages("http://[::1]:9/"), "http://[::1]:9/v1/messages");
    }

    #[test]
    fn a_base_that_leads_elsewhere_or_carries_more_is_refused() {
        let refused = |text: &str, rules| BaseUrl::parse(text, rules).unwrap_err().to_string();
        for text in
            ["", "a.example", "https://", "ftp://a.example", "https://a:b@a.example", "https://a.example?x=1"]
        {
            assert_eq!(refused(text, LOOPBACK), UpstreamConfigError::MalformedBaseUrl.to_string(), "{text}");
        }
        for text in ["http://a.example", "http://8.8.8.8"] {
            assert_eq!(refused(text, LOOPBACK), UpstreamConfigError::PlainHttp.to_string(), "{text}");
        }
        let strict = NetworkRules::default();
        assert_eq!(refused("http://localhost:1", strict), UpstreamConfigError::PlainHttp.to_string());
        for text in [
            "http://127.0.0.1:1",
            "https://127.0.0.1",
            "https://10.0.0.1",
            "https://[::1]",
            "https://2130706433",
        ] {
            assert_eq!(refused(text, strict), UpstreamConfigError::ForbiddenAddress.to_string(), "{text}");
        }
    }
}
