//! What came of each day, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::payment::{Reconciliation, ReconciliationError, ReconciliationStore};

/// What came of each day, in memory.
#[derive(Debug, Default)]
pub struct MemoryReconciliations(Mutex<BTreeMap<Timestamp, Reconciliation>>);

#[async_trait]
impl ReconciliationStore for MemoryReconciliations {
    async fn keep(&self, report: &Reconciliation) -> Result<(), ReconciliationError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(report.day, report.clone());
        Ok(())
    }

    async fn list(&self, limit: u32) -> Result<Vec<Reconciliation>, ReconciliationError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.values().rev().take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    async fn store() -> Option<super::MemoryReconciliations> {
        Some(super::MemoryReconciliations::default())
    }
    crate::reconciliation_store_conformance!(store);
}
