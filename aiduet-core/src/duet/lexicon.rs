//! The words by which intent is told, in three languages, found in one pass.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;

use super::error::DuetDataError;
use super::fold::fold;
use super::prose::{Clause, Prose, is_letter};
use super::trie::Trie;

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
    /// Symptoms: errors, slowness, what should not be.
    Symptom,
    /// Questions for a verdict.
    Verdict,
    /// Things that are made of text for people who build.
    Document,
    /// Things that are made of text for people.
    Writing,
    /// Forms of a question.
    Question,
    How,
    Which,
    Should,
    YesNo,
    /// Forms of an order or a wish.
    Order,
    Future,
    /// Words that point to something that is there.
    Point,
    /// The speaker alone.
    Mine,
    /// Amounts, spans of time and constraints.
    Scope,
    /// Words of other groups inside it do not count.
    Trap,
    /// What may stand before an imperative.
    Skip,
}

/// How many groups there are.
pub(super) const GROUPS: usize = Group::Skip as usize + 1;

impl Group {
    const fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

/// A set of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups(u32);

impl Groups {
    const fn with(self, group: Group) -> Self {
        Self(self.0 | group.bit())
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, group: Group) -> bool {
        self.0 & group.bit() != 0
    }

    /// What both have.
    const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The places of the groups among all.
    pub(super) fn places(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let place = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            (place < u32::BITS).then_some(place as usize)
        })
    }

    const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Groups of words that give a sentence its form.
const FORMS: Groups = Groups(0)
    .with(Group::Question)
    .with(Group::How)
    .with(Group::Which)
    .with(Group::Should)
    .with(Group::YesNo)
    .with(Group::Order)
    .with(Group::Future)
    .with(Group::Point)
    .with(Group::Mine)
    .with(Group::Scope)
    .with(Group::Trap);

/// Groups of words that say what a sentence is about.
const TOPICS: Groups = Groups(!(FORMS.0 | Group::Skip.bit()) | Group::Trap.bit());

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
    #[serde(default)]
    end: BTreeMap<Group, Vec<String>>,
    any: BTreeMap<Group, Vec<String>>,
}

/// The version of the format.
const VERSION: u32 = 1;

/// The longest entry, in bytes.
const ENTRY_BYTES_MAX: usize = 64;

/// What a word says, by where in a clause it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sense {
    anywhere: Groups,
    /// At the start of a clause only.
    at_start: Groups,
    /// At the end of a clause only.
    at_end: Groups,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    sense: Sense,
    /// No letter or digit may follow.
    ends_closed: bool,
}

/// What is known of a word where it is found.
#[derive(Clone, Copy, Debug)]
struct Known {
    entry: u32,
    /// Which sense it has.
    sense: u16,
    ends_closed: bool,
}

/// A word that stands in a text as one of its own.
struct Candidate {
    start: usize,
    end: usize,
    known: Known,
}

/// Every word that stands in a text as one of its own, overlapping ones too.
struct Candidates {
    /// In the order of their starts, the longest first.
    words: Vec<Candidate>,
    /// Where words stand that are imperatives at the start of a clause.
    imperatives: Places,
    /// Where words stand before which a clause has not begun yet.
    skips: Vec<Range<usize>>,
}

/// The words of all groups.
#[derive(Clone, Debug)]
pub struct Lexicon {
    words: Trie<Known>,
    /// What words say: many say the same, so that all of this is at hand. The first one is nothing.
    senses: Vec<Sense>,
    entries: usize,
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
                    entry.sense.anywhere = entry.sense.anywhere.with(group);
                }
            }
            for (group, words) in language.end {
                for word in words {
                    let entry = slot(&mut entries, &word)?;
                    entry.sense.at_end = entry.sense.at_end.with(group);
                }
            }
            for (group, words) in language.start {
                for word in words {
                    let entry = slot(&mut entries, &word)?;
                    entry.sense.at_start = entry.sense.at_start.with(group);
                }
            }
        }
        let known = Self::of(&entries);
        known.ok_or_else(|| DuetDataError::Lexicon { reason: "too many words".to_owned() })
    }

    fn of(entries: &BTreeMap<String, Entry>) -> Option<Self> {
        let mut senses = vec![Sense::default()];
        let mut words = Vec::with_capacity(entries.len());
        for (number, (word, Entry { sense, ends_closed })) in entries.iter().enumerate() {
            let place = senses.iter().position(|known| known == sense).unwrap_or_else(|| {
                senses.push(*sense);
                senses.len() - 1
            });
            let (entry, sense) = (u32::try_from(number).ok()?, u16::try_from(place).ok()?);
            words.push((word.trim_end_matches('*'), Known { entry, sense, ends_closed: *ends_closed }));
        }
        Some(Self { words: Trie::of(words)?, senses, entries: entries.len() })
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The same lexicon without the entries for which `keep` is not set: for judging how much a fit
    /// depends on words that it has seen.
    #[must_use]
    pub fn cut_to(&self, keep: &[bool]) -> Self {
        let mut cut = self.clone();
        let is_kept = |known: Known| keep.get(known.entry as usize) == Some(&true);
        cut.words.change(|known| if is_kept(known) { known } else { Known { sense: 0, ..known } });
        cut
    }

    /// The words of a text, in order; where they overlap the first and longest. Words that give a
    /// sentence its form and words that say what it is about may overlap each other.
    pub(super) fn find(&self, prose: &Prose) -> Vec<Hit> {
        let Candidates { words, imperatives, skips } = self.candidates(prose.text());
        let starts = starts(prose, &imperatives, &skips);
        let ends = ends(prose);
        let mut hits = Vec::with_capacity(words.len());
        let (mut topics, mut forms) = (0, 0);
        for Candidate { start, end, known } in words {
            let Some(sense) = self.sense(known) else { continue };
            let mut groups = sense.anywhere;
            if !sense.at_start.is_empty() && starts.has(start) {
                groups = groups.and(sense.at_start);
            }
            if !sense.at_end.is_empty() && ends.binary_search(&end).is_ok() {
                groups = groups.and(sense.at_end);
            }
            for (layer, free_from) in [(TOPICS, &mut topics), (FORMS, &mut forms)] {
                let groups = groups.within(layer);
                if start >= *free_from && !groups.is_empty() {
                    *free_from = end;
                    hits.push(Hit { start, end, groups, entry: known.entry as usize });
                }
            }
        }
        hits
    }

    fn sense(&self, known: Known) -> Option<&Sense> {
        self.senses.get(usize::from(known.sense))
    }

    fn candidates(&self, text: &str) -> Candidates {
        let bytes = text.as_bytes();
        let mut words = Vec::with_capacity(bytes.len() / 8);
        let mut imperatives = Places::of(text);
        let mut skips = Vec::new();
        let found = self.words.find(bytes);
        for here in found.chunk_by(|first, second| first.start == second.start) {
            for place in here.iter().rev() {
                let goes_on = bytes.get(place.end).is_some_and(u8::is_ascii_alphanumeric);
                for known in self.words.values(place).iter().filter(|known| !(known.ends_closed && goes_on)) {
                    let Some(sense) = self.sense(*known) else { continue };
                    if !sense.at_start.is_empty() {
                        imperatives.add(place.start);
                    }
                    if sense.anywhere.has(Group::Skip) {
                        skips.push(place.start..place.end);
                    }
                    words.push(Candidate { start: place.start, end: place.end, known: *known });
                }
            }
        }
        Candidates { words, imperatives, skips }
    }
}

fn slot<'a>(entries: &'a mut BTreeMap<String, Entry>, word: &str) -> Result<&'a mut Entry, DuetDataError> {
    let folded = fold(word);
    let bare = folded.strip_suffix('*').unwrap_or(&folded);
    let fits =
        (1..=ENTRY_BYTES_MAX).contains(&bare.len()) && !bare.contains(['*', '\0']) && bare.trim() == bare;
    if !fits {
        return Err(DuetDataError::Lexicon { reason: "an entry is empty or too long".to_owned() });
    }
    let ends_closed = bare.ends_with(|last: char| last.is_ascii_alphanumeric()) && !folded.ends_with('*');
    let entry = entries.entry(folded).or_default();
    entry.ends_closed = ends_closed;
    Ok(entry)
}

/// Where clauses end, in order: behind their last letter.
fn ends(prose: &Prose) -> Vec<usize> {
    let text = prose.text();
    let end = |clause: &Clause| {
        let inside = text.get(clause.start..clause.end).unwrap_or_default();
        clause.start + inside.trim_end_matches(|letter: char| !is_letter(letter)).len()
    };
    prose.clauses().iter().map(end).collect()
}

/// Where imperatives may stand: at the start of each clause, behind the words that may be skipped, and, once a
/// clause has begun with an imperative, behind `and`.
fn starts(prose: &Prose, imperatives: &Places, skips: &[Range<usize>]) -> Places {
    let mut skipped = Places::of(prose.text());
    skips.iter().for_each(|skip| skipped.add(skip.start));
    let behind = |mut at: usize| {
        if !skipped.has(at) {
            return at;
        }
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
    let mut starts = Places::of(prose.text());
    for clause in prose.clauses() {
        let first = behind(prose.next_word(clause.start));
        starts.add(first);
        if imperatives.has(first) {
            let from = skips.partition_point(|skip| skip.start <= first);
            let inner = skips.iter().skip(from).take_while(|skip| skip.start < clause.end);
            let inner = inner.filter(|skip| skip.end <= clause.end);
            inner.for_each(|skip| starts.add(behind(prose.next_word(skip.end))));
        }
    }
    starts
}

/// A set of places of a text.
struct Places(Vec<u64>);

impl Places {
    fn of(text: &str) -> Self {
        Self(vec![0; text.len() / 64 + 1])
    }

    fn add(&mut self, at: usize) {
        if let Some(bits) = self.0.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
    }

    fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|bits| bits & (1 << (at % 64)) != 0)
    }
}
