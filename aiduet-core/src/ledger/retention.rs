//! Deletes what was kept about requests long enough.

use std::fmt;

use async_trait::async_trait;

use super::LedgerError;
use crate::clock::Timestamp;

/// Deletes records of requests and the sums over them. Postings stay.
///
/// # Contract
/// A record is never deleted before its time, and a deletion that is repeated has no effect.
#[async_trait]
pub trait UsageRetention: fmt::Debug + Send + Sync + 'static {
    /// When the oldest request started that a record or a sum tells of.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn oldest(&self) -> Result<Option<Timestamp>, LedgerError>;

    /// How many requests that started before a moment are recorded.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn overdue(&self, before: Timestamp) -> Result<u64, LedgerError>;

    /// Deletes records of requests that started before a moment, at most `limit`, and about as many
    /// sums over quarters of an hour that ended before it.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<PurgedUsage, LedgerError>;
}

/// What [`UsageRetention::purge`] deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgedUsage {
    /// Records of requests.
    pub records: u64,
    /// Sums.
    pub sums: u64,
}
