//! A stream from one dialect to another, as it comes.

use std::borrow::Cow;

use bytes::Bytes;

use super::anthropic;
use super::composer::HowEnded;
use super::openai::{chat, responses};
use super::plain;
use super::reply::{Complaint, Event, Finish, Slot};
use super::resolve::Resolver;
use super::sequence::Sequence;
use super::stop::Cutter;
use super::target::Plan;
use super::writer::Writer;
use crate::dialect::{Dialect, Ending, Endpoint, EventSplitter, SentEvent, StreamError};
use crate::money::Money;
use crate::usage::{StageUsage, Usage};

/// What a stream begins with.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The time of the answer, in seconds since 1970.
    pub created: u64,
    /// Stands in identifiers when the provider gives none.
    pub fallback_id: String,
}

/// What a stream ends with.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'a> {
    /// What was used, as the provider counted it.
    pub usage: &'a Usage,
    /// The stages of an ensemble, of which that is the sum.
    pub stages: &'a [StageUsage],
    /// What was charged, where the client is told.
    pub cost: Option<Money>,
}

/// Translates a stream, beside the meter that reads the same bytes.
///
/// # Contract
/// The methods are those of [`Meter`](crate::dialect::Meter), and are called in the same order:
/// [`push`](Self::push) for every chunk, [`end`](Self::end) when the body ends, then one of
/// [`release`](Self::release), [`close_at_limit`](Self::close_at_limit) and
/// [`close_with_error`](Self::close_with_error). What ends an answer is among the frames of these
/// three only, so a client that has seen the end has been charged. How the provider's bytes are
/// cut into chunks makes no difference.
pub struct Stream {
    plan: Plan,
    splitter: EventSplitter,
    reader: Reader,
    sequence: Sequence,
    cutter: Cutter,
    resolver: Resolver,
    writer: Writer,
    finish: Option<Finish>,
    complaint: Option<Complaint>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Complete,
    Failed,
}

enum Reader {
    Messages(anthropic::Events),
    Responses(responses::Events),
    Chat(chat::Events),
}

impl Reader {
    /// Reads an event, if it is one more piece of a block that is open: nearly all are.
    fn piece<'a>(&mut self, data: &'a str) -> Option<(Slot, Cow<'a, str>)> {
        match self {
            Self::Messages(events) => events.piece(data),
            Self::Responses(events) => events.piece(data),
            Self::Chat(_) => None,
        }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("client", &self.plan.client)
            .field("upstream", &self.plan.upstream)
            .finish_non_exhaustive()
    }
}

impl Stream {
    /// A translator for one answer. `None` where the plan is not of two generating endpoints.
    pub fn new(plan: Plan, opened: &Opened) -> Option<Self> {
        let writer = Writer::new(plan.client, opened)?;
        Self::between(plan, writer)
    }

    /// A reader of the words of an answer alone: every frame is a text, and the first one, which is
    /// empty, says that the answer has begun.
    pub fn plain(plan: Plan) -> Option<Self> {
        Self::between(plan, Writer::Plain(plain::Writer::default()))
    }

    fn between(plan: Plan, writer: Writer) -> Option<Self> {
        let reader = match plan.upstream {
            Endpoint::Messages => Reader::Messages(anthropic::Events::default()),
            Endpoint::Responses => Reader::Responses(responses::Events::default()),
            Endpoint::ChatCompletions => Reader::Chat(chat::Events::default()),
            Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::InputTokens => return None,
        };
        Some(Self {
            cutter: Cutter::new(plan.stop.clone()),
            plan,
            splitter: EventSplitter::default(),
            reader,
            sequence: Sequence::default(),
            resolver: Resolver::default(),
            writer,
            finish: None,
            complaint: None,
            state: State::Running,
        })
    }

    /// Takes a chunk of the provider's stream; returns what may pass.
    pub fn push(&mut self, chunk: &Bytes) -> Vec<Bytes> {
        let mut frames = Vec::new();
        let mut splitter = std::mem::take(&mut self.splitter);
        let result = splitter.push(chunk, |event| {
            self.take(&event, &mut frames);
            Ok(())
        });
        self.splitter = splitter;
        if result.is_err() {
            self.state = State::Failed;
        }
        frames
    }

    /// Takes an event of the provider's stream that was cut out of it already, in place of
    /// [`push`](Self::push); what may pass is added to `frames`.
    pub(crate) fn take(&mut self, event: &SentEvent<'_>, frames: &mut Vec<Bytes>) {
        let Some(data) = event.data.filter(|_data| self.state == State::Running) else { return };
        if let Some((slot, text)) = self.reader.piece(data) {
            self.add(slot, text, frames);
            return;
        }
        let mut read = Vec::new();
        let result = match &mut self.reader {
            Reader::Messages(events) => events.read(event.name, data, &mut read),
            Reader::Responses(events) => events.read(event.name, data, &mut read),
            Reader::Chat(events) => events.read(data, &mut read),
        };
        for event in read {
            self.pass(event, frames);
        }
        if result.is_err() {
            self.state = State::Failed;
        }
    }

    /// Adds a piece to a block: at once if no stage has anything to do with it.
    fn add(&mut self, slot: Slot, text: Cow<'_, str>, frames: &mut Vec<Bytes>) {
        if text.is_empty() {
            return;
        }
        let passes = self.sequence.is_open(slot) && self.cutter.is_idle() && self.resolver.passes(slot);
        if !passes {
            return self.pass(Event::Added(slot, text.into_owned()), frames);
        }
        self.writer.add((slot, &text), &self.plan, frames);
    }

    /// Through all stages, in order.
    fn pass(&mut self, event: Event, frames: &mut Vec<Bytes>) {
        let mut sequenced = Vec::new();
        self.sequence.push(event, &mut sequenced);
        let mut cut = Vec::new();
        for event in sequenced {
            self.cutter.push(event, &mut cut);
        }
        let mut resolved = Vec::new();
        for event in cut {
            self.resolver.push(event, &self.plan.names, &mut resolved);
        }
        for event in resolved {
            match event {
                Event::Finished(finish) => self.finish = Some(finish),
                Event::Ended if self.state == State::Running => self.state = State::Complete,
                Event::Failed(complaint) => {
                    self.complaint = complaint;
                    self.state = State::Failed;
                }
                Event::Ended => {}
                event @ (Event::Began { .. }
                | Event::Opened(..)
                | Event::Added(..)
                | Event::Sealed(..)
                | Event::Closed(_)) => self.writer.write(event, &self.plan, frames),
            }
        }
    }

    /// Whether the event that ends the answer is here.
    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Takes note that the body has ended. What came without its last blank line still counts.
    /// Returns the last frames that may pass, and whether the answer is whole.
    pub fn end(&mut self) -> (Vec<Bytes>, Ending) {
        let mut frames = Vec::new();
        let mut splitter = std::mem::take(&mut self.splitter);
        let result = splitter.end(|event| {
            self.take(&event, &mut frames);
            Ok(())
        });
        if result.is_err() {
            self.state = State::Failed;
        }
        (frames, self.end_body())
    }

    /// The same where events are [taken](Self::take) one by one.
    pub(crate) fn end_body(&mut self) -> Ending {
        // Some compatible providers send no last event.
        if self.state == State::Running && self.finish.is_some() {
            self.state = State::Complete;
        }
        if self.is_complete() { Ending::Complete } else { Ending::Interrupted }
    }

    /// A frame that says nothing, to keep the connection.
    pub const fn keep_alive(&self) -> Bytes {
        match self.plan.client.dialect() {
            Dialect::OpenAi => Bytes::from_static(b": keep-alive\n\n"),
            Dialect::Anthropic => Bytes::from_static(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"),
        }
    }

    /// The end of a complete answer, once its charge is durable.
    pub fn release(&mut self, settled: &Settled<'_>) -> Vec<Bytes> {
        let finish = self.finish.take().unwrap_or_default();
        self.close(&finish, settled)
    }

    /// The end of an answer that was cut, as a length limit ends it.
    pub fn close_at_limit(&mut self, settled: &Settled<'_>) -> Vec<Bytes> {
        let mut frames = Vec::new();
        self.pass(Event::Finished(Finish::Length), &mut frames);
        frames.extend(self.close(&Finish::Length, settled));
        frames
    }

    fn close(&mut self, finish: &Finish, settled: &Settled<'_>) -> Vec<Bytes> {
        self.writer.finish(finish, settled, &self.plan)
    }

    /// How a complete answer ended, for whoever writes the end.
    pub(crate) fn how_ended(&self) -> HowEnded {
        HowEnded(self.finish.clone().unwrap_or_default())
    }

    /// The end of an answer that failed, in the form of the client's dialect. What a provider has
    /// against the request itself passes in its own words.
    pub fn close_with_error(&mut self, error: &StreamError<'_>) -> Vec<Bytes> {
        self.writer.fail(error, self.complaint.as_ref(), &self.plan)
    }
}
