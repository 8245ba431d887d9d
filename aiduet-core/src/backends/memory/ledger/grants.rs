//! What is left of grants, and their end.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::MemoryLedger;
use crate::id::AccountId;
use crate::ledger::books::Lot;
use crate::ledger::{GrantLeft, Grants, LapseGrants, Lapsed, LedgerError};
use crate::money::Money;

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

    async fn left(&self, account: AccountId, limit: u32) -> Result<Vec<GrantLeft>, LedgerError> {
        let mut lots = self.lock().books.lots(account).to_vec();
        lots.retain(|lot| lot.remaining > Money::ZERO);
        lots.sort_unstable_by_key(Lot::burning_order);
        lots.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let left = |Lot { id, remaining, expires_at, .. }| GrantLeft { id, remaining, expires_at };
        Ok(lots.into_iter().map(left).collect())
    }
}
