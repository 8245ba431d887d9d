//! Settings of the upstream.

use std::fmt;

use crate::backends::upstream_http::UpstreamHttpConfig;
use crate::secret::Secret;

/// The base URL of the public API.
pub const BASE_URL: &str = "https://api.openai.com";

/// Settings of an upstream that speaks the OpenAI API.
#[derive(Clone)]
pub struct OpenAiConfig {
    /// The operator's credential.
    pub api_key: Secret<String>,
    /// Where it is, and the limits of an exchange.
    pub http: UpstreamHttpConfig,
}

impl fmt::Debug for OpenAiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiConfig").field("http", &self.http).finish_non_exhaustive()
    }
}
