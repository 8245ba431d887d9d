//! Exports: that a person asked for everything that is kept, and how often it was fetched.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::PrivacyStoreError;
use crate::auth::TokenDigest;
use crate::clock::Timestamp;
use crate::id::{AccountId, ExportId, SessionId};

/// For how long an archive can be fetched.
pub const EXPORT_LIFE: Duration = Duration::from_hours(24);
/// How often an archive can be fetched whole.
pub const DOWNLOADS_MAX: u32 = 3;

/// Where exports are registered. The archives themselves are kept nowhere: each is made while it is
/// read.
///
/// # Contract
/// - Each method is one atomic operation.
/// - An export is visible to its account only.
/// - Inserting the same export again succeeds without effect.
/// - An export is [fetched](Self::fetch) at most [`DOWNLOADS_MAX`] times, however many try at once.
#[async_trait]
pub trait ExportStore: fmt::Debug + Send + Sync + 'static {
    /// Registers an export.
    ///
    /// # Errors
    /// [`PrivacyStoreError::AlreadyExists`] when the identifier or the token is taken.
    async fn insert(&self, export: Export) -> Result<(), PrivacyStoreError>;

    /// An export of an account.
    ///
    /// # Errors
    /// [`PrivacyStoreError::Unavailable`].
    async fn find(&self, account: AccountId, id: ExportId) -> Result<Option<Export>, PrivacyStoreError>;

    /// Exports of an account, newest first.
    ///
    /// # Errors
    /// [`PrivacyStoreError::Unavailable`].
    async fn list(&self, request: ListExports) -> Result<Vec<Export>, PrivacyStoreError>;

    /// Ties an export to the session in which its link was opened; `None` when the account has none
    /// with this token that can be fetched at this moment.
    ///
    /// # Errors
    /// [`PrivacyStoreError::Unavailable`].
    async fn claim(&self, request: ClaimExport) -> Result<Option<Export>, PrivacyStoreError>;

    /// Counts that an export is fetched whole; `false` when it cannot be any more.
    ///
    /// # Errors
    /// [`PrivacyStoreError::Unavailable`].
    async fn fetch(&self, id: ExportId, at: Timestamp) -> Result<bool, PrivacyStoreError>;

    /// Puts `subject`, which leads to nobody, in the place of an account that ends; says in how many
    /// exports. None of them can be fetched after that.
    ///
    /// # Errors
    /// [`PrivacyStoreError::Unavailable`].
    async fn detach(&self, account: AccountId, subject: AccountId) -> Result<u64, PrivacyStoreError>;

    /// Deletes at most `limit` exports that were registered before a moment; says how many.
    ///
    /// # Errors
    /// [`PrivacyStoreError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PrivacyStoreError>;
}

/// That somebody asked for everything that is kept about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its identifier; ordered by time.
    pub id: ExportId,
    /// About whom.
    pub account: AccountId,
    /// Who asked.
    pub origin: ExportOrigin,
    /// When.
    pub created_at: Timestamp,
    /// From when on it cannot be fetched.
    pub expires_at: Timestamp,
    /// How often it was fetched whole.
    pub downloads: u32,
    /// When, the last time.
    pub downloaded_at: Option<Timestamp>,
}

/// Who asked for an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportOrigin {
    /// The person.
    Person {
        /// In this session, which may fetch it.
        session: SessionId,
        /// SHA-256 of the token in the mail, which lets another session of the person fetch it.
        token: TokenDigest,
    },
    /// An operator, for a person who asked otherwise. It is fetched at once.
    Operator,
}

/// Whether an export can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportState {
    /// It can.
    Ready,
    /// It was fetched as often as may be.
    Fetched,
    /// Its time is over.
    Expired,
}

impl Export {
    /// Whether it can be fetched at a moment.
    pub fn state(&self, now: Timestamp) -> ExportState {
        match self.origin {
            ExportOrigin::Operator => ExportState::Fetched,
            ExportOrigin::Person { .. } if self.downloads >= DOWNLOADS_MAX => ExportState::Fetched,
            ExportOrigin::Person { .. } if self.expires_at <= now => ExportState::Expired,
            ExportOrigin::Person { .. } => ExportState::Ready,
        }
    }

    /// Whether a session may fetch it without the password being given again.
    pub fn is_tied_to(&self, own: SessionId) -> bool {
        matches!(self.origin, ExportOrigin::Person { session, .. } if session == own)
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

/// Which export [`ExportStore::claim`] ties to which session.
#[derive(Clone, Copy, Debug)]
pub struct ClaimExport {
    /// About whom.
    pub account: AccountId,
    /// The token of its link.
    pub token: TokenDigest,
    /// The session.
    pub session: SessionId,
    /// When.
    pub at: Timestamp,
}
