//! Statements that are run together, in as few round trips as the database allows.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use uuid::Uuid;

use super::bulk::{Cell, Insert, one_of};
use super::error::DatabaseError;
use super::sql::{SIZES, Sql};

/// Changes in order. SQLite, whose connection is a thread of its own, gets all of them in one
/// hand-over, PostgreSQL in few statements; MySQL runs each when it is added.
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

    /// What the changes are run on.
    pub(super) const fn on(&self) -> &'c C {
        self.on
    }

    /// Adds a statement, which `write` appends to what it is given.
    pub(super) async fn add(&mut self, write: impl FnOnce(Sql) -> Sql) -> Result<(), DatabaseError> {
        let backend = self.on.get_database_backend();
        if backend == DbBackend::MySql {
            return write(Sql::new(backend, "")).run(self.on).await.map(drop);
        }
        let sql = self.sql.take().unwrap_or_else(|| Sql::new(backend, ""));
        let (before, after) = match (backend, self.count) {
            (DbBackend::Postgres, 0) => ("WITH part0 AS (".to_owned(), " RETURNING 1)"),
            (DbBackend::Postgres, count) => (format!(", part{count} AS ("), " RETURNING 1)"),
            (_, 0) => (String::new(), ""),
            (_, _) => ("; ".to_owned(), ""),
        };
        self.sql = Some(write(sql.text(&before)).text(after));
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
                DbBackend::Postgres if !self.is_guarded => self.make_room(&rows).await?,
                _ => rows.len(),
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

    /// Runs what has been added; on SQLite returns the rows that are found.
    pub(super) async fn rows(&mut self) -> Result<Vec<QueryResult>, DatabaseError> {
        self.count = 0;
        match self.sql.take() {
            Some(sql) => sql.all(self.on).await,
            None => Ok(Vec::new()),
        }
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
        let end = if self.on.get_database_backend() == DbBackend::Postgres { " SELECT 1" } else { "" };
        sql.text(end).run(self.on).await.map(drop)
    }
}

/// Queries in order; SQLite answers all of them in one hand-over.
#[derive(Debug)]
pub(super) struct Queries {
    backend: DbBackend,
    list: Vec<Option<Sql>>,
}

impl Queries {
    pub(super) const fn new(backend: DbBackend) -> Self {
        Self { backend, list: Vec::new() }
    }

    pub(super) const fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Adds `SELECT {columns}` with what `rest` appends; without it no rows are found.
    pub(super) fn select(&mut self, columns: &str, rest: Option<impl FnOnce(Sql) -> Sql>) {
        let select = match self.backend {
            DbBackend::Sqlite => format!("SELECT {columns}, {} AS {PART} ", self.list.len()),
            _ => format!("SELECT {columns} "),
        };
        self.list.push(rest.map(|rest| rest(Sql::new(self.backend, &select))));
    }

    /// The rows of each query.
    pub(super) async fn run(self, on: &impl ConnectionTrait) -> Result<Parts, DatabaseError> {
        let mut parts: Vec<Vec<QueryResult>> = self.list.iter().map(|_query| Vec::new()).collect();
        if self.backend != DbBackend::Sqlite {
            for (part, sql) in parts.iter_mut().zip(self.list) {
                if let Some(sql) = sql {
                    *part = sql.all(on).await?;
                }
            }
            return Ok(Parts(parts.into_iter()));
        }
        let Some(sql) = self.list.into_iter().flatten().reduce(|all, next| all.text("; ").append(next))
        else {
            return Ok(Parts(parts.into_iter()));
        };
        for row in sql.all(on).await? {
            let part = usize::try_from(row.try_get_by::<i64, _>(PART)?).unwrap_or(usize::MAX);
            parts.get_mut(part).ok_or(DatabaseError::Unreadable { column: PART })?.push(row);
        }
        Ok(Parts(parts.into_iter()))
    }
}

/// The last column of a row on SQLite: which query found it.
const PART: &str = "query_part";

/// The rows of each query, in the order in which the queries were added.
#[derive(Debug)]
pub(super) struct Parts(std::vec::IntoIter<Vec<QueryResult>>);

impl Parts {
    pub(super) fn next(&mut self) -> Vec<QueryResult> {
        self.0.next().unwrap_or_default()
    }
}
