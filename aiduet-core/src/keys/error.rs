//! What can go wrong with stored keys.

use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::id::ApiKeyId;

/// Failure of a [`KeyStore`](super::KeyStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The identifier or the digest is taken.
    #[error("key {id} already exists")]
    AlreadyExists {
        /// The key that was to be inserted.
        id: ApiKeyId,
    },
    /// The account has no such key.
    #[error("key {id} does not exist")]
    NotFound {
        /// The key that was asked for.
        id: ApiKeyId,
    },
    /// The store cannot be reached or failed.
    #[error("the key store is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for KeyError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::AlreadyExists { .. } => ErrorClass::Conflict,
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::AlreadyExists { .. } | Self::NotFound { .. } => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
