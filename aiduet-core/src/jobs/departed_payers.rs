//! Lets the card company forget the payers whose accounts were erased.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Left, Schedule};
use crate::clock::Timestamp;
use crate::payment::{Cashier, Forgotten};

/// Payers of one batch: one call each.
const BATCH: u32 = 20;

/// Lets the card company forget the payers whose accounts were erased, every five minutes.
#[derive(Debug)]
pub struct ForgetPayers {
    /// Who tells the card company.
    pub cashier: Arc<Cashier>,
}

#[async_trait]
impl Job for ForgetPayers {
    fn name(&self) -> &'static str {
        "departed_payers"
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: Duration::from_mins(5), lease: Duration::from_mins(10) }
    }

    async fn run(&self, _now: Timestamp) -> Result<Batch, JobError> {
        let Forgotten { done, failed } = self.cashier.forget_departed(BATCH).await.map_err(JobError::of)?;
        if done == 0 && failed > 0 {
            return Err(JobError::Refused {
                reason: "the card company forgot none of the payers who have left",
            });
        }
        let is_full = done.saturating_add(failed) == usize::try_from(BATCH).unwrap_or(usize::MAX);
        let done = u64::try_from(done).unwrap_or(u64::MAX);
        Ok(Batch { done, left: if is_full { Left::More } else { Left::Nothing } })
    }
}
