//! The words by which intent is told, in three languages, found in one pass.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::Deserialize;

use super::error::DuetDataError;
use super::fold::fold;
use super::prose::Prose;

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Group {
    Design,
    Decide,
    Judge,
    Why,
    Make,
    Deliverable,
    NegatedAction,
    Tech,
    Everyday,
    Concept,
    Transform,
    GoAhead,
    Thanks,
    Follow,
    We,
    Question,
    /// Words of other groups inside it do not count.
    Trap,
    /// What may stand before an imperative.
    Skip,
}

impl Group {
    const fn bit(self) -> u32 {
        let place = match self {
            Self::Design => 0,
            Self::Decide => 1,
            Self::Judge => 2,
            Self::Why => 3,
            Self::Make => 4,
            Self::Deliverable => 5,
            Self::NegatedAction => 6,
            Self::Tech => 7,
            Self::Everyday => 8,
            Self::Concept => 9,
            Self::Transform => 10,
            Self::GoAhead => 11,
            Self::Thanks => 12,
            Self::Follow => 13,
            Self::We => 14,
            Self::Question => 15,
            Self::Trap => 16,
            Self::Skip => 17,
        };
        1 << place
    }
}

/// A set of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups(u32);

impl Groups {
    const fn with(self, group: Group) -> Self {
        Self(self.0 | group.bit())
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, group: Group) -> bool {
        self.0 & group.bit() != 0
    }

    const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A word that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) groups: Groups,
    /// Which entry of the lexicon it is.
    pub(super) entry: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LexiconFile {
    version: u32,
    en: LanguageFile,
    zh: LanguageFile,
    ja: LanguageFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageFile {
    #[serde(default)]
    start: BTreeMap<Group, Vec<String>>,
    any: BTreeMap<Group, Vec<String>>,
}

/// The version of the format.
const VERSION: u32 = 1;

/// The longest entry, in bytes.
const ENTRY_BYTES_MAX: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    anywhere: Groups,
    /// At the start of a clause only.
    at_start: Groups,
    edges: Edges,
}

/// On which sides a word must end.
#[derive(Clone, Copy, Debug, Default)]
struct Edges {
    left: Edge,
    right: Edge,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Edge {
    /// Letters may go on.
    #[default]
    Open,
    /// No letter or digit may follow.
    Closed,
}

/// The words of all groups.
#[derive(Clone, Debug)]
pub struct Lexicon {
    automaton: AhoCorasick,
    entries: Vec<Entry>,
    /// Which entries are used; all of them, except while the lexicon is being judged.
    active: Vec<bool>,
}

impl Lexicon {
    /// Reads a lexicon (`docs/duet.md`).
    ///
    /// # Errors
    /// [`DuetDataError`] says what is wrong with it.
    pub fn from_toml(text: &str) -> Result<Self, DuetDataError> {
        let file: LexiconFile = toml::from_str(text)
            .map_err(|error| DuetDataError::Lexicon { reason: error.message().to_owned() })?;
        if file.version != VERSION {
            return Err(DuetDataError::Lexicon { reason: "not the version that is known".to_owned() });
        }
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for language in [file.en, file.zh, file.ja] {
            for (group, words) in language.any {
                for word in words {
                    let entry = slot(&mut entries, &word)?;
                    entry.anywhere = entry.anywhere.with(group);
                }
            }
            for (group, words) in language.start {
                for word in words {
                    let entry = slot(&mut entries, &word)?;
                    entry.at_start = entry.at_start.with(group);
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(entries.keys().map(|word| word.trim_end_matches('*')))
            .map_err(|_error| DuetDataError::Lexicon { reason: "too many words".to_owned() })?;
        let entries: Vec<Entry> = entries.into_values().collect();
        let active = vec![true; entries.len()];
        Ok(Self { automaton, entries, active })
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The same lexicon without the entries for which `keep` is not set: for judging how much a fit
    /// depends on words that it has seen.
    #[must_use]
    pub fn cut_to(&self, keep: &[bool]) -> Self {
        let active = (0..self.len()).map(|entry| keep.get(entry).copied().unwrap_or(false)).collect();
        Self { active, ..self.clone() }
    }

    /// The words of a text, in order; where they overlap the first and longest.
    pub(super) fn find(&self, prose: &Prose) -> Vec<Hit> {
        let text = prose.text();
        let candidates = self.candidates(text);
        let starts = starts(prose, &candidates);
        let mut hits: Vec<Hit> = candidates
            .into_iter()
            .filter_map(|(range, entry, found)| {
                let at_start = if starts.binary_search(&range.start).is_ok() {
                    found.at_start
                } else {
                    Groups::default()
                };
                let groups = found.anywhere.and(at_start);
                let telling = groups.0 & !Group::Skip.bit() != 0;
                telling.then_some(Hit { start: range.start, end: range.end, groups, entry })
            })
            .collect();
        hits.sort_unstable_by_key(|hit| (hit.start, usize::MAX - hit.end));
        let mut end = 0;
        hits.retain(|hit| {
            let free = hit.start >= end;
            if free {
                end = hit.end;
            }
            free
        });
        hits
    }

    /// Every entry that stands in the text as a word of its own, overlapping ones too.
    fn candidates(&self, text: &str) -> Vec<(Range<usize>, usize, Entry)> {
        let bytes = text.as_bytes();
        let letter = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
        let mut found = Vec::with_capacity(64);
        for hit in self.automaton.find_overlapping_iter(text) {
            let index = hit.pattern().as_usize();
            let Some(entry) = self.entries.get(index) else { continue };
            if self.active.get(index) != Some(&true) {
                continue;
            }
            let before = hit.start().checked_sub(1).and_then(|at| bytes.get(at));
            let fits_left = entry.edges.left == Edge::Open || !letter(before);
            let fits_right = entry.edges.right == Edge::Open || !letter(bytes.get(hit.end()));
            if fits_left && fits_right {
                found.push((hit.range(), index, *entry));
            }
        }
        found
    }
}

fn slot<'a>(entries: &'a mut BTreeMap<String, Entry>, word: &str) -> Result<&'a mut Entry, DuetDataError> {
    let folded = fold(word);
    let bare = folded.strip_suffix('*').unwrap_or(&folded);
    let fits = (1..=ENTRY_BYTES_MAX).contains(&bare.len()) && !bare.contains('*') && bare.trim() == bare;
    if !fits {
        return Err(DuetDataError::Lexicon { reason: "an entry is empty or too long".to_owned() });
    }
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let closed = |closed: bool| if closed { Edge::Closed } else { Edge::Open };
    let left = closed(is_letter(bare.as_bytes().first()));
    let right = closed(is_letter(bare.as_bytes().last()) && !folded.ends_with('*'));
    let entry = entries.entry(folded).or_default();
    entry.edges = Edges { left, right };
    Ok(entry)
}

/// Where imperatives may stand: at the start of each clause, behind the words that may be skipped,
/// and, once a clause has begun with an imperative, behind `and`.
fn starts(prose: &Prose, candidates: &[(Range<usize>, usize, Entry)]) -> Vec<usize> {
    let mut skips: Vec<&Range<usize>> = candidates
        .iter()
        .filter(|(_range, _index, entry)| entry.anywhere.has(Group::Skip))
        .map(|(range, _index, _entry)| range)
        .collect();
    skips.sort_unstable_by_key(|range| (range.start, usize::MAX - range.end));
    let behind = |mut at: usize| {
        let from = skips.partition_point(|skip| skip.start < at);
        for skip in skips.iter().skip(from) {
            if skip.start > at {
                break;
            }
            if skip.start == at {
                at = prose.next_word(skip.end);
            }
        }
        at
    };
    let imperative = |at: usize| {
        candidates.iter().any(|(range, _index, entry)| range.start == at && !entry.at_start.is_empty())
    };
    let mut starts = Vec::new();
    for clause in prose.clauses() {
        let first = behind(prose.next_word(clause.start));
        starts.push(first);
        if imperative(first) {
            let inner = skips.iter().filter(|skip| skip.start > first && skip.end <= clause.end);
            starts.extend(inner.map(|skip| behind(prose.next_word(skip.end))));
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}
