//! Telling people how much they spend. A limit stops, an alert never does.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::{AlertChannel, AlertError};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::{LedgerError, SpendPeriod, SumUsage, UsageFilter, UsageReader};
use crate::money::Money;
use crate::notify::SpendSpan;

const DAY: Duration = Duration::from_hours(24);
/// Days that no month has more of.
const MONTH_DAYS: u32 = 31;

impl SpendSpan {
    /// The calendar period that is watched (UTC).
    pub const fn period(self) -> SpendPeriod {
        match self {
            Self::Day => SpendPeriod::Day,
            Self::Month => SpendPeriod::Month,
        }
    }

    /// At how many per cent of the amount a person is told, in order.
    pub const fn steps(self) -> &'static [u8] {
        match self {
            Self::Day => &[100],
            Self::Month => &[50, 75, 90, 100],
        }
    }
}

/// A wish to be told when so much was spent in a day, or parts of so much in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendAlert {
    /// Whose spending.
    pub account: AccountId,
    /// In what.
    pub span: SpendSpan,
    /// How much; above zero.
    pub amount: Money,
    /// How the person is told.
    pub channel: AlertChannel,
    /// What the person was told last, or the period in which the amount was chosen.
    pub told: Option<ToldStep>,
    /// How often the amount was changed: another amount is another alert.
    pub round: u32,
}

/// A step that a person was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldStep {
    /// The first moment of the period.
    pub period: Timestamp,
    /// How many per cent; zero: nothing yet.
    pub step: u8,
}

impl ToldStep {
    /// Nothing yet of the period of a moment, and nothing of those before it.
    fn nothing_in(span: SpendSpan, at: Timestamp) -> Self {
        Self { period: span.period().start(at), step: 0 }
    }
}

/// What a person chooses about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendAlertWish {
    /// In what.
    pub span: SpendSpan,
    /// How much; above zero.
    pub amount: Money,
    /// How the person is told.
    pub channel: AlertChannel,
    /// When: periods that were over by then are not told of.
    pub at: Timestamp,
}

impl SpendAlert {
    /// The first alert of a span of an account.
    pub fn new(account: AccountId, wish: SpendAlertWish) -> Self {
        let SpendAlertWish { span, amount, channel, at } = wish;
        Self { account, span, amount, channel, told: Some(ToldStep::nothing_in(span, at)), round: 1 }
    }

    /// The highest step that was reached with so much.
    pub fn reached(&self, spent: Money) -> Option<u8> {
        let spent = i128::from(spent.nanos()).saturating_mul(100);
        let amount = i128::from(self.amount.nanos());
        let is_reached = |step: &&u8| spent >= amount.saturating_mul(i128::from(**step));
        self.span.steps().iter().rev().find(is_reached).copied()
    }

    /// What is to be told when so much was spent in the period of a moment: the highest step alone, once.
    pub fn next(&self, spent: Money, now: Timestamp) -> Option<ToldStep> {
        if self.channel == AlertChannel::Off {
            return None;
        }
        let period = self.span.period().start(now);
        // A later period was looked at already, or the amount was not chosen yet.
        if self.told.is_some_and(|told| told.period > period) {
            return None;
        }
        let told = self.told.filter(|told| told.period == period).map_or(0, |told| told.step);
        let step = self.reached(spent).filter(|step| *step > told)?;
        Some(ToldStep { period, step })
    }

    /// What a step is called: the cause of one letter.
    pub fn cause(&self, told: ToldStep) -> String {
        let Self { account, span, round, .. } = self;
        format!("{account}:{}:{round}:{}:{}", span.as_str(), told.period.millis(), told.step)
    }

    /// The alert after its owner changed it.
    #[must_use]
    pub fn changed(&self, wish: SpendAlertWish) -> Self {
        let SpendAlertWish { span, amount, channel, at } = wish;
        let same = Self { amount, channel, ..self.clone() };
        if amount == self.amount {
            same
        } else {
            let told = Some(ToldStep::nothing_in(span, at));
            Self { told, round: self.round.saturating_add(1), ..same }
        }
    }
}

/// What an account has spent in the period of a moment, so far or in all.
///
/// # Errors
/// [`LedgerError::Unavailable`].
pub async fn spent_in(
    usage: &dyn UsageReader,
    account: AccountId,
    (span, now): (SpendSpan, Timestamp),
) -> Result<Money, LedgerError> {
    let (from, filter) = (span.period().start(now), UsageFilter::default());
    let length = span.period().end(now).map_or(DAY, |end| end.since(from));
    let days = length.as_secs().checked_div(DAY.as_secs()).unwrap_or_default();
    let steps = u32::try_from(days).unwrap_or(MONTH_DAYS);
    let days = usage.sum(SumUsage { account, from, step: DAY, steps, group: None, filter }).await?;
    let nanos = days.iter().map(|day| day.totals.all.cost.nanos());
    Ok(Money::from_nanos(nanos.fold(0, i64::saturating_add)))
}

/// Keeps alerts about spending, beside the sums of usage that they watch.
///
/// # Contract
/// - Each method is one atomic operation.
/// - [`due`](Self::due) finds the alerts for which [`SpendAlert::next`] says something of the period of a
///   moment, which may be over. It may leave out accounts that have used nothing for a day before. What it finds may have changed by the time it is acted
///   on, so [`advance`](Self::advance) changes only an alert that still is as it was.
#[async_trait]
pub trait SpendAlertStore: fmt::Debug + Send + Sync + 'static {
    /// The alerts of an account, one of a span at most, also those that are off.
    ///
    /// # Errors
    /// [`AlertError::Unavailable`].
    async fn of_account(&self, account: AccountId) -> Result<Vec<SpendAlert>, AlertError>;

    /// Makes or changes an alert of an account as [`SpendAlert::changed`] says, and returns it.
    ///
    /// # Errors
    /// [`AlertError::Unavailable`].
    async fn set(&self, account: AccountId, wish: SpendAlertWish) -> Result<SpendAlert, AlertError>;

    /// At most `limit` alerts of which something is to be told.
    ///
    /// # Errors
    /// [`AlertError::Unavailable`].
    async fn due(&self, at: Timestamp, limit: u32) -> Result<Vec<SpendAlert>, AlertError>;

    /// Notes what was told of an alert that still is as it `was`; `false` when it is not.
    ///
    /// # Errors
    /// [`AlertError::Unavailable`].
    async fn advance(&self, was: &SpendAlert, told: ToldStep) -> Result<bool, AlertError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_608_000_000);

    fn alert(span: SpendSpan) -> SpendAlert {
        let account = AccountId::from_uuid(uuid::Uuid::nil());
        let (amount, channel) = (Money::from_nanos(1_000), AlertChannel::Mail);
        let wish = SpendAlertWish { span, amount, channel, at: NOON };
        SpendAlert::new(account, wish)
    }

    #[test]
    fn each_step_is_told_once_in_a_period_and_the_highest_alone() {
        let month = alert(SpendSpan::Month);
        let period = SpendPeriod::Month.start(NOON);
        let next = |told: Option<ToldStep>, spent| {
            let next = SpendAlert { told, ..month.clone() }.next(Money::from_nanos(spent), NOON);
            next.map(|told| (told.period == period, told.step))
        };
        let told = |step| Some(ToldStep { period, step });
        let later = Some(ToldStep { period: SpendPeriod::Month.end(NOON).unwrap(), step: 0 });
        let before = Some(ToldStep { period: SpendPeriod::Month.start(period.minus(DAY)), step: 100 });
        for (last, spent, expected) in [
            (None, 499, None),
            (None, 500, Some((true, 50))),
            (told(50), 749, None),
            (told(50), 750, Some((true, 75))),
            (None, 999, Some((true, 90))),
            (told(75), 1_000, Some((true, 100))),
            (told(100), 9_999, None),
            (before, 500, Some((true, 50))),
            (before, 0, None),
            (later, 9_999, None),
        ] {
            assert_eq!(next(last, spent), expected, "{last:?} {spent}");
        }
    }

    #[test]
    fn a_day_has_one_step() {
        let day = alert(SpendSpan::Day);
        assert_eq!(day.next(Money::from_nanos(999), NOON), None);
        let told = day.next(Money::from_nanos(1_000), NOON);
        assert_eq!(told, Some(ToldStep { period: SpendPeriod::Day.start(NOON), step: 100 }));
        let off = SpendAlert { channel: AlertChannel::Off, ..day };
        assert_eq!(off.next(Money::from_nanos(1_000), NOON), None);
    }

    #[test]
    fn another_amount_is_another_alert_and_another_channel_is_not() {
        let told = ToldStep { period: NOON, step: 50 };
        let alert = SpendAlert { told: Some(told), ..alert(SpendSpan::Month) };
        let wish = SpendAlertWish {
            span: alert.span,
            amount: alert.amount,
            channel: AlertChannel::Screen,
            at: NOON,
        };
        assert_eq!(alert.changed(wish), SpendAlert { channel: AlertChannel::Screen, ..alert.clone() });
        let changed = alert.changed(SpendAlertWish { amount: Money::from_nanos(2_000), ..wish });
        let nothing = ToldStep { period: SpendPeriod::Month.start(NOON), step: 0 };
        assert_eq!((changed.told, changed.round), (Some(nothing), 2));
        assert_ne!(changed.cause(told), alert.cause(told));
    }
}
