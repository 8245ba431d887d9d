//! A card company without a network: for demonstrations and tests.
//!
//! [`FakeStripe`] keeps sessions, payments, refunds, disputes and its own balance, answers the calls
//! that a processor makes, with the same rules for repeats as the real one, and says what the payer
//! and the bank do. What happens becomes signed messages, which a test delivers as it likes: twice,
//! late, in another order, never. [`FakeStripe::router`] serves it over HTTP with a page to pay on.
//!
//! Prices of the real one are imitated where the books see them: 2.9 % and 30 cents of each payment,
//! 15 USD for a dispute.
//!
//! # Source
//! <https://docs.stripe.com/api>, read 2026-11-26.

mod api;
mod charges;
mod events;
mod http;
mod payer;
mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use api::{FakeAnswer, FakeCall};
pub use charges::CardManner;
pub use events::Delivery;
pub use payer::{FakeError, Verdict};

use crate::clock::Clock;
use crate::secret::Secret;
use state::State;

/// A card company in this process; cheap to clone.
#[derive(Clone)]
pub struct FakeStripe {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    /// What messages are signed with.
    webhook_secret: Secret<String>,
}

impl FakeStripe {
    /// A card company at which nothing has happened yet.
    pub fn new(clock: Arc<dyn Clock>, webhook_secret: Secret<String>) -> Self {
        Self { state: Arc::default(), clock, webhook_secret }
    }

    /// A card company for an installation that outlives it: it never uses a name of its former lives,
    /// and takes their payers for its own.
    pub fn again(clock: Arc<dyn Clock>, webhook_secret: Secret<String>) -> Self {
        let again = Self::new(clock, webhook_secret);
        let now = again.clock.now().millis().max(0).unsigned_abs();
        let mut state = again.lock();
        // Nothing happens a thousand times in a millisecond here.
        (state.last, state.knows_everybody) = (now.saturating_mul(1_000), true);
        drop(state);
        again
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = self.clock.now().seconds();
        state
    }

    /// What it owes to its customer, the gateway, in cents: payments without fees, less refunds,
    /// withdrawals and their fees.
    pub fn balance_cents(&self) -> i64 {
        self.lock().balance()
    }

    /// What is left of the payments for each purchase, in cents with tax: what was paid, less refunds
    /// and withdrawals.
    pub fn left_by_reference(&self) -> BTreeMap<String, i64> {
        let state = self.lock();
        let mut left = BTreeMap::new();
        for (intent, payment) in &state.intents {
            let Some(reference) = payment.metadata.get("topup_id") else { continue };
            let of_payment = |source: &str| {
                let refund = state.refunds.get(source).map(|refund| &refund.intent);
                let dispute = state.disputes.get(source).map(|dispute| &dispute.intent);
                source == intent || refund == Some(intent) || dispute == Some(intent)
            };
            let moved = state.movements.iter().filter(|moved| of_payment(&moved.source));
            *left.entry(reference.clone()).or_default() += moved.map(|moved| moved.amount).sum::<i64>();
        }
        left
    }

    /// How many payers it knows.
    pub fn customers(&self) -> usize {
        self.lock().customers.values().filter(|customer| !customer.is_deleted).count()
    }

    /// The names of the payers that it knows, the oldest first.
    pub fn customer_names(&self) -> Vec<String> {
        let state = self.lock();
        state.customers.values().filter(|customer| !customer.is_deleted).map(|one| one.id.clone()).collect()
    }

    /// How many payers left a card.
    pub fn cards(&self) -> usize {
        self.lock().customers.values().filter(|customer| !customer.cards.is_empty()).count()
    }

    /// How many pages to pay on were opened.
    pub fn pages(&self) -> usize {
        self.lock().sessions.len()
    }

    /// How many payments were made.
    pub fn payments(&self) -> usize {
        self.lock().intents.values().filter(|intent| intent.status == "succeeded").count()
    }
}

impl fmt::Debug for FakeStripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeStripe").finish_non_exhaustive()
    }
}
