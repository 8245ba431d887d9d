//! What there is to do in the background.

use std::sync::Arc;

use super::Stores;
use super::payment::{Payments, letters};
use crate::clock::Clock;
use crate::cost::CostComparer;
use crate::http::metrics::Metrics;
use crate::id::{Entropy, NodeId, SystemEntropy};
use crate::jobs::{
    Costs, Erase, ForgetPayers, Job, Jobs, KeyExpiry, Lapse, LowBalance, MissedMessages, News, PendingTopUps,
    Purge, Recharges, Reconcile, Refunds, SpendAlerts,
};
use crate::policy::Policies;
use crate::privacy::{Erasure, ErasureParts, Retention, RetentionObserver, RetentionStores, TombstoneFile};
use crate::settings::Settings;

/// What jobs need besides settings and stores.
#[derive(Clone, Debug)]
pub struct JobParts {
    /// What is due.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identifiers.
    pub entropy: Arc<dyn Entropy>,
    /// Who does them.
    pub node: NodeId,
    /// Is told what was deleted.
    pub retention: Arc<dyn RetentionObserver>,
    /// Who sells credit; without one its jobs are left out.
    pub payments: Option<Payments>,
    /// Who holds our records against what providers say, where one does.
    pub costs: Option<Arc<CostComparer>>,
}

/// What the jobs of the node that is being put together need.
pub(super) fn parts(
    (clock, entropy, node): (&Arc<dyn Clock>, &Arc<dyn Entropy>, NodeId),
    metrics: &Arc<Metrics>,
    (payments, costs): (Option<Payments>, Option<Arc<CostComparer>>),
) -> JobParts {
    let retention: Arc<dyn RetentionObserver> = Arc::<Metrics>::clone(metrics);
    JobParts { clock: Arc::clone(clock), entropy: Arc::clone(entropy), node, retention, payments, costs }
}

/// The jobs of a node.
pub fn jobs(settings: &Settings, stores: &Stores, parts: JobParts) -> Jobs {
    let all = registered(settings, stores, &parts);
    let JobParts { clock, node, .. } = parts;
    Jobs { store: Arc::clone(&stores.jobs), all, clock, node }
}

/// Every job, in the order of the command line.
fn registered(settings: &Settings, stores: &Stores, parts: &JobParts) -> Vec<Arc<dyn Job>> {
    let low_balance = LowBalance {
        alerts: Arc::clone(&stores.alerts),
        ledger: Arc::clone(&stores.ledger),
        letters: letters(stores, (&parts.clock, &parts.entropy)),
    };
    let spend_alerts = SpendAlerts {
        alerts: Arc::clone(&stores.spend_alerts),
        usage: Arc::clone(&stores.usage),
        letters: letters(stores, (&parts.clock, &parts.entropy)),
    };
    let key_expiry = KeyExpiry {
        keys: Arc::clone(&stores.ending_keys),
        letters: letters(stores, (&parts.clock, &parts.entropy)),
    };
    let mut all: Vec<Arc<dyn Job>> = vec![
        Arc::new(Purge::new(retention(settings, stores), Arc::clone(&parts.retention))),
        Arc::new(Lapse::new(Arc::clone(&stores.grants))),
        Arc::new(low_balance),
        Arc::new(spend_alerts),
        Arc::new(key_expiry),
        Arc::new(Erase::new(erasure(settings, stores, &parts.clock))),
    ];
    // With texts that cannot be read no application is built.
    if let Ok(policies) = Policies::embedded() {
        all.push(Arc::new(News {
            publications: Arc::clone(&stores.publications),
            policies,
            prices: Arc::clone(&stores.prices),
            editions: Arc::clone(&stores.price_editions),
            accounts: Arc::clone(&stores.accounts),
            letters: letters(stores, (&parts.clock, &parts.entropy)),
        }));
    }
    if let Some(Payments { cashier, recharger, reconciler }) = &parts.payments {
        let jobs = Arc::clone(&stores.jobs);
        all.push(Arc::new(PendingTopUps { cashier: Arc::clone(cashier) }));
        all.push(Arc::new(Reconcile { reconciler: Arc::clone(reconciler) }));
        all.push(Arc::new(Refunds { cashier: Arc::clone(cashier) }));
        all.push(Arc::new(ForgetPayers { cashier: Arc::clone(cashier) }));
        if let Some(recharger) = recharger {
            all.push(Arc::new(Recharges { recharger: Arc::clone(recharger) }));
        }
        all.push(Arc::new(MissedMessages { cashier: Arc::clone(cashier), jobs }));
    }
    if let Some(comparer) = &parts.costs {
        all.push(Arc::new(Costs { comparer: Arc::clone(comparer) }));
    }
    all
}

/// What erases accounts whose owners have left.
pub fn erasure(settings: &Settings, stores: &Stores, clock: &Arc<dyn Clock>) -> Erasure {
    Erasure::new(ErasureParts {
        deletions: Arc::clone(&stores.deletions),
        accounts: Arc::clone(&stores.accounts),
        ledger: Arc::clone(&stores.ledger),
        top_ups: Arc::clone(&stores.top_ups),
        outbox: Arc::clone(&stores.outbox),
        tombstones: settings.privacy.tombstones.clone().map(TombstoneFile::at),
        clock: Arc::clone(clock),
        entropy: Arc::new(SystemEntropy),
    })
}

/// What is kept for how long.
pub fn retention(settings: &Settings, stores: &Stores) -> Retention {
    let stores = RetentionStores {
        usage: Arc::clone(&stores.usage_retention),
        sessions: Arc::clone(&stores.sessions),
        tickets: Arc::clone(&stores.tickets),
        keys: Arc::clone(&stores.keys),
        creations: Arc::clone(&stores.creations),
        consents: Arc::clone(&stores.consents),
        exports: Arc::clone(&stores.exports),
        declines: Arc::clone(&stores.declines),
        security_log: Arc::clone(&stores.security_log),
        outbox: Arc::clone(&stores.outbox),
        status: Arc::clone(&stores.status),
    };
    Retention::new(stores, settings.retention.usage_days)
}
