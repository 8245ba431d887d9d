//! A ledger that lets others go first before it allows spending.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aiduet_core::backends::memory::MemoryLedger;
use aiduet_core::id::{AccountId, HoldId};
use aiduet_core::ledger::{
    Balance, Entry, Hold, Ledger, LedgerError, ReserveRequest, Reserving, SettleRequest, Settlement,
    VoidRequest,
};
use aiduet_core::money::Money;
use async_trait::async_trait;

/// How often others go first, at most: enough for a few messages to be acted on.
const TURNS_MAX: usize = 64;

/// A ledger as another node sees it: between the decision that somebody may spend and what follows from
/// it, others learn more.
#[derive(Debug)]
pub(super) struct HesitantLedger {
    inner: Arc<MemoryLedger>,
    asked: AtomicUsize,
}

impl HesitantLedger {
    pub(super) fn over(inner: &Arc<MemoryLedger>) -> Self {
        Self { inner: Arc::clone(inner), asked: AtomicUsize::new(TURNS_MAX - 1) }
    }
}

#[async_trait]
impl Ledger for HesitantLedger {
    async fn reserve(&self, request: ReserveRequest) -> Result<Hold, LedgerError> {
        self.inner.reserve(request).await
    }

    async fn settle(&self, request: SettleRequest) -> Result<Settlement, LedgerError> {
        self.inner.settle(request).await
    }

    async fn void(&self, request: VoidRequest) -> Result<Settlement, LedgerError> {
        self.inner.void(request).await
    }

    async fn progress(&self, hold: HoldId, used: Money) -> Result<(), LedgerError> {
        self.inner.progress(hold, used).await
    }

    async fn post(&self, entries: Vec<Entry>) -> Result<(), LedgerError> {
        self.inner.post(entries).await
    }

    async fn balance(&self, account: AccountId) -> Result<Balance, LedgerError> {
        self.inner.balance(account).await
    }

    async fn set_reserving(&self, account: AccountId, reserving: Reserving) -> Result<(), LedgerError> {
        if reserving == Reserving::Allowed {
            // Every number of turns comes, since both have no common divisor.
            let turns = self.asked.fetch_add(23, Ordering::Relaxed) % TURNS_MAX;
            for _turn in 0..turns {
                tokio::task::yield_now().await;
            }
        }
        self.inner.set_reserving(account, reserving).await
    }
}
