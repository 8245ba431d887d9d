//! The answer.

use serde_json::{Map, Value, json};

use crate::backends::simulated::body::Wire;
use crate::backends::simulated::openai::{self, Head};
use crate::backends::simulated::plan::{Answer, Finish, Part, Place, Step};
use crate::backends::simulated::prompt::{Prompt, Thinking, array_at};
use crate::usage::Usage;

/// Settings of the request that the answer repeats, with their defaults.
const ECHOED: [(&str, &str); 17] = [
    ("background", "false"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("store", "true"),
    ("temperature", "1.0"),
    ("text", r#"{"format":{"type":"text"},"verbosity":"medium"}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_p", "1.0"),
    ("truncation", r#""disabled""#),
];

/// An item that an event is about.
struct ItemRef {
    id: String,
    index: usize,
}

/// Writes an answer.
pub(in crate::backends::simulated) struct ResponsesWire {
    id: String,
    head: Head,
    echoed: Map<String, Value>,
    shows_thinking: bool,
    encrypts: bool,
    /// The number of the next event.
    number: u64,
}

impl ResponsesWire {
    pub(in crate::backends::simulated) fn new(head: Head, prompt: &Prompt, body: &Value) -> Self {
        let echo = |(name, default): (&str, &str)| {
            let asked = body.get(name).filter(|value| !value.is_null()).cloned();
            let value = asked.unwrap_or_else(|| serde_json::from_str(default).unwrap_or(Value::Null));
            (name.to_owned(), value)
        };
        Self {
            id: head.seed.name("resp_", 48),
            head,
            echoed: ECHOED.into_iter().map(echo).collect(),
            shows_thinking: prompt.thinking == Thinking::Shown,
            encrypts: array_at(body, "include").contains(&json!("reasoning.encrypted_content")),
            number: 0,
        }
    }

    fn event(&mut self, name: &str, mut data: Value) -> String {
        if let Value::Object(fields) = &mut data {
            fields.insert("type".to_owned(), json!(name));
            fields.insert("sequence_number".to_owned(), json!(self.number));
        }
        self.number = self.number.saturating_add(1);
        format!("event: {name}\ndata: {data}\n\n")
    }

    /// The response object as it is before the answer.
    fn beginning(&self) -> Value {
        self.response("in_progress", Vec::new(), None)
    }

    /// The response object as it is after the answer.
    fn ended(&self, answer: &Answer) -> (&'static str, Value) {
        let finish = answer.choices.first().map(|choice| &choice.finish);
        let parts = answer.choices.first().map_or(0, |choice| choice.parts.len());
        let output = (0..parts).map(|part| self.item(answer, Place { choice: 0, part })).collect();
        let is_cut = finish == Some(&Finish::Length);
        let (name, status) =
            if is_cut { ("response.incomplete", "incomplete") } else { ("response.completed", "completed") };
        let mut response = self.response(status, output, Some(&answer.usage));
        if let Value::Object(fields) = &mut response {
            fields.insert("completed_at".to_owned(), json!(self.head.created));
            if is_cut {
                fields.insert("incomplete_details".to_owned(), json!({"reason": "max_output_tokens"}));
            }
        }
        (name, response)
    }

    fn response(&self, status: &str, output: Vec<Value>, usage: Option<&Usage>) -> Value {
        let mut fields = self.echoed.clone();
        let own = [
            ("id", json!(self.id)),
            ("object", json!("response")),
            ("created_at", json!(self.head.created)),
            ("status", json!(status)),
            ("model", json!(self.head.model)),
            ("output", json!(output)),
            ("error", Value::Null),
            ("incomplete_details", Value::Null),
            ("service_tier", json!(self.head.tier)),
            ("usage", usage.and_then(|usage| self.head.responses_usage(usage)).unwrap_or(Value::Null)),
        ];
        fields.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Value::Object(fields)
    }

    fn refer(&self, answer: &Answer, place: Place) -> ItemRef {
        ItemRef { id: self.item_id(answer, place), index: place.part }
    }

    fn item_id(&self, answer: &Answer, place: Place) -> String {
        let prefix = match answer.part(place) {
            Some(Part::Thinking(_)) => "rs_",
            Some(Part::Call(call)) if call.is_free_text => "ctc_",
            Some(Part::Call(_)) => "fc_",
            Some(Part::Text(_) | Part::Refusal(_)) | None => "msg_",
        };
        self.head.name(prefix, place)
    }

    /// A whole item.
    fn item(&self, answer: &Answer, place: Place) -> Value {
        let id = self.item_id(answer, place);
        match answer.part(place) {
            Some(Part::Thinking(text)) => {
                let summary = if self.shows_thinking {
                    json!([{"type": "summary_text", "text": text}])
                } else {
                    json!([])
                };
                let encrypted = self.encrypts.then(|| self.head.name("gAAAAAB", place));
                json!({"id": id, "type": "reasoning", "summary": summary, "encrypted_content": encrypted})
            }
            Some(Part::Call(call)) if call.is_free_text => json!({
                "id": id, "type": "custom_tool_call", "status": "completed", "call_id": self.head.call_id(place),
                "name": call.name, "input": call.arguments,
            }),
            Some(Part::Call(call)) => json!({
                "id": id, "type": "function_call", "status": "completed", "call_id": self.head.call_id(place),
                "name": call.name, "arguments": call.arguments,
            }),
            Some(part @ (Part::Text(_) | Part::Refusal(_))) => json!({
                "id": id, "type": "message", "status": text_status(answer), "role": "assistant",
                "content": [content(part, part.text())],
            }),
            None => Value::Null,
        }
    }

    /// An item as it is before its first piece.
    fn opening_item(&self, answer: &Answer, place: Place) -> Value {
        let mut item = self.item(answer, place);
        if let Value::Object(fields) = &mut item {
            for (name, value) in fields {
                match name.as_str() {
                    "status" => *value = json!("in_progress"),
                    "content" | "summary" => *value = json!([]),
                    "arguments" | "input" => *value = json!(""),
                    "encrypted_content" => *value = Value::Null,
                    _ => {}
                }
            }
        }
        item
    }

    fn open(&mut self, answer: &Answer, place: Place) -> String {
        let opening = self.opening_item(answer, place);
        let data = json!({"output_index": place.part, "item": opening});
        let added = self.event("response.output_item.added", data);
        let item = self.refer(answer, place);
        let more = match answer.part(place) {
            Some(Part::Thinking(_)) if self.shows_thinking => {
                let part = json!({"type": "summary_text", "text": ""});
                self.about(
                    "response.reasoning_summary_part.added",
                    &item,
                    &[("summary_index", json!(0)), ("part", part)],
                )
            }
            Some(part @ (Part::Text(_) | Part::Refusal(_))) => {
                let part = content(part, "");
                self.about(
                    "response.content_part.added",
                    &item,
                    &[("content_index", json!(0)), ("part", part)],
                )
            }
            Some(Part::Thinking(_) | Part::Call(_)) | None => String::new(),
        };
        format!("{added}{more}")
    }

    fn piece(&mut self, answer: &Answer, place: Place, piece: &str) -> String {
        let item = self.refer(answer, place);
        let (name, index) = match answer.part(place) {
            Some(Part::Thinking(_)) if self.shows_thinking => {
                ("response.reasoning_summary_text.delta", Some("summary_index"))
            }
            Some(Part::Text(_)) => {
                let more = [("content_index", json!(0)), ("delta", json!(piece)), ("logprobs", json!([]))];
                return self.about("response.output_text.delta", &item, &more);
            }
            Some(Part::Refusal(_)) => ("response.refusal.delta", Some("content_index")),
            Some(Part::Call(call)) if call.is_free_text => ("response.custom_tool_call_input.delta", None),
            Some(Part::Call(_)) => ("response.function_call_arguments.delta", None),
            Some(Part::Thinking(_)) | None => return String::new(),
        };
        let more: Vec<_> =
            index.map(|index| (index, json!(0))).into_iter().chain([("delta", json!(piece))]).collect();
        self.about(name, &item, &more)
    }

    fn close(&mut self, answer: &Answer, place: Place) -> String {
        let item = self.refer(answer, place);
        let done = match answer.part(place) {
            Some(Part::Thinking(text)) if self.shows_thinking => {
                let part = json!({"type": "summary_text", "text": text});
                let text = [("summary_index", json!(0)), ("text", json!(text))];
                let first = self.about("response.reasoning_summary_text.done", &item, &text);
                let part = [("summary_index", json!(0)), ("part", part)];
                first + &self.about("response.reasoning_summary_part.done", &item, &part)
            }
            Some(part @ (Part::Text(text) | Part::Refusal(text))) => {
                let (name, field) = match part {
                    Part::Refusal(_) => ("response.refusal.done", "refusal"),
                    Part::Text(_) | Part::Thinking(_) | Part::Call(_) => {
                        ("response.output_text.done", "text")
                    }
                };
                let whole = [("content_index", json!(0)), (field, json!(text)), ("logprobs", json!([]))];
                let first = self.about(name, &item, &whole);
                let part = [("content_index", json!(0)), ("part", content(part, text))];
                first + &self.about("response.content_part.done", &item, &part)
            }
            Some(Part::Call(call)) if call.is_free_text => {
                let input = [("input", json!(call.arguments))];
                self.about("response.custom_tool_call_input.done", &item, &input)
            }
            Some(Part::Call(call)) => {
                let arguments = [("arguments", json!(call.arguments)), ("name", json!(call.name))];
                self.about("response.function_call_arguments.done", &item, &arguments)
            }
            Some(Part::Thinking(_)) | None => String::new(),
        };
        let whole = self.item(answer, place);
        done + &self.event("response.output_item.done", json!({"output_index": place.part, "item": whole}))
    }

    /// An event about one item.
    fn about(&mut self, name: &str, item: &ItemRef, more: &[(&str, Value)]) -> String {
        let mut data = json!({"item_id": item.id, "output_index": item.index});
        if let Value::Object(fields) = &mut data {
            fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        self.event(name, data)
    }
}

impl Wire for ResponsesWire {
    fn write(&mut self, answer: &Answer, step: Step) -> String {
        match step {
            Step::Begin => {
                let response = self.beginning();
                let created = self.event("response.created", json!({"response": response}));
                created + &self.event("response.in_progress", json!({"response": response}))
            }
            Step::Open(place) => self.open(answer, place),
            Step::Piece(place, range) => self.piece(answer, place, answer.piece(place, range)),
            Step::Close(place) => self.close(answer, place),
            Step::End(_) => String::new(),
            Step::Last => {
                let (name, response) = self.ended(answer);
                self.event(name, json!({"response": response}))
            }
        }
    }

    fn error(&mut self) -> String {
        let mut response = self.response("failed", Vec::new(), None);
        if let Value::Object(fields) = &mut response {
            let message = openai::stream_error().message;
            fields.insert("error".to_owned(), json!({"code": "server_error", "message": message}));
        }
        self.event("response.failed", json!({"response": response}))
    }

    fn whole(&mut self, answer: &Answer) -> String {
        self.ended(answer).1.to_string()
    }
}

/// Text is the last thing that is written, so it is what a limit cuts.
fn text_status(answer: &Answer) -> &'static str {
    let is_cut = answer.choices.first().is_some_and(|choice| choice.finish == Finish::Length);
    if is_cut { "incomplete" } else { "completed" }
}

fn content(part: &Part, text: &str) -> Value {
    match part {
        Part::Refusal(_) => json!({"type": "refusal", "refusal": text}),
        Part::Text(_) | Part::Thinking(_) | Part::Call(_) => {
            json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
        }
    }
}
