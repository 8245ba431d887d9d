//! How many tokens a text may have, when nobody has counted them.

use super::json::Text;

/// A running estimate of generated tokens.
///
/// Four characters of ASCII make about one token; characters of other alphabets about half a token
/// each; Han, kana and Hangul characters about one token each. A prediction of a bill is not
/// needed here: the estimate is used where a provider's count never came, and it errs low for
/// dense text (numbers, symbols) and for reasoning whose text is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TextEstimate {
    /// Quarters of a token, from characters alone.
    quarters: u64,
    /// The same, but no piece of an answer counts less than one token.
    piecewise: u64,
}

impl TextEstimate {
    /// Adds a piece of an answer, as it came in one event.
    pub(super) fn add(&mut self, piece: Text<'_>) {
        if piece.is_empty() {
            return;
        }
        let quarters = quarters(&piece.decode());
        self.quarters = self.quarters.saturating_add(quarters);
        self.piecewise = self.piecewise.saturating_add(quarters.max(4));
    }

    /// Adds what was counted elsewhere.
    pub(super) const fn plus(&mut self, other: Self) {
        self.quarters = self.quarters.saturating_add(other.quarters);
        self.piecewise = self.piecewise.saturating_add(other.piecewise);
    }

    /// Tokens by characters: what an estimated bill counts.
    pub(super) const fn tokens(self) -> u64 {
        self.quarters.div_ceil(4)
    }

    /// Tokens by characters and events: never less than [`tokens`](Self::tokens), for holds that
    /// must be extended in time.
    pub(super) const fn tokens_at_least(self) -> u64 {
        self.piecewise.div_ceil(4)
    }

    /// Whether there was any text.
    pub(super) const fn is_empty(self) -> bool {
        self.quarters == 0
    }
}

fn quarters(text: &str) -> u64 {
    if text.is_ascii() {
        return u64::try_from(text.len()).unwrap_or(u64::MAX);
    }
    text.chars().map(quarters_of).sum()
}

const fn quarters_of(character: char) -> u64 {
    match character {
        '\0'..='\x7f' => 1,
        // Hangul jamo; CJK radicals to Yi, kana and Han among them; Hangul syllables;
        // compatibility forms; full width; Han of the supplementary planes.
        '\u{1100}'..='\u{11ff}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{3ffff}' => 4,
        _ => 2,
    }
}
