//! Whose turn it is to write to an SQLite file.
//!
//! The stores of a process write over one connection of sea-orm, the ledger over one of its own. SQLite lets one
//! of them write at a time, and whoever comes meanwhile looks again after a pause: under load the ledger would
//! always be there first. So they queue up here; other processes still meet them at the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// An SQLite file, and the queue of those in this process who want to write to it.
#[derive(Clone, Debug)]
pub(super) struct SqliteFile {
    path: Arc<Path>,
    queue: Arc<Semaphore>,
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl SqliteFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path: path.into(), queue: Arc::new(Semaphore::new(1)) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the turn; first come, first served.
    pub(super) async fn turn(&self) -> Turn {
        // The queue is never closed.
        Turn { _permit: Arc::clone(&self.queue).acquire_owned().await.ok() }
    }
}

/// A connection that writes, or a transaction on it.
#[derive(Debug)]
pub(super) struct Writing<C> {
    on: C,
    /// Where each statement waits for its turn.
    file: Option<SqliteFile>,
    /// The turn of all statements.
    _turn: Option<Turn>,
}

impl<C> Writing<C> {
    /// A connection; each of its statements is a turn of its own.
    pub(super) const fn statements(on: C, file: Option<SqliteFile>) -> Self {
        Self { on, file, _turn: None }
    }

    /// A transaction, which is one turn.
    pub(super) const fn transaction(on: C, turn: Option<Turn>) -> Self {
        Self { on, file: None, _turn: turn }
    }

    pub(super) const fn connection(&self) -> &C {
        &self.on
    }

    /// Where the turn is waited for, on SQLite.
    pub(super) const fn file(&self) -> Option<&SqliteFile> {
        self.file.as_ref()
    }
}

impl<C: Sync> Writing<C> {
    /// Waits for the turn, if there is something to wait for.
    pub(super) async fn turn(&self) -> Option<Turn> {
        match &self.file {
            Some(file) => Some(file.turn().await),
            None => None,
        }
    }
}

impl Writing<DatabaseTransaction> {
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        self.on.commit().await
    }

    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        self.on.rollback().await
    }
}

#[async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Writing<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.on.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _turn = self.turn().await;
        self.on.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _turn = self.turn().await;
        self.on.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _turn = self.turn().await;
        self.on.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _turn = self.turn().await;
        self.on.query_all_raw(statement).await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use crate::backends::sea_orm::fixture;

    #[tokio::test]
    async fn turns_are_taken_in_the_order_in_which_they_are_asked_for() {
        let fixture = fixture::sqlite().await;
        let (database, file) = (&fixture.database, fixture.database.file().unwrap());
        let transaction = database.begin().await.unwrap();
        let mut ledger = Box::pin(file.turn());
        assert!((&mut ledger).now_or_never().is_none(), "a transaction is one turn");
        let mut store = Box::pin(database.begin());
        assert!((&mut store).now_or_never().is_none());
        transaction.rollback().await.unwrap();
        assert!((&mut store).now_or_never().is_none(), "the ledger came first");
        let turn = ledger.await;
        assert!((&mut store).now_or_never().is_none());
        drop(turn);
        store.await.unwrap().rollback().await.unwrap();
        let _free = file.turn().now_or_never().unwrap();
    }
}
