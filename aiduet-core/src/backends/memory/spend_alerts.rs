//! Alerts about spending, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::UsageReader;
use crate::notify::SpendSpan;
use crate::payment::{AlertError, SpendAlert, SpendAlertStore, SpendAlertWish, ToldStep, spent_in};

/// Alerts about spending, in memory, beside any sums of usage.
#[derive(Debug)]
pub struct MemorySpendAlerts {
    usage: Arc<dyn UsageReader>,
    alerts: Mutex<BTreeMap<(AccountId, SpendSpan), SpendAlert>>,
}

impl MemorySpendAlerts {
    /// No alerts yet; they watch these sums.
    pub fn new(usage: Arc<dyn UsageReader>) -> Self {
        Self { usage, alerts: Mutex::default() }
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut alerts = self.lock();
        let rows = alerts.keys().filter(|(owner, _span)| *owner == account).count();
        if touch == Touch::Erase {
            alerts.retain(|(owner, _span), _alert| *owner != account);
        }
        number(rows)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<(AccountId, SpendSpan), SpendAlert>> {
        self.alerts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SpendAlertStore for MemorySpendAlerts {
    async fn of_account(&self, account: AccountId) -> Result<Vec<SpendAlert>, AlertError> {
        Ok(self.lock().values().filter(|alert| alert.account == account).cloned().collect())
    }

    async fn set(&self, account: AccountId, wish: SpendAlertWish) -> Result<SpendAlert, AlertError> {
        let mut alerts = self.lock();
        let alert = match alerts.get(&(account, wish.span)) {
            Some(known) => known.changed(wish),
            None => SpendAlert::new(account, wish),
        };
        alerts.insert((account, wish.span), alert.clone());
        Ok(alert)
    }

    async fn due(&self, at: Timestamp, limit: u32) -> Result<Vec<SpendAlert>, AlertError> {
        let all: Vec<SpendAlert> = self.lock().values().cloned().collect();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut due = Vec::new();
        for alert in all {
            let spent = spent_in(self.usage.as_ref(), alert.account, (alert.span, at)).await;
            let spent = spent.map_err(|error| AlertError::Unavailable { source: Box::new(error) })?;
            if due.len() < limit && alert.next(spent, at).is_some() {
                due.push(alert);
            }
        }
        Ok(due)
    }

    async fn advance(&self, was: &SpendAlert, told: ToldStep) -> Result<bool, AlertError> {
        let mut alerts = self.lock();
        let Some(known) = alerts.get_mut(&(was.account, was.span)).filter(|known| *known == was) else {
            return Ok(false);
        };
        known.told = Some(told);
        Ok(true)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::sync::Arc;

    use super::MemorySpendAlerts;
    use crate::backends::memory::MemoryLedger;
    use crate::testing::Factory;

    async fn store() -> Option<(MemorySpendAlerts, Arc<MemoryLedger>)> {
        let factory = Factory::new(61);
        let ledger = Arc::new(MemoryLedger::new(Arc::<crate::clock::ManualClock>::clone(factory.clock())));
        Some((MemorySpendAlerts::new(Arc::<MemoryLedger>::clone(&ledger)), ledger))
    }

    crate::spend_alert_store_conformance!(store);
}
