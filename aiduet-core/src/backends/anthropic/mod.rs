//! The Anthropic API: Messages and token counting.

mod config;
mod provider;

pub use config::{AnthropicConfig, BASE_URL};
pub use provider::AnthropicProvider;
