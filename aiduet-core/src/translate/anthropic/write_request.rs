//! A request of Messages, written.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::conversation::{
    Choice, Conversation, Effort, Format, InputKind, Item, Parallel, Part, Show, Takes as ToolTakes, Tier,
    Tool, Words,
};
use super::super::free;
use super::super::json::{Members, Text, write_long};
use super::super::names::ToolNames;
use super::super::target::{Caching, Target};
use super::model::{Claude, Takes, ThinkingRule};
use super::turns::{Rules, blocks, turns};
use super::wire::{Block, Body, CacheControl, Metadata, OutputConfig, Thinking, ToolChoice, Turn};
use super::{schema, wire};
use crate::dialect::{Endpoint, RequestFault};

/// Explicit marks that a request may have.
const MARKS_MAX: usize = 4;
/// The smallest budget for thinking, in tokens.
const BUDGET_MIN: u64 = 1_024;
/// Asks for a form that has no field of its own.
const JSON_ONLY: &str = "Answer with one JSON object and nothing else: no other text, no code fence.";
const CANNOT_FORCE: &str = "the chosen model cannot be made to call a tool; use auto";
const SCHEMA_OF_ANYTHING: &str = r#"{"type":"object","properties":{}}"#;

/// Writes a request.
///
/// # Errors
/// Names, in the client's dialect, what the model cannot honour.
pub(in crate::translate) fn write_request(
    talk: Conversation<'_>,
    target: &Target<'_>,
    names: &mut ToolNames,
) -> Result<Vec<u8>, RequestFault> {
    let words = talk.words;
    let claude = Claude::of(target.model);
    let max_tokens = talk.output_limit.unwrap_or(target.output_limit).min(target.output_limit);
    let tool_choice = choice(&talk, &claude, names)?;
    let thinking = thinking(&talk, &claude, max_tokens)?;
    let thinks = thinking.as_ref().is_some_and(|kind| !matches!(kind, Thinking::Disabled));
    let (temperature, top_p) = sampling(&talk, if thinks { Takes::No } else { claude.sampling });
    let output_config = output_config(&talk, &claude)?;
    let tools = tools(&talk, names)?;
    let system = system(&talk, words)?;
    if talk.stop.iter().any(Text::is_blank) {
        return Err(RequestFault::unsupported(
            words.stop,
            "the chosen model takes no stop sequence of white space",
        ));
    }
    let Conversation { items, stop, tier, delivery, length, .. } = talk;
    let rules = Rules { words, claude: &claude, model: target.model, names };
    let body = Body {
        model: target.model,
        max_tokens,
        stream: delivery.stream,
        thinking,
        output_config,
        temperature,
        top_p,
        stop_sequences: stop,
        service_tier: service_tier(tier, words)?,
        metadata: target.end_user.map(|user_id| Metadata { user_id }),
        cache_control: None,
        tool_choice,
        tools,
        system,
        messages: turns(items, rules)?,
    };
    Ok(write_long(&marked(body, target.caching, words)?, length))
}

/// Checks the marks of the client, or sets one of ours.
fn marked<'a>(body: Body<'a>, caching: Caching, words: &Words) -> Result<Body<'a>, RequestFault> {
    let marks = body.tools.iter().filter(|tool| tool.cache_control.is_some()).count()
        + body
            .system
            .iter()
            .chain(body.messages.iter().flat_map(|turn: &Turn<'_>| &turn.content))
            .map(count_marks)
            .sum::<usize>();
    match (marks, caching) {
        (0, Caching::Automatic) => {
            Ok(Body { cache_control: Some(CacheControl::Ephemeral { ttl: None }), ..body })
        }
        (0..=MARKS_MAX, _) => Ok(body),
        _ => Err(RequestFault::unsupported(words.cache, "the chosen model takes at most 4 of them")),
    }
}

fn count_marks(block: &Block<'_>) -> usize {
    match block {
        Block::Text { cache_control, .. }
        | Block::Image { cache_control, .. }
        | Block::Document { cache_control, .. } => usize::from(cache_control.is_some()),
        Block::ToolResult { cache_control, content, .. } => {
            usize::from(cache_control.is_some()) + content.iter().map(count_marks).sum::<usize>()
        }
        Block::Thinking { .. } | Block::RedactedThinking { .. } | Block::ToolUse { .. } => 0,
    }
}

fn system<'a>(talk: &Conversation<'a>, words: &Words) -> Result<Vec<Block<'a>>, RequestFault> {
    let mut parts: Vec<Part<'a>> = Vec::with_capacity(talk.system.len());
    for part in &talk.system {
        match &part.kind {
            super::super::conversation::PartKind::Text(text) => {
                parts.push(Part { cache: part.cache, ..Part::text(text.clone()) });
            }
            _ => return Err(RequestFault::unsupported(words.content, "a system message can only be text")),
        }
    }
    if matches!(talk.format, Some(Format::Object)) {
        parts.push(Part::text(Text::from(JSON_ONLY)));
    }
    blocks(parts, words)
}

fn tools<'a>(talk: &Conversation<'a>, names: &mut ToolNames) -> Result<Vec<wire::Tool<'a>>, RequestFault> {
    let among = match &talk.choice {
        Some(Choice::Among { names, .. }) => Some(names),
        _ => None,
    };
    let wanted =
        |tool: &&Tool<'_>| among.is_none_or(|names| names.iter().any(|name| name.is(&tool.name.decode())));
    talk.tools.iter().filter(wanted).map(|tool| write_tool(tool, talk, names)).collect()
}

fn write_tool<'a>(
    tool: &Tool<'a>,
    talk: &Conversation<'a>,
    names: &mut ToolNames,
) -> Result<wire::Tool<'a>, RequestFault> {
    let Tool { namespace, name, description, takes, cache } = tool;
    let words = talk.words;
    let (kind, input_schema, strict, description) = match takes {
        ToolTakes::Object { schema, strict } => {
            let input_schema = object_schema(*schema, words)?;
            let is_closed = strict == &Some(true)
                && schema.is_some_and(|schema| matches!(schema::closed(schema), Ok(Cow::Borrowed(_))));
            (InputKind::Object, input_schema, is_closed, description.clone())
        }
        ToolTakes::Free { grammar } => {
            if grammar.is_some() && talk.client == Endpoint::ChatCompletions {
                let advice = "the chosen model cannot be held to a grammar";
                return Err(RequestFault::unsupported("tools.custom.format", advice));
            }
            let description = free::describe(description.as_ref(), grammar.as_ref());
            (InputKind::Free, Cow::Owned(free::schema()), false, description)
        }
    };
    Ok(wire::Tool {
        name: names.outgoing(namespace.as_ref(), name.clone(), kind),
        description,
        input_schema,
        strict,
        cache_control: cache.map(Into::into),
    })
}

/// A schema that says it is of an object, as Claude demands.
fn object_schema<'a>(schema: Option<&'a RawValue>, words: &Words) -> Result<Cow<'a, RawValue>, RequestFault> {
    let malformed = RequestFault::wrong(words.tools, "the schema of a tool must be a JSON object");
    let own = |text: String| RawValue::from_string(text).map(Cow::Owned).map_err(|_json| malformed);
    let Some(schema) = schema else { return own(SCHEMA_OF_ANYTHING.to_owned()) };
    let members: Members<'a> = serde_json::from_str(schema.get()).map_err(|_json| malformed)?;
    if members.has("type") {
        return Ok(Cow::Borrowed(schema));
    }
    let inner = schema.get().strip_prefix('{').unwrap_or_default();
    match members.0.is_empty() {
        true => own(SCHEMA_OF_ANYTHING.to_owned()),
        false => own(format!("{{\"type\":\"object\",{inner}")),
    }
}

fn choice<'a>(
    talk: &Conversation<'a>,
    claude: &Claude,
    names: &mut ToolNames,
) -> Result<Option<ToolChoice<'a>>, RequestFault> {
    let words = talk.words;
    let forced = matches!(
        &talk.choice,
        Some(Choice::Required | Choice::Tool { .. } | Choice::Among { required: true, .. })
    );
    if forced && (claude.forced_tools == Takes::No || talk.tools.is_empty()) {
        let advice = if talk.tools.is_empty() { "there is no tool to call" } else { CANNOT_FORCE };
        return Err(RequestFault::unsupported(words.choice, advice));
    }
    if talk.tools.is_empty() {
        return Ok(None);
    }
    let one = talk.parallel == Parallel::Forbidden;
    let plain = |kind: &'static str| ToolChoice { r#type: kind, name: None, disable_parallel_tool_use: one };
    Ok(match &talk.choice {
        None if one => Some(plain("auto")),
        None => None,
        Some(Choice::Auto | Choice::Among { required: false, .. }) => Some(plain("auto")),
        Some(Choice::Required | Choice::Among { required: true, .. }) => Some(plain("any")),
        Some(Choice::None) => Some(ToolChoice { disable_parallel_tool_use: false, ..plain("none") }),
        Some(Choice::Tool { namespace, name, input }) => Some(ToolChoice {
            name: Some(names.outgoing(namespace.as_ref(), name.clone(), *input)),
            ..plain("tool")
        }),
    })
}

fn thinking(
    talk: &Conversation<'_>,
    claude: &Claude,
    max_tokens: u64,
) -> Result<Option<Thinking>, RequestFault> {
    let display = match talk.shows_reasoning {
        Show::Summary => Some("summarized"),
        Show::Unsaid | Show::Nothing => None,
    };
    let shown = display.map(|display| Thinking::Adaptive { display: Some(display) });
    Ok(match (talk.effort, claude.thinking) {
        (Some(Effort::None), ThinkingRule::Always | ThinkingRule::Unknown) => {
            let advice = "the chosen model always thinks; the least is low";
            return Err(RequestFault::unsupported(talk.words.effort, advice));
        }
        (Some(Effort::None), ThinkingRule::OnByDefault) => Some(Thinking::Disabled),
        (Some(Effort::None), ThinkingRule::BetweenTools) => Some(Thinking::BetweenTools),
        (Some(Effort::None) | None, ThinkingRule::Budget | ThinkingRule::OnRequest)
        | (_, ThinkingRule::Unknown) => None,
        (Some(effort), ThinkingRule::Budget) => budget(talk, effort, max_tokens)
            .map(|budget_tokens| Thinking::Enabled { budget_tokens, display: None }),
        (Some(_), ThinkingRule::OnRequest) => is_free(talk).then_some(Thinking::Adaptive { display }),
        (_, ThinkingRule::OnByDefault | ThinkingRule::BetweenTools | ThinkingRule::Always) => shown,
    })
}

/// Whether the model may choose not to call a tool; where it may not, it does not think on request.
const fn is_free(talk: &Conversation<'_>) -> bool {
    matches!(&talk.choice, None | Some(Choice::Auto | Choice::None | Choice::Among { required: false, .. }))
}

/// The budget of models that think by budget. `None` where they may not: with a forced tool, in
/// a tool loop whose calls come without their thoughts, and where the limit is too small.
fn budget(talk: &Conversation<'_>, effort: Effort, max_tokens: u64) -> Option<u64> {
    let calls_alone = talk.items.iter().any(|item| matches!(item, Item::Called(_)))
        && !talk.items.iter().any(|item| matches!(item, Item::Thought(_)));
    if !is_free(talk) || calls_alone {
        return None;
    }
    let wanted = match effort {
        Effort::None | Effort::Minimal | Effort::Low => 2_048,
        Effort::Medium => 8_192,
        Effort::High => 16_384,
        Effort::Xhigh | Effort::Max => 32_768,
    };
    // Half of the limit at most, so that there is something left to answer with.
    let budget = wanted.min(max_tokens / 2);
    (budget >= BUDGET_MIN).then_some(budget)
}

fn output_config<'a>(
    talk: &Conversation<'a>,
    claude: &Claude,
) -> Result<Option<OutputConfig<'a>>, RequestFault> {
    let by_effort = !matches!(claude.thinking, ThinkingRule::Budget | ThinkingRule::Unknown);
    let effort = talk.effort.filter(|effort| by_effort && *effort != Effort::None);
    let effort = effort.map(|effort| claude.effort(effort).as_str());
    let format = match &talk.format {
        Some(Format::Schema(wanted)) => {
            let schema = schema::closed(wanted.schema)
                .map_err(|advice| RequestFault::unsupported(talk.words.format, advice))?;
            Some(wire::Format::JsonSchema { schema })
        }
        Some(Format::Object) | None => None,
    };
    let is_empty = effort.is_none() && format.is_none();
    Ok((!is_empty).then_some(OutputConfig { effort, format }))
}

type Numbers<'a> = (Option<&'a RawValue>, Option<&'a RawValue>);

/// Temperature from 0 to 1, or top-p; models that have no such knob get neither.
fn sampling<'a>(talk: &Conversation<'a>, takes: Takes) -> Numbers<'a> {
    if takes == Takes::No {
        return (None, None);
    }
    match (talk.sampling.temperature, talk.sampling.top_p) {
        (Some(number), _) => {
            let is_hotter = number.get().parse::<f64>().is_ok_and(|value| value > 1.0);
            (Some(if is_hotter { one() } else { number }), None)
        }
        (None, top_p) => (None, top_p),
    }
}

fn one() -> &'static RawValue {
    serde_json::from_str("1").unwrap_or(RawValue::NULL)
}

fn service_tier(tier: Tier, words: &Words) -> Result<Option<&'static str>, RequestFault> {
    match tier {
        Tier::Unsaid | Tier::Auto => Ok(None),
        Tier::Default => Ok(Some("standard_only")),
        Tier::Flex | Tier::Priority => Err(RequestFault::unsupported(
            words.tier,
            "the chosen model has no such tier; use auto or default",
        )),
    }
}
