//! The office of the operators, from what is kept.

use std::sync::Arc;

use super::{App, Stores};
use crate::clock::Clock;
use crate::duet::DuetConfig;
use crate::id::Entropy;
use crate::operator::{Office, OfficeParts};

/// The office over stores, for a gateway with this duet.
pub fn office(
    stores: &Stores,
    duet: &DuetConfig,
    (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
) -> Office {
    Office::new(parts(stores, duet, (clock, entropy)))
}

fn parts(
    stores: &Stores,
    duet: &DuetConfig,
    (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
) -> OfficeParts {
    OfficeParts {
        clock,
        entropy,
        accounts: Arc::clone(&stores.accounts),
        sessions: Arc::clone(&stores.sessions),
        keys: Arc::clone(&stores.keys),
        recharges: Arc::clone(&stores.recharges),
        ledger: Arc::clone(&stores.ledger),
        usage: Arc::clone(&stores.usage),
        books: Arc::clone(&stores.audit),
        audit_log: Arc::clone(&stores.audit_log),
        approvals: Arc::clone(&stores.approvals),
        publications: Arc::clone(&stores.publications),
        price_editions: Arc::clone(&stores.price_editions),
        first_prices: Arc::clone(&stores.first_prices),
        duet: duet.clone(),
        deletions: Arc::clone(&stores.deletions),
    }
}

impl App {
    /// Where operators act.
    pub fn office(&self) -> Office {
        let entropy = Arc::clone(&self.reception().parts().entropy);
        let parts = parts(self.stores(), self.gateway().duet_config(), (Arc::clone(self.clock()), entropy));
        Office::new(OfficeParts { keys: Arc::clone(self.keys()), ..parts })
    }
}
