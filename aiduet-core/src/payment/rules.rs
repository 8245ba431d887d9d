//! How much may be bought how often.

use std::time::Duration;

use super::{CashierError, DECLINES_COUNT, TopUp, TopUpState};
use crate::clock::Timestamp;
use crate::money::{Money, Rounding};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// How much may be bought how often.
///
/// # Source
/// Thieves try stolen cards with many small payments; these bounds stop them before the card
/// company is asked.
#[derive(Clone, Copy, Debug)]
pub struct TopUpRules {
    /// The smallest purchase.
    pub amount_min: Money,
    /// The largest purchase.
    pub amount_max: Money,
    /// The most that an account may buy in its first day.
    pub newcomer_max: Money,
    /// Purchases that may be begun in an hour.
    pub hourly_max: usize,
    /// Purchases that may be begun in a day.
    pub daily_max: usize,
    /// Payments that may be refused in an hour.
    pub declines_max: usize,
    /// The tax on top of a purchase.
    pub tax: PurchaseTax,
}

/// The tax on top of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseTax {
    /// There is none.
    None,
    /// The card company finds it out on its page.
    OnPage,
}

impl Default for TopUpRules {
    /// 5 to 1,000 USD, 100 USD in the first day, five in an hour, ten in a day, three
    /// refusals in an hour.
    fn default() -> Self {
        Self {
            amount_min: Money::from_nanos(5_000_000_000),
            amount_max: Money::from_nanos(1_000_000_000_000),
            newcomer_max: Money::from_nanos(100_000_000_000),
            hourly_max: 5,
            daily_max: 10,
            declines_max: 3,
            tax: PurchaseTax::None,
        }
    }
}

/// A purchase that is about to begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin<'a> {
    pub(super) amount: Money,
    /// Since when there has been the account.
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
    /// The latest purchases of the account, newest first, at least as many as a day may have.
    pub(super) begun: &'a [TopUp],
}

impl TopUpRules {
    /// Whether a purchase may begin.
    pub(super) fn check(&self, begin: &Begin<'_>) -> Result<(), CashierError> {
        let Self { amount_min, amount_max, .. } = *self;
        let amount = begin.amount;
        let is_whole = amount.cents(Rounding::Down) == amount.cents(Rounding::Up);
        if !is_whole || amount < amount_min || amount > amount_max {
            return Err(CashierError::Amount { min: amount_min, max: amount_max });
        }
        self.check_newcomer(begin)?;
        self.check_pace(begin.begun, begin.now)
    }

    fn check_newcomer(&self, begin: &Begin<'_>) -> Result<(), CashierError> {
        if begin.now.since(begin.since) >= DAY {
            return Ok(());
        }
        let counts = begin.begun.iter().filter(|one| one.state != TopUpState::Closed);
        let sum = counts.fold(begin.amount.nanos(), |sum, one| sum.saturating_add(one.amount.nanos()));
        let max = self.newcomer_max;
        if Money::from_nanos(sum) > max { Err(CashierError::NewcomerMaximum { max }) } else { Ok(()) }
    }

    /// Whether another purchase may begin after payments that were refused at these moments, newest
    /// first.
    pub(super) fn check_declines(&self, declined: &[Timestamp], now: Timestamp) -> Result<(), CashierError> {
        match declined.get(self.declines_max.saturating_sub(1)) {
            Some(at) => {
                Err(CashierError::TooManyDeclines { retry_after: at.plus(DECLINES_COUNT).since(now) })
            }
            None => Ok(()),
        }
    }

    /// Whether another purchase may begin so soon; `begun` as in [`Begin`].
    pub(super) fn check_pace(&self, begun: &[TopUp], now: Timestamp) -> Result<(), CashierError> {
        let wait = |(period, most): (Duration, usize)| {
            let mut recent = begun.iter().filter(|one| now.since(one.created_at) < period);
            let oldest = recent.nth(most.saturating_sub(1))?;
            Some(oldest.created_at.plus(period).since(now))
        };
        let bounds = [(HOUR, self.hourly_max), (DAY, self.daily_max)];
        match bounds.into_iter().filter_map(wait).max() {
            Some(retry_after) => Err(CashierError::TooMany { retry_after }),
            None => Ok(()),
        }
    }
}
