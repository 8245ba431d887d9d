//! Monthly limits of accounts, which are columns of them.

use async_trait::async_trait;

use super::operation::Operation;
use super::{SeaOrmLedger, read_accounts};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::books::month_spend;
use crate::ledger::{AccountLimits, LedgerError, LimitChange, MonthSpend};

#[async_trait]
impl AccountLimits for SeaOrmLedger {
    async fn change(&self, change: LimitChange) -> Result<(), LedgerError> {
        self.submit(Operation::ChangeLimit(change)).await.map(drop)
    }

    async fn month_spend(&self, account: AccountId, at: Timestamp) -> Result<MonthSpend, LedgerError> {
        let [paid, promo] = read_accounts(self.database.reader(), account).await?;
        Ok(month_spend(&paid, &promo, at))
    }
}
