//! Everything in this process, gone when it ends: for tests, demonstrations and single nodes.

mod account;
mod alerts;
mod failures;
mod jobs;
mod key_creations;
mod keys;
mod ledger;
mod limit;
mod outbox;
mod payers;
mod price;
mod recharges;
mod reconciliations;
mod refunds;
mod security_log;
mod sessions;
mod tickets;
mod top_ups;

pub use account::MemoryAccounts;
pub use alerts::MemoryAlerts;
pub use failures::MemoryFailures;
pub use jobs::MemoryJobs;
pub use key_creations::MemoryKeyCreations;
pub use keys::MemoryKeys;
pub use ledger::MemoryLedger;
pub use limit::MemoryLimiter;
pub use outbox::MemoryOutbox;
pub use payers::MemoryPayers;
pub use price::MemoryPriceBook;
pub use recharges::MemoryRecharges;
pub use reconciliations::MemoryReconciliations;
pub use refunds::MemoryRefunds;
pub use security_log::MemorySecurityLog;
pub use sessions::MemorySessions;
pub use tickets::MemoryTickets;
pub use top_ups::MemoryTopUps;
