//! What both of OpenAI's dialects say in the same way, whatever the client's dialect.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::conversation::{Conversation, Effort, Schema, Thinking, Tier, Words};
use super::super::json::Members;
use super::model::Gpt;
use super::schema::is_strict;
use crate::dialect::{Endpoint, RequestFault};

/// The longest name of a tool.
pub(in crate::translate) const TOOL_NAME_MAX: usize = 64;
/// The least that is taken as an output limit.
pub(super) const OUTPUT_LIMIT_MIN: u64 = 16;
/// What a schema is called that has no name.
pub(super) const SCHEMA_NAME: &str = "output";
const SCHEMA_OF_ANYTHING: &str = r#"{"type":"object","properties":{}}"#;

/// How hard to think: what was said, else what the older way of saying it amounts to.
pub(super) fn effort(talk: &Conversation<'_>, gpt: Gpt) -> Option<Effort> {
    let asked = match (talk.thinking, talk.effort) {
        (Some(Thinking::Off), _) => Some(Effort::None),
        (_, Some(effort)) => Some(effort),
        (Some(Thinking::BetweenTools), None) => Some(Effort::Low),
        (Some(Thinking::Budget(tokens)), None) => Some(match tokens {
            0..4_000 => Effort::Low,
            4_000..16_000 => Effort::Medium,
            16_000..32_000 => Effort::High,
            32_000.. => Effort::Xhigh,
        }),
        (Some(Thinking::Adaptive) | None, None) => None,
    };
    asked.and_then(|asked| gpt.effort(asked))
}

/// Whether a tool is strict. It is always said, since leaving it out means another thing on each
/// of the two endpoints; clients of another vendor mean a weaker thing by it.
pub(super) fn tool_is_strict(strict: Option<bool>, schema: Option<&RawValue>, client: Endpoint) -> bool {
    let fits = || schema.is_some_and(is_strict);
    match (strict, client) {
        (Some(false), _) => false,
        (Some(true), Endpoint::ChatCompletions | Endpoint::Responses) => true,
        (None, Endpoint::ChatCompletions) => false,
        // Left out on Responses: strict as far as that goes.
        (None, Endpoint::Responses) | (Some(true), _) => fits(),
        (None, _) => false,
    }
}

/// Whether an output is strict.
pub(super) fn format_is_strict(format: &Schema<'_>, client: Endpoint) -> bool {
    match client {
        Endpoint::Messages => is_strict(format.schema),
        _ => format.strict.unwrap_or(false),
    }
}

/// A schema with properties, as is demanded of objects.
pub(super) fn parameters<'a>(
    schema: Option<&'a RawValue>,
    words: &Words,
) -> Result<Cow<'a, RawValue>, RequestFault> {
    let malformed = RequestFault::wrong(words.tools, "the schema of a tool must be a JSON object");
    let own = |text: String| RawValue::from_string(text).map(Cow::Owned).map_err(|_json| malformed);
    let Some(schema) = schema else { return own(SCHEMA_OF_ANYTHING.to_owned()) };
    let members: Members<'a> = serde_json::from_str(schema.get()).map_err(|_json| malformed)?;
    let is_object = members.0.iter().any(|(name, value)| name == "type" && value.get() == "\"object\"");
    if members.0.is_empty() {
        return own(SCHEMA_OF_ANYTHING.to_owned());
    }
    if !is_object || members.has("properties") {
        return Ok(Cow::Borrowed(schema));
    }
    let inner = schema.get().strip_suffix('}').unwrap_or_default();
    own(format!("{inner},\"properties\":{{}}}}"))
}

pub(super) const fn service_tier(tier: Tier) -> Option<&'static str> {
    match tier {
        Tier::Unsaid => None,
        Tier::Auto => Some("auto"),
        Tier::Default => Some("default"),
        Tier::Flex => Some("flex"),
        Tier::Priority => Some("priority"),
    }
}
