//! The card company's names for people, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::Touch;
use crate::id::AccountId;
use crate::ledger::ExternalId;
use crate::payment::{PayerStore, TopUpError};

/// The card company's names for people, in memory.
#[derive(Debug, Default)]
pub struct MemoryPayers(Mutex<HashMap<AccountId, ExternalId>>);

impl MemoryPayers {
    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut kept = self.lock();
        let rows = u64::from(kept.contains_key(&account));
        if touch == Touch::Erase {
            kept.remove(&account);
        }
        rows
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, ExternalId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PayerStore for MemoryPayers {
    async fn find(&self, account: AccountId) -> Result<Option<ExternalId>, TopUpError> {
        Ok(self.lock().get(&account).cloned())
    }

    async fn account_of(&self, payer: &ExternalId) -> Result<Option<AccountId>, TopUpError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.iter().find(|(_account, known)| *known == payer).map(|(account, _payer)| *account))
    }

    async fn keep(&self, account: AccountId, payer: ExternalId) -> Result<ExternalId, TopUpError> {
        let mut kept = self.lock();
        Ok(kept.entry(account).or_insert(payer).clone())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    async fn store() -> Option<super::MemoryPayers> {
        Some(super::MemoryPayers::default())
    }
    crate::payer_store_conformance!(store);
}
