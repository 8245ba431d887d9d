//! Streams of Chat Completions, written.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::super::super::conversation::InputKind;
use super::super::super::ids::stem;
use super::super::super::json::{push_text, write_text};
use super::super::super::reply::{Complaint, Event, Finish, Opening, Slot};
use super::super::super::stages::Listed;
use super::super::super::stream::{Opened, Settled};
use super::super::super::target::Plan;
use super::super::error::write_error;
use super::usage::UsageWire;
use super::write_answer::{Calls, ID_PREFIX, finish_reason};
use crate::dialect::{Dialect, StreamError, stream_error};

const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");

/// Writes a stream.
pub(in crate::translate) struct Writer {
    /// What stands before the choices of every chunk.
    head: String,
    created: u64,
    fallback_id: String,
    current: Option<(Slot, Kind)>,
    calls: u32,
    refused: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Content,
    Refusal,
    Reasoning,
    Arguments(u32),
    FreeInput(u32),
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[ToolCall<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Function<'a>>,
}

#[derive(Default, Serialize)]
struct ToolCall<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Custom<'a>>,
}

#[derive(Default, Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Default, Serialize)]
struct Custom<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    input: &'a str,
}

impl Writer {
    pub(in crate::translate) fn new(opened: &Opened) -> Self {
        Self {
            head: String::new(),
            created: opened.created,
            fallback_id: opened.fallback_id.clone(),
            current: None,
            calls: 0,
            refused: false,
        }
    }

    /// Writes a step of an answer.
    pub(in crate::translate) fn write(&mut self, event: Event, plan: &Plan, out: &mut Vec<Bytes>) {
        match event {
            Event::Began { id } => {
                self.begin(&id, plan);
                let delta = Delta { role: Some("assistant"), content: Some(""), ..Delta::default() };
                out.push(self.delta(&delta, plan));
            }
            Event::Opened(slot, opening) => out.extend(self.open(slot, &opening, plan)),
            Event::Added(slot, text) => self.add((slot, &text), plan, out),
            Event::Closed(_) => self.current = None,
            Event::Sealed(..) | Event::Finished(_) | Event::Ended | Event::Failed(_) => {}
        }
    }

    /// Writes one more piece of a block.
    pub(in crate::translate) fn add(&self, (slot, text): (Slot, &str), plan: &Plan, out: &mut Vec<Bytes>) {
        match self.current.filter(|(open, _kind)| *open == slot) {
            Some((_slot, Kind::Content)) => out.push(self.text(text, plan)),
            Some((_slot, kind)) => out.push(self.piece(kind, text, plan)),
            None => {}
        }
    }

    /// Nearly all chunks.
    fn text(&self, text: &str, plan: &Plan) -> Bytes {
        let mut frame = String::with_capacity(self.head.len().saturating_add(text.len()).saturating_add(96));
        frame.push_str(&self.head);
        frame.push_str(r#"{"index":0,"delta":{"content":"#);
        push_text(&mut frame, text);
        frame.push_str(r#"},"finish_reason":null}]"#);
        frame.push_str(if plan.delivery.usage { ",\"usage\":null}\n\n" } else { "}\n\n" });
        frame.into()
    }

    fn begin(&mut self, id: &str, plan: &Plan) {
        if self.head.is_empty() {
            let id = write_text(&format!("{ID_PREFIX}{}", stem(id, &self.fallback_id)));
            self.head = format!(
                r#"data: {{"id":{id},"object":"chat.completion.chunk","created":{},"model":{},"choices":["#,
                self.created,
                write_text(&plan.answer_model)
            );
        }
    }

    fn open(&mut self, slot: Slot, opening: &Opening, plan: &Plan) -> Option<Bytes> {
        let mut frame = None;
        let kind = match opening {
            Opening::Text => Kind::Content,
            Opening::Refusal => {
                self.refused = true;
                Kind::Refusal
            }
            Opening::Thought { .. } => Kind::Reasoning,
            Opening::Call { id, name, input, .. } => {
                let index = self.calls;
                self.calls = self.calls.saturating_add(1);
                frame = Some(self.call(index, (id, name, *input), plan));
                match input {
                    InputKind::Object => Kind::Arguments(index),
                    InputKind::Free => Kind::FreeInput(index),
                }
            }
        };
        self.current = Some((slot, kind));
        frame
    }

    fn call(&self, index: u32, (id, name, input): (&str, &str, InputKind), plan: &Plan) -> Bytes {
        let function = Function { name: Some(name), arguments: "" };
        if plan.delivery.legacy_tools {
            return self.delta(&Delta { function_call: Some(function), ..Delta::default() }, plan);
        }
        let call = match input {
            InputKind::Object => ToolCall {
                index,
                id: Some(id),
                r#type: Some("function"),
                function: Some(function),
                custom: None,
            },
            InputKind::Free => ToolCall {
                index,
                id: Some(id),
                r#type: Some("custom"),
                function: None,
                custom: Some(Custom { name: Some(name), input: "" }),
            },
        };
        self.delta(&Delta { tool_calls: Some([call]), ..Delta::default() }, plan)
    }

    fn piece(&self, kind: Kind, text: &str, plan: &Plan) -> Bytes {
        let delta = match kind {
            Kind::Content => Delta { content: Some(text), ..Delta::default() },
            Kind::Refusal => Delta { refusal: Some(text), ..Delta::default() },
            Kind::Reasoning => Delta { reasoning_content: Some(text), ..Delta::default() },
            Kind::Arguments(_) if plan.delivery.legacy_tools => {
                Delta { function_call: Some(Function { name: None, arguments: text }), ..Delta::default() }
            }
            Kind::Arguments(index) => {
                let function = Some(Function { name: None, arguments: text });
                Delta {
                    tool_calls: Some([ToolCall { index, function, ..ToolCall::default() }]),
                    ..Delta::default()
                }
            }
            Kind::FreeInput(index) => {
                let custom = Some(Custom { name: None, input: text });
                Delta {
                    tool_calls: Some([ToolCall { index, custom, ..ToolCall::default() }]),
                    ..Delta::default()
                }
            }
        };
        self.delta(&delta, plan)
    }

    fn delta(&self, delta: &Delta<'_>, plan: &Plan) -> Bytes {
        self.chunk(&format!(r#"{{"index":0,"delta":{},"finish_reason":null}}"#, write_text(delta)), plan)
    }

    fn chunk(&self, choices: &str, plan: &Plan) -> Bytes {
        let usage = if plan.delivery.usage { r#","usage":null"# } else { "" };
        format!("{}{choices}]{usage}}}\n\n", self.head).into()
    }

    /// The end of an answer.
    pub(in crate::translate) fn finish(
        &mut self,
        finish: &Finish,
        settled: &Settled<'_>,
        plan: &Plan,
    ) -> Vec<Bytes> {
        self.begin("", plan);
        let calls = if self.calls > 0 { Calls::Some } else { Calls::None };
        let reason = finish_reason(finish, calls, plan);
        let mut out = Vec::new();
        if let (Finish::Refusal { explanation: Some(explanation), .. }, false) = (finish, self.refused) {
            out.push(self.delta(&Delta { refusal: Some(explanation), ..Delta::default() }, plan));
        }
        out.push(self.chunk(&format!(r#"{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}"#), plan));
        if plan.delivery.usage {
            let usage = write_text(&Listed::new(UsageWire::from(settled.usage), settled.stages));
            let cost = settled.cost.map(|cost| format!(",\"cost\":{cost}")).unwrap_or_default();
            let usage = usage.strip_suffix('}').unwrap_or(&usage);
            out.push(format!("{}],\"usage\":{usage}{cost}}}}}\n\n", self.head).into());
        }
        out.push(DONE);
        out
    }

    /// The end of an answer that failed.
    pub(in crate::translate) fn fail(error: &StreamError<'_>, complaint: Option<&Complaint>) -> Vec<Bytes> {
        let told =
            complaint.map_or_else(|| stream_error(Dialect::OpenAi, error.kind, error.message), write_error);
        vec![format!("data: {}\n\n", json!({"error": told})).into()]
    }
}
