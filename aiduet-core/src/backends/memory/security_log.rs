//! What happened to the security of accounts, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::auth::{AuthStoreError, ListSecurityEvents, SecurityEvent, SecurityLog};
use crate::clock::Timestamp;
use crate::id::{AccountId, SecurityEventId};

/// What happened to the security of accounts, in memory.
#[derive(Debug, Default)]
pub struct MemorySecurityLog(Mutex<BTreeMap<SecurityEventId, SecurityEvent>>);

impl MemorySecurityLog {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<SecurityEventId, SecurityEvent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Erasing puts `subject` in the place of `account`.
    pub(super) fn personal(&self, (account, subject): (AccountId, AccountId), touch: Touch) -> u64 {
        let mut events = self.lock();
        let own = events.values_mut().filter(|event| event.account == account);
        let mut rows = 0;
        for event in own {
            rows += 1;
            if touch == Touch::Erase {
                (event.account, event.network, event.request) = (subject, None, None);
                event.key = None;
            }
        }
        number(rows)
    }
}

#[async_trait]
impl SecurityLog for MemorySecurityLog {
    async fn record(&self, event: SecurityEvent) -> Result<(), AuthStoreError> {
        self.lock().entry(event.id).or_insert(event);
        Ok(())
    }

    async fn list(&self, request: ListSecurityEvents) -> Result<Vec<SecurityEvent>, AuthStoreError> {
        let ListSecurityEvents { account, key, before, limit } = request;
        let end = before.unwrap_or_else(|| SecurityEventId::from_uuid(uuid::Uuid::max()));
        let events = self.lock();
        let own = events.range(..end).rev().map(|(_id, event)| event);
        let is_of = |event: &SecurityEvent, id| event.key.as_ref().is_some_and(|key| key.id == id);
        let own =
            own.filter(|event| event.account == account && key.is_none_or(|id| is_of(event, id))).cloned();
        Ok(own.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError> {
        let mut events = self.lock();
        let old = events.values().filter(|event| event.at < before).map(|event| event.id);
        let old: Vec<SecurityEventId> = old.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        for id in &old {
            events.remove(id);
        }
        Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
    }

    async fn forget_networks(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError> {
        let mut events = self.lock();
        let old = events.values_mut().filter(|event| event.at < before && event.network.is_some());
        let mut forgotten = 0;
        for event in old.take(usize::try_from(limit).unwrap_or(usize::MAX)) {
            event.network = None;
            forgotten += 1;
        }
        Ok(forgotten)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_security_log() -> Option<MemorySecurityLog> {
        Some(MemorySecurityLog::default())
    }

    crate::security_log_conformance!(memory_security_log);
}
