//! The request.

use serde_json::{Value, json};

use crate::backends::simulated::openai;
use crate::backends::simulated::prompt::{
    Format, Prompt, Thinking, Tool, Transcript, array_at, kind, limit_at, script, switch_at, text_at,
};
use crate::backends::simulated::trouble::Trouble;

/// Reads a request.
pub(in crate::backends::simulated) fn read(body: &Value, model: String) -> Result<Prompt, Trouble> {
    let mut transcript = Transcript::default();
    array_at(body, "tools").iter().for_each(|tool| transcript.other(tool));
    if let Some(instructions) = body.get("instructions").filter(|text| text.is_string()) {
        transcript.message("system", instructions);
    }
    match body.get("input") {
        Some(Value::Array(items)) if !items.is_empty() => {
            items.iter().for_each(|item| add(&mut transcript, item))
        }
        Some(text @ Value::String(_)) => transcript.message("user", text),
        _ => return Err(Trouble::missing("input")),
    }
    Ok(Prompt {
        script: script(&model, &transcript.last_user_text)?,
        thinking: thinking(body, &model),
        model,
        segments: transcript.segments,
        tools: tools(body),
        tool_choice: openai::tool_choice(body.get("tool_choice"), |choice| text_at(choice, "name")),
        parallel: switch_at(body, "parallel_tool_calls")?.unwrap_or(true),
        has_result: transcript.has_result,
        format: format(body),
        limit: limit_at(body, "max_output_tokens")?,
        stops: Vec::new(),
        choices: 1,
        stream: switch_at(body, "stream")?.unwrap_or(false),
        long_cache: openai::long_cache(body),
    })
}

fn add(transcript: &mut Transcript, item: &Value) {
    match (kind(item), item.get("content")) {
        ("message" | "", Some(content)) => {
            transcript.message(text_at(item, "role").unwrap_or_default(), content)
        }
        ("function_call_output" | "custom_tool_call_output", _) => {
            transcript.other(item);
            transcript.has_result = true;
        }
        _ => {
            transcript.other(item);
            transcript.has_result = false;
        }
    }
}

fn tools(body: &Value) -> Vec<Tool> {
    let callable = |tool: &Value| {
        let schema = match kind(tool) {
            "function" => Some(tool.get("parameters").cloned().unwrap_or_else(|| json!({"type": "object"}))),
            "custom" => None,
            _ => return None,
        };
        Some(Tool { name: text_at(tool, "name")?.to_owned(), schema })
    };
    array_at(body, "tools").iter().filter_map(callable).collect()
}

fn format(body: &Value) -> Format {
    let Some(format) = body.pointer("/text/format") else { return Format::Text };
    match kind(format) {
        "json_object" => Format::Object,
        "json_schema" => {
            Format::Schema(format.get("schema").cloned().unwrap_or_else(|| json!({"type": "object"})))
        }
        _ => Format::Text,
    }
}

fn thinking(body: &Value, model: &str) -> Thinking {
    let effort = body.pointer("/reasoning/effort").and_then(Value::as_str);
    let summary = body.pointer("/reasoning/summary").is_some_and(Value::is_string);
    match openai::thinking(model, effort) {
        Thinking::Hidden if summary => Thinking::Shown,
        thinking => thinking,
    }
}
