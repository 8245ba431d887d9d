//! Counting the tokens of a prompt before it is sent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::content::Content;

/// The fields that `POST /v1/messages/count_tokens` takes; others of a Messages request are refused.
///
/// # Source
/// Anthropic API reference, "Count tokens in a Message", read 2026-11-24.
const COUNTED_FIELDS: [&str; 13] = [
    "billing_policy",
    "cache_control",
    "compaction",
    "context_management",
    "mcp_servers",
    "messages",
    "model",
    "output_config",
    "speed",
    "system",
    "thinking",
    "tool_choice",
    "tools",
];

/// The body that asks how many tokens the prompt of a Messages request has.
pub fn count_request(body: &Content) -> Option<Content> {
    let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(body.expose()).ok()?;
    let counted: BTreeMap<_, _> =
        fields.into_iter().filter(|(name, _value)| COUNTED_FIELDS.contains(&name.as_ref())).collect();
    serde_json::to_vec(&counted).ok().map(|bytes| Content::new(Bytes::from(bytes)))
}

/// The number that the provider answered.
pub fn counted_tokens(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Counted {
        input_tokens: u64,
    }
    serde_json::from_slice::<Counted>(body).ok().map(|counted| counted.input_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_counted_is_asked_and_values_keep_their_bytes() {
        let body = br#"{"model":"m","max_tokens":5,"stream":true,"messages":[ {"role" : "user","content":"a"} ],"temperature":1}"#;
        let asked = count_request(&Content::from_static(body)).unwrap();
        assert_eq!(
            asked.expose().as_ref(),
            br#"{"messages":[ {"role" : "user","content":"a"} ],"model":"m"}"#
        );
    }

    #[test]
    fn an_answer_without_a_number_is_no_answer() {
        assert_eq!(counted_tokens(br#"{"input_tokens":12}"#), Some(12));
        assert_eq!(counted_tokens(br#"{"input_tokens":-1}"#), None);
        assert_eq!(counted_tokens(b"<html>"), None);
    }
}
