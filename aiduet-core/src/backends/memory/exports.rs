//! Exports, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::id::{AccountId, ExportId};
use crate::privacy::{
    ClaimExport, Export, ExportOrigin, ExportState, ExportStore, ListExports, PrivacyStoreError,
};

/// Exports, in memory.
#[derive(Debug, Default)]
pub struct MemoryExports(Mutex<BTreeMap<ExportId, Export>>);

impl MemoryExports {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<ExportId, Export>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn token(export: &Export) -> Option<crate::auth::TokenDigest> {
    match export.origin {
        ExportOrigin::Person { token, session: _ } => Some(token),
        ExportOrigin::Operator => None,
    }
}

#[async_trait]
impl ExportStore for MemoryExports {
    async fn insert(&self, export: Export) -> Result<(), PrivacyStoreError> {
        let mut kept = self.lock();
        if let Some(same) = kept.get(&export.id) {
            let is_same = same.account == export.account && token(same) == token(&export);
            return if is_same { Ok(()) } else { Err(PrivacyStoreError::AlreadyExists) };
        }
        if token(&export).is_some() && kept.values().any(|other| token(other) == token(&export)) {
            return Err(PrivacyStoreError::AlreadyExists);
        }
        kept.insert(export.id, export);
        Ok(())
    }

    async fn find(&self, account: AccountId, id: ExportId) -> Result<Option<Export>, PrivacyStoreError> {
        Ok(self.lock().get(&id).filter(|export| export.account == account).cloned())
    }

    async fn list(&self, request: ListExports) -> Result<Vec<Export>, PrivacyStoreError> {
        let ListExports { account, before, limit } = request;
        let end = before.unwrap_or_else(|| ExportId::from_uuid(uuid::Uuid::max()));
        let kept = self.lock();
        let own = kept.range(..end).rev().map(|(_id, export)| export);
        let own = own.filter(|export| export.account == account).cloned();
        Ok(own.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    async fn claim(&self, request: ClaimExport) -> Result<Option<Export>, PrivacyStoreError> {
        let ClaimExport { account, token: presented, session, at } = request;
        let mut kept = self.lock();
        let claimed = kept.values_mut().find(|export| {
            export.account == account
                && token(export) == Some(presented)
                && export.state(at) == ExportState::Ready
        });
        Ok(claimed.map(|export| {
            export.origin = ExportOrigin::Person { session, token: presented };
            export.clone()
        }))
    }

    async fn fetch(&self, id: ExportId, at: Timestamp) -> Result<bool, PrivacyStoreError> {
        let mut kept = self.lock();
        let export = kept.get_mut(&id).filter(|export| export.state(at) == ExportState::Ready);
        Ok(export.is_some_and(|export| {
            export.downloads = export.downloads.saturating_add(1);
            export.downloaded_at = Some(at);
            true
        }))
    }

    async fn detach(&self, account: AccountId, subject: AccountId) -> Result<u64, PrivacyStoreError> {
        let mut detached = 0_u64;
        for export in self.lock().values_mut().filter(|export| export.account == account) {
            export.account = subject;
            export.origin = ExportOrigin::Operator;
            detached = detached.saturating_add(1);
        }
        Ok(detached)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PrivacyStoreError> {
        let mut kept = self.lock();
        let old = kept.values().filter(|export| export.created_at < before).map(|export| export.id);
        let old: Vec<ExportId> = old.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        for id in &old {
            kept.remove(id);
        }
        Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
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
