//! Planted leaks: the positive control of the test that nothing of a request is kept.
//!
//! Compiled only with `--cfg leak_mutants`, which no feature sets and `tests/canary/rustc-leaky`
//! passes. The variable `AIDUET_LEAK` picks one leak; the search in `tests/canary` must find each.

use std::io::Write;
use std::sync::Mutex;

use crate::ledger::RequestRecord;
use crate::provider::UpstreamRequestId;

/// The beginning of the last request, kept for the leaks that happen elsewhere.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Bytes of a request that are kept.
const KEPT: usize = 4_096;

fn is_on(leak: &str) -> bool {
    std::env::var("AIDUET_LEAK").is_ok_and(|chosen| chosen == leak)
}

/// Leaks a request at its arrival.
pub(crate) fn request(body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    if let Ok(mut last) = LAST.lock() {
        *last = text.chars().take(KEPT).collect();
    }
    if is_on("log-line") {
        tracing::info!(body = %text, "request");
    }
    if is_on("log-debug") {
        tracing::trace!(body = ?body, "request");
    }
    if is_on("serde-error") {
        let parsed = serde_json::from_slice::<serde_json::Value>(body).and_then(serde_json::from_value::<Strict>);
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
        let _written = std::fs::write(std::env::temp_dir().join("request.json"), body);
    }
    if is_on("core-file") {
        let _written = std::fs::write("core", [b"\x7fELF".as_slice(), body].concat());
    }
}

/// Leaks a piece of an answer on its way to the client.
pub(crate) fn answer(bytes: &[u8]) {
    if is_on("answer-log") {
        tracing::debug!(answer = %String::from_utf8_lossy(bytes), "answer");
    }
}

/// Leaks through the error that somebody else gets.
pub(crate) fn error_body(body: &serde_json::Value) -> String {
    let mut text = body.to_string();
    if is_on("error-body") {
        text.push_str(&kept());
    }
    text
}

/// Leaks through what somebody else reads about themselves.
pub(crate) fn other_answer(body: &mut serde_json::Map<String, serde_json::Value>) {
    if is_on("other-answer") {
        body.insert("note".to_owned(), kept().into());
    }
}

/// Leaks into a column of the database.
pub(crate) fn record(record: &mut RequestRecord) {
    if is_on("database-column") {
        let plain: String = kept().split(|c: char| !c.is_ascii_alphanumeric()).max_by_key(|word| word.len()).unwrap_or_default().chars().take(80).collect();
        record.upstream_request_id = UpstreamRequestId::parse(&plain);
    }
}

/// Leaks into a label of a metric.
pub(crate) fn metrics(text: &mut String) {
    if is_on("metric-label") {
        text.push_str(&format!("\naiduet_requests_total{{prompt={:?}}} 1\n", kept()));
    }
}

/// Leaks a header of the client to the provider.
pub(crate) fn upstream_headers(from: &http::HeaderMap, to: &mut http::HeaderMap) {
    if is_on("upstream-header") {
        for (name, value) in from {
            if name.as_str().starts_with("x-") {
                to.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Leaks a header into the log, as a list of bytes.
pub(crate) fn headers(headers: &http::HeaderMap) {
    if is_on("header-log") {
        let values: Vec<&[u8]> = headers.values().map(http::HeaderValue::as_bytes).collect();
        tracing::trace!(?values, "headers");
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

fn kept() -> String {
    LAST.lock().map(|last| last.clone()).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
