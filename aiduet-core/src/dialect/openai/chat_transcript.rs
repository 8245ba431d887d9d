//! Who said what in a Chat Completions request.

use super::super::fault::RequestFault;
use super::super::json::{Kind, Scanner, Text};
use super::super::transcript::{Ask, Call, Conversation, Offered, Outcome, Part, Speaker, Transcript};
use super::super::value::{read_count, read_text};

type Read = Result<(), RequestFault>;

const FIELDS: [&str; 14] = [
    "messages",
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "reasoning_effort",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
    "logprobs",
    "top_logprobs",
    "prompt_cache_key",
];

pub(in crate::dialect) fn read<'a>(scanner: &mut Scanner<'a>, transcript: &mut Transcript<'a>) -> Read {
    scanner
        .object(&FIELDS, |scanner, name| match name {
            "messages" => scanner.array(|message| read_message(message, transcript)).map(drop),
            "tools" | "functions" => {
                let tools = &mut transcript.tools;
                scanner.optional(|list| list.array(|tool| read_tool(tool, tools))).map(drop)
            }
            "prompt_cache_key" => {
                transcript.conversation = read_text(scanner)?.map(|name| (Conversation::Cache, name));
                Ok(())
            }
            _ => read_demand(scanner, name, transcript),
        })
        .map(drop)
}

fn read_demand<'a>(scanner: &mut Scanner<'a>, name: &str, transcript: &mut Transcript<'a>) -> Read {
    let demands = &mut transcript.demands;
    match name {
        "tool_choice" | "function_call" => demands.forced_tool = Ask::from(is_forced(scanner)?),
        "reasoning_effort" => {
            let effort = read_text(scanner)?;
            demands.no_thinking = Ask::from(effort.is_some_and(|effort| effort.is("none")));
        }
        "max_tokens" | "max_completion_tokens" => {
            demands.output_limit = demands.output_limit.max(read_count(scanner)?);
        }
        "n" => demands.several = Ask::from(read_count(scanner)?.is_some_and(|choices| choices > 1)),
        "logprobs" | "top_logprobs" => {
            let asked = match scanner.peek()? {
                Kind::Bool => scanner.boolean()?,
                Kind::Number => read_count(scanner)?.is_some_and(|most| most > 0),
                Kind::Object | Kind::Array | Kind::String | Kind::Null => scanner.pass().map(|()| false)?,
            };
            if asked {
                demands.probabilities = Ask::Yes;
            }
        }
        _ => {
            if scanner.optional(|value| value.pass())?.is_some() {
                demands.sampling = Ask::Yes;
            }
        }
    }
    Ok(())
}

/// Whether a tool choice names a tool or demands one: `required`, or an object that is not a mere
/// list of what is allowed.
pub(super) fn is_forced(scanner: &mut Scanner<'_>) -> Result<bool, RequestFault> {
    if scanner.peek()? != Kind::Object {
        return Ok(read_text(scanner)?.is_some_and(|choice| choice.is("required")));
    }
    let mut forced = true;
    scanner.object(&["type", "mode", "allowed_tools"], |scanner, name| {
        match (name, scanner.peek()?) {
            ("allowed_tools", Kind::Object) => drop(scanner.object(&["mode"], |inner, _mode| {
                forced = read_text(inner)?.is_some_and(|mode| mode.is("required"));
                Ok(())
            })?),
            ("mode", _) => forced = read_text(scanner)?.is_some_and(|mode| mode.is("required")),
            _ => scanner.pass()?,
        }
        Ok(())
    })?;
    Ok(forced)
}

/// A tool: its name stands in the tool, or in the object that is called like its type.
pub(super) fn read_tool<'a>(scanner: &mut Scanner<'a>, tools: &mut Vec<Offered<'a>>) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    let mut tool = Offered { name: None, kind: None };
    scanner.object(&["type", "name", "function", "custom", "tools"], |scanner, name| {
        match (name, scanner.peek()?) {
            ("type", _) => tool.kind = read_text(scanner)?,
            ("name", _) => tool.name = read_text(scanner)?,
            ("function" | "custom", Kind::Object) => drop(scanner.object(&["name"], |inner, _name| {
                tool.name = read_text(inner)?;
                Ok(())
            })?),
            ("tools", Kind::Array) => drop(scanner.array(|inner| read_tool(inner, tools))?),
            _ => scanner.pass()?,
        }
        Ok(())
    })?;
    tools.push(tool);
    Ok(())
}

fn read_message<'a>(scanner: &mut Scanner<'a>, transcript: &mut Transcript<'a>) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    let mark = transcript.mark();
    let mut role = None;
    let mut call = None;
    scanner.object(
        &["role", "content", "tool_calls", "function_call", "tool_call_id"],
        |scanner, name| {
            match (name, scanner.peek()?) {
                ("role", _) => role = read_text(scanner)?,
                ("tool_call_id", _) => call = read_text(scanner)?,
                ("content", _) => read_content(scanner, transcript)?,
                ("tool_calls", Kind::Array) => drop(scanner.array(|call| {
                    let part = read_call(call)?;
                    transcript.push_part(part);
                    Ok(())
                })?),
                ("function_call", Kind::Object) => {
                    let part = read_call(scanner)?;
                    transcript.push_part(part);
                }
                _ => scanner.pass()?,
            }
            Ok(())
        },
    )?;
    let speaker = match &*role.map(Text::decode).unwrap_or_default() {
        "assistant" => Speaker::Assistant,
        "system" | "developer" => Speaker::System,
        "tool" | "function" => Speaker::Tool,
        _ => Speaker::User,
    };
    if speaker == Speaker::Tool {
        transcript.push_part(Part::Outcome(Outcome { call, text: None }));
    }
    transcript.end_message(speaker, mark);
    Ok(())
}

/// A call of Chat Completions: its name and arguments stand in the object that is called like its
/// type.
fn read_call<'a>(scanner: &mut Scanner<'a>) -> Result<Part<'a>, RequestFault> {
    if scanner.peek()? != Kind::Object {
        return scanner.pass().map(|()| Part::Other);
    }
    let mut call = Call { id: None, name: None, input: "" };
    scanner.object(&["id", "name", "function", "custom"], |scanner, name| {
        match (name, scanner.peek()?) {
            ("id", _) => call.id = read_text(scanner)?,
            ("name", _) => call.name = read_text(scanner)?,
            (_, Kind::Object) => {
                let start = scanner.offset();
                scanner.object(&["name"], |inner, _name| {
                    call.name = read_text(inner)?;
                    Ok(())
                })?;
                call.input = scanner.since(start);
            }
            _ => scanner.pass()?,
        }
        Ok(())
    })?;
    Ok(Part::Call(call))
}

/// A text, or a list of parts of it, of pictures and of files.
pub(super) fn read_content<'a>(scanner: &mut Scanner<'a>, transcript: &mut Transcript<'a>) -> Read {
    match scanner.peek()? {
        Kind::String => {
            transcript.push_part(Part::Text(scanner.string()?));
            Ok(())
        }
        Kind::Array => scanner
            .array(|part| {
                if part.peek()? != Kind::Object {
                    return part.pass();
                }
                let part = read_part(part)?;
                transcript.push_part(part);
                Ok(())
            })
            .map(drop),
        Kind::Object | Kind::Number | Kind::Bool | Kind::Null => scanner.pass(),
    }
}

fn read_part<'a>(scanner: &mut Scanner<'a>) -> Result<Part<'a>, RequestFault> {
    let mut kind = None;
    let mut text = None;
    scanner.object(&["type", "text"], |scanner, name| {
        if name == "type" {
            kind = read_text(scanner)?
        } else {
            text = read_text(scanner)?
        }
        Ok(())
    })?;
    Ok(match &*kind.map(Text::decode).unwrap_or_default() {
        "text" | "input_text" | "output_text" | "" => text.map_or(Part::Other, Part::Text),
        "image_url" | "input_image" => Part::Image,
        "file" | "input_file" | "input_audio" => Part::Document,
        _ => Part::Other,
    })
}
