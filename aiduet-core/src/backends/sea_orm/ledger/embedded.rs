//! SQLite, which is a part of this process: a batch is one visit to it.
//!
//! The driver of sea-orm hands each statement over to a thread of its own and each row back. Here the writer
//! itself is that thread: it binds the rows of a batch to statements that are prepared once.
#![expect(clippy::future_not_send, reason = "a visit begins and ends on the thread of the writer")]

use rusqlite::{CachedStatement, Connection, ToSql, TransactionBehavior};
use tokio::runtime::Handle;
use tokio_util::task::task_tracker::TaskTrackerToken;
use uuid::Uuid;

use super::kept::Kept;
use super::load::load;
use super::operation::{Answers, Named, Operation};
use super::queue::Exit;
use super::record::REQUESTS;
use super::rows::{
    ACCOUNT_CHANGES, NEW_ACCOUNTS, TRANSFERS_BY_ID, account_id, changed_columns, pending_ids, read_transfer,
    write_account,
};
use super::save::{save_rows, take_changes};
use super::store::{Sink, Store, Tables};
use super::writer::Writer;
use crate::backends::sea_orm::bulk::{Cell, Insert, Select};
use crate::backends::sea_orm::connect::open_for_ledger;
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::Columns;
use crate::backends::sea_orm::turn::SqliteFile;
use crate::id::HoldId;
use crate::ledger::books::{AccountRow, Books, Transfer};
use crate::ledger::{ExternalId, LedgerAccount};

/// Rows of one statement that inserts, where there are so many. Each statement looks up what the next number of a
/// row is, so that one of many rows costs less than many of one.
const ROWS: usize = 8;

/// The books in a file.
#[derive(Debug)]
pub(super) struct Embedded {
    file: SqliteFile,
    /// `None` before the first batch, and after a failure.
    connection: Option<Connection>,
    /// The state of the file that the books are kept of, as the connection counts what others commit.
    version: Option<i64>,
    kept: Kept,
}

impl Embedded {
    /// Books revenue on this shard.
    pub(super) fn new(file: SqliteFile, shard: u16) -> Self {
        Self { file, connection: None, version: None, kept: Kept::new(shard) }
    }

    async fn try_transact(&mut self, operations: &[&Operation]) -> Result<Answers, DatabaseError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_for_ledger(&self.file)?,
        };
        let named = Named::of(operations);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut visit = Visit(&transaction);
        let version = visit.version()?;
        if self.version.replace(version) != Some(version) {
            self.kept.clear();
        }
        load(&visit, &named, &mut self.kept).await?;
        let answers = operations.iter().map(|operation| operation.run(&mut self.kept.books)).collect();
        visit.save(&mut self.kept.books).await?;
        transaction.commit()?;
        self.kept.retain(&named);
        self.connection = Some(connection);
        Ok(answers)
    }
}

/// Starts the writer of a file on a thread of its own, which ends when the queue is closed and empty.
pub(super) fn start(file: SqliteFile, shard: u16, (exit, token): (Exit, TaskTrackerToken)) {
    let runtime = Handle::current();
    let thread = std::thread::Builder::new().name("aiduet-ledger".to_owned());
    let started = thread.spawn(move || {
        runtime.block_on(Writer::new(Embedded::new(file, shard)).run(exit));
        drop(token);
    });
    if let Err(error) = started {
        // The queue has lost its exit, so everything that is asked of the ledger is refused.
        tracing::error!(%error, "the thread of the ledger cannot be started");
    }
}

impl Store for Embedded {
    async fn transact(&mut self, operations: &[&Operation]) -> Result<Answers, DatabaseError> {
        let _turn = self.file.turn().await;
        let result = self.try_transact(operations).await;
        if result.is_err() {
            self.version = None;
        }
        result
    }
}

/// The tables in a transaction.
struct Visit<'a>(&'a Connection);

impl Visit<'_> {
    /// A number that is another one after another connection has committed.
    fn version(&self) -> Result<i64, DatabaseError> {
        Ok(self.0.prepare_cached("PRAGMA data_version")?.query_row((), |row| row.get(0))?)
    }

    async fn save(&mut self, books: &mut Books) -> Result<(), DatabaseError> {
        let (changes, people, house) = take_changes(books);
        save_rows(self, books, (changes, people, &REQUESTS)).await?;
        for account in house {
            let change = books.account(account);
            if self.add_to_account(account, &change)? == 0 {
                self.write(&NEW_ACCOUNTS, vec![write_account(account, &AccountRow::default())])?;
                self.add_to_account(account, &change)?;
            }
        }
        Ok(())
    }

    /// Adds to an account of the house; returns how many rows there were to add to.
    fn add_to_account(&self, account: LedgerAccount, change: &AccountRow) -> Result<usize, DatabaseError> {
        let additions = ACCOUNT_CHANGES.map(|column| format!("{column} = {column} + ?")).join(", ");
        let mut update = self.0.prepare_cached(&format!("UPDATE account SET {additions} WHERE id = ?"))?;
        let changes = changed_columns(change).map(Cell::Int);
        run(&mut update, changes.into_iter().chain([account_id(account).into()]))
    }

    fn write<const N: usize>(
        &self,
        insert: &Insert<N>,
        mut rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError> {
        for size in [ROWS, 1] {
            let rest = rows.split_off(rows.len() - rows.len() % size);
            if !rows.is_empty() {
                let mut statement = self.0.prepare_cached(&insert.rows_statement(size))?;
                let mut cells = rows.into_iter().flatten().peekable();
                while cells.peek().is_some() {
                    run(&mut statement, cells.by_ref().take(size * N))?;
                }
            }
            rows = rest;
        }
        Ok(())
    }
}

/// Runs a statement with these parameters; returns how many rows it changed.
fn run(
    statement: &mut CachedStatement<'_>,
    parameters: impl IntoIterator<Item = impl ToSql>,
) -> Result<usize, DatabaseError> {
    for (index, parameter) in (1_usize..).zip(parameters) {
        statement.raw_bind_parameter(index, parameter)?;
    }
    Ok(statement.raw_execute()?)
}

impl Tables for Visit<'_> {
    const IS_ALONE: bool = true;

    async fn select<T>(
        &self,
        select: &Select,
        ids: &[Uuid],
        read: fn(Columns<'_>) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, DatabaseError> {
        let mut found = Vec::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let mut statement = self.0.prepare_cached(&select.row_statement())?;
        for id in ids {
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                found.push(read(Columns::of_rusqlite(row))?);
            }
        }
        Ok(found)
    }

    async fn select_external(
        &self,
        code: &str,
        external: &ExternalId,
    ) -> Result<Option<Transfer>, DatabaseError> {
        let select = format!("{}t.code = ? AND t.ext = ?", TRANSFERS_BY_ID.begin());
        let mut statement = self.0.prepare_cached(&select)?;
        let mut rows = statement.query((code, external.to_string()))?;
        rows.next()?.map(Columns::of_rusqlite).map(read_transfer).transpose()
    }

    async fn make<const N: usize>(
        &self,
        insert: &Insert<N>,
        rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError> {
        self.write(insert, rows)
    }
}

impl Sink for Visit<'_> {
    async fn insert<const N: usize>(
        &mut self,
        insert: &Insert<N>,
        rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError> {
        self.write(insert, rows)
    }

    async fn update<const N: usize>(
        &mut self,
        insert: &Insert<N>,
        rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError> {
        let Some((update, places)) = insert.update_statement().filter(|_update| !rows.is_empty()) else {
            return self.write(insert, rows);
        };
        let mut update = self.0.prepare_cached(&update)?;
        let mut missing = Vec::new();
        for row in rows {
            if run(&mut update, places.iter().filter_map(|place| row.get(*place)))? == 0 {
                missing.push(row);
            }
        }
        self.write(insert, missing)
    }

    async fn delete_holds(&mut self, pending: &[Uuid]) -> Result<(), DatabaseError> {
        let mut delete = self.0.prepare_cached("DELETE FROM hold WHERE pending_id = ?")?;
        for id in pending {
            run(&mut delete, [id])?;
        }
        Ok(())
    }

    async fn raise_floors(&mut self, floors: &[(HoldId, i64)]) -> Result<(), DatabaseError> {
        let update = "UPDATE hold SET min_cost = ?1 WHERE pending_id = ?2 AND min_cost < ?1";
        let mut update = self.0.prepare_cached(update)?;
        for (hold, floor) in floors {
            for pending in pending_ids(*hold) {
                run(&mut update, [Cell::Int(*floor), pending.into()])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use sea_orm::ConnectionTrait;

    use crate::backends::sea_orm::fixture;
    use crate::backends::sea_orm::ledger::{LedgerConfig, SeaOrmLedger};
    use crate::clock::{Clock, SystemClock};
    use crate::id::AccountId;
    use crate::ledger::{Audit, Ledger, LedgerError, ReserveRequest};
    use crate::money::Money;
    use crate::testing::{Factory, cents};

    async fn funded(ledger: &SeaOrmLedger, factory: &Factory) -> AccountId {
        let account = factory.account_id();
        ledger.post(vec![factory.top_up(account, cents(100))]).await.unwrap();
        account
    }

    #[tokio::test]
    async fn a_batch_that_the_file_refuses_changes_nothing_and_takes_no_other_with_it() {
        let fixture = fixture::sqlite().await;
        let ledger = SeaOrmLedger::start(fixture.database.clone(), LedgerConfig::default());
        let factory = Factory::at(1, SystemClock::new().now());
        let (account, other) = (funded(&ledger, &factory).await, funded(&ledger, &factory).await);
        let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON hold WHEN NEW.amount = 20000000 \
            BEGIN SELECT RAISE(ABORT, 'refused'); END";
        fixture.database.writer().execute_unprepared(refuse).await.unwrap();
        let bad = factory.reserve(account, cents(2));
        let good = factory.reserve(other, cents(3));
        let (refused, made) = tokio::join!(ledger.reserve(bad.clone()), ledger.reserve(good));
        assert!(matches!(refused, Err(LedgerError::Unavailable { .. })), "{refused:?}");
        assert_eq!(made.unwrap().amount, cents(3));
        assert_eq!(ledger.balance(account).await.unwrap().held, Money::ZERO);
        fixture.database.writer().execute_unprepared("DROP TRIGGER refuse").await.unwrap();
        assert_eq!(ledger.reserve(bad).await.unwrap().amount, cents(2));
        assert_eq!(ledger.balance(account).await.unwrap().held, cents(2));
        assert_eq!(ledger.verify().await.unwrap(), []);
    }

    /// More rows of each table than one statement takes, with some left over.
    #[tokio::test]
    async fn batches_of_every_size_are_written_whole() {
        let fixture = fixture::sqlite().await;
        let ledger = SeaOrmLedger::start(fixture.database.clone(), LedgerConfig::default());
        let factory = Factory::new(2);
        for size in [1, 7, 8, 9, 31] {
            let mut reserves: Vec<ReserveRequest> = Vec::new();
            for _account in 0..size {
                reserves.push(factory.reserve(funded(&ledger, &factory).await, cents(5)));
            }
            let holds = reserves.iter().map(|reserve| ledger.reserve(reserve.clone()));
            let holds = futures_util::future::join_all(holds).await;
            assert!(holds.iter().all(Result::is_ok), "{holds:?}");
            let settles = reserves.iter().map(|reserve| ledger.settle(factory.settle(reserve, cents(4))));
            for settled in futures_util::future::join_all(settles).await {
                let settled = settled.unwrap();
                assert_eq!((settled.charged, settled.balance.available), (cents(4), cents(96)));
            }
        }
        assert_eq!(ledger.verify().await.unwrap(), []);
    }
}
