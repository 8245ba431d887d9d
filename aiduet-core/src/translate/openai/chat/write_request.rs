//! A request of Chat Completions, written.

use super::super::super::conversation::{
    Choice, Conversation, Effort, Format, InputKind, Parallel, Schema, Takes, Tool,
};
use super::super::super::json::{Text, write_long};
use super::super::super::names::ToolNames;
use super::super::super::target::Target;
use super::super::model::Gpt;
use super::super::settings::{
    OUTPUT_LIMIT_MIN, SCHEMA_NAME, effort, format_is_strict, parameters, service_tier, tool_is_strict,
};
use super::wire::{
    self, Allowed, Body, Custom, CustomFormat, Function, Grammar, JsonSchema, Named, StreamOptions,
    ToolChoice, ToolChoiceObject,
};
use super::write_messages::{Rules, messages};
use crate::dialect::RequestFault;

/// Stop sequences that a request may have.
const STOPS_MAX: usize = 4;

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
    let gpt = Gpt::of(target.model);
    let effort = effort(&talk, gpt);
    // Compatible providers have models of any name, and mostly the usual parameters.
    let samples = gpt.samples(effort) || gpt == Gpt::Unknown;
    let tools =
        talk.tools.iter().map(|tool| write_tool(tool, &talk, names)).collect::<Result<Vec<_>, _>>()?;
    let tool_choice =
        if tools.is_empty() { None } else { talk.choice.as_ref().map(|choice| write_choice(choice, names)) };
    let response_format = format(&talk);
    let Conversation {
        length,
        system,
        items,
        output_limit,
        sampling,
        tier,
        delivery,
        parallel,
        cache_key,
        verbosity,
        stop,
        ..
    } = talk;
    let body = Body {
        model: target.model,
        stream: delivery.stream.then_some(true),
        stream_options: delivery.stream.then_some(StreamOptions { include_usage: true }),
        max_completion_tokens: output_limit.map(|limit| limit.min(target.output_limit).max(OUTPUT_LIMIT_MIN)),
        temperature: sampling.temperature.filter(|_number| samples),
        top_p: sampling.top_p.filter(|_number| samples),
        stop: if stops_natively(target.model, stop.len()) { stop } else { Vec::new() },
        reasoning_effort: effort.map(Effort::as_str),
        verbosity,
        response_format,
        service_tier: service_tier(tier),
        safety_identifier: target.end_user,
        prompt_cache_key: target.cache_key.map(Text::from).or(cache_key),
        parallel_tool_calls: match parallel {
            Parallel::Allowed | Parallel::Forbidden if !tools.is_empty() => {
                Some(parallel == Parallel::Allowed)
            }
            Parallel::Allowed | Parallel::Forbidden | Parallel::Unsaid => None,
        },
        tool_choice,
        tools,
        messages: messages(system, items, Rules { words, gpt, names })?,
    };
    if body.messages.is_empty() {
        return Err(RequestFault::wrong(words.items, "at least one message is needed"));
    }
    Ok(write_long(&body, length))
}

/// Whether the provider stops at the stop sequences; where it does not, whoever relays the answer
/// cuts it.
pub(in crate::translate) fn stops_natively(model: &str, stops: usize) -> bool {
    stops <= STOPS_MAX && !matches!(Gpt::of(model), Gpt::Reasons { .. })
}

fn write_tool<'a>(
    tool: &Tool<'a>,
    talk: &Conversation<'a>,
    names: &mut ToolNames,
) -> Result<wire::Tool<'a>, RequestFault> {
    let Tool { namespace, name, description, takes, cache: _ } = tool;
    let (name, description) = (name.clone(), description.clone());
    Ok(match takes {
        Takes::Object { schema, strict } => wire::Tool::Function {
            function: Function {
                name: names.outgoing(namespace.as_ref(), name, InputKind::Object),
                description,
                parameters: parameters(*schema, talk.words)?,
                // Left out where it is not meant: compatible providers may not know it.
                strict: tool_is_strict(*strict, *schema, talk.client).then_some(true),
            },
        },
        Takes::Free { grammar } => wire::Tool::Custom {
            custom: Custom {
                name: names.outgoing(namespace.as_ref(), name, InputKind::Free),
                description,
                format: grammar.as_ref().map(|grammar| CustomFormat::Grammar {
                    grammar: Grammar {
                        syntax: grammar.syntax.clone(),
                        definition: grammar.definition.clone(),
                    },
                }),
            },
        },
    })
}

fn write_choice<'a>(choice: &Choice<'a>, names: &mut ToolNames) -> ToolChoice<'a> {
    let mut object = |namespace: Option<&Text<'_>>, name: &Text<'a>, input: InputKind| {
        let named = Named { name: names.outgoing(namespace, name.clone(), input) };
        match input {
            InputKind::Object => ToolChoiceObject::Function { function: named },
            InputKind::Free => ToolChoiceObject::Custom { custom: named },
        }
    };
    match choice {
        Choice::Auto => ToolChoice::Mode("auto"),
        Choice::None => ToolChoice::Mode("none"),
        Choice::Required => ToolChoice::Mode("required"),
        Choice::Tool { namespace, name, input } => {
            ToolChoice::Object(object(namespace.as_ref(), name, *input))
        }
        Choice::Among { names: among, required } => ToolChoice::Object(ToolChoiceObject::AllowedTools {
            allowed_tools: Allowed {
                mode: if *required { "required" } else { "auto" },
                tools: among.iter().map(|name| object(None, name, InputKind::Object)).collect(),
            },
        }),
    }
}

fn format<'a>(talk: &Conversation<'a>) -> Option<wire::Format<'a>> {
    talk.format.as_ref().map(|format| match format {
        Format::Object => wire::Format::JsonObject,
        Format::Schema(wanted) => {
            let Schema { name, description, schema, .. } = wanted;
            wire::Format::JsonSchema {
                json_schema: JsonSchema {
                    name: name.clone().unwrap_or_else(|| Text::from(SCHEMA_NAME)),
                    description: description.clone(),
                    schema,
                    strict: format_is_strict(wanted, talk.client),
                },
            }
        }
    })
}
