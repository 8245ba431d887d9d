//! Words by their bytes: where they stand in a text.

use std::collections::{BTreeMap, VecDeque};

/// Words by their bytes, as a double array: the child of a node for a byte is the cell so far behind the
/// base of the node, if that cell names the node as its parent. A step is one look at one cell, and most
/// walks end at once. What only one word has is not in cells: it is compared at once.
#[derive(Clone, Debug)]
pub(super) struct Trie<T> {
    /// The first one is the root.
    cells: Vec<Cell>,
    /// Of each cell how many words end there, and above [`COUNT_BITS`] where their values begin.
    ends: Vec<u32>,
    /// What there is about the words that end at a node, in their order, node by node.
    values: Vec<T>,
    /// How words end from the node on that is theirs alone, and [`HEAD`] zeros.
    tails: Vec<u8>,
    beginnings: Beginnings,
}

/// With which bytes words begin, as far as a few bits tell: small enough to stay at hand, so that most places
/// where no word begins cost no walk.
#[derive(Clone, Debug)]
struct Beginnings {
    /// Of each byte whether a word begins with it or is it, and whether it is a letter or digit of ASCII.
    bytes: [u8; 256],
    /// The first three bytes of short words, and the first six of others.
    short: Bits,
    long: Bits,
}

const FIRST: u8 = 1;
const WHOLE: u8 = 1 << 1;
const ALPHANUMERIC: u8 = 1 << 2;

/// How many bytes of a word are looked at.
const SHORT: usize = 3;
const LONG: usize = 6;

/// A set of numbers, some more among them.
#[derive(Clone, Debug)]
struct Bits(Box<[u64; 1 << 10]>);

impl Bits {
    fn place(number: u64) -> (usize, u64) {
        let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((hash >> 54) as usize, 1 << ((hash >> 48) & 63))
    }

    fn add(&mut self, number: u64) {
        let (place, bit) = Self::place(number);
        if let Some(bits) = self.0.get_mut(place) {
            *bits |= bit;
        }
    }

    fn has(&self, number: u64) -> bool {
        let (place, bit) = Self::place(number);
        self.0.get(place).is_some_and(|bits| bits & bit != 0)
    }
}

/// The first bytes of eight.
const fn first_bytes(bytes: [u8; 8], count: usize) -> u64 {
    u64::from_le_bytes(bytes) & (u64::MAX >> (64 - 8 * count))
}

impl Default for Beginnings {
    fn default() -> Self {
        let mut bytes = [0; 256];
        for (kind, byte) in bytes.iter_mut().zip(0..=u8::MAX) {
            *kind = if byte.is_ascii_alphanumeric() { ALPHANUMERIC } else { 0 };
        }
        let none = Bits(Box::new([0; 1 << 10]));
        Self { bytes, short: none.clone(), long: none }
    }
}

impl Beginnings {
    fn add(&mut self, word: &[u8]) {
        let Some(kind) = word.first().and_then(|first| self.bytes.get_mut(usize::from(*first))) else {
            return;
        };
        *kind |= FIRST;
        let bytes = filled_up(word);
        match *word {
            [_first] => *kind |= WHOLE,
            // Whatever follows.
            [first, second] => (0..=u8::MAX)
                .for_each(|third| self.short.add(u64::from_le_bytes([first, second, third, 0, 0, 0, 0, 0]))),
            _ if word.len() < LONG => self.short.add(first_bytes(bytes, SHORT)),
            _ => self.long.add(first_bytes(bytes, LONG)),
        }
    }

    fn kind(&self, byte: u8) -> u8 {
        self.bytes.get(usize::from(byte)).copied().unwrap_or_default()
    }

    /// Whether a word may begin like this.
    fn may_begin(&self, text: &[u8]) -> bool {
        let Some(bytes @ [first, ..]) = text.first_chunk::<8>() else { return true };
        self.short.has(first_bytes(*bytes, SHORT))
            | self.long.has(first_bytes(*bytes, LONG))
            | (self.kind(*first) & WHOLE != 0)
    }
}

/// Small, so that many of them are at hand.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The parent; [`FREE`] where there is no node.
    parent: u32,
    /// With [`HAS_WORDS`] where words end. With [`IS_LAST`] there is no child, but a tail: its length in
    /// [`LENGTH_BITS`], and above them where it begins.
    base: u32,
}

const FREE: u32 = u32::MAX;
const HAS_WORDS: u32 = 1 << 31;
const IS_LAST: u32 = 1 << 30;
const FLAGS: u32 = HAS_WORDS | IS_LAST;

/// The length of a tail takes so many bits: a longer one begins further down.
const LENGTH_BITS: u32 = 6;

/// How many bytes of a tail are compared at once.
const HEAD: usize = 16;

/// Of so many bytes of a number, the first one lowest, those that count.
const fn mask(bytes: usize) -> u128 {
    if bytes < HEAD { (1 << (8 * bytes)) - 1 } else { u128::MAX }
}

/// The first bytes of a text as a number; zeros behind the end.
fn head(text: &[u8]) -> u128 {
    u128::from_le_bytes(text.first_chunk::<HEAD>().copied().unwrap_or_else(|| filled_up(text)))
}

/// The first bytes of a text; zeros behind the end.
fn filled_up<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(text).for_each(|(byte, letter)| *byte = *letter);
    bytes
}

/// No cell before this one is a child, so that whatever byte leads to a free cell, its base is above zero.
const FIRST_CELL: usize = 256;

/// Words that are the same, at most 255 of them, are counted in so many bits.
const COUNT_BITS: u32 = 8;

/// How many of the last cells are searched for holes.
const SEARCHED: usize = 512;

/// Where words stand in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    node: u32,
}

/// What a trie is laid out from.
struct Draft<T> {
    children: BTreeMap<u8, Self>,
    values: Vec<T>,
}

impl<T> Default for Draft<T> {
    fn default() -> Self {
        Self { children: BTreeMap::new(), values: Vec::new() }
    }
}

impl<T> Draft<T> {
    /// What follows in the only word that goes on from here, if that is short enough, and where it ends.
    fn tail(&self) -> Option<(Vec<u8>, &Self)> {
        let mut tail = Vec::new();
        let mut last = self;
        while last.values.is_empty()
            && let Some((byte, next)) = last.children.first_key_value()
        {
            if last.children.len() > 1 || tail.len() + 1 == 1 << LENGTH_BITS {
                return None;
            }
            tail.push(*byte);
            last = next;
        }
        last.children.is_empty().then_some((tail, last))
    }
}

impl<T: Copy> Trie<T> {
    /// Of words, with something about each. `None` if there are too many of them.
    pub(super) fn of<'w>(words: impl IntoIterator<Item = (&'w str, T)>) -> Option<Self> {
        let mut trie = Self {
            cells: Vec::new(),
            ends: Vec::new(),
            values: Vec::new(),
            tails: Vec::new(),
            beginnings: Beginnings::default(),
        };
        let mut root = Draft::default();
        for (word, value) in words {
            trie.beginnings.add(word.as_bytes());
            let end = word.bytes().fold(&mut root, |draft, byte| draft.children.entry(byte).or_default());
            end.values.push(value);
        }
        trie.take(0, 0);
        let mut waiting = VecDeque::from([(0, root)]);
        let mut free = FIRST_CELL;
        while let Some((place, draft)) = waiting.pop_front() {
            // The root is no cell that a walk comes to.
            if place > 0
                && let Some((tail, last)) = draft.tail()
            {
                let base = (trie.tails.len() << LENGTH_BITS) | tail.len();
                trie.end(place, (base, IS_LAST), &last.values)?;
                trie.tails.extend(tail);
                continue;
            }
            free += trie.cells.iter().skip(free).take_while(|cell| cell.parent != FREE).count();
            let base = trie.base_for(&draft.children, free);
            let flag = if draft.values.is_empty() { 0 } else { HAS_WORDS };
            trie.end(place, (base, flag), &draft.values)?;
            let parent = u32::try_from(place).ok()?;
            for (byte, child) in draft.children {
                let place = base + usize::from(byte);
                trie.take(place, parent);
                waiting.push_back((place, child));
            }
        }
        trie.tails.extend([0; HEAD]);
        Some(trie)
    }

    /// Writes into a cell what lies behind it, and which words end there.
    fn end(&mut self, place: usize, (base, flag): (usize, u32), values: &[T]) -> Option<()> {
        let base = u32::try_from(base).ok().filter(|base| base & FLAGS == 0)?;
        self.cells.get_mut(place)?.base = base | flag;
        let first = u32::try_from(self.values.len()).ok().filter(|first| first >> (32 - COUNT_BITS) == 0)?;
        let count = u8::try_from(values.len()).ok()?;
        *self.ends.get_mut(place)? = (first << COUNT_BITS) | u32::from(count);
        self.values.extend(values);
        Some(())
    }

    /// Makes a cell the child of another one.
    fn take(&mut self, place: usize, parent: u32) {
        if place >= self.cells.len() {
            self.cells.resize(place + 1, Cell { parent: FREE, base: 0 });
            self.ends.resize(place + 1, 0);
        }
        if let Some(cell) = self.cells.get_mut(place) {
            cell.parent = parent;
        }
    }

    /// A base from which the cells of all children are free, where `free` is the first free cell. An only
    /// child takes it; siblings go near the end, since it takes long to find holes for them.
    fn base_for(&self, children: &BTreeMap<u8, Draft<T>>, free: usize) -> usize {
        let from =
            if children.len() > 1 { free.max(self.cells.len().saturating_sub(SEARCHED)) } else { free };
        let first = children.keys().next().map_or(0, |byte| usize::from(*byte));
        let is_free = |place: usize| self.cells.get(place).is_none_or(|cell| cell.parent == FREE);
        let fits = |base: &usize| children.keys().all(|byte| is_free(base + usize::from(*byte)));
        (from.saturating_sub(first)..).find(fits).unwrap_or(from)
    }

    /// The places of a text where words may begin. Places are written down whether they count or not, since the
    /// processor would guess wrong which of them do.
    fn places(&self, text: &[u8]) -> Vec<usize> {
        let mut places = vec![0; text.len()];
        let mut count = 0;
        let mut before = 0;
        for (at, byte) in text.iter().enumerate() {
            let kind = self.beginnings.kind(*byte);
            if let Some(place) = places.get_mut(count) {
                *place = at;
            }
            let inside = kind & before & ALPHANUMERIC != 0;
            count += usize::from((kind & FIRST != 0) & !inside);
            before = kind;
        }
        let mut kept = 0;
        for number in 0..count {
            let Some(at) = places.get(number).copied() else { break };
            if let Some(place) = places.get_mut(kept) {
                *place = at;
            }
            kept += usize::from(self.beginnings.may_begin(text.get(at..).unwrap_or_default()));
        }
        places.truncate(kept);
        places
    }

    /// Where words stand in a text, in the order of their starts, the shortest first. None begins with a letter
    /// or digit of ASCII behind another one.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Found> {
        let mut found = Vec::with_capacity(text.len() / 8);
        let root = self.cells.first().map_or(0, |root| root.base & !FLAGS);
        for start in self.places(text) {
            let (mut node, mut base) = (0, root);
            for (end, byte) in (start + 1..).zip(text.get(start..).unwrap_or_default()) {
                let place = base + u32::from(*byte);
                let Some(cell) = self.cells.get(place as usize).filter(|cell| cell.parent == node) else {
                    break;
                };
                (node, base) = (place, cell.base & !FLAGS);
                if cell.base & IS_LAST != 0 {
                    let length = self.tail_length(base, text.get(end..).unwrap_or_default());
                    found.extend(length.map(|length| Found { start, end: end + length, node }));
                    break;
                }
                if cell.base & HAS_WORDS != 0 {
                    found.push(Found { start, end, node });
                }
            }
        }
        found
    }

    /// The length of a tail with which a text goes on.
    fn tail_length(&self, base: u32, text: &[u8]) -> Option<usize> {
        let length = (base & ((1 << LENGTH_BITS) - 1)) as usize;
        let tail = self.tails.get((base >> LENGTH_BITS) as usize..)?;
        let goes_on = (head(text) ^ head(tail)) & mask(length) == 0;
        (goes_on && (length <= HEAD || text.get(HEAD..length)? == tail.get(HEAD..length)?)).then_some(length)
    }

    /// What there is about the words that stand there, which differ in nothing that is found.
    pub(super) fn values(&self, found: &Found) -> &[T] {
        let end = self.ends.get(found.node as usize).copied().unwrap_or_default();
        let (first, count) = ((end >> COUNT_BITS) as usize, (end & ((1 << COUNT_BITS) - 1)) as usize);
        self.values.get(first..first + count).unwrap_or_default()
    }

    /// Changes what there is about the words.
    pub(super) fn change(&mut self, change: impl Fn(T) -> T) {
        self.values.iter_mut().for_each(|value| *value = change(*value));
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_that_differs_anywhere_is_another_one() {
        let word = "abcdefghijklmnopqrstuvwxyz".repeat(3);
        let trie = Trie::of([(word.as_str(), ())]).unwrap();
        assert_eq!(trie.find(word.as_bytes()).len(), 1);
        for at in 0..word.len() {
            let mut other = word.clone().into_bytes();
            other[at] = b'-';
            assert!(trie.find(&other).is_empty(), "{at}");
            assert!(trie.find(&word.as_bytes()[..at]).is_empty(), "{at}");
        }
    }

    proptest! {
        #[test]
        fn the_words_are_those_that_stand_in_the_text(
            words in vec("[ab设计]{1,8}", 0..20),
            text in "[ab设计 ]{0,16}",
        ) {
            let numbered = words.iter().enumerate().map(|(number, word)| (word.as_str(), number));
            let trie = Trie::of(numbered).unwrap();
            let mut found = Vec::new();
            for place in trie.find(text.as_bytes()) {
                found.extend(trie.values(&place).iter().map(|word| (place.start, place.end, *word)));
            }
            let mut expected = Vec::new();
            for (number, word) in words.iter().enumerate() {
                let is_inside = |start: usize| text[..start].ends_with(['a', 'b']) && word.starts_with(['a', 'b']);
                let starts = (0..text.len()).filter(|start| text.is_char_boundary(*start));
                let starts = starts.filter(|start| text[*start..].starts_with(word) && !is_inside(*start));
                expected.extend(starts.map(|start| (start, start + word.len(), number)));
            }
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
