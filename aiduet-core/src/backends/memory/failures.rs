//! Wrong passwords in a row, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::Touch;
use crate::auth::{AuthStoreError, FailureCounter};
use crate::clock::Timestamp;
use crate::id::AccountId;

/// Wrong passwords in a row, in memory.
#[derive(Debug, Default)]
pub struct MemoryFailures(Mutex<HashMap<AccountId, u32>>);

impl MemoryFailures {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut failures = self.lock();
        let rows = u64::from(failures.contains_key(&account));
        if touch == Touch::Erase {
            failures.remove(&account);
        }
        rows
    }
}

#[async_trait]
impl FailureCounter for MemoryFailures {
    async fn count(&self, account: AccountId, _at: Timestamp) -> Result<u32, AuthStoreError> {
        let mut failures = self.lock();
        let count = failures.entry(account).or_default();
        *count = count.saturating_add(1);
        Ok(*count)
    }

    async fn failures(&self, account: AccountId) -> Result<u32, AuthStoreError> {
        Ok(self.lock().get(&account).copied().unwrap_or_default())
    }

    async fn clear(&self, account: AccountId) -> Result<u32, AuthStoreError> {
        Ok(self.lock().remove(&account).unwrap_or_default())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_failures() -> Option<MemoryFailures> {
        Some(MemoryFailures::default())
    }

    crate::failure_counter_conformance!(memory_failures);
}
