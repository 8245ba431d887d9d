//! Planted leaks: the positive control of the test that nothing of a request is kept.
//!
//! Compiled only with `--cfg leak_mutants`, which no feature sets and `tests/canary/rustc-leaky`
//! passes. The variable `AIDUET_LEAK` picks one leak; the search in `tests/canary` must find each.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

use crate::ledger::RequestRecord;
use crate::provider::UpstreamRequestId;

/// The longest request so far, for the leaks that happen elsewhere.
static LONGEST: Mutex<String> = Mutex::new(String::new());

fn is_on(leak: &str) -> bool {
    std::env::var("AIDUET_LEAK").is_ok_and(|chosen| chosen == leak)
}

/// Leaks a request at its arrival.
pub(crate) fn request(headers: &HeaderMap, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    if let Ok(mut longest) = LONGEST.lock() {
        if longest.len() < text.len() {
            *longest = text.clone().into_owned();
        }
    }
    if is_on("log-line") {
        tracing::info!(body = %text, "request");
    }
    if is_on("log-debug") {
        tracing::trace!(body = ?body, "request");
    }
    if is_on("serde-error") {
        let parsed =
            serde_json::from_slice::<serde_json::Value>(body).and_then(serde_json::from_value::<Strict>);
        if let Err(error) = parsed {
            tracing::warn!(%error, "cannot read the request");
        }
    }
    if is_on("panic-text") {
        let _default = std::panic::take_hook();
        let _caught = std::panic::catch_unwind(|| panic!("cannot handle {text}"));
    }
    if is_on("standard-output") {
        println!("{text}");
    }
    if is_on("standard-error") {
        let _written = std::io::stderr().write_all(hex(body).as_bytes());
    }
    if is_on("temporary-file") {
        append(&std::env::temp_dir().join("requests"), body);
    }
    if is_on("header-log") {
        let values: Vec<&[u8]> = headers.values().map(HeaderValue::as_bytes).collect();
        tracing::trace!(?values, "headers");
    }
    if is_on("core-file") {
        append(Path::new("core"), body);
    }
}

/// Leaks a piece of an answer on its way to the client.
pub(crate) fn answer(bytes: &[u8]) {
    if is_on("answer-log") {
        tracing::debug!(answer = %String::from_utf8_lossy(bytes), "answer");
    }
}

/// Leaks through the error that somebody else gets.
pub(crate) fn error_body(text: String) -> String {
    if is_on("error-body") { text + &kept() } else { text }
}

/// Leaks through what somebody else reads about themselves.
pub(crate) fn other_answer(mut body: Map<String, Value>) -> Map<String, Value> {
    if is_on("other-answer") {
        body.insert("note".to_owned(), kept().into());
    }
    body
}

/// Leaks into a column of the database.
pub(crate) fn record(record: RequestRecord) -> RequestRecord {
    if !is_on("database-column") {
        return record;
    }
    let upstream_request_id = UpstreamRequestId::parse(&kept_word());
    RequestRecord { upstream_request_id, ..record }
}

/// Leaks into a label of a metric.
pub(crate) fn metrics(text: String) -> String {
    if is_on("metric-label") {
        format!("{text}\naiduet_requests_total{{prompt={:?}}} 1\n", kept())
    } else {
        text
    }
}

/// Leaks into a header to the provider.
pub(crate) fn upstream_headers(headers: &mut HeaderMap) {
    if is_on("upstream-header") {
        if let Ok(value) = HeaderValue::from_str(&kept_word()) {
            headers.insert("x-trace", value);
        }
    }
}

#[derive(serde::Deserialize)]
struct Strict {
    #[expect(dead_code, reason = "only its type matters: the error quotes what does not fit")]
    messages: Vec<Message>,
}

#[derive(serde::Deserialize)]
struct Message {
    #[expect(dead_code, reason = "as above")]
    content: u32,
}

fn append(path: &Path, bytes: &[u8]) {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let _written = file.and_then(|mut file| file.write_all(bytes));
}

fn kept() -> String {
    LONGEST.lock().map(|text| text.clone()).unwrap_or_default()
}

/// The longest plain word of it.
fn kept_word() -> String {
    let text = kept();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.max_by_key(|word| word.len()).unwrap_or_default().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
