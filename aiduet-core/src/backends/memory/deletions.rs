//! Deletions of accounts, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    MemoryAccounts, MemoryAlerts, MemoryApprovals, MemoryDeclines, MemoryExports, MemoryFailures,
    MemoryIdentities, MemoryKeyCreations, MemoryKeys, MemoryLedger, MemoryOutbox, MemoryPayers,
    MemoryRecharges, MemoryRefunds, MemorySecurityLog, MemorySessions, MemorySpendAlerts, MemoryTickets,
    MemoryTopUps,
};
use crate::clock::Timestamp;
use crate::id::{AccountId, DeletionId, Entropy, SystemEntropy};
use crate::payment::PayerStore;
use crate::privacy::{
    BeginDeletion, Begun, Deletion, DeletionError, DeletionState, DeletionStore, ErasedPart, ErasedRows,
    ErasureReceipt, Tombstone,
};

/// Every store that knows people.
#[derive(Clone, Debug)]
pub struct MemoryPeople {
    /// Accounts.
    pub accounts: Arc<MemoryAccounts>,
    /// API keys.
    pub keys: Arc<MemoryKeys>,
    /// Which request made which key.
    pub creations: Arc<MemoryKeyCreations>,
    /// Accounts elsewhere by which they sign in.
    pub identities: Arc<MemoryIdentities>,
    /// Sessions.
    pub sessions: Arc<MemorySessions>,
    /// Tickets.
    pub tickets: Arc<MemoryTickets>,
    /// Wrong passwords.
    pub failures: Arc<MemoryFailures>,
    /// What happened.
    pub security_log: Arc<MemorySecurityLog>,
    /// Money and requests.
    pub ledger: Arc<MemoryLedger>,
    /// Purchases.
    pub top_ups: Arc<MemoryTopUps>,
    /// The card company's names.
    pub payers: Arc<MemoryPayers>,
    /// Low balances of which they want to be told.
    pub alerts: Arc<MemoryAlerts>,
    /// How much spending they want to be told of.
    pub spend_alerts: Arc<MemorySpendAlerts>,
    /// Automatic purchases.
    pub recharges: Arc<MemoryRecharges>,
    /// Orders to give credit back.
    pub refunds: Arc<MemoryRefunds>,
    /// Payments that were refused.
    pub declines: Arc<MemoryDeclines>,
    /// Credit that operators asked for.
    pub approvals: Arc<MemoryApprovals>,
    /// Messages.
    pub outbox: Arc<MemoryOutbox>,
    /// Who was given everything.
    pub exports: Arc<MemoryExports>,
}

impl MemoryPeople {
    /// Nobody, but for what a ledger knows.
    pub fn with(ledger: Arc<MemoryLedger>) -> Self {
        Self {
            accounts: Arc::default(),
            keys: Arc::default(),
            creations: Arc::default(),
            identities: Arc::default(),
            sessions: Arc::default(),
            tickets: Arc::default(),
            failures: Arc::default(),
            security_log: Arc::default(),
            alerts: Arc::new(MemoryAlerts::new(Arc::<MemoryLedger>::clone(&ledger))),
            spend_alerts: Arc::new(MemorySpendAlerts::new(Arc::<MemoryLedger>::clone(&ledger))),
            recharges: Arc::new(MemoryRecharges::new(Arc::<MemoryLedger>::clone(&ledger))),
            refunds: Arc::default(),
            declines: Arc::default(),
            approvals: Arc::default(),
            ledger,
            top_ups: Arc::default(),
            payers: Arc::default(),
            outbox: Arc::default(),
            exports: Arc::default(),
        }
    }
}

/// Deletions of accounts, in memory.
#[derive(Debug)]
pub struct MemoryDeletions {
    people: MemoryPeople,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<DeletionId, Open>,
    receipts: BTreeMap<DeletionId, (ErasureReceipt, Tombstone)>,
}

#[derive(Debug)]
struct Open {
    deletion: Deletion,
    begun: Option<Begun>,
    erased: BTreeMap<&'static str, u64>,
}

/// A table, and what erases it or only counts.
type Table = (&'static str, fn(&MemoryPeople, AccountId, Touch) -> u64);

/// Whether rows are erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// Yes.
    Erase,
    /// They are only counted.
    Count,
}

/// In the order of the tables of a database.
const TABLES: [Table; 19] = [
    ("tickets", |people, account, touch| people.tickets.personal(account, touch)),
    ("sessions", |people, account, touch| people.sessions.personal(account, touch)),
    ("sign_in_failures", |people, account, touch| people.failures.personal(account, touch)),
    ("requests", |people, account, touch| people.ledger.personal_usage(account, touch)),
    ("key_creations", |people, account, touch| people.creations.personal(account, touch)),
    ("api_keys", |people, account, touch| people.keys.personal(account, touch)),
    ("alerts", |people, account, touch| people.alerts.personal(account, touch)),
    ("spend_alerts", |people, account, touch| people.spend_alerts.personal(account, touch)),
    ("recharges", |people, account, touch| people.recharges.personal(account, touch)),
    ("approvals", |people, account, touch| people.approvals.personal(account, touch)),
    ("declines", |people, account, touch| people.declines.personal(account, touch)),
    ("payers", |people, account, touch| people.payers.personal(account, touch)),
    ("account", |people, account, touch| {
        let subject = subject();
        let purchases = people.top_ups.personal((account, subject), touch);
        let orders = people.refunds.personal((account, subject), touch);
        purchases
            .saturating_add(orders)
            .saturating_add(people.ledger.personal_books((account, subject), touch))
    }),
    ("consents", |people, account, touch| people.accounts.personal_consents((account, subject()), touch)),
    ("exports", |people, account, touch| people.exports.personal((account, subject()), touch)),
    ("security_events", |people, account, touch| people.security_log.personal((account, subject()), touch)),
    ("notices", |people, account, touch| people.outbox.personal(account, touch)),
    ("identities", |people, account, touch| people.identities.personal(account, touch)),
    ("accounts", |people, account, touch| people.accounts.personal(account, touch)),
];

/// A name that stands nowhere else.
fn subject() -> AccountId {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    AccountId::from_uuid(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// Those of an iterator that erasing removes, counted.
pub(super) fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl MemoryDeletions {
    /// No deletions, of these people.
    pub fn of(people: MemoryPeople) -> Self {
        Self { people, state: Mutex::default() }
    }

    /// When the deletion of an account was asked for.
    pub(super) fn moment_of(&self, account: AccountId) -> Option<Timestamp> {
        self.lock().of_account(account).map(|deletion| deletion.asked_at)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of_account(&self, account: AccountId) -> Option<Deletion> {
        self.open.values().map(|open| open.deletion).find(|deletion| deletion.account == account)
    }
}

#[async_trait]
impl DeletionStore for MemoryDeletions {
    async fn ask(&self, deletion: Deletion) -> Result<Deletion, DeletionError> {
        let mut state = self.lock();
        if let Some(known) = state.of_account(deletion.account) {
            return Ok(known);
        }
        state.open.insert(deletion.id, Open { deletion, begun: None, erased: BTreeMap::new() });
        Ok(deletion)
    }

    async fn find(&self, account: AccountId) -> Result<Option<Deletion>, DeletionError> {
        Ok(self.lock().of_account(account))
    }

    async fn cancel(&self, account: AccountId) -> Result<bool, DeletionError> {
        let mut state = self.lock();
        let waiting =
            |open: &Open| open.deletion.account == account && open.deletion.state == DeletionState::Waiting;
        let before = state.open.len();
        state.open.retain(|_id, open| !waiting(open));
        Ok(state.open.len() < before)
    }

    async fn open(&self, limit: u32) -> Result<Vec<Deletion>, DeletionError> {
        let mut open: Vec<Deletion> = self.lock().open.values().map(|open| open.deletion).collect();
        open.sort_by_key(|deletion| (deletion.erase_at, deletion.id));
        open.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(open)
    }

    async fn begin(&self, request: BeginDeletion) -> Result<Option<Begun>, DeletionError> {
        let BeginDeletion { id, tombstone, paid_left, now } = request;
        let known = {
            let state = self.lock();
            let Some(open) = state.open.get(&id) else { return Ok(None) };
            if open.begun.is_some() {
                return Ok(open.begun.clone());
            }
            open.deletion
        };
        if now < known.erase_at || self.people.ledger.has_holds(known.account) {
            return Ok(None);
        }
        let payer = self.people.payers.find(known.account).await.unwrap_or_default();
        let mut state = self.lock();
        let Some(open) = state.open.get_mut(&id) else { return Ok(None) };
        open.deletion.state = DeletionState::Erasing;
        let begun = Begun { deletion: open.deletion, tombstone, paid_left, payer };
        Ok(Some(open.begun.get_or_insert(begun).clone()))
    }

    fn tables(&self) -> Vec<&'static str> {
        TABLES.iter().map(|(table, _rows)| *table).collect()
    }

    async fn plan(&self, account: AccountId) -> Result<Vec<ErasedRows>, DeletionError> {
        let counted = TABLES.iter().map(|(table, rows)| ErasedRows {
            table: (*table).to_owned(),
            rows: rows(&self.people, account, Touch::Count),
        });
        Ok(counted.filter(|counted| counted.rows > 0).collect())
    }

    async fn erase(&self, deletion: &Deletion, table: &'static str) -> Result<ErasedPart, DeletionError> {
        let found = TABLES.iter().find(|(name, _rows)| *name == table);
        let (name, rows) = found.ok_or(DeletionError::UnknownTable { table })?;
        if self.people.ledger.has_holds(deletion.account) {
            return Err(DeletionError::Busy);
        }
        let mut state = self.lock();
        let erased = rows(&self.people, deletion.account, Touch::Erase);
        if let Some(open) = state.open.get_mut(&deletion.id) {
            let sum = open.erased.entry(name).or_default();
            *sum = sum.saturating_add(erased);
        }
        Ok(ErasedPart::All)
    }

    async fn erased(&self, id: DeletionId) -> Result<Vec<ErasedRows>, DeletionError> {
        let state = self.lock();
        let Some(open) = state.open.get(&id) else { return Ok(Vec::new()) };
        let rows = |(table, _rows): &Table| {
            open.erased.get(table).map(|rows| ErasedRows { table: (*table).to_owned(), rows: *rows })
        };
        Ok(TABLES.iter().filter_map(rows).collect())
    }

    async fn finish(&self, receipt: ErasureReceipt) -> Result<(), DeletionError> {
        let mut state = self.lock();
        if let Some(Open { begun: Some(begun), .. }) = state.open.remove(&receipt.id) {
            state.receipts.insert(receipt.id, (receipt, begun.tombstone));
        }
        Ok(())
    }

    async fn receipts(
        &self,
        before: Option<DeletionId>,
        limit: u32,
    ) -> Result<Vec<ErasureReceipt>, DeletionError> {
        let end = before.unwrap_or_else(|| DeletionId::from_uuid(uuid::Uuid::max()));
        let state = self.lock();
        let newest = state.receipts.range(..end).rev().map(|(_id, (receipt, _tombstone))| receipt.clone());
        Ok(newest.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    async fn tombstones(&self, limit: u32) -> Result<Vec<Tombstone>, DeletionError> {
        let state = self.lock();
        let open = state.open.values().filter_map(|open| open.begun.as_ref());
        let mut all: Vec<(DeletionId, Tombstone)> =
            open.map(|begun| (begun.deletion.id, begun.tombstone)).collect();
        all.extend(state.receipts.iter().map(|(id, (_receipt, tombstone))| (*id, *tombstone)));
        all.sort_by_key(|(id, _tombstone)| std::cmp::Reverse(*id));
        let newest = all.into_iter().map(|(_id, tombstone)| tombstone);
        Ok(newest.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    async fn scrub(&self) -> Result<(), DeletionError> {
        Ok(())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::testing::Factory;
    use crate::testing::deletion::World;

    async fn world() -> Option<World> {
        let factory = Arc::new(Factory::new(3));
        let clock: Arc<dyn crate::clock::Clock> = Arc::<crate::clock::ManualClock>::clone(factory.clock());
        let people = MemoryPeople::with(Arc::new(MemoryLedger::new(clock)));
        Some(World {
            deletions: Arc::new(MemoryDeletions::of(people.clone())),
            accounts: people.accounts,
            keys: people.keys,
            creations: people.creations,
            identities: people.identities,
            sessions: people.sessions,
            tickets: people.tickets,
            failures: people.failures,
            security_log: people.security_log,
            ledger: Arc::<MemoryLedger>::clone(&people.ledger),
            audit: Arc::<MemoryLedger>::clone(&people.ledger),
            account_limits: Arc::<MemoryLedger>::clone(&people.ledger),
            requests: people.ledger,
            top_ups: people.top_ups,
            departed: Arc::<MemoryPayers>::clone(&people.payers),
            payers: people.payers,
            alerts: people.alerts,
            spend_alerts: people.spend_alerts,
            recharges: people.recharges,
            declines: people.declines,
            approvals: people.approvals,
            outbox: people.outbox,
            exports: people.exports,
            factory,
        })
    }

    crate::deletion_conformance!(world);
}
