//! The makers of models: one trait for whatever answers a call.

mod call;
mod error;
mod headers;
mod reply;

use std::fmt;

use async_trait::async_trait;

pub use call::UpstreamCall;
pub use error::{ProviderError, Stage};
pub use headers::forwardable;
pub use reply::{ReplyBody, UpstreamReply, UpstreamRequestId};

use serde::{Deserialize, Serialize};

/// The company behind a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// Claude models.
    Anthropic,
    /// GPT models.
    OpenAi,
}

impl Vendor {
    /// The name in headers, records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
        }
    }

    /// The vendor with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Anthropic, Self::OpenAi].into_iter().find(|vendor| vendor.as_str() == name)
    }
}

/// Speaks one vendor's protocol to one upstream (base URL and credential).
///
/// # Contract
/// - `send` makes exactly one attempt; retries belong to decorators and the gateway.
/// - Only the operator's credential goes upstream; the headers of the call are already reduced
///   to what may pass, and the provider adds authentication, `accept` and `content-type`.
/// - The body of the call goes out byte for byte; the body of the reply comes back byte for
///   byte. Answers are asked for uncompressed; one that is compressed all the same is
///   decompressed or refused as broken, never passed on as it is.
/// - A reply with an error status is a reply, not an error.
///
/// # Cancellation
/// Dropping the future or the reply's body closes or resets the upstream exchange.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// Sends one call and returns as soon as the head of the answer is there.
    ///
    /// # Errors
    /// [`ProviderError`] when there is no answer: not connected, timed out, broken.
    async fn send(&self, call: UpstreamCall) -> Result<UpstreamReply, ProviderError>;
}
