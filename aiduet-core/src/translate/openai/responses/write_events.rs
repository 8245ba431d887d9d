//! Streams of the Responses API, written.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::super::conversation::{InputKind, Thought};
use super::super::super::ids::stem;
use super::super::super::json::{Text, push_number, push_text, write_text};
use super::super::super::reply::{Called, Complaint, Event, Finish, Opening, Proof, Shown, Slot};
use super::super::super::stream::{Opened, Settled};
use super::super::super::target::Plan;
use super::super::error::failure_code;
use super::output::{Frame, ID_PREFIX, Item, Part, State, Status, Summary, call, message, reasoning, status};
use crate::dialect::{Dialect, StreamError, stream_error};
use crate::provider::Vendor;

/// Writes a stream. Every block is an item of its own; the end repeats them all.
pub(in crate::translate) struct Writer {
    fallback_id: String,
    created: u64,
    /// Empty until the answer has begun.
    stem: String,
    sequence: u64,
    /// The items that are whole, written.
    items: Vec<String>,
    open: Option<(Slot, Block)>,
    refused: bool,
}

/// The block under way, and its text so far.
struct Block {
    kind: Kind,
    text: String,
}

enum Kind {
    Text,
    Refusal,
    /// Reasoning begins only when there is something to say.
    Thought {
        maker: Vendor,
        shown: Shown,
        started: bool,
        proof: Proof,
    },
    Call(Called),
}

impl Writer {
    pub(in crate::translate) fn new(opened: &Opened) -> Self {
        Self {
            fallback_id: opened.fallback_id.clone(),
            created: opened.created,
            stem: String::new(),
            sequence: 0,
            items: Vec::new(),
            open: None,
            refused: false,
        }
    }

    /// Writes a step of an answer.
    pub(in crate::translate) fn write(&mut self, event: Event, plan: &Plan, out: &mut Vec<Bytes>) {
        match event {
            Event::Began { id } => self.begin(&id, plan, out),
            Event::Opened(slot, opening) => self.open(slot, opening, out),
            Event::Added(slot, text) => self.add(slot, &text, out),
            Event::Sealed(slot, sealed) => {
                if let Some((open, Block { kind: Kind::Thought { proof, .. }, .. })) = &mut self.open
                    && *open == slot
                {
                    *proof = sealed;
                }
            }
            Event::Closed(_) => self.close(plan, out),
            Event::Finished(_) | Event::Ended | Event::Failed(_) => {}
        }
    }

    fn begin(&mut self, id: &str, plan: &Plan, out: &mut Vec<Bytes>) {
        if !self.stem.is_empty() {
            return;
        }
        self.stem = stem(id, &self.fallback_id);
        let response = self.response(&State::InProgress, plan);
        let members = format!("\"response\":{response}");
        out.push(self.event("response.created", &members));
        out.push(self.event("response.in_progress", &members));
    }

    fn response(&self, state: &State<'_>, plan: &Plan) -> String {
        let id = format!("{ID_PREFIX}{}", self.stem);
        Frame { id: &id, created: self.created, plan }.response(state, &self.items)
    }

    fn event(&mut self, name: &str, members: &str) -> Bytes {
        let number = self.sequence;
        self.sequence = number.saturating_add(1);
        format!("event: {name}\ndata: {{\"type\":\"{name}\",\"sequence_number\":{number},{members}}}\n\n")
            .into()
    }

    /// The place of the item under way.
    fn number(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    fn item_event(&mut self, name: &str, item: &Item) -> Bytes {
        let members = format!("\"output_index\":{},\"item\":{}", self.number(), write_text(item));
        self.event(name, &members)
    }

    /// An event about a part of the item under way.
    fn part_event(&mut self, name: &str, part: &PartPlace, rest: &str) -> Bytes {
        let number = self.number();
        let id = super::super::super::ids::numbered(part.prefix, &self.stem, number);
        let index = part.index.map(|index| format!(",\"{index}\":0")).unwrap_or_default();
        self.event(name, &format!("\"item_id\":{},\"output_index\":{number}{index},{rest}", write_text(&id)))
    }

    fn open(&mut self, slot: Slot, opening: Opening, out: &mut Vec<Bytes>) {
        let number = self.number();
        let kind = match opening {
            Opening::Text | Opening::Refusal => {
                let item = message(Status::InProgress, Vec::new(), number, &self.stem);
                out.push(self.item_event("response.output_item.added", &item));
                let is_text = matches!(opening, Opening::Text);
                self.refused |= !is_text;
                let part = if is_text {
                    Part::text(String::new())
                } else {
                    Part::Refusal { refusal: String::new() }
                };
                let rest = format!("\"part\":{}", write_text(&part));
                out.push(self.part_event("response.content_part.added", &CONTENT, &rest));
                if is_text { Kind::Text } else { Kind::Refusal }
            }
            Opening::Thought { maker, shown } => {
                Kind::Thought { maker, shown, started: false, proof: Proof::default() }
            }
            Opening::Call { id, name, namespace, input } => {
                let called = Called { id, namespace, name, input, arguments: String::new() };
                let item = call(called.clone(), Status::InProgress, number, &self.stem);
                out.push(self.item_event("response.output_item.added", &item));
                Kind::Call(called)
            }
        };
        self.open = Some((slot, Block { kind, text: String::new() }));
    }

    /// Writes one more piece of a block.
    pub(in crate::translate) fn add(&mut self, slot: Slot, text: &str, out: &mut Vec<Bytes>) {
        let Some((_slot, block)) = self.open.as_mut().filter(|(open, _block)| *open == slot) else { return };
        block.text.push_str(text);
        let (name, part, rest) = match &mut block.kind {
            Kind::Text => ("response.output_text.delta", &CONTENT, ",\"logprobs\":[]"),
            Kind::Refusal => ("response.refusal.delta", &CONTENT, ""),
            Kind::Thought { started, .. } => {
                if !std::mem::replace(started, true) {
                    self.start_summary(out);
                }
                ("response.reasoning_summary_text.delta", &SUMMARY, "")
            }
            Kind::Call(Called { input: InputKind::Object, .. }) => {
                ("response.function_call_arguments.delta", &FUNCTION, "")
            }
            Kind::Call(_) => ("response.custom_tool_call_input.delta", &CUSTOM, ""),
        };
        out.push(self.delta(name, part, (text, rest)));
    }

    /// Nearly all events. The stem of identifiers needs no escapes.
    fn delta(&mut self, name: &str, part: &PartPlace, (text, rest): (&str, &str)) -> Bytes {
        let number = self.number();
        let mut frame = String::with_capacity(text.len().saturating_add(320));
        frame.push_str("event: ");
        frame.push_str(name);
        frame.push_str("\ndata: {\"type\":\"");
        frame.push_str(name);
        frame.push_str("\",\"sequence_number\":");
        push_number(&mut frame, self.sequence);
        self.sequence = self.sequence.saturating_add(1);
        for (before, text) in [(",\"item_id\":\"", part.prefix), ("", self.stem.as_str()), ("_", "")] {
            frame.push_str(before);
            frame.push_str(text);
        }
        push_number(&mut frame, number.into());
        frame.push_str("\",\"output_index\":");
        push_number(&mut frame, number.into());
        if let Some(index) = part.index {
            for text in [",\"", index, "\":0"] {
                frame.push_str(text);
            }
        }
        frame.push_str(",\"delta\":");
        push_text(&mut frame, text);
        frame.push_str(rest);
        frame.push_str("}\n\n");
        frame.into()
    }

    fn start_summary(&mut self, out: &mut Vec<Bytes>) {
        self.start_reasoning(out);
        let part = write_text(&Summary::SummaryText { text: String::new() });
        out.push(self.part_event(
            "response.reasoning_summary_part.added",
            &SUMMARY,
            &format!("\"part\":{part}"),
        ));
    }

    fn start_reasoning(&mut self, out: &mut Vec<Bytes>) {
        let id = super::super::super::ids::numbered("rs_", &self.stem, self.number());
        let item = Item::Reasoning { id, summary: Vec::new(), encrypted_content: None };
        out.push(self.item_event("response.output_item.added", &item));
    }

    /// Ends the block under way: every text whole, then the item.
    fn close(&mut self, plan: &Plan, out: &mut Vec<Bytes>) {
        let Some((_slot, Block { kind, text })) = self.open.take() else { return };
        let number = self.number();
        let whole = write_text(&text);
        let item = match kind {
            Kind::Text => {
                out.push(self.part_event(
                    "response.output_text.done",
                    &CONTENT,
                    &format!("\"text\":{whole},\"logprobs\":[]"),
                ));
                self.end_content(Part::text(text), out)
            }
            Kind::Refusal => {
                out.push(self.part_event("response.refusal.done", &CONTENT, &format!("\"refusal\":{whole}")));
                self.end_content(Part::Refusal { refusal: text }, out)
            }
            Kind::Thought { maker, shown, started, proof: Proof { proof, handle } } => {
                let thought = Thought {
                    maker,
                    model: None,
                    text: (started || shown == Shown::Yes).then(|| Text::from(text.clone())),
                    proof: proof.map(Text::from),
                    handle: handle.map(Text::from),
                };
                let Some(item) = reasoning(&thought, number, &self.stem, plan) else { return };
                if started {
                    let part = write_text(&Summary::SummaryText { text });
                    out.push(self.part_event(
                        "response.reasoning_summary_text.done",
                        &SUMMARY,
                        &format!("\"text\":{whole}"),
                    ));
                    out.push(self.part_event(
                        "response.reasoning_summary_part.done",
                        &SUMMARY,
                        &format!("\"part\":{part}"),
                    ));
                } else {
                    self.start_reasoning(out);
                }
                item
            }
            Kind::Call(called) => {
                if called.input == InputKind::Object {
                    out.push(self.part_event(
                        "response.function_call_arguments.done",
                        &FUNCTION,
                        &format!("\"arguments\":{whole}"),
                    ));
                } else {
                    out.push(self.part_event(
                        "response.custom_tool_call_input.done",
                        &CUSTOM,
                        &format!("\"input\":{whole}"),
                    ));
                }
                call(Called { arguments: text, ..called }, Status::Completed, number, &self.stem)
            }
        };
        out.push(self.item_event("response.output_item.done", &item));
        self.items.push(write_text(&item));
    }

    fn end_content(&mut self, part: Part, out: &mut Vec<Bytes>) -> Item {
        out.push(self.part_event(
            "response.content_part.done",
            &CONTENT,
            &format!("\"part\":{}", write_text(&part)),
        ));
        message(Status::Completed, vec![part], self.number(), &self.stem)
    }

    /// The end of an answer.
    pub(in crate::translate) fn finish(
        &mut self,
        finish: &Finish,
        settled: &Settled<'_>,
        plan: &Plan,
    ) -> Vec<Bytes> {
        let mut out = Vec::new();
        self.begin("", plan, &mut out);
        self.close(plan, &mut out);
        if let (Finish::Refusal { explanation: Some(explanation), .. }, false) = (finish, self.refused) {
            self.open(Slot::MAX, Opening::Refusal, &mut out);
            self.add(Slot::MAX, explanation, &mut out);
            self.close(plan, &mut out);
        }
        let response =
            self.response(&State::Ended { finish, usage: settled.usage, stages: settled.stages }, plan);
        let (status, _reason) = status(finish);
        let name = format!("response.{status}");
        out.push(self.event(&name, &format!("\"response\":{response}")));
        out
    }

    /// The end of an answer that failed.
    pub(in crate::translate) fn fail(
        &mut self,
        error: &StreamError<'_>,
        complaint: Option<&Complaint>,
        plan: &Plan,
    ) -> Vec<Bytes> {
        let mut out = Vec::new();
        self.begin("", plan, &mut out);
        let error = match complaint {
            Some(complaint) => json!({"code": failure_code(complaint), "message": complaint.message}),
            None => {
                let told = stream_error(Dialect::OpenAi, error.kind, error.message);
                json!({"code": told.get("code").unwrap_or(&Value::Null), "message": error.message})
            }
        };
        let response = self.response(&State::Failed { error: &error }, plan);
        out.push(self.event("response.failed", &format!("\"response\":{response}")));
        out
    }
}

/// Where an event about a part points to.
struct PartPlace {
    /// Begins the identifier of the item.
    prefix: &'static str,
    /// The member that counts the parts.
    index: Option<&'static str>,
}

const CONTENT: PartPlace = PartPlace { prefix: "msg_", index: Some("content_index") };
const SUMMARY: PartPlace = PartPlace { prefix: "rs_", index: Some("summary_index") };
const FUNCTION: PartPlace = PartPlace { prefix: "fc_", index: None };
const CUSTOM: PartPlace = PartPlace { prefix: "ctc_", index: None };
