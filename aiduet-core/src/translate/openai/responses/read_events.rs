//! Streams of the Responses API, read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::super::Unreadable;
use super::super::super::json::{Text, lax, lax_as};
use super::super::super::reply::{Called, Event, Opening, Proof, Shown, Slot};
use super::super::error::Fault;
use super::read_answer::{ItemWire, PartWire, Response, SUMMARY_JOINT, Said, finish, own};
use crate::dialect::{Piece, PieceKind, responses_piece};
use crate::provider::Vendor;

/// Reads a stream.
#[derive(Default)]
pub(in crate::translate) struct Events {
    begun: bool,
    next: Slot,
    /// Blocks under way, by the place of their item and of the part within it.
    open: BTreeMap<Place, Open>,
    said: Said,
}

/// The index of an item, and of the part within it.
type Place = (u32, u32);

#[derive(Clone, Copy)]
struct Open {
    slot: Slot,
    kind: Kind,
    /// Something came in pieces already.
    came: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    Thought,
    Call,
}

impl Kind {
    const fn of(opening: &Opening) -> Self {
        match opening {
            Opening::Text => Self::Text,
            Opening::Refusal => Self::Refusal,
            Opening::Thought { .. } => Self::Thought,
            Opening::Call { .. } => Self::Call,
        }
    }
}

#[derive(Deserialize)]
struct EventWire<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    r#type: Option<Text<'a>>,
    #[serde(default, deserialize_with = "lax_as")]
    output_index: Option<u32>,
    #[serde(default, deserialize_with = "lax_as")]
    content_index: Option<u32>,
    #[serde(default, deserialize_with = "lax_as")]
    summary_index: Option<u32>,
    #[serde(borrow, default, deserialize_with = "lax")]
    delta: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    item: Option<ItemWire<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    part: Option<PartWire<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    response: Option<Response<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    error: Option<Fault<'a>>,
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
        let EventWire {
            r#type,
            output_index,
            content_index,
            summary_index,
            delta,
            item,
            part,
            response,
            error,
        } = wire;
        let kind = r#type.as_ref().map(Text::decode);
        let item_at = output_index.unwrap_or(0);
        let place = (item_at, content_index.unwrap_or(0));
        match kind.as_deref().or(name).unwrap_or_default() {
            "response.created" => self.begin(response, out),
            "response.output_item.added" => self.add_item(item_at, item, out),
            "response.content_part.added" => self.add_part(place, part, out),
            "response.output_text.delta" => self.add((place, Kind::Text), delta, out),
            "response.refusal.delta" => self.add((place, Kind::Refusal), delta, out),
            "response.reasoning_summary_part.added" if summary_index.is_some_and(|index| index > 0) => {
                self.add(((item_at, 0), Kind::Thought), Some(Text::from(SUMMARY_JOINT)), out);
            }
            "response.reasoning_summary_text.delta" => self.add(((item_at, 0), Kind::Thought), delta, out),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.add(((item_at, 0), Kind::Call), delta, out);
            }
            "response.content_part.done" => self.end_part(place, part, out),
            "response.output_item.done" => self.end_item(item_at, item, out),
            "response.completed" | "response.incomplete" => self.end(response, out),
            "response.failed" | "error" => {
                let fault = error.or(response.and_then(|response| response.error));
                out.push(Event::Failed(fault.and_then(|fault| fault.about_request())));
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads an event, if it is a piece of a block that is open.
    pub(in crate::translate) fn piece<'a>(&mut self, data: &'a str) -> Option<(Slot, Cow<'a, str>)> {
        let Piece { kind, index, part, text } = responses_piece(data)?;
        let open = self.open.get_mut(&(index, part))?;
        let is_same = match kind {
            PieceKind::Text => open.kind == Kind::Text,
            PieceKind::Thought => open.kind == Kind::Thought,
            PieceKind::Input => open.kind == Kind::Call,
        };
        open.came |= is_same && !text.is_empty();
        is_same.then_some((open.slot, text))
    }

    fn begin(&mut self, response: Option<Response<'_>>, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.begun, true) {
            out.push(Event::Began { id: own(response.and_then(|response| response.id)) });
        }
    }

    fn open(&mut self, place: Place, opening: Opening, out: &mut Vec<Event>) -> Open {
        self.begin(None, out);
        let open = Open { slot: self.next, kind: Kind::of(&opening), came: false };
        self.next = self.next.saturating_add(1);
        self.open.insert(place, open);
        out.push(Event::Opened(open.slot, opening));
        open
    }

    fn add_item(&mut self, item_at: u32, item: Option<ItemWire<'_>>, out: &mut Vec<Event>) {
        let Some(item) = item else { return };
        let kind = item.r#type.decode().into_owned();
        match kind.as_str() {
            "reasoning" => {
                let opening = Opening::Thought { maker: Vendor::OpenAi, shown: Shown::Yes };
                self.open((item_at, 0), opening, out);
            }
            "function_call" | "custom_tool_call" => {
                self.said.calls = true;
                let Called { id, namespace, name, input, arguments: _ } = item.called();
                self.open((item_at, 0), Opening::Call { id, name, namespace, input }, out);
            }
            _ => {}
        }
    }

    fn add_part(&mut self, place: Place, part: Option<PartWire<'_>>, out: &mut Vec<Event>) {
        match part.and_then(|part| part.r#type).as_ref().map(Text::decode).as_deref() {
            Some("output_text") => drop(self.open(place, Opening::Text, out)),
            Some("refusal") => {
                self.said.refusal.get_or_insert_default();
                self.open(place, Opening::Refusal, out);
            }
            _ => {}
        }
    }

    /// Adds to a block; some compatible providers do not say that a text begins.
    fn add(&mut self, (place, kind): (Place, Kind), delta: Option<Text<'_>>, out: &mut Vec<Event>) {
        let text = own(delta);
        let open = match (self.open.get(&place).copied(), kind) {
            (Some(open), _) if open.kind == kind => open,
            (None, Kind::Text) => self.open(place, Opening::Text, out),
            (None, Kind::Refusal) => self.open(place, Opening::Refusal, out),
            _ => return,
        };
        if text.is_empty() {
            return;
        }
        if kind == Kind::Refusal {
            self.said.refusal.get_or_insert_default().push_str(&text);
        }
        out.push(Event::Added(open.slot, text));
        if let Some(open) = self.open.get_mut(&place) {
            open.came = true;
        }
    }

    fn end_part(&mut self, place: Place, part: Option<PartWire<'_>>, out: &mut Vec<Event>) {
        let Some(open) = self.open.get(&place).copied() else { return };
        if let (false, Some(PartWire { text, refusal, .. })) = (open.came, part) {
            self.add((place, open.kind), text.or(refusal), out);
        }
        self.open.remove(&place);
        out.push(Event::Closed(open.slot));
    }

    fn end_item(&mut self, item_at: u32, item: Option<ItemWire<'_>>, out: &mut Vec<Event>) {
        let Some(item) = item else { return };
        let kind = item.r#type.decode().into_owned();
        let place = (item_at, 0);
        match kind.as_str() {
            "message" => {
                let parts = item.content.unwrap_or_default();
                for (index, part) in parts.into_iter().enumerate() {
                    let place = (item_at, u32::try_from(index).unwrap_or(u32::MAX));
                    self.end_part(place, Some(part), out);
                }
            }
            "reasoning" if self.open.contains_key(&place) => {
                if let Some(open) = self.open.remove(&place) {
                    let text = item.summary_text();
                    if !open.came && !text.is_empty() {
                        out.push(Event::Added(open.slot, text));
                    }
                    let proof = item.encrypted_content.map(|text| text.into_decoded().into_owned());
                    let handle = item.id.map(|text| text.into_decoded().into_owned());
                    out.push(Event::Sealed(open.slot, Proof { proof, handle }));
                    out.push(Event::Closed(open.slot));
                }
            }
            "function_call" | "custom_tool_call" => {
                let called = item.called();
                if let Some(open) = self.open.remove(&place) {
                    if !open.came && !called.arguments.is_empty() {
                        out.push(Event::Added(open.slot, called.arguments));
                    }
                    out.push(Event::Closed(open.slot));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, response: Option<Response<'_>>, out: &mut Vec<Event>) {
        self.begin(None, out);
        for (_place, open) in std::mem::take(&mut self.open) {
            out.push(Event::Closed(open.slot));
        }
        let said = std::mem::take(&mut self.said);
        let (status, incomplete) =
            response.map_or((None, None), |response| (response.status, response.incomplete_details));
        out.push(Event::Finished(finish(status.as_ref(), incomplete.as_ref(), said)));
        out.push(Event::Ended);
    }
}
