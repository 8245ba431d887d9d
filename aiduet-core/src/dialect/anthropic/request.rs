//! Requests of the Messages API.

use super::super::fault::{FaultKind, RequestFault};
use super::super::head::{
    FALLBACKS, RequestHead, read_cache_mark, read_choice, read_tier, refuse_unless_empty,
};
use super::super::json::{Braces, Kind, Scanner};
use crate::usage::ServiceTier;

type Read = Result<(), RequestFault>;

/// The life of a cache write that costs the usual rate; the other one is an hour.
const SHORT_LIFE: &str = "5m";

/// Web searches that are assumed when a tool has no `max_uses`. More are billed as they come.
const SEARCHES_ASSUMED: u64 = 16;

const FIELDS: [&str; 20] = [
    "model",
    FALLBACKS,
    "max_tokens",
    "stream",
    "messages",
    "system",
    "tools",
    "cache_control",
    "metadata",
    "service_tier",
    "speed",
    "inference_geo",
    "container",
    "mcp_servers",
    "fallbacks",
    "fallback_credit_token",
    "billing_policy",
    "diagnostics",
    "thread",
    "compaction",
];

/// Types of tools that run at the client, or cost nothing beside their tokens; a version follows.
const FREE_TOOLS: [&str; 5] = ["bash_", "browser_", "computer_", "memory_", "text_editor_"];

/// What the schema of such a tool adds to the prompt at most, in tokens; the largest documented
/// ones have less than a thousand.
const TOOL_TOKENS: u64 = 4_096;

/// A tool without a fee that makes the provider read the prompt again; a version follows.
const TOOL_SEARCH: &str = "tool_search_tool_";

/// A tool with a price per call; a version follows.
const SEARCH_TOOL: &str = "web_search_";

pub(in crate::dialect) fn read_messages(
    scanner: &mut Scanner<'_>,
    head: &mut RequestHead,
) -> Result<Braces, RequestFault> {
    let braces = read_count(scanner, head)?;
    if head.output_limit.is_none() {
        return Err(RequestFault::missing("max_tokens"));
    }
    Ok(braces)
}

/// The same fields, none of which says how long the answer may be.
pub(in crate::dialect) fn read_count(
    scanner: &mut Scanner<'_>,
    head: &mut RequestHead,
) -> Result<Braces, RequestFault> {
    let mut prompted = false;
    let braces = scanner.object(&FIELDS, |scanner, name| match name {
        "model" => head.read_model(scanner),
        FALLBACKS => head.read_fallbacks(scanner),
        "max_tokens" => head.read_output_limit(scanner, 0),
        "stream" => head.read_stream(scanner),
        "messages" => {
            prompted = true;
            scanner.array(|message| read_block(message, head)).map(drop)
        }
        "system" => read_blocks(scanner, head),
        "tools" => scanner.optional(|tools| tools.array(|tool| read_tool(tool, head))).map(drop),
        "cache_control" => read_cache_mark(scanner, head, SHORT_LIFE),
        "metadata" => read_metadata(scanner, head),
        "service_tier" => {
            let standard = ServiceTier::Standard;
            read_tier(scanner, head, &[("auto", standard), ("standard_only", standard)])
        }
        "speed" => {
            head.modifiers.fast =
                read_choice(scanner, &[("standard", false), ("fast", true)])?.unwrap_or(false);
            Ok(())
        }
        "inference_geo" => {
            head.modifiers.us_inference =
                read_choice(scanner, &[("global", false), ("us", true)])?.unwrap_or(false);
            Ok(())
        }
        "thread" => refuse_unless_empty(scanner, FaultKind::UnsupportedThread.into()),
        "diagnostics" => read_diagnostics(scanner),
        "compaction" => {
            // A pass of its own, whose summary comes on top of the answer.
            head.media.open_ended |= scanner.optional(|compaction| compaction.skip())?.is_some();
            Ok(())
        }
        "container" => refuse_unless_empty(scanner, RequestFault::stateful()),
        _ => refuse_unless_empty(scanner, RequestFault::unpriced()),
    })?;
    if prompted { Ok(braces) } else { Err(RequestFault::missing("messages")) }
}

fn read_metadata(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    scanner
        .optional(|metadata| metadata.object(&["user_id"], |scanner, _id| head.read_end_user(scanner)))
        .map(drop)
}

fn read_diagnostics(scanner: &mut Scanner<'_>) -> Read {
    scanner
        .optional(|diagnostics| {
            diagnostics.object(&["previous_message_id"], |scanner, name| {
                refuse_unless_empty(scanner, RequestFault::stateful().within(name))
            })
        })
        .map(drop)
}

fn read_tool(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    let mut searches = false;
    let mut uses_max = None;
    scanner.object(&["type", "max_uses", "cache_control"], |scanner, name| {
        match name {
            "max_uses" => uses_max = scanner.optional(Scanner::unsigned)?,
            "cache_control" => read_cache_mark(scanner, head, SHORT_LIFE)?,
            _ => {
                let Some(kind) = scanner.optional(Scanner::string)? else { return Ok(()) };
                let kind = kind.decode();
                let has_prefix = |prefix: &&str| kind.starts_with(*prefix);
                searches = kind.starts_with(SEARCH_TOOL);
                if FREE_TOOLS.iter().any(has_prefix) {
                    head.media.implied_tokens = head.media.implied_tokens.saturating_add(TOOL_TOKENS);
                } else if kind.starts_with(TOOL_SEARCH) {
                    head.media.open_ended = true;
                } else if !searches && kind != "custom" {
                    return Err(RequestFault::unpriced().within("tools.type"));
                }
            }
        }
        Ok(())
    })?;
    if searches {
        head.note_searches(uses_max.unwrap_or(SEARCHES_ASSUMED));
    }
    Ok(())
}

/// A text, or a list of blocks.
fn read_blocks(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    match scanner.peek()? {
        Kind::Array => scanner.array(|block| read_block(block, head)).map(drop),
        Kind::Object => read_block(scanner, head),
        Kind::String | Kind::Number | Kind::Bool | Kind::Null => scanner.pass(),
    }
}

/// A message or a block; both have content. What a tool was given (`input`) is anybody's data and
/// is not looked into.
fn read_block(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    let mut is_image = false;
    let mut media_bytes = None;
    scanner.object(&["type", "content", "source", "cache_control", "file_id"], |scanner, name| {
        match name {
            "type" => is_image = scanner.optional(Scanner::string)?.is_some_and(|kind| kind.is("image")),
            "content" => read_blocks(scanner, head)?,
            "source" => media_bytes = read_source(scanner, head)?,
            "cache_control" => read_cache_mark(scanner, head, SHORT_LIFE)?,
            _ => refuse_unless_empty(scanner, RequestFault::stateful().within("file_id"))?,
        }
        Ok(())
    })?;
    match media_bytes {
        Some(bytes) if is_image => head.note_image(bytes),
        Some(bytes) => head.note_document(bytes),
        None => {}
    }
    Ok(())
}

/// Where an image or document comes from, and the bytes that it takes. Plain text and blocks are
/// bounded by their bytes: `None`.
fn read_source(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Result<Option<usize>, RequestFault> {
    if scanner.peek()? != Kind::Object {
        return scanner.pass().map(|()| None);
    }
    let start = scanner.offset();
    let mut is_text = false;
    scanner.object(&["type", "file_id", "content"], |scanner, name| match name {
        "type" => {
            let kind = scanner.optional(Scanner::string)?;
            is_text = kind.is_some_and(|kind| kind.is("text") || kind.is("content"));
            Ok(())
        }
        "content" => read_blocks(scanner, head),
        _ => refuse_unless_empty(scanner, RequestFault::stateful().within("file_id")),
    })?;
    Ok((!is_text).then(|| scanner.offset().saturating_sub(start)))
}
