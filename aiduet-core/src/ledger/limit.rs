//! The monthly limit of an account. A limit stops, an alert never does.

use std::fmt;

use async_trait::async_trait;

use super::LedgerError;
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::money::Money;

/// What an account has spent in a calendar month (UTC), with all of its keys, and may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthSpend {
    /// The most that it may spend; `None`: as much as it has.
    pub limit: Option<Money>,
    /// What was charged, less what was given back.
    pub spent: Money,
    /// Set aside by running requests; counts against the limit.
    pub held: Money,
    /// When the month ends; `None` at the end of time.
    pub resets_at: Option<Timestamp>,
}

impl MonthSpend {
    /// What may be set aside; `None` without a limit.
    pub fn left(&self) -> Option<Money> {
        let taken = self.spent.nanos().saturating_add(self.held.nanos());
        Some(Money::from_nanos(self.limit?.nanos().saturating_sub(taken).max(0)))
    }
}

/// Another monthly limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitChange {
    /// Whose.
    pub account: AccountId,
    /// The limit that it takes the place of.
    pub was: Option<Money>,
    /// The most that may be spent in a month; not negative. `None`: no limit.
    pub limit: Option<Money>,
}

/// The monthly limits of accounts, which [`Ledger::reserve`](super::Ledger::reserve) obeys.
///
/// # Contract
/// - Each method is one atomic, durable operation.
/// - A limit counts from the next reserve on, extensions of running requests included; what is held
///   already is settled all the same.
/// - What was spent is counted with and without a limit, so a new one counts the month from its first day.
#[async_trait]
pub trait AccountLimits: fmt::Debug + Send + Sync + 'static {
    /// Changes the limit of an account, if it still is what the caller takes it for. Whoever may lower it
    /// but not raise it knows so for certain which of the two it is.
    ///
    /// # Errors
    /// [`LedgerError::Conflict`] when the limit is another one by now, [`LedgerError::InvalidAmount`],
    /// [`LedgerError::Unavailable`].
    async fn change(&self, change: LimitChange) -> Result<(), LedgerError>;

    /// What an account has spent in the month of a moment, and may spend.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn month_spend(&self, account: AccountId, at: Timestamp) -> Result<MonthSpend, LedgerError>;
}
