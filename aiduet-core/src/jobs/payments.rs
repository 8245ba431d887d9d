//! What a lost message of the card company would have told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, JobStore, Left, Schedule};
use crate::clock::Timestamp;
use crate::payment::{Cashier, MissedPage, Polled, TakePending};

const EVERY: Duration = Duration::from_mins(5);
const LEASE: Duration = Duration::from_mins(10);

/// Asks about purchases that have been undecided for ten minutes, each every five minutes.
#[derive(Debug)]
pub struct PendingTopUps {
    /// Who asks.
    pub cashier: Arc<Cashier>,
}

impl PendingTopUps {
    const BATCH: u32 = 20;
    /// Messages are usually faster than this.
    const AGE: Duration = Duration::from_mins(10);
}

#[async_trait]
impl Job for PendingTopUps {
    fn name(&self) -> &'static str {
        "pending_topups"
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: EVERY, lease: LEASE }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let request = TakePending {
            begun_before: now.minus(Self::AGE),
            // A little less than the pause, so that a purchase is asked about in every run.
            taken_until: now.minus(EVERY - Duration::from_mins(1)),
            at: now,
            limit: Self::BATCH,
        };
        let Polled { asked, credited, failed } = self.cashier.poll(request).await.map_err(JobError::of)?;
        if credited > 0 {
            tracing::warn!(
                credited,
                "payments were learnt by asking; are the messages of the card company lost?"
            );
        }
        if failed == asked && failed > 0 {
            return Err(JobError::Refused { reason: "the card company answered nothing about any purchase" });
        }
        let is_full = asked == usize::try_from(Self::BATCH).unwrap_or(usize::MAX);
        let done = u64::try_from(asked.saturating_sub(failed)).unwrap_or(u64::MAX);
        Ok(Batch { done, left: if is_full { Left::More } else { Left::Nothing } })
    }
}

/// Acts on messages that the card company could not deliver, since this last went well.
#[derive(Debug)]
pub struct MissedMessages {
    /// Who acts.
    pub cashier: Arc<Cashier>,
    /// When it last went well.
    pub jobs: Arc<dyn JobStore>,
}

impl MissedMessages {
    const NAME: &'static str = "missed_messages";
    /// Pages of one run; they are of a hundred messages.
    const PAGES_MAX: u32 = 20;
    /// How far back the card company remembers.
    const MEMORY: Duration = Duration::from_hours(30 * 24);
    /// What was made shortly before may have been listed after.
    const OVERLAP: Duration = Duration::from_mins(10);

    async fn since(&self, now: Timestamp) -> Result<Timestamp, JobError> {
        let states = self.jobs.list().await?;
        let own = states.iter().find(|state| state.job == Self::NAME);
        // The success is noted at the end of a run; what came while it ran was not in its list.
        let begun = own.and_then(|state| state.succeeded_at).map(|at| at.minus(LEASE + Self::OVERLAP));
        let memory = now.minus(Self::MEMORY);
        Ok(begun.unwrap_or(memory).max(memory))
    }
}

#[async_trait]
impl Job for MissedMessages {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: EVERY, lease: LEASE }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let mut page = MissedPage { since: self.since(now).await?, before: None };
        let mut done = 0_u64;
        for _page in 0..Self::PAGES_MAX {
            let missed = self.cashier.catch_up(page.clone()).await.map_err(JobError::of)?;
            done = done.saturating_add(u64::try_from(missed.events.len()).unwrap_or(u64::MAX));
            match missed.next {
                Some(last) => page.before = Some(last),
                None => return Ok(Batch::last(done)),
            }
        }
        Err(JobError::Refused { reason: "more messages were missed than can be caught up with" })
    }
}
