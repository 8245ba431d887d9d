//! Which request made which key, so that a request that is sent again makes no second one.

use std::fmt;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::KeyError;
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId};

/// Remembers which request made which key.
///
/// # Contract
/// Each method is one atomic operation: of many callers with the same account and token one gets
/// its own creation back, the others get that one.
#[async_trait]
pub trait KeyCreations: fmt::Debug + Send + Sync + 'static {
    /// Notes a creation, unless one with its account and token is known; returns the one that is
    /// known then.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`].
    async fn begin(&self, creation: KeyCreation) -> Result<KeyCreation, KeyError>;

    /// Forgets at most `limit` creations that are older than a moment; says how many.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError>;
}

/// A request that makes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCreation {
    /// Whose key.
    pub account: AccountId,
    /// SHA-256 of what the client calls the request (`Idempotency-Key`).
    pub token: [u8; 32],
    /// SHA-256 of what was asked for.
    pub wish: [u8; 32],
    /// The key.
    pub key: ApiKeyId,
    /// When.
    pub at: Timestamp,
}

impl KeyCreation {
    /// SHA-256 of a text.
    pub fn digest(text: &[u8]) -> [u8; 32] {
        Sha256::digest(text).into()
    }
}
