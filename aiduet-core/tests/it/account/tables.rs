//! Every file for a spreadsheet: it opens as it was written, and nothing in it is run.

use std::collections::BTreeSet;

use aiduet_core::money::Money;
use aiduet_core::testing::cents;
use serde_json::Value;

use super::exports::{FORMULA, active, ask, path, text, unpacked};
use super::site::{EMAIL, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t55_every_table_opens_in_a_spreadsheet_without_harm
}

/// What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
const BEGINNINGS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// The rows of a table that is as strict as RFC 4180 has it, behind the mark that says UTF-8.
fn rows(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap();
    assert!(!text.contains('\u{feff}'), "one mark, at the beginning");
    let mut rows = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut row = Vec::new();
        loop {
            let (cell, after) = cell(rest);
            row.push(cell);
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    rest =
                        after.strip_prefix("\r\n").unwrap_or_else(|| panic!("a row ends with CRLF: {after}"));
                    break;
                }
            }
        }
        rows.push(row);
    }
    rows
}

/// The first cell of a text, and what comes behind it.
fn cell(text: &str) -> (String, &str) {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (cell, rest) = text.split_at(text.find([',', '\r', '\n']).unwrap_or(text.len()));
        assert!(!cell.contains('"'), "a quote in the middle of a cell: {cell}");
        return (cell.to_owned(), rest);
    };
    let mut cell = String::new();
    loop {
        let (part, after) = rest.split_once('"').unwrap();
        cell.push_str(part);
        match after.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None => return (cell, after),
        }
    }
}

/// A number, which may begin with a minus.
fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    !digits.is_empty() && digits.chars().all(|char| char.is_ascii_digit() || char == '.')
}

fn assert_harmless(name: &str, text: &str) -> BTreeSet<String> {
    let rows = rows(text);
    let (head, rows) = rows.split_first().unwrap();
    assert!(
        head.iter().all(|column| column
            .chars()
            .all(|char| char.is_ascii_lowercase() || "_0123456789".contains(char))),
        "{name}: {head:?}"
    );
    assert!(!rows.is_empty(), "{name} has something to show");
    for row in rows {
        assert_eq!(row.len(), head.len(), "{name}: {row:?}");
        let run: Vec<_> =
            row.iter().filter(|cell| cell.starts_with(BEGINNINGS) && !is_number(cell)).collect();
        assert!(run.is_empty(), "{name}: {run:?}");
    }
    rows.iter().flatten().cloned().collect()
}

/// The paths of the account API that answer with a table.
fn of_the_api() -> Vec<String> {
    let document: Value = serde_json::from_str(&aiduet_core::http::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let is_table = |item: &Value| item["get"]["responses"]["200"]["content"].get("text/csv").is_some();
    paths.iter().filter(|(_path, item)| is_table(item)).map(|(path, _item)| path.clone()).collect()
}

async fn sec_t55_every_table_opens_in_a_spreadsheet_without_harm(store: Store) {
    let site = Site::with_person(store).await;
    let mut person = active(&site, EMAIL, FORMULA).await;
    let hostile = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=\"a\",\"b\"", "plain"];
    for words in hostile {
        let mut grant = site.factory.grant(person.id, cents(100));
        grant.external = Some(words.parse().unwrap());
        site.app.ledger().post(vec![grant]).await.unwrap();
    }
    // A balance below zero: a number may have a minus.
    let mut reserve = site.factory.reserve(person.id, Money::ZERO);
    reserve.key = person.requests[0].key;
    let record = site.factory.record(&reserve, cents(100_000));
    let settle = aiduet_core::ledger::SettleRequest { holds: vec![], record, at: site.factory.now() };
    site.app.ledger().settle(settle).await.unwrap();

    let paths = of_the_api();
    assert_eq!(paths, ["/api/v1/billing/transactions", "/api/v1/requests/export", "/api/v1/usage/export"]);
    let mut cells = BTreeSet::new();
    for path in &paths {
        let asked = if path.ends_with("/usage/export") { "&group_by=key&bucket=day" } else { "" };
        let path = format!("{}?format=csv{asked}", path.strip_prefix("/api/v1").unwrap());
        let file = site.get(&mut person.browser, &path).await.expect(200);
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        assert!(file.header("content-disposition").starts_with("attachment; filename="));
        cells.extend(assert_harmless(&path, &file.text));
    }
    let id = ask(&site, &mut person.browser).await;
    let files = unpacked(site.download(&person.browser, &path(&id)).await).await;
    let tables: Vec<_> = files.keys().filter(|name| name.ends_with(".csv")).collect();
    assert_eq!(tables, ["ledger.csv", "requests.csv", "usage.csv"]);
    for name in tables {
        cells.extend(assert_harmless(name, text(&files, name)));
    }
    for words in hostile.into_iter().filter(|words| *words != "plain").chain([FORMULA]) {
        assert!(cells.contains(&format!("'{words}")), "{words} is there, as a text");
    }
    assert!(cells.iter().any(|cell| cell.starts_with('-')), "and so is a negative number");
}
