//! Prepaid money: holds, settlements, postings, and the record of each request.
//!
//! Double entry, two phases: a reserve makes pending transfers, a settle posts them. The rules
//! are those of `docs/ledger.md`.

mod balance;
mod bills;
pub mod books;
mod entry;
mod error;
mod grants;
mod hold;
mod journal;
mod limit;
mod period;
mod record;
mod retention;
mod statement;
mod usage;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use balance::{Balance, KeySpend};
pub use bills::{BillPage, BillReader, DatedBill};
pub use entry::{Entry, EntryKind, ExternalId, InvalidExternalId, LedgerAccount, LotTerms, Promotion};
pub use error::{LedgerError, Shortage, SpendPeriod};
pub use grants::{GrantLeft, Grants, LapseGrants, Lapsed};
pub use hold::{Hold, HoldOrigin, ReserveRequest, SettleRequest, Settlement, SettlementState, VoidRequest};
pub use journal::Journal;
pub use limit::{AccountLimits, LimitChange, MonthSpend};
pub use record::{Attempt, AttemptResult, Outcome, RequestRecord, Routing, StatusClass, UpstreamName};
pub use retention::{PurgedUsage, UsageRetention};
#[cfg(any(feature = "http", feature = "memory"))]
pub(crate) use statement::start_of_day;
pub use statement::{
    DayUsage, InvalidPosition, Statement, StatementLine, StatementParts, StatementPosition, StatementPosting,
    StatementRequest, StatementSubject, Statements,
};
pub use usage::{
    GroupBy, ListLog, LogPage, SumUsage, Totals, UsageFilter, UsageGroup, UsageReader, UsageStep,
};

use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, HoldId, NodeId, RequestId};
use crate::money::Money;

/// The append-only truth about money.
///
/// # Contract
/// - Each method is one atomic, durable operation: when it returns `Ok`, a crash cannot undo it.
/// - The caller chooses identifiers. The same identifier with the same content returns the same
///   result again without effect; with other content it is [`LedgerError::Conflict`].
/// - A refused reserve leaves no trace, so its identifier may be used again.
/// - Posted plus held debits of an account never exceed its credits, whatever runs at the same
///   time; neither does a key exceed a spend limit that a reserve names, nor an account its
///   monthly limit (see [`AccountLimits`]).
/// - A hold is resolved at most once: settled, voided or expired. A settle that comes after the
///   expiry is booked as late usage; its outcome is [`SettlementState::Late`].
/// - Settlement, request record, key spending and rollup are written in one transaction.
///
/// # Cancellation
/// A dropped future leaves the operation done or not done; repeat it with the same identifier.
#[async_trait]
pub trait Ledger: fmt::Debug + Send + Sync + 'static {
    /// Sets funds aside: promotional credit first, then paid credit.
    ///
    /// # Errors
    /// [`LedgerError::Insufficient`] when the balance or a spend limit does not cover it,
    /// [`LedgerError::Frozen`], [`LedgerError::Conflict`], [`LedgerError::Overloaded`],
    /// [`LedgerError::Unavailable`].
    async fn reserve(&self, request: ReserveRequest) -> Result<Hold, LedgerError>;

    /// Takes the charge from the holds of a request, releases the rest, and writes the record.
    /// What the holds do not cover is taken from the account all the same and may make it negative.
    ///
    /// # Errors
    /// [`LedgerError::Conflict`], [`LedgerError::Unavailable`]. Never refused for lack of funds.
    async fn settle(&self, request: SettleRequest) -> Result<Settlement, LedgerError>;

    /// Releases the holds of a request without a charge, and writes the record if there is one.
    ///
    /// # Errors
    /// [`LedgerError::Conflict`] when a hold was settled, [`LedgerError::Unavailable`].
    async fn void(&self, request: VoidRequest) -> Result<Settlement, LedgerError>;

    /// Notes what a running request has used so far: the amount that is charged if its process
    /// dies. Never lowers it; unknown and resolved holds are ignored.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn progress(&self, hold: HoldId, used: Money) -> Result<(), LedgerError>;

    /// Writes postings that are not usage (top-ups, grants, refunds, corrections), all or none.
    ///
    /// # Errors
    /// [`LedgerError::Insufficient`] when an unforced debit is not covered,
    /// [`LedgerError::Conflict`] for a used identifier or external identifier,
    /// [`LedgerError::Overreversed`] when all reversals of a posting together would exceed it.
    async fn post(&self, entries: Vec<Entry>) -> Result<(), LedgerError>;

    /// The balance of an account; zero for one that never had a posting.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn balance(&self, account: AccountId) -> Result<Balance, LedgerError>;

    /// Stops or allows new reserves of an account.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn set_reserving(&self, account: AccountId, reserving: Reserving) -> Result<(), LedgerError>;
}

/// Whether an account may reserve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserving {
    /// Yes.
    #[default]
    Allowed,
    /// No; running requests still settle.
    Frozen,
}

/// Who owns which holds, and what happens to the holds of the dead.
///
/// # Contract
/// A node is alive while it beats. The holds of a node that is retired, was never seen, or has
/// not beaten for `dead_after` belong to whoever sweeps first.
#[async_trait]
pub trait Custody: fmt::Debug + Send + Sync + 'static {
    /// Says that a node is alive.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn beat(&self, node: NodeId) -> Result<(), LedgerError>;

    /// Says that a node has ended; its remaining holds may be swept at once.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn retire(&self, node: NodeId) -> Result<(), LedgerError>;

    /// Resolves at most `limit` holds of dead nodes: posts what was noted as used
    /// ([`Outcome::Recovered`]), else releases ([`Outcome::Lost`]), and writes their records.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn sweep(&self, request: SweepRequest) -> Result<Swept, LedgerError>;
}

/// What [`Custody::sweep`] looks for.
#[derive(Clone, Copy, Debug)]
pub struct SweepRequest {
    /// A node that has not beaten for so long is dead.
    pub dead_after: Duration,
    /// At most so many requests.
    pub limit: u32,
}

/// What [`Custody::sweep`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Requests charged with what was noted.
    pub recovered: u32,
    /// Requests released without a charge.
    pub lost: u32,
}

/// Proves that the books are right.
#[async_trait]
pub trait Audit: fmt::Debug + Send + Sync + 'static {
    /// Checks the invariants I01 to I20 of `docs/ledger.md` on a consistent view.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn verify(&self) -> Result<Vec<Violation>, LedgerError>;
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// For example `I04`.
    pub invariant: &'static str,
    /// What it says.
    pub statement: &'static str,
    /// The identifiers of the rows that break it; at most 20.
    pub rows: Vec<String>,
}

/// Reads the records of requests and the spending of keys.
#[async_trait]
pub trait RequestLog: fmt::Debug + Send + Sync + 'static {
    /// The record of one request of an account.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn find(&self, account: AccountId, id: RequestId) -> Result<Option<RequestRecord>, LedgerError>;

    /// At most `limit` records of an account, newest first, older than `before` when given.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn list(&self, request: ListRequests) -> Result<Vec<RequestRecord>, LedgerError>;

    /// What a key has spent and holds, in the calendar periods that `at` falls into.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn key_spend(&self, key: ApiKeyId, at: Timestamp) -> Result<KeySpend, LedgerError>;
}

/// Which records [`RequestLog::list`] returns.
#[derive(Clone, Copy, Debug)]
pub struct ListRequests {
    /// Whose.
    pub account: AccountId,
    /// Only those of this key.
    pub key: Option<ApiKeyId>,
    /// Only those with a smaller identifier (identifiers are ordered by time).
    pub before: Option<RequestId>,
    /// At most so many.
    pub limit: u32,
}
