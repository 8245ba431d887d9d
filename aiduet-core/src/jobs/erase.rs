//! Erases accounts whose owners have left.

use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Left, Schedule};
use crate::clock::Timestamp;
use crate::privacy::{Erasure, ErasureProgress};

/// Deletions that are looked at in one batch.
const OPEN: u32 = 1_000;
/// Steps of one batch.
const STEPS: u64 = 50;
/// So long after an erasure its last message may still leave, and with it the address.
const FAREWELL: Duration = Duration::from_hours(7 * 24);

/// Erases accounts whose owners have left, every five minutes.
#[derive(Debug)]
pub struct Erase {
    erasure: Erasure,
}

impl Erase {
    /// The job's name.
    pub const NAME: &'static str = "deletion";

    /// Erases what is due.
    pub const fn new(erasure: Erasure) -> Self {
        Self { erasure }
    }

    /// Steps of deletions, the first due first, until there are enough or nothing is left to do.
    async fn steps(&self, now: Timestamp) -> Result<Batch, JobError> {
        let deletions = &self.erasure.parts().deletions;
        let mut steps = 0_u64;
        for deletion in deletions.open(OPEN).await.map_err(JobError::of)? {
            if now < deletion.erase_at {
                break;
            }
            loop {
                if steps >= STEPS {
                    return Ok(Batch { done: steps, left: Left::More });
                }
                match self.erasure.advance(&deletion, now).await.map_err(JobError::of)? {
                    ErasureProgress::NotDue => break,
                    ErasureProgress::Waits(obstacle) => {
                        let (id, obstacle) = (deletion.id, obstacle.as_str());
                        tracing::info!(deletion_id = %id, obstacle, "an erasure has to wait");
                        break;
                    }
                    ErasureProgress::More => {}
                    ErasureProgress::Done(_receipt) => break,
                }
                steps = steps.saturating_add(1);
            }
        }
        Ok(Batch::last(steps))
    }

    /// Whether something was erased so lately that bytes of it, or of its last message, may be about.
    async fn erased_lately(&self, now: Timestamp) -> Result<bool, JobError> {
        let receipts = self.erasure.parts().deletions.receipts(None, 1_000).await.map_err(JobError::of)?;
        Ok(receipts.iter().any(|receipt| receipt.erased_at.plus(FAREWELL) >= now))
    }
}

#[async_trait]
impl Job for Erase {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: Duration::from_mins(5), lease: Duration::from_mins(10) }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let batch = self.steps(now).await?;
        if batch.left == Left::Nothing && self.erased_lately(now).await? {
            self.erasure.parts().deletions.scrub().await.map_err(JobError::of)?;
        }
        Ok(batch)
    }
}
