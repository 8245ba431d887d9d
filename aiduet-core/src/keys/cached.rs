//! Keys that were just looked up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{ApiKey, ApiKeyHash, KeyError, KeyStore, ListKeys};
use crate::clock::{Clock, Timestamp};
use crate::id::{AccountId, ApiKeyId};

/// How long a key is believed without asking again: a key that is revoked on another node stops
/// here within this time.
const LIFE: Duration = Duration::from_secs(5);

/// How many keys are remembered.
const CAPACITY: usize = 10_000;

/// Remembers keys by their digest for at most five seconds.
///
/// Wraps the store that is asked for every request, and is wrapped by nothing: who changes keys
/// behind its back is noticed only when the five seconds are over, unless
/// [`forget`](CachedKeys::forget) is called. A key that is changed through it is looked up anew
/// at once. Only finds are remembered, so a new key works at once, too.
///
/// # Cancellation
/// A change whose future is dropped is forgotten like one that was finished.
#[derive(Debug)]
pub struct CachedKeys<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
}

/// What is remembered, in two halves: when the recent half is full it becomes the former one,
/// and what was in that and not asked for since is gone.
#[derive(Debug, Default)]
struct Memory {
    recent: HashMap<ApiKeyHash, Remembered>,
    former: HashMap<ApiKeyHash, Remembered>,
    half: usize,
    /// How often something was forgotten on purpose.
    forgotten: u64,
}

#[derive(Clone, Debug)]
struct Remembered {
    key: Arc<ApiKey>,
    /// When the look-up began that found it.
    asked_at: Duration,
}

/// Forgets a key when it is dropped, so that nobody can leave early without doing so.
struct Forgetting<'a> {
    memory: &'a Mutex<Memory>,
    key: ApiKeyId,
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        lock(self.memory).forget(self.key);
    }
}

impl<S> CachedKeys<S> {
    /// Remembers up to 10,000 keys of a store.
    pub fn new(inner: S, clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity(inner, clock, CAPACITY)
    }

    /// Remembers up to so many keys of a store.
    pub fn with_capacity(inner: S, clock: Arc<dyn Clock>, capacity: usize) -> Self {
        let memory = Memory { half: capacity.div_ceil(2), ..Memory::default() };
        Self { inner, clock, memory: Mutex::new(memory) }
    }

    /// Looks the key up anew the next time: another node has changed it.
    pub fn forget(&self, key: ApiKeyId) {
        lock(&self.memory).forget(key);
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        let memory = lock(&self.memory);
        memory.recent.len().saturating_add(memory.former.len())
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    const fn forgetting(&self, key: ApiKeyId) -> Forgetting<'_> {
        Forgetting { memory: &self.memory, key }
    }
}

impl Memory {
    fn find(&mut self, hash: &ApiKeyHash, now: Duration) -> Option<Arc<ApiKey>> {
        let fresh = |found: &&Remembered| now.saturating_sub(found.asked_at) < LIFE;
        if let Some(found) = self.recent.get(hash) {
            return Some(found).filter(fresh).map(|found| Arc::clone(&found.key));
        }
        let found = self.former.remove(hash)?;
        let key = Some(&found).filter(fresh).map(|found| Arc::clone(&found.key))?;
        self.remember(*hash, found);
        Some(key)
    }

    fn remember(&mut self, hash: ApiKeyHash, found: Remembered) {
        if self.recent.len() >= self.half {
            self.former = std::mem::take(&mut self.recent);
        }
        self.former.remove(&hash);
        self.recent.insert(hash, found);
    }

    fn forget(&mut self, key: ApiKeyId) {
        self.forgotten = self.forgotten.wrapping_add(1);
        self.recent.retain(|_hash, found| found.key.id != key);
        self.former.retain(|_hash, found| found.key.id != key);
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: KeyStore> KeyStore for CachedKeys<S> {
    async fn insert(&self, key: ApiKey) -> Result<(), KeyError> {
        let _forgetting = self.forgetting(key.id);
        self.inner.insert(key).await
    }

    async fn find_by_hash(&self, hash: &ApiKeyHash) -> Result<Option<Arc<ApiKey>>, KeyError> {
        let asked_at = self.clock.monotonic();
        let forgotten = {
            let mut memory = lock(&self.memory);
            if let Some(key) = memory.find(hash, asked_at) {
                return Ok(Some(key));
            }
            memory.forgotten
        };
        let found = self.inner.find_by_hash(hash).await?;
        if let Some(key) = &found {
            let mut memory = lock(&self.memory);
            // Something was changed while the store was asked: what it said may be outdated.
            if memory.forgotten == forgotten {
                memory.remember(*hash, Remembered { key: Arc::clone(key), asked_at });
            }
        }
        Ok(found)
    }

    async fn find(&self, account: AccountId, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, KeyError> {
        self.inner.find(account, id).await
    }

    async fn list(&self, request: ListKeys) -> Result<Vec<Arc<ApiKey>>, KeyError> {
        self.inner.list(request).await
    }

    async fn update(&self, key: ApiKey) -> Result<(), KeyError> {
        let _forgetting = self.forgetting(key.id);
        self.inner.update(key).await
    }

    async fn touch(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), KeyError> {
        self.inner.touch(used).await
    }

    async fn delete(&self, account: AccountId, id: ApiKeyId) -> Result<(), KeyError> {
        let _forgetting = self.forgetting(id);
        self.inner.delete(account, id).await
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError> {
        self.inner.purge(before, limit).await
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
