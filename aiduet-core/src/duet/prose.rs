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

/// Letters are weighed up to here.
pub(super) const WEIGHT_MAX: usize = 100;

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
    /// Letters of ASCII words, and other letters twice: about how long it takes to read, up to
    /// [`WEIGHT_MAX`].
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
        prose.weigh();
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
        for line in lines(text) {
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

    fn weigh(&mut self) {
        for letter in self.text.chars().filter(|letter| is_letter(*letter)) {
            self.weight += if letter.is_ascii() { 1 } else { 2 };
            if self.weight >= WEIGHT_MAX {
                return;
            }
        }
    }

    fn divide(&mut self) {
        let bytes = self.text.as_bytes();
        let mut start = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if MAY_END.get(usize::from(*byte)) != Some(&true) {
                continue;
            }
            if let Some((ending, end)) = ending_at(bytes, at) {
                self.clauses.push(Clause { start, end, ending });
                start = end;
            }
        }
        if start < bytes.len() {
            self.clauses.push(Clause { start, end: bytes.len(), ending: Ending::Sentence });
        }
    }
}

/// The lines of a text, as [`str::lines`] has them, but found in many bytes at a time.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (line, tail) = match memchr::memchr(b'\n', rest.as_bytes()) {
            Some(end) => {
                let line = rest.get(..end)?;
                (line.strip_suffix('\r').unwrap_or(line), rest.get(end + 1..)?)
            }
            None if rest.is_empty() => return None,
            None => (rest, ""),
        };
        rest = tail;
        Some(line)
    })
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

/// The bytes at which a clause may end.
const MAY_END: [bool; 256] = may_end();

const fn may_end() -> [bool; 256] {
    let mut may_end = [false; 256];
    let mut rest: &mut [bool] = &mut may_end;
    let mut byte = 0_u8;
    while let [this, others @ ..] = rest {
        *this = matches!(byte, b'?' | b'.' | b'!' | b'\n' | b',' | b':' | b';' | 0x80);
        byte = byte.wrapping_add(1);
        rest = others;
    }
    may_end
}

/// How a clause ends at a byte, if it does, and where the next one begins.
fn ending_at(bytes: &[u8], at: usize) -> Option<(Ending, usize)> {
    let next = bytes.get(at + 1);
    let at_edge = next.is_none_or(|next| !next.is_ascii_alphanumeric());
    let ending = match bytes.get(at)? {
        b'?' => Ending::Question,
        b'.' if at_edge => Ending::Sentence,
        b'\n' | b'!' => Ending::Sentence,
        b',' | b':' if at_edge => Ending::Clause,
        b';' => Ending::Clause,
        // The second byte of three: of 。 and 、, of — and ….
        0x80 => {
            let ending = match (bytes.get(at.checked_sub(1)?)?, next?) {
                (0xe3, 0x82) => Ending::Sentence,
                (0xe3, 0x81) | (0xe2, 0x94 | 0xa6) => Ending::Clause,
                _ => return None,
            };
            return Some((ending, at + 2));
        }
        _ => return None,
    };
    Some((ending, at + 1))
}
