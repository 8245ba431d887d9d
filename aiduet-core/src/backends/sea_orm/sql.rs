//! Statements in the dialect of each database, and values out of rows.
//!
//! The texts are fixed but for the number of rows, which comes in few sizes, so that every
//! connection prepares each statement once.

use rusqlite::types::FromSql;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, TryGetable, Value};

use super::error::DatabaseError;

/// Numbers of rows that one statement takes on MySQL.
pub(super) const SIZES: [usize; 9] = [256, 128, 64, 32, 16, 8, 4, 2, 1];

/// A statement under construction.
#[derive(Debug)]
pub(super) struct Sql {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
    is_guarded: bool,
}

impl Sql {
    pub(super) fn new(backend: DbBackend, text: &str) -> Self {
        Self { backend, text: text.to_owned(), values: Vec::new(), is_guarded: false }
    }

    /// The same text, to which changes are added that happen only if a part called `guard` has a row.
    pub(super) fn guarded(self) -> Self {
        Self { is_guarded: true, ..self }
    }

    /// Ends the condition of a change.
    pub(super) fn end_condition(self) -> Self {
        if self.is_guarded { self.text(" AND EXISTS (SELECT 1 FROM guard)") } else { self }
    }

    pub(super) const fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Adds text.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Adds a placeholder with its value.
    pub(super) fn value(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        if self.backend == DbBackend::Postgres {
            self.text.push('$');
            self.text.push_str(&self.values.len().to_string());
        } else {
            self.text.push('?');
        }
        self
    }

    /// Adds `(?, ?, …)`.
    pub(super) fn tuple(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.text.push('(');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self = self.value(value);
        }
        self.text.push(')');
        self
    }

    pub(super) fn build(self) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text, self.values)
    }

    pub(super) async fn run(self, on: &impl ConnectionTrait) -> Result<u64, DatabaseError> {
        Ok(on.execute_raw(self.build()).await?.rows_affected())
    }

    pub(super) async fn all(self, on: &impl ConnectionTrait) -> Result<Vec<QueryResult>, DatabaseError> {
        Ok(on.query_all_raw(self.build()).await?)
    }

    pub(super) async fn one(self, on: &impl ConnectionTrait) -> Result<Option<QueryResult>, DatabaseError> {
        Ok(on.query_all_raw(self.build()).await?.into_iter().next())
    }
}

/// Runs `{before} (…)` with the values of one row.
pub(super) async fn insert_row(
    on: &impl ConnectionTrait,
    before: &str,
    row: Vec<Value>,
) -> Result<(), DatabaseError> {
    Sql::new(on.get_database_backend(), before).text(" ").tuple(row).run(on).await.map(drop)
}

/// The database's clock in milliseconds since 1970.
pub(super) const fn now_millis(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        DbBackend::MySql => "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
        _ => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    }
}

/// A row of one of the two drivers.
#[derive(Clone, Copy, Debug)]
enum Row<'a> {
    SeaOrm(&'a QueryResult),
    Rusqlite(&'a rusqlite::Row<'a>),
}

/// What both drivers read.
pub(super) trait Readable: TryGetable + FromSql {}

impl<T: TryGetable + FromSql> Readable for T {}

/// Reads the columns of a row from left to right.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    row: Row<'a>,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(super) const fn of(row: &'a QueryResult) -> Self {
        Self { row: Row::SeaOrm(row), next: 0 }
    }

    pub(super) const fn of_rusqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self { row: Row::Rusqlite(row), next: 0 }
    }

    pub(super) fn next<T: Readable>(&mut self) -> Result<T, DatabaseError> {
        let index = self.next;
        self.next = index.saturating_add(1);
        match self.row {
            Row::SeaOrm(row) => Ok(row.try_get_by_index(index)?),
            Row::Rusqlite(row) => Ok(row.get(index)?),
        }
    }

    /// A number that is not negative.
    pub(super) fn next_count(&mut self, column: &'static str) -> Result<u64, DatabaseError> {
        u64::try_from(self.next::<i64>()?).map_err(|_negative| DatabaseError::Unreadable { column })
    }

    /// A value of which our code makes something; `None` from `make` is an unreadable column.
    pub(super) fn next_as<T: Readable, U>(
        &mut self,
        column: &'static str,
        make: impl FnOnce(T) -> Option<U>,
    ) -> Result<U, DatabaseError> {
        make(self.next()?).ok_or(DatabaseError::Unreadable { column })
    }
}
