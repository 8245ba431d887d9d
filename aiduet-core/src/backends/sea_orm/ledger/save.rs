//! Writes what a batch changed, always in the same order of tables and rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::record::{ROLLUPS, write_request, write_rollup};
use super::rows::{
    ACCOUNTS, HOLDS, KEYS, LOTS, TRANSFERS, account_id, pending_ids, write_account, write_hold, write_key,
    write_lot, write_transfer,
};
use super::store::Sink;
use crate::backends::sea_orm::bulk::Insert;
use crate::backends::sea_orm::error::DatabaseError;
use crate::id::{ApiKeyId, HoldId, LotId, RequestId};
use crate::ledger::LedgerAccount;
use crate::ledger::books::{Books, Changes, Lot, Rollup, RollupKey};

/// What a batch changed; the accounts apart, those of people and those of the house, each once and in the order of
/// their identifiers.
pub(super) fn take_changes(books: &mut Books) -> (Changes, Vec<LedgerAccount>, Vec<LedgerAccount>) {
    let mut changes = books.take_changes();
    let accounts: BTreeSet<LedgerAccount> = std::mem::take(&mut changes.accounts).into_iter().collect();
    let mut accounts: Vec<_> = accounts.into_iter().collect();
    accounts.sort_by_cached_key(|account| account_id(*account));
    let (people, house) = accounts.into_iter().partition(|account| account.is_personal());
    (changes, people, house)
}

/// Writes everything but the accounts of the house.
pub(super) async fn save_rows(
    sink: &mut impl Sink,
    books: &Books,
    (changes, people, requests): (Changes, Vec<LedgerAccount>, &Insert<30>),
) -> Result<(), DatabaseError> {
    let Changes { transfers, accounts: _, lots, keys, opened, closed, raised, requests: records, rollups } =
        changes;
    sink.insert(&TRANSFERS, transfers.iter().map(write_transfer).collect()).await?;
    save_holds(sink, books, (&opened, &closed, &raised)).await?;
    // These were locked when they were loaded, so their columns are replaced.
    let rows = people.iter().map(|account| write_account(*account, &books.account(*account)));
    sink.update(&ACCOUNTS, rows.collect()).await?;
    save_lots(sink, lots).await?;
    save_keys(sink, books, keys.into_iter().collect()).await?;
    let records: BTreeSet<RequestId> = records.into_iter().collect();
    let rows = records.iter().filter_map(|id| books.request(*id)).map(write_request);
    sink.insert(requests, rows.collect::<Result<_, _>>()?).await?;
    save_rollups(sink, rollups).await
}

async fn save_holds(
    sink: &mut impl Sink,
    books: &Books,
    (opened, closed, raised): (&[HoldId], &[HoldId], &[HoldId]),
) -> Result<(), DatabaseError> {
    let closed: Vec<Uuid> = closed.iter().flat_map(|hold| pending_ids(*hold)).collect();
    sink.delete_holds(&closed).await?;
    let opened = opened.iter().filter_map(|id| books.hold(*id));
    sink.insert(&HOLDS, opened.flat_map(write_hold).collect()).await?;
    let raised: BTreeSet<HoldId> = raised.iter().copied().collect();
    let floors: Vec<(HoldId, i64)> =
        raised.iter().filter_map(|id| Some((*id, books.hold(*id)?.floor.nanos()))).collect();
    sink.raise_floors(&floors).await
}

async fn save_lots(sink: &mut impl Sink, lots: Vec<Lot>) -> Result<(), DatabaseError> {
    let last: BTreeMap<LotId, Lot> = lots.into_iter().map(|lot| (lot.id, lot)).collect();
    sink.update(&LOTS, last.values().map(write_lot).collect()).await
}

async fn save_keys(
    sink: &mut impl Sink,
    books: &Books,
    keys: BTreeSet<ApiKeyId>,
) -> Result<(), DatabaseError> {
    sink.update(&KEYS, keys.iter().map(|key| write_key(*key, &books.key(*key))).collect()).await
}

async fn save_rollups(sink: &mut impl Sink, rollups: Vec<(RollupKey, Rollup)>) -> Result<(), DatabaseError> {
    let mut sums: HashMap<RollupKey, Rollup> = HashMap::new();
    for (key, added) in rollups {
        let sum = sums.entry(key).or_default();
        *sum = sum.plus(&added);
    }
    let sums: BTreeMap<RollupKey, Rollup> = sums.into_iter().collect();
    sink.update(&ROLLUPS, sums.iter().map(|(key, sums)| write_rollup(key, sums)).collect()).await
}
