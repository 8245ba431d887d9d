//! Requests of Chat Completions.

use super::super::fault::RequestFault;
use super::super::head::{
    FALLBACKS, Options, RequestHead, read_cache_mark, read_choice, read_tier, refuse_unless_empty,
};
use super::super::json::{Braces, Kind, Scanner};
use super::{INCLUDE_USAGE, STREAM_OPTIONS, tier};

type Read = Result<(), RequestFault>;

/// The life of a cache write that costs the usual rate; the other one is twelve hours.
pub(super) const SHORT_LIFE: &str = "30m";

/// More choices than this are refused, as the provider does.
pub(super) const CHOICES_MAX: u64 = 128;

const FIELDS: [&str; 21] = [
    "model",
    FALLBACKS,
    "stream",
    STREAM_OPTIONS,
    "max_tokens",
    "max_completion_tokens",
    "n",
    "service_tier",
    "store",
    "user",
    "safety_identifier",
    "messages",
    "tools",
    "modalities",
    "audio",
    "web_search_options",
    "prompt_cache_options",
    "access_programs",
    "background",
    "previous_response_id",
    "conversation",
];

pub(in crate::dialect) fn read(
    scanner: &mut Scanner<'_>,
    head: &mut RequestHead,
) -> Result<Braces, RequestFault> {
    let mut prompted = false;
    let braces = scanner.object(&FIELDS, |scanner, name| match name {
        "model" => head.read_model(scanner),
        FALLBACKS => head.read_fallbacks(scanner),
        "stream" => head.read_stream(scanner),
        STREAM_OPTIONS => read_stream_options(scanner, head),
        "max_tokens" | "max_completion_tokens" => head.read_output_limit(scanner, 1),
        "n" => read_choices(scanner, head),
        "service_tier" => read_tier(scanner, head, &tier::ASKED),
        "store" => head.read_store(scanner),
        "user" | "safety_identifier" => head.read_end_user(scanner),
        "messages" => {
            prompted = true;
            scanner.array(|message| read_message(message, head)).map(drop)
        }
        "tools" => scanner.optional(|tools| tools.array(read_tool)).map(drop),
        "modalities" => scanner.optional(|list| list.array(read_modality)).map(drop),
        "prompt_cache_options" => read_cache_mark(scanner, head, SHORT_LIFE),
        "audio" | "web_search_options" | "access_programs" => {
            refuse_unless_empty(scanner, RequestFault::unpriced())
        }
        _ => refuse_unless_empty(scanner, RequestFault::stateful()),
    })?;
    if prompted { Ok(braces) } else { Err(RequestFault::missing("messages")) }
}

fn read_stream_options(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    if scanner.peek()? == Kind::Null {
        head.spans.stream_options = Some(Options::Null(scanner.skip()?));
        return Ok(());
    }
    let mut spoken = None;
    let braces = scanner.object(&[INCLUDE_USAGE], |scanner, _name| {
        scanner.peek()?;
        let start = scanner.offset();
        head.wants_usage = scanner.optional(Scanner::boolean)?.unwrap_or(false);
        spoken = Some(start..scanner.offset());
        Ok(())
    })?;
    head.spans.stream_options = Some(spoken.map_or(Options::Silent(braces), Options::Spoken));
    Ok(())
}

fn read_choices(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    match scanner.optional(Scanner::unsigned)? {
        None => Ok(()),
        Some(choices @ 1..=CHOICES_MAX) => {
            head.choices = choices;
            Ok(())
        }
        Some(_) => Err(RequestFault::invalid("expected 1 to 128")),
    }
}

/// Text only: audio has rates of its own that the catalogue does not list.
fn read_modality(scanner: &mut Scanner<'_>) -> Read {
    read_choice(scanner, &[("text", ())]).map(drop)
}

fn read_tool(scanner: &mut Scanner<'_>) -> Read {
    scanner
        .object(&["type"], |scanner, _type| {
            read_choice(scanner, &[("function", ()), ("custom", ())]).map(drop)
        })
        .map(drop)
}

fn read_message(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    scanner
        .object(&["content", "audio"], |scanner, name| match name {
            "content" if scanner.peek()? == Kind::Array => {
                scanner.array(|part| read_part(part, head)).map(drop)
            }
            "content" => scanner.pass(),
            _ => refuse_unless_empty(scanner, RequestFault::stateful().within("messages.audio")),
        })
        .map(drop)
}

fn read_part(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    let names = ["image_url", "file", "input_audio", "prompt_cache_breakpoint"];
    scanner
        .object(&names, |scanner, name| match name {
            "image_url" => {
                let data = scanner.skip()?;
                head.note_image(data.len());
                Ok(())
            }
            "file" => read_file(scanner, head),
            "input_audio" => {
                refuse_unless_empty(scanner, RequestFault::unpriced().within("messages.input_audio"))
            }
            _ => read_cache_mark(scanner, head, SHORT_LIFE),
        })
        .map(drop)
}

fn read_file(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Read {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    let start = scanner.offset();
    scanner.object(&["file_id"], |scanner, _id| {
        refuse_unless_empty(scanner, RequestFault::stateful().within("file_id"))
    })?;
    head.note_document(scanner.offset().saturating_sub(start));
    Ok(())
}
