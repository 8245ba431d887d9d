//! Keys in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId};
use crate::keys::{ApiKey, ApiKeyHash, EndingKeys, KeyError, KeyState, KeyStore, ListEnding, ListKeys};

/// Keys in memory.
#[derive(Debug, Default)]
pub struct MemoryKeys(RwLock<Keys>);

#[derive(Debug, Default)]
pub(super) struct Keys {
    by_id: HashMap<ApiKeyId, Arc<ApiKey>>,
    by_hash: HashMap<ApiKeyHash, ApiKeyId>,
    by_account: BTreeSet<(AccountId, ApiKeyId)>,
}

impl Keys {
    /// Those of an account.
    pub(super) fn of(&self, account: AccountId) -> impl Iterator<Item = &Arc<ApiKey>> {
        self.by_id.values().filter(move |key| key.account == account)
    }

    fn of_account(&self, account: AccountId, id: ApiKeyId) -> Option<&Arc<ApiKey>> {
        self.by_id.get(&id).filter(|key| key.account == account)
    }

    fn remove(&mut self, account: AccountId, id: ApiKeyId, hash: ApiKeyHash) {
        self.by_account.remove(&(account, id));
        self.by_hash.remove(&hash);
        self.by_id.remove(&id);
    }
}

impl MemoryKeys {
    pub(super) fn read<T>(&self, look: impl FnOnce(&Keys) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Keys) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        self.write(|keys| {
            let own = keys.by_id.values().filter(|key| key.account == account);
            let own: Vec<(ApiKeyId, ApiKeyHash)> = own.map(|key| (key.id, key.hash)).collect();
            if touch == Touch::Erase {
                for (id, hash) in &own {
                    keys.by_account.remove(&(account, *id));
                    keys.by_hash.remove(hash);
                    keys.by_id.remove(id);
                }
            }
            number(own.len())
        })
    }
}

#[async_trait]
impl KeyStore for MemoryKeys {
    async fn insert(&self, key: ApiKey) -> Result<(), KeyError> {
        self.write(|keys| {
            let (id, hash) = (key.id, key.hash);
            let same_id = keys.by_id.get(&id).map(|kept| kept.hash == hash);
            match (same_id, keys.by_hash.contains_key(&hash)) {
                (Some(true), _) => return Ok(()),
                (Some(false), _) | (None, true) => return Err(KeyError::AlreadyExists { id }),
                (None, false) => {}
            }
            keys.by_account.insert((key.account, id));
            keys.by_hash.insert(hash, id);
            keys.by_id.insert(id, Arc::new(key));
            Ok(())
        })
    }

    async fn find_by_hash(&self, hash: &ApiKeyHash) -> Result<Option<Arc<ApiKey>>, KeyError> {
        Ok(self.read(|keys| keys.by_hash.get(hash).and_then(|id| keys.by_id.get(id)).cloned()))
    }

    async fn find(&self, account: AccountId, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, KeyError> {
        Ok(self.read(|keys| keys.of_account(account, id).cloned()))
    }

    async fn list(&self, request: ListKeys) -> Result<Vec<Arc<ApiKey>>, KeyError> {
        let ListKeys { account, before, limit } = request;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let nil = ApiKeyId::from_uuid(uuid::Uuid::nil());
        let end = before.unwrap_or_else(|| ApiKeyId::from_uuid(uuid::Uuid::max()));
        Ok(self.read(|keys| {
            let of_account = keys.by_account.range((account, nil)..(account, end)).rev();
            of_account.filter_map(|(_account, id)| keys.by_id.get(id)).take(limit).cloned().collect()
        }))
    }

    async fn update(&self, key: ApiKey) -> Result<(), KeyError> {
        self.write(|keys| {
            let ApiKey { id, account, name, state, limits, .. } = key;
            let kept = keys.of_account(account, id).ok_or(KeyError::NotFound { id })?;
            let changed = ApiKey { name, state, limits, ..ApiKey::clone(kept) };
            keys.by_id.insert(id, Arc::new(changed));
            Ok(())
        })
    }

    async fn touch(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), KeyError> {
        self.write(|keys| {
            for (id, at) in used {
                if let Some(key) = keys.by_id.get_mut(id).filter(|key| key.last_used_at < Some(*at)) {
                    Arc::make_mut(key).last_used_at = Some(*at);
                }
            }
        });
        Ok(())
    }

    async fn delete(&self, account: AccountId, id: ApiKeyId) -> Result<(), KeyError> {
        self.write(|keys| {
            let hash = keys.of_account(account, id).ok_or(KeyError::NotFound { id })?.hash;
            keys.remove(account, id, hash);
            Ok(())
        })
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_over = |key: &&Arc<ApiKey>| matches!(key.state, KeyState::Revoked { at } if at < before);
        Ok(self.write(|keys| {
            let over: Vec<_> = keys.by_id.values().filter(is_over).take(limit).cloned().collect();
            for key in &over {
                keys.remove(key.account, key.id, key.hash);
            }
            u64::try_from(over.len()).unwrap_or(u64::MAX)
        }))
    }
}

#[async_trait]
impl EndingKeys for MemoryKeys {
    async fn ending(&self, request: ListEnding) -> Result<Vec<Arc<ApiKey>>, KeyError> {
        let ListEnding { from, until, after, limit } = request;
        let is_meant = |key: &&Arc<ApiKey>| {
            key.state == KeyState::Active
                && key.expires_at.is_some_and(|end| (from..until).contains(&end))
                && after.is_none_or(|after| key.id > after)
        };
        let mut found: Vec<_> = self.read(|keys| keys.by_id.values().filter(is_meant).cloned().collect());
        found.sort_by_key(|key| key.id);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_keys() -> Option<MemoryKeys> {
        Some(MemoryKeys::default())
    }

    async fn shared_keys() -> Option<Arc<MemoryKeys>> {
        Some(Arc::default())
    }

    crate::key_store_conformance!(memory_keys);
    crate::ending_keys_conformance!(memory_keys);

    mod shared {
        use super::shared_keys;

        crate::key_store_conformance!(shared_keys);
    }
}
