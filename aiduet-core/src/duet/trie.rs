//! Words by their bytes: which of them begin at a place of a text.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// Words by their bytes, as a double array: the child of a node for a byte is the cell so far behind the
/// base of the node, if that cell names the node as its parent. A step is one look at one cell, and most
/// walks end at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Trie {
    /// The first one is the root.
    cells: Vec<Cell>,
    /// Of each cell the words that end there, among all.
    ends: Vec<Range<usize>>,
    /// The numbers of words, in order within each node.
    words: Vec<usize>,
    beginnings: Beginnings,
}

/// With which three bytes words begin, as far as a few bits tell: small enough to stay at hand, so that most
/// places where no word begins cost no walk.
#[derive(Clone, Debug)]
struct Beginnings {
    bits: Box<[u64; BEGINNINGS]>,
    /// Words of one byte.
    single: Vec<u8>,
}

/// How many times 64 bits there are.
const BEGINNINGS: usize = 1 << 10;

impl Default for Beginnings {
    fn default() -> Self {
        Self { bits: Box::new([0; BEGINNINGS]), single: Vec::new() }
    }
}

impl Beginnings {
    /// Where the bit of three bytes is.
    const fn place([first, second, third]: [u8; 3]) -> (usize, u64) {
        let bytes = u32::from_le_bytes([first, second, third, 0]);
        let hash = bytes.wrapping_mul(0x9e37_79b1) >> 16;
        ((hash >> 6) as usize, 1 << (hash & 63))
    }

    fn add(&mut self, word: &[u8]) {
        let mut set = |bytes| {
            let (place, bit) = Self::place(bytes);
            if let Some(bits) = self.bits.get_mut(place) {
                *bits |= bit;
            }
        };
        match *word {
            [] => {}
            [first] => self.single.push(first),
            // Whatever follows.
            [first, second] => (0..=u8::MAX).for_each(|third| set([first, second, third])),
            [first, second, third, ..] => set([first, second, third]),
        }
    }

    /// Whether a word may begin like this.
    fn may_begin(&self, text: &[u8]) -> bool {
        let Some(bytes) = text.first_chunk() else { return true };
        let (place, bit) = Self::place(*bytes);
        self.bits.get(place).is_some_and(|bits| bits & bit != 0)
            || text.first().is_some_and(|first| self.single.contains(first))
    }
}

/// Small, so that many of them are at hand.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The parent; [`FREE`] where there is no node.
    parent: u32,
    /// With [`HAS_WORDS`] where words end.
    base: u32,
}

const FREE: u32 = u32::MAX;
const HAS_WORDS: u32 = 1 << 31;

/// No cell before this one is a child, so that whatever byte leads to a free cell, its base is above zero.
const FIRST: usize = 256;

/// How many of the last cells are searched for holes.
const SEARCHED: usize = 512;

/// What a trie is laid out from.
#[derive(Default)]
struct Draft {
    children: BTreeMap<u8, Self>,
    words: Vec<usize>,
}

impl Trie {
    /// Of words, which are numbered in their order. `None` if there are too many of them.
    pub(super) fn of<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<Self> {
        let mut trie = Self::default();
        let mut root = Draft::default();
        for (number, word) in words.into_iter().enumerate() {
            trie.beginnings.add(word.as_bytes());
            let end = word.bytes().fold(&mut root, |draft, byte| draft.children.entry(byte).or_default());
            end.words.push(number);
        }
        trie.take(0, 0);
        let mut waiting = VecDeque::from([(0, root)]);
        let mut free = FIRST;
        while let Some((place, draft)) = waiting.pop_front() {
            free += trie.cells.iter().skip(free).take_while(|cell| cell.parent != FREE).count();
            let base = trie.base_for(&draft.children, free);
            let flag = if draft.words.is_empty() { 0 } else { HAS_WORDS };
            trie.cells.get_mut(place)?.base =
                u32::try_from(base).ok().filter(|base| *base < HAS_WORDS)? | flag;
            *trie.ends.get_mut(place)? = trie.words.len()..trie.words.len() + draft.words.len();
            trie.words.extend(draft.words);
            let parent = u32::try_from(place).ok()?;
            for (byte, child) in draft.children {
                let place = base + usize::from(byte);
                trie.take(place, parent);
                waiting.push_back((place, child));
            }
        }
        Some(trie)
    }

    /// Makes a cell the child of another one.
    fn take(&mut self, place: usize, parent: u32) {
        if place >= self.cells.len() {
            self.cells.resize(place + 1, Cell { parent: FREE, base: 0 });
            self.ends.resize(place + 1, 0..0);
        }
        if let Some(cell) = self.cells.get_mut(place) {
            cell.parent = parent;
        }
    }

    /// A base from which the cells of all children are free, where `free` is the first free cell. An only
    /// child takes it; siblings go near the end, since it takes long to find holes for them.
    fn base_for(&self, children: &BTreeMap<u8, Draft>, free: usize) -> usize {
        let from =
            if children.len() > 1 { free.max(self.cells.len().saturating_sub(SEARCHED)) } else { free };
        let first = children.keys().next().map_or(0, |byte| usize::from(*byte));
        let is_free = |place: usize| self.cells.get(place).is_none_or(|cell| cell.parent == FREE);
        let fits = |base: &usize| children.keys().all(|byte| is_free(base + usize::from(*byte)));
        (from.saturating_sub(first)..).find(fits).unwrap_or(from)
    }

    /// Tells the words with which a text begins, each with its length in bytes; the shortest first.
    pub(super) fn prefixes(&self, text: &[u8], mut tell: impl FnMut(usize, usize)) {
        if !self.beginnings.may_begin(text) {
            return;
        }
        let mut node = 0;
        let mut base = self.cells.first().map_or(0, |root| root.base & !HAS_WORDS);
        for (length, byte) in (1..).zip(text) {
            let place = base + u32::from(*byte);
            let Some(cell) = self.cells.get(place as usize).filter(|cell| cell.parent == node) else {
                return;
            };
            (node, base) = (place, cell.base & !HAS_WORDS);
            if cell.base & HAS_WORDS != 0 {
                let words = self.ends.get(place as usize).and_then(|ends| self.words.get(ends.clone()));
                words.unwrap_or_default().iter().for_each(|word| tell(*word, length));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_words_are_those_that_the_text_starts_with(
            words in vec("[ab设计]{1,4}", 0..20),
            text in "[ab设计]{0,8}",
        ) {
            let trie = Trie::of(words.iter().map(String::as_str)).unwrap();
            let mut found = Vec::new();
            trie.prefixes(text.as_bytes(), |word, length| found.push((word, length)));
            let mut expected: Vec<_> = words
                .iter()
                .enumerate()
                .filter(|(_number, word)| text.starts_with(word.as_str()))
                .map(|(number, word)| (number, word.len()))
                .collect();
            expected.sort_by_key(|(number, length)| (*length, *number));
            prop_assert_eq!(found, expected);
        }
    }
}
