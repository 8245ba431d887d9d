//! OpenAI's two dialects: Chat Completions and Responses.

pub(super) mod chat;
pub(super) mod error;
mod media;
pub(super) mod model;
pub(super) mod responses;
mod schema;
pub(super) mod settings;
mod values;
