//! Statements that are run together, in as few round trips as the database allows.

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::bulk::{Cell, Insert, one_of};
use super::error::DatabaseError;
use super::sql::{SIZES, Sql};

/// Changes in order. PostgreSQL gets them in few statements; MySQL runs each when it is added.
///
/// On PostgreSQL no change sees what another one did, so they must not touch the same rows.
#[derive(Debug)]
pub(super) struct Script<'c, C> {
    on: &'c C,
    sql: Option<Sql>,
    count: u32,
    /// Bytes of the values of what has been added, about.
    bytes: usize,
    /// Everything is one statement, which does nothing if its guard has no row.
    is_guarded: bool,
}

/// Most bytes of values in one statement to PostgreSQL. What is longer than a TLS record (16 KiB)
/// goes out in several writes, and as the driver does not set TCP_NODELAY the last one waits for
/// an acknowledgement that the server delays by 40 ms.
const STATEMENT_BYTES_MAX: usize = 12 * 1_024;
/// Bytes of an identifier in a list, with its length.
const ID_BYTES: usize = 20;
/// Most identifiers of one list.
const IDS_MAX: usize = 512;

impl<'c, C: ConnectionTrait> Script<'c, C> {
    pub(super) const fn new(on: &'c C) -> Self {
        Self { on, sql: None, count: 0, bytes: 0, is_guarded: false }
    }

    /// Changes in one statement of PostgreSQL, which begins with this text. Its part `guard` has a row if they
    /// are to be made.
    pub(super) fn guarded(on: &'c C, begin: Sql) -> Self {
        Self { on, sql: Some(begin.guarded()), count: 1, bytes: 0, is_guarded: true }
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.on.get_database_backend()
    }

    /// Adds a statement, which `write` appends to what it is given.
    pub(super) async fn add(&mut self, write: impl FnOnce(Sql) -> Sql) -> Result<(), DatabaseError> {
        let backend = self.on.get_database_backend();
        if backend == DbBackend::MySql {
            return write(Sql::new(backend, "")).run(self.on).await.map(drop);
        }
        let sql = self.sql.take().unwrap_or_else(|| Sql::new(backend, ""));
        let before = match self.count {
            0 => "WITH part0 AS (".to_owned(),
            count => format!(", part{count} AS ("),
        };
        self.sql = Some(write(sql.text(&before)).text(" RETURNING 1)"));
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Adds rows.
    pub(super) async fn insert<const N: usize>(
        &mut self,
        insert: &Insert<N>,
        mut rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError> {
        while !rows.is_empty() {
            let size = match self.on.get_database_backend() {
                DbBackend::MySql => SIZES.into_iter().find(|size| *size <= rows.len()).unwrap_or(1),
                _ if self.is_guarded => rows.len(),
                _ => self.make_room(&rows).await?,
            };
            let rest = rows.split_off(size);
            self.add(|sql| insert.statement(sql, rows)).await?;
            rows = rest;
        }
        Ok(())
    }

    /// How many of these rows the statement takes, at least one. A full statement is run first.
    async fn make_room<const N: usize>(&mut self, rows: &[[Cell<'_>; N]]) -> Result<usize, DatabaseError> {
        let mut sizes = rows.iter().map(|row| row.iter().map(Cell::wire_bytes).sum::<usize>());
        self.weigh(sizes.next().unwrap_or_default()).await?;
        let mut taken = 1_usize;
        for bytes in sizes {
            let sum = self.bytes.saturating_add(bytes);
            if sum > STATEMENT_BYTES_MAX {
                break;
            }
            taken = taken.saturating_add(1);
            self.bytes = sum;
        }
        Ok(taken)
    }

    /// Counts values that are added next; without room for them what has been added is run first.
    async fn weigh(&mut self, bytes: usize) -> Result<(), DatabaseError> {
        let is_split = self.on.get_database_backend() == DbBackend::Postgres && !self.is_guarded;
        if is_split && self.bytes.saturating_add(bytes) > STATEMENT_BYTES_MAX {
            self.run().await?;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }

    /// Deletes the rows that have one of these identifiers.
    pub(super) async fn delete(
        &mut self,
        (table, column): (&str, &str),
        ids: &[Uuid],
    ) -> Result<(), DatabaseError> {
        for ids in ids.chunks(IDS_MAX) {
            self.weigh(ids.len().saturating_mul(ID_BYTES)).await?;
            let delete = format!("DELETE FROM {table} WHERE ");
            self.add(|sql| one_of(sql.text(&delete), column, ids).end_condition()).await?;
        }
        Ok(())
    }

    /// Runs what has been added behind a guard; says whether it was done.
    pub(super) async fn run_guarded(mut self) -> Result<bool, DatabaseError> {
        let Some(sql) = self.sql.take() else { return Ok(false) };
        Ok(sql.text(" SELECT 1 FROM guard").one(self.on).await?.is_some())
    }

    /// Runs what has been added.
    pub(super) async fn run(&mut self) -> Result<(), DatabaseError> {
        let Some(sql) = self.sql.take() else { return Ok(()) };
        (self.count, self.bytes) = (0, 0);
        sql.text(" SELECT 1").run(self.on).await.map(drop)
    }
}
