//! What a person says in a message, apart from what is pasted into it.
//!
//! Code, logs, quotations, addresses and identifiers do not vote: they are taken out and only their
//! kind is kept. What remains is folded to one spelling and cut into clauses.

mod artefact;
mod clean;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(super) use artefact::{Artefact, Artefacts};

use self::artefact::{Sample, fence_kind, line_kind};
use self::clean::clean;

/// How much of the prose is read at each end, in bytes.
const END_BYTES: usize = 2 * 1024;

/// Stands for what was taken out.
const GAP: char = '\u{1}';

/// How a clause ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The sentence goes on.
    Clause,
    /// A full stop, an exclamation mark or the end of a line.
    Sentence,
    /// A question mark.
    Question,
}

/// A stretch of the text between two marks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clause {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) ending: Ending,
}

/// What a person says.
#[derive(Clone, Default)]
pub(super) struct Prose {
    text: String,
    clauses: Vec<Clause>,
    pub(super) artefacts: Artefacts,
    /// Letters of ASCII words, and other letters twice: about how long it takes to read.
    pub(super) weight: usize,
}

impl Prose {
    /// Reads the texts of one message.
    pub(super) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut prose = Self::default();
        for text in texts {
            prose.read(text);
        }
        prose.keep_ends();
        prose.divide();
        prose
    }

    /// The text, folded.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// The clauses that say something.
    pub(super) fn spoken(&self) -> impl DoubleEndedIterator<Item = Range<usize>> {
        let letters = |clause: &&Clause| {
            self.text.get(clause.start..clause.end).is_some_and(|text| text.chars().any(is_letter))
        };
        self.clauses.iter().filter(letters).map(|clause| clause.start..clause.end)
    }

    /// Where the last sentence begins that says something before a place.
    pub(super) fn last_sentence(&self, before: usize) -> usize {
        let mut start = 0;
        let mut fresh = true;
        let mut candidate = 0;
        for clause in self.clauses.iter().filter(|clause| clause.start < before) {
            if fresh {
                candidate = clause.start;
                fresh = false;
            }
            let said = self.text.get(clause.start..clause.end).unwrap_or_default();
            if said.chars().any(is_letter) {
                start = candidate;
            }
            fresh |= clause.ending != Ending::Clause;
        }
        start
    }

    /// How many numbers there are, up to so many.
    pub(super) fn figures(&self, most: u8) -> u8 {
        let mut figures = 0;
        let mut within = false;
        for chunk in self.text.as_bytes().chunks(32) {
            // Most have none, which is seen without a look at each byte by itself.
            if !chunk.iter().fold(false, |any, byte| any | byte.is_ascii_digit()) {
                within = false;
                continue;
            }
            for byte in chunk {
                let digit = byte.is_ascii_digit();
                if digit && !within {
                    figures += 1;
                }
                if figures == most {
                    return most;
                }
                within = digit || (within && matches!(byte, b'.' | b','));
            }
        }
        figures
    }

    /// The place of the next word.
    pub(super) fn next_word(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let blank = |byte: &u8| matches!(byte, b' ' | b',' | b'\t' | b'(' | b'*' | b'"' | b'\'' | b'#');
        at + rest.iter().take_while(|byte| blank(byte)).count()
    }

    fn read(&mut self, text: &str) {
        let mut fence: Option<(&str, Sample)> = None;
        self.text.reserve(text.len());
        for line in text.lines() {
            let bare = line.trim_start();
            match &mut fence {
                Some((mark, sample)) if bare.starts_with(*mark) => {
                    self.artefacts.add(sample.kind());
                    fence = None;
                }
                Some((_mark, sample)) => sample.add(line),
                None => match ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark)) {
                    Some(mark) => fence = Some((mark, Sample::new(fence_kind(bare)))),
                    None => self.read_line(line, bare),
                },
            }
        }
        // A fence that is never closed is one all the same.
        if let Some((_mark, sample)) = fence {
            self.artefacts.add(sample.kind());
        }
    }

    fn read_line(&mut self, line: &str, bare: &str) {
        match line_kind(line, bare) {
            Some(kind) => self.artefacts.add(kind),
            None => {
                clean(bare, &mut self.text, &mut self.artefacts);
                self.text.push('\n');
            }
        }
    }

    /// Leaves the beginning and the end of a long text.
    fn keep_ends(&mut self) {
        if self.text.len() <= 2 * END_BYTES {
            return;
        }
        let head = self.text.floor_char_boundary(END_BYTES);
        let tail = self.text.ceil_char_boundary(self.text.len() - END_BYTES);
        self.text.replace_range(head..tail, "\n");
    }

    fn divide(&mut self) {
        let mut start = 0;
        for (at, letter) in self.text.char_indices() {
            if is_letter(letter) {
                self.weight += if letter.is_ascii() { 1 } else { 2 };
                continue;
            }
            let end = at + letter.len_utf8();
            let next = self.text.as_bytes().get(end);
            let Some(ending) = ending_of(letter, next) else { continue };
            self.clauses.push(Clause { start, end, ending });
            start = end;
        }
        if start < self.text.len() {
            self.clauses.push(Clause { start, end: self.text.len(), ending: Ending::Sentence });
        }
    }
}

/// Letters and digits, as [`char::is_alphanumeric`] has them; without its tables for those that are
/// common here.
pub(super) fn is_letter(letter: char) -> bool {
    match letter {
        '\0'..='\x7f' => letter.is_ascii_alphanumeric(),
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' => true,
        '\u{2010}'..='\u{206f}' | '\u{3001}'..='\u{3004}' | '\u{3008}'..='\u{3020}' => false,
        _ => letter.is_alphanumeric(),
    }
}

/// Whether a letter ends a clause, and how.
fn ending_of(letter: char, next: Option<&u8>) -> Option<Ending> {
    let at_edge = next.is_none_or(|next| !next.is_ascii_alphanumeric());
    match letter {
        '?' => Some(Ending::Question),
        '.' | '!' if at_edge => Some(Ending::Sentence),
        '\n' | '\u{3002}' | '!' => Some(Ending::Sentence),
        ',' | ':' if at_edge => Some(Ending::Clause),
        ';' | '\u{3001}' | '\u{2014}' | '\u{2026}' => Some(Ending::Clause),
        _ => None,
    }
}
