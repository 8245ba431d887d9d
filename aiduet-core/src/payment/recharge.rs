//! Buying credit while the person is absent: what was agreed to, and the one charge at a time that
//! follows from it. Pure; where it is kept is [`RechargeStore`](super::RechargeStore).

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId};
use crate::ledger::{ExternalId, SpendPeriod};
use crate::money::Money;

/// How long to wait after the first, second and third refusal in a row; the fourth one ends it.
const PAUSES: [Duration; 3] = [Duration::from_hours(1), Duration::from_hours(6), Duration::from_hours(24)];

/// What a person agreed to: when the available balance is below the threshold, the card is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RechargePlan {
    /// Below which available balance.
    pub threshold: Money,
    /// How much is bought, or as many times as much as leads above the threshold; whole cents.
    pub amount: Money,
    /// The most that is bought in a calendar month (UTC).
    pub monthly_max: Money,
}

/// The automatic purchases of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recharge {
    /// Whose.
    pub account: AccountId,
    /// What the person agreed to.
    pub plan: RechargePlan,
    /// The card company's name for the card.
    pub card: ExternalId,
    /// When the person agreed.
    pub agreed_at: Timestamp,
    /// Whether it is on.
    pub switch: RechargeSwitch,
    /// What is under way.
    pub state: RechargeState,
    /// When there is something to do, or may be again.
    pub due_at: Timestamp,
    /// What was bought in the calendar month that `month` begins.
    pub bought: Money,
    /// The first moment of that month (UTC).
    pub month: Timestamp,
    /// Refusals in a row.
    pub failures: u32,
}

/// Whether automatic purchases are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RechargeSwitch {
    /// Yes.
    On,
    /// No, by the person's wish.
    Off,
    /// No: the card was refused for good, or too often, or is not kept any more.
    Stopped,
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RechargeState {
    /// Nothing.
    Idle,
    /// A charge whose end is not known yet.
    Charging(Charge),
    /// A charge that the person has to confirm with the bank.
    NeedsConfirmation(Charge),
}

/// One charge of a card; the purchase that it pays has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The purchase.
    pub top_up: TopUpId,
    /// How much, a whole number of cents.
    pub amount: Money,
    /// When it was begun.
    pub begun_at: Timestamp,
}

/// A change of the automatic purchases of an account.
#[derive(Clone, Debug)]
pub enum RechargeChange {
    /// The person agrees to a plan. A charge that is under way goes on.
    SwitchOn {
        /// To what.
        plan: RechargePlan,
        /// Which card is charged.
        card: ExternalId,
        /// When.
        at: Timestamp,
    },
    /// The person wants no more.
    SwitchOff,
    /// A card is not kept any more; what is on and charges it ends as by the person's wish.
    CardGone {
        /// Which.
        card: ExternalId,
    },
    /// A charge begins, if none is under way, it is due, and the month has room for it.
    Begin {
        /// Which.
        charge: Charge,
        /// When to look after it if nothing was heard.
        look_at: Timestamp,
    },
    /// What became of a charge that is under way.
    Conclude {
        /// Which.
        top_up: TopUpId,
        /// What.
        outcome: ChargeOutcome,
    },
    /// Nothing is begun before then.
    Postpone {
        /// When.
        until: Timestamp,
    },
}

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// It was paid and credited.
    Paid,
    /// It was not made: the balance is no longer low.
    NotNeeded,
    /// The card was refused.
    Refused {
        /// Whether the same card may be tried again.
        repeat: Repeat,
        /// When.
        at: Timestamp,
    },
    /// The person has to confirm it.
    NeedsConfirmation {
        /// When to look after it.
        look_at: Timestamp,
    },
    /// Nothing is known yet.
    Unknown {
        /// When to look after it.
        look_at: Timestamp,
    },
}

/// Whether a card that was refused may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Later.
    Later,
    /// Never.
    Never,
}

impl RechargeState {
    /// The charge that is under way.
    pub const fn charge(&self) -> Option<&Charge> {
        match self {
            Self::Idle => None,
            Self::Charging(charge) | Self::NeedsConfirmation(charge) => Some(charge),
        }
    }
}

impl Recharge {
    /// What was bought in the month of a moment.
    pub fn bought_in_month_of(&self, at: Timestamp) -> Money {
        if SpendPeriod::Month.start(at) == self.month { self.bought } else { Money::ZERO }
    }

    /// How much to buy to lead a balance above the threshold: as many times the amount as it takes, as
    /// far as the month has room and one purchase may go. `None` when nothing may be bought.
    pub fn size(&self, available: Money, (at, most): (Timestamp, Money)) -> Option<Money> {
        let RechargePlan { threshold, amount, monthly_max } = self.plan;
        let gap = threshold.checked_sub(available).ok().filter(|gap| *gap > Money::ZERO)?;
        let room = monthly_max.checked_sub(self.bought_in_month_of(at)).ok()?.min(most);
        let times = |sum: Money| sum.nanos().checked_div(amount.nanos());
        let needed = gap.nanos().checked_add(amount.nanos())?.checked_sub(1)?.checked_div(amount.nanos())?;
        let count = needed.min(times(room)?);
        if count < 1 { None } else { Some(Money::from_nanos(amount.nanos().checked_mul(count)?)) }
    }

    /// What a change makes of it; `None`: it may not be made.
    pub fn after(&self, change: &RechargeChange) -> Option<Self> {
        match change {
            RechargeChange::SwitchOn { plan, card, at } => {
                let due_at = if self.state == RechargeState::Idle { *at } else { self.due_at };
                let (plan, card, agreed_at) = (*plan, card.clone(), *at);
                let switch = RechargeSwitch::On;
                Some(Self { plan, card, agreed_at, switch, due_at, failures: 0, ..self.clone() })
            }
            RechargeChange::SwitchOff => Some(self.switched_off()),
            RechargeChange::CardGone { card } => {
                let is_charged = self.switch == RechargeSwitch::On && self.card == *card;
                is_charged.then(|| Self { switch: RechargeSwitch::Stopped, ..self.switched_off() })
            }
            RechargeChange::Begin { charge, look_at } => self.begun(*charge, *look_at),
            RechargeChange::Conclude { top_up, outcome } => {
                let charge = self.state.charge().filter(|charge| charge.top_up == *top_up)?;
                Some(self.concluded(*charge, *outcome))
            }
            RechargeChange::Postpone { until } => {
                let is_idle = self.state == RechargeState::Idle;
                is_idle.then(|| Self { due_at: *until, ..self.clone() })
            }
        }
    }

    /// Its first state, when a person agrees for the first time.
    pub fn first(account: AccountId, change: &RechargeChange) -> Option<Self> {
        let RechargeChange::SwitchOn { plan, card, at } = change else { return None };
        Some(Self {
            account,
            plan: *plan,
            card: card.clone(),
            agreed_at: *at,
            switch: RechargeSwitch::On,
            state: RechargeState::Idle,
            due_at: *at,
            bought: Money::ZERO,
            month: SpendPeriod::Month.start(*at),
            failures: 0,
        })
    }

    /// A charge that is being made is followed to its end; a page that waits for the person stays a
    /// page, and is credited if it is paid.
    fn switched_off(&self) -> Self {
        let state = match self.state {
            RechargeState::NeedsConfirmation(_) => RechargeState::Idle,
            state @ (RechargeState::Idle | RechargeState::Charging(_)) => state,
        };
        Self { switch: RechargeSwitch::Off, state, ..self.clone() }
    }

    fn begun(&self, charge: Charge, look_at: Timestamp) -> Option<Self> {
        let at = charge.begun_at;
        let is_due = self.state == RechargeState::Idle && self.due_at <= at;
        let bought = self.bought_in_month_of(at).checked_add(charge.amount).ok()?;
        if self.switch != RechargeSwitch::On || !is_due || bought > self.plan.monthly_max {
            return None;
        }
        let (state, month) = (RechargeState::Charging(charge), SpendPeriod::Month.start(at));
        Some(Self { state, due_at: look_at, bought, month, ..self.clone() })
    }

    fn concluded(&self, charge: Charge, outcome: ChargeOutcome) -> Self {
        // No other charge began in the meantime, so the month is still that of this one.
        let given_back = self.bought.checked_sub(charge.amount).unwrap_or(Money::ZERO).max(Money::ZERO);
        let idle = Self { state: RechargeState::Idle, due_at: charge.begun_at, ..self.clone() };
        match outcome {
            ChargeOutcome::Paid => Self { failures: 0, ..idle },
            ChargeOutcome::NotNeeded => Self { bought: given_back, ..idle },
            ChargeOutcome::Refused { repeat, at } => {
                let pause = usize::try_from(self.failures).ok().and_then(|count| PAUSES.get(count));
                let failures = self.failures.saturating_add(1);
                let refused = Self { failures, bought: given_back, ..idle };
                match (repeat, pause) {
                    (Repeat::Later, Some(pause)) => Self { due_at: at.plus(*pause), ..refused },
                    (Repeat::Later, None) | (Repeat::Never, _) => {
                        Self { switch: RechargeSwitch::Stopped, ..refused }
                    }
                }
            }
            ChargeOutcome::NeedsConfirmation { look_at } => {
                Self { state: RechargeState::NeedsConfirmation(charge), due_at: look_at, ..self.clone() }
            }
            ChargeOutcome::Unknown { look_at } => Self { due_at: look_at, ..self.clone() },
        }
    }
}

#[cfg(test)]
mod tests;
