//! A request of Messages, read.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::conversation::{
    CacheMark, Choice, Conversation, Delivery, Effort, Format, InputKind, Parallel, Part, Sampling, Schema,
    Show, Takes, Thinking, Tier, Tool,
};
use super::super::json::{Members, Text, is_string, number, read, read_first};
use super::WORDS;
use super::read_messages::{Message, read_messages};
use crate::dialect::{Endpoint, RequestFault};

/// Hints, optimisations, and what concerns only this gateway.
const DROPPED: [&str; 6] = ["model", "models", "metadata", "top_k", "context_management", "diagnostics"];

/// What needs state at the provider, or changes who pays and how much.
const REFUSED: [&str; 8] = [
    "container",
    "mcp_servers",
    "fallbacks",
    "fallback_credit_token",
    "compaction",
    "thread",
    "billing_policy",
    "previous_response_id",
];

const ELSEWHERE: &str = "the chosen model has no counterpart for it; leave it out or choose another model";

/// Begins a block that Claude Code puts first for its own vendor: it differs from call to call,
/// and would spoil the cache of another.
const OWN_HEADER: &str = "x-anthropic-billing-header";

/// Reads a request.
///
/// # Errors
/// Names the field that is malformed or that no other dialect can say.
pub(in crate::translate) fn read_request(body: &[u8]) -> Result<Conversation<'_>, RequestFault> {
    let (mut members, messages) = Members::of_body(body, "messages", read_first::<Vec<Message<'_>>>)?;
    let mut talk = Conversation::new(Endpoint::Messages, &WORDS);
    talk.names_user = members.has("metadata");
    members.drop_all(&DROPPED);
    members.refuse(&REFUSED, ELSEWHERE)?;
    allow_only(&mut members, "speed", &["standard"])?;
    allow_only(&mut members, "inference_geo", &["global"])?;

    if let Some(system) = members.take("system") {
        talk.system = read_system(system)?;
    }
    read_messages(messages.ok_or(RequestFault::missing("messages"))??, &mut talk)?;
    talk.output_limit = match members.read::<u64>("max_tokens")? {
        Some(0) => {
            return Err(RequestFault::unsupported("max_tokens", "the chosen model cannot only fill a cache"));
        }
        limit => limit,
    };
    talk.sampling =
        Sampling { temperature: number(&mut members, "temperature")?, top_p: number(&mut members, "top_p")? };
    talk.stop = members.read("stop_sequences")?.unwrap_or_default();
    read_tools(&mut members, &mut talk)?;
    read_thinking(&mut members, &mut talk)?;
    talk.delivery = Delivery { stream: members.read("stream")?.unwrap_or(false), ..Delivery::default() };
    talk.tier = read_tier(&mut members)?;
    talk.cache = members.read::<CacheControl<'_>>("cache_control")?.map(|mark| mark.mark());
    members.finish()?;
    Ok(talk)
}

fn allow_only(members: &mut Members<'_>, name: &'static str, allowed: &[&str]) -> Result<(), RequestFault> {
    let Some(value) = members.read::<Text<'_>>(name)? else { return Ok(()) };
    if allowed.iter().any(|word| value.is(word)) {
        Ok(())
    } else {
        Err(RequestFault::unsupported(name, ELSEWHERE))
    }
}

fn read_tier(members: &mut Members<'_>) -> Result<Tier, RequestFault> {
    let Some(tier) = members.read::<Text<'_>>("service_tier")? else { return Ok(Tier::Unsaid) };
    match tier.decode().as_ref() {
        "auto" => Ok(Tier::Auto),
        "standard_only" => Ok(Tier::Default),
        _ => Err(RequestFault::unsupported("service_tier", "expected auto or standard_only")),
    }
}

#[derive(Deserialize)]
pub(super) struct CacheControl<'a> {
    #[serde(borrow, default)]
    ttl: Option<Text<'a>>,
}

impl CacheControl<'_> {
    pub(super) fn mark(&self) -> CacheMark {
        if self.ttl.as_ref().is_some_and(|life| life.is("1h")) { CacheMark::Long } else { CacheMark::Short }
    }
}

#[derive(Deserialize)]
struct SystemBlock<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow, default)]
    cache_control: Option<CacheControl<'a>>,
}

fn read_system<'a>(value: &'a RawValue) -> Result<Vec<Part<'a>>, RequestFault> {
    if is_string(value) {
        return Ok(vec![Part::text(read(value, "system")?)]);
    }
    let mut blocks: Vec<SystemBlock<'a>> = read(value, "system")?;
    if blocks.first().is_some_and(|first| first.text.decode().starts_with(OWN_HEADER)) {
        blocks.remove(0);
    }
    let part = |SystemBlock { text, cache_control }: SystemBlock<'a>| Part {
        cache: cache_control.map(|mark| mark.mark()),
        ..Part::text(text)
    };
    Ok(blocks.into_iter().map(part).collect())
}

#[derive(Deserialize)]
struct ToolWire<'a> {
    #[serde(borrow, default)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    input_schema: Option<&'a RawValue>,
    #[serde(default)]
    strict: Option<bool>,
    #[serde(borrow, default)]
    cache_control: Option<CacheControl<'a>>,
}

impl<'a> ToolWire<'a> {
    fn read(self) -> Result<Tool<'a>, RequestFault> {
        let Self { r#type, name, description, input_schema, strict, cache_control } = self;
        if r#type.is_some_and(|kind| !kind.is("custom")) {
            let advice = "only tools with a schema of their own can be translated";
            return Err(RequestFault::unsupported("tools.type", advice));
        }
        Ok(Tool {
            namespace: None,
            name,
            description,
            takes: Takes::Object { schema: input_schema, strict },
            cache: cache_control.map(|mark| mark.mark()),
        })
    }
}

#[derive(Deserialize)]
struct ChoiceWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(default)]
    disable_parallel_tool_use: Option<bool>,
}

fn read_tools<'a>(members: &mut Members<'a>, talk: &mut Conversation<'a>) -> Result<(), RequestFault> {
    let tools = members.read::<Vec<ToolWire<'a>>>("tools")?.unwrap_or_default();
    talk.tools = tools.into_iter().map(ToolWire::read).collect::<Result<_, _>>()?;
    let Some(choice) = members.read::<ChoiceWire<'a>>("tool_choice")? else { return Ok(()) };
    let ChoiceWire { r#type, name, disable_parallel_tool_use } = choice;
    talk.choice = Some(match (r#type.decode().as_ref(), name) {
        ("auto", _) => Choice::Auto,
        ("any", _) => Choice::Required,
        ("none", _) => Choice::None,
        ("tool", Some(name)) => Choice::Tool { namespace: None, name, input: InputKind::Object },
        _ => return Err(RequestFault::wrong("tool_choice", "expected auto, any, none, or tool with a name")),
    });
    talk.parallel = match disable_parallel_tool_use {
        None => Parallel::Unsaid,
        Some(true) => Parallel::Forbidden,
        Some(false) => Parallel::Allowed,
    };
    Ok(())
}

#[derive(Deserialize)]
struct ThinkingWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(default)]
    budget_tokens: Option<u64>,
    #[serde(borrow, default)]
    display: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
struct OutputConfig<'a> {
    #[serde(borrow, default)]
    effort: Option<Text<'a>>,
    #[serde(borrow, default)]
    format: Option<FormatWire<'a>>,
}

#[derive(Deserialize)]
struct FormatWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    schema: Option<&'a RawValue>,
}

fn read_thinking<'a>(members: &mut Members<'a>, talk: &mut Conversation<'a>) -> Result<(), RequestFault> {
    if let Some(ThinkingWire { r#type, budget_tokens, display }) = members.read("thinking")? {
        let thinking = match r#type.decode().as_ref() {
            "enabled" => Thinking::Budget(budget_tokens.unwrap_or(0)),
            "adaptive" => Thinking::Adaptive,
            "disabled" => Thinking::Off,
            "between_tools" => Thinking::BetweenTools,
            _ => {
                return Err(RequestFault::wrong(
                    "thinking.type",
                    "expected adaptive, enabled, between_tools or disabled",
                ));
            }
        };
        talk.thinking = Some(thinking);
        talk.shows_reasoning = match (thinking, display) {
            (Thinking::Off, _) => Show::Unsaid,
            (_, Some(display)) if display.is("omitted") => Show::Nothing,
            _ => Show::Summary,
        };
    }
    let OutputConfig { effort, format } = members.read("output_config")?.unwrap_or_default();
    if let Some(effort) = effort {
        let known = Effort::from_name(&effort.decode()).filter(|effort| *effort >= Effort::Low);
        let wrong = RequestFault::wrong("output_config.effort", "expected low, medium, high, xhigh or max");
        talk.effort = Some(known.ok_or(wrong)?);
    }
    // The older name of the same.
    let older = members.read::<FormatWire<'a>>("output_format")?;
    talk.format = match format.or(older) {
        None => None,
        Some(FormatWire { r#type, schema: Some(schema) }) if r#type.is("json_schema") => {
            Some(Format::Schema(Schema { name: None, description: None, schema, strict: None }))
        }
        Some(_) => {
            return Err(RequestFault::wrong("output_config.format", "expected json_schema with a schema"));
        }
    };
    Ok(())
}
