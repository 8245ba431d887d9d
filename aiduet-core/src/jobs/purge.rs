//! Deletes what was kept long enough.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Left, Schedule};
use crate::clock::Timestamp;
use crate::privacy::{Purged, Retention, RetentionError, RetentionObserver};

/// Deletes what was kept long enough, every 40 minutes.
#[derive(Debug)]
pub struct Purge {
    retention: Retention,
    observer: Arc<dyn RetentionObserver>,
}

impl Purge {
    /// The job's name.
    pub const NAME: &'static str = "retention";

    /// Deletes as `retention` says, and tells `observer`.
    pub fn new(retention: Retention, observer: Arc<dyn RetentionObserver>) -> Self {
        Self { retention, observer }
    }

    async fn tell_age(&self, now: Timestamp) -> Result<(), JobError> {
        let overdue = self.retention.overdue(now).await.map_err(JobError::of)?;
        self.observer.oldest_usage(overdue.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest)));
        Ok(())
    }
}

#[async_trait]
impl Job for Purge {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn schedule(&self) -> Schedule {
        // A sum goes with the end of its quarter of an hour: so nothing is older than 90 days and an hour.
        Schedule { every: Duration::from_mins(40), lease: Duration::from_mins(10) }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let purged = self.retention.purge(now).await;
        self.tell_age(now).await?;
        let Purged { tables, is_more } = purged.map_err(|error| match error {
            RetentionError::ClockJump => {
                JobError::Refused { reason: "the oldest usage is overdue by more than two days" }
            }
            other => JobError::of(other),
        })?;
        let mut done = 0_u64;
        for (table, rows) in tables {
            self.observer.purged(table, rows);
            done = done.saturating_add(rows);
        }
        Ok(Batch { done, left: if is_more { Left::More } else { Left::Nothing } })
    }
}
