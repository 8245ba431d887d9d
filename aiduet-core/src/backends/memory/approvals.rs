//! What waits for a second operator, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::id::{AccountId, ApprovalId};
use crate::operator::{Approval, ApprovalError, ApprovalPage, ApprovalStore, Decision};

/// What waits for a second operator, in memory.
#[derive(Debug, Default)]
pub struct MemoryApprovals(Mutex<BTreeMap<ApprovalId, Approval>>);

impl MemoryApprovals {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<ApprovalId, Approval>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked for a person.
    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut all = self.lock();
        let count = all.values().filter(|approval| approval.matter.account() == Some(account)).count();
        if touch == Touch::Erase {
            all.retain(|_id, approval| approval.matter.account() != Some(account));
        }
        number(count)
    }
}

#[async_trait]
impl ApprovalStore for MemoryApprovals {
    async fn ask(&self, approval: Approval) -> Result<Approval, ApprovalError> {
        let mut all = self.lock();
        match all.values().find(|kept| kept.name == approval.name) {
            Some(kept) if kept.is_same(&approval) => Ok(kept.clone()),
            Some(_) => Err(ApprovalError::Conflict),
            None => {
                all.insert(approval.id, approval.clone());
                Ok(approval)
            }
        }
    }

    async fn find(&self, id: ApprovalId) -> Result<Option<Approval>, ApprovalError> {
        Ok(self.lock().get(&id).cloned())
    }

    async fn list(&self, page: ApprovalPage) -> Result<Vec<Approval>, ApprovalError> {
        let ApprovalPage { before, limit } = page;
        let end = before.unwrap_or_else(|| ApprovalId::from_uuid(uuid::Uuid::max()));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self.lock().range(..end).rev().take(limit).map(|(_id, approval)| approval.clone()).collect())
    }

    async fn decide(&self, decision: Decision) -> Result<Approval, ApprovalError> {
        let mut all = self.lock();
        let kept = all.get(&decision.id).cloned().ok_or(ApprovalError::NotFound { id: decision.id })?;
        let decided = kept.decided(&decision)?;
        all.insert(decided.id, decided.clone());
        Ok(decided)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_approvals() -> Option<MemoryApprovals> {
        Some(MemoryApprovals::default())
    }

    crate::approval_store_conformance!(memory_approvals);
}
