//! Statements over many rows, each prepared once whatever their number: SQLite gets the rows as
//! one JSON text, PostgreSQL as one array for each column, MySQL as `VALUES` in few sizes.

use std::borrow::Cow;

use sea_orm::sea_query::ArrayType;
use sea_orm::{DbBackend, Value};
use serde::{Serialize, Serializer};
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

/// As JSON; an identifier as hexadecimal text.
impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Uuid(id) => serializer.serialize_str(id.simple().encode_lower(&mut [0; 32])),
            Self::Text(text) => serializer.serialize_str(text),
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
    /// The statement for these rows.
    pub(super) fn statement(&self, sql: Sql, rows: Vec<[Cell<'_>; N]>) -> Sql {
        let names = self.columns.map(|column| column.name).join(", ");
        let sql = sql.text(&format!("INSERT INTO {} ({names}) ", self.table));
        let sql = if sql.backend() == DbBackend::MySql {
            values(sql, &self.columns, rows)
        } else {
            select_rows(sql, &self.columns, rows).text(" WHERE true").end_condition()
        };
        let clause = self.conflict_clause(sql.backend());
        sql.text(&clause)
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

/// `SELECT a, b, … FROM …` the rows; not for MySQL.
pub(super) fn select_rows<const N: usize>(sql: Sql, columns: &[Column; N], rows: Vec<[Cell<'_>; N]>) -> Sql {
    if sql.backend() == DbBackend::Sqlite {
        let expressions: Vec<String> = columns.iter().enumerate().map(json_expression).collect();
        return sql
            .text(&format!("SELECT {} FROM jsonb_each(", expressions.join(", ")))
            .value(json(rows.iter().map(<[Cell<'_>; N]>::as_slice)))
            .text(")");
    }
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

/// The value of a column of a row of JSON.
fn json_expression((index, column): (usize, &Column)) -> String {
    let Column { name, kind, nullable: _ } = column;
    match kind {
        Kind::Uuid => format!("unhex(value ->> {index}) AS {name}"),
        Kind::Int | Kind::Text => format!("value ->> {index} AS {name}"),
    }
}

/// Nothing here can fail to be written; if it did, SQLite would refuse the incomplete text.
fn json(list: impl Iterator<Item = impl Serialize>) -> String {
    let mut bytes = Vec::new();
    drop(serde_json::Serializer::new(&mut bytes).collect_seq(list));
    String::from_utf8(bytes).unwrap_or_default()
}

fn array<'a>(kind: Kind, cells: impl Iterator<Item = Cell<'a>>) -> Value {
    let (_name, elements) = kind.array();
    Value::Array(elements, Some(Box::new(cells.map(|cell| cell.into_element(kind)).collect())))
}

/// Adds the condition that a column is one of these identifiers.
pub(super) fn one_of(sql: Sql, column: &str, ids: &[Uuid]) -> Sql {
    let sql = sql.text(column);
    let cells = ids.iter().map(|id| Cell::Uuid(*id));
    match sql.backend() {
        DbBackend::Sqlite => {
            sql.text(" IN (SELECT unhex(value) FROM json_each(").value(json(cells)).text("))")
        }
        DbBackend::Postgres => sql.text(" = ANY(").value(array(Kind::Uuid, cells)).text("::uuid[])"),
        _ => {
            // In few sizes; a short list is filled up with its last element.
            let last = ids.last().copied().unwrap_or_default();
            let size = ids.len().max(1).next_power_of_two();
            let filled = ids.iter().copied().chain(std::iter::repeat(last)).take(size);
            sql.text(" IN ").tuple(filled.map(Value::from))
        }
    }
}

/// The clause that locks the rows of a `SELECT`; SQLite has one writer and needs none.
pub(super) const fn for_update(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE",
    }
}
