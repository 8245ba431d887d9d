//! A request of the Responses API, read.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::conversation::{
    Choice, Conversation, Delivery, Format, InputKind, Parallel, Part, Sampling, Schema, Show,
};
use super::super::super::json::{Members, Text, is_string, number, read, write_text};
use super::super::values::{read_effort, read_tier};
use super::WORDS;
use super::read_items::{InputWire, read_input};
use super::read_tools::read_tools;
use crate::dialect::{Endpoint, RequestFault};

/// Hints, and what concerns only this gateway or the keeping of answers.
const DROPPED: [&str; 13] = [
    "model",
    "models",
    "store",
    "include",
    "stream_options",
    "truncation",
    "context_management",
    "prompt_cache_options",
    "prompt_cache_retention",
    "client_metadata",
    "max_tool_calls",
    "user",
    "safety_identifier",
];

/// What needs state at the provider.
const STATEFUL: [&str; 5] =
    ["previous_response_id", "conversation", "prompt", "background", "background_options"];

/// What changes the answer in a way that no other dialect has.
const REFUSED: [&str; 6] = ["top_logprobs", "moderation", "modalities", "audio", "access_programs", "image"];

const NO_STATE: &str = "this gateway keeps no conversation state; resend the full input";
const ELSEWHERE: &str = "the chosen model has no counterpart for it; leave it out or choose another model";

/// What an answer repeats of its request, as it was written, and what stands there otherwise.
const ECHOED: [(&str, &str); 11] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_p", "null"),
    ("truncation", "\"disabled\""),
];

/// Reads a request.
///
/// # Errors
/// Names the field that is malformed or that no other dialect can say.
pub(in crate::translate) fn read_request(body: &[u8]) -> Result<Conversation<'_>, RequestFault> {
    let (mut members, input) = Members::of_body(body, "input", InputWire::read_first)?;
    let mut talk = Conversation::new(Endpoint::Responses, &WORDS);
    talk.echo = echo(&members);
    talk.names_user = members.has("user") || members.has("safety_identifier");
    talk.cache_key = members.read("prompt_cache_key")?;
    members.drop_all(&DROPPED);
    members.drop_all(&["metadata"]);
    members.refuse(&STATEFUL, NO_STATE)?;
    members.refuse(&REFUSED, ELSEWHERE)?;

    if let Some(instructions) = members.read::<Text<'_>>("instructions")? {
        talk.system.push(Part::text(instructions));
    }
    read_tools(&mut members, &mut talk)?;
    read_input(input.ok_or(RequestFault::missing("input"))??, &mut talk)?;
    talk.output_limit = members.read("max_output_tokens")?;
    talk.sampling =
        Sampling { temperature: number(&mut members, "temperature")?, top_p: number(&mut members, "top_p")? };
    read_reasoning(&mut members, &mut talk)?;
    read_text(&mut members, &mut talk)?;
    if let Some(choice) = members.take("tool_choice") {
        talk.choice = Some(read_choice(choice)?);
    }
    talk.parallel = match members.read::<bool>("parallel_tool_calls")? {
        None => Parallel::Unsaid,
        Some(true) => Parallel::Allowed,
        Some(false) => Parallel::Forbidden,
    };
    if let Some(tier) = members.read::<Text<'_>>("service_tier")? {
        talk.tier = read_tier(&tier)?;
    }
    talk.delivery = Delivery { stream: members.read("stream")?.unwrap_or(false), ..Delivery::default() };
    members.finish()?;
    Ok(talk)
}

fn echo(members: &Members<'_>) -> String {
    let mut echo = String::new();
    for (name, absent) in ECHOED {
        let given = members.0.iter().find(|(known, value)| known == name && value.get() != "null");
        let value = given.map_or(absent, |(_name, value)| value.get());
        echo.push_str(&format!(",{}:{value}", write_text(name)));
    }
    // Line ends, which can only stand between tokens, would end a line of an event.
    echo.replace(['\n', '\r'], " ")
}

#[derive(Default, Deserialize)]
struct Reasoning<'a> {
    #[serde(borrow, default)]
    effort: Option<Text<'a>>,
    #[serde(borrow, default)]
    summary: Option<Text<'a>>,
    /// The older name of the same.
    #[serde(borrow, default)]
    generate_summary: Option<Text<'a>>,
}

fn read_reasoning<'a>(members: &mut Members<'a>, talk: &mut Conversation<'a>) -> Result<(), RequestFault> {
    let Reasoning { effort, summary, generate_summary } = members.read("reasoning")?.unwrap_or_default();
    talk.effort = effort.map(|effort| read_effort(&effort, WORDS.effort)).transpose()?;
    talk.shows_reasoning = match summary.or(generate_summary) {
        None => Show::Unsaid,
        Some(summary) if summary.is("none") => Show::Nothing,
        Some(_) => Show::Summary,
    };
    Ok(())
}

#[derive(Default, Deserialize)]
struct TextConfig<'a> {
    #[serde(borrow, default)]
    format: Option<FormatWire<'a>>,
    #[serde(borrow, default)]
    verbosity: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct FormatWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    schema: Option<&'a RawValue>,
    #[serde(default)]
    strict: Option<bool>,
}

fn read_text<'a>(members: &mut Members<'a>, talk: &mut Conversation<'a>) -> Result<(), RequestFault> {
    let TextConfig { format, verbosity } = members.read("text")?.unwrap_or_default();
    talk.verbosity = verbosity;
    let Some(FormatWire { r#type, name, description, schema, strict }) = format else { return Ok(()) };
    talk.format = match (r#type.decode().as_ref(), schema) {
        ("text", _) => None,
        ("json_object", _) => Some(Format::Object),
        ("json_schema", Some(schema)) => Some(Format::Schema(Schema { name, description, schema, strict })),
        ("json_schema", None) => return Err(RequestFault::missing("text.format.schema")),
        _ => return Err(RequestFault::unsupported(WORDS.format, ELSEWHERE)),
    };
    Ok(())
}

#[derive(Deserialize)]
struct ChoiceWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    namespace: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    mode: Option<Text<'a>>,
    #[serde(borrow, default)]
    tools: Option<Vec<AllowedTool<'a>>>,
}

#[derive(Deserialize)]
struct AllowedTool<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

fn read_choice<'a>(value: &'a RawValue) -> Result<Choice<'a>, RequestFault> {
    const EXPECTED: &str = "expected none, auto, required, or an object that names a function or custom tool";
    if is_string(value) {
        return match read::<Text<'_>>(value, WORDS.choice)?.decode().as_ref() {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" => Ok(Choice::Required),
            _ => Err(RequestFault::wrong(WORDS.choice, EXPECTED)),
        };
    }
    let ChoiceWire { r#type, namespace, name, mode, tools } = read::<ChoiceWire<'a>>(value, WORDS.choice)?;
    match (r#type.decode().as_ref(), name, tools) {
        ("function", Some(name), _) => Ok(Choice::Tool { namespace, name, input: InputKind::Object }),
        ("custom", Some(name), _) => Ok(Choice::Tool { namespace, name, input: InputKind::Free }),
        ("allowed_tools", _, Some(tools)) => Ok(Choice::Among {
            names: tools.into_iter().filter_map(|tool| tool.name).collect(),
            required: mode.is_some_and(|mode| mode.is("required")),
        }),
        _ => Err(RequestFault::unsupported(WORDS.choice, EXPECTED)),
    }
}
