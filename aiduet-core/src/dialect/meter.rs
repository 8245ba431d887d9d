//! What stands beside the bytes of an answer: reads usage, and keeps the end back.

#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;

use super::answer::{AnswerBroken, CacheLife, Passage};
use super::anthropic::answer::MessagesAnswer;
use super::endpoint::{Dialect, Endpoint};
use super::events::SentEvent;
use super::openai::chat_answer::{ChatAnswer, error_value};
use super::openai::responses_answer::ResponsesAnswer;
use super::reading::{Reading, StreamFault};
use super::sse::{Data, Event, Splitter, parse, terminated};
use crate::money::Money;
use crate::usage::{Modifiers, Usage};

/// What a meter has to know about the request.
#[derive(Clone, Copy, Debug)]
pub struct MeterConfig {
    /// The endpoint that was called.
    pub endpoint: Endpoint,
    /// The client asked for usage at the end of the stream.
    pub relay_usage: bool,
    /// The prompt asks for the long life of cache writes.
    pub long_cache: bool,
    /// What was asked for; holds where the answer does not say what served.
    pub asked: Modifiers,
}

impl MeterConfig {
    pub(super) const fn cache_life(&self) -> CacheLife {
        if self.long_cache { CacheLife::Long } else { CacheLife::Short }
    }
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With everything that belongs to an answer.
    Complete,
    /// Before its end.
    Interrupted,
}

/// An error that ends a stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamError<'a> {
    /// What happened.
    pub kind: StreamFault,
    /// What the client is told.
    pub message: &'a str,
    /// The request.
    pub request_id: &'a str,
}

/// Reads an answer beside its way to the client.
///
/// A stream goes through [`push`](Self::push), which returns what may pass at once: whole events,
/// byte for byte as they came. The one that ends the answer stays until [`release`](Self::release),
/// so that a client that has seen the end has been charged. Two things differ from the provider's
/// bytes on Chat Completions, where usage is always asked for: it is taken out for clients that
/// did not ask, and carries the cost for those that did.
///
/// A body that does not stream is read with [`read_whole`](Self::read_whole) and passes as it is.
pub struct Meter {
    endpoint: Endpoint,
    answer: Answer,
    reading: Reading,
    splitter: Splitter,
    /// Events of the end of the stream that came without its last blank line.
    tail: Vec<Bytes>,
    complete: bool,
}

enum Answer {
    Chat(Box<ChatAnswer>),
    Responses(Box<ResponsesAnswer>),
    Messages(Box<MessagesAnswer>),
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Meter {
    /// A meter for one answer.
    pub fn new(config: MeterConfig) -> Self {
        let MeterConfig { endpoint, asked, .. } = config;
        let answer = match endpoint {
            Endpoint::ChatCompletions | Endpoint::Embeddings => {
                Answer::Chat(Box::new(ChatAnswer::new(&config)))
            }
            Endpoint::Responses | Endpoint::InputTokens => {
                Answer::Responses(Box::new(ResponsesAnswer::new(&config)))
            }
            Endpoint::Messages | Endpoint::CountTokens => {
                Answer::Messages(Box::new(MessagesAnswer::new(&config)))
            }
        };
        let mut reading = Reading::default();
        reading.served.modifiers = asked;
        Self { endpoint, answer, reading, splitter: Splitter::default(), tail: Vec::new(), complete: false }
    }

    /// Takes a chunk of a stream; returns the events that are whole and may pass. After the end of
    /// the answer, or a failure ([`Reading::failed`]), nothing passes any more.
    pub fn push(&mut self, chunk: Bytes) -> Vec<Bytes> {
        let mut frames = Vec::new();
        if self.push_into(&chunk, &mut frames).is_err() {
            self.reading.fail(StreamFault::Upstream);
        }
        frames
    }

    fn push_into(&mut self, chunk: &Bytes, frames: &mut Vec<Bytes>) -> Result<(), AnswerBroken> {
        let mut start = 0;
        // Events that pass and lie side by side leave as one slice, which begins here.
        let mut run = None;
        let mut result = Ok(());
        while !self.is_over() {
            let Some(end) = self.splitter.next_end(chunk, start) else { break };
            let kept = self.splitter.has_pending();
            let raw = match self.whole_event(chunk, start..end) {
                Ok(raw) => raw,
                Err(broken) => {
                    result = Err(broken);
                    break;
                }
            };
            let passage = self.event(&raw);
            if kept || !matches!(passage, Ok(Passage::Pass)) {
                frames.extend(run.take().map(|begin| chunk.slice(begin..start)));
            }
            match passage {
                Ok(Passage::Pass) if kept => frames.push(raw),
                Ok(Passage::Pass) => drop(run.get_or_insert(start)),
                Ok(Passage::Replace(frame)) => frames.push(frame),
                Ok(Passage::Drop | Passage::Hold | Passage::Fail) => {}
                Err(broken) => {
                    result = Err(broken);
                    break;
                }
            }
            start = end;
        }
        frames.extend(run.map(|begin| chunk.slice(begin..start)));
        if result.is_ok() && !self.is_over() {
            result = self.splitter.keep(chunk.get(start..).unwrap_or_default());
        }
        result
    }

    /// Reads a chunk of a stream and shows its events, for whoever writes the answer anew: nothing
    /// passes. Otherwise as [`push`](Self::push).
    pub(crate) fn read(&mut self, chunk: &Bytes, show: &mut dyn FnMut(&SentEvent<'_>)) {
        if self.read_events(chunk, show).is_err() {
            self.reading.fail(StreamFault::Upstream);
        }
    }

    fn read_events(
        &mut self,
        chunk: &Bytes,
        show: &mut dyn FnMut(&SentEvent<'_>),
    ) -> Result<(), AnswerBroken> {
        let mut start = 0;
        while !self.is_over() {
            let Some(end) = self.splitter.next_end(chunk, start) else { break };
            let raw = self.whole_event(chunk, start..end)?;
            self.shown_event(&raw, show)?;
            start = end;
        }
        if self.is_over() { Ok(()) } else { self.splitter.keep(chunk.get(start..).unwrap_or_default()) }
    }

    /// The event that ends in this part of the chunk, with what was kept of it before.
    fn whole_event(&mut self, chunk: &Bytes, part: std::ops::Range<usize>) -> Result<Bytes, AnswerBroken> {
        if !self.splitter.has_pending() {
            return Ok(chunk.slice(part));
        }
        self.splitter.keep(chunk.get(part).unwrap_or_default())?;
        Ok(self.splitter.take())
    }

    fn event(&mut self, raw: &Bytes) -> Result<Passage, AnswerBroken> {
        self.take(&parse(raw)?, raw)
    }

    /// The same, shown on the way.
    fn shown_event(&mut self, raw: &Bytes, show: &mut dyn FnMut(&SentEvent<'_>)) -> Result<(), AnswerBroken> {
        let event = parse(raw)?;
        show(&SentEvent { name: event.name, data: event.data.as_ref().map(Data::text) });
        self.take(&event, raw).map(drop)
    }

    fn take(&mut self, event: &Event<'_>, raw: &Bytes) -> Result<Passage, AnswerBroken> {
        let passage = match &mut self.answer {
            Answer::Chat(answer) => answer.event(event, raw, &mut self.reading),
            Answer::Responses(answer) => answer.event(event, raw, &mut self.reading),
            Answer::Messages(answer) => answer.event(event, raw, &mut self.reading),
        }?;
        self.complete |= matches!(passage, Passage::Hold);
        Ok(passage)
    }

    const fn is_over(&self) -> bool {
        self.complete || self.reading.failed
    }

    /// Whether the event that ends the answer is here.
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Takes note that the body has ended. What came without its last blank line still counts.
    pub fn end(&mut self) -> Ending {
        let rest = self.splitter.take();
        if !rest.is_empty() && !self.is_over() {
            let raw = terminated(&rest);
            match self.event(&raw) {
                Ok(Passage::Pass) => self.tail.push(raw),
                Ok(Passage::Replace(frame)) => self.tail.push(frame),
                Ok(Passage::Drop | Passage::Hold | Passage::Fail) => {}
                Err(AnswerBroken) => self.reading.fail(StreamFault::Upstream),
            }
        }
        self.judge_end()
    }

    /// The same for what is [`read`](Self::read).
    pub(crate) fn end_reading(&mut self, show: &mut dyn FnMut(&SentEvent<'_>)) -> Ending {
        let rest = self.splitter.take();
        if !rest.is_empty() && !self.is_over() && self.shown_event(&terminated(&rest), show).is_err() {
            self.reading.fail(StreamFault::Upstream);
        }
        self.judge_end()
    }

    fn judge_end(&mut self) -> Ending {
        let ended = match &self.answer {
            // Some compatible providers send no last event.
            Answer::Chat(answer) => answer.ended(&mut self.reading),
            Answer::Responses(_) | Answer::Messages(_) => false,
        };
        self.complete |= ended && !self.reading.failed;
        if self.complete { Ending::Complete } else { Ending::Interrupted }
    }

    /// What is known so far.
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// A frame that says nothing, to keep the connection. Only whole events pass, so it can stand
    /// between any two chunks.
    pub const fn keep_alive(&self) -> Bytes {
        match self.endpoint.dialect() {
            Dialect::OpenAi => Bytes::from_static(b": keep-alive\n\n"),
            Dialect::Anthropic => Bytes::from_static(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"),
        }
    }

    /// The end of a complete answer, once its charge is durable.
    pub fn release(&mut self, cost: Money) -> Vec<Bytes> {
        let end = match &mut self.answer {
            Answer::Chat(answer) => answer.release(cost),
            Answer::Responses(answer) => answer.release(),
            Answer::Messages(answer) => answer.release(),
        };
        let mut frames = self.after_tail(end);
        if let Some(last) = frames.last_mut()
            && last.ends_with(b"\r\n\r")
        {
            // Its line feed came in a chunk of its own, which was not waited for.
            *last = [last, b"\n".as_slice()].concat().into();
        }
        frames
    }

    /// The end of an answer that failed, in the form of the dialect. An error of the provider that
    /// is about the request itself passes in its own words.
    pub fn close_with_error(&mut self, error: StreamError<'_>) -> Vec<Bytes> {
        let StreamError { kind, message, request_id } = error;
        let end = match &mut self.answer {
            Answer::Chat(answer) => answer.close_with_error(&error_value(kind, message)),
            Answer::Responses(answer) => answer.close_with_error(error, &self.reading),
            Answer::Messages(answer) => answer.close_with_error(kind, message, request_id),
        };
        self.after_tail(end)
    }

    /// The end of an answer that was cut, as a length limit ends it, with what its bill counts.
    pub fn close_at_limit(&mut self, cost: Money, usage: &Usage) -> Vec<Bytes> {
        let end = match &mut self.answer {
            Answer::Chat(answer) => answer.close_at_limit(cost, usage),
            Answer::Responses(answer) => answer.close_at_limit(usage, &self.reading),
            Answer::Messages(answer) => answer.close_at_limit(&self.reading),
        };
        self.after_tail(end)
    }

    fn after_tail(&mut self, end: Vec<Bytes>) -> Vec<Bytes> {
        let mut frames = std::mem::take(&mut self.tail);
        frames.extend(end);
        frames
    }

    /// Reads an answer that does not stream. It can be well-formed and yet say that the provider
    /// failed ([`Reading::failed`]).
    ///
    /// # Errors
    /// [`AnswerBroken`] if it is not a JSON object.
    pub fn read_whole(&mut self, body: &[u8]) -> Result<(), AnswerBroken> {
        let body = std::str::from_utf8(body).map_err(|_utf8| AnswerBroken)?;
        match &mut self.answer {
            Answer::Chat(answer) => answer.whole(body, &mut self.reading),
            Answer::Responses(answer) => answer.whole(body, &mut self.reading),
            Answer::Messages(answer) => answer.whole(body, &mut self.reading),
        }
    }
}
