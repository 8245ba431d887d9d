//! Alerts, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::Touch;
use crate::id::AccountId;
use crate::ledger::Ledger;
use crate::payment::{AlertError, AlertState, AlertStore, AlertWish, LowBalanceAlert};

/// Alerts, in memory, beside any ledger.
#[derive(Debug)]
pub struct MemoryAlerts {
    ledger: Arc<dyn Ledger>,
    alerts: Mutex<BTreeMap<AccountId, LowBalanceAlert>>,
}

impl MemoryAlerts {
    /// No alerts yet; they watch the balances of this ledger.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, alerts: Mutex::default() }
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut alerts = self.lock();
        let rows = u64::from(alerts.contains_key(&account));
        if touch == Touch::Erase {
            alerts.remove(&account);
        }
        rows
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountId, LowBalanceAlert>> {
        self.alerts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AlertStore for MemoryAlerts {
    async fn find(&self, account: AccountId) -> Result<Option<LowBalanceAlert>, AlertError> {
        Ok(self.lock().get(&account).cloned())
    }

    async fn set(&self, account: AccountId, wish: AlertWish) -> Result<LowBalanceAlert, AlertError> {
        let mut alerts = self.lock();
        let alert = match alerts.get(&account) {
            Some(known) => known.changed(wish),
            None => LowBalanceAlert::new(account, wish),
        };
        alerts.insert(account, alert.clone());
        Ok(alert)
    }

    async fn due(&self, limit: u32) -> Result<Vec<LowBalanceAlert>, AlertError> {
        let all: Vec<LowBalanceAlert> = self.lock().values().cloned().collect();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut due = Vec::new();
        for alert in all {
            let balance = self.ledger.balance(alert.account).await;
            let balance = balance.map_err(|error| AlertError::Unavailable { source: Box::new(error) })?;
            if due.len() < limit && alert.next(&balance).is_some() {
                due.push(alert);
            }
        }
        Ok(due)
    }

    async fn advance(&self, was: &LowBalanceAlert, state: AlertState) -> Result<bool, AlertError> {
        let mut alerts = self.lock();
        let Some(known) = alerts.get_mut(&was.account).filter(|known| *known == was) else {
            return Ok(false);
        };
        *known = was.with(state);
        Ok(true)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::sync::Arc;

    use super::MemoryAlerts;
    use crate::backends::memory::MemoryLedger;
    use crate::testing::Factory;

    async fn store() -> Option<(MemoryAlerts, Arc<MemoryLedger>)> {
        let factory = Factory::new(47);
        let ledger = Arc::new(MemoryLedger::new(Arc::<crate::clock::ManualClock>::clone(factory.clock())));
        Some((MemoryAlerts::new(Arc::<MemoryLedger>::clone(&ledger)), ledger))
    }

    crate::alert_store_conformance!(store);
}
