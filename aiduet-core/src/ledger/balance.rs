//! What an account has and what a key has spent.

use serde::Serialize;

use super::Reserving;
use crate::money::Money;

/// The balance of an account over paid and promotional credit.
///
/// `posted = credited - used`; `available = posted - held`, which may be negative after a
/// forced posting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// Credits less refunds, disputes and expiries.
    pub credited: Money,
    /// Usage that was charged.
    pub used: Money,
    /// What is on the account.
    pub posted: Money,
    /// What running requests have set aside.
    pub held: Money,
    /// What a new request may set aside.
    pub available: Money,
    /// The refundable part of `posted`.
    pub paid: Money,
    /// The part of `posted` that was granted.
    pub promotional: Money,
    /// Whether a new request may set anything aside at all.
    pub reserving: Reserving,
}

/// What a key has spent in the current calendar periods (UTC) and holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeySpend {
    /// Today.
    pub day: Money,
    /// This week, from Monday.
    pub week: Money,
    /// This month.
    pub month: Money,
    /// Ever.
    pub total: Money,
    /// Set aside by running requests; counts against every limit.
    pub held: Money,
}
