//! Background work: done by whichever node takes the lease, in bounded batches, again and again.

mod costs;
mod departed_payers;
mod erase;
mod error;
mod key_expiry;
mod lapse;
mod low_balance;
mod news;
mod payments;
mod purge;
mod recharges;
mod reconcile;
mod refunds;
mod runner;
mod spend_alerts;
mod store;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use costs::Costs;
pub use departed_payers::ForgetPayers;
pub use erase::Erase;
pub use error::JobError;
pub use key_expiry::KeyExpiry;
pub use lapse::Lapse;
pub use low_balance::LowBalance;
pub use news::News;
pub use payments::{MissedMessages, PendingTopUps};
pub use purge::Purge;
pub use recharges::Recharges;
pub use reconcile::Reconcile;
pub use refunds::Refunds;
pub use runner::{JobOutcome, JobRun, Jobs, RunCause};
pub use spend_alerts::SpendAlerts;
pub use store::{FinishJob, JobState, JobStore, TakeJob};

use crate::clock::Timestamp;

/// One kind of background work.
///
/// # Contract
/// - A batch is bounded, and idempotent: after a crash, or when a batch outlasts its lease, another
///   node does it again.
/// - It may be dropped between two batches, never relies on memory of an earlier one, and takes the
///   time from its argument.
#[async_trait]
pub trait Job: fmt::Debug + Send + Sync + 'static {
    /// Its name in `snake_case`: the key of its lease and a label of metrics.
    fn name(&self) -> &'static str;

    /// When it is due.
    fn schedule(&self) -> Schedule;

    /// Does one batch. It is called again at once while it says [`Left::More`].
    ///
    /// # Errors
    /// [`JobError::Failed`]; [`JobError::Refused`] where a person has to look first.
    async fn run(&self, now: Timestamp) -> Result<Batch, JobError>;
}

/// When a job is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// So long after it began the last time.
    pub every: Duration,
    /// How long one batch may take before another node takes over: longer than any does.
    pub lease: Duration,
}

/// What one batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// How many things were handled.
    pub done: u64,
    /// Whether there is more to do at once.
    pub left: Left,
}

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Not until the job is due again.
    Nothing,
    /// Yes.
    More,
}

impl Batch {
    /// A batch after which nothing is left.
    pub const fn last(done: u64) -> Self {
        Self { done, left: Left::Nothing }
    }
}
