//! Settings of the upstream.

use std::fmt;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};

use crate::backends::upstream_http::{Identity, UpstreamConfigError, UpstreamHttp, UpstreamHttpConfig};
use crate::clock::Clock;
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

impl OpenAiConfig {
    /// Connections that carry the credential the way this API asks for.
    pub(super) fn connect(self, clock: Arc<dyn Clock>) -> Result<UpstreamHttp, UpstreamConfigError> {
        let Self { api_key, http } = self;
        let request_id = HeaderName::from_static("x-request-id");
        let identity = Identity::new(AUTHORIZATION, "Bearer ", &api_key, request_id)?;
        UpstreamHttp::new(http, identity, clock)
    }
}

impl fmt::Debug for OpenAiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiConfig").field("http", &self.http).finish_non_exhaustive()
    }
}
