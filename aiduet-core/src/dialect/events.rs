//! The events of a stream, for whoever reads all of them.

use serde_json::{Value, json};

use super::answer::AnswerBroken;
use super::anthropic::answer::error_type;
use super::endpoint::Dialect;
use super::openai::chat_answer::error_value;
use super::reading::StreamFault;
use super::sse::{Data, Splitter, parse, terminated};

/// An event.
pub(crate) struct SentEvent<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) data: Option<&'a str>,
}

/// Cuts a stream into its events, however it is cut into chunks.
#[derive(Default)]
pub(crate) struct EventSplitter(Splitter);

impl EventSplitter {
    /// Visits the events that end in the chunk.
    ///
    /// # Errors
    /// When an event is too large or not UTF-8, or the visitor fails.
    pub(crate) fn push<F>(&mut self, chunk: &[u8], mut visit: F) -> Result<(), AnswerBroken>
    where
        F: FnMut(SentEvent<'_>) -> Result<(), AnswerBroken>,
    {
        let mut start = 0;
        while let Some(end) = self.0.next_end(chunk, start) {
            let part = chunk.get(start..end).unwrap_or_default();
            if self.0.has_pending() {
                self.0.keep(part)?;
                visit_event(&self.0.take(), &mut visit)?;
            } else {
                visit_event(part, &mut visit)?;
            }
            start = end;
        }
        self.0.keep(chunk.get(start..).unwrap_or_default())
    }

    /// Visits what came without its last blank line.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(crate) fn end<F>(&mut self, mut visit: F) -> Result<(), AnswerBroken>
    where
        F: FnMut(SentEvent<'_>) -> Result<(), AnswerBroken>,
    {
        let rest = self.0.take();
        if rest.is_empty() { Ok(()) } else { visit_event(&terminated(&rest), &mut visit) }
    }
}

fn visit_event<F>(raw: &[u8], visit: &mut F) -> Result<(), AnswerBroken>
where
    F: FnMut(SentEvent<'_>) -> Result<(), AnswerBroken>,
{
    let event = parse(raw)?;
    visit(SentEvent { name: event.name, data: event.data.as_ref().map(Data::text) })
}

/// The error object of a dialect.
pub(crate) fn stream_error(dialect: Dialect, kind: StreamFault, message: &str) -> Value {
    match dialect {
        Dialect::OpenAi => error_value(kind, message),
        Dialect::Anthropic => json!({"type": error_type(kind), "message": message}),
    }
}
