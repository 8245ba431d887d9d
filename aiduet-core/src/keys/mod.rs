//! API keys: made once, shown once, kept as a digest.

mod api_key;
mod aspect;
mod cached;
mod check;
mod creation;
mod ending;
mod error;
mod report;
mod shared;
mod stop;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use api_key::{ApiKey, ApiKeyHash, KeyLimits, KeyState, MalformedKey, PlainApiKey, SpendLimits};
pub use aspect::KeyAspect;
pub use cached::CachedKeys;
pub use check::KeyRefusal;
pub use creation::{KeyCreation, KeyCreations};
pub use ending::{EndingKeys, ListEnding};
pub use error::KeyError;
pub use report::{ReportError, ReportVerifier, SignedReport};
pub use stop::stop_keys;

use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId};

/// Where API keys are kept.
///
/// # Contract
/// - Each method is one atomic operation.
/// - A digest is unique: a second key with the same digest is [`KeyError::AlreadyExists`];
///   inserting the same key (same identifier, same digest) again succeeds without effect.
/// - [`find_by_hash`](KeyStore::find_by_hash) returns keys in any state: judging the state is
///   the caller's work.
/// - Keys of another account are not visible: they are [`KeyError::NotFound`].
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a new key.
    ///
    /// # Errors
    /// [`KeyError::AlreadyExists`] when the identifier or digest is taken.
    async fn insert(&self, key: ApiKey) -> Result<(), KeyError>;

    /// The key with this digest, if there is one.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when the store cannot be asked.
    async fn find_by_hash(&self, hash: &ApiKeyHash) -> Result<Option<Arc<ApiKey>>, KeyError>;

    /// The key with this identifier within an account.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when the store cannot be asked.
    async fn find(&self, account: AccountId, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, KeyError>;

    /// At most `limit` keys of an account, newest first, older than `before` when given.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when the store cannot be asked.
    async fn list(&self, request: ListKeys) -> Result<Vec<Arc<ApiKey>>, KeyError>;

    /// Replaces name, state and limits of a key.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] when the account has no such key.
    async fn update(&self, key: ApiKey) -> Result<(), KeyError>;

    /// Notes that keys were used; times older than the stored one have no effect.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when the store cannot be written.
    async fn touch(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), KeyError>;

    /// Deletes a key.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] when the account has no such key.
    async fn delete(&self, account: AccountId, id: ApiKeyId) -> Result<(), KeyError>;

    /// Deletes keys that were revoked before a moment, at most `limit`; says how many.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when the store cannot be written.
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError>;
}

/// Which keys [`KeyStore::list`] returns.
#[derive(Clone, Copy, Debug)]
pub struct ListKeys {
    /// Whose keys.
    pub account: AccountId,
    /// Only keys with a smaller identifier (identifiers are ordered by time).
    pub before: Option<ApiKeyId>,
    /// At most so many.
    pub limit: u32,
}
