//! Files: CSV (RFC 4180) that spreadsheets open without harm, and one JSON object per line.

use std::io;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Serialize;
use serde_json::Value;

use super::problem::Problem;
use super::usage_query::Format;
use crate::clock::Timestamp;
use crate::report::{Range, Zone};

/// Tells spreadsheets that the text is UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";
/// With these a spreadsheet begins a formula (OWASP, CSV injection), some of them in full width.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// How rows become text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) format: Format,
    pub(super) columns: &'static [&'static str],
}

impl Table {
    /// What stands before the rows.
    pub(super) fn head(self) -> String {
        match self.format {
            Format::Csv => format!("{BYTE_ORDER_MARK}{}\r\n", self.columns.join(",")),
            Format::Ndjson => String::new(),
        }
    }

    /// A row; members that are not columns are left out of CSV.
    pub(super) fn row(self, row: &impl Serialize) -> String {
        match self.format {
            Format::Ndjson => {
                let mut line = serde_json::to_string(row).unwrap_or_default();
                line.push('\n');
                line
            }
            Format::Csv => {
                let row = serde_json::to_value(row).unwrap_or_default();
                let cells = self.columns.iter().map(|column| cell(row.get(column)));
                let mut line = cells.collect::<Vec<_>>().join(",");
                line.push_str("\r\n");
                line
            }
        }
    }

    /// The answer, as a file named after what is in it.
    pub(super) fn answer(
        self,
        name: &str,
        (range, zone): (Range, &Zone),
        chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<Response, Problem> {
        let last = Timestamp::from_millis(range.to.millis().saturating_sub(1));
        let day = |at| zone.day_of(at).map(|day| day.to_string()).unwrap_or_default();
        let zone = zone.name().replace('/', "-");
        let (kind, ending) = match self.format {
            Format::Csv => ("text/csv; charset=utf-8", "csv"),
            Format::Ndjson => ("application/x-ndjson", "ndjson"),
        };
        let (from, to) = (day(range.from), day(last));
        let disposition = format!("attachment; filename=\"aiduet-{name}-{from}_{to}-{zone}.{ending}\"");
        let headers = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)];
        Ok((headers, Body::from_stream(chunks)).into_response())
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text_cell(text),
        Some(other) => other.to_string(),
    }
}

/// A text that no spreadsheet takes for a formula, quoted where it must be. Our own numbers may begin
/// with a minus and are no texts.
pub(super) fn text_cell(text: &str) -> String {
    let text = if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_no_formulas_and_quoted_as_they_must_be() {
        for (text, cell) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+44", "'+44"),
            ("-cmd", "'-cmd"),
            ("@sum", "'@sum"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("＝1", "'＝1"),
            ("a,b", "\"a,b\""),
            ("=a\"b\"", "\"'=a\"\"b\"\"\""),
            ("两行\n文字", "\"两行\n文字\""),
        ] {
            assert_eq!(text_cell(text), cell, "{text}");
        }
    }

    #[test]
    fn a_table_has_its_columns_in_order() {
        let row = serde_json::json!({"b": 1, "a": null, "c": "x,y", "d": true});
        let csv = Table { format: Format::Csv, columns: &["a", "b", "c", "d"] };
        assert_eq!(csv.head(), "\u{feff}a,b,c,d\r\n");
        assert_eq!(csv.row(&row), ",1,\"x,y\",true\r\n");
        let lines = Table { format: Format::Ndjson, columns: &[] };
        assert_eq!(lines.head() + &lines.row(&serde_json::json!({"a": 1})), "{\"a\":1}\n");
    }
}
