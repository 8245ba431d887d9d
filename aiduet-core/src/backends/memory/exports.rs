//! The register of exports, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::clock::Timestamp;
use crate::id::{AccountId, ExportId};
use crate::privacy::{Export, ExportError, ExportState, ExportStore, ListExports};

/// The register of exports, in memory.
#[derive(Debug, Default)]
pub struct MemoryExports(Mutex<BTreeMap<ExportId, Export>>);

impl MemoryExports {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<ExportId, Export>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Erasing puts `subject` in the place of `account`.
    pub(super) fn personal(&self, (account, subject): (AccountId, AccountId), touch: Touch) -> u64 {
        let mut exports = self.lock();
        let own = exports.values_mut().filter(|export| export.account == account);
        let mut rows = 0;
        for export in own {
            rows += 1;
            if touch == Touch::Erase {
                (export.account, export.session) = (subject, None);
            }
        }
        number(rows)
    }
}

#[async_trait]
impl ExportStore for MemoryExports {
    async fn insert(&self, export: Export) -> Result<(), ExportError> {
        let id = export.id;
        let kept = *self.lock().entry(id).or_insert(export);
        if kept.account == export.account { Ok(()) } else { Err(ExportError::AlreadyExists { id }) }
    }

    async fn find(&self, account: AccountId, id: ExportId) -> Result<Option<Export>, ExportError> {
        Ok(self.lock().get(&id).filter(|export| export.account == account).copied())
    }

    async fn list(&self, request: ListExports) -> Result<Vec<Export>, ExportError> {
        let ListExports { account, before, limit } = request;
        let end = before.unwrap_or_else(|| ExportId::from_uuid(uuid::Uuid::max()));
        let exports = self.lock();
        let own = exports.range(..end).rev().map(|(_id, export)| export);
        let own = own.filter(|export| export.account == account).copied();
        Ok(own.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    async fn finish(&self, id: ExportId, at: Timestamp) -> Result<bool, ExportError> {
        let mut exports = self.lock();
        let ready = exports.get_mut(&id).filter(|export| export.state(at) == ExportState::Ready);
        Ok(ready.is_some_and(|export| {
            export.fetched_at = Some(at);
            true
        }))
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, ExportError> {
        let mut exports = self.lock();
        let old = exports.values().filter(|export| export.created_at < before).map(|export| export.id);
        let old: Vec<ExportId> = old.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        for id in &old {
            exports.remove(id);
        }
        Ok(number(old.len()))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_exports() -> Option<MemoryExports> {
        Some(MemoryExports::default())
    }

    crate::export_store_conformance!(memory_exports);
}
