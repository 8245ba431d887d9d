//! Which path speaks which dialect.

use serde::{Deserialize, Serialize};

/// A wire format. The path decides it, never the header that carries the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Chat Completions, Responses, Embeddings.
    OpenAi,
    /// Messages.
    Anthropic,
}

/// A call that is forwarded to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`, free
    CountTokens,
    /// `POST /v1/responses/input_tokens`, free
    InputTokens,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 6] = [
        Self::ChatCompletions,
        Self::Responses,
        Self::Embeddings,
        Self::Messages,
        Self::CountTokens,
        Self::InputTokens,
    ];

    /// The dialect of the path.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::ChatCompletions | Self::Responses | Self::Embeddings | Self::InputTokens => Dialect::OpenAi,
            Self::Messages | Self::CountTokens => Dialect::Anthropic,
        }
    }

    /// The path, the same at the gateway and at the provider.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Embeddings => "/v1/embeddings",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
            Self::InputTokens => "/v1/responses/input_tokens",
        }
    }

    /// The name in records, limits of keys and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::InputTokens => "input_tokens",
        }
    }

    /// The endpoint with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.as_str() == name)
    }

    /// Whether a call costs anything.
    pub const fn is_billed(self) -> bool {
        !matches!(self, Self::CountTokens | Self::InputTokens)
    }
}
