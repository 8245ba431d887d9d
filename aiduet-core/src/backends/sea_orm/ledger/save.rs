//! Writes what a batch changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::guard::Guard;
use super::kept::{STAMP, Stamp};
use super::record::{NEW_REQUESTS, REQUESTS, ROLLUPS, write_request, write_rollup};
use super::rows::{
    ACCOUNT_CHANGES, ACCOUNTS, HOLDS, KEYS, LOTS, NEW_ACCOUNTS, TRANSFERS, account_id, changed_columns,
    pending_ids, write_account, write_hold, write_key, write_lot, write_transfer,
};
use crate::backends::sea_orm::bulk::{Cell, Column, Insert, int, select_rows, uuid};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::script::Script;
use crate::backends::sea_orm::sql::Sql;
use crate::id::{ApiKeyId, HoldId, LotId, RequestId};
use crate::ledger::LedgerAccount;
use crate::ledger::books::{AccountRow, Books, Changes, Lot, Rollup, RollupKey};

/// Writes what changed, always in the same order of tables and rows. On SQLite returns the state
/// of the database afterwards.
pub(super) async fn save(
    on: &impl ConnectionTrait,
    books: &mut Books,
) -> Result<Option<Stamp>, DatabaseError> {
    let mut changes = books.take_changes();
    let (people, house) = split(std::mem::take(&mut changes.accounts));
    let mut script = Script::new(on);
    save_rows(&mut script, books, (changes, people, &REQUESTS)).await?;
    save_house(&mut script, books, house).await?;
    if script.backend() != DbBackend::Sqlite {
        return Ok(None);
    }
    let select = format!("SELECT {STAMP} FROM pragma_data_version");
    script.add(|sql| sql.text(&select)).await?;
    Ok(Some(Stamp::read(&script.rows().await?)?))
}

/// Writes what changed, in one statement and only if the guard holds; says whether it does. On PostgreSQL.
///
/// The parts of a statement are run from the last to the first, so those of the house are last here too.
pub(super) async fn save_guarded(
    on: &impl ConnectionTrait,
    books: &mut Books,
    guard: &Guard,
) -> Result<bool, DatabaseError> {
    let mut changes = books.take_changes();
    let (people, house) = split(std::mem::take(&mut changes.accounts));
    let mut script = Script::guarded(on, guard.begin(&house));
    for account in house {
        let change = books.account(account);
        script.add(|sql| add_to_account(sql, account, &change)).await?;
    }
    save_rows(&mut script, books, (changes, people, &NEW_REQUESTS)).await?;
    script.run_guarded().await
}

/// The accounts of people and those of the house, each once and in the order of their identifiers.
fn split(changed: Vec<LedgerAccount>) -> (Vec<LedgerAccount>, Vec<LedgerAccount>) {
    let changed: BTreeSet<LedgerAccount> = changed.into_iter().collect();
    let mut changed: Vec<_> = changed.into_iter().collect();
    changed.sort_by_cached_key(|account| account_id(*account));
    changed.into_iter().partition(|account| account.is_personal())
}

/// Writes everything but the accounts of the house.
async fn save_rows<C: ConnectionTrait>(
    script: &mut Script<'_, C>,
    books: &Books,
    (changes, people, requests): (Changes, Vec<LedgerAccount>, &Insert<30>),
) -> Result<(), DatabaseError> {
    let Changes { transfers, accounts: _, lots, keys, opened, closed, raised, requests: records, rollups } =
        changes;
    script.insert(&TRANSFERS, transfers.iter().map(write_transfer).collect()).await?;
    save_holds(script, books, (&opened, &closed, &raised)).await?;
    // These were locked when they were loaded, so their columns are replaced.
    let rows = people.iter().map(|account| write_account(*account, &books.account(*account)));
    script.insert(&ACCOUNTS, rows.collect()).await?;
    save_lots(script, lots).await?;
    save_keys(script, books, keys.into_iter().collect()).await?;
    let records: BTreeSet<RequestId> = records.into_iter().collect();
    let rows = records.iter().filter_map(|id| books.request(*id)).map(write_request);
    script.insert(requests, rows.collect::<Result<_, _>>()?).await?;
    save_rollups(script, rollups).await
}

async fn save_holds<C: ConnectionTrait>(
    script: &mut Script<'_, C>,
    books: &Books,
    (opened, closed, raised): (&[HoldId], &[HoldId], &[HoldId]),
) -> Result<(), DatabaseError> {
    let closed: Vec<Uuid> = closed.iter().flat_map(|hold| pending_ids(*hold)).collect();
    script.delete(("hold", "pending_id"), &closed).await?;
    let opened = opened.iter().filter_map(|id| books.hold(*id));
    script.insert(&HOLDS, opened.flat_map(write_hold).collect()).await?;
    let raised: BTreeSet<HoldId> = raised.iter().copied().collect();
    let floors: Vec<(HoldId, i64)> =
        raised.iter().filter_map(|id| Some((*id, books.hold(*id)?.floor.nanos()))).collect();
    raise_floors(script, &floors).await
}

async fn raise_floors<C: ConnectionTrait>(
    script: &mut Script<'_, C>,
    floors: &[(HoldId, i64)],
) -> Result<(), DatabaseError> {
    const COLUMNS: [Column; 2] = [uuid("raised_id"), int("floor")];
    let raise = "UPDATE hold SET min_cost = ";
    if script.backend() == DbBackend::MySql {
        for (hold, floor) in floors {
            let ids = pending_ids(*hold).map(Into::into);
            let update = |sql: Sql| {
                let sql = sql.text(raise).value(*floor).text(" WHERE min_cost < ").value(*floor);
                sql.text(" AND pending_id IN ").tuple(ids)
            };
            script.add(update).await?;
        }
        return Ok(());
    }
    if floors.is_empty() {
        return Ok(());
    }
    let legs = |(hold, floor): &(HoldId, i64)| pending_ids(*hold).map(|id| [id.into(), Cell::Int(*floor)]);
    let rows: Vec<[Cell<'_>; 2]> = floors.iter().flat_map(legs).collect();
    let update = |sql: Sql| {
        let sql = sql.text(raise).text("raised.floor FROM (");
        let sql = select_rows(sql, &COLUMNS, rows).text(") raised");
        sql.text(" WHERE hold.pending_id = raised.raised_id AND hold.min_cost < raised.floor").end_condition()
    };
    script.add(update).await
}

/// To accounts of the house the change is added, last, so that their locks are held as short as
/// can be.
async fn save_house<C: ConnectionTrait>(
    script: &mut Script<'_, C>,
    books: &Books,
    house: Vec<LedgerAccount>,
) -> Result<(), DatabaseError> {
    let zeros = |account: &LedgerAccount| write_account(*account, &AccountRow::default());
    if script.backend() == DbBackend::Sqlite {
        script.insert(&NEW_ACCOUNTS, house.iter().map(zeros).collect()).await?;
        for account in house {
            let change = books.account(account);
            script.add(|sql| add_to_account(sql, account, &change)).await?;
        }
        return Ok(());
    }
    script.run().await?;
    for account in house {
        let change = books.account(account);
        let (on, backend) = (script.on(), script.backend());
        let add = || add_to_account(Sql::new(backend, ""), account, &change);
        if add().run(on).await? == 0 {
            script.insert(&NEW_ACCOUNTS, vec![zeros(&account)]).await?;
            script.run().await?;
            add().run(on).await?;
        }
    }
    Ok(())
}

fn add_to_account(sql: Sql, account: LedgerAccount, change: &AccountRow) -> Sql {
    let mut update = sql.text("UPDATE account SET ");
    for (index, (column, value)) in ACCOUNT_CHANGES.iter().zip(changed_columns(change)).enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        update = update.text(&format!("{separator}{column} = {column} + ")).value(value);
    }
    update.text(" WHERE id = ").value(account_id(account)).end_condition()
}

async fn save_lots<C: ConnectionTrait>(
    script: &mut Script<'_, C>,
    lots: Vec<Lot>,
) -> Result<(), DatabaseError> {
    let last: BTreeMap<LotId, Lot> = lots.into_iter().map(|lot| (lot.id, lot)).collect();
    script.insert(&LOTS, last.values().map(write_lot).collect()).await
}

async fn save_keys<C: ConnectionTrait>(
    script: &mut Script<'_, C>,
    books: &Books,
    keys: BTreeSet<ApiKeyId>,
) -> Result<(), DatabaseError> {
    script.insert(&KEYS, keys.iter().map(|key| write_key(*key, &books.key(*key))).collect()).await
}

async fn save_rollups<C: ConnectionTrait>(
    script: &mut Script<'_, C>,
    rollups: Vec<(RollupKey, Rollup)>,
) -> Result<(), DatabaseError> {
    let mut sums: HashMap<RollupKey, Rollup> = HashMap::new();
    for (key, added) in rollups {
        let sum = sums.entry(key).or_default();
        *sum = sum.plus(&added);
    }
    let sums: BTreeMap<RollupKey, Rollup> = sums.into_iter().collect();
    script.insert(&ROLLUPS, sums.iter().map(|(key, sums)| write_rollup(key, sums)).collect()).await
}
