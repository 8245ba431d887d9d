//! Identifiers of answers and their parts: the provider's own, under another prefix.

use std::fmt::Write as _;

/// Longest stem of an identifier that is kept.
const STEM_MAX: usize = 64;

/// The identifier of another answer, or ours, without its prefix: `msg_01AbC` gives `01AbC`.
/// Only letters, digits, `_` and `-` are kept.
pub(in crate::translate) fn stem(id: &str, fallback: &str) -> String {
    let known = ["msg_", "chatcmpl-", "resp_", "req_"]
        .iter()
        .find_map(|prefix| id.strip_prefix(prefix))
        .unwrap_or(id);
    let kept: String = known
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
        .take(STEM_MAX)
        .collect();
    if kept.is_empty() { fallback.to_owned() } else { kept }
}

/// An identifier with a number in it, for the parts of an answer.
pub(in crate::translate) fn numbered(prefix: &str, stem: &str, number: u32) -> String {
    let mut id = format!("{prefix}{stem}");
    if write!(id, "_{number}").is_err() {
        id.clear();
    }
    id
}
