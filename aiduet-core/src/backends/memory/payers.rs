//! The card company's names for people, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::Touch;
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::ExternalId;
use crate::payment::{DepartedPayer, DepartedPayers, PayerStore, TopUpError};

/// The card company's names for people, in memory.
#[derive(Debug, Default)]
pub struct MemoryPayers {
    kept: Mutex<HashMap<AccountId, ExternalId>>,
    /// By name; with each when it is due, and how often it failed.
    departed: Mutex<BTreeMap<String, (Timestamp, DepartedPayer)>>,
}

impl MemoryPayers {
    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut kept = self.lock();
        let rows = u64::from(kept.contains_key(&account));
        if touch == Touch::Erase
            && let Some(payer) = kept.remove(&account)
        {
            let due = (Timestamp::from_millis(0), DepartedPayer { payer: payer.clone(), failures: 0 });
            self.departed().entry(payer.to_string()).or_insert(due);
        }
        rows
    }

    fn departed(&self) -> MutexGuard<'_, BTreeMap<String, (Timestamp, DepartedPayer)>> {
        self.departed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, ExternalId>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PayerStore for MemoryPayers {
    async fn find(&self, account: AccountId) -> Result<Option<ExternalId>, TopUpError> {
        Ok(self.lock().get(&account).cloned())
    }

    async fn account_of(&self, payer: &ExternalId) -> Result<Option<AccountId>, TopUpError> {
        let kept = self.lock();
        Ok(kept.iter().find(|(_account, known)| *known == payer).map(|(account, _payer)| *account))
    }

    async fn keep(&self, account: AccountId, payer: ExternalId) -> Result<ExternalId, TopUpError> {
        let mut kept = self.lock();
        Ok(kept.entry(account).or_insert(payer).clone())
    }
}

#[async_trait]
impl DepartedPayers for MemoryPayers {
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<DepartedPayer>, TopUpError> {
        let departed = self.departed();
        let mut due: Vec<_> = departed.values().filter(|(at, _payer)| *at <= now).collect();
        due.sort_by_key(|(at, _payer)| *at);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(due.into_iter().take(limit).map(|(_at, payer)| payer.clone()).collect())
    }

    async fn forget(&self, payer: &ExternalId) -> Result<(), TopUpError> {
        self.departed().remove(&payer.to_string());
        Ok(())
    }

    async fn postpone(&self, payer: &ExternalId, until: Timestamp) -> Result<(), TopUpError> {
        if let Some((due, departed)) = self.departed().get_mut(&payer.to_string()) {
            *due = until;
            departed.failures = departed.failures.saturating_add(1);
        }
        Ok(())
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
