//! The Anthropic API: Messages and token counting.

mod config;
mod costs;
mod provider;

pub use config::{AnthropicConfig, BASE_URL};
pub use costs::AnthropicCosts;
pub use provider::AnthropicProvider;
