//! A request of the Responses API, written.

use std::borrow::Cow;

use super::super::super::conversation::{
    Choice, Conversation, Effort, Format, InputKind, Parallel, Part, PartKind, Schema, Show, Takes, Tool,
    Words,
};
use super::super::super::json::{Text, write_long};
use super::super::super::names::ToolNames;
use super::super::super::target::Target;
use super::super::model::Gpt;
use super::super::settings::{
    OUTPUT_LIMIT_MIN, SCHEMA_NAME, effort, format_is_strict, parameters, service_tier, tool_is_strict,
};
use super::wire::{self, Body, Grammar, Reasoning, TextConfig, ToolChoice, ToolChoiceObject};
use super::write_items::{Rules, items};
use crate::dialect::RequestFault;

/// Writes a request. Stop sequences are not in it: whoever relays the answer cuts it.
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
    let samples = gpt.samples(effort);
    let summary = (gpt.may_reason() && talk.shows_reasoning == Show::Summary).then_some("auto");
    let has_reasoning = effort.is_some() || summary.is_some();
    let tools =
        talk.tools.iter().map(|tool| write_tool(tool, &talk, names)).collect::<Result<Vec<_>, _>>()?;
    let tool_choice =
        if tools.is_empty() { None } else { talk.choice.as_ref().map(|choice| write_choice(choice, names)) };
    let instructions = instructions(&talk.system, words)?;
    let text = text_config(&talk);
    let Conversation {
        items: done, output_limit, sampling, tier, delivery, parallel, cache_key, length, ..
    } = talk;
    let rules = Rules { words, model: target.model, names };
    let body = Body {
        model: target.model,
        stream: delivery.stream,
        store: false,
        include: gpt.may_reason().then_some(["reasoning.encrypted_content"]),
        max_output_tokens: output_limit.map(|limit| limit.min(target.output_limit).max(OUTPUT_LIMIT_MIN)),
        temperature: sampling.temperature.filter(|_number| samples),
        top_p: sampling.top_p.filter(|_number| samples),
        reasoning: has_reasoning.then_some(Reasoning { effort: effort.map(Effort::as_str), summary }),
        text,
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
        instructions,
        input: items(done, rules)?,
    };
    if body.input.is_empty() {
        return Err(RequestFault::wrong(words.items, "at least one message is needed"));
    }
    Ok(write_long(&body, length))
}

fn instructions<'a>(system: &[Part<'a>], words: &Words) -> Result<Option<Text<'a>>, RequestFault> {
    let mut texts = Vec::with_capacity(system.len());
    for part in system {
        match &part.kind {
            PartKind::Text(text) if text.is_empty() => {}
            PartKind::Text(text) => texts.push(text),
            _ => return Err(RequestFault::unsupported(words.content, "a system message can only be text")),
        }
    }
    Ok(match texts.as_slice() {
        [] => None,
        [one] => Some((*one).clone()),
        several => {
            let texts: Vec<Cow<'_, str>> = several.iter().map(|text| text.decode()).collect();
            Some(Text::from(texts.join("\n\n")))
        }
    })
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
            name: names.outgoing(namespace.as_ref(), name, InputKind::Object),
            description,
            parameters: parameters(*schema, talk.words)?,
            strict: tool_is_strict(*strict, *schema, talk.client),
        },
        Takes::Free { grammar } => wire::Tool::Custom {
            name: names.outgoing(namespace.as_ref(), name, InputKind::Free),
            description,
            format: grammar.as_ref().map(|grammar| Grammar::Grammar {
                syntax: grammar.syntax.clone(),
                definition: grammar.definition.clone(),
            }),
        },
    })
}

fn write_choice<'a>(choice: &Choice<'a>, names: &mut ToolNames) -> ToolChoice<'a> {
    let mut object = |namespace: Option<&Text<'_>>, name: &Text<'a>, input: InputKind| {
        let name = names.outgoing(namespace, name.clone(), input);
        match input {
            InputKind::Object => ToolChoiceObject::Function { name },
            InputKind::Free => ToolChoiceObject::Custom { name },
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
            mode: if *required { "required" } else { "auto" },
            tools: among.iter().map(|name| object(None, name, InputKind::Object)).collect(),
        }),
    }
}

fn text_config<'a>(talk: &Conversation<'a>) -> Option<TextConfig<'a>> {
    let format = talk.format.as_ref().map(|format| match format {
        Format::Object => wire::Format::JsonObject,
        Format::Schema(wanted) => {
            let Schema { name, description, schema, .. } = wanted;
            wire::Format::JsonSchema {
                name: name.clone().unwrap_or_else(|| Text::from(SCHEMA_NAME)),
                description: description.clone(),
                schema,
                strict: format_is_strict(wanted, talk.client),
            }
        }
    });
    let verbosity = talk.verbosity.clone();
    (format.is_some() || verbosity.is_some()).then_some(TextConfig { format, verbosity })
}
