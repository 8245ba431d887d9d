//! The rows that the rules work on: the columns of a database, the values of a map.

use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, HoldId, LotId, NodeId, RequestId, TransferId};
use crate::ledger::{
    Balance, EntryKind, ExternalId, HoldOrigin, KeySpend, LedgerAccount, LedgerError, MonthSpend,
    RequestRecord, ReserveRequest, Reserving, SpendPeriod,
};
use crate::money::Money;

/// Columns of one account of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountRow {
    /// Debits that are set aside.
    pub debit_pending: Money,
    /// Debits that are final.
    pub debit_posted: Money,
    /// Credits that are set aside.
    pub credit_pending: Money,
    /// Credits that are final.
    pub credit_posted: Money,
    /// By how much the debits of a limited account may exceed its credits, because a forced
    /// posting made them.
    pub allowed_negative: Money,
    /// The part of the debits that was usage, less what was given back of it.
    pub used: Money,
    /// Whether new reserves are refused; kept on the paid account of a person.
    pub frozen: bool,
    /// The part of `used` that falls into the latest calendar month with usage.
    pub month: Tally,
    /// The most that a person may spend in a calendar month; kept on the paid account.
    pub month_limit: Option<Money>,
}

impl AccountRow {
    /// Final credits less final debits.
    pub const fn posted(&self) -> Money {
        minus(self.credit_posted, self.debit_posted)
    }

    /// What may be debited without force.
    pub const fn available(&self) -> Money {
        minus(self.posted(), self.debit_pending)
    }

    /// Adds to what was used; a negative amount was given back.
    pub(super) fn add_usage(&mut self, amount: Money, at: Timestamp) -> Result<(), LedgerError> {
        self.used = self.used.checked_add(amount)?;
        self.month.add(SpendPeriod::Month.start(at), amount)
    }
}

/// The balance of a person over both of their accounts.
pub const fn balance(paid: &AccountRow, promo: &AccountRow) -> Balance {
    let posted = plus(paid.posted(), promo.posted());
    let used = plus(paid.used, promo.used);
    let held = plus(paid.debit_pending, promo.debit_pending);
    Balance {
        credited: plus(posted, used),
        used,
        posted,
        held,
        available: minus(posted, held),
        paid: paid.posted(),
        promotional: promo.posted(),
        reserving: if paid.frozen { Reserving::Frozen } else { Reserving::Allowed },
    }
}

/// What a person has spent in the month of a moment, and may spend, over both of their accounts.
pub fn month_spend(paid: &AccountRow, promo: &AccountRow, at: Timestamp) -> MonthSpend {
    let start = SpendPeriod::Month.start(at);
    MonthSpend {
        limit: paid.month_limit,
        spent: plus(paid.month.at(start), promo.month.at(start)),
        held: plus(paid.debit_pending, promo.debit_pending),
        resets_at: SpendPeriod::Month.end(at),
    }
}

pub(super) const fn plus(a: Money, b: Money) -> Money {
    Money::from_nanos(a.nanos().saturating_add(b.nanos()))
}

pub(super) const fn minus(a: Money, b: Money) -> Money {
    Money::from_nanos(a.nanos().saturating_sub(b.nanos()))
}

/// An amount over the two accounts of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Legs {
    /// From promotional credit.
    pub promo: Money,
    /// From paid credit.
    pub paid: Money,
}

impl Legs {
    /// Both together.
    pub const fn sum(&self) -> Money {
        plus(self.promo, self.paid)
    }

    /// The accounts and amounts that are not zero, promotional credit first.
    pub fn of(self, account: AccountId) -> impl Iterator<Item = (Leg, LedgerAccount, Money)> {
        [
            (Leg::Promo, LedgerAccount::Promo(account), self.promo),
            (Leg::Paid, LedgerAccount::Paid(account), self.paid),
        ]
        .into_iter()
        .filter(|(_leg, _account, amount)| *amount != Money::ZERO)
    }
}

/// Which of the two accounts of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// Promotional credit.
    Promo,
    /// Paid credit.
    Paid,
}

impl Leg {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Promo => "promo",
            Self::Paid => "paid",
        }
    }
}

/// An open hold: one or two pending transfers, see [`HoldRow::pending_id`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Its identifier.
    pub id: HoldId,
    /// The request it is for.
    pub request: RequestId,
    /// Who pays.
    pub account: AccountId,
    /// The key that spends.
    pub key: ApiKeyId,
    /// What is set aside.
    pub legs: Legs,
    /// What is charged if the owner dies; raised by progress.
    pub floor: Money,
    /// The process that will settle it.
    pub owner: NodeId,
    /// The shard of the revenue account that its transfers name.
    pub shard: u16,
    /// What the record of a request says whose process died.
    pub origin: HoldOrigin,
    /// When it was made.
    pub at: Timestamp,
}

impl HoldRow {
    /// Whether this hold is what a reserve asks for.
    pub fn is_for(&self, request: &ReserveRequest) -> bool {
        self.id == request.id
            && self.request == request.request
            && self.account == request.account
            && self.key == request.key
            && self.legs.sum() == request.amount
            && self.owner == request.owner
    }

    /// The pending transfer of a leg.
    pub fn pending_id(id: HoldId, leg: Leg) -> TransferId {
        TransferId::from_uuid(crate::id::derive(id.as_uuid(), leg.label()))
    }

    /// The transfer that resolves the pending transfer of a leg.
    pub fn resolver_id(id: HoldId, leg: Leg) -> TransferId {
        let label = match leg {
            Leg::Promo => "promo:end",
            Leg::Paid => "paid:end",
        };
        TransferId::from_uuid(crate::id::derive(id.as_uuid(), label))
    }
}

/// How a hold was resolved: the phase of its resolving transfers, the lowest if they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Settled, or charged by a sweep.
    Posted,
    /// Released by its owner.
    Voided,
    /// Released by a sweep.
    Expired,
}

/// What a transfer does, see `docs/ledger.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Final at once.
    Single,
    /// Sets aside.
    Pending,
    /// Makes a pending transfer final, in whole or in part; the rest is released.
    Post,
    /// Releases a pending transfer.
    Void,
    /// Releases a pending transfer whose owner died.
    Expire,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 5] = [Self::Single, Self::Pending, Self::Post, Self::Void, Self::Expire];

    /// The number in the database.
    pub const fn code(self) -> u8 {
        match self {
            Self::Single => 1,
            Self::Pending => 2,
            Self::Post => 3,
            Self::Void => 4,
            Self::Expire => 5,
        }
    }

    /// Whether the amount of such a transfer is final.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Single | Self::Post)
    }
}

/// One immutable line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its identifier.
    pub id: TransferId,
    /// What it does.
    pub phase: Phase,
    /// What it is for.
    pub kind: EntryKind,
    /// The account that is debited.
    pub debit: LedgerAccount,
    /// The account that is credited.
    pub credit: LedgerAccount,
    /// How much; zero where nothing of a pending transfer is taken.
    pub amount: Money,
    /// The pending transfer that it resolves.
    pub pending: Option<TransferId>,
    /// The transfer that it reverses.
    pub reverses: Option<TransferId>,
    /// The name of the cause outside the ledger.
    pub external: Option<ExternalId>,
    /// The request that it is for, if it is usage.
    pub request: Option<RequestId>,
    /// When.
    pub at: Timestamp,
}

/// A grant that is not used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Its identifier.
    pub id: LotId,
    /// Whose.
    pub account: AccountId,
    /// Lots with a smaller number are used first.
    pub priority: i32,
    /// When the rest lapses.
    pub expires_at: Option<Timestamp>,
    /// What is left; holds do not lower it, charges do.
    pub remaining: Money,
}

impl Lot {
    /// The order in which lots burn: priority, expiry (never comes last), identifier.
    pub fn burning_order(&self) -> impl Ord + use<> {
        (self.priority, self.expires_at.map_or(i64::MAX, Timestamp::millis), self.id)
    }
}

/// Takes an amount from lots in the order in which they burn.
///
/// # Errors
/// [`LedgerError::Broken`] if they hold less.
pub fn burn(lots: &mut [Lot], amount: Money) -> Result<(), LedgerError> {
    lots.sort_unstable_by_key(Lot::burning_order);
    let mut left = amount;
    for lot in lots {
        let taken = left.min(lot.remaining);
        lot.remaining = lot.remaining.checked_sub(taken)?;
        left = left.checked_sub(taken)?;
    }
    if left == Money::ZERO { Ok(()) } else { Err(LedgerError::Broken("I19")) }
}

/// What a key spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The latest day with spending.
    pub day: Tally,
    /// The latest week with spending.
    pub week: Tally,
    /// The latest month with spending.
    pub month: Tally,
    /// Ever.
    pub total: Money,
    /// Set aside by open holds.
    pub held: Money,
}

/// What was spent in one calendar period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Its first moment.
    pub start: Timestamp,
    /// How much.
    pub spent: Money,
}

impl Default for Tally {
    fn default() -> Self {
        Self { start: Timestamp::from_millis(i64::MIN), spent: Money::ZERO }
    }
}

impl Default for KeyRow {
    fn default() -> Self {
        let tally = Tally::default();
        Self { day: tally, week: tally, month: tally, total: Money::ZERO, held: Money::ZERO }
    }
}

impl Tally {
    /// What was spent in the period that begins at `start`. A clock that is behind sees the
    /// later period, so that it never allows more.
    fn at(&self, start: Timestamp) -> Money {
        if self.start >= start { self.spent } else { Money::ZERO }
    }

    fn add(&mut self, start: Timestamp, amount: Money) -> Result<(), LedgerError> {
        if self.start < start {
            *self = Self { start, spent: Money::ZERO };
        }
        if self.start == start {
            // Given back today what was charged yesterday: today's spending does not go below zero.
            self.spent = self.spent.checked_add(amount)?.max(Money::ZERO);
        }
        Ok(())
    }
}

impl KeyRow {
    /// What was spent in the calendar periods of `at`.
    pub fn spend(&self, at: Timestamp) -> KeySpend {
        KeySpend {
            day: self.day.at(SpendPeriod::Day.start(at)),
            week: self.week.at(SpendPeriod::Week.start(at)),
            month: self.month.at(SpendPeriod::Month.start(at)),
            total: self.total,
            held: self.held,
        }
    }

    /// Adds to what was spent; a negative amount was given back.
    pub(super) fn add(&mut self, amount: Money, at: Timestamp) -> Result<(), LedgerError> {
        self.total = self.total.checked_add(amount)?;
        self.day.add(SpendPeriod::Day.start(at), amount)?;
        self.week.add(SpendPeriod::Week.start(at), amount)?;
        self.month.add(SpendPeriod::Month.start(at), amount)
    }
}

/// A request that is over: it has a record.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRow {
    /// Its record.
    pub record: RequestRecord,
    /// What has been charged for it.
    pub charged: Legs,
    /// The part of it that no hold covered.
    pub overage: Money,
}
