//! What the client gets.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;

use super::duet::Routed;
use crate::content::{Content, describe};
use crate::id::RequestId;
use crate::limit::Standing;
use crate::money::Money;
use crate::price::ModelId;
use crate::provider::{UpstreamRequestId, Vendor};

/// The frames of a streamed answer. The stream never fails: a failure in the middle is a frame
/// in the form of the dialect. Dropping it early settles the request in the background.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// An answer, with what the head tells about it.
#[derive(Debug)]
pub struct Answer {
    /// The request.
    pub id: RequestId,
    /// The HTTP status.
    pub status: http::StatusCode,
    /// The model that answered.
    pub model: ModelId,
    /// Its vendor.
    pub vendor: Vendor,
    /// How the duet came to the model, if the client named none.
    pub duet: Option<Routed>,
    /// The provider's name for the exchange.
    pub upstream_request_id: Option<UpstreamRequestId>,
    /// The charge; unknown at the head of a stream.
    pub cost: Option<Money>,
    /// What is available after the charge; unknown at the head of a stream.
    pub balance: Option<Money>,
    /// The output limit that was forwarded, when it had to be lowered, in tokens.
    pub lowered_limit: Option<u64>,
    /// What is left of the rate limits of the key.
    pub standings: Vec<Standing>,
    /// The body.
    pub body: AnswerBody,
}

/// The body of an answer.
pub enum AnswerBody {
    /// JSON, whole.
    Whole(Content),
    /// Server-sent events.
    Stream(AnswerStream),
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(content) => f.debug_tuple("Whole").field(&describe(content)).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}
