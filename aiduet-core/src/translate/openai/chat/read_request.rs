//! A request of Chat Completions, read.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::conversation::{
    Choice, Conversation, Delivery, Format, InputKind, Parallel, Sampling, Schema, Takes, Tool,
};
use super::super::super::json::{Members, Text, is_string, number, read, read_first};
use super::super::values::{GrammarWire, read_effort, read_tier};
use super::WORDS;
use super::read_message::{Message, read_messages};
use crate::dialect::{Endpoint, RequestFault};

/// Hints, and what concerns only this gateway or the keeping of answers.
const DROPPED: [&str; 10] = [
    "model",
    "models",
    "store",
    "metadata",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "prompt_cache_options",
    "prompt_cache_retention",
    "user",
];

/// What changes the number or kind of answers.
const REFUSED: [&str; 8] = [
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "prediction",
    "audio",
    "web_search_options",
    "moderation",
    "previous_response_id",
];

const ELSEWHERE: &str = "the chosen model has no counterpart for it; leave it out or choose another model";

/// Reads a request.
///
/// # Errors
/// Names the field that is malformed or that no other dialect can say.
pub(in crate::translate) fn read_request(body: &[u8]) -> Result<Conversation<'_>, RequestFault> {
    let (mut members, messages) = Members::of_body(body, "messages", read_first::<Vec<Message<'_>>>)?;
    let mut talk = Conversation::new(Endpoint::ChatCompletions, &WORDS);
    talk.names_user = members.has("user") || members.has("safety_identifier");
    talk.cache_key = members.read("prompt_cache_key")?;
    members.drop_all(&DROPPED);
    members.drop_all(&["safety_identifier"]);
    members.refuse(&REFUSED, ELSEWHERE)?;
    if members.read::<u64>("n")?.is_some_and(|count| count != 1) {
        return Err(RequestFault::unsupported("n", ELSEWHERE));
    }
    read_modalities(&mut members)?;

    read_messages(messages.ok_or(RequestFault::missing("messages"))??, &mut talk)?;
    read_limits(&mut members, &mut talk)?;
    read_tools(&mut members, &mut talk)?;
    talk.delivery = read_delivery(&mut members, talk.delivery)?;
    if let Some(format) = members.read::<FormatWire<'_>>("response_format")? {
        talk.format = format.read()?;
    }
    talk.verbosity = members.read("verbosity")?;
    if let Some(tier) = members.read::<Text<'_>>("service_tier")? {
        talk.tier = read_tier(&tier)?;
    }
    members.finish()?;
    Ok(talk)
}

fn read_modalities(members: &mut Members<'_>) -> Result<(), RequestFault> {
    let modalities = members.read::<Vec<Text<'_>>>("modalities")?.unwrap_or_default();
    if modalities.iter().all(|name| name.is("text")) {
        Ok(())
    } else {
        Err(RequestFault::unsupported("modalities", ELSEWHERE))
    }
}

fn read_limits<'a>(members: &mut Members<'a>, talk: &mut Conversation<'a>) -> Result<(), RequestFault> {
    let older = members.read::<u64>("max_tokens")?;
    talk.output_limit = members.read::<u64>("max_completion_tokens")?.or(older);
    talk.sampling =
        Sampling { temperature: number(members, "temperature")?, top_p: number(members, "top_p")? };
    talk.stop = match members.take("stop") {
        None => Vec::new(),
        Some(one) if is_string(one) => vec![read(one, "stop")?],
        Some(several) => read(several, "stop")?,
    };
    if let Some(effort) = members.read::<Text<'_>>("reasoning_effort")? {
        talk.effort = Some(read_effort(&effort, "reasoning_effort")?);
    }
    Ok(())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions {
    include_usage: Option<bool>,
}

fn read_delivery(members: &mut Members<'_>, known: Delivery) -> Result<Delivery, RequestFault> {
    let stream = members.read("stream")?.unwrap_or(false);
    let options: StreamOptions = members.read("stream_options")?.unwrap_or_default();
    Ok(Delivery { stream, usage: options.include_usage.unwrap_or(false), ..known })
}

#[derive(Deserialize)]
struct FormatWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    json_schema: Option<SchemaWire<'a>>,
}

#[derive(Deserialize)]
struct SchemaWire<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    schema: Option<&'a RawValue>,
    #[serde(default)]
    strict: Option<bool>,
}

impl<'a> FormatWire<'a> {
    fn read(self) -> Result<Option<Format<'a>>, RequestFault> {
        let Self { r#type, json_schema } = self;
        match (r#type.decode().as_ref(), json_schema) {
            ("text", _) => Ok(None),
            ("json_object", _) => Ok(Some(Format::Object)),
            ("json_schema", Some(SchemaWire { name, description, schema: Some(schema), strict })) => {
                Ok(Some(Format::Schema(Schema { name, description, schema, strict })))
            }
            ("json_schema", _) => Err(RequestFault::missing("response_format.json_schema.schema")),
            _ => Err(RequestFault::unsupported("response_format.type", ELSEWHERE)),
        }
    }
}

#[derive(Deserialize)]
struct ToolWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    function: Option<FunctionWire<'a>>,
    #[serde(borrow, default)]
    custom: Option<CustomWire<'a>>,
}

#[derive(Deserialize)]
struct FunctionWire<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    parameters: Option<&'a RawValue>,
    #[serde(default)]
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct CustomWire<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    format: Option<CustomFormat<'a>>,
}

#[derive(Deserialize)]
struct CustomFormat<'a> {
    #[serde(borrow, default)]
    grammar: Option<GrammarWire<'a>>,
}

impl<'a> FunctionWire<'a> {
    fn tool(self) -> Tool<'a> {
        let Self { name, description, parameters, strict } = self;
        Tool {
            namespace: None,
            name,
            description,
            takes: Takes::Object { schema: parameters, strict },
            cache: None,
        }
    }
}

impl<'a> ToolWire<'a> {
    fn read(self) -> Result<Tool<'a>, RequestFault> {
        let Self { r#type, function, custom } = self;
        match (r#type.decode().as_ref(), function, custom) {
            ("function", Some(function), _) => Ok(function.tool()),
            ("custom", _, Some(CustomWire { name, description, format })) => {
                let grammar = format.and_then(|format| format.grammar).map(Into::into);
                Ok(Tool { namespace: None, name, description, takes: Takes::Free { grammar }, cache: None })
            }
            ("function", None, _) => Err(RequestFault::missing("tools.function")),
            ("custom", _, None) => Err(RequestFault::missing("tools.custom")),
            _ => Err(RequestFault::unsupported(
                "tools.type",
                "only function and custom tools can be translated",
            )),
        }
    }
}

fn read_tools<'a>(members: &mut Members<'a>, talk: &mut Conversation<'a>) -> Result<(), RequestFault> {
    for tool in members.read::<Vec<ToolWire<'a>>>("tools")?.unwrap_or_default() {
        talk.tools.push(tool.read()?);
    }
    if let Some(choice) = members.take("tool_choice") {
        talk.choice = Some(read_choice(choice)?);
    }
    talk.parallel = match members.read::<bool>("parallel_tool_calls")? {
        None => Parallel::Unsaid,
        Some(true) => Parallel::Allowed,
        Some(false) => Parallel::Forbidden,
    };
    if let Some(functions) = members.read::<Vec<FunctionWire<'a>>>("functions")? {
        talk.delivery.legacy_tools = true;
        talk.tools.extend(functions.into_iter().map(FunctionWire::tool));
    }
    if let Some(choice) = members.take("function_call") {
        talk.delivery.legacy_tools = true;
        talk.choice = Some(read_function_call(choice)?);
    }
    Ok(())
}

#[derive(Deserialize)]
struct ChoiceWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    function: Option<Named<'a>>,
    #[serde(borrow, default)]
    custom: Option<Named<'a>>,
    #[serde(borrow, default)]
    allowed_tools: Option<Allowed<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize)]
struct Allowed<'a> {
    #[serde(borrow)]
    mode: Text<'a>,
    #[serde(borrow)]
    tools: Vec<ChoiceTool<'a>>,
}

#[derive(Deserialize)]
struct ChoiceTool<'a> {
    #[serde(borrow, default)]
    function: Option<Named<'a>>,
    #[serde(borrow, default)]
    custom: Option<Named<'a>>,
}

fn read_choice<'a>(value: &'a RawValue) -> Result<Choice<'a>, RequestFault> {
    const FIELD: &str = "tool_choice";
    const EXPECTED: &str = "expected none, auto, required, or an object that names a tool";
    if is_string(value) {
        return match read::<Text<'_>>(value, FIELD)?.decode().as_ref() {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" => Ok(Choice::Required),
            _ => Err(RequestFault::wrong(FIELD, EXPECTED)),
        };
    }
    let ChoiceWire { r#type, function, custom, allowed_tools } = read::<ChoiceWire<'a>>(value, FIELD)?;
    match (r#type.decode().as_ref(), function, custom, allowed_tools) {
        ("function", Some(Named { name }), _, _) => {
            Ok(Choice::Tool { namespace: None, name, input: InputKind::Object })
        }
        ("custom", _, Some(Named { name }), _) => {
            Ok(Choice::Tool { namespace: None, name, input: InputKind::Free })
        }
        ("allowed_tools", _, _, Some(Allowed { mode, tools })) => {
            let names =
                tools.into_iter().filter_map(|tool| tool.function.or(tool.custom)).map(|named| named.name);
            Ok(Choice::Among { names: names.collect(), required: mode.is("required") })
        }
        _ => Err(RequestFault::wrong(FIELD, EXPECTED)),
    }
}

fn read_function_call<'a>(value: &'a RawValue) -> Result<Choice<'a>, RequestFault> {
    const FIELD: &str = "function_call";
    if !is_string(value) {
        let Named { name } = read(value, FIELD)?;
        return Ok(Choice::Tool { namespace: None, name, input: InputKind::Object });
    }
    match read::<Text<'_>>(value, FIELD)?.decode().as_ref() {
        "auto" => Ok(Choice::Auto),
        "none" => Ok(Choice::None),
        _ => Err(RequestFault::wrong(FIELD, "expected none, auto, or an object that names a function")),
    }
}

/// Whether a request has tools and lets the model reason.
pub(in crate::translate) fn reasons_beside_tools(body: &[u8]) -> bool {
    let Ok((mut members, _messages)) = Members::of_body::<()>(body, "messages", |_messages| None) else {
        return false;
    };
    let answers_at_once =
        members.read::<Text<'_>>("reasoning_effort").ok().flatten().is_some_and(|effort| effort.is("none"));
    let has_tools = ["tools", "functions"].iter().any(|name| {
        members.take(name).is_some_and(|list| {
            serde_json::from_str::<Vec<&RawValue>>(list.get()).is_ok_and(|list| !list.is_empty())
        })
    });
    has_tools && !answers_at_once
}
