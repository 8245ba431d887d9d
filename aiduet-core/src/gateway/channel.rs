//! The way of an answer to the client: a meter that reads the provider's bytes, and a translator
//! beside it where the client speaks another dialect.

use bytes::Bytes;

use crate::content::Content;
use crate::dialect::{AnswerBroken, Ending, Meter, MeterConfig, Reading, StreamError};
use crate::money::Money;
use crate::translate::{Facts, HowEnded, Opened, Plan, Settled, Stream, Unreadable, answer};
use crate::usage::Usage;

/// How far an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is to come.
    Running,
    /// The event that ends it is here.
    Complete,
    /// The provider said that it failed, or what it sent cannot be read.
    Failed,
}

/// The way of one answer. See [`Meter`] for the order of calls.
pub(super) struct Channel {
    meter: Meter,
    translation: Option<Translation>,
}

enum Translation {
    Whole(Box<(Plan, Opened)>),
    Stream(Box<Stream>),
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Stream,
    /// A stream of which the words alone are wanted.
    Plain,
}

impl Channel {
    /// The same dialect on both sides.
    pub(super) fn plain(config: MeterConfig) -> Self {
        Self { meter: Meter::new(config), translation: None }
    }

    /// From the provider's dialect, which the meter reads, into the client's.
    pub(super) fn translating(config: MeterConfig, form: Form, (plan, opened): (Plan, Opened)) -> Self {
        let translation = match form {
            Form::Whole => Some(Translation::Whole(Box::new((plan, opened)))),
            Form::Stream => Stream::new(plan, &opened).map(|stream| Translation::Stream(Box::new(stream))),
            Form::Plain => Stream::plain(plan).map(|stream| Translation::Stream(Box::new(stream))),
        };
        Self { meter: Meter::new(config), translation }
    }

    pub(super) const fn reading(&self) -> &Reading {
        self.meter.reading()
    }

    /// Takes a chunk of a stream; returns what may pass.
    pub(super) fn push(&mut self, chunk: Bytes) -> Vec<Bytes> {
        let Self { meter, translation } = self;
        let Some(Translation::Stream(stream)) = translation else { return meter.push(chunk) };
        let mut frames = Vec::new();
        meter.read(&chunk, &mut |event| stream.take(event, &mut frames));
        frames
    }

    pub(super) fn progress(&self) -> Progress {
        let translated = self.translated();
        if self.reading().failed {
            Progress::Failed
        } else if self.meter.is_complete() {
            if translated.is_none_or(Stream::is_complete) { Progress::Complete } else { Progress::Failed }
        } else {
            Progress::Running
        }
    }

    /// Takes note that the body has ended; returns the last frames that may pass.
    pub(super) fn end(&mut self) -> (Vec<Bytes>, Ending) {
        let Self { meter, translation } = self;
        let Some(Translation::Stream(stream)) = translation else { return (Vec::new(), meter.end()) };
        let mut frames = Vec::new();
        let read = meter.end_reading(&mut |event| stream.take(event, &mut frames));
        match read {
            Ending::Complete => (frames, stream.end_body()),
            Ending::Interrupted => (frames, Ending::Interrupted),
        }
    }

    pub(super) fn keep_alive(&self) -> Bytes {
        self.translated().map_or_else(|| self.meter.keep_alive(), Stream::keep_alive)
    }

    /// The end of a complete answer, once its charge is durable.
    pub(super) fn release(&mut self, cost: Money, usage: &Usage) -> Vec<Bytes> {
        match self.stream() {
            None => self.meter.release(cost),
            Some(stream) => stream.release(&Settled { usage, stages: &[], cost: Some(cost) }),
        }
    }

    /// The end of an answer that was cut, as a length limit ends it.
    pub(super) fn close_at_limit(&mut self, cost: Money, usage: &Usage) -> Vec<Bytes> {
        match self.stream() {
            None => self.meter.close_at_limit(cost, usage),
            Some(stream) => stream.close_at_limit(&Settled { usage, stages: &[], cost: Some(cost) }),
        }
    }

    /// The end of an answer that failed.
    pub(super) fn close_with_error(&mut self, error: StreamError<'_>) -> Vec<Bytes> {
        match self.stream() {
            None => self.meter.close_with_error(error),
            Some(stream) => stream.close_with_error(&error),
        }
    }

    /// Reads an answer that does not stream.
    pub(super) fn read_whole(&mut self, body: &[u8]) -> Result<(), AnswerBroken> {
        self.meter.read_whole(body)
    }

    /// The same answer in the client's dialect.
    pub(super) fn write_whole(&self, body: Content, usage: &Usage) -> Result<Content, Unreadable> {
        let Some(Translation::Whole(translation)) = &self.translation else { return Ok(body) };
        let (plan, opened) = translation.as_ref();
        let facts = Facts { created: opened.created, fallback_id: &opened.fallback_id, usage, stages: &[] };
        answer(plan, &body, &facts)
    }

    /// How a complete answer ended, where somebody else writes the end.
    pub(super) fn how_ended(&self) -> HowEnded {
        self.translated().map(Stream::how_ended).unwrap_or_default()
    }

    fn translated(&self) -> Option<&Stream> {
        match &self.translation {
            Some(Translation::Stream(stream)) => Some(stream),
            Some(Translation::Whole(_)) | None => None,
        }
    }

    fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.translation {
            Some(Translation::Stream(stream)) => Some(stream),
            Some(Translation::Whole(_)) | None => None,
        }
    }
}
