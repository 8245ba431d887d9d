//! A line of prose without what does not vote.

use std::ops::RangeInclusive;

use super::super::fold::fold_char;
use super::{Artefact, Artefacts, GAP};

/// The longest quotation that is taken out, in bytes.
const QUOTATION_BYTES_MAX: usize = 600;

/// Code within a line from this length on, in bytes, is more than a name.
const SNIPPET_BYTES: usize = 24;

/// Kana and Chinese characters: they quote nothing, belong to no token and have one spelling.
const IDEOGRAPHIC: RangeInclusive<char> = '\u{3041}'..='\u{9fff}';

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
            && let Some((words, tail)) = plain_words(rest)
        {
            out.push(letter.to_ascii_lowercase());
            out.push_str(words.get(1..).unwrap_or_default());
            before = words.chars().next_back().unwrap_or(letter);
            rest = tail;
        } else if IDEOGRAPHIC.contains(&letter) {
            let length = rest.find(|next| !IDEOGRAPHIC.contains(&next)).unwrap_or(rest.len());
            let (run, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            out.push_str(run);
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
            let length = rest.find(|next| !is_token_part(next)).unwrap_or(rest.len());
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

/// Words at the beginning that are nothing else, each with the space behind it: small letters, of which only the
/// very first may be a capital one, and behind them nothing that belongs to a token. Most of what people write is
/// such words, and [`kind_of`] has nothing to say of them.
fn plain_words(rest: &str) -> Option<(&str, &str)> {
    let bytes = rest.as_bytes();
    bytes.first().filter(|first| first.is_ascii_alphabetic())?;
    let mut end = 0;
    let mut at = 1;
    loop {
        at += bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        match bytes.get(at) {
            Some(b' ') => {
                at += 1;
                end = at;
                if !bytes.get(at).is_some_and(u8::is_ascii_lowercase) {
                    break;
                }
            }
            Some(next) if is_token_part(char::from(*next)) => break,
            _ => {
                end = at;
                break;
            }
        }
    }
    rest.split_at_checked(end).filter(|(words, _tail)| !words.is_empty())
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
    let rooted = token.starts_with(['/', '~', '.']) || token.matches('/').count() > 1;
    let suffix = token.rsplit_once('.').is_some_and(|(stem, suffix)| {
        !stem.is_empty() && SUFFIXES.iter().any(|known| suffix.eq_ignore_ascii_case(known))
    });
    let called = token.contains("()") || token.contains('=') || (token.contains('(') && token.contains(')'));
    let joined = token.contains("::") || token.contains('_') || token.contains('\\') || token.contains('$');
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
            ("rock 'n' roll isn't 'done", "rock _ roll isn't 'done"),
        ] {
            assert_eq!(cleaned(line), expected, "{line}");
        }
    }
}
