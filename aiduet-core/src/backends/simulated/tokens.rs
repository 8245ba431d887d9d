//! A tokeniser of our own: four ASCII characters are a token, and so is any other character.

/// Tokens of one image or document, whatever is in it.
pub(super) const ATTACHMENT: u64 = 64;

/// Counts the tokens of a text. Never more than its bytes.
pub(super) fn count(text: &str) -> u64 {
    let mut meter = Meter::default();
    text.chars().for_each(|c| meter.add(c));
    meter.tokens()
}

/// The longest beginning of a text that has at most so many tokens.
pub(super) fn truncate(text: &str, tokens: u64) -> &str {
    let mut meter = Meter::default();
    for (at, c) in text.char_indices() {
        meter.add(c);
        if meter.tokens() > tokens {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

#[derive(Default)]
struct Meter {
    ascii: u64,
    other: u64,
}

impl Meter {
    const fn add(&mut self, c: char) {
        if c.is_ascii() {
            self.ascii = self.ascii.saturating_add(1);
        } else {
            self.other = self.other.saturating_add(1);
        }
    }

    const fn tokens(&self) -> u64 {
        self.ascii.div_ceil(4).saturating_add(self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_no_more_tokens_than_bytes_and_is_cut_to_what_is_asked() {
        for (text, tokens) in [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("日本", 2), ("ab日c", 2)] {
            assert_eq!(count(text), tokens, "{text}");
            assert_eq!(truncate(text, tokens), text);
        }
        assert_eq!(truncate("abcdefgh", 1), "abcd");
        assert_eq!(truncate("日本語", 2), "日本");
        assert_eq!(truncate("abc", 0), "");
    }
}
