//! The rules of the books, without a database: rows go in, changed rows and transfers come out.
//!
//! Every ledger backend runs these same rules. A backend that keeps everything in memory has one
//! [`Books`] for ever. A backend with a database makes one per transaction:
//!
//! 1. collect what the operations of a batch name;
//! 2. load and `put_…` those rows (what is absent needs no put): both accounts of every person
//!    and the revenue shard, the lots with a remainder, the keys, every open hold of every request
//!    named, how each named hold was resolved, the records of the requests named, and for
//!    postings the transfers they repeat or reverse;
//! 3. run the operations in order; one that fails changes nothing;
//! 4. write [`Books::take_changes`], commit, answer.

mod draft;
mod lapse;
mod post;
mod reserve;
mod rollup;
mod rows;
mod settle;
mod sweep;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use rollup::{BUCKET_MILLIS, Rollup, RollupKey};
pub use rows::{
    AccountRow, HoldRow, KeyRow, Leg, Legs, Lot, Phase, RequestRow, Resolution, Tally, Transfer, balance,
    burn, month_spend,
};
pub use settle::split;
pub use sweep::SweptRequest;

use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, HoldId, RequestId, TransferId};
use crate::ledger::{
    Balance, EntryKind, ExternalId, LedgerAccount, LedgerError, LimitChange, MonthSpend, Reserving,
};
use crate::money::Money;

/// The rows that operations work on, and what they changed.
#[derive(Debug, Default)]
pub struct Books {
    shard: u16,
    people: HashMap<LedgerAccount, AccountRow>,
    house: HashMap<LedgerAccount, AccountRow>,
    lots: HashMap<AccountId, Vec<Lot>>,
    keys: HashMap<ApiKeyId, KeyRow>,
    holds: HashMap<HoldId, HoldRow>,
    open: HashMap<RequestId, Vec<HoldId>>,
    resolved: HashMap<HoldId, Resolution>,
    requests: HashMap<RequestId, RequestRow>,
    transfers: HashMap<TransferId, Transfer>,
    externals: HashMap<(EntryKind, ExternalId), TransferId>,
    reversed: HashMap<TransferId, Money>,
    changes: Changes,
}

/// What operations changed; the rows themselves are in the [`Books`].
#[derive(Debug, Default)]
pub struct Changes {
    /// New lines of the journal, in order.
    pub transfers: Vec<Transfer>,
    /// Accounts that changed; may repeat.
    pub accounts: Vec<LedgerAccount>,
    /// Lots that changed or are new, as they are now; the last one of an identifier counts.
    pub lots: Vec<Lot>,
    /// Keys that changed; may repeat.
    pub keys: Vec<ApiKeyId>,
    /// Holds that were opened; those that are absent from the books were closed again.
    pub opened: Vec<HoldId>,
    /// Holds that were closed.
    pub closed: Vec<HoldId>,
    /// Holds whose floor was raised.
    pub raised: Vec<HoldId>,
    /// Requests whose record is new or was replaced.
    pub requests: Vec<RequestId>,
    /// What to add to the rollups; counts may be negative where a record was replaced.
    pub rollups: Vec<(RollupKey, Rollup)>,
}

impl Books {
    /// Books whose new holds name this shard of the revenue account.
    pub fn new(shard: u16) -> Self {
        Self { shard, ..Self::default() }
    }

    /// Loads an account.
    pub fn put_account(&mut self, account: LedgerAccount, row: AccountRow) {
        self.accounts_like(account).insert(account, row);
    }

    /// Loads a lot.
    pub fn put_lot(&mut self, lot: Lot) {
        self.lots.entry(lot.account).or_default().push(lot);
    }

    /// Loads a key.
    pub fn put_key(&mut self, key: ApiKeyId, row: KeyRow) {
        self.keys.insert(key, row);
    }

    /// Loads an open hold. The holds of a request are put in the order they were made.
    pub fn put_hold(&mut self, row: HoldRow) {
        self.open.entry(row.request).or_default().push(row.id);
        self.holds.insert(row.id, row);
    }

    /// Loads how a hold was resolved.
    pub fn put_resolution(&mut self, hold: HoldId, resolution: Resolution) {
        self.resolved.insert(hold, resolution);
    }

    /// Loads a request that has a record.
    pub fn put_request(&mut self, row: RequestRow) {
        self.requests.insert(row.record.id, row);
    }

    /// Loads a transfer that a posting may repeat or reverse, and how much of it is reversed:
    /// the sum of its reversals less the sum of theirs.
    pub fn put_transfer(&mut self, transfer: Transfer, reversed: Money) {
        self.reversed.insert(transfer.id, reversed);
        self.remember(&transfer);
    }

    /// The columns of an account; zeros if it never had a posting.
    pub fn account(&self, account: LedgerAccount) -> AccountRow {
        let accounts = if account.is_personal() { &self.people } else { &self.house };
        accounts.get(&account).copied().unwrap_or_default()
    }

    /// The balance of a person.
    pub fn balance(&self, account: AccountId) -> Balance {
        balance(&self.account(LedgerAccount::Paid(account)), &self.account(LedgerAccount::Promo(account)))
    }

    /// What a person has spent in the month of a moment, and may spend.
    pub fn month_spend(&self, account: AccountId, at: Timestamp) -> MonthSpend {
        let [paid, promo] = LedgerAccount::of_person(account).map(|account| self.account(account));
        month_spend(&paid, &promo, at)
    }

    /// The lots of a person that have a remainder.
    pub fn lots(&self, account: AccountId) -> &[Lot] {
        self.lots.get(&account).map_or(&[], Vec::as_slice)
    }

    /// What a key spends.
    pub fn key(&self, key: ApiKeyId) -> KeyRow {
        self.keys.get(&key).copied().unwrap_or_default()
    }

    /// An open hold.
    pub fn hold(&self, hold: HoldId) -> Option<&HoldRow> {
        self.holds.get(&hold)
    }

    /// Every account, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = (LedgerAccount, AccountRow)> {
        self.people.iter().chain(&self.house).map(|(account, row)| (*account, *row))
    }

    /// Every lot that has a remainder, in no order.
    pub fn all_lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.values().flatten()
    }

    /// Every key that has spent or held, in no order.
    pub fn keys(&self) -> impl Iterator<Item = (ApiKeyId, KeyRow)> {
        self.keys.iter().map(|(key, row)| (*key, *row))
    }

    /// Every request that has a record, in no order.
    pub fn requests(&self) -> impl Iterator<Item = &RequestRow> {
        self.requests.values()
    }

    /// A transfer.
    pub fn transfer(&self, transfer: TransferId) -> Option<&Transfer> {
        self.transfers.get(&transfer)
    }

    /// Every open hold, in no order.
    pub fn holds(&self) -> impl Iterator<Item = &HoldRow> {
        self.holds.values()
    }

    /// A request that has a record.
    pub fn request(&self, request: RequestId) -> Option<&RequestRow> {
        self.requests.get(&request)
    }

    /// Stops or allows new reserves of a person.
    pub fn set_reserving(&mut self, account: AccountId, reserving: Reserving) {
        let paid = LedgerAccount::Paid(account);
        self.people.entry(paid).or_default().frozen = reserving == Reserving::Frozen;
        self.changes.accounts.push(paid);
    }

    /// Changes the monthly limit of a person.
    ///
    /// # Errors
    /// Those of [`AccountLimits::change`](crate::ledger::AccountLimits::change); nothing is changed then.
    pub fn change_limit(&mut self, change: LimitChange) -> Result<(), LedgerError> {
        let LimitChange { account, was, limit } = change;
        if limit.is_some_and(Money::is_negative) {
            return Err(LedgerError::InvalidAmount);
        }
        let paid = LedgerAccount::Paid(account);
        let row = self.account(paid);
        if row.month_limit != was {
            return Err(LedgerError::Conflict);
        }
        self.people.insert(paid, AccountRow { month_limit: limit, ..row });
        self.changes.accounts.push(paid);
        Ok(())
    }

    /// Raises the floor of an open hold; never lowers it.
    pub fn progress(&mut self, hold: HoldId, used: Money) {
        if let Some(row) = self.holds.get_mut(&hold).filter(|row| row.floor < used) {
            row.floor = used;
            self.changes.raised.push(hold);
        }
    }

    /// What changed since the last call.
    pub fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Whether a request has an open hold.
    pub fn is_open(&self, request: RequestId) -> bool {
        self.open.get(&request).is_some_and(|holds| !holds.is_empty())
    }

    /// Forgets the open holds of a request, as if they had not been put.
    pub fn forget_request(&mut self, request: RequestId) {
        for hold in self.open.remove(&request).unwrap_or_default() {
            self.holds.remove(&hold);
        }
    }

    /// Forgets the accounts and lots of a person, as if they had not been put.
    pub fn forget_person(&mut self, account: AccountId) {
        self.people.remove(&LedgerAccount::Paid(account));
        self.people.remove(&LedgerAccount::Promo(account));
        self.lots.remove(&account);
    }

    /// Forgets the record of a request; its transfers stay.
    pub fn forget_record(&mut self, request: RequestId) {
        self.requests.remove(&request);
    }

    /// Puts another name in the place of a person: on accounts, lots, and all transfers, which lose the
    /// request that they were for and what an operator has called them. Says how many rows.
    pub fn rename(&mut self, account: AccountId, subject: AccountId) -> u64 {
        let renamed = |leg: LedgerAccount| match leg {
            LedgerAccount::Paid(owner) if owner == account => LedgerAccount::Paid(subject),
            LedgerAccount::Promo(owner) if owner == account => LedgerAccount::Promo(subject),
            other => other,
        };
        let mut rows = 0_u64;
        for old in LedgerAccount::of_person(account) {
            if let Some(row) = self.people.remove(&old) {
                self.people.insert(renamed(old), AccountRow { frozen: true, month_limit: None, ..row });
                rows = rows.saturating_add(1);
            }
        }
        if let Some(lots) = self.lots.remove(&account) {
            let lots = lots.into_iter().map(|lot| Lot { account: subject, ..lot });
            self.lots.insert(subject, lots.collect());
        }
        for transfer in self.transfers.values_mut() {
            let legs = (renamed(transfer.debit), renamed(transfer.credit));
            if legs == (transfer.debit, transfer.credit) {
                continue;
            }
            (transfer.debit, transfer.credit) = legs;
            transfer.request = None;
            if transfer.kind.has_memo()
                && let Some(memo) = transfer.external.take()
            {
                self.externals.remove(&(transfer.kind, memo));
            }
            rows = rows.saturating_add(1);
        }
        rows
    }

    /// Forgets what keys have spent.
    pub fn forget_keys(&mut self, keys: &[ApiKeyId]) {
        for key in keys {
            self.keys.remove(key);
        }
    }

    /// Keeps what is open and what people have; forgets what is over: transfers, how holds were
    /// resolved, records, and the accounts of the house.
    pub fn forget_the_past(&mut self) {
        self.house.clear();
        self.resolved.clear();
        self.requests.clear();
        self.transfers.clear();
        self.externals.clear();
        self.reversed.clear();
        self.changes = Changes::default();
    }

    fn accounts_like(&mut self, account: LedgerAccount) -> &mut HashMap<LedgerAccount, AccountRow> {
        if account.is_personal() { &mut self.people } else { &mut self.house }
    }

    fn remember(&mut self, transfer: &Transfer) {
        if let Some(external) = &transfer.external {
            self.externals.insert((transfer.kind, external.clone()), transfer.id);
        }
        self.transfers.insert(transfer.id, transfer.clone());
    }

    /// The open holds of a request, in the order they were made.
    pub fn open_holds(&self, request: RequestId) -> Vec<HoldRow> {
        let ids = self.open.get(&request).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.holds.get(id).cloned()).collect()
    }
}
