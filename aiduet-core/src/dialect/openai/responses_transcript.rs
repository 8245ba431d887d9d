//! Who said what in a Responses request.

use super::super::fault::RequestFault;
use super::super::json::{Kind, Scanner, Text};
use super::super::transcript::{Ask, Call, Conversation, Outcome, Part, Speaker, Transcript};
use super::super::value::{first_text, read_count, read_text};
use super::chat_transcript::{is_forced, read_content, read_tool};

type Read = Result<(), RequestFault>;

const FIELDS: [&str; 10] = [
    "instructions",
    "input",
    "tools",
    "tool_choice",
    "reasoning",
    "max_output_tokens",
    "top_logprobs",
    "temperature",
    "top_p",
    "prompt_cache_key",
];

pub(in crate::dialect) fn read<'a>(scanner: &mut Scanner<'a>, transcript: &mut Transcript<'a>) -> Read {
    scanner
        .object(&FIELDS, |scanner, name| match (name, scanner.peek()?) {
            ("instructions", _) => {
                transcript.system.extend(read_text(scanner)?);
                Ok(())
            }
            ("input", Kind::Array) => scanner.array(|item| read_item(item, transcript)).map(drop),
            ("input", Kind::String) => {
                let mark = transcript.mark();
                transcript.push_part(Part::Text(scanner.string()?));
                transcript.end_message(Speaker::User, mark);
                Ok(())
            }
            ("tools", Kind::Array) => {
                let tools = &mut transcript.tools;
                scanner.array(|tool| read_tool(tool, tools)).map(drop)
            }
            ("prompt_cache_key", _) => {
                transcript.conversation = read_text(scanner)?.map(|name| (Conversation::Cache, name));
                Ok(())
            }
            ("input" | "tools", _) => scanner.pass(),
            _ => read_demand(scanner, name, transcript),
        })
        .map(drop)
}

fn read_demand<'a>(scanner: &mut Scanner<'a>, name: &str, transcript: &mut Transcript<'a>) -> Read {
    let demands = &mut transcript.demands;
    match (name, scanner.peek()?) {
        ("tool_choice", _) => demands.forced_tool = Ask::from(is_forced(scanner)?),
        ("reasoning", Kind::Object) => drop(scanner.object(&["effort"], |inner, _effort| {
            let effort = read_text(inner)?;
            demands.no_thinking = Ask::from(effort.is_some_and(|effort| effort.is("none")));
            Ok(())
        })?),
        ("max_output_tokens", _) => demands.output_limit = read_count(scanner)?,
        ("top_logprobs", _) => {
            demands.probabilities = Ask::from(read_count(scanner)?.is_some_and(|most| most > 0));
        }
        ("temperature" | "top_p", Kind::Number) => {
            scanner.pass()?;
            demands.sampling = Ask::Yes;
        }
        _ => scanner.pass()?,
    }
    Ok(())
}

/// The fields of an item that matter, whatever its type is.
#[derive(Default)]
struct Item<'a> {
    kind: Option<Text<'a>>,
    role: Option<Text<'a>>,
    id: Option<Text<'a>>,
    call: Option<Text<'a>>,
    name: Option<Text<'a>>,
    input: &'a str,
    output: Option<Text<'a>>,
    proof: Option<Text<'a>>,
}

const ITEM_FIELDS: [&str; 12] = [
    "type",
    "role",
    "content",
    "id",
    "call_id",
    "name",
    "arguments",
    "input",
    "action",
    "operation",
    "output",
    "encrypted_content",
];

fn read_item<'a>(scanner: &mut Scanner<'a>, transcript: &mut Transcript<'a>) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    let mark = transcript.mark();
    let mut item = Item::default();
    scanner.object(&ITEM_FIELDS, |scanner, name| {
        match name {
            "type" => item.kind = read_text(scanner)?,
            "role" => item.role = read_text(scanner)?,
            "content" => read_content(scanner, transcript)?,
            "id" => item.id = read_text(scanner)?,
            "call_id" => item.call = read_text(scanner)?,
            "name" => item.name = read_text(scanner)?,
            "output" => item.output = first_text(scanner)?,
            "encrypted_content" => item.proof = read_text(scanner)?,
            _ => {
                scanner.peek()?;
                let start = scanner.offset();
                scanner.pass()?;
                item.input = scanner.since(start);
            }
        }
        Ok(())
    })?;
    let kind = item.kind.map(Text::decode).unwrap_or_default();
    let speaker = match (&*kind, item.role) {
        ("message" | "", role) => match &*role.map(Text::decode).unwrap_or_default() {
            "assistant" => Speaker::Assistant,
            "system" | "developer" => Speaker::System,
            _ => Speaker::User,
        },
        ("reasoning", _) => {
            transcript.push_part(Part::Reasoning(item.proof));
            Speaker::Assistant
        }
        (kind, _) if kind.ends_with("_output") => {
            transcript.push_part(Part::Outcome(Outcome { call: item.call, text: item.output }));
            Speaker::Tool
        }
        (kind, _) if kind.ends_with("_call") => {
            // A call without a name of its own is called like its type.
            let name = item.name.or(item.kind);
            transcript.push_part(Part::Call(Call { id: item.call.or(item.id), name, input: item.input }));
            Speaker::Assistant
        }
        _ => {
            transcript.push_part(Part::Other);
            Speaker::Assistant
        }
    };
    transcript.end_message(speaker, mark);
    Ok(())
}
