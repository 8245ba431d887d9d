//! Who said what in a request: the one view of all dialects that routing reads.
//!
//! Built in one pass over the body, borrowed from it, and lazy: texts stay as they are written in
//! JSON until somebody looks at a part of them. Of tool data only the beginning is kept in view.

#[cfg(test)]
mod tests;

use super::endpoint::Endpoint;
use super::fault::{FaultKind, RequestFault};
use super::json::{Kind, Scanner, Text};
use super::request::STRICT;
use super::{anthropic, openai};
use crate::content::Content;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The program that calls: system and developer messages.
    System,
    /// The client's user, or the client in the user's name.
    User,
    /// The model.
    Assistant,
    /// A tool of the client.
    Tool,
}

/// A piece of a message.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    /// Words.
    Text(Text<'a>),
    /// The model calls a tool.
    Call(Call<'a>),
    /// What a tool said.
    Outcome(Outcome<'a>),
    /// The model's reasoning, with what its maker signed or encrypted.
    Reasoning(Option<Text<'a>>),
    /// A picture.
    Image,
    /// A document or a sound.
    Document,
    /// Anything else.
    Other,
}

/// The model calls a tool.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) id: Option<Text<'a>>,
    pub(crate) name: Option<Text<'a>>,
    /// What the tool is given, as it is written.
    pub(crate) input: &'a str,
}

/// What a tool said.
#[derive(Clone, Copy)]
pub(crate) struct Outcome<'a> {
    /// The call it belongs to.
    pub(crate) call: Option<Text<'a>>,
    /// Its first text.
    pub(crate) text: Option<Text<'a>>,
}

/// A message, or an item of the input that stands for one.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    pub(crate) speaker: Speaker,
    first: usize,
    end: usize,
}

/// A tool that the client offers.
#[derive(Clone, Copy)]
pub(crate) struct Offered<'a> {
    pub(crate) name: Option<Text<'a>>,
    pub(crate) kind: Option<Text<'a>>,
}

/// What the request demands of the model, beside the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    /// A tool must be called.
    pub(crate) forced_tool: Ask,
    /// The model must not think.
    pub(crate) no_thinking: Ask,
    /// Several answers.
    pub(crate) several: Ask,
    /// Probabilities of tokens.
    pub(crate) probabilities: Ask,
    /// Tools of other servers that the provider calls.
    pub(crate) remote_tools: Ask,
    /// Sampling parameters.
    pub(crate) sampling: Ask,
    /// The output limit, in tokens.
    pub(crate) output_limit: Option<u64>,
}

/// Where a client names its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversation {
    /// In the name of its prompt cache.
    Cache,
    /// In the name of its user.
    User,
}

/// Whether something is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ask {
    /// It is.
    Yes,
    /// It is not.
    #[default]
    No,
}

impl From<bool> for Ask {
    fn from(asked: bool) -> Self {
        if asked { Self::Yes } else { Self::No }
    }
}

impl Ask {
    pub(crate) const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }
}

/// Who said what in a request, borrowed from its body.
///
/// Holds content, so it has no `Debug`; nothing that is computed from it repeats a word of it.
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Transcript<'a> {
    pub(crate) endpoint: Endpoint,
    /// What stands before the conversation.
    pub(crate) system: Vec<Text<'a>>,
    pub(crate) tools: Vec<Offered<'a>>,
    pub(crate) demands: Demands,
    pub(super) conversation: Option<(Conversation, Text<'a>)>,
    messages: Vec<Message>,
    parts: Vec<Part<'a>>,
}

impl<'a> Transcript<'a> {
    /// Reads the body of a generating call or of a count, which need not have been
    /// [inspected](super::inspect).
    ///
    /// # Errors
    /// [`RequestFault`] for what is not such a body.
    pub fn read(endpoint: Endpoint, body: &'a Content) -> Result<Self, RequestFault> {
        let bytes = body.expose();
        let mut scanner = Scanner::new(bytes, STRICT)?;
        if scanner.peek()? != Kind::Object {
            return Err(FaultKind::Invalid.into());
        }
        let mut transcript = Self {
            endpoint,
            system: Vec::new(),
            tools: Vec::new(),
            demands: Demands::default(),
            conversation: None,
            messages: Vec::new(),
            parts: Vec::new(),
        };
        match endpoint {
            Endpoint::ChatCompletions => openai::chat_transcript::read(&mut scanner, &mut transcript),
            Endpoint::Responses | Endpoint::InputTokens => {
                openai::responses_transcript::read(&mut scanner, &mut transcript)
            }
            Endpoint::Messages | Endpoint::CountTokens => {
                anthropic::transcript::read(&mut scanner, &mut transcript)
            }
            Endpoint::Embeddings => Err(FaultKind::Unsupported.into()),
        }?;
        scanner.finish()?;
        Ok(transcript)
    }

    /// The endpoint that was called.
    pub const fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// What the client calls this conversation.
    pub(crate) const fn conversation(&self) -> Option<(Conversation, Text<'a>)> {
        self.conversation
    }

    /// The messages in order.
    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The parts of a message.
    pub(crate) fn parts(&self, message: &Message) -> &[Part<'a>] {
        self.parts.get(message.first..message.end).unwrap_or_default()
    }

    /// Every part of the conversation in order.
    pub(crate) fn all_parts(&self) -> &[Part<'a>] {
        &self.parts
    }

    pub(super) fn push_part(&mut self, part: Part<'a>) {
        self.parts.push(part);
    }

    /// How many parts there are, to be given to [`end_message`](Self::end_message) later.
    pub(super) const fn mark(&self) -> usize {
        self.parts.len()
    }

    /// Makes a message of the parts since a mark.
    pub(super) fn end_message(&mut self, speaker: Speaker, mark: usize) {
        self.messages.push(Message { speaker, first: mark, end: self.parts.len() });
    }
}
