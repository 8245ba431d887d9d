//! Anthropic's dialect: Messages.

mod error;
pub(in crate::translate) mod model;
mod read_answer;
mod read_messages;
mod read_request;
mod schema;
mod seals;
mod turns;
mod usage;
mod wire;
mod write_answer;
mod write_events;
mod write_request;

use super::conversation::Words;

pub(super) use error::{read_error, write_error};
pub(super) use read_answer::{Events, read_answer};
pub(super) use read_request::read_request;
pub(super) use seals::without_seals;
pub(super) use write_answer::write_answer;
pub(super) use write_events::Writer;
pub(super) use write_request::write_request;

/// The longest name of a tool.
pub(super) const TOOL_NAME_MAX: usize = 128;
/// The longest identifier of a call that is sent on as it is.
const CALL_ID_MAX: usize = 128;

/// The names of this dialect.
const WORDS: Words = Words {
    items: "messages",
    content: "messages.content",
    image: "messages.content.source",
    document: "messages.content.source",
    arguments: "messages.content.input",
    call_id: "messages.content.id",
    result_id: "messages.content.tool_use_id",
    tools: "tools",
    choice: "tool_choice",
    stop: "stop_sequences",
    effort: "output_config.effort",
    format: "output_config.format",
    tier: "service_tier",
    cache: "messages.content.cache_control",
};
