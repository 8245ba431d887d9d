//! What can go wrong on the way to a provider.

use crate::class::{Classify, ErrorClass, Retry};

/// How far a call had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Name resolution, TCP, TLS.
    Connect,
    /// The request was sent or being sent; no head of an answer yet.
    Head,
    /// The answer had begun.
    Body,
}

/// Failure to get an answer, or the rest of it. Carries no text of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// No connection.
    #[error("cannot connect to the provider")]
    Connect,
    /// Too slow.
    #[error("the provider did not answer in time ({stage:?})")]
    Timeout {
        /// What it was late with.
        stage: Stage,
    },
    /// The connection broke, or what came is not HTTP.
    #[error("the connection to the provider broke ({stage:?})")]
    Broken {
        /// When.
        stage: Stage,
    },
    /// The answer is larger than any real one.
    #[error("the answer of the provider is too large")]
    TooLarge,
}

impl Classify for ProviderError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Connect | Self::Broken { .. } | Self::TooLarge => ErrorClass::Upstream,
            Self::Timeout { .. } => ErrorClass::Timeout,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Connect | Self::Timeout { stage: Stage::Connect } => Retry::Safe,
            Self::Timeout { .. } | Self::Broken { .. } | Self::TooLarge => Retry::Never,
        }
    }
}
