//! Taking a charge from the holds of a request, or releasing them.

use super::draft::{Draft, End, UsageEntry};
use super::rows::plus;
use super::{Books, HoldRow, KeyRow, Legs, Phase, RequestRow, Resolution, Rollup, RollupKey};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, HoldId, RequestId};
use crate::ledger::{
    EntryKind, LedgerError, Outcome, RequestRecord, SettleRequest, Settlement, SettlementState, VoidRequest,
};
use crate::money::Money;

/// What is known of a request when it is to be closed.
enum Before {
    /// It is open.
    Open,
    /// Its process died and a sweep closed it.
    Swept(RequestRow),
    /// It was closed by its owner.
    Closed(RequestRow),
}

/// How a request is closed.
pub(super) struct Closing<'a> {
    pub(super) request: RequestId,
    pub(super) account: AccountId,
    pub(super) holds: Vec<HoldRow>,
    /// The charge in all.
    pub(super) charge: Money,
    /// What was charged before.
    pub(super) before: Legs,
    /// The kind of what no hold covers.
    pub(super) excess: EntryKind,
    /// The phase of a leg of which nothing is taken.
    pub(super) empty: Phase,
    pub(super) record: Option<&'a RequestRecord>,
    pub(super) at: Timestamp,
}

/// What closing a request charged.
pub(super) struct Closed {
    pub(super) charged: Legs,
    pub(super) overage: Money,
}

/// Splits a charge over holds: the promotional legs of all of them first, then the paid ones.
/// Returns what is taken from each, and what none of them covers.
pub fn split(charge: Money, holds: &[Legs]) -> (Vec<Legs>, Money) {
    let mut left = charge.max(Money::ZERO);
    let mut take = |set_aside: Money| {
        let taken = left.min(set_aside);
        left = super::rows::minus(left, taken);
        taken
    };
    let promo: Vec<Money> = holds.iter().map(|legs| take(legs.promo)).collect();
    let taken = promo.into_iter().zip(holds).map(|(promo, legs)| Legs { promo, paid: take(legs.paid) });
    let taken = taken.collect();
    (taken, left)
}

impl Books {
    /// Takes the charge of a request from all its open holds, releases the rest, and keeps the
    /// record. After a sweep the difference to what the sweep charged is booked.
    ///
    /// # Errors
    /// Those of [`Ledger::settle`](crate::ledger::Ledger::settle); nothing is changed then.
    pub fn settle(&mut self, request: &SettleRequest) -> Result<Settlement, LedgerError> {
        let record = &request.record;
        if record.cost().is_negative() {
            return Err(LedgerError::InvalidAmount);
        }
        let resolved = self.resolutions(&request.holds);
        let voided = resolved.contains(&Resolution::Voided);
        let before = self.before(record.id);
        let (charged, excess, state) = match before {
            Before::Closed(row) if !voided && is_same(&row.record, record) => return Ok(self.replay(&row)),
            Before::Closed(_) => return Err(LedgerError::Conflict),
            Before::Open if !resolved.is_empty() => return Err(LedgerError::Conflict),
            Before::Open => (Legs::default(), EntryKind::Overage, SettlementState::Booked),
            Before::Swept(row) if !is_of(&row.record, record) => return Err(LedgerError::Conflict),
            Before::Swept(row) => (row.charged, EntryKind::LateUsage, SettlementState::Late),
        };
        let holds = self.holds_of(record.id, record.account, &request.holds)?;
        if holds.iter().any(|hold| hold.key != record.key) {
            return Err(LedgerError::Conflict);
        }
        let closed = self.close(Closing {
            request: record.id,
            account: record.account,
            holds,
            charge: record.cost(),
            before: charged,
            excess,
            empty: Phase::Post,
            record: Some(record),
            at: request.at,
        })?;
        Ok(self.settlement(record.account, &closed, state))
    }

    /// Releases all open holds of a request. After a sweep what the sweep charged is given back.
    ///
    /// # Errors
    /// Those of [`Ledger::void`](crate::ledger::Ledger::void); nothing is changed then.
    pub fn void(&mut self, request: &VoidRequest) -> Result<Settlement, LedgerError> {
        let VoidRequest { account, request: id, holds, record, at } = request;
        let record = record.as_ref();
        if record.is_some_and(|record| record.cost() != Money::ZERO) {
            return Err(LedgerError::InvalidAmount);
        }
        if record.is_some_and(|record| record.id != *id || record.account != *account) {
            return Err(LedgerError::Conflict);
        }
        let resolved = self.resolutions(holds);
        let posted = resolved.contains(&Resolution::Posted);
        let (before, state) = match self.before(*id) {
            Before::Closed(row) if !posted && record.is_some_and(|record| is_same(&row.record, record)) => {
                return Ok(self.replay(&row));
            }
            Before::Closed(_) => return Err(LedgerError::Conflict),
            Before::Open if posted => return Err(LedgerError::Conflict),
            Before::Open if !resolved.is_empty() && record.is_some() => return Err(LedgerError::Conflict),
            Before::Open if !resolved.is_empty() && !self.open.contains_key(id) => {
                return Ok(self.settlement(*account, &Closed::nothing(), SettlementState::Replayed));
            }
            Before::Open => (None, SettlementState::Booked),
            Before::Swept(row) if row.record.account != *account => return Err(LedgerError::Conflict),
            Before::Swept(row) => (Some(row), SettlementState::Late),
        };
        let released = before.as_ref().map(|row| uncharged(&row.record));
        let open = self.holds_of(*id, *account, holds)?;
        let closed = self.close(Closing {
            request: *id,
            account: *account,
            holds: open,
            charge: Money::ZERO,
            before: before.map(|row| row.charged).unwrap_or_default(),
            excess: EntryKind::LateUsage,
            empty: Phase::Void,
            record: record.or(released.as_ref()),
            at: *at,
        })?;
        Ok(self.settlement(*account, &closed, state))
    }

    /// Books the charge of a request less what was charged before, and closes its holds.
    pub(super) fn close(&mut self, closing: Closing<'_>) -> Result<Closed, LedgerError> {
        // No earlier than what is resolved, even if the clock of another node ran ahead.
        let at = closing.holds.iter().fold(closing.at, |latest, hold| latest.max(hold.at));
        let closing = Closing { at, ..closing };
        let Closing { request, account, ref holds, charge, before, excess, empty, record: _, at } = closing;
        let due = charge.checked_sub(before.sum())?;
        let legs: Vec<Legs> = holds.iter().map(|hold| hold.legs).collect();
        let (taken, left) = split(due, &legs);
        let mut draft = Draft::new(self);
        let mut charged = before;
        let mut burnt = Money::ZERO;
        for (hold, taken) in holds.iter().zip(&taken) {
            draft.resolve(hold, *taken, End { empty, at })?;
            charged = Legs { promo: plus(charged.promo, taken.promo), paid: plus(charged.paid, taken.paid) };
            burnt = plus(burnt, taken.promo);
        }
        let entry = UsageEntry { request, account, kind: excess, shard: self.shard, at };
        if left > Money::ZERO {
            let forced = draft.force(entry, left)?;
            charged =
                Legs { promo: plus(charged.promo, forced.promo), paid: plus(charged.paid, forced.paid) };
            burnt = plus(burnt, forced.promo);
        }
        draft.burn(account, burnt)?;
        if due.is_negative() {
            let back = excess_of(before, charge)?;
            draft.give_back(entry, back)?;
            charged = Legs {
                promo: charged.promo.checked_sub(back.promo)?,
                paid: charged.paid.checked_sub(back.paid)?,
            };
        }
        let finished = draft.finish();
        let keys = self.keys_after(&closing, due)?;
        self.write(finished);
        for (key, row) in keys {
            self.write_key(key, row);
        }
        self.close_holds(&closing, &taken);
        if let Some(record) = closing.record {
            self.keep(RequestRow { record: record.clone(), charged, overage: left });
        }
        Ok(Closed { charged, overage: left })
    }

    /// What the keys of a request have spent and hold when it is closed. Holds of a request share
    /// one key, but a record that names another one is not trusted to release them.
    fn keys_after(&self, closing: &Closing<'_>, due: Money) -> Result<Vec<(ApiKeyId, KeyRow)>, LedgerError> {
        let mut keys: Vec<(ApiKeyId, KeyRow)> = Vec::with_capacity(1);
        let of_holds = closing.holds.iter().map(|hold| (hold.key, hold.legs.sum(), Money::ZERO));
        let payer =
            closing.record.map(|record| record.key).or_else(|| closing.holds.first().map(|hold| hold.key));
        for (key, released, spent) in of_holds.chain(payer.map(|key| (key, Money::ZERO, due))) {
            let index = keys.iter().position(|(id, _row)| *id == key);
            let mut row =
                index.and_then(|index| keys.get(index)).map_or_else(|| self.key(key), |(_id, row)| *row);
            row.held = row.held.checked_sub(released)?;
            row.add(spent, closing.at)?;
            keys.retain(|(id, _row)| *id != key);
            keys.push((key, row));
        }
        Ok(keys)
    }

    pub(super) fn write_key(&mut self, key: ApiKeyId, row: KeyRow) {
        self.keys.insert(key, row);
        self.changes.keys.push(key);
    }

    fn close_holds(&mut self, closing: &Closing<'_>, taken: &[Legs]) {
        self.open.remove(&closing.request);
        for (hold, taken) in closing.holds.iter().zip(taken) {
            let phase = if taken.sum() > Money::ZERO { Phase::Post } else { closing.empty };
            let resolution = match phase {
                Phase::Single | Phase::Pending | Phase::Post => Resolution::Posted,
                Phase::Void => Resolution::Voided,
                Phase::Expire => Resolution::Expired,
            };
            self.holds.remove(&hold.id);
            self.resolved.insert(hold.id, resolution);
            self.changes.closed.push(hold.id);
        }
    }

    /// Keeps a record, and moves what its predecessor added to the rollups.
    fn keep(&mut self, row: RequestRow) {
        let id = row.record.id;
        self.changes.rollups.push((RollupKey::of(&row.record), Rollup::of(&row.record)));
        self.changes.requests.push(id);
        if let Some(before) = self.requests.insert(id, row) {
            self.changes.rollups.push((RollupKey::of(&before.record), Rollup::of(&before.record).negated()));
        }
    }

    fn before(&self, request: RequestId) -> Before {
        match self.requests.get(&request) {
            None => Before::Open,
            Some(row) if matches!(row.record.outcome, Outcome::Recovered | Outcome::Lost) => {
                Before::Swept(row.clone())
            }
            Some(row) => Before::Closed(row.clone()),
        }
    }

    fn resolutions(&self, holds: &[HoldId]) -> Vec<Resolution> {
        holds.iter().filter_map(|hold| self.resolved.get(hold).copied()).collect()
    }

    /// All open holds of a request; those that are named must be among them.
    fn holds_of(
        &self,
        request: RequestId,
        account: AccountId,
        named: &[HoldId],
    ) -> Result<Vec<HoldRow>, LedgerError> {
        let strange = |hold: &HoldRow| hold.request != request || hold.account != account;
        let open = self.open_holds(request);
        if named.iter().filter_map(|id| self.holds.get(id)).chain(&open).any(strange) {
            return Err(LedgerError::Conflict);
        }
        Ok(open)
    }

    fn settlement(&self, account: AccountId, closed: &Closed, state: SettlementState) -> Settlement {
        let Closed { charged, overage } = closed;
        Settlement { charged: charged.sum(), overage: *overage, balance: self.balance(account), state }
    }

    fn replay(&self, row: &RequestRow) -> Settlement {
        let closed = Closed { charged: row.charged, overage: row.overage };
        self.settlement(row.record.account, &closed, SettlementState::Replayed)
    }
}

impl Closed {
    fn nothing() -> Self {
        Self { charged: Legs::default(), overage: Money::ZERO }
    }
}

/// What to give back of a charge that was too high: paid credit first.
fn excess_of(charged: Legs, charge: Money) -> Result<Legs, LedgerError> {
    let excess = charged.sum().checked_sub(charge)?;
    let paid = excess.min(charged.paid);
    Ok(Legs { paid, promo: excess.checked_sub(paid)? })
}

/// Whether two records are the same settlement.
fn is_same(kept: &RequestRecord, record: &RequestRecord) -> bool {
    is_of(kept, record) && kept.cost() == record.cost() && kept.outcome == record.outcome
}

fn is_of(kept: &RequestRecord, record: &RequestRecord) -> bool {
    kept.account == record.account && kept.key == record.key
}

/// A record of a sweep whose charge was given back.
fn uncharged(record: &RequestRecord) -> RequestRecord {
    let mut record = record.clone();
    record.bill.charge = Money::ZERO;
    record.outcome = Outcome::Lost;
    record
}
