//! Writes what a batch changed to a server.

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::guard::Guard;
use crate::backends::sea_orm::bulk::{Cell, Column, Insert, int, select_rows, uuid};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::ledger::record::{NEW_REQUESTS, REQUESTS};
use crate::backends::sea_orm::ledger::rows::{
    ACCOUNT_CHANGES, NEW_ACCOUNTS, account_id, changed_columns, pending_ids, write_account,
};
use crate::backends::sea_orm::ledger::save::{save_rows, take_changes};
use crate::backends::sea_orm::ledger::store::Sink;
use crate::backends::sea_orm::script::Script;
use crate::backends::sea_orm::sql::Sql;
use crate::id::HoldId;
use crate::ledger::LedgerAccount;
use crate::ledger::books::{AccountRow, Books};

/// Writes what changed, always in the same order of tables and rows.
pub(super) async fn save(on: &impl ConnectionTrait, books: &mut Books) -> Result<(), DatabaseError> {
    let (changes, people, house) = take_changes(books);
    let mut script = Script::new(on);
    save_rows(&mut script, books, (changes, people, &REQUESTS)).await?;
    script.run().await?;
    save_house(on, books, house).await
}

/// Writes what changed, in one statement and only if the guard holds; says whether it does. On PostgreSQL.
///
/// The parts of a statement are run from the last to the first, so those of the house are last here too.
pub(super) async fn save_guarded(
    on: &impl ConnectionTrait,
    books: &mut Books,
    guard: &Guard,
) -> Result<bool, DatabaseError> {
    let (changes, people, house) = take_changes(books);
    let mut script = Script::guarded(on, guard.begin(&house));
    for account in house {
        let change = books.account(account);
        script.add(|sql| add_to_account(sql, account, &change)).await?;
    }
    save_rows(&mut script, books, (changes, people, &NEW_REQUESTS)).await?;
    script.run_guarded().await
}

/// To accounts of the house the change is added, last, so that their locks are held as short as
/// can be.
async fn save_house(
    on: &impl ConnectionTrait,
    books: &Books,
    house: Vec<LedgerAccount>,
) -> Result<(), DatabaseError> {
    for account in house {
        let change = books.account(account);
        let add = || add_to_account(Sql::new(on.get_database_backend(), ""), account, &change);
        if add().run(on).await? == 0 {
            make(on, &NEW_ACCOUNTS, vec![write_account(account, &AccountRow::default())]).await?;
            add().run(on).await?;
        }
    }
    Ok(())
}

/// Makes rows at once.
pub(super) async fn make<const N: usize>(
    on: &impl ConnectionTrait,
    insert: &Insert<N>,
    rows: Vec<[Cell<'_>; N]>,
) -> Result<(), DatabaseError> {
    let mut script = Script::new(on);
    script.insert(insert, rows).await?;
    script.run().await
}

fn add_to_account(sql: Sql, account: LedgerAccount, change: &AccountRow) -> Sql {
    let mut update = sql.text("UPDATE account SET ");
    for (index, (column, value)) in ACCOUNT_CHANGES.iter().zip(changed_columns(change)).enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        update = update.text(&format!("{separator}{column} = {column} + ")).value(value);
    }
    update.text(" WHERE id = ").value(account_id(account)).end_condition()
}

impl<C: ConnectionTrait> Sink for Script<'_, C> {
    async fn insert<const N: usize>(
        &mut self,
        insert: &Insert<N>,
        rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError> {
        self.insert(insert, rows).await
    }

    async fn update<const N: usize>(
        &mut self,
        insert: &Insert<N>,
        rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError> {
        self.insert(insert, rows).await
    }

    async fn delete_holds(&mut self, pending: &[Uuid]) -> Result<(), DatabaseError> {
        self.delete(("hold", "pending_id"), pending).await
    }

    async fn raise_floors(&mut self, floors: &[(HoldId, i64)]) -> Result<(), DatabaseError> {
        const COLUMNS: [Column; 2] = [uuid("raised_id"), int("floor")];
        let raise = "UPDATE hold SET min_cost = ";
        if self.backend() == DbBackend::MySql {
            for (hold, floor) in floors {
                let ids = pending_ids(*hold).map(Into::into);
                let update = |sql: Sql| {
                    let sql = sql.text(raise).value(*floor).text(" WHERE min_cost < ").value(*floor);
                    sql.text(" AND pending_id IN ").tuple(ids)
                };
                self.add(update).await?;
            }
            return Ok(());
        }
        if floors.is_empty() {
            return Ok(());
        }
        let legs =
            |(hold, floor): &(HoldId, i64)| pending_ids(*hold).map(|id| [id.into(), Cell::Int(*floor)]);
        let rows: Vec<[Cell<'_>; 2]> = floors.iter().flat_map(legs).collect();
        let update = |sql: Sql| {
            let sql = sql.text(raise).text("raised.floor FROM (");
            let sql = select_rows(sql, &COLUMNS, rows).text(") raised");
            sql.text(" WHERE hold.pending_id = raised.raised_id AND hold.min_cost < raised.floor")
                .end_condition()
        };
        self.add(update).await
    }
}
