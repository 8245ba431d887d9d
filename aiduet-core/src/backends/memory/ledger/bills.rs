//! Bills of all accounts.

use async_trait::async_trait;

use super::MemoryLedger;
use crate::ledger::{BillPage, BillReader, DatedBill, LedgerError};

#[async_trait]
impl BillReader for MemoryLedger {
    async fn bills(&self, page: BillPage) -> Result<Vec<DatedBill>, LedgerError> {
        let BillPage { from, to, after, limit } = page;
        let state = self.lock();
        let records = state.books.requests().map(|row| &row.record);
        let within = records.filter(|record| from <= record.started_at && record.started_at < to);
        let mut bills: Vec<DatedBill> = within
            .filter(|record| after.is_none_or(|after| record.id > after))
            .map(DatedBill::from)
            .collect();
        bills.sort_unstable_by_key(|bill| bill.id);
        bills.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(bills)
    }
}
