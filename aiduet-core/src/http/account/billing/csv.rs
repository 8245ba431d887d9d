//! A statement as a file for a spreadsheet (RFC 4180).

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};

use super::view::TransactionView;
use crate::http::account::export::{BYTE_ORDER_MARK, text_cell};

const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");
/// The first line of the table.
pub(in super::super) const HEAD: &str =
    "id,kind,at,day,model,reference,amount,amount_nano,balance,balance_nano\r\n";

/// The answer with the file.
pub(super) fn file(lines: impl Iterator<Item = TransactionView>, next: Option<String>) -> Response {
    let head = [BYTE_ORDER_MARK, HEAD].map(str::to_owned);
    let text: String = head.into_iter().chain(lines.map(line)).collect();
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name = HeaderValue::from_static("attachment; filename=\"transactions.csv\"");
    headers.insert(CONTENT_DISPOSITION, name);
    if let Some(next) = next.and_then(|next| HeaderValue::try_from(next).ok()) {
        headers.insert(NEXT, next);
    }
    response
}

/// A line of the file.
pub(in super::super) fn line(line: TransactionView) -> String {
    let TransactionView { id, kind, at, day, model, reference, amount, amount_nano, balance, balance_nano } =
        line;
    let texts = [id, kind.as_str().to_owned(), at, day, model.unwrap_or_default()];
    let texts = texts.into_iter().chain([reference.unwrap_or_default()]).map(|text| text_cell(&text));
    let numbers = [amount, amount_nano.to_string(), balance, balance_nano.to_string()];
    texts.chain(numbers).collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::text_cell;

    #[test]
    fn a_formula_becomes_a_text_and_separators_stay_inside() {
        for (text, expected) in [
            ("pi_1", "pi_1"),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3", "'-2+3"),
            ("\tx", "'\tx"),
            ("a,b", "\"a,b\""),
            ("=\"a\"", "\"'=\"\"a\"\"\""),
        ] {
            assert_eq!(text_cell(text), expected, "{text:?}");
        }
    }
}
