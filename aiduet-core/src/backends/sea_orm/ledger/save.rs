//! Writes what a batch changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::record::{
    REQUEST_CHANGES, REQUEST_COLUMNS, ROLLUP_INSERT, ROLLUP_KEY, ROLLUP_SUMS, write_request, write_rollup,
};
use super::rows::{
    ACCOUNT_CHANGES, ACCOUNT_INSERT, HOLD_INSERT, KEY_CHANGES, KEY_INSERT, LOT_INSERT, TRANSFER_INSERT,
    account_id, changed_columns, is_personal, pending_ids, write_account, write_hold, write_key, write_lot,
    write_transfer,
};
use crate::backends::sea_orm::bulk::{Merge, execute_in, or_ignore, or_merge};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Sql, insert_rows};
use crate::id::{ApiKeyId, HoldId, LotId, RequestId};
use crate::ledger::LedgerAccount;
use crate::ledger::books::{AccountRow, Books, Changes, Lot, Rollup, RollupKey};

/// Writes what changed, always in the same order of tables and rows.
pub(super) async fn save(on: &impl ConnectionTrait, books: &mut Books) -> Result<(), DatabaseError> {
    let Changes { transfers, accounts, lots, keys, opened, closed, raised, requests, rollups } =
        books.take_changes();
    insert_rows(on, (TRANSFER_INSERT, ""), transfers.iter().map(write_transfer).collect()).await?;
    save_holds(on, books, (&opened, &closed, &raised)).await?;
    save_accounts(on, books, accounts.into_iter().collect()).await?;
    save_lots(on, lots).await?;
    save_keys(on, books, keys.into_iter().collect()).await?;
    save_requests(on, books, requests.into_iter().collect()).await?;
    save_rollups(on, rollups).await
}

async fn save_holds(
    on: &impl ConnectionTrait,
    books: &Books,
    (opened, closed, raised): (&[HoldId], &[HoldId], &[HoldId]),
) -> Result<(), DatabaseError> {
    let closed: Vec<Uuid> = closed.iter().flat_map(|hold| pending_ids(*hold)).collect();
    execute_in(on, "DELETE FROM hold WHERE pending_id IN", &closed).await?;
    let opened = opened.iter().filter_map(|id| books.hold(*id));
    insert_rows(on, (HOLD_INSERT, ""), opened.flat_map(write_hold).collect()).await?;
    for hold in raised.iter().filter_map(|id| books.hold(*id)) {
        let update = Sql::new(on.get_database_backend(), "UPDATE hold SET min_cost = ");
        let [promo, paid] = pending_ids(hold.id);
        update
            .value(hold.floor.nanos())
            .text(" WHERE min_cost < ")
            .value(hold.floor.nanos())
            .text(" AND pending_id IN ")
            .tuple([promo.into(), paid.into()])
            .run(on)
            .await?;
    }
    Ok(())
}

/// Accounts of people were locked when they were loaded, so their columns are replaced. To those
/// of the house the change is added, last, so that their locks are held as short as can be.
async fn save_accounts(
    on: &impl ConnectionTrait,
    books: &Books,
    accounts: BTreeSet<LedgerAccount>,
) -> Result<(), DatabaseError> {
    let (mut people, mut house): (Vec<_>, Vec<_>) =
        accounts.into_iter().partition(|account| is_personal(*account));
    people.sort_unstable_by_key(|account| account_id(*account));
    house.sort_unstable_by_key(|account| account_id(*account));
    let replace = or_merge(on.get_database_backend(), ("account", "id"), &ACCOUNT_CHANGES, Merge::Replace);
    let rows = people.iter().map(|account| write_account(*account, &books.account(*account))).collect();
    insert_rows(on, (ACCOUNT_INSERT, &replace), rows).await?;
    for account in house {
        let change = books.account(account);
        if add_to_account(on, account, &change).await? == 0 {
            let row = write_account(account, &AccountRow::default());
            let ignore = or_ignore(on.get_database_backend(), "id");
            insert_rows(on, (ACCOUNT_INSERT, &ignore), vec![row]).await?;
            add_to_account(on, account, &change).await?;
        }
    }
    Ok(())
}

async fn add_to_account(
    on: &impl ConnectionTrait,
    account: LedgerAccount,
    change: &AccountRow,
) -> Result<u64, DatabaseError> {
    let mut update = Sql::new(on.get_database_backend(), "UPDATE account SET ");
    for (index, (column, value)) in ACCOUNT_CHANGES.iter().zip(changed_columns(change)).enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        update = update.text(&format!("{separator}{column} = {column} + ")).value(value);
    }
    update.text(" WHERE id = ").value(account_id(account)).run(on).await
}

async fn save_lots(on: &impl ConnectionTrait, lots: Vec<Lot>) -> Result<(), DatabaseError> {
    let last: BTreeMap<LotId, Lot> = lots.into_iter().map(|lot| (lot.id, lot)).collect();
    let replace = or_merge(on.get_database_backend(), ("lot", "id"), &["remaining"], Merge::Replace);
    insert_rows(on, (LOT_INSERT, &replace), last.values().map(write_lot).collect()).await
}

async fn save_keys(
    on: &impl ConnectionTrait,
    books: &Books,
    keys: BTreeSet<ApiKeyId>,
) -> Result<(), DatabaseError> {
    let replace = or_merge(on.get_database_backend(), ("key_spend", "api_key"), &KEY_CHANGES, Merge::Replace);
    let rows = keys.iter().map(|key| write_key(*key, &books.key(*key))).collect();
    insert_rows(on, (KEY_INSERT, &replace), rows).await
}

async fn save_requests(
    on: &impl ConnectionTrait,
    books: &Books,
    requests: BTreeSet<RequestId>,
) -> Result<(), DatabaseError> {
    let insert = format!("INSERT INTO requests ({REQUEST_COLUMNS}) VALUES");
    let replace = or_merge(on.get_database_backend(), ("requests", "id"), &REQUEST_CHANGES, Merge::Replace);
    let rows = requests.iter().filter_map(|id| books.request(*id)).map(write_request);
    insert_rows(on, (&insert, &replace), rows.collect::<Result<_, _>>()?).await
}

async fn save_rollups(
    on: &impl ConnectionTrait,
    rollups: Vec<(RollupKey, Rollup)>,
) -> Result<(), DatabaseError> {
    let mut sums: HashMap<RollupKey, Rollup> = HashMap::new();
    for (key, added) in rollups {
        let sum = sums.entry(key).or_default();
        *sum = sum.plus(&added);
    }
    let sums: BTreeMap<RollupKey, Rollup> = sums.into_iter().collect();
    let add = or_merge(on.get_database_backend(), ("usage_rollups", ROLLUP_KEY), &ROLLUP_SUMS, Merge::Add);
    insert_rows(on, (ROLLUP_INSERT, &add), sums.iter().map(|(key, sums)| write_rollup(key, sums)).collect())
        .await
}
