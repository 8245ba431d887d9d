//! The provider.

use std::sync::Arc;

use async_trait::async_trait;

use super::OpenAiConfig;
use crate::backends::upstream_http::{UpstreamConfigError, UpstreamHttp};
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
        Ok(Self { http: config.connect(clock)? })
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
    use crate::backends::upstream_http::{HttpLimits, UpstreamHttpConfig};
    use crate::provider::Vendor;
    use crate::testing::provider::ProviderTarget;

    fn openai_provider(target: ProviderTarget) -> OpenAiProvider {
        let ProviderTarget { base_url, credential, clock, first_byte, idle, answer_bytes_max } = target;
        let limits = HttpLimits { first_byte, idle, answer_bytes_max, ..HttpLimits::default() };
        let http = UpstreamHttpConfig { limits, ..UpstreamHttpConfig::on_loopback(&base_url) };
        OpenAiProvider::new(OpenAiConfig { api_key: credential, http }, clock).unwrap()
    }

    crate::provider_conformance!(Vendor::OpenAi, openai_provider);
}
