//! One spelling for what is the same to a reader.

/// Lower case in ASCII, half width for full width, one kind of apostrophe, spaces for hyphens.
pub(super) fn fold_char(letter: char) -> char {
    match letter {
        'A'..='Z' => letter.to_ascii_lowercase(),
        '\u{2018}' | '\u{2019}' | '\u{ff07}' => '\'',
        '-' | '\u{2010}' | '\u{2011}' | '\u{3000}' | '\u{a0}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => match char::from_u32(u32::from(letter) - 0xfee0) {
            Some('-') => ' ',
            Some(half) => half.to_ascii_lowercase(),
            None => letter,
        },
        '\u{ff61}' => '\u{3002}',
        '\u{ff64}' => '\u{3001}',
        _ => letter,
    }
}

/// The same for a whole text.
pub(super) fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_case_and_hyphens_do_not_matter() {
        assert_eq!(fold("Ａ－ＰＩ？ Trade-Off don’t　x"), "a pi? trade off don't x");
        assert_eq!(fold("｡､设计"), "。、设计");
    }
}
