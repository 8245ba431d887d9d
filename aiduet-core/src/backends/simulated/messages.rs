//! `POST /v1/messages` and `POST /v1/messages/count_tokens`.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::body::Wire;
use super::plan::{Answer, Choice, Finish, Part, Place, Step, arguments};
use super::prompt::{
    Format, Prompt, Thinking, Tool, ToolChoice, Transcript, array_at, kind, lifetime, limit_at, script,
    switch_at, text_at,
};
use super::seed::Seed;
use super::trouble::Trouble;
use crate::usage::Usage;

/// Reads a request. The output limit is required where an answer is wanted.
pub(super) fn read(body: &Value, model: String) -> Result<Prompt, Trouble> {
    if array_at(body, "messages").is_empty() {
        return Err(Trouble::missing("messages"));
    }
    let mut transcript = Transcript::default();
    array_at(body, "tools").iter().for_each(|tool| transcript.other(tool));
    if let Some(system) = body.get("system") {
        transcript.message("system", system);
    }
    for message in array_at(body, "messages") {
        transcript.message(
            text_at(message, "role").unwrap_or_default(),
            message.get("content").unwrap_or(&Value::Null),
        );
    }
    transcript.mark_end(lifetime(body));
    Ok(Prompt {
        script: script(&model, &transcript.last_user_text)?,
        model,
        segments: transcript.segments,
        tools: tools(body),
        tool_choice: tool_choice(body),
        parallel: !switch_at(body.get("tool_choice").unwrap_or(&Value::Null), "disable_parallel_tool_use")?
            .unwrap_or(false),
        has_result: transcript.has_result,
        format: format(body),
        limit: limit_at(body, "max_tokens")?,
        stops: array_at(body, "stop_sequences").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        choices: 1,
        thinking: thinking(body),
        stream: switch_at(body, "stream")?.unwrap_or(false),
        long_cache: false,
    })
}

/// Tools of the client; the provider's own tools are never called.
fn tools(body: &Value) -> Vec<Tool> {
    let custom = |tool: &&Value| matches!(kind(tool), "" | "custom");
    array_at(body, "tools")
        .iter()
        .filter(custom)
        .filter_map(|tool| {
            let schema = tool.get("input_schema").cloned().unwrap_or_else(|| json!({"type": "object"}));
            Some(Tool { name: text_at(tool, "name")?.to_owned(), schema: Some(schema) })
        })
        .collect()
}

fn tool_choice(body: &Value) -> ToolChoice {
    let Some(choice) = body.get("tool_choice") else { return ToolChoice::Auto };
    match (kind(choice), text_at(choice, "name")) {
        ("any", _) => ToolChoice::Required,
        ("none", _) => ToolChoice::Forbidden,
        ("tool", Some(name)) => ToolChoice::Named(name.to_owned()),
        _ => ToolChoice::Auto,
    }
}

fn format(body: &Value) -> Format {
    let format = body.pointer("/output_config/format").or_else(|| body.get("output_format"));
    match format.and_then(|format| format.get("schema")) {
        Some(schema) => Format::Schema(schema.clone()),
        None => Format::Text,
    }
}

fn thinking(body: &Value) -> Thinking {
    let Some(thinking) = body.get("thinking") else { return Thinking::Off };
    match (kind(thinking), text_at(thinking, "display")) {
        ("enabled" | "adaptive" | "between_tools", Some("omitted")) => Thinking::Hidden,
        ("enabled" | "adaptive" | "between_tools", _) => Thinking::Shown,
        _ => Thinking::Off,
    }
}

/// Writes an answer.
pub(super) struct MessagesWire {
    id: String,
    model: String,
    seed: Seed,
    reports_usage: bool,
    shows_thinking: bool,
    /// What the request says about speed and place.
    speed: &'static str,
    place: &'static str,
}

impl MessagesWire {
    pub(super) fn new(prompt: &Prompt, body: &Value, seed: Seed) -> Self {
        Self {
            id: seed.name("msg_01", 22),
            model: prompt.model.clone(),
            seed,
            reports_usage: !prompt.script.no_usage,
            shows_thinking: prompt.thinking == Thinking::Shown,
            speed: if text_at(body, "speed") == Some("fast") { "fast" } else { "standard" },
            place: if text_at(body, "inference_geo") == Some("us") { "us" } else { "global" },
        }
    }

    fn message(&self, content: &[Value], finish: Option<&Finish>) -> Map<String, Value> {
        let (reason, sequence) = finish.map_or((Value::Null, Value::Null), stop);
        let fields = [
            ("id", json!(self.id)),
            ("type", json!("message")),
            ("role", json!("assistant")),
            ("model", json!(self.model)),
            ("content", json!(content)),
            ("stop_reason", reason),
            ("stop_sequence", sequence),
            ("stop_details", finish.map_or(Value::Null, stop_details)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn usage(&self, usage: &Usage, output: u64) -> Value {
        let mut counts = self.counts(usage, output);
        let more = [
            (
                "cache_creation",
                json!({
                    "ephemeral_5m_input_tokens": usage.cache_write_short,
                    "ephemeral_1h_input_tokens": usage.cache_write_long,
                }),
            ),
            ("service_tier", json!("standard")),
            ("inference_geo", json!(self.place)),
            ("speed", json!(self.speed)),
        ];
        counts.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Value::Object(counts)
    }

    /// The counts that `message_delta` repeats.
    fn counts(&self, usage: &Usage, output: u64) -> Map<String, Value> {
        let mut counts: Map<String, Value> = [
            ("input_tokens", usage.input),
            ("cache_creation_input_tokens", usage.cache_write_short.saturating_add(usage.cache_write_long)),
            ("cache_read_input_tokens", usage.cache_read),
            ("output_tokens", output),
        ]
        .into_iter()
        .map(|(name, count)| (name.to_owned(), json!(count)))
        .collect();
        if self.shows_thinking || usage.reasoning > 0 {
            let details = json!({"thinking_tokens": usage.reasoning.min(output)});
            counts.insert("output_tokens_details".to_owned(), details);
        }
        counts
    }

    fn begin(&self, answer: &Answer) -> String {
        let mut message = self.message(&[], None);
        if self.reports_usage {
            message.insert("usage".to_owned(), self.usage(&answer.usage, answer.usage.output.min(1)));
        }
        let start = event("message_start", &json!({"message": message}));
        format!("{start}{}", event("ping", &json!({})))
    }

    fn block(&self, answer: &Answer, place: Place) -> Value {
        match answer.part(place) {
            Some(Part::Thinking(text)) => {
                let shown = if self.shows_thinking { text.as_str() } else { "" };
                json!({"type": "thinking", "thinking": shown, "signature": signature(self.seed)})
            }
            Some(Part::Text(text) | Part::Refusal(text)) => json!({"type": "text", "text": text}),
            Some(Part::Call(call)) => json!({
                "type": "tool_use", "id": self.tool_id(place), "name": call.name, "input": arguments(call),
            }),
            None => Value::Null,
        }
    }

    fn opening(&self, answer: &Answer, place: Place) -> String {
        let block = match answer.part(place) {
            Some(Part::Thinking(_)) => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Some(Part::Text(_) | Part::Refusal(_)) => json!({"type": "text", "text": ""}),
            Some(Part::Call(call)) => {
                json!({"type": "tool_use", "id": self.tool_id(place), "name": call.name, "input": {}})
            }
            None => return String::new(),
        };
        event("content_block_start", &json!({"index": place.part, "content_block": block}))
    }

    fn piece(&self, answer: &Answer, place: Place, piece: &str) -> String {
        let delta = match answer.part(place) {
            Some(Part::Thinking(_)) if !self.shows_thinking => return String::new(),
            Some(Part::Thinking(_)) => json!({"type": "thinking_delta", "thinking": piece}),
            Some(Part::Text(_) | Part::Refusal(_)) => json!({"type": "text_delta", "text": piece}),
            Some(Part::Call(_)) => json!({"type": "input_json_delta", "partial_json": piece}),
            None => return String::new(),
        };
        event("content_block_delta", &json!({"index": place.part, "delta": delta}))
    }

    fn closing(&self, answer: &Answer, place: Place) -> String {
        let signed = matches!(answer.part(place), Some(Part::Thinking(_)));
        let delta = json!({"type": "signature_delta", "signature": signature(self.seed)});
        let signed =
            signed.then(|| event("content_block_delta", &json!({"index": place.part, "delta": delta})));
        let stop = event("content_block_stop", &json!({"index": place.part}));
        format!("{}{stop}", signed.unwrap_or_default())
    }

    fn end(&self, answer: &Answer, choice: &Choice) -> String {
        let (reason, sequence) = stop(&choice.finish);
        let delta = json!({
            "stop_reason": reason, "stop_sequence": sequence, "stop_details": stop_details(&choice.finish),
        });
        let mut fields = json!({"delta": delta});
        if let Value::Object(fields) = &mut fields
            && self.reports_usage
        {
            let counts = self.counts(&answer.usage, answer.usage.output);
            fields.insert("usage".to_owned(), Value::Object(counts));
        }
        event("message_delta", &fields)
    }

    fn tool_id(&self, place: Place) -> String {
        self.seed.child("tool", u64::try_from(place.part).unwrap_or(0)).name("toolu_01", 22)
    }
}

impl Wire for MessagesWire {
    fn write(&mut self, answer: &Answer, step: Step) -> String {
        match step {
            Step::Begin => self.begin(answer),
            Step::Open(place) => self.opening(answer, place),
            Step::Piece(place, range) => self.piece(answer, place, answer.piece(place, range)),
            Step::Close(place) => self.closing(answer, place),
            Step::End(number) => {
                answer.choices.get(number).map(|choice| self.end(answer, choice)).unwrap_or_default()
            }
            Step::Last => event("message_stop", &json!({})),
        }
    }

    fn error(&mut self) -> String {
        let overloaded = StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        event("error", &json!({"error": Trouble::of(overloaded, "Overloaded (simulated)").anthropic()}))
    }

    fn whole(&mut self, answer: &Answer) -> String {
        let choice = answer.choices.first();
        let parts = choice.map_or(0, |choice| choice.parts.len());
        let content: Vec<Value> =
            (0..parts).map(|part| self.block(answer, Place { choice: 0, part })).collect();
        let mut message = self.message(&content, choice.map(|choice| &choice.finish));
        if self.reports_usage {
            message.insert("usage".to_owned(), self.usage(&answer.usage, answer.usage.output));
        }
        Value::Object(message).to_string()
    }
}

fn event(name: &str, data: &Value) -> String {
    let mut data = data.clone();
    if let Value::Object(fields) = &mut data {
        fields.insert("type".to_owned(), json!(name));
    }
    format!("event: {name}\ndata: {data}\n\n")
}

fn stop(finish: &Finish) -> (Value, Value) {
    match finish {
        Finish::Stop => (json!("end_turn"), Value::Null),
        Finish::StopSequence(text) => (json!("stop_sequence"), json!(text)),
        Finish::Length => (json!("max_tokens"), Value::Null),
        Finish::ToolCalls => (json!("tool_use"), Value::Null),
        Finish::Refusal => (json!("refusal"), Value::Null),
    }
}

fn stop_details(finish: &Finish) -> Value {
    match finish {
        Finish::Refusal => {
            json!({"type": "refusal", "category": "general_harms", "explanation": "simulated"})
        }
        Finish::Stop | Finish::StopSequence(_) | Finish::Length | Finish::ToolCalls => Value::Null,
    }
}

/// What binds a thought to its conversation.
fn signature(seed: Seed) -> String {
    seed.child("signature", 0).name("EqQBCkYI", 64)
}
