//! A line of prose without what does not vote.

use super::super::fold::fold_char;
use super::{Artefact, Artefacts, GAP};

/// The longest quotation that is taken out, in bytes.
const QUOTATION_BYTES_MAX: usize = 600;

/// Code within a line from this length on, in bytes, is more than a name.
const SNIPPET_BYTES: usize = 24;

/// The mark that closes a quotation which this one opens.
const fn closing(open: char) -> Option<char> {
    Some(match open {
        '"' | '`' | '\'' => open,
        '\u{201c}' => '\u{201d}',
        '\u{300c}' => '\u{300d}',
        '\u{300e}' => '\u{300f}',
        '\u{300a}' => '\u{300b}',
        '\u{ab}' => '\u{bb}',
        '\u{2018}' => '\u{2019}',
        _ => return None,
    })
}

/// Endings of file names.
const SUFFIXES: [&str; 38] = [
    "rs", "py", "js", "ts", "jsx", "tsx", "go", "java", "kt", "rb", "php", "c", "h", "cpp", "hpp", "cs",
    "swift", "scala", "sh", "sql", "md", "txt", "json", "yaml", "yml", "toml", "ini", "lock", "html", "css",
    "vue", "proto", "csv", "log", "env", "xml", "tf", "conf",
];

/// Appends a line, folded, with gaps where something was taken out.
pub(super) fn clean(line: &str, out: &mut String, artefacts: &mut Artefacts) {
    let mut rest = line;
    let mut before = ' ';
    while let Some(letter) = rest.chars().next() {
        if !is_word_part(before)
            && let Some((run, tail)) = plain(rest)
        {
            let from = out.len();
            out.push_str(run);
            if let Some(added) = out.get_mut(from..) {
                added.make_ascii_lowercase();
            }
            before = run.chars().next_back().unwrap_or(letter);
            rest = tail;
        } else if let Some((kind, length)) = quotation(rest, letter, before) {
            artefacts.add(kind);
            out.push(GAP);
            rest = rest.get(length..).unwrap_or_default();
            before = GAP;
        } else if let Some(length) = address(rest, before) {
            artefacts.add(Artefact::Address);
            out.push(GAP);
            rest = rest.get(length..).unwrap_or_default();
            before = GAP;
        } else if is_word_part(letter) && !is_word_part(before) {
            let length = rest.bytes().take_while(|byte| kind_of_byte(*byte) & PART != 0).count();
            let (token, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            let bare = token.trim_end_matches(['.', ':', '-', '\'', '/', '@', '#', '\\', '~']);
            let (bare, tail) = if bare.is_empty() {
                (token, tail)
            } else {
                (bare, rest.get(bare.len()..).unwrap_or_default())
            };
            match kind_of(bare) {
                Some(kind) => {
                    artefacts.add(kind);
                    out.push(GAP);
                }
                None => out.extend(bare.chars().map(fold_char)),
            }
            before = bare.chars().next_back().unwrap_or(letter);
            rest = tail;
        } else {
            out.push(fold_char(letter));
            before = letter;
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        }
    }
}

/// Nothing to be looked at by itself.
const PLAIN: u8 = 0;
/// Something that may end what is plain.
const OTHER: u8 = 1;
/// A small letter; a capital one, which ends what is plain behind a small one.
const SMALL: u8 = 1 << 1;
const CAPITAL: u8 = SMALL << 1;
/// The first byte of kana and of the marks before them; the second byte of these marks.
const KANA: u8 = 1 << 3;
const MARK: u8 = KANA << 1;

/// A part of a token.
const PART: u8 = 1 << 5;

/// What ends what is plain, or may do so, by what stands before it.
const MAY_STOP: u8 = OTHER | CAPITAL | MARK;

/// What each byte is.
const KINDS: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut kinds = [OTHER; 256];
    let mut rest: &mut [u8] = &mut kinds;
    let mut byte = 0_u8;
    while let [kind, others @ ..] = rest {
        *kind = match byte {
            b'a'..=b'z' => SMALL | PART,
            b'A'..=b'Z' => CAPITAL | PART,
            b'0'..=b'9' => PART,
            ..0x80 if is_token_part(byte as char) => OTHER | PART,
            b'"' | b'`' => OTHER,
            0xe3 => KANA,
            0x80 => MARK,
            // Among them what follows the first byte of a letter, and the first bytes of Chinese characters.
            ..0xc0 | 0xe4..=0xe9 => PLAIN,
            _ => OTHER,
        };
        byte = byte.wrapping_add(1);
        rest = others;
    }
    kinds
}

fn kind_of_byte(byte: u8) -> u8 {
    KINDS.get(usize::from(byte)).copied().unwrap_or(OTHER)
}

/// What a text begins with as long as nothing in it quotes, is more than a word or has another spelling but for
/// capitals; and the rest. Most of what people write is like that, so the bytes are only looked up.
fn plain(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    // `www.` is an address.
    let ends_word = |at: usize| match bytes.get(..at) {
        Some([.., b'w', b'w', b'w']) => false,
        Some([.., last]) => last.is_ascii_alphanumeric(),
        _ => false,
    };
    let kind_at = |at: usize| bytes.get(at).map_or(PLAIN, |byte| kind_of_byte(*byte));
    let is_part = |at: usize| kind_at(at) & PART != 0;
    let mut at = 0;
    let end = loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += rest.iter().position(|byte| kind_of_byte(*byte) & MAY_STOP != 0).unwrap_or(rest.len());
        let Some(byte) = bytes.get(at) else { break at };
        let before = at.checked_sub(1).map_or(PLAIN, kind_at);
        if kind_of_byte(*byte) & (OTHER | (before << 1) & (CAPITAL | MARK)) == 0 {
            at += 1;
            continue;
        }
        match byte {
            // 、 and 。
            0x80 if matches!(bytes.get(at + 1), Some(0x81 | 0x82)) => at += 2,
            0x80 => break at - 1,
            // Behind a word.
            b'.' | b':' | b')' if ends_word(at) && !is_part(at + 1) => at += 1,
            _ if is_part(at) => break (0..at).rev().find(|at| !is_part(*at)).map_or(0, |space| space + 1),
            _ => break at,
        }
    };
    text.split_at_checked(end).filter(|(run, _tail)| !run.is_empty())
}

/// A quotation at the beginning: what it counts as, and its length.
fn quotation(rest: &str, letter: char, before: char) -> Option<(Artefact, usize)> {
    let close = closing(letter)?;
    let is_apostrophe = matches!(letter, '\'' | '\u{2018}');
    if is_apostrophe && before.is_alphanumeric() {
        return None;
    }
    let from = letter.len_utf8();
    let inner = rest.get(from..)?;
    let reach = inner.floor_char_boundary(QUOTATION_BYTES_MAX + close.len_utf8());
    let mut at = 0;
    loop {
        let found = at + inner.get(at..reach)?.find(close)?;
        let end = found + close.len_utf8();
        let next = inner.get(end..)?.chars().next();
        // An apostrophe inside a word closes nothing.
        if is_apostrophe && next.is_some_and(char::is_alphanumeric) {
            at = end;
            continue;
        }
        let kind = match letter {
            '`' if found >= SNIPPET_BYTES && inner.get(..found)?.contains([' ', '(']) => Artefact::Snippet,
            '`' => Artefact::InlineCode,
            _ => Artefact::Quotation,
        };
        return Some((kind, from + end));
    }
}

/// The length of an address on the web at the beginning.
fn address(rest: &str, before: char) -> Option<usize> {
    if !rest.starts_with(['h', 'w']) {
        return None;
    }
    let begins = ["http://", "https://", "www."].iter().any(|scheme| rest.starts_with(scheme));
    if !begins || is_word_part(before) {
        return None;
    }
    let ends =
        |letter: char| !letter.is_ascii_graphic() || matches!(letter, '"' | '<' | '>' | ')' | ']' | '`');
    let length = rest.find(ends).unwrap_or(rest.len());
    let address = rest.get(..length)?.trim_end_matches(['.', ',', '?', '!', ';', ':', '\'']);
    Some(address.len())
}

const fn is_word_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '/' | '~' | '.' | '@' | '#' | '$' | '\\')
}

const fn is_token_part(letter: char) -> bool {
    is_word_part(letter) || matches!(letter, '-' | ':' | '\'' | '=' | '&' | '%' | '+' | '(' | ')' | '[' | ']')
}

/// What a token is, if it is not a word.
fn kind_of(token: &str) -> Option<Artefact> {
    let is_word = token.starts_with(|first: char| first.is_ascii_alphabetic())
        && token.bytes().skip(1).all(|byte| byte.is_ascii_lowercase());
    if is_word || !token.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let signs = token.bytes().fold(0, |signs: u128, byte| signs | 1 << (byte & 0x7f));
    let has = |sign: u8| signs & (1 << sign) != 0;
    let rooted = token.starts_with(['/', '~', '.']) || (has(b'/') && token.matches('/').count() > 1);
    let suffix = has(b'.')
        && token.rsplit_once('.').is_some_and(|(stem, suffix)| {
            !stem.is_empty() && SUFFIXES.iter().any(|known| suffix.eq_ignore_ascii_case(known))
        });
    let called = has(b'=') || (has(b'(') && has(b')'));
    let joined = has(b'_') || has(b'\\') || has(b'$') || (has(b':') && token.contains("::"));
    (rooted || suffix || called || joined || is_camel(token)).then_some(Artefact::Identifier)
}

/// `camelCase`, `PascalCase` with a small letter between two capitals; not `OpenAPI`, `TypeScript`.
fn is_camel(token: &str) -> bool {
    let bytes = token.as_bytes();
    let starts_small = bytes.first().is_some_and(u8::is_ascii_lowercase);
    let humps = bytes
        .windows(2)
        .filter(|pair| matches!(pair, [first, second] if first.is_ascii_lowercase() && second.is_ascii_uppercase()))
        .count();
    humps > 1 || (humps == 1 && starts_small)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(line: &str) -> String {
        let mut out = String::new();
        clean(line, &mut out, &mut Artefacts::default());
        out.replace(GAP, "_")
    }

    #[test]
    fn names_paths_and_quotations_do_not_vote() {
        for (line, expected) in [
            ("Fix src/main.rs now", "fix _ now"),
            ("call `review()` and createUpload, then", "call _ and _, then"),
            ("把“先评审再合并”翻成法语。", "把_翻成法语。"),
            ("「設計を見直す」は英語で？", "_は英語で?"),
            ("Say 'fix the build' in Greek", "say _ in greek"),
            ("don't touch the client's code", "don't touch the client's code"),
            ("Look at https://example.com/plan?x=review.", "look at _."),
            ("tickets に review_state の enum", "tickets に _ の enum"),
            ("用Rust写一个，CI/CD 也要", "用rust写一个,ci/cd 也要"),
            ("OpenAPI or TypeScript first?", "openapi or typescript first?"),
            ("rename every .jpeg to .jpg", "rename every _ to _"),
            ("Trade-offs: 1.5 vs 2.", "trade offs: 1.5 vs 2."),
            ("std::string_view", "_"),
            ("See www. now (or not)", "see _. now (or not)"),
            ("一、「二」。Three-Way", "一、_。three way"),
            ("Plain, words: all fooBar", "plain, words: all _"),
            ("rock 'n' roll isn't 'done", "rock _ roll isn't 'done"),
        ] {
            assert_eq!(cleaned(line), expected, "{line}");
        }
    }
}
