//! The provider.

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{HeaderName, HeaderValue};

use super::AnthropicConfig;
use crate::backends::upstream_http::{UpstreamConfigError, UpstreamHttp};
use crate::clock::Clock;
use crate::provider::{Provider, ProviderError, UpstreamCall, UpstreamReply};

/// The version that is named where the client names none: the one that raw clients write for.
///
/// # Source
/// Anthropic API reference, "Versions", read 2026-11-24.
pub(super) const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));

/// Speaks the Anthropic API over HTTP.
#[derive(Debug)]
pub struct AnthropicProvider {
    http: UpstreamHttp,
}

impl AnthropicProvider {
    /// A provider with its own connections.
    ///
    /// # Errors
    /// [`UpstreamConfigError`] if the settings cannot work.
    pub fn new(config: AnthropicConfig, clock: Arc<dyn Clock>) -> Result<Self, UpstreamConfigError> {
        Ok(Self { http: config.connect(clock)? })
    }
}

#[async_trait]
impl Provider for AnthropicProvider {
    async fn send(&self, call: UpstreamCall) -> Result<UpstreamReply, ProviderError> {
        self.http.send(call, &[VERSION]).await
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::backends::upstream_http::{HttpLimits, UpstreamHttpConfig};
    use crate::provider::Vendor;
    use crate::testing::provider::ProviderTarget;

    fn anthropic_provider(target: ProviderTarget) -> AnthropicProvider {
        let ProviderTarget { base_url, credential, clock, first_byte, idle, answer_bytes_max } = target;
        let limits = HttpLimits { first_byte, idle, answer_bytes_max, ..HttpLimits::default() };
        let http = UpstreamHttpConfig { limits, ..UpstreamHttpConfig::on_loopback(&base_url) };
        AnthropicProvider::new(AnthropicConfig { api_key: credential, http }, clock).unwrap()
    }

    crate::provider_conformance!(Vendor::Anthropic, anthropic_provider);
}
