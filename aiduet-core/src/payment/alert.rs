//! Telling people that their balance is low. A limit stops, an alert never does.

use std::fmt;

use async_trait::async_trait;

use super::AlertError;
use crate::id::AccountId;
use crate::ledger::Balance;
use crate::money::Money;

/// A wish to be told when the available balance falls below an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowBalanceAlert {
    /// Whose balance.
    pub account: AccountId,
    /// Below which amount; above zero.
    pub threshold: Money,
    /// How the person is told.
    pub channel: AlertChannel,
    /// Whether the person was told.
    pub state: AlertState,
    /// How often the alert was made ready: the name of the fall that comes next.
    pub round: u32,
}

/// How a person is told of a low balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertChannel {
    /// By mail, and in the dashboard.
    Mail,
    /// In the dashboard alone.
    Screen,
    /// Not at all; the rest of the alert is kept, so that its next fall has another name.
    Off,
}

impl AlertChannel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Mail, Self::Screen, Self::Off];

    /// The code in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Screen => "screen",
            Self::Off => "off",
        }
    }

    /// The channel with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == code)
    }
}

/// Whether a person was told of a low balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// Not yet.
    Ready,
    /// Yes, and not again before credit was added.
    Told {
        /// Everything that had been credited by then.
        credited: Money,
    },
}

impl LowBalanceAlert {
    /// The first alert of an account.
    pub const fn new(account: AccountId, wish: AlertWish) -> Self {
        let AlertWish { threshold, channel } = wish;
        Self { account, threshold, channel, state: AlertState::Ready, round: 1 }
    }

    /// The state that follows from a balance; `None`: the present one stays.
    ///
    /// Funds that a request sets aside and gives back move the available balance too, so an alert is
    /// made ready by credit alone. Credit that is taken back lowers the mark, or the next top-up
    /// would seem to be none.
    pub fn next(&self, balance: &Balance) -> Option<AlertState> {
        let Balance { available, credited, .. } = *balance;
        if self.channel == AlertChannel::Off {
            return None;
        }
        match self.state {
            AlertState::Ready if available < self.threshold => Some(AlertState::Told { credited }),
            AlertState::Told { credited: mark } if credited < mark => Some(AlertState::Told { credited }),
            AlertState::Told { credited: mark } if credited > mark && available >= self.threshold => {
                Some(AlertState::Ready)
            }
            AlertState::Ready | AlertState::Told { .. } => None,
        }
    }

    /// What the next fall of the balance is called: the cause of one letter.
    pub fn fall(&self) -> String {
        format!("{}:{}", self.account, self.round)
    }

    /// The alert after a change of state; one that is ready again waits for another fall.
    #[must_use]
    pub fn with(&self, state: AlertState) -> Self {
        let round = if state == AlertState::Ready { self.round.saturating_add(1) } else { self.round };
        Self { state, round, ..self.clone() }
    }

    /// The alert after its owner changed it: another threshold is another alert.
    #[must_use]
    pub fn changed(&self, wish: AlertWish) -> Self {
        let AlertWish { threshold, channel } = wish;
        let same = Self { threshold, channel, ..self.clone() };
        if threshold == self.threshold { same } else { same.with(AlertState::Ready) }
    }
}

/// What a person chooses about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertWish {
    /// Below which amount; above zero.
    pub threshold: Money,
    /// How the person is told.
    pub channel: AlertChannel,
}

/// Keeps alerts, beside the ledger whose balances they watch.
///
/// # Contract
/// - Each method is one atomic operation.
/// - [`due`](Self::due) finds the alerts for which [`LowBalanceAlert::next`] says something; what it
///   finds may have changed by the time it is acted on, so [`advance`](Self::advance) changes only an
///   alert that still is as it was.
#[async_trait]
pub trait AlertStore: fmt::Debug + Send + Sync + 'static {
    /// The alert of an account.
    ///
    /// # Errors
    /// [`AlertError::Unavailable`].
    async fn find(&self, account: AccountId) -> Result<Option<LowBalanceAlert>, AlertError>;

    /// Makes or changes the alert of an account as [`LowBalanceAlert::changed`] says, and returns it.
    ///
    /// # Errors
    /// [`AlertError::Unavailable`].
    async fn set(&self, account: AccountId, wish: AlertWish) -> Result<LowBalanceAlert, AlertError>;

    /// At most `limit` alerts whose state does not fit the balance.
    ///
    /// # Errors
    /// [`AlertError::Unavailable`].
    async fn due(&self, limit: u32) -> Result<Vec<LowBalanceAlert>, AlertError>;

    /// Changes the state of an alert that still is as it `was`; `false` when it is not.
    ///
    /// # Errors
    /// [`AlertError::Unavailable`].
    async fn advance(&self, was: &LowBalanceAlert, state: AlertState) -> Result<bool, AlertError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(state: AlertState) -> LowBalanceAlert {
        let account = AccountId::from_uuid(uuid::Uuid::nil());
        let threshold = Money::from_nanos(500);
        LowBalanceAlert { account, threshold, channel: AlertChannel::Mail, state, round: 3 }
    }

    fn balance((available, credited): (i64, i64)) -> Balance {
        let (available, credited) = (Money::from_nanos(available), Money::from_nanos(credited));
        Balance { available, credited, ..Balance::default() }
    }

    #[test]
    fn one_fall_is_told_once_and_credit_alone_makes_ready() {
        let told = |credited| AlertState::Told { credited: Money::from_nanos(credited) };
        for (state, seen, next) in [
            (AlertState::Ready, (500, 900), None),
            (AlertState::Ready, (499, 900), Some(told(900))),
            (AlertState::Ready, (-1, 0), Some(told(0))),
            // Funds that were set aside come back.
            (told(900), (800, 900), None),
            // A top-up that is not enough.
            (told(900), (499, 1_000), None),
            (told(900), (500, 1_000), Some(AlertState::Ready)),
            // A refund, and a top-up of less.
            (told(900), (100, 600), Some(told(600))),
            (told(600), (500, 800), Some(AlertState::Ready)),
        ] {
            assert_eq!(alert(state).next(&balance(seen)), next, "{state:?} {seen:?}");
        }
    }

    #[test]
    fn another_threshold_is_another_alert_and_another_channel_is_not() {
        let told = alert(AlertState::Told { credited: Money::ZERO });
        let wish = AlertWish { threshold: told.threshold, channel: AlertChannel::Screen };
        assert_eq!(told.changed(wish), LowBalanceAlert { channel: AlertChannel::Screen, ..told.clone() });
        let wish = AlertWish { threshold: Money::from_nanos(600), channel: AlertChannel::Mail };
        let changed = told.changed(wish);
        assert_eq!((changed.state, changed.round), (AlertState::Ready, 4));
    }
}
