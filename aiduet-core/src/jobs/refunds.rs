//! Goes on with refunds that were interrupted.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Left, Schedule};
use crate::clock::Timestamp;
use crate::payment::Cashier;

/// Goes on with refunds of which nothing was heard.
#[derive(Debug)]
pub struct Refunds {
    /// Who gives back.
    pub cashier: Arc<Cashier>,
}

impl Refunds {
    const BATCH: u32 = 20;
}

#[async_trait]
impl Job for Refunds {
    fn name(&self) -> &'static str {
        "refunds"
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: Duration::from_mins(5), lease: Duration::from_mins(10) }
    }

    async fn run(&self, _now: Timestamp) -> Result<Batch, JobError> {
        let count = self.cashier.resume_refunds(Self::BATCH).await.map_err(JobError::of)?;
        let is_full = count >= usize::try_from(Self::BATCH).unwrap_or(usize::MAX);
        let done = u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Batch { done, left: if is_full { Left::More } else { Left::Nothing } })
    }
}
