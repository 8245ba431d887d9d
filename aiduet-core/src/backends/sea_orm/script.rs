//! Statements that are run together, in as few round trips as the database allows.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use uuid::Uuid;

use super::bulk::{Cell, Insert, one_of};
use super::error::DatabaseError;
use super::sql::{SIZES, Sql};

/// Changes in order. SQLite, whose connection is a thread of its own, gets all of them in one
/// hand-over, PostgreSQL in one statement; MySQL runs each when it is added.
///
/// On PostgreSQL no change sees what another one did, so they must not touch the same rows.
#[derive(Debug)]
pub(super) struct Script<'c, C> {
    on: &'c C,
    sql: Option<Sql>,
    count: u32,
}

impl<'c, C: ConnectionTrait> Script<'c, C> {
    pub(super) const fn new(on: &'c C) -> Self {
        Self { on, sql: None, count: 0 }
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
            (DbBackend::Postgres, 0) => ("WITH part0 AS (".to_owned(), ")"),
            (DbBackend::Postgres, count) => (format!(", part{count} AS ("), ")"),
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
                _ => rows.len(),
            };
            let rest = rows.split_off(size);
            self.add(|sql| insert.statement(sql, rows)).await?;
            rows = rest;
        }
        Ok(())
    }

    /// Deletes the rows that have one of these identifiers.
    pub(super) async fn delete(
        &mut self,
        (table, column): (&str, &str),
        ids: &[Uuid],
    ) -> Result<(), DatabaseError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.add(|sql| one_of(sql.text(&format!("DELETE FROM {table} WHERE ")), column, ids)).await
    }

    /// Runs what has been added; on SQLite returns the rows that are found.
    pub(super) async fn rows(&mut self) -> Result<Vec<QueryResult>, DatabaseError> {
        self.count = 0;
        match self.sql.take() {
            Some(sql) => sql.all(self.on).await,
            None => Ok(Vec::new()),
        }
    }

    /// Runs what has been added.
    pub(super) async fn run(&mut self) -> Result<(), DatabaseError> {
        let Some(sql) = self.sql.take() else { return Ok(()) };
        self.count = 0;
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
