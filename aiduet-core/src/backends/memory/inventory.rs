//! Counts what the stores in memory hold about a person.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    MemoryAccounts, MemoryAlerts, MemoryApprovals, MemoryDeclines, MemoryDeletions, MemoryExports,
    MemoryFailures, MemoryIdentities, MemoryKeyCreations, MemoryKeys, MemoryOutbox, MemoryPayers,
    MemoryPeople, MemoryRecharges, MemoryRefunds, MemorySecurityLog, MemorySessions, MemorySpendAlerts,
    MemoryTickets, MemoryTopUps,
};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::privacy::{DataInventory, Holding, InventoryError};

/// [`DataInventory`] of stores in memory.
#[derive(Debug, Default)]
pub struct MemoryInventory {
    stores: Vec<Arc<dyn Holder>>,
}

/// A store that can say what it holds about a person, under the names that tables have.
pub trait Holder: fmt::Debug + Send + Sync + 'static {
    /// What it holds.
    fn holdings(&self, account: AccountId) -> Vec<Holding>;
}

impl MemoryInventory {
    /// Counts in every store that knows people.
    pub fn of(people: &MemoryPeople) -> Self {
        let MemoryPeople {
            accounts,
            keys,
            creations,
            identities,
            sessions,
            tickets,
            failures,
            security_log,
            ledger,
            top_ups,
            payers,
            alerts,
            spend_alerts,
            recharges,
            refunds,
            declines,
            approvals,
            outbox,
            exports,
        } = people;
        let identity =
            Self::default().with(accounts).with(identities).with(sessions).with(tickets).with(failures);
        let keys = identity.with(keys).with(creations).with(security_log).with(outbox).with(exports);
        keys.with(ledger)
            .with(top_ups)
            .with(payers)
            .with(alerts)
            .with(spend_alerts)
            .with(recharges)
            .with(refunds)
            .with(declines)
            .with(approvals)
    }

    /// Counts in a store as well.
    #[must_use]
    pub fn with<S: Holder>(mut self, store: &Arc<S>) -> Self {
        let store: Arc<dyn Holder> = Arc::<S>::clone(store);
        self.stores.push(store);
        self
    }
}

#[async_trait]
impl DataInventory for MemoryInventory {
    async fn holdings(&self, account: AccountId) -> Result<Vec<Holding>, InventoryError> {
        Ok(self.stores.iter().flat_map(|store| store.holdings(account)).collect())
    }
}

/// So many things, made at these moments.
pub(super) fn counted(table: &'static str, moments: impl IntoIterator<Item = Option<Timestamp>>) -> Holding {
    let mut holding = Holding { table, rows: 0, oldest: None };
    for moment in moments {
        holding.rows = holding.rows.saturating_add(1);
        holding.oldest = holding.oldest.into_iter().chain(moment).min();
    }
    holding
}

impl Holder for MemoryAccounts {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        self.read(|accounts| {
            let own = accounts.by_id.get(&account).map(|account| Some(account.created_at));
            let agreed = accounts.consents_of(account).map(|kept| Some(kept.consent.at));
            vec![counted("accounts", own), counted("consents", agreed)]
        })
    }
}

impl Holder for MemoryIdentities {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let kept = self.lock();
        let own = kept.iter().filter(|identity| identity.account == account);
        vec![counted("identities", own.map(|identity| Some(identity.created_at)))]
    }
}

impl Holder for MemorySessions {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let sessions = self.lock();
        let own = sessions.values().filter(|session| session.account == account);
        vec![counted("sessions", own.map(|session| Some(session.created_at)))]
    }
}

impl Holder for MemoryTickets {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let tickets = self.lock();
        let own = tickets.values().filter(|ticket| ticket.account == account);
        vec![counted("tickets", own.map(|ticket| Some(ticket.issued_at)))]
    }
}

impl Holder for MemoryFailures {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        vec![counted("sign_in_failures", self.lock().get(&account).map(|_failures| None))]
    }
}

impl Holder for MemoryKeys {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        vec![self.read(|keys| counted("api_keys", keys.of(account).map(|key| Some(key.created_at))))]
    }
}

impl Holder for MemoryKeyCreations {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let kept = self.lock();
        let own = kept.values().filter(|creation| creation.account == account);
        vec![counted("key_creations", own.map(|creation| Some(creation.at)))]
    }
}

impl Holder for MemorySecurityLog {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let events = self.lock();
        let own = events.values().filter(|event| event.account == account);
        vec![counted("security_events", own.map(|event| Some(event.at)))]
    }
}

impl Holder for MemoryExports {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let exports = self.lock();
        let own = exports.values().filter(|export| export.account == account);
        vec![counted("exports", own.map(|export| Some(export.created_at)))]
    }
}

impl Holder for MemoryOutbox {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        vec![counted("notices", self.moments_of(account).into_iter().map(Some))]
    }
}

impl Holder for MemoryTopUps {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let kept = self.lock();
        let own = || kept.values().filter(|kept| kept.top_up.account == account);
        let disputes = own().flat_map(|kept| kept.disputes.values());
        vec![
            counted("top_ups", own().map(|kept| Some(kept.top_up.created_at))),
            counted("disputes", disputes.map(|_stage| None)),
        ]
    }
}

impl Holder for MemoryPayers {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        vec![counted("payers", self.lock().get(&account).map(|_payer| None))]
    }
}

impl Holder for MemoryAlerts {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        vec![counted("alerts", self.lock().get(&account).map(|_alert| None))]
    }
}

impl Holder for MemorySpendAlerts {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let kept = self.lock();
        let own = kept.keys().filter(|(owner, _span)| *owner == account);
        vec![counted("spend_alerts", own.map(|_alert| None))]
    }
}

impl Holder for MemoryRecharges {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        vec![counted("recharges", self.lock().get(&account).map(|recharge| Some(recharge.agreed_at)))]
    }
}

impl Holder for MemoryDeletions {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        vec![counted("deletions", self.moment_of(account).map(Some))]
    }
}

impl Holder for MemoryApprovals {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let kept = self.lock();
        let own = kept.values().filter(|approval| approval.matter.account() == Some(account));
        vec![counted("approvals", own.map(|approval| Some(approval.asked_at)))]
    }
}

impl Holder for MemoryDeclines {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let kept = self.lock();
        let own = kept.values().filter(|decline| decline.account == account);
        vec![counted("declines", own.map(|decline| Some(decline.at)))]
    }
}

impl Holder for MemoryRefunds {
    fn holdings(&self, account: AccountId) -> Vec<Holding> {
        let kept = self.lock();
        let own = kept.values().filter(|order| order.account == account);
        vec![counted("refunds", own.map(|order| Some(order.begun_at)))]
    }
}
