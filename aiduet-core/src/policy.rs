//! The texts that people agree to: every version of the privacy policy and of the terms, in every
//! language.
//!
//! A version is named by the day it was written for, is in force from midnight UTC of that day until
//! the next one, and never changes: a new text is a new version.

mod changes;
mod publication;

use sha2::{Digest, Sha256};

pub use self::changes::{Span, changes};
pub use self::publication::{NOTICE_PERIOD, Progress, Publication, PublicationError, PublicationStore};
use crate::account::Locale;
use crate::clock::Timestamp;
use crate::notify::PolicyKind;

/// A text is not as it must be; never for those of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {kind:?} policy {version} cannot be read")]
pub struct PolicyError {
    kind: PolicyKind,
    version: &'static str,
}

/// A version of a policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Which.
    pub kind: PolicyKind,
    /// The day, such as `2026-11-26`.
    pub version: &'static str,
    /// From when it is in force.
    pub effective_from: Timestamp,
    texts: [PolicyText; 3],
}

/// A version in one language.
#[derive(Clone, Debug)]
pub struct PolicyText {
    /// What it is called.
    pub title: String,
    /// What is new in this version.
    pub summary: String,
    /// What it says.
    pub blocks: Vec<Block>,
    /// SHA-256 of the text as it was written, in hexadecimal.
    pub digest: String,
    /// The text as it was written: Markdown with `{operator}` and `{contact}`.
    pub source: &'static str,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block<T = String> {
    /// The heading of a section.
    Heading(T),
    /// A paragraph.
    Paragraph(T),
    /// A list.
    List(Vec<T>),
}

/// Every version of every policy.
#[derive(Clone, Debug)]
pub struct Policies(Vec<Policy>);

/// A version whose texts are embedded.
macro_rules! version {
    ($kind:ident, $folder:literal, $version:literal) => {
        (
            PolicyKind::$kind,
            $version,
            [
                include_str!(concat!("../data/policies/", $folder, "/", $version, "/en.md")),
                include_str!(concat!("../data/policies/", $folder, "/", $version, "/zh-CN.md")),
                include_str!(concat!("../data/policies/", $folder, "/", $version, "/ja.md")),
            ],
        )
    };
}

/// A version as it is written: its day, and its text in the order of [`Policy::text`].
pub(crate) type Source = (PolicyKind, &'static str, [&'static str; 3]);

/// Of each kind the oldest first.
const EMBEDDED: &[Source] =
    &[version!(Privacy, "privacy", "2026-11-26"), version!(Terms, "terms", "2026-11-26")];

impl Policies {
    /// The policies that come with the library.
    ///
    /// # Errors
    /// [`PolicyError`]; never for a released library.
    pub fn embedded() -> Result<Self, PolicyError> {
        Self::read(EMBEDDED)
    }

    /// Reads versions, of each kind the oldest first.
    pub(crate) fn read(versions: &[Source]) -> Result<Self, PolicyError> {
        let read = |(kind, version, sources): &Source| {
            Policy::read(*kind, version, *sources).ok_or(PolicyError { kind: *kind, version })
        };
        versions.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Every version of a kind, newest first.
    pub fn versions(&self, kind: PolicyKind) -> impl Iterator<Item = &Policy> {
        self.0.iter().rev().filter(move |policy| policy.kind == kind)
    }

    /// The version that is in force; the first one before it is.
    pub fn in_force(&self, kind: PolicyKind, now: Timestamp) -> Option<&Policy> {
        let mut versions = self.versions(kind);
        versions.find(|policy| policy.effective_from <= now).or_else(|| self.versions(kind).last())
    }

    /// The version before another one.
    pub fn before(&self, policy: &Policy) -> Option<&Policy> {
        self.versions(policy.kind).find(|other| other.effective_from < policy.effective_from)
    }

    /// One version.
    pub fn find(&self, kind: PolicyKind, version: &str) -> Option<&Policy> {
        self.versions(kind).find(|policy| policy.version == version)
    }
}

impl Policy {
    fn read(kind: PolicyKind, version: &'static str, sources: [&'static str; 3]) -> Option<Self> {
        let day: jiff::civil::Date = version.parse().ok()?;
        let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let [en, zh, ja] = sources.map(PolicyText::read);
        Some(Self {
            kind,
            version,
            effective_from: Timestamp::from_millis(midnight.as_millisecond()),
            texts: [en?, zh?, ja?],
        })
    }

    /// Its name among all policies, such as `privacy/2026-12-26`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.kind.as_str(), self.version)
    }

    /// What it says in a language.
    pub const fn text(&self, locale: Locale) -> &PolicyText {
        let [en, zh, ja] = &self.texts;
        match locale {
            Locale::En => en,
            Locale::ZhCn => zh,
            Locale::Ja => ja,
        }
    }
}

impl PolicyText {
    /// A title, a quotation that says what is new, then headings, paragraphs and lists, with empty
    /// lines between sections.
    fn read(source: &'static str) -> Option<Self> {
        let mut lines = source.lines();
        let title = lines.next()?.strip_prefix("# ")?.to_owned();
        let summary = lines.next()?.strip_prefix("> ")?.to_owned();
        let mut blocks = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            if let Some(heading) = line.strip_prefix("## ") {
                blocks.push(Block::Heading(heading.to_owned()));
            } else if let Some(item) = line.strip_prefix("- ") {
                match blocks.last_mut() {
                    Some(Block::List(items)) => items.push(item.to_owned()),
                    _ => blocks.push(Block::List(vec![item.to_owned()])),
                }
            } else {
                blocks.push(Block::Paragraph(line.to_owned()));
            }
        }
        let digest = Sha256::digest(source).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { title, summary, blocks, digest, source })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::auth::ACCESS_TOKEN_LIFE;
    use crate::privacy::{
        BOOKS_KEPT_YEARS, CONSENT_KEPT, EXPORT_KEPT, KEY_KEPT, NETWORK_KEPT, NOTICE_KEPT, SECURITY_LOG_KEPT,
        SESSION_KEPT,
    };
    use crate::settings::RetentionSettings;

    const LOCALES: [Locale; 3] = [Locale::En, Locale::ZhCn, Locale::Ja];

    /// The numbers of a text, in order of size: languages put them at other places.
    fn numbers(text: &str) -> Vec<u64> {
        let mut numbers: Vec<u64> = text
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn every_language_says_the_same() {
        let policies = Policies::embedded().unwrap();
        for kind in PolicyKind::ALL {
            for policy in policies.versions(kind) {
                let shape = |locale| {
                    let blocks = policy.text(locale).blocks.iter();
                    blocks
                        .map(|block| match block {
                            Block::Heading(_) => 0,
                            Block::Paragraph(_) => 1,
                            Block::List(items) => 1 + items.len(),
                        })
                        .collect::<Vec<_>>()
                };
                for locale in LOCALES {
                    assert_eq!(shape(locale), shape(Locale::En), "{kind:?} in {locale:?}");
                    let source = policy.text(locale).source;
                    // "One month" and "twelve months" have digits in some languages only.
                    let figures = |locale| {
                        let said = numbers(policy.text(locale).source).into_iter();
                        said.filter(|number| !matches!(number, 1 | 12)).collect::<Vec<_>>()
                    };
                    assert_eq!(figures(locale), figures(Locale::En), "{kind:?} in {locale:?}");
                    for place in ["{operator}", "{contact}"] {
                        assert!(source.contains(place), "{kind:?} in {locale:?} does not name {place}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_version_in_force_is_the_newest_that_has_begun() {
        let policies = Policies::embedded().unwrap();
        let first = Timestamp::from_millis(0);
        let version = policies.in_force(PolicyKind::Privacy, first).map(|policy| policy.version);
        assert_eq!(version, Some("2026-11-26"));
        assert!(policies.find(PolicyKind::Terms, "2026-11-26").is_some());
        assert!(policies.find(PolicyKind::Terms, "2020-01-01").is_none());
    }

    #[test]
    fn sec_t62_the_numbers_of_the_policy_are_those_of_the_program() {
        let policies = Policies::embedded().unwrap();
        let policy = policies.versions(PolicyKind::Privacy).next().unwrap();
        let usage = u64::from(RetentionSettings::default().usage_days);
        let days = |kept: Duration| kept.as_secs() / (24 * 60 * 60);
        let numbers_of_the_program = [
            ("usage", usage),
            ("access token", ACCESS_TOKEN_LIFE.as_secs() / 60),
            ("keys", days(KEY_KEPT)),
            ("messages", days(NOTICE_KEPT)),
            ("sessions", days(SESSION_KEPT)),
            ("security log", days(SECURITY_LOG_KEPT)),
            ("networks", days(NETWORK_KEPT)),
            ("consents", days(CONSENT_KEPT) / 365),
            ("archives", days(EXPORT_KEPT) / 365),
            ("books", u64::from(BOOKS_KEPT_YEARS)),
        ];
        for locale in LOCALES {
            let said = numbers(policy.text(locale).source);
            for (what, number) in numbers_of_the_program {
                assert!(said.contains(&number), "{what}: {number} is not in the text in {locale:?}");
            }
        }
    }
}
