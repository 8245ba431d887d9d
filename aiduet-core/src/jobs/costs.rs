//! Holds our records against what providers say that they cost.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Schedule};
use crate::clock::Timestamp;
use crate::cost::CostComparer;

/// A day is looked at when it has been over for so long: reports come late.
const SETTLED: Duration = Duration::from_hours(12);
const DAY: Duration = Duration::from_hours(24);

/// Holds our records against what providers say, once a day.
#[derive(Debug)]
pub struct Costs {
    /// Who does.
    pub comparer: Arc<CostComparer>,
}

#[async_trait]
impl Job for Costs {
    fn name(&self) -> &'static str {
        "provider_costs"
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: DAY, lease: Duration::from_hours(1) }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let compared = self.comparer.compare(now.minus(SETTLED).minus(DAY)).await.map_err(JobError::of)?;
        if compared.iter().all(|comparison| comparison.is_clean()) {
            return Ok(Batch::last(u64::try_from(compared.len()).unwrap_or(u64::MAX)));
        }
        Err(JobError::Refused {
            reason: "a provider and the records of requests differ; see aiduet ledger reconcile",
        })
    }
}
