//! Accounts in memory, and what their owners agreed to.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::account::{
    Account, AccountError, AccountState, AccountStore, Consent, ConsentStore, DetachConsents, EmailAddress,
};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::notify::PolicyKind;

/// Accounts in memory, and what their owners agreed to.
#[derive(Debug, Default)]
pub struct MemoryAccounts(RwLock<Accounts>);

#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) by_id: BTreeMap<AccountId, Arc<Account>>,
    by_email: HashMap<EmailAddress, AccountId>,
    consents: BTreeMap<ConsentName, KeptConsent>,
}

type ConsentName = (AccountId, PolicyKind, String);

#[derive(Debug)]
pub(super) struct KeptConsent {
    pub(super) consent: Consent,
    /// When its account ended.
    detached_at: Option<Timestamp>,
}

impl Accounts {
    fn agree(&mut self, consent: Consent) -> Consent {
        let name = (consent.account, consent.kind, consent.version.clone());
        self.consents.entry(name).or_insert(KeptConsent { consent, detached_at: None }).consent.clone()
    }

    fn detach(&mut self, request: DetachConsents) -> u64 {
        let DetachConsents { account, subject, at } = request;
        let own: Vec<Consent> = self.consents_of(account).map(|kept| kept.consent.clone()).collect();
        for consent in &own {
            self.consents.remove(&(account, consent.kind, consent.version.clone()));
            let consent = Consent { account: subject, ..consent.clone() };
            let name = (subject, consent.kind, consent.version.clone());
            self.consents.insert(name, KeptConsent { consent, detached_at: Some(at) });
        }
        number(own.len())
    }

    pub(super) fn consents_of(&self, account: AccountId) -> impl Iterator<Item = &KeptConsent> {
        self.consents.values().filter(move |kept| kept.consent.account == account)
    }
}

impl MemoryAccounts {
    pub(super) fn read<T>(&self, look: impl FnOnce(&Accounts) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Accounts) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Erasing puts `subject` in the place of `account`.
    pub(super) fn personal_consents(&self, (account, subject): (AccountId, AccountId), touch: Touch) -> u64 {
        self.write(|accounts| match touch {
            Touch::Erase => {
                // Nothing here knows the time: the account ends with its consents.
                let at = accounts.by_id.get(&account).map(|account| match account.state {
                    AccountState::Closed { at } => at,
                    AccountState::Active | AccountState::Frozen { .. } | AccountState::Deleting { .. } => {
                        account.created_at
                    }
                });
                accounts.detach(DetachConsents {
                    account,
                    subject,
                    at: at.unwrap_or(Timestamp::from_millis(0)),
                })
            }
            Touch::Count => number(accounts.consents_of(account).count()),
        })
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        self.write(|accounts| {
            let Some(kept) = accounts.by_id.get(&account).cloned() else { return 0 };
            if touch == Touch::Erase {
                accounts.by_email.remove(&kept.email);
                accounts.by_id.remove(&account);
            }
            1
        })
    }
}

#[async_trait]
impl AccountStore for MemoryAccounts {
    async fn insert(&self, account: Account, consents: &[Consent]) -> Result<(), AccountError> {
        self.write(|accounts| {
            let id = account.id;
            match (accounts.by_id.get(&id), accounts.by_email.contains_key(&account.email)) {
                (Some(kept), _) if kept.email == account.email => return Ok(()),
                (Some(_), _) => return Err(AccountError::AlreadyExists { id }),
                (None, true) => return Err(AccountError::EmailTaken),
                (None, false) => {}
            }
            accounts.by_email.insert(account.email.clone(), id);
            accounts.by_id.insert(id, Arc::new(account));
            for consent in consents {
                accounts.agree(consent.clone());
            }
            Ok(())
        })
    }

    async fn find(&self, id: AccountId) -> Result<Option<Arc<Account>>, AccountError> {
        Ok(self.read(|accounts| accounts.by_id.get(&id).cloned()))
    }

    async fn find_by_email(&self, email: &EmailAddress) -> Result<Option<Arc<Account>>, AccountError> {
        Ok(self.read(|accounts| accounts.by_email.get(email).and_then(|id| accounts.by_id.get(id)).cloned()))
    }

    async fn list(&self, before: Option<AccountId>, limit: u32) -> Result<Vec<Arc<Account>>, AccountError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let end = before.unwrap_or_else(|| AccountId::from_uuid(uuid::Uuid::max()));
        let newest_first = |accounts: &Accounts| {
            let older = accounts.by_id.range(..end).rev();
            older.take(limit).map(|(_id, account)| Arc::clone(account)).collect()
        };
        Ok(self.read(newest_first))
    }

    async fn following(
        &self,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Arc<Account>>, AccountError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let oldest_first = |accounts: &Accounts| {
            let younger = accounts.by_id.range((begin, Bound::Unbounded));
            younger.take(limit).map(|(_id, account)| Arc::clone(account)).collect()
        };
        Ok(self.read(oldest_first))
    }

    async fn update(&self, was: &Account, account: Account) -> Result<(), AccountError> {
        self.write(|accounts| {
            let id = account.id;
            let kept = accounts.by_id.get(&id).cloned().ok_or(AccountError::NotFound { id })?;
            if kept.as_ref() != was {
                return Err(AccountError::Changed { id });
            }
            if accounts.by_email.get(&account.email).is_some_and(|owner| *owner != id) {
                return Err(AccountError::EmailTaken);
            }
            accounts.by_email.remove(&kept.email);
            accounts.by_email.insert(account.email.clone(), id);
            accounts.by_id.insert(id, Arc::new(Account { created_at: kept.created_at, ..account }));
            Ok(())
        })
    }
}

#[async_trait]
impl ConsentStore for MemoryAccounts {
    async fn agree(&self, consent: Consent) -> Result<Consent, AccountError> {
        Ok(self.write(|accounts| accounts.agree(consent)))
    }

    async fn list(&self, account: AccountId) -> Result<Vec<Consent>, AccountError> {
        Ok(self.read(|accounts| accounts.consents_of(account).map(|kept| kept.consent.clone()).collect()))
    }

    async fn detach(&self, request: DetachConsents) -> Result<u64, AccountError> {
        Ok(self.write(|accounts| accounts.detach(request)))
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AccountError> {
        Ok(self.write(|accounts| {
            let old = accounts.consents.iter();
            let old = old.filter(|(_name, kept)| kept.detached_at.is_some_and(|at| at < before));
            let old = old.map(|(name, _kept)| name.clone());
            let old: Vec<ConsentName> = old.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
            for name in &old {
                accounts.consents.remove(name);
            }
            u64::try_from(old.len()).unwrap_or(u64::MAX)
        }))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_accounts() -> Option<MemoryAccounts> {
        Some(MemoryAccounts::default())
    }

    crate::account_store_conformance!(memory_accounts);
    crate::consent_store_conformance!(memory_accounts);
}
