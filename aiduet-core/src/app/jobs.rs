//! What there is to do in the background.

use std::sync::Arc;

use super::Stores;
use crate::clock::Clock;
use crate::http::metrics::Metrics;
use crate::id::NodeId;
use crate::jobs::{Job, Jobs, Lapse, Purge};
use crate::privacy::{Retention, RetentionObserver, RetentionStores};
use crate::settings::Settings;

/// What jobs need besides settings and stores.
#[derive(Clone, Debug)]
pub struct JobParts {
    /// What is due.
    pub clock: Arc<dyn Clock>,
    /// Who does them.
    pub node: NodeId,
    /// Is told what was deleted.
    pub retention: Arc<dyn RetentionObserver>,
}

/// The jobs of a node.
pub fn jobs(settings: &Settings, stores: &Stores, parts: JobParts) -> Jobs {
    let all = registered(settings, stores, &parts);
    let JobParts { clock, node, retention: _ } = parts;
    Jobs { store: Arc::clone(&stores.jobs), all, clock, node }
}

/// The jobs of the node that is being put together.
pub(super) fn of_node(
    settings: &Settings,
    stores: &Stores,
    (clock, node, metrics): (&Arc<dyn Clock>, NodeId, &Arc<Metrics>),
) -> Jobs {
    let retention: Arc<dyn RetentionObserver> = Arc::<Metrics>::clone(metrics);
    jobs(settings, stores, JobParts { clock: Arc::clone(clock), node, retention })
}

/// Every job, in the order of the command line.
fn registered(settings: &Settings, stores: &Stores, parts: &JobParts) -> Vec<Arc<dyn Job>> {
    vec![
        Arc::new(Purge::new(retention(settings, stores), Arc::clone(&parts.retention))),
        Arc::new(Lapse::new(Arc::clone(&stores.grants))),
    ]
}

/// What is kept for how long.
pub fn retention(settings: &Settings, stores: &Stores) -> Retention {
    let stores = RetentionStores {
        usage: Arc::clone(&stores.usage_retention),
        sessions: Arc::clone(&stores.sessions),
        tickets: Arc::clone(&stores.tickets),
        keys: Arc::clone(&stores.keys),
        creations: Arc::clone(&stores.creations),
        security_log: Arc::clone(&stores.security_log),
        outbox: Arc::clone(&stores.outbox),
    };
    Retention::new(stores, settings.retention.usage_days)
}
