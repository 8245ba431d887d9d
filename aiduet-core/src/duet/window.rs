//! The beginning and the end of a text that is written as JSON.

use std::borrow::Cow;

use crate::dialect::Text;

/// How much of a text is read at each end, in bytes as written.
const END_BYTES: usize = 16 * 1024;

/// How much is read of a text of which only the beginning matters.
const HEAD_BYTES: usize = 2 * 1024;

/// A text, or the beginning and the end of one that is very long, on lines of their own.
pub(super) fn ends<'a>(text: Text<'a>) -> Cow<'a, str> {
    let raw = text.raw();
    if raw.len() <= 2 * END_BYTES {
        return plain(raw);
    }
    let head = raw.get(..raw.floor_char_boundary(END_BYTES)).unwrap_or_default();
    let tail = raw.get(raw.ceil_char_boundary(raw.len() - END_BYTES)..).unwrap_or_default();
    let mut both = String::with_capacity(2 * END_BYTES + 1);
    unescape(head, &mut both);
    both.push('\n');
    unescape(tail, &mut both);
    Cow::Owned(both)
}

/// The beginning of a text.
pub(super) fn head<'a>(text: Text<'a>) -> Cow<'a, str> {
    let raw = text.raw();
    plain(raw.get(..raw.floor_char_boundary(HEAD_BYTES)).unwrap_or(raw))
}

/// A text without escapes.
fn plain(raw: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut decoded = String::with_capacity(raw.len());
    unescape(raw, &mut decoded);
    Cow::Owned(decoded)
}

/// Resolves escapes. Cut ones come out as something else, which does no harm here: nothing of it
/// leaves the router.
fn unescape(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at + 1..).unwrap_or_default();
        let mut letters = escape.chars();
        let (letter, length) = match letters.next() {
            None => return,
            Some('n') => ('\n', 1),
            Some('t') => ('\t', 1),
            Some('r') => ('\r', 1),
            Some('b') => ('\u{8}', 1),
            Some('f') => ('\u{c}', 1),
            Some('u') => code_point(escape.get(1..).unwrap_or_default()),
            Some(other) => (other, other.len_utf8()),
        };
        out.push(letter);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// The letter of `XXXX` or `XXXX\uXXXX` behind a `u`, and the length of it with the `u`.
fn code_point(digits: &str) -> (char, usize) {
    let unit = |from: usize| u32::from_str_radix(digits.get(from..from + 4)?, 16).ok();
    let Some(first) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 1) };
    if let Some(letter) = char::from_u32(first) {
        return (letter, 5);
    }
    let second = digits.get(4..6).filter(|mark| *mark == "\\u").and_then(|_mark| unit(6));
    let pair = second.filter(|second| (0xdc00..0xe000).contains(second) && first < 0xdc00);
    let letter =
        pair.and_then(|second| char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)));
    letter.map_or((char::REPLACEMENT_CHARACTER, 5), |letter| (letter, 11))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_and_cut_ones_do_not_panic() {
        let raw = r#"a\n\"\\\u00e9\ud83e\udd80\/\t"#;
        let mut out = String::new();
        unescape(raw, &mut out);
        assert_eq!(out, serde_json::from_str::<String>(&format!("\"{raw}\"")).unwrap());
        for end in 0..raw.len() {
            for start in 0..end {
                unescape(&raw[start..end], &mut String::new());
            }
        }
    }
}
