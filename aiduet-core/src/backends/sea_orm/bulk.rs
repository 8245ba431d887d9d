//! Statements over many rows, and the clauses in which the database systems differ.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};
use uuid::Uuid;

use super::error::DatabaseError;
use super::sql::{SIZES, Sql};

/// Runs `{before} ({ids}) {after}` for all identifiers, in statements of few sizes; a short list
/// is filled up with its last element.
pub(super) async fn select_in(
    on: &impl ConnectionTrait,
    (before, after): (&str, &str),
    ids: &[Uuid],
) -> Result<Vec<QueryResult>, DatabaseError> {
    let mut rows = Vec::new();
    for chunk in ids.chunks(256) {
        rows.extend(in_list(on, (before, after), chunk).all(on).await?);
    }
    Ok(rows)
}

/// As [`select_in`], for statements that return no rows; how many rows were affected.
pub(super) async fn execute_in(
    on: &impl ConnectionTrait,
    before: &str,
    ids: &[Uuid],
) -> Result<u64, DatabaseError> {
    let mut affected = 0_u64;
    for chunk in ids.chunks(256) {
        affected = affected.saturating_add(in_list(on, (before, ""), chunk).run(on).await?);
    }
    Ok(affected)
}

fn in_list(on: &impl ConnectionTrait, (before, after): (&str, &str), ids: &[Uuid]) -> Sql {
    let size = SIZES.into_iter().rev().find(|size| *size >= ids.len()).unwrap_or(256);
    let filled = ids.iter().chain(std::iter::repeat_n(ids, size).flat_map(<[Uuid]>::last)).take(size);
    Sql::new(on.get_database_backend(), before).text(" ").tuple(filled.map(|id| Value::from(*id))).text(after)
}

/// The clause after `INSERT … VALUES` that lets an existing row be.
pub(super) fn or_ignore(backend: DbBackend, key: &str) -> String {
    match backend {
        DbBackend::MySql => format!(" ON DUPLICATE KEY UPDATE {key} = {key}"),
        _ => " ON CONFLICT DO NOTHING".to_owned(),
    }
}

/// What becomes of a column when the row exists.
#[derive(Clone, Copy, Debug)]
pub(super) enum Merge {
    /// It takes the new value.
    Replace,
    /// The new value is added.
    Add,
}

/// The clause after `INSERT … VALUES` that merges into an existing row.
pub(super) fn or_merge(
    backend: DbBackend,
    (table, key): (&str, &str),
    columns: &[&str],
    merge: Merge,
) -> String {
    let assign = |column: &&str| {
        let new = match backend {
            DbBackend::MySql => format!("VALUES({column})"),
            _ => format!("excluded.{column}"),
        };
        match merge {
            Merge::Replace => format!("{column} = {new}"),
            Merge::Add => format!("{column} = {table}.{column} + {new}"),
        }
    };
    let assignments = columns.iter().map(assign).collect::<Vec<_>>().join(", ");
    match backend {
        DbBackend::MySql => format!(" ON DUPLICATE KEY UPDATE {assignments}"),
        _ => format!(" ON CONFLICT ({key}) DO UPDATE SET {assignments}"),
    }
}

/// The clause that locks the rows of a `SELECT`; SQLite has one writer and needs none.
pub(super) const fn for_update(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE",
    }
}
