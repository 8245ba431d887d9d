//! One call to a provider.

use std::fmt;

use http::HeaderMap;

use crate::content::{Content, describe};
use crate::dialect::Endpoint;
use crate::id::RequestId;

/// One call to a provider: where, which feature headers, and the untouched body.
pub struct UpstreamCall {
    /// The path and dialect.
    pub endpoint: Endpoint,
    /// The request this call serves; not sent upstream.
    pub request: RequestId,
    /// Feature headers that may pass (`anthropic-version`, `anthropic-beta`, …), nothing else.
    pub headers: HeaderMap,
    /// The JSON body.
    pub body: Content,
    /// Whether the answer is to come as server-sent events.
    pub stream: bool,
}

impl fmt::Debug for UpstreamCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamCall")
            .field("endpoint", &self.endpoint)
            .field("request", &self.request)
            .field("body", &describe(&self.body))
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}
