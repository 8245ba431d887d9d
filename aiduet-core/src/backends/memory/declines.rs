//! Payments that were refused, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::ExternalId;
use crate::payment::{CountDeclines, Decline, DeclineStore, TopUpError};

/// Payments that were refused, in memory.
#[derive(Debug, Default)]
pub struct MemoryDeclines(Mutex<HashMap<ExternalId, Decline>>);

impl MemoryDeclines {
    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut kept = self.lock();
        let rows = kept.values().filter(|decline| decline.account == account).count();
        if touch == Touch::Erase {
            kept.retain(|_id, decline| decline.account != account);
        }
        number(rows)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<ExternalId, Decline>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DeclineStore for MemoryDeclines {
    async fn note(&self, decline: Decline) -> Result<(), TopUpError> {
        self.lock().entry(decline.id.clone()).or_insert(decline);
        Ok(())
    }

    async fn moments(&self, request: CountDeclines) -> Result<Vec<Timestamp>, TopUpError> {
        let CountDeclines { account, after, limit } = request;
        let kept = self.lock();
        let own = kept.values().filter(|decline| decline.account == account && decline.at > after);
        let mut moments: Vec<Timestamp> = own.map(|decline| decline.at).collect();
        moments.sort_unstable_by(|one, other| other.cmp(one));
        moments.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(moments)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, TopUpError> {
        let mut kept = self.lock();
        let old = kept.values().filter(|decline| decline.at < before).map(|decline| decline.id.clone());
        let old: Vec<ExternalId> = old.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        for id in &old {
            kept.remove(id);
        }
        Ok(number(old.len()))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    async fn store() -> Option<super::MemoryDeclines> {
        Some(super::MemoryDeclines::default())
    }
    crate::decline_store_conformance!(store);
}
