//! One answer that is made of several.

use bytes::Bytes;

use super::openai::{chat, responses};
use super::reply::{Block, Event, Finish, Opening, Reply, Slot};
use super::stream::{Opened, Settled};
use super::target::Plan;
use super::writer::Writer;
use super::{Facts, anthropic};
use crate::dialect::{Dialect, Endpoint, StreamError};

/// The one text that an answer consists of.
const TEXT: Slot = 0;

/// How an answer ended, in the words of neither vendor.
#[derive(Clone, Debug, Default)]
pub(crate) struct HowEnded(pub(super) Finish);

impl HowEnded {
    /// At a limit of its length.
    pub(crate) const fn at_limit() -> Self {
        Self(Finish::Length)
    }
}

/// Writes one answer in the client's dialect: one message, one identifier, one text, out of what several
/// calls have said.
///
/// # Contract
/// [`begin`](Self::begin), any number of [`say`](Self::say), then one of [`finish`](Self::finish) and
/// [`fail`](Self::fail).
pub(crate) struct Composer {
    plan: Plan,
    opened: Opened,
    form: Form,
}

enum Form {
    Stream(Box<Writer>),
    /// What was said until now.
    Whole(String),
}

impl Composer {
    /// A writer of events. `None` where nothing is generated.
    pub(crate) fn stream(plan: Plan, opened: Opened) -> Option<Self> {
        let form = Form::Stream(Box::new(Writer::new(plan.client(), &opened)?));
        Some(Self { plan, opened, form })
    }

    /// A writer of one body, which comes at the end.
    pub(crate) const fn whole(plan: Plan, opened: Opened) -> Self {
        Self { plan, opened, form: Form::Whole(String::new()) }
    }

    /// Begins the answer.
    pub(crate) fn begin(&mut self) -> Vec<Bytes> {
        let mut frames = Vec::new();
        if let Form::Stream(writer) = &mut self.form {
            writer.write(Event::Began { id: String::new() }, &self.plan, &mut frames);
            writer.write(Event::Opened(TEXT, Opening::Text), &self.plan, &mut frames);
        }
        frames
    }

    /// Says more.
    pub(crate) fn say(&mut self, text: &str) -> Vec<Bytes> {
        let mut frames = Vec::new();
        match &mut self.form {
            _ if text.is_empty() => {}
            Form::Stream(writer) => writer.add((TEXT, text), &self.plan, &mut frames),
            Form::Whole(said) => said.push_str(text),
        }
        frames
    }

    /// A frame that says nothing, to keep the connection; none where there are no frames.
    pub(crate) fn keep_alive(&self) -> Option<Bytes> {
        match (&self.form, self.plan.client().dialect()) {
            (Form::Whole(_), _) => None,
            (Form::Stream(_), Dialect::OpenAi) => Some(Bytes::from_static(b": keep-alive\n\n")),
            (Form::Stream(_), Dialect::Anthropic) => {
                Some(Bytes::from_static(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"))
            }
        }
    }

    /// The end of the answer, or the whole of it, once its charge is durable.
    pub(crate) fn finish(&mut self, HowEnded(finish): HowEnded, settled: &Settled<'_>) -> Vec<Bytes> {
        match &mut self.form {
            Form::Stream(writer) => {
                let mut frames = Vec::new();
                writer.write(Event::Closed(TEXT), &self.plan, &mut frames);
                frames.extend(writer.finish(&finish, settled, &self.plan));
                frames
            }
            Form::Whole(said) => {
                let reply =
                    Reply { id: String::new(), blocks: vec![Block::Text(std::mem::take(said))], finish };
                self.body(reply, settled).into_iter().collect()
            }
        }
    }

    fn body(&self, reply: Reply, settled: &Settled<'_>) -> Option<Bytes> {
        let &Settled { usage, stages, .. } = settled;
        let Opened { created, fallback_id } = &self.opened;
        let facts = Facts { created: *created, fallback_id, usage, stages };
        let body = match self.plan.client() {
            Endpoint::ChatCompletions => chat::write_answer(reply, &self.plan, &facts),
            Endpoint::Messages => anthropic::write_answer(reply, &self.plan, &facts),
            Endpoint::Responses => responses::write_answer(reply, &self.plan, &facts),
            Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::InputTokens => return None,
        };
        Some(body.into())
    }

    /// The end of an answer that failed; nothing where the status tells it.
    pub(crate) fn fail(&mut self, error: &StreamError<'_>) -> Vec<Bytes> {
        match &mut self.form {
            Form::Stream(writer) => writer.fail(error, None, &self.plan),
            Form::Whole(_) => Vec::new(),
        }
    }
}
