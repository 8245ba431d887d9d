//! Server-sent events, cut at any byte.

#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};

use super::answer::AnswerBroken;

/// Largest event, in bytes; images come in events of several megabytes.
pub(super) const EVENT_BYTES_MAX: usize = 4 << 20;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// An event as far as metering looks at it.
pub(super) struct Event<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) data: Option<Data<'a>>,
}

/// The data of an event.
pub(super) enum Data<'a> {
    /// One line, and where it begins in the raw event.
    Line { at: usize, text: &'a str },
    /// Several lines, joined.
    Joined(String),
}

impl Data<'_> {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Line { text, .. } => text,
            Self::Joined(text) => text,
        }
    }
}

/// Finds where events end, and keeps the beginning of one that is not there yet.
#[derive(Default)]
pub(super) struct Splitter {
    pending: BytesMut,
    /// The line under way has at least one byte.
    in_line: bool,
    /// The last byte was a carriage return, so that a line feed would belong to it.
    after_return: bool,
}

impl Splitter {
    /// The bytes of the chunk up to the end of the event under way; `None`: it goes on.
    pub(super) fn next_end(&mut self, chunk: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let rest = chunk.get(at..).filter(|rest| !rest.is_empty())?;
            if std::mem::take(&mut self.after_return) && rest.first() == Some(&b'\n') {
                at += 1;
                continue;
            }
            let Some(length) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.in_line = true;
                return None;
            };
            let is_blank = length == 0 && !self.in_line;
            self.in_line = false;
            at += length + 1;
            if rest.get(length) == Some(&b'\r') {
                match chunk.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    None => self.after_return = true,
                }
            }
            if is_blank {
                return Some(at);
            }
        }
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Keeps bytes of an event that goes on.
    ///
    /// # Errors
    /// When the event is too large.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> Result<(), AnswerBroken> {
        if self.pending.len().saturating_add(bytes.len()) > EVENT_BYTES_MAX {
            return Err(AnswerBroken);
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// What was kept.
    pub(super) fn take(&mut self) -> Bytes {
        self.pending.split().freeze()
    }
}

/// Reads the fields of an event.
///
/// # Errors
/// When it is not UTF-8.
pub(super) fn parse(raw: &[u8]) -> Result<Event<'_>, AnswerBroken> {
    let text = std::str::from_utf8(raw).map_err(|_utf8| AnswerBroken)?;
    let mut event = Event { name: None, data: None };
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        let unmarked = if at == 0 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        read_line(&mut event, unmarked, at + (line.len() - unmarked.len()));
        at += length + 1;
    }
    Ok(event)
}

fn read_line<'a>(event: &mut Event<'a>, line: &'a str, start: usize) {
    let (field, value) = line.split_once(':').unwrap_or((line, ""));
    let trimmed = value.strip_prefix(' ').unwrap_or(value);
    match field {
        "event" => event.name = Some(trimmed),
        "data" => {
            let at = start + (line.len() - trimmed.len());
            event.data = Some(match event.data.take() {
                None => Data::Line { at, text: trimmed },
                Some(Data::Line { text, .. }) => Data::Joined(format!("{text}\n{trimmed}")),
                Some(Data::Joined(text)) => Data::Joined(text + "\n" + trimmed),
            });
        }
        _ => {}
    }
}

/// The event with a blank line at its end, if the stream ended without one.
pub(super) fn terminated(raw: &Bytes) -> Bytes {
    let is_ended = [&b"\n\n"[..], b"\r\r", b"\r\n\r\n"].iter().any(|end| raw.ends_with(end));
    if is_ended {
        return raw.clone();
    }
    let end: &[u8] = if raw.ends_with(b"\n") || raw.ends_with(b"\r") { b"\n" } else { b"\n\n" };
    [raw, end].concat().into()
}
