//! The words of Anthropic's protocol.

pub(super) mod answer;
mod count;
mod piece;
pub(super) mod request;
pub(super) mod transcript;
mod usage;

pub use count::{count_request, counted_tokens};
pub(crate) use piece::messages_piece;

use super::continuation::Words;

/// How a request goes on.
pub(super) const WORDS: Words =
    Words { turns: "messages", limits: &["max_tokens"], shape: &["stop_sequences", "output_config"] };
