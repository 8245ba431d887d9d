//! Ends grants that have run out.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::MemoryLedger;
use crate::id::AccountId;
use crate::ledger::{Grants, LapseGrants, Lapsed, LedgerError};

#[async_trait]
impl Grants for MemoryLedger {
    async fn lapse(&self, request: LapseGrants) -> Result<Lapsed, LedgerError> {
        let LapseGrants { at, limit } = request;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut state = self.lock();
        let over = state.books.all_lots().filter(|lot| lot.expires_at.is_some_and(|end| end <= at));
        let accounts: BTreeSet<AccountId> = over.map(|lot| lot.account).collect();
        let mut lapsed = Lapsed::default();
        for account in accounts {
            lapsed = lapsed.and(state.run(|books| books.lapse(account, at))?);
            if usize::try_from(lapsed.accounts).unwrap_or(usize::MAX) >= limit {
                break;
            }
        }
        Ok(lapsed)
    }
}
