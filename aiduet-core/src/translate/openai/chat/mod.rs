//! Chat Completions.

mod read_answer;
mod read_message;
mod read_request;
mod usage;
mod wire;
mod write_answer;
mod write_events;
mod write_messages;
mod write_request;

use super::super::conversation::Words;

pub(in crate::translate) use read_answer::{Events, read_answer};
pub(in crate::translate) use read_request::{read_request, reasons_beside_tools};
pub(in crate::translate) use write_answer::write_answer;
pub(in crate::translate) use write_events::Writer;
pub(in crate::translate) use write_request::{stops_natively, write_request};

/// The names of this dialect.
pub(super) const WORDS: Words = Words {
    items: "messages",
    content: "messages.content",
    image: "messages.content.image_url",
    document: "messages.content.file",
    arguments: "messages.tool_calls.function.arguments",
    call_id: "messages.tool_calls.id",
    result_id: "messages.tool_call_id",
    tools: "tools",
    choice: "tool_choice",
    stop: "stop",
    effort: "reasoning_effort",
    format: "response_format",
    tier: "service_tier",
    cache: "messages.content.prompt_cache_breakpoint",
};
