//! Purchases, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::id::TopUpId;
use crate::payment::{Checkout, DisputeStage, TopUp, TopUpError, TopUpPage, TopUpState, TopUpStore};

/// Purchases, in memory.
#[derive(Debug, Default)]
pub struct MemoryTopUps(Mutex<BTreeMap<TopUpId, TopUp>>);

impl MemoryTopUps {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TopUpId, TopUp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TopUpStore for MemoryTopUps {
    async fn insert(&self, top_up: TopUp) -> Result<TopUp, TopUpError> {
        let mut kept = self.lock();
        let of_request = kept.values().find(|other| {
            other.id != top_up.id
                && top_up.request.is_some()
                && (other.account, other.request) == (top_up.account, top_up.request)
        });
        if let Some(other) = of_request {
            return Ok(other.clone());
        }
        let existing = kept.entry(top_up.id).or_insert_with(|| top_up.clone());
        let is_same = existing.account == top_up.account && existing.amount == top_up.amount;
        if is_same { Ok(existing.clone()) } else { Err(TopUpError::Conflict) }
    }

    async fn find(&self, id: TopUpId) -> Result<Option<TopUp>, TopUpError> {
        Ok(self.lock().get(&id).cloned())
    }

    async fn attach(&self, id: TopUpId, checkout: Checkout) -> Result<(), TopUpError> {
        let mut kept = self.lock();
        let top_up = kept.get_mut(&id).ok_or(TopUpError::NotFound { id })?;
        match &top_up.checkout {
            Some(existing) if *existing != checkout => Err(TopUpError::Conflict),
            Some(_) => Ok(()),
            None => {
                top_up.checkout = Some(checkout);
                Ok(())
            }
        }
    }

    async fn advance(&self, id: TopUpId, state: TopUpState) -> Result<TopUp, TopUpError> {
        let mut kept = self.lock();
        let payment = |state: &TopUpState| match state {
            TopUpState::Paid(receipt) => Some(receipt.payment.clone()),
            TopUpState::Open | TopUpState::Processing | TopUpState::Closed | TopUpState::Suspended => None,
        };
        let paid = payment(&state);
        let others = kept.values().filter(|other| other.id != id);
        if paid.is_some() && others.map(|other| payment(&other.state)).any(|other| other == paid) {
            return Err(TopUpError::Conflict);
        }
        let top_up = kept.get_mut(&id).ok_or(TopUpError::NotFound { id })?;
        if top_up.state.may_become(&state) {
            top_up.state = state;
        }
        Ok(top_up.clone())
    }

    async fn note_dispute(&self, id: TopUpId, stage: DisputeStage) -> Result<bool, TopUpError> {
        let mut kept = self.lock();
        let top_up = kept.get_mut(&id).ok_or(TopUpError::NotFound { id })?;
        if top_up.dispute.is_none_or(|known| known.may_become(stage)) {
            top_up.dispute = Some(stage);
        }
        let account = top_up.account;
        let mut own = kept.values().filter(|top_up| top_up.account == account);
        Ok(own.any(|top_up| top_up.dispute.is_some_and(DisputeStage::stops_spending)))
    }

    async fn pending(&self, before: Timestamp, limit: u32) -> Result<Vec<TopUp>, TopUpError> {
        let kept = self.lock();
        let is_due = |top_up: &&TopUp| {
            top_up.state.is_pending() && top_up.checkout.is_some() && top_up.created_at < before
        };
        let mut found: Vec<TopUp> = kept.values().filter(is_due).cloned().collect();
        found.sort_by_key(|top_up| (top_up.created_at, top_up.id));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn list(&self, page: TopUpPage) -> Result<Vec<TopUp>, TopUpError> {
        let TopUpPage { account, before, limit } = page;
        let kept = self.lock();
        let older = kept.values().rev().filter(|top_up| before.is_none_or(|before| top_up.id < before));
        let own = older.filter(|top_up| top_up.account == account);
        Ok(own.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    async fn store() -> Option<super::MemoryTopUps> {
        Some(super::MemoryTopUps::default())
    }
    crate::top_up_store_conformance!(store);
}
