//! The words of Anthropic's protocol.

pub(super) mod answer;
mod count;
pub(super) mod request;
mod usage;

pub use count::{count_request, counted_tokens};
