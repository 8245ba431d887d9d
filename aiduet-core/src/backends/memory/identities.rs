//! Accounts elsewhere by which people sign in, in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::auth::{AuthStoreError, Identity, IdentityStore};
use crate::id::{AccountId, IdentityId};

/// Identities in memory.
#[derive(Debug, Default)]
pub struct MemoryIdentities(Mutex<Vec<Identity>>);

impl MemoryIdentities {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Identity>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut kept = self.lock();
        let rows = kept.iter().filter(|kept| kept.account == account).count();
        if touch == Touch::Erase {
            kept.retain(|kept| kept.account != account);
        }
        number(rows)
    }
}

#[async_trait]
impl IdentityStore for MemoryIdentities {
    async fn link(&self, identity: Identity) -> Result<(), AuthStoreError> {
        let mut kept = self.lock();
        let of_issuer = |kept: &&Identity| kept.issuer == identity.issuer;
        let is_same = |kept: &Identity| kept.subject == identity.subject && kept.account == identity.account;
        let is_taken = |kept: &Identity| kept.subject == identity.subject || kept.account == identity.account;
        if kept.iter().filter(of_issuer).any(is_same) {
            return Ok(());
        }
        if kept.iter().filter(of_issuer).any(is_taken) || kept.iter().any(|kept| kept.id == identity.id) {
            return Err(AuthStoreError::AlreadyExists);
        }
        kept.push(identity);
        Ok(())
    }

    async fn find(&self, issuer: &str, subject: &str) -> Result<Option<Identity>, AuthStoreError> {
        let kept = self.lock();
        Ok(kept.iter().find(|kept| kept.issuer == issuer && kept.subject == subject).cloned())
    }

    async fn list(&self, account: AccountId) -> Result<Vec<Identity>, AuthStoreError> {
        let mut own: Vec<Identity> =
            self.lock().iter().filter(|kept| kept.account == account).cloned().collect();
        own.sort_by_key(|identity| identity.id);
        Ok(own)
    }

    async fn unlink(&self, account: AccountId, id: IdentityId) -> Result<bool, AuthStoreError> {
        let mut kept = self.lock();
        let before = kept.len();
        kept.retain(|kept| kept.account != account || kept.id != id);
        Ok(kept.len() < before)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_identities() -> Option<MemoryIdentities> {
        Some(MemoryIdentities::default())
    }

    crate::identity_store_conformance!(memory_identities);
}
