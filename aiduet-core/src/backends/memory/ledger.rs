//! The ledger in memory.

mod audit;
mod bills;
mod erasure;
mod grants;
mod holdings;
mod journal;
mod limits;
mod retention;
mod statement;
mod usage;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::{Clock, Timestamp};
use crate::id::{AccountId, ApiKeyId, HoldId, NodeId, RequestId, TransferId};
use crate::ledger::books::{Books, Changes, Rollup, RollupKey, SweptRequest};
use crate::ledger::{
    Audit, Balance, Custody, Entry, Hold, KeySpend, Ledger, LedgerError, ListRequests, RequestLog,
    RequestRecord, ReserveRequest, Reserving, SettleRequest, Settlement, SweepRequest, Swept, Violation,
    VoidRequest,
};
use crate::money::Money;

/// The ledger in memory: the model for the other backends, gone when the process ends.
#[derive(Debug)]
pub struct MemoryLedger {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    books: Books,
    /// Every transfer in the order it was made; the transfers themselves are in the books.
    journal: Vec<TransferId>,
    /// When a living node last said so.
    beats: HashMap<NodeId, Duration>,
    by_account: BTreeSet<(AccountId, RequestId)>,
    rollups: HashMap<RollupKey, Rollup>,
}

impl MemoryLedger {
    /// An empty ledger. The clock judges which nodes live, and dates what a sweep does.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// The sums over the requests of an account that started in a quarter of an hour, per key
    /// and model.
    pub fn rollups(&self, account: AccountId) -> Vec<(RollupKey, Rollup)> {
        let state = self.lock();
        let of_account = state.rollups.iter().filter(|(key, _rollup)| key.account == account);
        let mut rollups: Vec<_> = of_account.map(|(key, rollup)| (key.clone(), *rollup)).collect();
        rollups.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        rollups
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Files what the last operation changed besides the rows of the books.
    fn file(&mut self) {
        let Changes { transfers, requests, rollups, .. } = self.books.take_changes();
        self.journal.extend(transfers.iter().map(|transfer| transfer.id));
        for request in requests {
            if let Some(row) = self.books.request(request) {
                self.by_account.insert((row.record.account, request));
            }
        }
        for (key, added) in rollups {
            let rollup = self.rollups.entry(key).or_default();
            *rollup = rollup.plus(&added);
        }
    }

    fn run<T>(
        &mut self,
        operation: impl FnOnce(&mut Books) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let result = operation(&mut self.books);
        self.file();
        result
    }

    /// Requests all of whose open holds belong to dead nodes, oldest first.
    fn abandoned(&self, dead_after: Duration, now: Duration) -> Vec<RequestId> {
        let is_alive =
            |node: NodeId| self.beats.get(&node).is_some_and(|beat| now.saturating_sub(*beat) < dead_after);
        let kept: HashSet<RequestId> =
            self.books.holds().filter(|hold| is_alive(hold.owner)).map(|hold| hold.request).collect();
        let dead = self.books.holds().filter(|hold| !kept.contains(&hold.request));
        let oldest_first: BTreeSet<(Timestamp, RequestId)> =
            dead.map(|hold| (hold.origin.started_at, hold.request)).collect();
        oldest_first.into_iter().map(|(_at, request)| request).collect()
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn reserve(&self, request: ReserveRequest) -> Result<Hold, LedgerError> {
        self.lock().run(|books| books.reserve(&request))
    }

    async fn settle(&self, request: SettleRequest) -> Result<Settlement, LedgerError> {
        self.lock().run(|books| books.settle(&request))
    }

    async fn void(&self, request: VoidRequest) -> Result<Settlement, LedgerError> {
        self.lock().run(|books| books.void(&request))
    }

    async fn progress(&self, hold: HoldId, used: Money) -> Result<(), LedgerError> {
        self.lock().run(|books| {
            books.progress(hold, used);
            Ok(())
        })
    }

    async fn post(&self, entries: Vec<Entry>) -> Result<(), LedgerError> {
        self.lock().run(|books| books.post(&entries))
    }

    async fn balance(&self, account: AccountId) -> Result<Balance, LedgerError> {
        Ok(self.lock().books.balance(account))
    }

    async fn set_reserving(&self, account: AccountId, reserving: Reserving) -> Result<(), LedgerError> {
        self.lock().run(|books| {
            books.set_reserving(account, reserving);
            Ok(())
        })
    }
}

#[async_trait]
impl Custody for MemoryLedger {
    async fn beat(&self, node: NodeId) -> Result<(), LedgerError> {
        let now = self.clock.monotonic();
        self.lock().beats.insert(node, now);
        Ok(())
    }

    async fn retire(&self, node: NodeId) -> Result<(), LedgerError> {
        self.lock().beats.remove(&node);
        Ok(())
    }

    async fn sweep(&self, request: SweepRequest) -> Result<Swept, LedgerError> {
        let SweepRequest { dead_after, limit } = request;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (now, at) = (self.clock.monotonic(), self.clock.now());
        let mut state = self.lock();
        let mut swept = Swept::default();
        for request in state.abandoned(dead_after, now).into_iter().take(limit) {
            match state.run(|books| books.sweep(request, at))? {
                SweptRequest::Recovered => swept.recovered = swept.recovered.saturating_add(1),
                SweptRequest::Lost => swept.lost = swept.lost.saturating_add(1),
                SweptRequest::Nothing => {}
            }
        }
        Ok(swept)
    }
}

#[async_trait]
impl Audit for MemoryLedger {
    async fn verify(&self) -> Result<Vec<Violation>, LedgerError> {
        let now = self.clock.now();
        Ok(audit::verify(&self.lock(), now))
    }
}

#[async_trait]
impl RequestLog for MemoryLedger {
    async fn find(&self, account: AccountId, id: RequestId) -> Result<Option<RequestRecord>, LedgerError> {
        let state = self.lock();
        let row = state.books.request(id).filter(|row| row.record.account == account);
        Ok(row.map(|row| row.record.clone()))
    }

    async fn list(&self, request: ListRequests) -> Result<Vec<RequestRecord>, LedgerError> {
        let ListRequests { account, key, before, limit } = request;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let nil = RequestId::from_uuid(uuid::Uuid::nil());
        let end = before.unwrap_or_else(|| RequestId::from_uuid(uuid::Uuid::max()));
        let state = self.lock();
        let ids = state.by_account.range((account, nil)..(account, end)).rev();
        let records = ids.filter_map(|(_account, id)| state.books.request(*id)).map(|row| &row.record);
        let records = records.filter(|record| key.is_none_or(|key| record.key == key));
        Ok(records.take(limit).cloned().collect())
    }

    async fn key_spend(&self, key: ApiKeyId, at: Timestamp) -> Result<KeySpend, LedgerError> {
        Ok(self.lock().books.key(key).spend(at))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
