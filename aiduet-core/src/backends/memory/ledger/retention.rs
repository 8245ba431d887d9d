//! Deletes what was kept about requests long enough.

use async_trait::async_trait;

use super::MemoryLedger;
use crate::clock::Timestamp;
use crate::id::{AccountId, RequestId};
use crate::ledger::books::{BUCKET_MILLIS, RollupKey};
use crate::ledger::{LedgerError, PurgedUsage, UsageRetention};

const fn end(key: &RollupKey) -> Timestamp {
    Timestamp::from_millis(key.bucket.millis().saturating_add(BUCKET_MILLIS))
}

#[async_trait]
impl UsageRetention for MemoryLedger {
    async fn oldest(&self) -> Result<Option<Timestamp>, LedgerError> {
        let state = self.lock();
        let records = state.books.requests().map(|row| row.record.started_at);
        Ok(records.chain(state.rollups.keys().map(end)).min())
    }

    async fn overdue(&self, before: Timestamp) -> Result<u64, LedgerError> {
        let state = self.lock();
        let old = state.books.requests().filter(|row| row.record.started_at < before);
        Ok(u64::try_from(old.count()).unwrap_or(u64::MAX))
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<PurgedUsage, LedgerError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut state = self.lock();
        let old = state.books.requests().map(|row| &row.record).filter(|record| record.started_at < before);
        let old: Vec<(AccountId, RequestId)> =
            old.map(|record| (record.account, record.id)).take(limit).collect();
        for (account, request) in &old {
            state.books.forget_record(*request);
            state.by_account.remove(&(*account, *request));
        }
        let sums: Vec<RollupKey> =
            state.rollups.keys().filter(|key| end(key) <= before).take(limit).cloned().collect();
        for key in &sums {
            state.rollups.remove(key);
        }
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(PurgedUsage { records: count(old.len()), sums: count(sums.len()) })
    }
}
