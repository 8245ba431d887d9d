//! The deletion of an account: asked for, taken back, done, and proved.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Tombstone;
use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::clock::Timestamp;
use crate::id::{AccountId, DeletionId};
use crate::ledger::ExternalId;
use crate::money::Money;

/// Where deletions are kept, and what erases.
///
/// # Contract
/// - Each method is one atomic operation.
/// - An account has one deletion at most. It is [cancelled](Self::cancel) or [begun](Self::begin):
///   of two callers at the same moment one is first, and the other has no effect.
/// - [`erase`](Self::erase) erases and counts in one transaction, so that a crash between any two calls
///   changes nothing about the end. What is kept gets a random name that stands nowhere else.
/// - Tables are erased in the order of [`tables`](Self::tables); the row of the account goes last.
/// - [`finish`](Self::finish) takes the account's identifier out of the deletion.
#[async_trait]
pub trait DeletionStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a deletion, unless the account has one; returns the one that it has then.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn ask(&self, deletion: Deletion) -> Result<Deletion, DeletionError>;

    /// The deletion of an account.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn find(&self, account: AccountId) -> Result<Option<Deletion>, DeletionError>;

    /// Forgets the deletion of an account that has not begun; `false` when there is none, or it has.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn cancel(&self, account: AccountId) -> Result<bool, DeletionError>;

    /// At most `limit` deletions that are not done, the first due first.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn open(&self, limit: u32) -> Result<Vec<Deletion>, DeletionError>;

    /// Begins a deletion that is due, or has begun; `None` when it is not due, was cancelled, or a
    /// request of the account still runs. Keeps the tombstone, what is left of the balance, and the card
    /// company's name for the person; the first call counts.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn begin(&self, request: BeginDeletion) -> Result<Option<Begun>, DeletionError>;

    /// What is erased, in order.
    fn tables(&self) -> Vec<&'static str>;

    /// How many rows of each table lead to an account; those without any are left out.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn plan(&self, account: AccountId) -> Result<Vec<ErasedRows>, DeletionError>;

    /// Erases a table, or a part of it.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn erase(&self, deletion: &Deletion, table: &'static str) -> Result<ErasedPart, DeletionError>;

    /// What a deletion has erased so far, in the order of [`tables`](Self::tables).
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn erased(&self, id: DeletionId) -> Result<Vec<ErasedRows>, DeletionError>;

    /// Ends a deletion with its receipt, and forgets whose it was.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn finish(&self, receipt: ErasureReceipt) -> Result<(), DeletionError>;

    /// At most `limit` receipts, newest first, older than `before` when given.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn receipts(
        &self,
        before: Option<DeletionId>,
        limit: u32,
    ) -> Result<Vec<ErasureReceipt>, DeletionError>;

    /// At most `limit` tombstones, newest first.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn tombstones(&self, limit: u32) -> Result<Vec<Tombstone>, DeletionError>;

    /// Removes what was erased from where the database still has it besides its tables, as far as that is
    /// in its power: the write-ahead log of SQLite.
    ///
    /// # Errors
    /// [`DeletionError::Unavailable`].
    async fn scrub(&self) -> Result<(), DeletionError>;
}

/// The wish to delete an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Its identifier, which leads nowhere.
    pub id: DeletionId,
    /// Whose.
    pub account: AccountId,
    /// What becomes of paid credit that is left.
    pub unused_credit: UnusedCredit,
    /// Since when the account had been frozen, if it was; it is again when the deletion is cancelled.
    pub frozen_at: Option<Timestamp>,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it is due; until then it can be cancelled.
    pub erase_at: Timestamp,
    /// How far it is.
    pub state: DeletionState,
}

/// How far a deletion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionState {
    /// It can be cancelled.
    Waiting,
    /// Nothing stops it.
    Erasing,
}

impl DeletionState {
    /// The code in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Erasing => "erasing",
        }
    }

    /// The state with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Waiting, Self::Erasing].into_iter().find(|state| state.as_str() == code)
    }
}

/// What becomes of paid credit that is left when an account is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnusedCredit {
    /// It is paid back to where it came from.
    Refund,
    /// The person gives it up.
    Forfeit,
}

impl UnusedCredit {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::Refund, Self::Forfeit];

    /// The code in tables and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Forfeit => "forfeit",
        }
    }

    /// The choice with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == code)
    }
}

/// What [`DeletionStore::begin`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct BeginDeletion {
    /// Which.
    pub id: DeletionId,
    /// By which a restored database knows the account again.
    pub tombstone: Tombstone,
    /// Paid credit that is left.
    pub paid_left: Money,
    /// When.
    pub now: Timestamp,
}

/// A deletion that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The deletion.
    pub deletion: Deletion,
    /// By which a restored database knows the account again.
    pub tombstone: Tombstone,
    /// Paid credit that was left.
    pub paid_left: Money,
    /// The card company's name for the person.
    pub payer: Option<ExternalId>,
}

/// How many rows of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedRows {
    /// Which table.
    pub table: String,
    /// How many: deleted, or without a name from now on.
    pub rows: u64,
}

/// What one call of [`DeletionStore::erase`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasedPart {
    /// The table has more.
    Some,
    /// Nothing in the table leads to the account.
    All,
}

/// What proves a deletion, without saying whose it was.
///
/// # Wire shape
/// [`digest`](Self::digest) is SHA-256 of [`text`](Self::text).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureReceipt {
    /// Its number, which the person has by mail.
    pub id: DeletionId,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it was done.
    pub erased_at: Timestamp,
    /// Rows by table.
    pub tables: Vec<ErasedRows>,
    /// What the person wants to become of paid credit.
    pub unused_credit: UnusedCredit,
    /// Paid credit that was left, in nano-USD.
    pub paid_left: Money,
    /// The card company's name for the person, who is to be deleted there too.
    pub payer: Option<String>,
}

impl ErasureReceipt {
    /// The receipt as it is kept: JSON with the members in this order.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// SHA-256 of the text, in hexadecimal.
    pub fn digest(&self) -> String {
        Sha256::digest(self.text()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Failure of a [`DeletionStore`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeletionError {
    /// The store cannot be reached or failed.
    #[error("the store of deletions is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
    /// A request of the account runs that will be charged.
    #[error("a request of the account still runs")]
    Busy,
    /// There is no such table to erase.
    #[error("the table {table} is not one that is erased")]
    UnknownTable {
        /// Which.
        table: &'static str,
    },
}

impl Classify for DeletionError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Unavailable,
            Self::Busy => ErrorClass::Conflict,
            Self::UnknownTable { .. } => ErrorClass::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Unavailable { .. } | Self::Busy => Retry::Safe,
            Self::UnknownTable { .. } => Retry::Never,
        }
    }
}
