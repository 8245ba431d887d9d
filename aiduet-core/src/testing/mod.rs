//! Conformance suites and factories, for the backends here and for your own.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a case of a suite fails by panicking"
)]

pub mod account;
pub mod alert;
pub mod approval;
pub mod audit;
#[cfg(all(feature = "http", feature = "simulated", feature = "stripe"))]
pub mod card_company;
pub mod consent;
#[cfg(feature = "http")]
pub mod cost;
pub mod decline;
pub mod deletion;
pub mod export;
mod factory;
pub mod failures;
pub mod fake_upstream;
#[cfg(all(feature = "http", feature = "github"))]
pub mod github;
pub mod identity;
pub mod jobs;
pub mod key_creations;
pub mod keys;
pub mod ledger;
pub mod limit;
pub mod outbox;
pub mod payer;
pub mod price;
pub mod price_edition;
pub mod provider;
pub mod publication;
pub mod recharge;
pub mod reconciliation;
pub mod refund;
pub mod security_log;
pub mod session;
pub mod spend_alert;
pub mod status;
pub mod ticket;
pub mod top_up;

pub use factory::{Factory, SeededEntropy, cents, extension, model};
