//! Who said what in a Messages request.

use super::super::fault::RequestFault;
use super::super::json::{Kind, Scanner, Text};
use super::super::transcript::{Ask, Call, Conversation, Offered, Outcome, Part, Speaker, Transcript};
use super::super::value::{first_text, read_count, read_text};

type Read = Result<(), RequestFault>;

const FIELDS: [&str; 11] = [
    "system",
    "messages",
    "tools",
    "tool_choice",
    "thinking",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "mcp_servers",
    "metadata",
];

pub(in crate::dialect) fn read<'a>(scanner: &mut Scanner<'a>, transcript: &mut Transcript<'a>) -> Read {
    scanner
        .object(&FIELDS, |scanner, name| match name {
            "system" => read_system(scanner, transcript),
            "messages" => scanner.array(|message| read_message(message, transcript)).map(drop),
            "tools" => {
                let tools = &mut transcript.tools;
                scanner.optional(|list| list.array(|tool| read_tool(tool, tools))).map(drop)
            }
            "tool_choice" => {
                let kind = read_type(scanner)?;
                transcript.demands.forced_tool =
                    Ask::from(kind.is_some_and(|kind| kind.is("any") || kind.is("tool")));
                Ok(())
            }
            "thinking" => {
                let kind = read_type(scanner)?;
                transcript.demands.no_thinking = Ask::from(kind.is_some_and(|kind| kind.is("disabled")));
                Ok(())
            }
            "max_tokens" => {
                transcript.demands.output_limit = read_count(scanner)?;
                Ok(())
            }
            "mcp_servers" => {
                let servers = scanner.optional(|list| list.array(Scanner::pass))?;
                transcript.demands.remote_tools = Ask::from(servers.is_some_and(|servers| servers > 0));
                Ok(())
            }
            "metadata" => read_metadata(scanner, transcript),
            _ => {
                if scanner.optional(|value| value.pass())?.is_some() {
                    transcript.demands.sampling = Ask::Yes;
                }
                Ok(())
            }
        })
        .map(drop)
}

fn read_metadata<'a>(scanner: &mut Scanner<'a>, transcript: &mut Transcript<'a>) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    scanner
        .object(&["user_id"], |scanner, _user| {
            transcript.conversation = read_text(scanner)?.map(|user| (Conversation::User, user));
            Ok(())
        })
        .map(drop)
}

/// The `type` of an object; `None` for anything else.
fn read_type<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Text<'a>>, RequestFault> {
    let mut kind = None;
    if scanner.peek()? != Kind::Object {
        return scanner.pass().map(|()| None);
    }
    scanner.object(&["type"], |scanner, _type| {
        kind = read_text(scanner)?;
        Ok(())
    })?;
    Ok(kind)
}

fn read_system<'a>(scanner: &mut Scanner<'a>, transcript: &mut Transcript<'a>) -> Read {
    match scanner.peek()? {
        Kind::String => {
            transcript.system.push(scanner.string()?);
            Ok(())
        }
        Kind::Array => scanner
            .array(|block| {
                if block.peek()? != Kind::Object {
                    return block.pass();
                }
                block
                    .object(&["text"], |block, _text| {
                        transcript.system.extend(read_text(block)?);
                        Ok(())
                    })
                    .map(drop)
            })
            .map(drop),
        Kind::Object | Kind::Number | Kind::Bool | Kind::Null => scanner.pass(),
    }
}

fn read_tool<'a>(scanner: &mut Scanner<'a>, tools: &mut Vec<Offered<'a>>) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    let mut tool = Offered { name: None, kind: None };
    scanner.object(&["name", "type"], |scanner, name| {
        let text = read_text(scanner)?;
        if name == "name" {
            tool.name = text
        } else {
            tool.kind = text
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
    let mut speaker = Speaker::User;
    scanner.object(&["role", "content"], |scanner, name| {
        if name == "content" {
            return read_content(scanner, transcript);
        }
        if let Some(role) = read_text(scanner)? {
            speaker = match &*role.decode() {
                "assistant" => Speaker::Assistant,
                "system" => Speaker::System,
                _ => Speaker::User,
            };
        }
        Ok(())
    })?;
    transcript.end_message(speaker, mark);
    Ok(())
}

fn read_content<'a>(scanner: &mut Scanner<'a>, transcript: &mut Transcript<'a>) -> Read {
    match scanner.peek()? {
        Kind::String => {
            transcript.push_part(Part::Text(scanner.string()?));
            Ok(())
        }
        Kind::Array => scanner
            .array(|block| {
                if block.peek()? != Kind::Object {
                    return block.pass();
                }
                let part = read_block(block)?;
                transcript.push_part(part);
                Ok(())
            })
            .map(drop),
        Kind::Object | Kind::Number | Kind::Bool | Kind::Null => scanner.pass(),
    }
}

/// The fields of a block that matter, whatever its type is.
#[derive(Default)]
struct Block<'a> {
    kind: Option<Text<'a>>,
    text: Option<Text<'a>>,
    id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    input: &'a str,
    call: Option<Text<'a>>,
    content: Option<Text<'a>>,
    proof: Option<Text<'a>>,
}

const BLOCK_FIELDS: [&str; 9] =
    ["type", "text", "id", "name", "input", "tool_use_id", "content", "signature", "data"];

fn read_block<'a>(scanner: &mut Scanner<'a>) -> Result<Part<'a>, RequestFault> {
    let mut block = Block::default();
    scanner.object(&BLOCK_FIELDS, |scanner, name| {
        match name {
            "type" => block.kind = read_text(scanner)?,
            "text" => block.text = read_text(scanner)?,
            "id" => block.id = read_text(scanner)?,
            "name" => block.name = read_text(scanner)?,
            "tool_use_id" => block.call = read_text(scanner)?,
            "input" => {
                scanner.peek()?;
                let start = scanner.offset();
                scanner.pass()?;
                block.input = scanner.since(start);
            }
            "content" => block.content = first_text(scanner)?,
            _ => block.proof = read_text(scanner)?,
        }
        Ok(())
    })?;
    let Block { kind, text, id, name, input, call, content, proof } = block;
    Ok(match &*kind.map(Text::decode).unwrap_or_default() {
        "text" | "" => text.map_or(Part::Other, Part::Text),
        "tool_use" | "server_tool_use" => Part::Call(Call { id, name, input }),
        "tool_result" => Part::Outcome(Outcome { call, text: content }),
        "thinking" | "redacted_thinking" => Part::Reasoning(proof),
        "image" => Part::Image,
        "document" => Part::Document,
        _ => Part::Other,
    })
}
