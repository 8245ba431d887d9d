//! Accounts in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use crate::account::{Account, AccountError, AccountStore, EmailAddress};
use crate::id::AccountId;

/// Accounts in memory.
#[derive(Debug, Default)]
pub struct MemoryAccounts(RwLock<Accounts>);

#[derive(Debug, Default)]
struct Accounts {
    by_id: BTreeMap<AccountId, Arc<Account>>,
    by_email: HashMap<EmailAddress, AccountId>,
}

impl MemoryAccounts {
    fn read<T>(&self, look: impl FnOnce(&Accounts) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Accounts) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl AccountStore for MemoryAccounts {
    async fn insert(&self, account: Account) -> Result<(), AccountError> {
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

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_accounts() -> Option<MemoryAccounts> {
        Some(MemoryAccounts::default())
    }

    crate::account_store_conformance!(memory_accounts);
}
