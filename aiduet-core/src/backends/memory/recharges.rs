//! Automatic purchases, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::Touch;
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::{ExternalId, Ledger};
use crate::payment::{Recharge, RechargeChange, RechargeError, RechargeState, RechargeStore, RechargeSwitch};

/// Automatic purchases, in memory, beside any ledger.
#[derive(Debug)]
pub struct MemoryRecharges {
    ledger: Arc<dyn Ledger>,
    recharges: Mutex<BTreeMap<AccountId, Recharge>>,
}

impl MemoryRecharges {
    /// None yet; they follow the balances of this ledger.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, recharges: Mutex::default() }
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut recharges = self.lock();
        let rows = u64::from(recharges.contains_key(&account));
        if touch == Touch::Erase {
            recharges.remove(&account);
        }
        rows
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountId, Recharge>> {
        self.recharges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are due, longest first.
    fn due_by(&self, now: Timestamp, is_wanted: impl Fn(&Recharge) -> bool) -> Vec<Recharge> {
        let recharges = self.lock();
        let due = recharges.values().filter(|recharge| recharge.due_at <= now && is_wanted(recharge));
        let mut due: Vec<Recharge> = due.cloned().collect();
        due.sort_by_key(|recharge| (recharge.due_at, recharge.account));
        due
    }
}

#[async_trait]
impl RechargeStore for MemoryRecharges {
    async fn find(&self, account: AccountId) -> Result<Option<Recharge>, RechargeError> {
        Ok(self.lock().get(&account).cloned())
    }

    async fn of_card(&self, card: &ExternalId) -> Result<Option<Recharge>, RechargeError> {
        Ok(self.lock().values().find(|recharge| recharge.card == *card).cloned())
    }

    async fn change(
        &self,
        account: AccountId,
        change: RechargeChange,
    ) -> Result<Option<Recharge>, RechargeError> {
        let mut recharges = self.lock();
        let next = match recharges.get(&account) {
            Some(known) => known.after(&change),
            None => Recharge::first(account, &change),
        };
        if let Some(next) = &next {
            recharges.insert(account, next.clone());
        }
        Ok(next)
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError> {
        let is_ready = |one: &Recharge| one.switch == RechargeSwitch::On && one.state == RechargeState::Idle;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut due = Vec::new();
        for recharge in self.due_by(now, is_ready) {
            let balance = self.ledger.balance(recharge.account).await;
            let balance = balance.map_err(|error| RechargeError::Unavailable { source: Box::new(error) })?;
            if due.len() < limit && balance.available < recharge.plan.threshold {
                due.push(recharge);
            }
        }
        Ok(due)
    }

    async fn under_way(&self, now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError> {
        let mut found = self.due_by(now, |recharge| recharge.state != RechargeState::Idle);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::sync::Arc;

    use super::MemoryRecharges;
    use crate::backends::memory::MemoryLedger;
    use crate::clock::SystemClock;

    async fn store() -> Option<(MemoryRecharges, Arc<MemoryLedger>)> {
        let ledger = Arc::new(MemoryLedger::new(Arc::new(SystemClock::new())));
        Some((MemoryRecharges::new(Arc::<MemoryLedger>::clone(&ledger)), ledger))
    }

    crate::recharge_store_conformance!(store);
}
