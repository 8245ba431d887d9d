//! What commands print: data on the standard output, as a table or as JSON.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

/// How a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// What people look for first, in this order; further columns follow.
const FIRST: [&str; 20] = [
    "check",
    "passed",
    "id",
    "key",
    "email",
    "account",
    "name",
    "version",
    "model",
    "class",
    "old",
    "new",
    "provider",
    "state",
    "prefix",
    "last4",
    "amount",
    "available",
    "held",
    "used",
];

/// Prints a list of objects.
pub(crate) fn list<T: Serialize>(form: Form, rows: &[T]) -> std::io::Result<()> {
    let rows: Vec<Value> = rows.iter().map(|row| serde_json::to_value(row).unwrap_or_default()).collect();
    match form {
        Form::Json => line(&Value::Array(rows).to_string()),
        Form::Table => line(&table(&rows)),
    }
}

/// Prints one object.
pub(crate) fn object<T: Serialize>(form: Form, object: &T) -> std::io::Result<()> {
    let value = serde_json::to_value(object).unwrap_or_default();
    match form {
        Form::Json => line(&value.to_string()),
        Form::Table => {
            let Value::Object(fields) = &value else { return line(&cell(&value)) };
            let width = fields.keys().map(|name| name.chars().count()).max().unwrap_or_default();
            let told = ordered(fields).into_iter().filter_map(|name| Some((name, fields.get(name)?)));
            let lines: Vec<_> =
                told.map(|(name, value)| format!("{name:<width$}  {}", cell(value))).collect();
            line(&lines.join("\n"))
        }
    }
}

/// Prints text as it is. A reader that has gone away is not an error worth a message.
pub(crate) fn line(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints a message beside the data.
pub(crate) fn note(text: &str) {
    // There is nowhere to report that the report failed.
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// The names of the fields, the important ones first.
fn ordered(fields: &serde_json::Map<String, Value>) -> Vec<&str> {
    let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
    names.sort_by_key(|name| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()));
    names
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn table(rows: &[Value]) -> String {
    let Some(Value::Object(first)) = rows.first() else { return "(none)".to_owned() };
    let names = ordered(first);
    let body =
        rows.iter().map(|row| names.iter().map(|name| row.get(name).map(cell).unwrap_or_default()).collect());
    let head = names.iter().map(|name| name.to_uppercase()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let mut widths = vec![0; names.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let aligned = |line: &Vec<String>| {
        let cells: Vec<_> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(aligned).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_a_head_and_aligned_columns() {
        let rows = [json!({"id": "key_1", "name": "laptop"}), json!({"id": "key_22", "name": null})];
        assert_eq!(table(&rows), "ID      NAME\nkey_1   laptop\nkey_22  -");
        assert_eq!(table(&[]), "(none)");
    }
}
