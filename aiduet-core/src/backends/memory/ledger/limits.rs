//! Monthly limits of accounts.

use async_trait::async_trait;

use super::MemoryLedger;
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::{AccountLimits, LedgerError, LimitChange, MonthSpend};

#[async_trait]
impl AccountLimits for MemoryLedger {
    async fn change(&self, change: LimitChange) -> Result<(), LedgerError> {
        self.lock().run(|books| books.change_limit(change))
    }

    async fn month_spend(&self, account: AccountId, at: Timestamp) -> Result<MonthSpend, LedgerError> {
        Ok(self.lock().books.month_spend(account, at))
    }
}
