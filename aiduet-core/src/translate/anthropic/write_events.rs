//! Streams of Messages, written.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::super::conversation::Thought;
use super::super::ids::stem;
use super::super::json::{Text, push_number, push_text, write_text};
use super::super::reply::{Complaint, Event, Finish, Opening, Proof, Slot};
use super::super::seal::seal;
use super::super::stages::Listed;
use super::super::stream::{Opened, Settled};
use super::super::target::Plan;
use super::error::write_error;
use super::usage::UsageWire;
use super::write_answer::{Calls, ID_PREFIX, Stop};
use crate::dialect::{Dialect, StreamError, stream_error};
use crate::provider::Vendor;

/// Writes a stream. Blocks come one after the other.
pub(in crate::translate) struct Writer {
    fallback_id: String,
    begun: bool,
    /// The index of the next block.
    next: u32,
    open: Option<(Slot, Block)>,
    calls: Calls,
}

enum Block {
    Text,
    Call,
    /// Reasoning begins only when there is something to show.
    Thought {
        maker: Vendor,
        started: bool,
        proof: Proof,
    },
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
}

/// How a block begins.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Start<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: &'a str },
    RedactedThinking { data: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: Empty },
}

#[derive(Serialize)]
struct Empty {}

fn frame(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

impl Writer {
    pub(in crate::translate) fn new(opened: &Opened) -> Self {
        Self {
            fallback_id: opened.fallback_id.clone(),
            begun: false,
            next: 0,
            open: None,
            calls: Calls::None,
        }
    }

    /// Writes a step of an answer.
    pub(in crate::translate) fn write(&mut self, event: Event, plan: &Plan, out: &mut Vec<Bytes>) {
        match event {
            Event::Began { id } => self.begin(&id, plan, out),
            Event::Opened(slot, opening) => self.open(slot, opening, out),
            Event::Added(slot, text) => self.add(slot, &text, out),
            Event::Sealed(slot, sealed) => {
                if let Some((open, Block::Thought { proof, .. })) = &mut self.open
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
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let id = write_text(&format!("{ID_PREFIX}{}", stem(id, &self.fallback_id)));
        out.push(frame(
            "message_start",
            &format!(
                r#"{{"type":"message_start","message":{{"id":{id},"type":"message","role":"assistant","model":{},"content":[],"stop_reason":null,"stop_sequence":null,"usage":{}}}}}"#,
                write_text(&plan.answer_model),
                write_text(&UsageWire::first(plan.prompt_estimate)),
            ),
        ));
    }

    fn start(&self, block: &Start<'_>) -> Bytes {
        let data = format!(
            r#"{{"type":"content_block_start","index":{},"content_block":{}}}"#,
            self.next,
            write_text(block)
        );
        frame("content_block_start", &data)
    }

    fn delta(&self, delta: &Delta<'_>) -> Bytes {
        let data = format!(
            r#"{{"type":"content_block_delta","index":{},"delta":{}}}"#,
            self.next,
            write_text(delta)
        );
        frame("content_block_delta", &data)
    }

    /// Nearly all events; `words` are the type of the delta and the member that holds the text.
    fn piece(&self, words: &str, text: &str) -> Bytes {
        let mut frame = String::with_capacity(text.len().saturating_add(160));
        frame.push_str("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":");
        push_number(&mut frame, self.next.into());
        frame.push_str(",\"delta\":{\"type\":\"");
        frame.push_str(words);
        frame.push_str("\":");
        push_text(&mut frame, text);
        frame.push_str("}}\n\n");
        frame.into()
    }

    fn stop(&mut self) -> Bytes {
        let index = self.next;
        self.next = index.saturating_add(1);
        frame("content_block_stop", &format!(r#"{{"type":"content_block_stop","index":{index}}}"#))
    }

    fn open(&mut self, slot: Slot, opening: Opening, out: &mut Vec<Bytes>) {
        let block = match opening {
            Opening::Text | Opening::Refusal => {
                out.push(self.start(&Start::Text { text: "" }));
                Block::Text
            }
            Opening::Thought { maker, shown: _ } => {
                Block::Thought { maker, started: false, proof: Proof::default() }
            }
            Opening::Call { id, name, .. } => {
                self.calls = Calls::Some;
                out.push(self.start(&Start::ToolUse { id: &id, name: &name, input: Empty {} }));
                Block::Call
            }
        };
        self.open = Some((slot, block));
    }

    /// Writes one more piece of a block.
    pub(in crate::translate) fn add(&mut self, slot: Slot, text: &str, out: &mut Vec<Bytes>) {
        let Some((_slot, block)) = self.open.as_mut().filter(|(open, _block)| *open == slot) else { return };
        let delta = match block {
            Block::Text => return out.push(self.piece("text_delta\",\"text", text)),
            Block::Call => return out.push(self.piece("input_json_delta\",\"partial_json", text)),
            Block::Thought { started, .. } => {
                if !std::mem::replace(started, true) {
                    out.push(self.start(&Start::Thinking { thinking: "", signature: "" }));
                }
                Delta::Thinking { thinking: text }
            }
        };
        out.push(self.delta(&delta));
    }

    fn close(&mut self, plan: &Plan, out: &mut Vec<Bytes>) {
        let Some((_slot, block)) = self.open.take() else { return };
        if let Block::Thought { maker, started, proof: Proof { proof, handle } } = block {
            if !started && proof.is_none() {
                return;
            }
            let (proof, handle) = (proof.map(Text::from), handle.map(Text::from));
            let sealed = seal(&Thought { maker, model: None, text: None, proof, handle }, &plan.model);
            out.push(if started {
                self.delta(&Delta::Signature { signature: &sealed })
            } else {
                self.start(&Start::RedactedThinking { data: &sealed })
            });
        }
        out.push(self.stop());
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
        let Stop { reason, sequence, details } = Stop::of(finish, self.calls);
        let details =
            details.map(|details| format!(",\"stop_details\":{}", write_text(&details))).unwrap_or_default();
        out.push(frame(
            "message_delta",
            &format!(
                r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":{}{details}}},"usage":{}}}"#,
                write_text(&sequence),
                write_text(&Listed::new(UsageWire::last(settled.usage), settled.stages)),
            ),
        ));
        out.push(frame("message_stop", r#"{"type":"message_stop"}"#));
        out
    }

    /// The end of an answer that failed.
    pub(in crate::translate) fn fail(error: &StreamError<'_>, complaint: Option<&Complaint>) -> Vec<Bytes> {
        let told = complaint.map_or_else(
            || stream_error(Dialect::Anthropic, error.kind, error.message),
            |complaint| write_error(complaint, 400),
        );
        let data = json!({"type": "error", "error": told, "request_id": error.request_id});
        vec![frame("error", &data.to_string())]
    }
}
