//! Items in a row become turns: who speaks changes with every turn, and the results of a turn's
//! calls begin the next one.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::super::conversation::{
    Call, Document, DocumentBody, Input, InputKind, Item, Media, Part, PartKind, Returned, Role, Thought,
    ToolOutcome, Words,
};
use super::super::free;
use super::super::json::Text;
use super::super::names::{ToolNames, call_id};
use super::CALL_ID_MAX;
use super::model::{Claude, Takes};
use super::wire::{Block, Source, Turn};
use crate::dialect::RequestFault;
use crate::provider::Vendor;

const USER: &str = "user";
const ASSISTANT: &str = "assistant";
const SYSTEM: &str = "system";

/// Media types of images that Claude reads.
const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// What the turns depend on beside the items.
pub(super) struct Rules<'r> {
    pub(super) words: &'static Words,
    pub(super) claude: &'r Claude,
    pub(super) model: &'r str,
    pub(super) names: &'r mut ToolNames,
}

struct Turns<'a, 'r> {
    turns: Vec<Turn<'a>>,
    /// How many blocks at the beginning of the last turn are results.
    results: usize,
    rules: Rules<'r>,
}

/// Groups the items.
///
/// # Errors
/// When a call has no result or a result no call, and whatever Claude cannot read.
pub(super) fn turns<'a>(items: Vec<Item<'a>>, rules: Rules<'_>) -> Result<Vec<Turn<'a>>, RequestFault> {
    let words = rules.words;
    let mut grouped = Turns { turns: Vec::new(), results: 0, rules };
    let mut items = items.into_iter().peekable();
    while let Some(item) = items.next() {
        match item {
            Item::Said(Role::System, mut parts) => {
                while let Some(Item::Said(Role::System, more)) =
                    items.next_if(|next| matches!(next, Item::Said(Role::System, _)))
                {
                    parts.extend(more);
                }
                let user_follows =
                    matches!(items.peek(), Some(Item::Said(Role::User, _) | Item::Returned(_)));
                let role = if user_follows || !grouped.takes_system() { USER } else { SYSTEM };
                grouped.add_system(parts, role)?;
            }
            Item::Said(Role::User, parts) => grouped.add_user(parts)?,
            Item::Said(Role::Assistant, parts) => grouped.add_assistant(parts)?,
            Item::Thought(thought) => grouped.add_thought(thought),
            Item::Called(call) => grouped.add_call(call)?,
            Item::Returned(returned) => grouped.add_result(returned)?,
        }
    }
    let claude = grouped.rules.claude;
    let mut turns = grouped.turns;
    check_pairs(&turns, words)?;
    end_well(&mut turns, claude, words)?;
    Ok(turns)
}

impl<'a> Turns<'a, '_> {
    /// Begins a new turn, unless this role has the one under way.
    fn begin(&mut self, role: &'static str) {
        if self.turns.last().is_none_or(|turn| turn.role != role) {
            self.turns.push(Turn { role, content: Vec::new() });
            self.results = 0;
        }
    }

    fn push(&mut self, role: &'static str, block: Block<'a>) {
        self.begin(role);
        if let Some(turn) = self.turns.last_mut() {
            turn.content.push(block);
        }
    }

    fn add_user(&mut self, parts: Vec<Part<'a>>) -> Result<(), RequestFault> {
        let blocks = blocks(parts, self.rules.words)?;
        if blocks.is_empty() {
            return Err(RequestFault::wrong(self.rules.words.content, "the message is empty"));
        }
        for block in blocks {
            self.push(USER, block);
        }
        Ok(())
    }

    fn add_assistant(&mut self, parts: Vec<Part<'a>>) -> Result<(), RequestFault> {
        for block in blocks(parts, self.rules.words)? {
            match block {
                Block::Text { .. } => self.push(ASSISTANT, block),
                _ => {
                    let advice = "the chosen model takes no images or documents in its own messages";
                    return Err(RequestFault::unsupported(self.rules.words.content, advice));
                }
            }
        }
        Ok(())
    }

    /// Whether the model takes a system message here, where no turn of the user follows.
    fn takes_system(&self) -> bool {
        let after_user = self.turns.last().is_some_and(|turn| turn.role == USER);
        after_user && self.rules.claude.inner_system == Takes::Yes
    }

    /// A system message between others stands where it stood: as one, where the model and the
    /// place allow it, else as a text of the user's turn, so that the order and every earlier
    /// byte stay.
    fn add_system(&mut self, parts: Vec<Part<'a>>, role: &'static str) -> Result<(), RequestFault> {
        for block in blocks(parts, self.rules.words)? {
            match (role, block) {
                (SYSTEM, block @ Block::Text { .. }) => self.push(SYSTEM, block),
                (_, Block::Text { text, cache_control }) => {
                    let text = Text::from(format!("<system>\n{}\n</system>", text.decode()));
                    self.push(USER, Block::Text { text, cache_control });
                }
                _ => {
                    let advice = "a system message can only be text";
                    return Err(RequestFault::unsupported(self.rules.words.content, advice));
                }
            }
        }
        Ok(())
    }

    /// Claude's own thoughts go back word for word; those of another model would be refused.
    fn add_thought(&mut self, thought: Thought<'a>) {
        let Thought { maker, model, text, proof, handle: _ } = thought;
        let is_own = maker == Vendor::Anthropic && model.is_none_or(|model| model == self.rules.model);
        match (text, proof) {
            (Some(thinking), Some(signature)) if is_own => {
                self.push(ASSISTANT, Block::Thinking { thinking, signature });
            }
            (None, Some(data)) if is_own => self.push(ASSISTANT, Block::RedactedThinking { data }),
            _ => {}
        }
    }

    fn add_call(&mut self, call: Call<'a>) -> Result<(), RequestFault> {
        let Call { id, namespace, name, input } = call;
        let kind = input.kind();
        let name = self.rules.names.outgoing(namespace.as_ref(), name, kind);
        let input = object(input, self.rules.words)?;
        self.push(ASSISTANT, Block::ToolUse { id: call_id(id, CALL_ID_MAX), name, input });
        Ok(())
    }

    fn add_result(&mut self, returned: Returned<'a>) -> Result<(), RequestFault> {
        let Returned { id, parts, outcome, input: _, cache } = returned;
        let block = Block::ToolResult {
            tool_use_id: call_id(id, CALL_ID_MAX),
            content: blocks(parts, self.rules.words)?,
            is_error: outcome == ToolOutcome::Failed,
            cache_control: cache.map(Into::into),
        };
        self.begin(USER);
        let at = self.results;
        if let Some(turn) = self.turns.last_mut() {
            turn.content.insert(at.min(turn.content.len()), block);
            self.results = at.saturating_add(1);
        }
        Ok(())
    }
}

impl Input<'_> {
    const fn kind(&self) -> InputKind {
        match self {
            Self::Object(_) | Self::Arguments(_) => InputKind::Object,
            Self::Free(_) => InputKind::Free,
        }
    }
}

/// The input of a call as an object.
fn object<'a>(input: Input<'a>, words: &Words) -> Result<Cow<'a, RawValue>, RequestFault> {
    let wrong = RequestFault::wrong(words.arguments, "expected a JSON object as text");
    let text = match input {
        Input::Object(value) => return Ok(Cow::Borrowed(value)),
        Input::Free(text) => free::wrap(&text),
        Input::Arguments(text) => text.into_decoded().into_owned(),
    };
    let text = if text.trim().is_empty() { "{}".to_owned() } else { text };
    let value = RawValue::from_string(text).map_err(|_json| wrong)?;
    if value.get().starts_with('{') { Ok(Cow::Owned(value)) } else { Err(wrong) }
}

/// Parts of a message as blocks; texts of nothing but white space, which Claude refuses, are left
/// out.
pub(super) fn blocks<'a>(parts: Vec<Part<'a>>, words: &Words) -> Result<Vec<Block<'a>>, RequestFault> {
    let said = parts.into_iter().filter(|part| !part.is_blank());
    said.map(|part| block(part, words)).collect()
}

fn block<'a>(part: Part<'a>, words: &Words) -> Result<Block<'a>, RequestFault> {
    let Part { kind, cache } = part;
    let cache_control = cache.map(Into::into);
    Ok(match kind {
        PartKind::Text(text) | PartKind::Refusal(text) => Block::Text { text, cache_control },
        PartKind::Image(Media::Url(url)) => Block::Image { source: Source::Url { url }, cache_control },
        PartKind::Image(Media::Data { media_type, data }) => {
            if !IMAGE_TYPES.contains(&media_type.as_ref()) {
                return Err(RequestFault::unsupported(
                    words.image,
                    "expected a JPEG, PNG, GIF or WebP image",
                ));
            }
            Block::Image { source: Source::Base64 { media_type, data }, cache_control }
        }
        PartKind::Document(Document { body, title, context }) => {
            let source = match body {
                DocumentBody::Media(Media::Url(url)) => Source::Url { url },
                DocumentBody::Media(Media::Data { media_type, data }) => Source::Base64 { media_type, data },
                DocumentBody::Text(data) => Source::Text { media_type: "text/plain", data },
                DocumentBody::Parts(parts) => Source::Content { content: blocks(parts, words)? },
            };
            Block::Document { source, title, context, cache_control }
        }
    })
}

/// Every call has its result in the next turn, and every result a call in the one before.
fn check_pairs(turns: &[Turn<'_>], words: &Words) -> Result<(), RequestFault> {
    let mut open: BTreeSet<Cow<'_, str>> = BTreeSet::new();
    for turn in turns {
        let mut calls = BTreeSet::new();
        for block in &turn.content {
            match block {
                Block::ToolResult { tool_use_id, .. } if !open.remove(&tool_use_id.decode()) => {
                    return Err(RequestFault::wrong(
                        words.result_id,
                        "it names no call of the message before",
                    ));
                }
                Block::ToolUse { id, .. } if !calls.insert(id.decode()) => {
                    return Err(RequestFault::wrong(words.call_id, "two calls have the same identifier"));
                }
                _ => {}
            }
        }
        if !open.is_empty() {
            return Err(RequestFault::wrong(words.call_id, "a call has no result in the message after it"));
        }
        open = calls;
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(RequestFault::wrong(words.call_id, "a call has no result in the message after it"))
    }
}

/// The last message is the user's, or one that the model may carry on.
fn end_well(turns: &mut [Turn<'_>], claude: &Claude, words: &Words) -> Result<(), RequestFault> {
    let Some(last) = turns.last_mut() else {
        return Err(RequestFault::wrong(words.items, "at least one message of the user is needed"));
    };
    if last.role != ASSISTANT {
        return Ok(());
    }
    if claude.prefill == Takes::No {
        let advice = "the last message must not be the assistant's: the chosen model does not carry it on";
        return Err(RequestFault::unsupported(words.items, advice));
    }
    if let Some(Block::Text { text, .. }) = last.content.last_mut() {
        *text = Text::from(text.decode().trim_end().to_owned());
    }
    Ok(())
}
