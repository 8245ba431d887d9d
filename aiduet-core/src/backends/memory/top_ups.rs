//! Purchases, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId};
use crate::ledger::ExternalId;
use crate::payment::{
    Checkout, DisputeStage, NoteDispute, TakePending, TopUp, TopUpError, TopUpPage, TopUpState, TopUpStore,
};

/// Purchases, in memory.
#[derive(Debug, Default)]
pub struct MemoryTopUps(Mutex<BTreeMap<TopUpId, Kept>>);

/// A purchase, and when it was last taken to be asked about.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) top_up: TopUp,
    taken_at: Option<Timestamp>,
    /// The complaints about it.
    pub(super) disputes: HashMap<ExternalId, DisputeStage>,
}

impl MemoryTopUps {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<TopUpId, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Erasing puts `subject` in the place of `account`.
    pub(super) fn personal(&self, (account, subject): (AccountId, AccountId), touch: Touch) -> u64 {
        let mut kept = self.lock();
        let own = kept.values_mut().map(|kept| &mut kept.top_up).filter(|top_up| top_up.account == account);
        let mut rows = 0;
        for top_up in own {
            rows += 1;
            if touch == Touch::Erase {
                (top_up.account, top_up.checkout, top_up.request) = (subject, None, None);
            }
        }
        number(rows)
    }
}

#[async_trait]
impl TopUpStore for MemoryTopUps {
    async fn insert(&self, top_up: TopUp) -> Result<TopUp, TopUpError> {
        let mut kept = self.lock();
        let of_request = kept.values().map(|other| &other.top_up).find(|other| {
            other.id != top_up.id
                && top_up.request.is_some()
                && (other.account, other.request) == (top_up.account, top_up.request)
        });
        if let Some(other) = of_request {
            return Ok(other.clone());
        }
        let existing = kept.entry(top_up.id).or_insert_with(|| Kept {
            top_up: top_up.clone(),
            taken_at: None,
            disputes: HashMap::new(),
        });
        let existing = &existing.top_up;
        let is_same = existing.account == top_up.account && existing.amount == top_up.amount;
        if is_same { Ok(existing.clone()) } else { Err(TopUpError::Conflict) }
    }

    async fn find(&self, id: TopUpId) -> Result<Option<TopUp>, TopUpError> {
        Ok(self.lock().get(&id).map(|one| one.top_up.clone()))
    }

    async fn attach(&self, id: TopUpId, checkout: Checkout) -> Result<(), TopUpError> {
        let mut kept = self.lock();
        let top_up = &mut kept.get_mut(&id).ok_or(TopUpError::NotFound { id })?.top_up;
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
        let others = kept.values().map(|other| &other.top_up).filter(|other| other.id != id);
        if paid.is_some() && others.map(|other| payment(&other.state)).any(|other| other == paid) {
            return Err(TopUpError::Conflict);
        }
        let top_up = &mut kept.get_mut(&id).ok_or(TopUpError::NotFound { id })?.top_up;
        if top_up.state.may_become(&state) {
            top_up.state = state;
        }
        Ok(top_up.clone())
    }

    async fn note_dispute(&self, note: NoteDispute) -> Result<bool, TopUpError> {
        let NoteDispute { top_up: id, dispute, stage } = note;
        let mut kept = self.lock();
        let Kept { top_up, disputes, .. } = kept.get_mut(&id).ok_or(TopUpError::NotFound { id })?;
        let known = disputes.entry(dispute).or_insert(stage);
        if known.may_become(stage) {
            *known = stage;
        }
        top_up.dispute = disputes.values().copied().reduce(DisputeStage::or_worse);
        let account = top_up.account;
        let mut own = kept.values().map(|one| &one.top_up).filter(|top_up| top_up.account == account);
        Ok(own.any(|top_up| top_up.dispute.is_some_and(DisputeStage::stops_spending)))
    }

    async fn take_pending(&self, request: TakePending) -> Result<Vec<TopUp>, TopUpError> {
        let TakePending { begun_before, taken_until, at, limit } = request;
        let mut kept = self.lock();
        let is_due = |one: &&mut Kept| {
            let TopUp { state, checkout, created_at, .. } = &one.top_up;
            let is_asked = one.taken_at.is_some_and(|taken| taken > taken_until);
            state.is_pending() && checkout.is_some() && *created_at < begun_before && !is_asked
        };
        let mut found: Vec<&mut Kept> = kept.values_mut().filter(is_due).collect();
        found.sort_by_key(|one| (one.taken_at, one.top_up.id));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        for one in &mut found {
            one.taken_at = Some(at);
        }
        Ok(found.into_iter().map(|one| one.top_up.clone()).collect())
    }

    async fn list(&self, page: TopUpPage) -> Result<Vec<TopUp>, TopUpError> {
        let TopUpPage { account, before, limit } = page;
        let kept = self.lock();
        let newest_first = kept.values().rev().map(|one| &one.top_up);
        let older = newest_first.filter(|top_up| before.is_none_or(|before| top_up.id < before));
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
