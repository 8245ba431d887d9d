//! The language of a client (`Accept-Language`).

use crate::account::Locale;

/// The language that is wanted most of those that are spoken here (RFC 9110, section 12.5.4).
pub(super) fn preferred_language(header: &str) -> Locale {
    let mut best = (Locale::En, 0);
    for range in header.split(',') {
        let (tag, quality) = range.split_once(';').unwrap_or((range, "q=1"));
        let language = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let locale = match language.as_str() {
            "zh" => Locale::ZhCn,
            "ja" => Locale::Ja,
            "en" => Locale::En,
            _ => continue,
        };
        let quality = thousandths(quality.trim().strip_prefix("q=").unwrap_or("1"));
        if quality > best.1 {
            best = (locale, quality);
        }
    }
    best.0
}

/// `0.8` is 800; what is not a quality is nothing.
fn thousandths(text: &str) -> u32 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = rest.chars().chain("000".chars()).take(3).collect();
    let whole = whole.parse::<u32>().unwrap_or(0).saturating_mul(1_000);
    whole.saturating_add(digits.parse::<u32>().unwrap_or(0)).min(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_wanted_most_is_spoken() {
        for (header, locale) in [
            ("", Locale::En),
            ("fr, de;q=0.9", Locale::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Locale::ZhCn),
            ("fr-CH, ja;q=0.9, en;q=0.8", Locale::Ja),
            ("en;q=0.5, zh-Hant-TW;q=0.7", Locale::ZhCn),
            ("ja;q=0, en", Locale::En),
            ("ja;q=nonsense", Locale::En),
        ] {
            assert_eq!(preferred_language(header), locale, "{header}");
        }
    }
}
