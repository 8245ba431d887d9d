//! A strict, forward-only reader of JSON text that builds nothing.
//!
//! Where two parsers could read the same text differently (duplicate keys, lone surrogates, bad
//! UTF-8, deep nesting) this one refuses, so that gateway and provider always see one request.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use super::fault::{FaultKind, RequestFault};

/// A stretch of bytes of the text.
pub(super) type Span = Range<usize>;

/// How much structure is accepted, and what happens when a known key comes twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strictness {
    pub(super) depth_max: u32,
    pub(super) items_max: u32,
    pub(super) duplicates: Duplicates,
}

/// What a repeated key of interest means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duplicates {
    /// The text is refused.
    Refuse,
    /// Each one is visited, in order.
    Visit,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// Where an object lies: from its first brace to behind its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Braces {
    /// Offset behind the opening brace.
    pub(super) inside: usize,
    pub(super) is_empty: bool,
}

/// A string of the text, quotes included.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    quoted: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The value.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.escaped {
            // The scanner has checked every escape, so this cannot fail.
            Cow::Owned(serde_json::from_str(self.quoted).unwrap_or_default())
        } else {
            Cow::Borrowed(self.raw())
        }
    }

    /// Whether the value is this one.
    pub(crate) fn is(self, other: &str) -> bool {
        self.decode() == other
    }

    pub(crate) fn is_empty(self) -> bool {
        self.raw().is_empty()
    }

    /// The value as it is written, with its escapes.
    pub(crate) fn raw(self) -> &'a str {
        self.quoted.get(1..self.quoted.len().saturating_sub(1)).unwrap_or_default()
    }
}

/// The reader.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    key_start: usize,
    strictness: Strictness,
}

type Read<T> = Result<T, RequestFault>;

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8], strictness: Strictness) -> Read<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_utf8| FaultKind::Malformed)?;
        Ok(Self::of(text, strictness))
    }

    /// A reader of text that is known to be UTF-8.
    pub(super) const fn of(text: &'a str, strictness: Strictness) -> Self {
        Self { text, at: 0, depth: 0, key_start: 0, strictness }
    }

    /// Checks that nothing follows.
    pub(super) fn finish(mut self) -> Read<()> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(FaultKind::Malformed.into()),
        }
    }

    /// The offset of the next byte to read.
    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    /// Inside a visit, before anything else is read: the offset of the key.
    pub(super) const fn key_start(&self) -> usize {
        self.key_start
    }

    /// The type of the next value.
    pub(super) fn peek(&mut self) -> Read<Kind> {
        match self.next_byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(FaultKind::Malformed.into()),
        }
    }

    /// Reads past a value, checking it; returns where it lies.
    pub(super) fn skip(&mut self) -> Read<Span> {
        self.peek()?;
        let start = self.at;
        self.pass()?;
        Ok(start..self.at)
    }

    /// The text from an offset to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The text that is not read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Moves over what somebody else has read.
    pub(super) const fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Reads past a value, checking it.
    pub(super) fn pass(&mut self) -> Read<()> {
        let kind = self.peek()?;
        match kind {
            Kind::Object => self.members(|scanner, _key| scanner.pass()).map(drop),
            Kind::Array => self.array(Self::pass).map(drop),
            Kind::String => self.string().map(drop),
            Kind::Number => self.number().map(drop),
            Kind::Bool => self.boolean().map(drop),
            Kind::Null => self.literal("null"),
        }
    }

    /// Reads an object; calls `visit` for each member whose key is among `names`, to read its value.
    pub(super) fn object<F>(&mut self, names: &[&'static str], mut visit: F) -> Read<Braces>
    where
        F: FnMut(&mut Self, &'static str) -> Read<()>,
    {
        let mut seen = 0_u64;
        self.members(|scanner, key| {
            let key = key.decode();
            let known = names.iter().copied().enumerate().find(|(_index, name)| key == *name);
            let Some((index, name)) = known else { return scanner.pass() };
            let bit = u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index)).unwrap_or(0);
            if seen & bit != 0 && scanner.strictness.duplicates == Duplicates::Refuse {
                return Err(RequestFault::from(FaultKind::Duplicate).within(name));
            }
            seen |= bit;
            visit(scanner, name).map_err(|fault| fault.within(name))
        })
    }

    /// Reads an object; calls `visit` for each member, to read its value.
    pub(super) fn members<F>(&mut self, mut visit: F) -> Read<Braces>
    where
        F: FnMut(&mut Self, Text<'a>) -> Read<()>,
    {
        self.enter(Kind::Object)?;
        let inside = self.at;
        if self.close_empty(b'}') {
            return Ok(Braces { inside, is_empty: true });
        }
        loop {
            if self.next_byte() != Some(b'"') {
                return Err(FaultKind::Malformed.into());
            }
            let key_start = self.at;
            let key = self.string()?;
            if self.next_byte() != Some(b':') {
                return Err(FaultKind::Malformed.into());
            }
            self.at += 1;
            self.key_start = key_start;
            visit(self, key)?;
            if self.close_or_comma(b'}')? {
                return Ok(Braces { inside, is_empty: false });
            }
        }
    }

    /// Reads an array; calls `visit` to read each item. Returns how many there are.
    pub(super) fn array<F>(&mut self, mut visit: F) -> Read<u32>
    where
        F: FnMut(&mut Self) -> Read<()>,
    {
        self.enter(Kind::Array)?;
        if self.close_empty(b']') {
            return Ok(0);
        }
        let mut items = 0_u32;
        loop {
            items = items.saturating_add(1);
            if items > self.strictness.items_max {
                return Err(FaultKind::TooLong.into());
            }
            visit(self)?;
            if self.close_or_comma(b']')? {
                return Ok(items);
            }
        }
    }

    /// Reads `null` as `None`, anything else with `read`.
    pub(super) fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.peek()? == Kind::Null {
            self.literal("null")?;
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&mut self) -> Read<bool> {
        match self.next_byte() {
            Some(b't') => self.literal("true").map(|()| true),
            Some(b'f') => self.literal("false").map(|()| false),
            _ => Err(RequestFault::invalid("expected true or false")),
        }
    }

    /// Reads a whole number that is not negative, written in plain digits.
    pub(super) fn unsigned(&mut self) -> Read<u64> {
        const EXPECTED: RequestFault = RequestFault::invalid("expected a whole number, not negative");
        if self.peek()? != Kind::Number {
            return Err(EXPECTED);
        }
        let number = self.number()?;
        let plain = number.bytes().all(|byte| byte.is_ascii_digit());
        if plain { number.parse().map_err(|_overflow| EXPECTED) } else { Err(EXPECTED) }
    }

    /// Reads a number and returns its text.
    pub(super) fn number(&mut self) -> Read<&'a str> {
        self.next_byte();
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(FaultKind::Malformed.into()),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.text.get(start..self.at).ok_or_else(|| FaultKind::Malformed.into())
    }

    /// Reads a string.
    pub(super) fn string(&mut self) -> Read<Text<'a>> {
        if self.next_byte() != Some(b'"') {
            return Err(RequestFault::invalid("expected a string"));
        }
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            self.run_of_plain_bytes();
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1,
                Some(_) | None => return Err(FaultKind::Malformed.into()),
            }
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at).ok_or(FaultKind::Malformed)?;
        Ok(Text { quoted, escaped })
    }

    /// Moves over whole words of eight bytes that hold no quote, backslash or control character,
    /// and then to the first such byte of the word that does.
    fn run_of_plain_bytes(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        for word in rest.as_chunks::<8>().0 {
            let found = special_bytes(u64::from_le_bytes(*word));
            if found != 0 {
                self.at += usize::try_from(found.trailing_zeros() / 8).unwrap_or_default();
                return;
            }
            self.at += 8;
        }
    }

    fn escape(&mut self) -> Read<()> {
        self.at += 1;
        match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => match self.code_unit()? {
                0xD800..=0xDBFF => match (self.byte(), self.text.as_bytes().get(self.at + 1)) {
                    (Some(b'\\'), Some(b'u')) => {
                        self.at += 1;
                        match self.code_unit()? {
                            0xDC00..=0xDFFF => Ok(()),
                            _ => Err(FaultKind::Malformed.into()),
                        }
                    }
                    _ => Err(FaultKind::Malformed.into()),
                },
                0xDC00..=0xDFFF => Err(FaultKind::Malformed.into()),
                _ => Ok(()),
            },
            _ => Err(FaultKind::Malformed.into()),
        }
    }

    /// Reads `uXXXX`.
    fn code_unit(&mut self) -> Read<u16> {
        let digits = self.text.get(self.at + 1..self.at + 5).ok_or(FaultKind::Malformed)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FaultKind::Malformed.into());
        }
        self.at += 5;
        u16::from_str_radix(digits, 16).map_err(|_not_hex| FaultKind::Malformed.into())
    }

    fn digits(&mut self) -> Read<()> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(FaultKind::Malformed.into()) } else { Ok(()) }
    }

    fn literal(&mut self, word: &str) -> Read<()> {
        self.next_byte();
        let end = self.at + word.len();
        if self.text.as_bytes().get(self.at..end) != Some(word.as_bytes()) {
            return Err(FaultKind::Malformed.into());
        }
        self.at = end;
        Ok(())
    }

    fn enter(&mut self, kind: Kind) -> Read<()> {
        if self.peek()? != kind {
            let expected = if kind == Kind::Object { "expected an object" } else { "expected an array" };
            return Err(RequestFault::invalid(expected));
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > self.strictness.depth_max { Err(FaultKind::TooDeep.into()) } else { Ok(()) }
    }

    fn close_empty(&mut self, close: u8) -> bool {
        let empty = self.next_byte() == Some(close);
        if empty {
            self.at += 1;
            self.depth -= 1;
        }
        empty
    }

    /// Behind an item: `true` at the closing bracket, `false` at a comma.
    fn close_or_comma(&mut self, close: u8) -> Read<bool> {
        let next = self.next_byte();
        self.at += 1;
        match next {
            Some(b',') => Ok(false),
            Some(byte) if byte == close => {
                self.depth -= 1;
                Ok(true)
            }
            _ => Err(FaultKind::Malformed.into()),
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Moves over white space to the next byte, without taking it.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }
}

/// A word whose lowest set bit is in the first byte that is a quote, a backslash or below 0x20.
/// Bits above the lowest one mean nothing.
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * 0x22);
    let backslash = word ^ (ONES * 0x5C);
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is_quote | is_backslash | is_control) & HIGH
}
