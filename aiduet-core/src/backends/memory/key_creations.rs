//! Which request made which key, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::keys::{KeyCreation, KeyCreations, KeyError};

type Name = (AccountId, [u8; 32]);

/// Which request made which key, in memory.
#[derive(Debug, Default)]
pub struct MemoryKeyCreations(Mutex<HashMap<Name, KeyCreation>>);

impl MemoryKeyCreations {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<Name, KeyCreation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut kept = self.lock();
        let rows = kept.keys().filter(|(owner, _token)| *owner == account).count();
        if touch == Touch::Erase {
            kept.retain(|(owner, _token), _creation| *owner != account);
        }
        number(rows)
    }
}

#[async_trait]
impl KeyCreations for MemoryKeyCreations {
    async fn begin(&self, creation: KeyCreation) -> Result<KeyCreation, KeyError> {
        Ok(*self.lock().entry((creation.account, creation.token)).or_insert(creation))
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError> {
        let mut kept = self.lock();
        let old = kept.iter().filter(|(_name, creation)| creation.at < before).map(|(name, _)| *name);
        let old: Vec<Name> = old.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        for name in &old {
            kept.remove(name);
        }
        Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_creations() -> Option<MemoryKeyCreations> {
        Some(MemoryKeyCreations::default())
    }

    crate::key_creations_conformance!(memory_creations);
}
