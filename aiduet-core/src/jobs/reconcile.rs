//! Holds the books against the records of the card company.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Schedule};
use crate::clock::Timestamp;
use crate::payment::Reconciler;

/// Holds yesterday against the records of the card company, four times a day: what is learnt late is
/// in a later report of the same day.
#[derive(Debug)]
pub struct Reconcile {
    /// Who does.
    pub reconciler: Arc<Reconciler>,
}

#[async_trait]
impl Job for Reconcile {
    fn name(&self) -> &'static str {
        "reconcile"
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: Duration::from_hours(6), lease: Duration::from_hours(1) }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let report = self.reconciler.reconcile(now.minus(Duration::from_hours(24))).await;
        let report = report.map_err(JobError::of)?;
        if report.is_clean() {
            return Ok(Batch::last(report.movements.into()));
        }
        Err(JobError::Refused {
            reason: "the books and the card company differ; see aiduet ledger reconcile",
        })
    }
}
