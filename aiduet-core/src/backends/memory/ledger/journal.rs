//! Reads postings and accounts of the house.

use async_trait::async_trait;

use super::MemoryLedger;
use crate::id::TransferId;
use crate::ledger::{Journal, LedgerAccount, LedgerError};
use crate::money::Money;

#[async_trait]
impl Journal for MemoryLedger {
    async fn find(&self, ids: &[TransferId]) -> Result<Vec<(TransferId, Money)>, LedgerError> {
        let state = self.lock();
        let found = ids.iter().filter_map(|id| state.books.transfer(*id));
        Ok(found.map(|transfer| (transfer.id, transfer.amount)).collect())
    }

    async fn house(&self, account: LedgerAccount) -> Result<Money, LedgerError> {
        let row = self.lock().books.account(account);
        Ok(row.debit_posted.checked_sub(row.credit_posted)?)
    }
}
