//! Keys that end by themselves.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{ApiKey, KeyError};
use crate::clock::Timestamp;
use crate::id::ApiKeyId;

/// Finds keys by their end, whosever they are.
#[async_trait]
pub trait EndingKeys: fmt::Debug + Send + Sync + 'static {
    /// Active keys that end in a span of time, ordered by identifier.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`].
    async fn ending(&self, request: ListEnding) -> Result<Vec<Arc<ApiKey>>, KeyError>;
}

/// Which keys [`EndingKeys::ending`] returns.
#[derive(Clone, Copy, Debug)]
pub struct ListEnding {
    /// The first moment of the span.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Only keys with a larger identifier.
    pub after: Option<ApiKeyId>,
    /// At most so many.
    pub limit: u32,
}
