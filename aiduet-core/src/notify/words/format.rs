//! Values as people read them.

use jiff::tz::TimeZone;

use crate::account::Locale;
use crate::clock::Timestamp;
use crate::money::Money;

/// A moment to the minute, with its zone.
pub(super) fn moment(at: Timestamp, locale: Locale) -> String {
    let pattern = match locale {
        Locale::En => "%-d %B %Y, %H:%M UTC",
        Locale::ZhCn | Locale::Ja => "%Y年%-m月%-d日 %H:%M（UTC）",
    };
    jiff::Timestamp::from_millisecond(at.millis())
        .map(|moment| moment.to_zoned(TimeZone::UTC).strftime(pattern).to_string())
        .unwrap_or_else(|_out_of_range| at.to_string())
}

/// Dollars with at least two decimals, and as many more as the amount has.
pub(super) fn money(amount: Money) -> String {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = fraction.trim_end_matches('0');
    format!("{whole}.{digits:0<2} USD")
}

/// A text of people, such as the name of a key, as one line without control characters or marks
/// that change the direction of writing.
pub(super) fn one_line(text: &str) -> String {
    let directional =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c })
        .filter(|c| !directional(*c))
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_name_their_zone() {
        let at = Timestamp::from_millis(1_795_608_300_000);
        assert_eq!(moment(at, Locale::En), "25 November 2026, 12:05 UTC");
        assert_eq!(moment(at, Locale::ZhCn), "2026年11月25日 12:05（UTC）");
        assert_eq!(moment(at, Locale::Ja), "2026年11月25日 12:05（UTC）");
        assert!(!moment(Timestamp::from_millis(i64::MAX), Locale::En).is_empty());
    }

    #[test]
    fn amounts_are_exact_and_never_zero_when_they_are_not() {
        for (nanos, text) in [
            (5_000_000_000, "5.00 USD"),
            (-250_000_000, "-0.25 USD"),
            (421_000, "0.000421 USD"),
            (1, "0.000000001 USD"),
            (1_234_500_000_000, "1234.50 USD"),
        ] {
            assert_eq!(money(Money::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn names_cannot_break_lines_or_turn_the_text_around() {
        assert_eq!(one_line("a\r\nBcc: b\u{202e}c"), "a  Bcc: bc");
    }
}
