//! Answers of Chat Completions, read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::Unreadable;
use super::super::super::conversation::{InputKind, Thought};
use super::super::super::ids::{numbered, stem};
use super::super::super::json::{Text, lax, lax_as};
use super::super::super::reply::{Block, Called, Event, Finish, Opening, Reply, Shown, Slot};
use super::super::error::Fault;
use crate::provider::Vendor;

/// The end of a stream.
const DONE: &str = "[DONE]";

/// An answer, or a piece of one.
#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default, deserialize_with = "lax_as")]
    index: Option<u32>,
    #[serde(borrow, default, deserialize_with = "lax_as", alias = "delta")]
    message: Option<Message<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    content: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    refusal: Option<Text<'a>>,
    /// What some compatible providers show of reasoning, under either name.
    #[serde(borrow, default, deserialize_with = "lax")]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    reasoning: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    tool_calls: Option<Vec<ToolCall<'a>>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    function_call: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(default, deserialize_with = "lax_as")]
    index: Option<u32>,
    #[serde(borrow, default, deserialize_with = "lax")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    function: Option<Function<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    custom: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    name: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax", alias = "input")]
    arguments: Option<Text<'a>>,
}

fn own(text: Option<Text<'_>>) -> String {
    text.map(|text| text.into_decoded().into_owned()).unwrap_or_default()
}

fn finish(reason: Option<&Text<'_>>, refusal: Option<String>) -> Finish {
    match (reason.map(Text::decode).as_deref(), refusal) {
        (Some("length"), _) => Finish::Length,
        (Some("content_filter"), explanation) => Finish::Refusal { category: None, explanation },
        (_, Some(explanation)) => Finish::Declined(explanation),
        (Some("tool_calls" | "function_call"), None) => Finish::Calls,
        (Some("stop"), None) => Finish::Done,
        (_, None) => Finish::Unknown,
    }
}

/// Reads an answer.
///
/// # Errors
/// When it is not one, or an error.
pub(in crate::translate) fn read_answer(body: &[u8]) -> Result<Reply, Unreadable> {
    let Completion { id, choices, error } = serde_json::from_slice(body).map_err(|_json| Unreadable)?;
    let choice =
        choices.unwrap_or_default().into_iter().next().filter(|_choice| error.is_none()).ok_or(Unreadable)?;
    let Choice { message, finish_reason, .. } = choice;
    let Message { content, refusal, reasoning_content, reasoning, tool_calls, function_call } =
        message.ok_or(Unreadable)?;
    let id = own(id);
    let mut blocks = Vec::new();
    let shown = reasoning_content.or(reasoning).filter(|text| !text.is_empty());
    blocks.extend(shown.map(|text| Block::Thought(thought(own(Some(text))))));
    blocks.extend(content.filter(|text| !text.is_empty()).map(|text| Block::Text(own(Some(text)))));
    let refusal = refusal.filter(|text| !text.is_empty()).map(|text| own(Some(text)));
    blocks.extend(refusal.clone().map(Block::Refusal));
    let stem = stem(&id, "0");
    let calls = tool_calls.unwrap_or_default().into_iter().map(|call| (call.id, call.function, call.custom));
    let older = function_call.map(|function| (None, Some(function), None));
    for (number, (id, function, custom)) in calls.chain(older).enumerate() {
        let input = if custom.is_some() { InputKind::Free } else { InputKind::Object };
        let Some(Function { name, arguments }) = function.or(custom) else { continue };
        let made = || numbered("call_", &stem, u32::try_from(number).unwrap_or(u32::MAX));
        let id = id.map_or_else(made, |id| own(Some(id)));
        blocks.push(Block::Call(Called {
            id,
            namespace: None,
            name: own(name),
            input,
            arguments: own(arguments),
        }));
    }
    Ok(Reply { id, blocks, finish: finish(finish_reason.as_ref(), refusal) })
}

fn thought(text: String) -> Thought<'static> {
    Thought { maker: Vendor::OpenAi, model: None, text: Some(Text::from(text)), proof: None, handle: None }
}

/// Reads a stream.
#[derive(Default)]
pub(in crate::translate) struct Events {
    stem: Option<String>,
    next: Slot,
    /// The text under way, of one kind or another.
    text: Option<(Slot, Kind)>,
    /// The calls, by their index.
    calls: BTreeMap<u32, Slot>,
    refusal: Option<String>,
    is_finished: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    Thought,
}

impl Events {
    /// Reads one event.
    ///
    /// # Errors
    /// When it is not one of this protocol.
    pub(in crate::translate) fn read(&mut self, data: &str, out: &mut Vec<Event>) -> Result<(), Unreadable> {
        if data.trim() == DONE {
            out.push(if self.is_finished { Event::Ended } else { Event::Failed(None) });
            return Ok(());
        }
        let Completion { id, choices, error } = serde_json::from_str(data).map_err(|_json| Unreadable)?;
        if let Some(error) = error {
            let fault: Option<Fault<'_>> = serde_json::from_str(error.get()).ok();
            out.push(Event::Failed(fault.and_then(|fault| fault.about_request())));
            return Ok(());
        }
        if self.stem.is_none() {
            let id = own(id);
            self.stem = Some(stem(&id, "0"));
            out.push(Event::Began { id });
        }
        let first = choices.unwrap_or_default().into_iter().find(|choice| choice.index.unwrap_or(0) == 0);
        if let Some(choice) = first.filter(|_choice| !self.is_finished) {
            self.choice(choice, out);
        }
        Ok(())
    }

    fn choice(&mut self, choice: Choice<'_>, out: &mut Vec<Event>) {
        let Choice { message, finish_reason, .. } = choice;
        if let Some(Message { content, refusal, reasoning_content, reasoning, tool_calls, function_call }) =
            message
        {
            self.add(Kind::Thought, own(reasoning_content.or(reasoning)), out);
            self.add(Kind::Text, own(content), out);
            self.add(Kind::Refusal, own(refusal), out);
            for call in tool_calls.unwrap_or_default() {
                self.call(call, out);
            }
            if let Some(function) = function_call {
                self.call(ToolCall { index: Some(0), id: None, function: Some(function), custom: None }, out);
            }
        }
        if let Some(reason) = finish_reason {
            self.close_text(out);
            out.extend(std::mem::take(&mut self.calls).into_values().map(Event::Closed));
            self.is_finished = true;
            out.push(Event::Finished(finish(Some(&reason), self.refusal.take())));
        }
    }

    fn add(&mut self, kind: Kind, text: String, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        if kind == Kind::Refusal {
            self.refusal.get_or_insert_default().push_str(&text);
        }
        let slot = match self.text {
            Some((slot, open)) if open == kind => slot,
            _ => {
                self.close_text(out);
                let slot = self.open(
                    match kind {
                        Kind::Text => Opening::Text,
                        Kind::Refusal => Opening::Refusal,
                        Kind::Thought => Opening::Thought { maker: Vendor::OpenAi, shown: Shown::Yes },
                    },
                    out,
                );
                self.text = Some((slot, kind));
                slot
            }
        };
        out.push(Event::Added(slot, text));
    }

    fn open(&mut self, opening: Opening, out: &mut Vec<Event>) -> Slot {
        let slot = self.next;
        self.next = slot.saturating_add(1);
        out.push(Event::Opened(slot, opening));
        slot
    }

    fn close_text(&mut self, out: &mut Vec<Event>) {
        out.extend(self.text.take().map(|(slot, _kind)| Event::Closed(slot)));
    }

    /// A piece of a call. Without an index it belongs to the last one, unless it names itself.
    fn call(&mut self, call: ToolCall<'_>, out: &mut Vec<Event>) {
        let ToolCall { index, id, function, custom } = call;
        let last = self.calls.keys().next_back().copied();
        let index = index.unwrap_or_else(|| match (&id, last) {
            (None, Some(last)) => last,
            (_, last) => last.map_or(0, |last| last.saturating_add(1)),
        });
        let input = if custom.is_some() { InputKind::Free } else { InputKind::Object };
        let (name, arguments) =
            function.or(custom).map_or((None, None), |Function { name, arguments }| (name, arguments));
        let slot = match self.calls.get(&index) {
            Some(slot) => *slot,
            None => {
                self.close_text(out);
                let made = || numbered("call_", self.stem.as_deref().unwrap_or_default(), index);
                let id = id.filter(|id| !id.is_empty()).map_or_else(made, |id| own(Some(id)));
                let slot = self.open(Opening::Call { id, name: own(name), namespace: None, input }, out);
                self.calls.insert(index, slot);
                slot
            }
        };
        let arguments = own(arguments);
        if !arguments.is_empty() {
            out.push(Event::Added(slot, arguments));
        }
    }
}
