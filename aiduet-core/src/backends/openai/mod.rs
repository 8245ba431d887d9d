//! The OpenAI API: Chat Completions, Responses, Embeddings.

mod config;
mod provider;

pub use config::{BASE_URL, OpenAiConfig};
pub use provider::OpenAiProvider;
