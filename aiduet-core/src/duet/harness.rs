//! The user's words and the harness's blocks, told apart.

use super::clients::{Blocks, SpanMarks};

/// A block of a harness.
#[derive(Clone, Copy)]
pub(super) struct Block<'t> {
    pub(super) tag: &'t str,
    pub(super) inside: &'t str,
    /// Whether a harness may have written it: no word of a person lies between it and both ends of
    /// the text, or it stands outside of the element that holds the person's words.
    pub(super) trusted: bool,
}

/// A text, taken apart.
#[derive(Default)]
pub(super) struct Pieces<'t> {
    /// What a person said.
    pub(super) human: Vec<&'t str>,
    pub(super) blocks: Vec<Block<'t>>,
}

impl Pieces<'_> {
    /// Whether a person said something.
    pub(super) fn is_human(&self) -> bool {
        self.human.iter().any(|piece| !piece.trim_ascii().is_empty())
    }
}

/// Takes the text of a user message apart.
pub(super) fn split<'t>(text: &'t str, known: &'t Blocks) -> Pieces<'t> {
    let is_result = is_tool_result(text, known);
    if !is_result && let Some((before, inside, after)) = wrapped(text, known) {
        let mut pieces = Pieces::default();
        for outside in [before, after] {
            let outer = scan(outside, known);
            pieces.blocks.extend(outer.blocks.into_iter().map(|block| Block { trusted: true, ..block }));
        }
        pieces.human = scan(inside, known).human;
        return pieces;
    }
    let mut pieces = scan(text, known);
    if is_result {
        pieces.human.clear();
        for block in &mut pieces.blocks {
            block.trusted = false;
        }
    }
    pieces
}

/// Whether a text is what a tool of a text-based client said: `[tool for '…'] Result:`, except
/// where the tool asked the user.
fn is_tool_result(text: &str, known: &Blocks) -> bool {
    let Some(rest) = text.trim_start().strip_prefix('[') else { return false };
    let name_end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(0);
    let (name, rest) = rest.split_at_checked(name_end).unwrap_or_default();
    if name.is_empty() || !(rest.starts_with(" for '") || rest.starts_with(']')) {
        return false;
    }
    let Some((_call, result)) = rest.split_once("] Result:") else { return false };
    let asks = known.answers.iter().any(|answer| answer == name);
    let result = result.trim_start();
    !asks && !known.remarks.iter().any(|remark| result.starts_with(remark.as_str()))
}

/// The last element whose inside is what a person said, with what stands around it.
fn wrapped<'t>(text: &'t str, known: &Blocks) -> Option<(&'t str, &'t str, &'t str)> {
    let bytes = text.as_bytes();
    let is_close = |at: &usize| bytes.get(at + 1) == Some(&b'/');
    let closes: Vec<usize> = memchr::memchr_iter(b'<', bytes).filter(is_close).collect();
    if closes.is_empty() {
        return None;
    }
    let found = known.wrappers.iter().filter_map(|tag| {
        let closes_it = |close: &&usize| text.get(**close + 2..).is_some_and(|name| is_named(name, tag));
        let close = *closes.iter().rfind(closes_it)?;
        let open = text.get(..close)?.rfind(&format!("<{tag}>"))?;
        at_line_start(text, open).then_some((close, open, tag.len()))
    });
    let (close, open, length) = found.max()?;
    let inside = text.get(open + length + 2..close)?;
    Some((text.get(..open)?, inside, text.get(close + length + 3..)?))
}

fn at_line_start(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.trim_ascii().is_empty()
}

/// Takes out whole blocks.
fn scan<'t>(text: &'t str, known: &'t Blocks) -> Pieces<'t> {
    let mut pieces = Pieces::default();
    let mut finder = Finder::new(text, known);
    let mut leading = 0;
    // Of the blocks since a person last said something: whether each begins a line.
    let mut on_lines = Vec::new();
    let mut offset = 0;
    while let Some(found) = finder.next(offset) {
        let before = text.get(offset..found.start).unwrap_or_default();
        if !before.trim_ascii().is_empty() {
            pieces.human.push(before);
            on_lines.clear();
        }
        if pieces.human.is_empty() {
            leading += 1;
        }
        on_lines.push(at_line_start(text, found.start));
        pieces.blocks.push(Block { tag: found.tag, inside: found.inside, trusted: false });
        offset = found.end;
    }
    let rest = text.get(offset..).unwrap_or_default();
    let mut trailing = on_lines.iter().rev().take_while(|on_line| **on_line).count();
    if !rest.trim_ascii().is_empty() {
        pieces.human.push(rest);
        trailing = 0;
    }
    let first_trailing = pieces.blocks.len().saturating_sub(trailing);
    for (place, block) in pieces.blocks.iter_mut().enumerate() {
        block.trusted = place < leading || place >= first_trailing;
    }
    pieces
}

struct Found<'t> {
    tag: &'t str,
    inside: &'t str,
    start: usize,
    end: usize,
}

/// Finds whole blocks; looks for each closing tag that is not there once only.
struct Finder<'t> {
    text: &'t str,
    known: &'t Blocks,
    unclosed: Vec<bool>,
    spans: Vec<&'t SpanMarks>,
}

impl<'t> Finder<'t> {
    fn new(text: &'t str, known: &'t Blocks) -> Self {
        let is_there = |marks: &&SpanMarks| marks.open.find(text).is_some();
        let spans = known.spans.iter().filter(is_there).collect();
        Self { text, known, unclosed: vec![false; known.tags.len()], spans }
    }

    fn next(&mut self, from: usize) -> Option<Found<'t>> {
        let span = self.span(from);
        let before = span.as_ref().map_or(self.text.len(), |span| span.start);
        let mut at = from;
        while let Some(open) =
            self.text.as_bytes().get(at..before).and_then(|rest| memchr::memchr(b'<', rest))
        {
            if let Some(found) = self.block_at(at + open) {
                return Some(found);
            }
            at += open + 1;
        }
        span
    }

    fn span(&self, from: usize) -> Option<Found<'t>> {
        let found = self.spans.iter().filter_map(|marks| {
            let opening = marks.open.find(self.text.get(from..)?)?;
            let (open, body) = (from + opening.start, from + opening.end);
            if !at_line_start(self.text, open) {
                return None;
            }
            let (inner_end, end) = match &marks.close {
                None => (self.text.len(), self.text.len()),
                Some(close) => {
                    let inner_end = body + self.text.get(body..)?.find(close.as_str())?;
                    (inner_end, inner_end + close.len())
                }
            };
            Some(Found { tag: "", inside: self.text.get(body..inner_end)?, start: open, end })
        });
        found.min_by_key(|found| found.start)
    }

    fn block_at(&mut self, open: usize) -> Option<Found<'t>> {
        let rest = self.text.get(open + 1..)?;
        let (place, tag) = self.known.tags.iter().enumerate().find(|(_place, tag)| is_named(rest, tag))?;
        let unclosed = self.unclosed.get_mut(place)?;
        if *unclosed {
            return None;
        }
        let inner = rest.get(tag.len() + 1..)?;
        let Some(length) = find_close(inner, tag) else {
            *unclosed = true;
            return None;
        };
        let body = open + tag.len() + 2;
        Some(Found { tag, inside: inner.get(..length)?, start: open, end: body + length + tag.len() + 3 })
    }
}

/// Whether the name of a tag begins a text, and ends it.
fn is_named(text: &str, tag: &str) -> bool {
    text.strip_prefix(tag).is_some_and(|rest| rest.starts_with('>'))
}

fn find_close(inner: &str, tag: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + inner.get(at..)?.find("</")?;
        let behind = inner.get(found + 2..)?;
        if is_named(behind, tag) {
            return Some(found);
        }
        at = found + 2;
    }
}
