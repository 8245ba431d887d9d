//! The provider.

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, HeaderName};

use super::OpenAiConfig;
use crate::backends::upstream_http::{Identity, UpstreamConfigError, UpstreamHttp};
use crate::clock::Clock;
use crate::provider::{Provider, ProviderError, UpstreamCall, UpstreamReply};

/// Speaks the OpenAI API over HTTP.
#[derive(Debug)]
pub struct OpenAiProvider {
    http: UpstreamHttp,
}

impl OpenAiProvider {
    /// A provider with its own connections.
    ///
    /// # Errors
    /// [`UpstreamConfigError`] if the settings cannot work.
    pub fn new(config: OpenAiConfig, clock: Arc<dyn Clock>) -> Result<Self, UpstreamConfigError> {
        let OpenAiConfig { api_key, http } = config;
        let request_id = HeaderName::from_static("x-request-id");
        let identity = Identity::new(AUTHORIZATION, "Bearer ", &api_key, request_id)?;
        Ok(Self { http: UpstreamHttp::new(http, identity, clock)? })
    }
}

#[async_trait]
impl Provider for OpenAiProvider {
    async fn send(&self, call: UpstreamCall) -> Result<UpstreamReply, ProviderError> {
        self.http.send(call, &[]).await
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::backends::upstream_http::{BaseUrl, HttpLimits, NetworkRules, UpstreamHttpConfig};
    use crate::provider::Vendor;
    use crate::testing::provider::ProviderTarget;

    fn openai_provider(target: ProviderTarget) -> OpenAiProvider {
        let ProviderTarget { base_url, credential, clock, first_byte, idle, answer_bytes_max } = target;
        let network = NetworkRules { allow_plain_loopback: true, allow_private: false };
        let limits = HttpLimits { first_byte, idle, answer_bytes_max, ..HttpLimits::default() };
        let base_url = BaseUrl::parse(&base_url, network).unwrap();
        let http = UpstreamHttpConfig { network, limits, ..UpstreamHttpConfig::new(base_url) };
        OpenAiProvider::new(OpenAiConfig { api_key: credential, http }, clock).unwrap()
    }

    crate::provider_conformance!(Vendor::OpenAi, openai_provider);
}
