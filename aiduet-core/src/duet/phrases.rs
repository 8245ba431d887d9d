//! Phrases that are looked for together, each text being read once.

use aho_corasick::packed::{Config, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind};

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
            .map_err(|_error| DuetDataError::Clients { reason: "too many phrases".to_owned() })?;
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

/// Phrases that hardly any text has, looked for in many bytes at a time.
#[derive(Debug)]
pub(super) struct Signs(Option<Searcher>);

impl Signs {
    pub(super) fn of<'p>(phrases: impl IntoIterator<Item = &'p String>) -> Self {
        let mut searcher = Config::new().builder();
        searcher.extend(phrases.into_iter().map(|phrase| phrase.to_ascii_lowercase()));
        Self(searcher.build())
    }

    /// Whether a text may have one of them; if the processor cannot tell quickly, it may.
    pub(super) fn may_be_in(&self, text: &str) -> bool {
        self.0.as_ref().is_none_or(|searcher| searcher.find(text.to_ascii_lowercase()).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_seen_whatever_their_case_and_place() {
        let signs = Signs::of(&["commit message".to_owned(), "IsNewTopic".to_owned(), "提交信息".to_owned()]);
        let long = "x".repeat(100);
        for text in ["Commit Message", "isnewtopic", "写提交信息", &format!("{long}a COMMIT MESSAGE{long}")]
        {
            assert!(signs.may_be_in(text), "{text}");
        }
        // A processor that cannot tell says yes to everything.
        if signs.0.is_some() {
            for text in ["", "commit", "提交", &long] {
                assert!(!signs.may_be_in(text), "{text}");
            }
        }
    }
}
