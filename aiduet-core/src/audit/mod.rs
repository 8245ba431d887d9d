//! What operators did, in an order that nobody can change unseen.
//!
//! Every entry is sealed with the seal of the one before it, so that a changed, a missing and an
//! inserted entry show; see [`verify`]. Entries name accounts by identifier and hold nothing personal
//! but what an operator wrote as the reason.

mod chain;
mod entry;
mod error;
mod verify;

use std::fmt;

use async_trait::async_trait;

pub use chain::{AuditDigest, AuditHead, InvalidAuditHead};
pub use entry::{
    AuditAction, AuditActor, AuditEntry, AuditReason, AuditSubject, Audited, InvalidAuditText, OsUser,
};
pub use error::AuditError;
pub use verify::{AuditCheck, AuditFault, AuditFaultKind, verify};

use crate::clock::Timestamp;

/// The append-only log of what operators did.
///
/// # Contract
/// Each method is one atomic, durable operation. Entries are numbered from 1 without gaps, whoever
/// appends at the same time, and each is sealed by [`AuditDigest::after`] with the entry before it.
/// Appending an identifier again returns the entry that has it. Nothing is changed or removed.
#[async_trait]
pub trait AuditLog: fmt::Debug + Send + Sync + 'static {
    /// Appends an entry.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`]; the entry may then be there or not.
    async fn append(&self, entry: AuditEntry) -> Result<Audited, AuditError>;

    /// Entries that fit, newest first.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`], also when an entry that fits cannot be read.
    async fn search(&self, search: AuditSearch) -> Result<Vec<Audited>, AuditError>;

    /// At most `limit` entries with a number above `after`, oldest first, as [`verify`] needs them.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`].
    async fn links(&self, after: u64, limit: u32) -> Result<Vec<AuditLink>, AuditError>;
}

/// Which entries [`AuditLog::search`] returns; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct AuditSearch {
    /// Who did it.
    pub actor: Option<AuditActor>,
    /// What was done.
    pub action: Option<AuditAction>,
    /// What it was done to, or what it refers to.
    pub subject: Option<AuditSubject>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Only entries with a smaller number.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// A place of the log as it is stored.
#[derive(Clone, Debug)]
pub struct AuditLink {
    /// Its number.
    pub sequence: u64,
    /// What is there; `None` when it is nothing that this program writes.
    pub audited: Option<Audited>,
}
