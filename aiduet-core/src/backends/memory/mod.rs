//! Everything in this process, gone when it ends: for tests, demonstrations and single nodes.

mod account;
mod keys;
mod ledger;
mod limit;
mod outbox;
mod price;
mod top_ups;

pub use account::MemoryAccounts;
pub use keys::MemoryKeys;
pub use ledger::MemoryLedger;
pub use limit::MemoryLimiter;
pub use outbox::MemoryOutbox;
pub use price::MemoryPriceBook;
pub use top_ups::MemoryTopUps;
