//! Takes jobs that are due and does them.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Batch, FinishJob, Job, JobError, JobState, JobStore, Left, TakeJob};
use crate::clock::{Clock, Timestamp};
use crate::id::NodeId;

/// Batches in a row, so that one job does not keep a database busy for ever.
const BATCHES_MAX: u32 = 100;

/// The jobs of a node.
#[derive(Clone, Debug)]
pub struct Jobs {
    /// Where leases are kept.
    pub store: Arc<dyn JobStore>,
    /// What there is to do.
    pub all: Vec<Arc<dyn Job>>,
    /// What is due.
    pub clock: Arc<dyn Clock>,
    /// Who takes leases.
    pub node: NodeId,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobOutcome {
    /// Well.
    Done,
    /// Something that it needs failed.
    Failed,
    /// A person has to look first.
    Refused,
}

impl JobOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::Refused];

    /// The code in the database and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }

    /// The outcome with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == code)
    }
}

/// What one run of a job did.
#[derive(Debug)]
pub struct JobRun {
    /// Which job.
    pub job: &'static str,
    /// How it ended.
    pub outcome: JobOutcome,
    /// How many things were handled.
    pub done: u64,
    /// When it ended.
    pub at: Timestamp,
    /// Why it did not end well.
    pub error: Option<JobError>,
}

/// Why a job is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunCause {
    /// It may be due.
    Schedule,
    /// Somebody asks for it now.
    Request,
}

impl Jobs {
    /// The job of this name.
    pub fn find(&self, name: &str) -> Option<&Arc<dyn Job>> {
        self.all.iter().find(|job| job.name() == name)
    }

    /// What is known of every job that ever ran.
    ///
    /// # Errors
    /// [`JobError::Unavailable`].
    pub async fn states(&self) -> Result<Vec<JobState>, JobError> {
        self.store.list().await
    }

    /// Runs a job, batch by batch, until nothing is left, it fails, it has run a hundred batches, or
    /// `stop`. `None` when it is not due, or another node has it.
    ///
    /// # Errors
    /// [`JobError::Unavailable`] when the lease could not be taken. What the job itself says is in
    /// the run.
    pub async fn run(
        &self,
        job: &dyn Job,
        cause: RunCause,
        stop: &CancellationToken,
    ) -> Result<Option<JobRun>, JobError> {
        let now = self.clock.now();
        let schedule = job.schedule();
        let wait = if cause == RunCause::Schedule { schedule.every } else { Duration::ZERO };
        let take = TakeJob {
            job: job.name(),
            owner: self.node,
            now,
            until: now.plus(schedule.lease),
            begun_before: now.minus(wait),
        };
        if !self.store.take(take).await? {
            return Ok(None);
        }
        let run = self.batches(job, stop).await;
        if let Some(error) = &run.error {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(job = run.job, outcome = run.outcome.as_str(), %error, cause, "a job did not end well");
        }
        let finish =
            FinishJob { job: run.job, owner: self.node, at: run.at, outcome: run.outcome, done: run.done };
        if let Err(error) = self.store.finish(finish).await {
            // The lease ends by itself.
            tracing::warn!(job = run.job, %error, "the end of a job was not written");
        }
        Ok(Some(run))
    }

    async fn batches(&self, job: &dyn Job, stop: &CancellationToken) -> JobRun {
        let mut run =
            JobRun { job: job.name(), outcome: JobOutcome::Done, done: 0, at: self.clock.now(), error: None };
        for _batch in 0..BATCHES_MAX {
            let left = match job.run(self.clock.now()).await {
                Ok(Batch { done, left }) => {
                    run.done = run.done.saturating_add(done);
                    left
                }
                Err(error) => {
                    run.outcome = match error {
                        JobError::Refused { .. } => JobOutcome::Refused,
                        JobError::Failed { .. } | JobError::Unavailable { .. } => JobOutcome::Failed,
                    };
                    run.error = Some(error);
                    break;
                }
            };
            if left == Left::Nothing || stop.is_cancelled() || !self.keeps(job).await {
                break;
            }
        }
        run.at = self.clock.now();
        run
    }

    /// Whether the job is still ours, for another batch.
    async fn keeps(&self, job: &dyn Job) -> bool {
        let until = self.clock.now().plus(job.schedule().lease);
        match self.store.renew(job.name(), self.node, until).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(job = job.name(), %error, "the lease of a job was not renewed");
                false
            }
        }
    }
}
