//! The register of exports: that a person was given everything that is kept, and when.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::ExportError;
use crate::clock::Timestamp;
use crate::id::{AccountId, ExportId, SessionId};

/// For how long an archive can be fetched.
pub const EXPORT_LIFE: Duration = Duration::from_hours(24);

/// Where exports are registered. The archives themselves are kept nowhere: each is made while it is
/// fetched.
///
/// # Contract
/// - Each method is one atomic operation.
/// - Inserting the same export again succeeds without effect.
/// - An export is [fetched whole](Self::finish) once, however many try at the same time.
#[async_trait]
pub trait ExportStore: fmt::Debug + Send + Sync + 'static {
    /// Registers an export.
    ///
    /// # Errors
    /// [`ExportError::AlreadyExists`] when the identifier belongs to another one.
    async fn insert(&self, export: Export) -> Result<(), ExportError>;

    /// An export of an account.
    ///
    /// # Errors
    /// [`ExportError::Unavailable`].
    async fn find(&self, account: AccountId, id: ExportId) -> Result<Option<Export>, ExportError>;

    /// Exports of an account, newest first.
    ///
    /// # Errors
    /// [`ExportError::Unavailable`].
    async fn list(&self, request: ListExports) -> Result<Vec<Export>, ExportError>;

    /// Notes that an export is fetched whole; `false` when it cannot be fetched at this moment.
    ///
    /// # Errors
    /// [`ExportError::Unavailable`].
    async fn finish(&self, id: ExportId, at: Timestamp) -> Result<bool, ExportError>;

    /// Deletes at most `limit` exports that were registered before a moment; says how many.
    ///
    /// # Errors
    /// [`ExportError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, ExportError>;
}

/// That somebody asked for everything that is kept about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its identifier; ordered by time.
    pub id: ExportId,
    /// About whom.
    pub account: AccountId,
    /// The session in which the person asked; `None` where an operator did.
    pub session: Option<SessionId>,
    /// When.
    pub created_at: Timestamp,
    /// From when on it cannot be fetched.
    pub expires_at: Timestamp,
    /// When it was fetched whole.
    pub fetched_at: Option<Timestamp>,
}

/// Whether an export can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportState {
    /// It can.
    Ready,
    /// It was.
    Fetched,
    /// Its time is over.
    Expired,
}

impl Export {
    /// Whether it can be fetched at a moment.
    pub fn state(&self, now: Timestamp) -> ExportState {
        match self.fetched_at {
            Some(_) => ExportState::Fetched,
            None if self.expires_at <= now => ExportState::Expired,
            None => ExportState::Ready,
        }
    }
}

/// Which exports [`ExportStore::list`] returns.
#[derive(Clone, Copy, Debug)]
pub struct ListExports {
    /// About whom.
    pub account: AccountId,
    /// Only those with a smaller identifier.
    pub before: Option<ExportId>,
    /// At most so many.
    pub limit: u32,
}
