//! Buys credit for people who are absent.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Left, Schedule};
use crate::clock::Timestamp;
use crate::payment::Recharger;

/// Charges the cards of people whose balance is low and who agreed to that, and follows charges that
/// are under way.
#[derive(Debug)]
pub struct Recharges {
    /// Who charges.
    pub recharger: Arc<Recharger>,
}

impl Recharges {
    /// Of each: charges that are under way, and those that are due.
    const BATCH: u32 = 20;
}

#[async_trait]
impl Job for Recharges {
    fn name(&self) -> &'static str {
        "recharges"
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: Duration::from_mins(1), lease: Duration::from_mins(20) }
    }

    async fn run(&self, _now: Timestamp) -> Result<Batch, JobError> {
        let count = self.recharger.run_due(Self::BATCH).await.map_err(JobError::of)?;
        let is_full = count >= usize::try_from(Self::BATCH).unwrap_or(usize::MAX);
        let done = u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Batch { done, left: if is_full { Left::More } else { Left::Nothing } })
    }
}
