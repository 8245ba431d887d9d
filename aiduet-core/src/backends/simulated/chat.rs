//! `POST /v1/chat/completions`.

use serde_json::{Value, json};

use super::body::Wire;
use super::openai::{self, Head};
use super::plan::{Answer, Call, Choice, Finish, Part, Place, Step};
use super::prompt::{Format, Prompt, Tool, Transcript, array_at, kind, limit_at, script, switch_at, text_at};
use super::trouble::Trouble;

/// Reads a request.
pub(super) fn read(body: &Value, model: String) -> Result<Prompt, Trouble> {
    if array_at(body, "messages").is_empty() {
        return Err(Trouble::missing("messages"));
    }
    let mut transcript = Transcript::default();
    array_at(body, "tools").iter().chain(array_at(body, "functions")).for_each(|tool| transcript.other(tool));
    for message in array_at(body, "messages") {
        transcript.message(
            text_at(message, "role").unwrap_or_default(),
            message.get("content").unwrap_or(&Value::Null),
        );
        if let Some(calls) = message.get("tool_calls") {
            transcript.other(calls);
            transcript.has_result = false;
        }
    }
    let limit = limit_at(body, "max_completion_tokens")?.or(limit_at(body, "max_tokens")?);
    let choices = limit_at(body, "n")?.unwrap_or(1);
    if choices == 0 || choices > 128 {
        return Err(Trouble::wrong("n"));
    }
    Ok(Prompt {
        script: script(&model, &transcript.last_user_text)?,
        thinking: openai::thinking(&model, text_at(body, "reasoning_effort")),
        model,
        segments: transcript.segments,
        tools: tools(body),
        tool_choice: openai::tool_choice(body.get("tool_choice"), |choice| {
            ["function", "custom"].into_iter().find_map(|kind| text_at(choice.get(kind)?, "name"))
        }),
        parallel: switch_at(body, "parallel_tool_calls")?.unwrap_or(true),
        has_result: transcript.has_result,
        format: format(body),
        limit,
        stops: openai::stops(body),
        choices: usize::try_from(choices).unwrap_or(1),
        stream: switch_at(body, "stream")?.unwrap_or(false),
        long_cache: openai::long_cache(body),
    })
}

fn tools(body: &Value) -> Vec<Tool> {
    let listed = array_at(body, "tools").iter().filter_map(|tool| {
        let custom = tool.get("custom").map(|custom| (custom, None));
        let function = || tool.get("function").map(|function| (function, Some(parameters(function))));
        let (named, schema) = custom.or_else(function)?;
        Some(Tool { name: text_at(named, "name")?.to_owned(), schema })
    });
    let older = array_at(body, "functions").iter().filter_map(|function| {
        Some(Tool { name: text_at(function, "name")?.to_owned(), schema: Some(parameters(function)) })
    });
    listed.chain(older).collect()
}

fn parameters(function: &Value) -> Value {
    function.get("parameters").cloned().unwrap_or_else(|| json!({"type": "object"}))
}

fn format(body: &Value) -> Format {
    let Some(format) = body.get("response_format") else { return Format::Text };
    match kind(format) {
        "json_object" => Format::Object,
        "json_schema" => Format::Schema(
            format.pointer("/json_schema/schema").cloned().unwrap_or_else(|| json!({"type": "object"})),
        ),
        _ => Format::Text,
    }
}

/// Writes an answer.
pub(super) struct ChatWire {
    id: String,
    head: Head,
    includes_usage: bool,
}

impl ChatWire {
    pub(super) fn new(head: Head, body: &Value) -> Self {
        let asked = body.pointer("/stream_options/include_usage").and_then(Value::as_bool);
        Self { id: head.seed.name("chatcmpl-", 29), head, includes_usage: asked.unwrap_or(false) }
    }

    fn chunk(&self, choices: &Value, usage: Option<Value>) -> String {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.head.created,
            "model": self.head.model, "service_tier": self.head.tier, "system_fingerprint": "fp_simulated",
            "choices": choices,
        });
        if let Value::Object(fields) = &mut chunk
            && self.includes_usage
        {
            fields.insert("usage".to_owned(), usage.unwrap_or(Value::Null));
        }
        format!("data: {chunk}\n\n")
    }

    fn delta(&self, choice: usize, delta: &Value) -> String {
        let choices = json!([{"index": choice, "delta": delta, "logprobs": null, "finish_reason": null}]);
        self.chunk(&choices, None)
    }

    fn open(&self, answer: &Answer, place: Place) -> String {
        let Some(Part::Call(call)) = answer.part(place) else { return String::new() };
        let (kind, body) = if call.is_free_text {
            ("custom", json!({"name": call.name, "input": ""}))
        } else {
            ("function", json!({"name": call.name, "arguments": ""}))
        };
        let opened = json!({
            "index": call_number(answer, place), "id": self.head.call_id(place), "type": kind, kind: body,
        });
        self.delta(place.choice, &json!({"tool_calls": [opened]}))
    }

    fn piece(&self, answer: &Answer, place: Place, piece: &str) -> String {
        match answer.part(place) {
            Some(Part::Text(_)) => self.delta(place.choice, &json!({"content": piece})),
            Some(Part::Refusal(_)) => self.delta(place.choice, &json!({"refusal": piece})),
            Some(Part::Call(call)) => {
                let number = call_number(answer, place);
                let more = if call.is_free_text {
                    json!({"index": number, "custom": {"input": piece}})
                } else {
                    json!({"index": number, "function": {"arguments": piece}})
                };
                self.delta(place.choice, &json!({"tool_calls": [more]}))
            }
            Some(Part::Thinking(_)) | None => String::new(),
        }
    }

    fn end(&self, answer: &Answer, number: usize) -> String {
        let finish = answer.choices.get(number).map(|choice| finish_reason(&choice.finish));
        self.chunk(&json!([{"index": number, "delta": {}, "logprobs": null, "finish_reason": finish}]), None)
    }

    fn begin(&self, answer: &Answer) -> String {
        let role = json!({"role": "assistant", "content": "", "refusal": null});
        (0..answer.choices.len()).map(|number| self.delta(number, &role)).collect()
    }

    fn choice(&self, number: usize, choice: &Choice) -> Value {
        let mut message = json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
        let mut calls = Vec::new();
        for (part_number, part) in choice.parts.iter().enumerate() {
            let place = Place { choice: number, part: part_number };
            let (field, value) = match part {
                Part::Text(text) => ("content", json!(text)),
                Part::Refusal(text) => ("refusal", json!(text)),
                Part::Call(call) => {
                    calls.push(whole_call(call, &self.head.call_id(place)));
                    ("tool_calls", json!(calls))
                }
                Part::Thinking(_) => continue,
            };
            if let Value::Object(fields) = &mut message {
                fields.insert(field.to_owned(), value);
            }
        }
        let finish = finish_reason(&choice.finish);
        json!({"index": number, "message": message, "logprobs": null, "finish_reason": finish})
    }
}

impl Wire for ChatWire {
    fn write(&mut self, answer: &Answer, step: Step) -> String {
        match step {
            Step::Begin => self.begin(answer),
            Step::Open(place) => self.open(answer, place),
            Step::Piece(place, range) => self.piece(answer, place, answer.piece(place, range)),
            Step::Close(_) => String::new(),
            Step::End(number) => self.end(answer, number),
            Step::Last => {
                let usage = self.includes_usage.then(|| self.head.chat_usage(&answer.usage)).flatten();
                let last = usage.map(|usage| self.chunk(&json!([]), Some(usage))).unwrap_or_default();
                format!("{last}data: [DONE]\n\n")
            }
        }
    }

    fn error(&mut self) -> String {
        format!("data: {}\n\n", json!({"error": openai::stream_error().openai()}))
    }

    fn whole(&mut self, answer: &Answer) -> String {
        let choices = answer.choices.iter().enumerate().map(|(number, choice)| self.choice(number, choice));
        let mut whole = json!({
            "id": self.id, "object": "chat.completion", "created": self.head.created,
            "model": self.head.model, "service_tier": self.head.tier, "system_fingerprint": "fp_simulated",
            "choices": choices.collect::<Vec<Value>>(),
        });
        if let (Value::Object(fields), Some(usage)) = (&mut whole, self.head.chat_usage(&answer.usage)) {
            fields.insert("usage".to_owned(), usage);
        }
        whole.to_string()
    }
}

fn whole_call(call: &Call, id: &str) -> Value {
    if call.is_free_text {
        json!({"id": id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}})
    } else {
        json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
    }
}

/// The number of a call among the calls of its choice.
fn call_number(answer: &Answer, place: Place) -> usize {
    let parts = answer.choices.get(place.choice).map_or(&[][..], |choice| &choice.parts);
    parts.iter().take(place.part).filter(|part| matches!(part, Part::Call(_))).count()
}

const fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::Refusal => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::simulated::prompt::ToolChoice;

    #[test]
    fn a_forced_tool_is_read_from_its_nested_name() {
        let body = json!({
            "messages": [{"role": "user", "content": "a"}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
        });
        let prompt = read(&body, "gpt-4.1".to_owned()).ok().unwrap();
        assert!(matches!(prompt.tool_choice, ToolChoice::Named(name) if name == "f"));
    }
}
