//! Phrases that are looked for together, each text being read once.

use aho_corasick::packed::{Config, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};

use super::error::DuetDataError;

/// Of each list one phrase.
#[derive(Clone, Debug, Default)]
pub(super) struct Conjunction(Vec<Vec<usize>>);

impl Conjunction {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn holds(&self, found: &Found) -> bool {
        self.0.iter().all(|any| any.iter().any(|phrase| found.has(*phrase)))
    }
}

/// The phrases that a text has.
#[derive(Clone, Debug, Default)]
pub(super) struct Found(Vec<bool>);

impl Found {
    fn has(&self, phrase: usize) -> bool {
        self.0.get(phrase) == Some(&true)
    }

    /// Adds those of another text.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), false);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

/// All phrases.
#[derive(Clone, Debug, Default)]
pub(super) struct Phrases {
    texts: Vec<String>,
    automaton: Option<AhoCorasick>,
}

impl Phrases {
    /// Takes phrases in; to be called before [`build`](Self::build).
    pub(super) fn conjunction(&mut self, all: Vec<Vec<String>>) -> Conjunction {
        let mut place = |text: String| {
            let known = self.texts.iter().position(|known| *known == text);
            known.unwrap_or_else(|| {
                self.texts.push(text);
                self.texts.len() - 1
            })
        };
        Conjunction(all.into_iter().map(|any| any.into_iter().map(&mut place).collect()).collect())
    }

    pub(super) fn build(&mut self) -> Result<(), DuetDataError> {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&self.texts)
            .map_err(too_many)?;
        self.automaton = Some(automaton);
        Ok(())
    }

    /// The phrases that a text has.
    pub(super) fn find(&self, text: &str) -> Found {
        let mut found = Found(vec![false; self.texts.len()]);
        if let Some(automaton) = &self.automaton {
            for hit in automaton.find_overlapping_iter(text) {
                if let Some(place) = found.0.get_mut(hit.pattern().as_usize()) {
                    *place = true;
                }
            }
        }
        found
    }
}

/// Phrases of which one is enough. The automaton alone, which can look for many bytes at a time too, takes 13 µs more
/// for a message of 4 KiB (`benches/duet.rs`).
#[derive(Debug)]
pub(super) enum AnyOf {
    /// Looked for in many bytes at a time, where the processor can.
    Packed(Searcher),
    Automaton(AhoCorasick),
}

impl AnyOf {
    pub(super) fn of(phrases: &[String]) -> Result<Self, DuetDataError> {
        let phrases: Vec<_> = phrases.iter().map(|phrase| phrase.to_ascii_lowercase()).collect();
        match Config::new().builder().extend(&phrases).build() {
            Some(searcher) => Ok(Self::Packed(searcher)),
            None => AhoCorasick::new(&phrases).map(Self::Automaton).map_err(too_many),
        }
    }

    /// Whether a text in small letters has one of them.
    pub(super) fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Packed(searcher) => searcher.find(text).is_some(),
            Self::Automaton(automaton) => automaton.is_match(text),
        }
    }
}

fn too_many(_error: BuildError) -> DuetDataError {
    DuetDataError::Clients { reason: "too many phrases".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_seen_wherever_they_stand() {
        let phrases = ["commit message".to_owned(), "IsNewTopic".to_owned(), "提交信息".to_owned()];
        let automaton = AhoCorasick::new(phrases.iter().map(|phrase| phrase.to_ascii_lowercase())).unwrap();
        let long = "x".repeat(100);
        for any in [AnyOf::of(&phrases).unwrap(), AnyOf::Automaton(automaton)] {
            for text in
                ["commit message", "isnewtopic", "写提交信息", &format!("{long}a commit message{long}")]
            {
                assert!(any.is_in(text), "{text}");
            }
            for text in ["", "commit", "提交", &long] {
                assert!(!any.is_in(text), "{text}");
            }
        }
    }
}
