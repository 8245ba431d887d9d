//! What the words of a message say, and where.

use super::lexicon::{GROUPS, Group, Groups, Hit, Lexicon};
use super::prose::{Ending, Prose, is_letter};

/// Counts go up to this.
const COUNT_MAX: u8 = 3;

/// What the words of a message say.
#[derive(Clone, Default)]
pub(super) struct Words {
    /// How often each group occurs, up to three times, in the order of [`Group`].
    counts: [u8; GROUPS],
    /// The groups in the first clause.
    first: Groups,
    /// The groups in the last sentence.
    last: Groups,
    /// There is a question; the first clause is one; the last sentence is one.
    pub(super) question: bool,
    pub(super) question_first: bool,
    pub(super) question_last: bool,
    /// Numbers, up to three.
    pub(super) figures: u8,
    /// The entries of the lexicon that occur.
    entries: Vec<usize>,
}

impl Words {
    pub(super) fn of(prose: &Prose, lexicon: &Lexicon) -> Self {
        let mut hits = lexicon.find(prose);
        let end = payload_start(prose, &hits).unwrap_or(usize::MAX);
        hits.retain(|hit| hit.start < end);
        let first_end = prose.spoken().next().map_or(0, |clause| clause.end);
        let last_start = prose.last_sentence(end);
        let mut words = Self { figures: prose.figures(COUNT_MAX), ..Self::default() };
        for hit in &hits {
            for place in hit.groups.places() {
                if let Some(count) = words.counts.get_mut(place) {
                    *count = COUNT_MAX.min(*count + 1);
                }
            }
            if hit.start < first_end {
                words.first = words.first.and(hit.groups);
            }
            if hit.start >= last_start {
                words.last = words.last.and(hit.groups);
            }
        }
        for clause in prose.clauses() {
            let marked = clause.ending == Ending::Question && clause.start < end;
            words.question |= marked;
            words.question_first |= marked && clause.start < first_end;
            words.question_last |= marked && clause.start >= last_start;
        }
        words.question |= words.any(Group::Question);
        words.question_first |= words.first(Group::Question);
        words.question_last |= words.last(Group::Question);
        words.entries = hits.into_iter().map(|hit| hit.entry).collect();
        words
    }

    /// How often a group occurs, up to three times.
    pub(super) fn count(&self, group: Group) -> i32 {
        self.counts.get(group as usize).copied().map_or(0, i32::from)
    }

    pub(super) fn any(&self, group: Group) -> bool {
        self.count(group) > 0
    }

    pub(super) fn first(&self, group: Group) -> bool {
        self.first.has(group)
    }

    pub(super) fn last(&self, group: Group) -> bool {
        self.last.has(group)
    }

    /// The entries of the lexicon that occur.
    pub(super) fn entries(&self) -> impl Iterator<Item = usize> {
        self.entries.iter().copied()
    }
}

/// Where the text begins that is to be treated, behind an order to translate, proofread or
/// summarise: at the next colon or line.
fn payload_start(prose: &Prose, hits: &[Hit]) -> Option<usize> {
    let order = hits.iter().find(|hit| hit.groups.has(Group::Transform))?;
    let rest = prose.text().get(order.end..)?;
    let colon = rest.find([':', '\n'])?;
    let behind = rest.get(colon + 1..)?;
    behind.contains(is_letter).then_some(order.end + colon)
}
