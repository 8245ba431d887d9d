//! The words of OpenAI's protocols.

pub(super) mod chat_answer;
pub(super) mod chat_request;
pub(super) mod chat_transcript;
pub(super) mod embeddings;
mod piece;
pub(super) mod responses_answer;
pub(super) mod responses_request;
pub(super) mod responses_transcript;
mod tier;
mod usage;

/// The field of Chat Completions that holds the options of a stream.
pub(super) const STREAM_OPTIONS: &str = "stream_options";
/// The option that asks for usage at its end.
pub(super) const INCLUDE_USAGE: &str = "include_usage";

/// How a Chat Completions request goes on.
pub(super) const CHAT_WORDS: Words = Words {
    turns: "messages",
    limits: &["max_completion_tokens", "max_tokens"],
    shape: &["response_format", "stop", "verbosity"],
};
/// How a Responses request goes on.
pub(super) const RESPONSES_WORDS: Words =
    Words { turns: "input", limits: &["max_output_tokens"], shape: &["text"] };

pub(crate) use piece::responses_piece;

use super::continuation::Words;
use super::reading::StreamFault;

/// What the words of an error say about whose trouble it is.
fn fault_of(words: &[String]) -> StreamFault {
    let says = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if says(&["server_is_overloaded", "slow_down", "overloaded", "service_unavailable_error"]) {
        StreamFault::Overloaded
    } else if says(&["rate_limit_exceeded", "rate_limit_error", "requests", "tokens", "insufficient_quota"]) {
        StreamFault::Unavailable
    } else if says(&REQUEST_CODES) {
        StreamFault::Request
    } else {
        StreamFault::Upstream
    }
}

/// Codes of errors that are about the request. Clients act on them, so they pass as they are.
///
/// # Source
/// OpenAI API reference, "Error codes" and `response.error.code`, read 2026-11-24.
const REQUEST_CODES: [&str; 6] = [
    "invalid_request_error",
    "context_length_exceeded",
    "invalid_prompt",
    "cyber_policy",
    "bio_policy",
    "content_filter",
];

/// The type and code of an error of ours.
const fn error_of(kind: StreamFault) -> (&'static str, &'static str) {
    match kind {
        StreamFault::Upstream | StreamFault::Request => ("server_error", "upstream_error"),
        StreamFault::Timeout => ("server_error", "upstream_timeout"),
        StreamFault::Overloaded => ("service_unavailable_error", "server_is_overloaded"),
        StreamFault::Unavailable => ("server_error", "upstream_unavailable"),
    }
}
