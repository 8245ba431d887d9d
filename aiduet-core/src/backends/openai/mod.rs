//! The OpenAI API: Chat Completions, Responses, Embeddings.

mod config;
mod costs;
mod provider;

pub use config::{BASE_URL, OpenAiConfig};
pub use costs::OpenAiCosts;
pub use provider::OpenAiProvider;
