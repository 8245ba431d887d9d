//! Orders to give credit back, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::clock::Timestamp;
use crate::id::{AccountId, RefundId};
use crate::payment::{RefundError, RefundOrder, RefundState, RefundStore};

/// Orders to give credit back, in memory.
#[derive(Debug, Default)]
pub struct MemoryRefunds(Mutex<BTreeMap<RefundId, RefundOrder>>);

impl MemoryRefunds {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<RefundId, RefundOrder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Erasing puts `subject` in the place of `account`.
    pub(super) fn personal(&self, (account, subject): (AccountId, AccountId), touch: Touch) -> u64 {
        let mut kept = self.lock();
        let mut rows = 0;
        for order in kept.values_mut().filter(|order| order.account == account) {
            rows += 1;
            if touch == Touch::Erase {
                order.account = subject;
            }
        }
        number(rows)
    }
}

#[async_trait]
impl RefundStore for MemoryRefunds {
    async fn begin(&self, orders: Vec<RefundOrder>) -> Result<Vec<RefundOrder>, RefundError> {
        let mut kept = self.lock();
        Ok(orders.into_iter().map(|order| kept.entry(order.id).or_insert(order).clone()).collect())
    }

    async fn find(&self, id: RefundId) -> Result<Option<RefundOrder>, RefundError> {
        Ok(self.lock().get(&id).cloned())
    }

    async fn of_account(&self, account: AccountId) -> Result<Vec<RefundOrder>, RefundError> {
        let kept = self.lock();
        let mut own: Vec<_> = kept.values().filter(|order| order.account == account).cloned().collect();
        own.sort_by_key(|order| (order.begun_at, order.id));
        Ok(own)
    }

    async fn advance(&self, id: RefundId, state: RefundState) -> Result<RefundOrder, RefundError> {
        let mut kept = self.lock();
        let order = kept.get_mut(&id).ok_or(RefundError::NotFound { id })?;
        if order.state.may_become(&state) {
            order.state = state;
        }
        Ok(order.clone())
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<RefundOrder>, RefundError> {
        let kept = self.lock();
        let is_due = |order: &&RefundOrder| order.state == RefundState::Begun && order.due_at <= now;
        let mut due: Vec<_> = kept.values().filter(is_due).cloned().collect();
        due.sort_by_key(|order| (order.due_at, order.id));
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(due)
    }

    async fn postpone(&self, id: RefundId, until: Timestamp) -> Result<(), RefundError> {
        if let Some(order) = self.lock().get_mut(&id) {
            order.due_at = until;
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    async fn store() -> Option<super::MemoryRefunds> {
        Some(super::MemoryRefunds::default())
    }
    crate::refund_store_conformance!(store);
}
