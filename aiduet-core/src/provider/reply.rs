//! The answer of a provider.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::ProviderError;

/// The bytes of an answer as they arrive.
pub type ReplyBody = Pin<Box<dyn Stream<Item = Result<Bytes, ProviderError>> + Send>>;

/// The answer of a provider: its head, and its body as a stream.
pub struct UpstreamReply {
    /// The status the provider sent.
    pub status: StatusCode,
    /// `content-type` of the body is server-sent events.
    pub is_event_stream: bool,
    /// The provider's own name for the exchange, for support questions.
    pub upstream_request_id: Option<UpstreamRequestId>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: ReplyBody,
}

impl fmt::Debug for UpstreamReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamReply").field("status", &self.status).finish_non_exhaustive()
    }
}

/// A provider's request identifier, checked to be nothing but an identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UpstreamRequestId(String);

impl UpstreamRequestId {
    /// Takes an identifier of 1 to 80 characters `A-Z a-z 0-9 _ -`; anything else is dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        ((1..=80).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
