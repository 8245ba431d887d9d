//! What the endpoints of the OpenAI dialect have in common.

use http::StatusCode;
use serde_json::{Value, json};

use super::plan::Place;
use super::prompt::{Thinking, ToolChoice, array_at, kind, text_at};
use super::seed::Seed;
use super::trouble::Trouble;
use crate::usage::Usage;

/// What every answer carries.
pub(super) struct Head {
    pub(super) model: String,
    /// Seconds since 1970.
    pub(super) created: i64,
    pub(super) tier: &'static str,
    pub(super) seed: Seed,
    pub(super) reports_usage: bool,
}

impl Head {
    pub(super) fn call_id(&self, place: Place) -> String {
        self.name("call_", place)
    }

    /// An identifier of a part.
    pub(super) fn name(&self, prefix: &str, place: Place) -> String {
        let number = place.choice.saturating_mul(1_000).saturating_add(place.part);
        self.seed.child("part", u64::try_from(number).unwrap_or(0)).name(prefix, 24)
    }

    /// `usage` of Chat Completions, unless the request asks for none.
    pub(super) fn chat_usage(&self, usage: &Usage) -> Option<Value> {
        self.reports_usage.then(|| {
            json!({
                "prompt_tokens": usage.prompt(),
                "completion_tokens": usage.output,
                "total_tokens": usage.prompt().saturating_add(usage.output),
                "prompt_tokens_details": {
                    "cached_tokens": usage.cache_read, "cache_write_tokens": written(usage), "audio_tokens": 0,
                },
                "completion_tokens_details": {
                    "reasoning_tokens": usage.reasoning, "audio_tokens": 0,
                    "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
                },
            })
        })
    }

    /// `usage` of Responses, unless the request asks for none.
    pub(super) fn responses_usage(&self, usage: &Usage) -> Option<Value> {
        self.reports_usage.then(|| {
            json!({
                "input_tokens": usage.prompt(),
                "input_tokens_details": {
                    "cached_tokens": usage.cache_read,
                    "cache_write_tokens": written(usage),
                    "cache_write_tokens_details": {
                        "ttl_30m_tokens": usage.cache_write_short, "ttl_12h_tokens": usage.cache_write_long,
                    },
                },
                "output_tokens": usage.output,
                "output_tokens_details": {"reasoning_tokens": usage.reasoning},
                "total_tokens": usage.prompt().saturating_add(usage.output),
            })
        })
    }
}

const fn written(usage: &Usage) -> u64 {
    usage.cache_write_short.saturating_add(usage.cache_write_long)
}

/// Reasoning models think unless they are told not to; their thoughts are not shown in Chat
/// Completions.
pub(super) fn thinking(model: &str, effort: Option<&str>) -> Thinking {
    let reasons = ["gpt-5", "gpt-6", "o3"].iter().any(|family| model.starts_with(family));
    if reasons && effort != Some("none") { Thinking::Hidden } else { Thinking::Off }
}

/// The tool choice; `named` finds the name in a choice of one tool.
pub(super) fn tool_choice(choice: Option<&Value>, named: impl Fn(&Value) -> Option<&str>) -> ToolChoice {
    let Some(choice) = choice else { return ToolChoice::Auto };
    match (choice.as_str(), kind(choice)) {
        (Some("none"), _) => ToolChoice::Forbidden,
        (Some("required"), _) => ToolChoice::Required,
        (None, "allowed_tools") if is_required(choice) => ToolChoice::Required,
        _ => named(choice).map_or(ToolChoice::Auto, |name| ToolChoice::Named(name.to_owned())),
    }
}

fn is_required(choice: &Value) -> bool {
    [Some(choice), choice.get("allowed_tools")]
        .into_iter()
        .flatten()
        .any(|at| text_at(at, "mode") == Some("required"))
}

/// `stop`: a text, or some.
pub(super) fn stops(body: &Value) -> Vec<String> {
    let one = text_at(body, "stop").into_iter();
    let some = array_at(body, "stop").iter().filter_map(Value::as_str);
    one.chain(some).filter(|stop| !stop.is_empty()).map(str::to_owned).collect()
}

/// Whether what is written to the cache has the long life.
pub(super) fn long_cache(body: &Value) -> bool {
    body.pointer("/prompt_cache_options/ttl").and_then(Value::as_str) == Some("12h")
}

/// The tier that serves: the one that was asked for.
pub(super) fn tier(body: &Value) -> &'static str {
    match text_at(body, "service_tier") {
        Some("flex") => "flex",
        Some("priority" | "fast") => "priority",
        Some("ultrafast") => "ultrafast",
        _ => "default",
    }
}

/// What is reported when a stream fails on the way.
pub(super) fn stream_error() -> Trouble {
    Trouble::of(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server had an error while processing your request (simulated).",
    )
}
