//! Answers of Messages, read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::Unreadable;
use super::super::conversation::{InputKind, Thought};
use super::super::json::{Members, Text, lax, lax_as};
use super::super::reply::{Block, Called, Event, Finish, Opening, Proof, Reply, Shown, Slot};
use super::error::Fault;
use crate::dialect::{Piece, PieceKind, messages_piece};
use crate::provider::Vendor;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    content: Option<Vec<BlockWire<'a>>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    stop_sequence: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    stop_details: Option<Details<'a>>,
}

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    category: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    explanation: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct BlockWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lax")]
    text: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    thinking: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    signature: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    data: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

fn own(text: Option<Text<'_>>) -> String {
    text.map(|text| text.into_decoded().into_owned()).unwrap_or_default()
}

fn own_some(text: Option<Text<'_>>) -> Option<String> {
    text.map(|text| text.into_decoded().into_owned())
}

/// Reads an answer.
///
/// # Errors
/// When it is not one.
pub(in crate::translate) fn read_answer(body: &[u8]) -> Result<Reply, Unreadable> {
    let message: Message<'_> = serde_json::from_slice(body).map_err(|_json| Unreadable)?;
    let Message { id, content, stop_reason, stop_sequence, stop_details } = message;
    let blocks = content.unwrap_or_default().into_iter().filter_map(BlockWire::block).collect();
    Ok(Reply { id: own(id), blocks, finish: finish(stop_reason, stop_sequence, stop_details) })
}

impl BlockWire<'_> {
    /// The block, if the other dialects have its kind.
    fn block(self) -> Option<Block> {
        let Self { r#type, text, thinking, signature, data, id, name, input } = self;
        Some(match r#type.decode().as_ref() {
            "text" => Block::Text(own(text)),
            "thinking" => Block::Thought(thought(Some(own(thinking)), own(signature))),
            "redacted_thinking" => Block::Thought(thought(None, own(data))),
            "tool_use" => {
                let arguments = input.map_or("{}", RawValue::get).to_owned();
                let (id, name) = (own(id), own(name));
                Block::Call(Called { id, namespace: None, name, input: InputKind::Object, arguments })
            }
            _ => return None,
        })
    }
}

fn thought(text: Option<String>, proof: String) -> Thought<'static> {
    Thought {
        maker: Vendor::Anthropic,
        model: None,
        text: text.map(Text::from),
        proof: Some(Text::from(proof)),
        handle: None,
    }
}

fn finish(reason: Option<Text<'_>>, sequence: Option<Text<'_>>, details: Option<Details<'_>>) -> Finish {
    let Some(reason) = reason else { return Finish::Unknown };
    match reason.decode().as_ref() {
        "end_turn" => Finish::Done,
        "stop_sequence" => Finish::StopSequence(own(sequence)),
        "tool_use" => Finish::Calls,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "pause_turn" => Finish::Pause,
        "refusal" => {
            let (category, explanation) =
                details.map_or((None, None), |told| (told.category, told.explanation));
            Finish::Refusal { category: own_some(category), explanation: own_some(explanation) }
        }
        _ => Finish::Unknown,
    }
}

/// Reads a stream.
#[derive(Default)]
pub(in crate::translate) struct Events {
    /// The blocks under way that the other dialects have, by their index.
    open: BTreeMap<Slot, Open>,
    finish: Finish,
}

/// What is still to be said at the end of a block.
enum Open {
    Plain,
    /// A call, and the arguments to give if none come in pieces.
    Call {
        whole: String,
        came: bool,
    },
}

#[derive(Deserialize)]
struct EventWire<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    r#type: Option<Text<'a>>,
    #[serde(default, deserialize_with = "lax_as")]
    index: Option<Slot>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    message: Option<Members<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    content_block: Option<BlockWire<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    error: Option<Fault<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    r#type: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    text: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    thinking: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    partial_json: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    signature: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    stop_sequence: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    stop_details: Option<Details<'a>>,
}

impl Events {
    /// Reads one event.
    ///
    /// # Errors
    /// When it is not one of this protocol.
    pub(in crate::translate) fn read(
        &mut self,
        name: Option<&str>,
        data: &str,
        out: &mut Vec<Event>,
    ) -> Result<(), Unreadable> {
        let wire: EventWire<'_> = serde_json::from_str(data).map_err(|_json| Unreadable)?;
        let EventWire { r#type, index, message, content_block, delta, error } = wire;
        let kind = r#type.as_ref().map(Text::decode);
        match kind.as_deref().or(name).unwrap_or_default() {
            "message_start" => {
                let id = message.and_then(|mut message| message.read("id").ok().flatten());
                out.push(Event::Began { id: own(id) });
            }
            "content_block_start" => {
                if let (Some(slot), Some(block)) = (index, content_block) {
                    self.open(slot, block, out);
                }
            }
            "content_block_delta" => {
                if let (Some(slot), Some(delta)) = (index, delta) {
                    self.add(slot, delta, out);
                }
            }
            "content_block_stop" => self.close(index, out),
            "message_delta" => {
                if let Some(Delta { stop_reason: Some(reason), stop_sequence, stop_details, .. }) = delta {
                    self.finish = finish(Some(reason), stop_sequence, stop_details);
                }
            }
            "message_stop" => {
                out.push(Event::Finished(std::mem::take(&mut self.finish)));
                out.push(Event::Ended);
            }
            "error" => out.push(Event::Failed(error.and_then(|fault| fault.about_request()))),
            _ => {}
        }
        Ok(())
    }

    /// Reads an event, if it is a piece of a block that is open.
    pub(in crate::translate) fn piece<'a>(&mut self, data: &'a str) -> Option<(Slot, Cow<'a, str>)> {
        let Piece { kind, index, text, .. } = messages_piece(data)?;
        match (kind, self.open.get_mut(&index)?) {
            (PieceKind::Text | PieceKind::Thought, Open::Plain) => {}
            (PieceKind::Input, Open::Call { came, .. }) => *came |= !text.is_empty(),
            (PieceKind::Text | PieceKind::Thought, Open::Call { .. }) | (PieceKind::Input, Open::Plain) => {
                return None;
            }
        }
        Some((index, text))
    }

    fn open(&mut self, slot: Slot, wire: BlockWire<'_>, out: &mut Vec<Event>) {
        let Some(block) = wire.block() else { return };
        let mut open = Open::Plain;
        match block {
            Block::Text(text) | Block::Refusal(text) => {
                out.push(Event::Opened(slot, Opening::Text));
                add(slot, text, out);
            }
            Block::Thought(Thought { text, proof, .. }) => {
                let shown = if text.is_some() { Shown::Yes } else { Shown::No };
                out.push(Event::Opened(slot, Opening::Thought { maker: Vendor::Anthropic, shown }));
                add(slot, own(text), out);
                seal(slot, own(proof), out);
            }
            Block::Call(Called { id, namespace, name, input, arguments }) => {
                out.push(Event::Opened(slot, Opening::Call { id, name, namespace, input }));
                open = Open::Call { whole: arguments, came: false };
            }
        }
        self.open.insert(slot, open);
    }

    fn add(&mut self, slot: Slot, delta: Delta<'_>, out: &mut Vec<Event>) {
        let Some(open) = self.open.get_mut(&slot) else { return };
        let Delta { r#type, text, thinking, partial_json, signature, .. } = delta;
        let kind = r#type.as_ref().map(Text::decode);
        match (kind.as_deref().unwrap_or_default(), open) {
            ("text_delta", Open::Plain) => add(slot, own(text), out),
            ("thinking_delta", Open::Plain) => add(slot, own(thinking), out),
            ("signature_delta", Open::Plain) => seal(slot, own(signature), out),
            ("input_json_delta", Open::Call { came, .. }) => {
                let piece = own(partial_json);
                *came |= !piece.is_empty();
                add(slot, piece, out);
            }
            _ => {}
        }
    }

    fn close(&mut self, index: Option<Slot>, out: &mut Vec<Event>) {
        let Some((slot, open)) = index.and_then(|slot| self.open.remove_entry(&slot)) else { return };
        if let Open::Call { whole, came: false } = open {
            add(slot, whole, out);
        }
        out.push(Event::Closed(slot));
    }
}

fn add(slot: Slot, text: String, out: &mut Vec<Event>) {
    if !text.is_empty() {
        out.push(Event::Added(slot, text));
    }
}

fn seal(slot: Slot, proof: String, out: &mut Vec<Event>) {
    if !proof.is_empty() {
        out.push(Event::Sealed(slot, Proof { proof: Some(proof), handle: None }));
    }
}
