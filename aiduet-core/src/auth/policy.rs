//! Which passwords are good enough.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

use crate::account::EmailAddress;

/// The shortest password where nothing else is asked for (NIST SP 800-63B-4, section 3.1.1.2).
const LENGTH_MIN: usize = 15;
const LENGTH_MAX: usize = 128;
const BYTES_MAX: usize = 512;
/// What must be left of a password without the words that a guesser begins with.
const OWN_LENGTH_MIN: usize = 8;
/// Shorter words are in too many good passwords.
const WORD_LENGTH_MIN: usize = 4;
/// Fewer edits from a name or address than this are too few.
const EDITS_MIN: usize = 5;
/// So much of a password is estimated; the rest only makes it better.
const ESTIMATED: usize = 100;

/// The passwords of at least 15 characters among the 49,233 most common ones, in lower case, one a
/// line. Shorter common ones are recognised as parts by the estimate, which has a list of its own.
///
/// # Source
/// The list of the npm package `@zxcvbn-ts/language-common` 4.1.3 (MIT), read 2026-11-26.
const COMMON: &str = include_str!("../../data/passwords.txt");

/// A password as a person typed it, in the form in which it is hashed: NFKC, so that the same
/// keys of another input method give the same password. Wiped on drop.
#[derive(Clone)]
pub struct PlainPassword(Zeroizing<String>);

impl PlainPassword {
    /// Normalises what was typed.
    pub fn new(typed: &str) -> Self {
        Self(Zeroizing::new(typed.nfkc().collect()))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A password that has passed the rules.
#[derive(Clone, Debug)]
pub struct NewPassword(PlainPassword);

impl NewPassword {
    /// The password.
    pub const fn plain(&self) -> &PlainPassword {
        &self.0
    }
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Fewer than 15 characters.
    #[error("the password has fewer than 15 characters")]
    TooShort,
    /// More than 128 characters or 512 bytes.
    #[error("the password has more than 128 characters or 512 bytes")]
    TooLong,
    /// It has control characters, such as a line break.
    #[error("the password has control characters")]
    ControlCharacter,
    /// It is little more than the name, the address or the product.
    #[error("the password is little more than a name that others know")]
    ContextWord,
    /// It is too much like the name or the address.
    #[error("the password is too much like the name or the address")]
    Similar,
    /// It is on lists of common passwords.
    #[error("the password is a common one")]
    Common,
    /// It follows a pattern that is soon guessed.
    #[error("the password is easily guessed")]
    Guessable,
}

impl PasswordFault {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::ControlCharacter => "password_control_character",
            Self::ContextWord => "password_context_word",
            Self::Similar => "password_similar",
            Self::Common => "password_common",
            Self::Guessable => "password_guessable",
        }
    }
}

/// Whose password it is to be: what a guesser knows of the person.
#[derive(Clone, Copy, Debug)]
pub struct PasswordContext<'a> {
    /// The address of the account.
    pub email: &'a EmailAddress,
    /// The display name.
    pub name: Option<&'a str>,
}

/// The rules for new passwords: length, no control characters, not common, not easily guessed, not
/// made of what others know. No rules of composition.
#[derive(Debug)]
pub struct PasswordRules {
    common: HashSet<&'static str>,
    /// Words of the installation, in lower case.
    site: Vec<String>,
}

impl PasswordRules {
    /// The rules of an installation that is known by these names, such as its domain.
    pub fn new(site: &[&str]) -> Self {
        let own = ["aiduet", "ai duet", "duet"].into_iter();
        let site = own.chain(site.iter().copied()).map(str::to_lowercase).collect();
        Self { common: COMMON.lines().collect(), site }
    }

    /// Takes a password for an account.
    ///
    /// # Errors
    /// The first [`PasswordFault`], in the order of the variants.
    pub fn check(&self, typed: &str, context: PasswordContext<'_>) -> Result<NewPassword, PasswordFault> {
        if typed.len() > BYTES_MAX {
            return Err(PasswordFault::TooLong);
        }
        let password = PlainPassword::new(typed);
        let length = password.0.chars().count();
        if length < LENGTH_MIN {
            return Err(PasswordFault::TooShort);
        }
        if length > LENGTH_MAX || password.0.len() > BYTES_MAX {
            return Err(PasswordFault::TooLong);
        }
        if password.0.chars().any(char::is_control) {
            return Err(PasswordFault::ControlCharacter);
        }
        let lower = Zeroizing::new(password.0.to_lowercase());
        let personal = personal_words(context);
        self.check_words(&lower, &personal)?;
        if self.common.contains(lower.as_str()) {
            return Err(PasswordFault::Common);
        }
        let known: Vec<&str> = personal.iter().chain(&self.site).map(String::as_str).collect();
        let beginning: Zeroizing<String> = Zeroizing::new(password.0.chars().take(ESTIMATED).collect());
        if zxcvbn(&beginning, &known).score() < Score::Three {
            return Err(PasswordFault::Guessable);
        }
        Ok(NewPassword(password))
    }

    fn check_words(&self, password: &str, personal: &[String]) -> Result<(), PasswordFault> {
        let mut rest = Zeroizing::new(password.to_owned());
        for word in personal.iter().chain(&self.site) {
            if word.chars().count() >= WORD_LENGTH_MIN {
                *rest = rest.replace(word.as_str(), "");
            }
        }
        if rest.len() < password.len() && rest.chars().count() < OWN_LENGTH_MIN {
            return Err(PasswordFault::ContextWord);
        }
        let password: Vec<char> = password.chars().collect();
        let is_similar = |word: &String| {
            let word: Vec<char> = word.chars().collect();
            let shared = longest_common_run(&password, &word);
            strsim::generic_levenshtein(&password, &word) < EDITS_MIN
                || shared.saturating_mul(2) > password.len()
        };
        if personal.iter().any(is_similar) { Err(PasswordFault::Similar) } else { Ok(()) }
    }
}

/// The address, its parts and the name, in lower case, the longest first.
fn personal_words(context: PasswordContext<'_>) -> Vec<String> {
    let PasswordContext { email, name } = context;
    let address = email.expose().to_lowercase();
    let (local, domain) = address.rsplit_once('@').unwrap_or_default();
    let organisation = domain.rsplit('.').nth(1).unwrap_or_default();
    let name: String = name.unwrap_or_default().nfkc().collect::<String>().to_lowercase();
    let whole = [address.as_str(), local, domain, organisation, name.as_str()].into_iter();
    let mut words: Vec<String> = whole
        .chain(local.split(['.', '-', '_', '+']))
        .chain(name.split_whitespace())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words
}

/// The length of the longest run of characters that both have.
fn longest_common_run(left: &[char], right: &[char]) -> usize {
    let mut longest = 0;
    let mut row = vec![0_usize; right.len()];
    for a in left {
        let mut diagonal = 0;
        for (b, cell) in right.iter().zip(row.iter_mut()) {
            let above = *cell;
            *cell = if a == b { diagonal + 1 } else { 0 };
            longest = longest.max(*cell);
            diagonal = above;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), PasswordFault> {
        let email: EmailAddress = "rosalind.bernstein@harbour-tools.example".parse().unwrap();
        let context = PasswordContext { email: &email, name: Some("Rosalind Bernstein-Okonkwo") };
        PasswordRules::new(&["app.gateway-house.example"]).check(password, context).map(drop)
    }

    /// SEC-T01.
    #[test]
    fn each_password_gets_its_reason() {
        let han = "日照香炉生紫烟遥看瀑布挂前川";
        let long = "kT9#vmq2 zWx!7Lr ".repeat(8);
        for (password, expected) in [
            ("kT9#vmq2zWx!7L", Err(PasswordFault::TooShort)),
            ("kT9#vmq2zWx!7Lr", Ok(())),
            (&long[..128], Ok(())),
            (&long[..129], Err(PasswordFault::TooLong)),
            (&"𠮷".repeat(129), Err(PasswordFault::TooLong)),
            (&format!("{}{}", "瀑".repeat(127), "é"), Err(PasswordFault::Guessable)),
            (&"ﷺ".repeat(30), Err(PasswordFault::TooLong)),
            (han, Err(PasswordFault::TooShort)),
            (&format!("{han}飞"), Ok(())),
            ("🦜🪁🧭🛶🪴🥁🧵🪵🫖🐚🧲🪗🛖🎏🪺", Ok(())),
            ("correct horse battery staple glue", Ok(())),
            ("four spaces    in it", Ok(())),
            ("               ", Err(PasswordFault::Guessable)),
            ("kT9#vmq2\nzWx!7Lr", Err(PasswordFault::ControlCharacter)),
            ("kT9#vmq2\u{7f}zWx!7Lr", Err(PasswordFault::ControlCharacter)),
            ("1qaz2wsx3edc4rfv", Err(PasswordFault::Common)),
            ("PolniyPizdec0211", Err(PasswordFault::Common)),
            ("passwordpassword", Err(PasswordFault::Common)),
            ("passwordpasswordpassword", Err(PasswordFault::Guessable)),
            ("aaaaaaaaaaaaaaaaaaaa", Err(PasswordFault::Guessable)),
            ("abcdefghijklmnopqrst", Err(PasswordFault::Guessable)),
            ("rosalind.bernstein", Err(PasswordFault::ContextWord)),
            ("AIDuet-Bernstein1", Err(PasswordFault::ContextWord)),
            ("harbour-tools2026!", Err(PasswordFault::ContextWord)),
            ("app.gateway-house.example", Err(PasswordFault::ContextWord)),
            ("rosalinx.bernsteix", Err(PasswordFault::Similar)),
            ("bernstein-okonkw0x", Err(PasswordFault::Similar)),
        ] {
            assert_eq!(check(password), expected, "{password}");
        }
    }

    #[test]
    fn full_width_and_composed_forms_are_the_same_password() {
        for (typed, same) in [("１２ａｂ", "12ab"), ("e\u{301}", "é"), ("ｶﾞ", "ガ")] {
            assert_eq!(PlainPassword::new(typed).as_bytes(), PlainPassword::new(same).as_bytes());
        }
        assert_eq!(check("ｋＴ９#ｖｍｑ２ｚＷｘ!７Ｌｒ"), Ok(()));
        assert_eq!(format!("{:?}", PlainPassword::new("secret")), "[redacted]");
    }
}
