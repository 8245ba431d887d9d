//! Requests of the Responses API.

use super::super::fault::RequestFault;
use super::super::head::{
    FALLBACKS, RequestHead, read_cache_mark, read_choice, read_tier, refuse_unless_empty,
};
use super::super::json::{Braces, Kind, Scanner};
use super::chat_request::SHORT_LIFE;
use super::tier;

type Read = Result<(), RequestFault>;

/// Web searches that are assumed when the client sets no limit. More are billed as they come.
const SEARCHES_ASSUMED: u64 = 16;

const FIELDS: [&str; 22] = [
    "model",
    FALLBACKS,
    "stream",
    "max_output_tokens",
    "max_tool_calls",
    "service_tier",
    "store",
    "user",
    "safety_identifier",
    "input",
    "tools",
    "reasoning",
    "modalities",
    "audio",
    "prompt_cache_options",
    "access_programs",
    "background",
    "background_options",
    "previous_response_id",
    "conversation",
    "prompt",
    "stream_options",
];

/// Tools that run at the client, or cost nothing beside their tokens.
const FREE_TOOLS: [&str; 8] = [
    "function",
    "custom",
    "namespace",
    "tool_search",
    "apply_patch",
    "local_shell",
    "computer",
    "computer_use_preview",
];

/// Tools with a price per call.
const SEARCH_TOOLS: [&str; 2] = ["web_search", "web_search_2025_08_26"];

/// The tools of a request, as far as they cost.
#[derive(Default)]
struct Tools {
    searches: bool,
    calls_max: Option<u64>,
}

pub(in crate::dialect) fn read(
    scanner: &mut Scanner<'_>,
    head: &mut RequestHead,
) -> Result<Braces, RequestFault> {
    let mut tools = Tools::default();
    let braces = scanner.object(&FIELDS, |scanner, name| match name {
        "model" => head.read_model(scanner),
        FALLBACKS => head.read_fallbacks(scanner),
        "stream" => head.read_stream(scanner),
        "max_output_tokens" => head.read_output_limit(scanner, 1),
        "max_tool_calls" => {
            tools.calls_max = scanner.optional(Scanner::unsigned)?;
            Ok(())
        }
        "service_tier" => read_tier(scanner, head, &tier::ASKED),
        "store" => head.read_store(scanner),
        "user" | "safety_identifier" => head.read_end_user(scanner),
        "input" if scanner.peek()? == Kind::Array => scanner.array(|item| read_item(item, head)).map(drop),
        "input" | "stream_options" => scanner.pass(),
        "tools" => scanner.optional(|list| list.array(|tool| read_tool(tool, &mut tools))).map(drop),
        "reasoning" => read_reasoning(scanner),
        "modalities" => {
            scanner.optional(|list| list.array(|item| read_choice(item, &[("text", ())]).map(drop))).map(drop)
        }
        "prompt_cache_options" => read_cache_mark(scanner, head, SHORT_LIFE),
        "audio" | "access_programs" => refuse_unless_empty(scanner, RequestFault::unpriced()),
        _ => refuse_unless_empty(scanner, RequestFault::stateful()),
    })?;
    if tools.searches {
        head.note_searches(tools.calls_max.unwrap_or(SEARCHES_ASSUMED));
    }
    Ok(braces)
}

/// `mode: pro` runs several passes of which the output limit bounds only one.
fn read_reasoning(scanner: &mut Scanner<'_>) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    scanner
        .object(&["mode"], |scanner, _mode| {
            read_choice(scanner, &[("standard", ())])
                .map(drop)
                .map_err(|fault| fault.within("reasoning.mode"))
        })
        .map(drop)
}

fn read_tool(scanner: &mut Scanner<'_>, tools: &mut Tools) -> Read {
    scanner
        .object(&["type", "tools"], |scanner, name| {
            if name == "tools" {
                return scanner.optional(|list| list.array(|tool| read_tool(tool, tools))).map(drop);
            }
            let kind = scanner.string()?;
            if SEARCH_TOOLS.iter().any(|name| kind.is(name)) {
                tools.searches = true;
            } else if !FREE_TOOLS.iter().any(|name| kind.is(name)) {
                return Err(RequestFault::unpriced().within("tools.type"));
            }
            Ok(())
        })
        .map(drop)
}

const ITEM_FIELDS: [&str; 13] = [
    "type",
    "id",
    "role",
    "call_id",
    "content",
    "output",
    "file_id",
    "container_id",
    "image_url",
    "file_url",
    "file_data",
    "input_audio",
    "prompt_cache_breakpoint",
];

/// An item of the input, or a part of one.
fn read_item(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    let mut is_bare_id = false;
    let mut says_more = false;
    scanner.object(&ITEM_FIELDS, |scanner, name| {
        match name {
            "id" => is_bare_id |= scanner.optional(|id| id.skip())?.is_some(),
            "type" => {
                let kind = scanner.optional(Scanner::string)?;
                if kind.is_some_and(|kind| kind.is("item_reference")) {
                    return Err(RequestFault::stateful().within("item_reference"));
                }
                says_more |= kind.is_some();
            }
            "role" | "call_id" => {
                says_more = true;
                scanner.skip()?;
            }
            "file_id" => refuse_unless_empty(scanner, RequestFault::stateful().within("file_id"))?,
            "container_id" => refuse_unless_empty(scanner, RequestFault::stateful().within("container_id"))?,
            "input_audio" => refuse_unless_empty(scanner, RequestFault::unpriced().within("input_audio"))?,
            "image_url" => {
                if let Some(data) = scanner.optional(|data| data.skip())? {
                    head.note_image(data.len());
                }
            }
            "file_url" | "file_data" => {
                if let Some(data) = scanner.optional(|data| data.skip())? {
                    head.note_document(data.len());
                }
            }
            "prompt_cache_breakpoint" => read_cache_mark(scanner, head, SHORT_LIFE)?,
            _ => {
                says_more = true;
                match scanner.peek()? {
                    Kind::Array => drop(scanner.array(|part| read_item(part, head))?),
                    Kind::Object => read_item(scanner, head)?,
                    Kind::String | Kind::Number | Kind::Bool | Kind::Null => scanner.pass()?,
                }
            }
        }
        Ok(())
    })?;
    // The type of a reference may be left out.
    if is_bare_id && !says_more { Err(RequestFault::stateful().within("item_reference")) } else { Ok(()) }
}
