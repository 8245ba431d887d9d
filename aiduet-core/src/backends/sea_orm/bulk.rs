//! Statements over many rows, each prepared once whatever their number: PostgreSQL gets the rows as one array for
//! each column, MySQL as `VALUES` in few sizes, SQLite row by row.

use std::borrow::Cow;

use rusqlite::ToSql;
use rusqlite::types::{Null, ToSqlOutput};
use sea_orm::sea_query::ArrayType;
use sea_orm::{DbBackend, Value};
use uuid::Uuid;

use super::sql::Sql;

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Uuid(Uuid),
    Text(Cow<'a, str>),
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Uuid> for Cell<'_> {
    fn from(id: Uuid) -> Self {
        Self::Uuid(id)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Null => Null.to_sql(),
            Self::Int(number) => number.to_sql(),
            Self::Uuid(id) => id.to_sql(),
            Self::Text(text) => text.as_ref().to_sql(),
        }
    }
}

impl Cell<'_> {
    /// Its bytes as an element of an array of PostgreSQL, with its length.
    pub(super) const fn wire_bytes(&self) -> usize {
        match self {
            Self::Null => 4,
            Self::Int(_) => 12,
            Self::Uuid(_) => 20,
            Self::Text(text) => match text {
                Cow::Borrowed(text) => text.len().saturating_add(4),
                Cow::Owned(text) => text.len().saturating_add(4),
            },
        }
    }

    fn into_value(self, kind: Kind) -> Value {
        match self {
            Self::Null => match kind {
                Kind::Uuid => Value::Uuid(None),
                Kind::Int => Value::BigInt(None),
                Kind::Text => Value::String(None),
            },
            Self::Int(number) => number.into(),
            Self::Uuid(id) => id.into(),
            Self::Text(text) => text.into_owned().into(),
        }
    }

    /// An element of an array. Those of sea-orm hold no nulls; see [`Kind::null`].
    fn into_element(self, kind: Kind) -> Value {
        match (self, kind) {
            (Self::Null, Kind::Uuid) => Uuid::nil().into(),
            (Self::Null, Kind::Int) => i64::MIN.into(),
            (Self::Null, Kind::Text) => String::new().into(),
            (cell, kind) => cell.into_value(kind),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Uuid,
    Int,
    Text,
}

impl Kind {
    const fn array(self) -> (&'static str, ArrayType) {
        match self {
            Self::Uuid => ("uuid[]", ArrayType::Uuid),
            Self::Int => ("bigint[]", ArrayType::BigInt),
            Self::Text => ("text[]", ArrayType::String),
        }
    }

    /// What stands for null in an array: nothing that a column which may be null ever holds.
    const fn null(self) -> &'static str {
        match self {
            Self::Uuid => "'00000000-0000-0000-0000-000000000000'",
            Self::Int => "'-9223372036854775808'",
            Self::Text => "''",
        }
    }
}

/// A column that rows are written to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    name: &'static str,
    kind: Kind,
    nullable: bool,
}

/// A column of identifiers.
pub(super) const fn uuid(name: &'static str) -> Column {
    Column { name, kind: Kind::Uuid, nullable: false }
}

/// A column of numbers.
pub(super) const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int, nullable: false }
}

/// A column of texts.
pub(super) const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text, nullable: false }
}

impl Column {
    /// The same column, which may be null.
    pub(super) const fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }
}

/// What happens when a row with the same key exists.
#[derive(Clone, Copy, Debug)]
pub(super) enum Conflict {
    /// The statement fails.
    Fail,
    /// The row stays as it is.
    Keep(&'static str),
    /// These columns take the new values.
    Replace(&'static str, &'static [&'static str]),
    /// The new values are added to these columns.
    Add(&'static str, &'static [&'static str]),
}

/// How rows are written to a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Insert<const N: usize> {
    pub(super) table: &'static str,
    pub(super) columns: [Column; N],
    pub(super) conflict: Conflict,
}

impl<const N: usize> Insert<N> {
    /// The statement for so many rows on SQLite; its parameters are their columns in order.
    pub(super) fn rows_statement(&self, rows: usize) -> String {
        let row = format!("({})", ["?"; N].join(", "));
        let rows = vec![row; rows].join(", ");
        let clause = self.conflict_clause(DbBackend::Sqlite);
        format!("{}VALUES {rows}{clause}", self.begin())
    }

    /// The statement on SQLite that does to a row that is there what an insertion would do to it, and the places
    /// of its parameters among the columns; `None` if an insertion leaves it as it is.
    pub(super) fn update_statement(&self) -> Option<(String, Vec<usize>)> {
        let (key, columns, sum) = match self.conflict {
            Conflict::Fail | Conflict::Keep(_) => return None,
            Conflict::Replace(key, columns) => (key, columns, ""),
            Conflict::Add(key, columns) => (key, columns, "{column} + "),
        };
        let assign = |column: &&str| format!("{column} = {}?", sum.replace("{column}", column));
        let assignments = columns.iter().map(assign).collect::<Vec<_>>().join(", ");
        let condition = key.replace(", ", " = ? AND ");
        let place = |name: &str| self.columns.iter().position(|column| column.name == name);
        let places = columns.iter().copied().chain(key.split(", ")).filter_map(place).collect();
        Some((format!("UPDATE {} SET {assignments} WHERE {condition} = ?", self.table), places))
    }

    /// The statement for these rows; not for SQLite.
    pub(super) fn statement(&self, sql: Sql, rows: Vec<[Cell<'_>; N]>) -> Sql {
        let sql = sql.text(&self.begin());
        let sql = if sql.backend() == DbBackend::MySql {
            values(sql, &self.columns, rows)
        } else {
            select_rows(sql, &self.columns, rows).text(" WHERE true").end_condition()
        };
        let clause = self.conflict_clause(sql.backend());
        sql.text(&clause)
    }

    /// The statement up to its rows.
    fn begin(&self) -> String {
        format!("INSERT INTO {} ({}) ", self.table, self.columns.map(|column| column.name).join(", "))
    }

    /// Selects and locks, in the order of their keys, the rows of which every column that is ever replaced
    /// is as in these; for PostgreSQL.
    pub(super) fn select_unchanged(&self, sql: Sql, rows: Vec<[Cell<'_>; N]>) -> Sql {
        let table = self.table;
        let Conflict::Replace(key, columns) = self.conflict else { return sql };
        let same = |column: &&str| format!(" AND {table}.{column} IS NOT DISTINCT FROM kept.{column}");
        let same: String = columns.iter().map(same).collect();
        let sql = sql.text(&format!("SELECT 1 FROM {table} JOIN ("));
        select_rows(sql, &self.columns, rows).text(&format!(
            ") kept ON {table}.{key} = kept.{key}{same} ORDER BY {table}.{key} FOR UPDATE OF {table}"
        ))
    }

    fn conflict_clause(&self, backend: DbBackend) -> String {
        let table = self.table;
        let new = |column: &str| match backend {
            DbBackend::MySql => format!("VALUES({column})"),
            _ => format!("excluded.{column}"),
        };
        let merge = |key: &str, columns: &[&str], assign: &dyn Fn(&str) -> String| {
            let assignments = columns.iter().map(|column| assign(column)).collect::<Vec<_>>().join(", ");
            match backend {
                DbBackend::MySql => format!(" ON DUPLICATE KEY UPDATE {assignments}"),
                _ => format!(" ON CONFLICT ({key}) DO UPDATE SET {assignments}"),
            }
        };
        match self.conflict {
            Conflict::Fail => String::new(),
            Conflict::Keep(key) if backend == DbBackend::MySql => {
                format!(" ON DUPLICATE KEY UPDATE {key} = {key}")
            }
            Conflict::Keep(key) => format!(" ON CONFLICT ({key}) DO NOTHING"),
            Conflict::Replace(key, columns) => {
                merge(key, columns, &|column| format!("{column} = {}", new(column)))
            }
            Conflict::Add(key, columns) => {
                merge(key, columns, &|column| format!("{column} = {table}.{column} + {}", new(column)))
            }
        }
    }
}

fn values<const N: usize>(mut sql: Sql, columns: &[Column; N], rows: Vec<[Cell<'_>; N]>) -> Sql {
    for (index, row) in rows.into_iter().enumerate() {
        sql = sql.text(if index == 0 { "VALUES " } else { ", " });
        sql = sql.tuple(row.into_iter().zip(columns).map(|(cell, column)| cell.into_value(column.kind)));
    }
    sql
}

/// `SELECT a, b, … FROM …` the rows; for PostgreSQL.
pub(super) fn select_rows<const N: usize>(sql: Sql, columns: &[Column; N], rows: Vec<[Cell<'_>; N]>) -> Sql {
    let expression = |column: &Column| match column {
        Column { name, kind, nullable: true } => format!("NULLIF({name}, {}) AS {name}", kind.null()),
        Column { name, .. } => (*name).to_owned(),
    };
    let expressions: Vec<String> = columns.iter().map(expression).collect();
    let mut sql = sql.text(&format!("SELECT {} FROM unnest(", expressions.join(", ")));
    let mut rows: Vec<_> = rows.into_iter().map(IntoIterator::into_iter).collect();
    for (index, column) in columns.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let (name, _type) = column.kind.array();
        let cells = rows.iter_mut().filter_map(Iterator::next);
        sql = sql.text(separator).value(array(column.kind, cells)).text("::").text(name);
    }
    let names = columns.map(|column| column.name).join(", ");
    sql.text(&format!(") new_rows ({names})"))
}

fn array<'a>(kind: Kind, cells: impl Iterator<Item = Cell<'a>>) -> Value {
    let (_name, elements) = kind.array();
    Value::Array(elements, Some(Box::new(cells.map(|cell| cell.into_element(kind)).collect())))
}

/// Adds the condition that a column is one of these identifiers.
pub(super) fn one_of(sql: Sql, column: &str, ids: &[Uuid]) -> Sql {
    let sql = sql.text(column);
    match sql.backend() {
        DbBackend::Sqlite => {
            let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
            sql.text(" IN (SELECT unhex(value) FROM json_each(")
                .value(serde_json::json!(ids).to_string())
                .text("))")
        }
        DbBackend::Postgres => {
            let cells = ids.iter().map(|id| Cell::Uuid(*id));
            sql.text(" = ANY(").value(array(Kind::Uuid, cells)).text("::uuid[])")
        }
        _ => {
            // In few sizes; a short list is filled up with its last element.
            let last = ids.last().copied().unwrap_or_default();
            let size = ids.len().max(1).next_power_of_two();
            let filled = ids.iter().copied().chain(std::iter::repeat(last)).take(size);
            sql.text(" IN ").tuple(filled.map(Value::from))
        }
    }
}

/// How rows are found by identifiers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Select {
    columns: &'static str,
    from: &'static str,
    by: &'static str,
    condition: &'static str,
    is_locking: bool,
}

impl Select {
    /// These columns of a table, or of several joined ones, by the identifiers in the column `by`.
    pub(super) const fn new(columns: &'static str, from: &'static str, by: &'static str) -> Self {
        Self { columns, from, by, condition: "", is_locking: false }
    }

    /// Those of them that meet a condition, which begins with ` AND`.
    pub(super) const fn only(self, condition: &'static str) -> Self {
        Self { condition, ..self }
    }

    /// Locks the rows in the order of their identifiers; SQLite has one writer and needs no locks.
    pub(super) const fn locking(self) -> Self {
        Self { is_locking: true, ..self }
    }

    /// The statement for one identifier on SQLite.
    pub(super) fn row_statement(&self) -> String {
        format!("{}{} = ?{}", self.begin(), self.by, self.condition)
    }

    /// The statement up to its condition.
    pub(super) fn begin(&self) -> String {
        format!("SELECT {} FROM {} WHERE ", self.columns, self.from)
    }

    /// The statement for these identifiers.
    pub(super) fn statement(&self, backend: DbBackend, ids: &[Uuid]) -> Sql {
        let Self { columns: _, from: _, by, condition, is_locking } = self;
        let sql = one_of(Sql::new(backend, &self.begin()), by, ids).text(condition);
        if *is_locking { sql.text(&format!(" ORDER BY {by}")).text(for_update(backend)) } else { sql }
    }
}

/// The clause that locks the rows of a `SELECT`; SQLite has one writer and needs none.
pub(super) const fn for_update(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE",
    }
}
