//! The Responses API.

mod output;
mod read_answer;
mod read_events;
mod read_items;
mod read_request;
mod read_tools;
mod seals;
mod wire;
mod write_answer;
mod write_events;
mod write_items;
mod write_request;

use super::super::conversation::Words;

pub(in crate::translate) use read_answer::read_answer;
pub(in crate::translate) use read_events::Events;
pub(in crate::translate) use read_request::read_request;
pub(in crate::translate) use seals::without_seals;
pub(in crate::translate) use write_answer::write_answer;
pub(in crate::translate) use write_events::Writer;
pub(in crate::translate) use write_request::write_request;

/// The names of this dialect.
const WORDS: Words = Words {
    items: "input",
    content: "input.content",
    image: "input.content.image_url",
    document: "input.content.file_data",
    arguments: "input.arguments",
    call_id: "input.call_id",
    result_id: "input.call_id",
    tools: "tools",
    choice: "tool_choice",
    stop: "stop",
    effort: "reasoning.effort",
    format: "text.format",
    tier: "service_tier",
    cache: "input.content.prompt_cache_breakpoint",
};
