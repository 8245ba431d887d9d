//! Why the ledger refuses.

use std::time::Duration;

use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::clock::Timestamp;
use crate::money::{Money, MoneyOverflow};

/// A calendar period of a spend limit, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendPeriod {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// For ever.
    Total,
}

/// What does not cover a reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// The balance of the account.
    Balance {
        /// What could be set aside now.
        available: Money,
        /// What other requests hold at the moment.
        held: Money,
    },
    /// The account is negative; nothing may be reserved until it is repaid.
    Negative,
    /// A spend limit of the key.
    KeyLimit {
        /// Which.
        period: SpendPeriod,
        /// What is left of it.
        left: Money,
        /// What other requests of the key hold at the moment.
        held: Money,
        /// When the period ends; `None` for the total.
        resets_at: Option<Timestamp>,
    },
    /// The monthly limit of the account.
    AccountLimit {
        /// What is left of it.
        left: Money,
        /// What other requests of the account hold at the moment.
        held: Money,
        /// When the month ends.
        resets_at: Option<Timestamp>,
    },
}

impl Shortage {
    /// What could still be set aside; `None` below zero.
    pub const fn left(&self) -> Option<Money> {
        match self {
            Self::Balance { available, .. } => Some(*available),
            Self::KeyLimit { left, .. } | Self::AccountLimit { left, .. } => Some(*left),
            Self::Negative => None,
        }
    }
}

/// Failure of a [`Ledger`](super::Ledger).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Funds or a spend limit do not cover it.
    #[error("insufficient funds")]
    Insufficient(Shortage),
    /// The account may not reserve.
    #[error("the account is frozen")]
    Frozen,
    /// The identifier was used for something else, or the hold is resolved in another way.
    #[error("the identifier is in use for a different operation")]
    Conflict,
    /// An amount is negative or does not fit.
    #[error("invalid amount")]
    InvalidAmount,
    /// More would be reversed of a transfer than there is; nothing was done.
    #[error("more would be reversed of a transfer than there is")]
    Overreversed,
    /// The queue in front of the database is full; nothing was done.
    #[error("the ledger is overloaded")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The database failed; the outcome may be unknown, a repeat with the same identifier is safe.
    #[error("the ledger is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
    /// The books contradict themselves; the operation was not done.
    #[error("ledger invariant {0} does not hold")]
    Broken(&'static str),
}

impl From<MoneyOverflow> for LedgerError {
    fn from(_overflow: MoneyOverflow) -> Self {
        Self::InvalidAmount
    }
}

impl Classify for LedgerError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Insufficient(_) => ErrorClass::InsufficientFunds,
            Self::Frozen => ErrorClass::Forbidden,
            Self::Conflict | Self::Overreversed => ErrorClass::Conflict,
            Self::InvalidAmount => ErrorClass::Invalid,
            Self::Overloaded { .. } | Self::Unavailable { .. } => ErrorClass::Unavailable,
            Self::Broken(_) => ErrorClass::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Insufficient(_)
            | Self::Frozen
            | Self::Conflict
            | Self::InvalidAmount
            | Self::Overreversed
            | Self::Broken(_) => Retry::Never,
            Self::Overloaded { retry_after } => Retry::After(*retry_after),
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
