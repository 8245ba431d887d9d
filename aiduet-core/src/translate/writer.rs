//! An answer on its way into the client's dialect, as it comes.

use bytes::Bytes;

use super::anthropic;
use super::openai::{chat, responses};
use super::plain;
use super::reply::{Complaint, Event, Finish, Slot};
use super::stream::{Opened, Settled};
use super::target::Plan;
use crate::dialect::{Endpoint, StreamError};

/// Writes the steps of an answer.
pub(super) enum Writer {
    Chat(chat::Writer),
    Messages(anthropic::Writer),
    Responses(responses::Writer),
    /// The words alone, in no dialect.
    Plain(plain::Writer),
}

impl Writer {
    /// A writer for the client of an endpoint. `None` where nothing is generated.
    pub(super) fn new(client: Endpoint, opened: &Opened) -> Option<Self> {
        match client {
            Endpoint::ChatCompletions => Some(Self::Chat(chat::Writer::new(opened))),
            Endpoint::Messages => Some(Self::Messages(anthropic::Writer::new(opened))),
            Endpoint::Responses => Some(Self::Responses(responses::Writer::new(opened))),
            Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::InputTokens => None,
        }
    }

    /// Writes a step.
    pub(super) fn write(&mut self, event: Event, plan: &Plan, out: &mut Vec<Bytes>) {
        match self {
            Self::Chat(writer) => writer.write(event, plan, out),
            Self::Messages(writer) => writer.write(event, plan, out),
            Self::Responses(writer) => writer.write(event, plan, out),
            Self::Plain(writer) => writer.write(event, out),
        }
    }

    /// Writes one more piece of a block.
    pub(super) fn add(&mut self, (slot, text): (Slot, &str), plan: &Plan, out: &mut Vec<Bytes>) {
        match self {
            Self::Chat(writer) => writer.add((slot, text), plan, out),
            Self::Messages(writer) => writer.add(slot, text, out),
            Self::Responses(writer) => writer.add(slot, text, out),
            Self::Plain(writer) => writer.add(slot, text, out),
        }
    }

    /// The end of an answer.
    pub(super) fn finish(&mut self, finish: &Finish, settled: &Settled<'_>, plan: &Plan) -> Vec<Bytes> {
        match self {
            Self::Chat(writer) => writer.finish(finish, settled, plan),
            Self::Messages(writer) => writer.finish(finish, settled, plan),
            Self::Responses(writer) => writer.finish(finish, settled, plan),
            Self::Plain(_) => Vec::new(),
        }
    }

    /// The end of an answer that failed, in the form of the client's dialect. What a provider has
    /// against the request itself passes in its own words.
    pub(super) fn fail(
        &mut self,
        error: &StreamError<'_>,
        complaint: Option<&Complaint>,
        plan: &Plan,
    ) -> Vec<Bytes> {
        match self {
            Self::Chat(_) => chat::Writer::fail(error, complaint),
            Self::Messages(_) => anthropic::Writer::fail(error, complaint),
            Self::Responses(writer) => writer.fail(error, complaint, plan),
            Self::Plain(_) => Vec::new(),
        }
    }
}
