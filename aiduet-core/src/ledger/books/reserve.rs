//! Setting funds aside.

use super::draft::Draft;
use super::rows::minus;
use super::{Books, HoldRow, Legs, month_spend};
use crate::keys::SpendLimits;
use crate::ledger::{Hold, LedgerAccount, LedgerError, MonthSpend, ReserveRequest, Shortage, SpendPeriod};
use crate::money::Money;

impl Books {
    /// Sets funds aside, promotional credit first.
    ///
    /// # Errors
    /// Those of [`Ledger::reserve`](crate::ledger::Ledger::reserve); nothing is changed then.
    /// A hold that is resolved, and a request that has a record, are [`LedgerError::Conflict`]:
    /// an extension that comes too late finds the request closed.
    pub fn reserve(&mut self, request: &ReserveRequest) -> Result<Hold, LedgerError> {
        if let Some(row) = self.holds.get(&request.id) {
            return if row.is_for(request) { Ok(self.answer(request)) } else { Err(LedgerError::Conflict) };
        }
        if self.resolved.contains_key(&request.id) || self.requests.contains_key(&request.request) {
            return Err(LedgerError::Conflict);
        }
        let legs = self.cover(request)?;
        let row = HoldRow {
            id: request.id,
            request: request.request,
            account: request.account,
            key: request.key,
            legs,
            floor: request.floor,
            owner: request.owner,
            shard: self.shard,
            origin: request.origin.clone(),
            at: request.at,
        };
        let mut key = self.key(request.key);
        key.held = key.held.checked_add(request.amount)?;
        let mut draft = Draft::new(self);
        draft.pend(&row)?;
        let finished = draft.finish();
        self.write(finished);
        self.write_key(request.key, key);
        self.changes.opened.push(row.id);
        self.put_hold(row);
        Ok(self.answer(request))
    }

    fn answer(&self, request: &ReserveRequest) -> Hold {
        Hold {
            id: request.id,
            request: request.request,
            account: request.account,
            amount: request.amount,
            balance: self.balance(request.account),
        }
    }

    /// Which accounts the amount comes from; refuses what is not covered, naming what is tightest.
    fn cover(&self, request: &ReserveRequest) -> Result<Legs, LedgerError> {
        let &ReserveRequest { amount, floor, account, .. } = request;
        if amount <= Money::ZERO || floor.is_negative() || floor > amount {
            return Err(LedgerError::InvalidAmount);
        }
        let paid = self.account(LedgerAccount::Paid(account));
        let promo = self.account(LedgerAccount::Promo(account));
        if paid.frozen {
            return Err(LedgerError::Frozen);
        }
        if paid.allowed_negative > Money::ZERO || promo.allowed_negative > Money::ZERO {
            return Err(LedgerError::Insufficient(Shortage::Negative));
        }
        let month = month_shortage(&month_spend(&paid, &promo, request.at), amount);
        let balance = self.balance(account);
        let (available, held) = (balance.available, balance.held);
        let funds = (available < amount).then_some((available, Shortage::Balance { available, held }));
        let shortages = self.key_shortages(request).chain(month).chain(funds);
        let tightest = shortages.min_by_key(|(left, _shortage)| *left);
        if let Some((_left, shortage)) = tightest {
            return Err(LedgerError::Insufficient(shortage));
        }
        let promo = amount.min(promo.available()).max(Money::ZERO);
        Ok(Legs { promo, paid: amount.checked_sub(promo)? })
    }

    /// The spend limits that do not cover the amount with what is left of each, longest period first.
    fn key_shortages(&self, request: &ReserveRequest) -> impl Iterator<Item = (Money, Shortage)> + use<> {
        let &ReserveRequest { key, amount, at, limits: SpendLimits { day, week, month, total }, .. } =
            request;
        let spend = self.key(key).spend(at);
        let held = spend.held;
        [
            (SpendPeriod::Total, total, spend.total),
            (SpendPeriod::Month, month, spend.month),
            (SpendPeriod::Week, week, spend.week),
            (SpendPeriod::Day, day, spend.day),
        ]
        .into_iter()
        .filter_map(move |(period, limit, spent)| {
            let left = minus(minus(limit?, spent), held).max(Money::ZERO);
            let shortage = Shortage::KeyLimit { period, left, held, resets_at: period.end(at) };
            (left < amount).then_some((left, shortage))
        })
    }
}

/// The monthly limit of the account with what is left of it, if that does not cover the amount.
fn month_shortage(spend: &MonthSpend, amount: Money) -> Option<(Money, Shortage)> {
    let &MonthSpend { held, resets_at, .. } = spend;
    let left = spend.left()?;
    (left < amount).then_some((left, Shortage::AccountLimit { left, held, resets_at }))
}
