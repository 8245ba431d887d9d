//! One operation in the making: nothing is written to the books before all of it is sound.

use std::collections::HashMap;

use super::rows::{minus, plus};
use super::{AccountRow, Books, HoldRow, Leg, Legs, Lot, Phase, Transfer, burn};
use crate::clock::Timestamp;
use crate::id::{AccountId, LotId, RequestId, TransferId, derive};
use crate::ledger::{EntryKind, ExternalId, LedgerAccount, LedgerError, LotTerms};
use crate::money::Money;

/// Whether a debit is made even if it is not covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// Only if it is covered.
    Needed,
    /// In any case: the account may become negative.
    Forced,
}

/// How holds end.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// The phase of a leg of which nothing is taken.
    pub(super) empty: Phase,
    pub(super) at: Timestamp,
}

/// Usage that is charged outside the holds, or given back.
#[derive(Clone, Copy, Debug)]
pub(super) struct UsageEntry {
    pub(super) request: RequestId,
    pub(super) account: AccountId,
    pub(super) kind: EntryKind,
    pub(super) shard: u16,
    pub(super) at: Timestamp,
}

/// The rows that an operation changes, as they will be.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    books: &'a Books,
    accounts: Vec<(LedgerAccount, AccountRow)>,
    lots: HashMap<AccountId, Vec<Lot>>,
    transfers: Vec<Transfer>,
    reversed: Vec<(TransferId, Money)>,
}

/// A finished operation, ready to be written.
#[derive(Debug)]
pub(super) struct Finished {
    accounts: Vec<(LedgerAccount, AccountRow)>,
    lots: HashMap<AccountId, Vec<Lot>>,
    transfers: Vec<Transfer>,
    reversed: Vec<(TransferId, Money)>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(books: &'a Books) -> Self {
        Self {
            books,
            accounts: Vec::new(),
            lots: HashMap::new(),
            transfers: Vec::new(),
            reversed: Vec::new(),
        }
    }

    /// The columns of an account as they are in this draft.
    pub(super) fn account(&self, account: LedgerAccount) -> AccountRow {
        let changed = self.accounts.iter().find(|(id, _row)| *id == account);
        changed.map_or_else(|| self.books.account(account), |(_id, row)| *row)
    }

    /// A transfer of this draft or of the books.
    pub(super) fn transfer(&self, id: TransferId) -> Option<&Transfer> {
        self.transfers.iter().find(|made| made.id == id).or_else(|| self.books.transfers.get(&id))
    }

    /// Whether a posting of this kind has this name.
    pub(super) fn is_used(&self, kind: EntryKind, external: &ExternalId) -> bool {
        let same = |made: &Transfer| made.kind == kind && made.external.as_ref() == Some(external);
        self.transfers.iter().any(same) || self.books.externals.contains_key(&(kind, external.clone()))
    }

    /// How much of a transfer is reversed.
    pub(super) fn reversed(&self, id: TransferId) -> Money {
        let changed = self.reversed.iter().rev().find(|(target, _amount)| *target == id);
        let changed = changed.map(|(_target, amount)| *amount);
        changed.or_else(|| self.books.reversed.get(&id).copied()).unwrap_or_default()
    }

    /// The transfers of which this draft reverses something, or less.
    pub(super) fn reversals(&self) -> impl Iterator<Item = TransferId> {
        self.reversed.iter().map(|(target, _amount)| *target)
    }

    pub(super) fn set_reversed(&mut self, id: TransferId, amount: Money) {
        self.reversed.push((id, amount));
    }

    /// Sets the legs of a hold aside.
    pub(super) fn pend(&mut self, hold: &HoldRow) -> Result<(), LedgerError> {
        for (leg, debit, amount) in hold.legs.of(hold.account) {
            let transfer = Transfer {
                id: HoldRow::pending_id(hold.id, leg),
                phase: Phase::Pending,
                kind: EntryKind::Usage,
                debit,
                credit: LedgerAccount::UsageRevenue(hold.shard),
                amount,
                pending: None,
                reverses: None,
                external: None,
                request: Some(hold.request),
                at: hold.at,
            };
            self.change(debit, Cover::Needed, |row| {
                row.debit_pending = row.debit_pending.checked_add(amount)?;
                Ok(())
            })?;
            self.change(transfer.credit, Cover::Needed, |row| {
                row.credit_pending = row.credit_pending.checked_add(amount)?;
                Ok(())
            })?;
            self.transfers.push(transfer);
        }
        Ok(())
    }

    /// Resolves both legs of a hold: what is taken becomes final, the rest is released.
    pub(super) fn resolve(&mut self, hold: &HoldRow, taken: Legs, end: End) -> Result<(), LedgerError> {
        for (leg, debit, set_aside) in hold.legs.of(hold.account) {
            let amount = match leg {
                Leg::Promo => taken.promo,
                Leg::Paid => taken.paid,
            };
            if amount > set_aside {
                return Err(LedgerError::Broken("I06"));
            }
            let credit = LedgerAccount::UsageRevenue(hold.shard);
            self.change(debit, Cover::Needed, |row| {
                row.debit_pending = row.debit_pending.checked_sub(set_aside)?;
                row.debit_posted = row.debit_posted.checked_add(amount)?;
                row.add_usage(amount, end.at)
            })?;
            self.change(credit, Cover::Needed, |row| {
                row.credit_pending = row.credit_pending.checked_sub(set_aside)?;
                row.credit_posted = row.credit_posted.checked_add(amount)?;
                Ok(())
            })?;
            self.transfers.push(Transfer {
                id: HoldRow::resolver_id(hold.id, leg),
                phase: if amount > Money::ZERO { Phase::Post } else { end.empty },
                kind: EntryKind::Usage,
                debit,
                credit,
                amount,
                pending: Some(HoldRow::pending_id(hold.id, leg)),
                reverses: None,
                external: None,
                request: Some(hold.request),
                at: end.at,
            });
        }
        Ok(())
    }

    /// Charges usage that no hold covers: promotional credit as far as it is free, then paid
    /// credit by force.
    pub(super) fn force(&mut self, entry: UsageEntry, amount: Money) -> Result<Legs, LedgerError> {
        let free = self.account(LedgerAccount::Promo(entry.account)).available();
        let promo = amount.min(free).max(Money::ZERO);
        let legs = Legs { promo, paid: amount.checked_sub(promo)? };
        for (leg, debit, amount) in legs.of(entry.account) {
            let transfer = entry.transfer(leg, amount);
            self.single(Transfer { debit, ..transfer }, Cover::Forced)?;
        }
        Ok(legs)
    }

    /// Gives usage back; promotional credit as a lot of its own, since it is not known which lots
    /// were burnt for it.
    pub(super) fn give_back(&mut self, entry: UsageEntry, legs: Legs) -> Result<(), LedgerError> {
        for (leg, credit, amount) in legs.of(entry.account) {
            let Transfer { id, credit: revenue, .. } = entry.transfer(leg, amount);
            let id = TransferId::from_uuid(derive(id.as_uuid(), "back"));
            if leg == Leg::Promo {
                let lot = LotTerms { id: LotId::from_uuid(id.as_uuid()), priority: 0, expires_at: None };
                self.fill_lot(entry.account, lot, amount)?;
            }
            let transfer = Transfer { id, debit: revenue, credit, ..entry.transfer(leg, amount) };
            self.single(transfer, Cover::Needed)?;
        }
        Ok(())
    }

    /// Makes a transfer that is final at once.
    pub(super) fn single(&mut self, transfer: Transfer, cover: Cover) -> Result<(), LedgerError> {
        let (amount, at) = (transfer.amount, transfer.at);
        let from_usage = matches!(transfer.debit, LedgerAccount::UsageRevenue(_));
        let to_usage = matches!(transfer.credit, LedgerAccount::UsageRevenue(_));
        self.change(transfer.debit, cover, |row| {
            row.debit_posted = row.debit_posted.checked_add(amount)?;
            if to_usage { row.add_usage(amount, at) } else { Ok(()) }
        })?;
        self.change(transfer.credit, Cover::Needed, |row| {
            row.credit_posted = row.credit_posted.checked_add(amount)?;
            if from_usage { row.add_usage(Money::ZERO.checked_sub(amount)?, at) } else { Ok(()) }
        })?;
        self.transfers.push(transfer);
        Ok(())
    }

    /// Burns lots of a person in their order.
    pub(super) fn burn(&mut self, account: AccountId, amount: Money) -> Result<(), LedgerError> {
        if amount == Money::ZERO { Ok(()) } else { burn(self.lots(account), amount) }
    }

    /// Takes from one lot.
    pub(super) fn burn_lot(
        &mut self,
        account: AccountId,
        lot: LotTerms,
        amount: Money,
    ) -> Result<(), LedgerError> {
        let named = self.lots(account).iter_mut().find(|held| held.id == lot.id);
        named.map_or(Err(LedgerError::Broken("I19")), |held| burn(std::slice::from_mut(held), amount))
    }

    /// Adds to a lot, which is made if it is not there.
    pub(super) fn fill_lot(
        &mut self,
        account: AccountId,
        lot: LotTerms,
        amount: Money,
    ) -> Result<(), LedgerError> {
        let LotTerms { id, priority, expires_at } = lot;
        let lots = self.lots(account);
        match lots.iter_mut().find(|held| held.id == id) {
            Some(held) => held.remaining = held.remaining.checked_add(amount)?,
            None => lots.push(Lot { id, account, priority, expires_at, remaining: amount }),
        }
        Ok(())
    }

    fn lots(&mut self, account: AccountId) -> &mut Vec<Lot> {
        self.lots.entry(account).or_insert_with(|| self.books.lots(account).to_vec())
    }

    /// Changes an account, and proves afterwards that a limited one is not overdrawn (I04).
    fn change(
        &mut self,
        account: LedgerAccount,
        cover: Cover,
        edit: impl FnOnce(&mut AccountRow) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut row = self.account(account);
        edit(&mut row)?;
        if account.is_personal() {
            let deficit =
                minus(plus(row.debit_pending, row.debit_posted), row.credit_posted).max(Money::ZERO);
            row.allowed_negative = match cover {
                Cover::Forced => deficit.max(row.allowed_negative),
                Cover::Needed if deficit > row.allowed_negative => return Err(LedgerError::Broken("I04")),
                // A credit or a release repays: what was allowed is not allowed any longer.
                Cover::Needed => deficit,
            };
        }
        match self.accounts.iter_mut().find(|(id, _row)| *id == account) {
            Some((_id, changed)) => *changed = row,
            None => self.accounts.push((account, row)),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Finished {
        let Self { books: _, accounts, lots, transfers, reversed } = self;
        Finished { accounts, lots, transfers, reversed }
    }
}

impl UsageEntry {
    /// The transfer of a leg; its identifier follows from request, kind and leg.
    fn transfer(&self, leg: Leg, amount: Money) -> Transfer {
        let label = format!("{}:{}", self.kind.as_str(), leg.label());
        let debit = match leg {
            Leg::Promo => LedgerAccount::Promo(self.account),
            Leg::Paid => LedgerAccount::Paid(self.account),
        };
        Transfer {
            id: TransferId::from_uuid(derive(self.request.as_uuid(), &label)),
            phase: Phase::Single,
            kind: self.kind,
            debit,
            credit: LedgerAccount::UsageRevenue(self.shard),
            amount,
            pending: None,
            reverses: None,
            external: None,
            request: Some(self.request),
            at: self.at,
        }
    }
}

impl Books {
    /// Writes a finished operation.
    pub(super) fn write(&mut self, finished: Finished) {
        let Finished { accounts, lots, transfers, reversed } = finished;
        self.reversed.extend(reversed);
        for (account, row) in accounts {
            self.accounts_like(account).insert(account, row);
            self.changes.accounts.push(account);
        }
        for (account, mut lots) in lots {
            let before = self.lots.remove(&account).unwrap_or_default();
            self.changes.lots.extend(lots.iter().filter(|lot| !before.contains(lot)));
            lots.retain(|lot| lot.remaining > Money::ZERO);
            if !lots.is_empty() {
                self.lots.insert(account, lots);
            }
        }
        for transfer in transfers {
            self.remember(&transfer);
            self.changes.transfers.push(transfer);
        }
    }
}
