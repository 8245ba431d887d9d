//! Who does which job, and what came of it.

use std::fmt;

use async_trait::async_trait;

use super::JobError;
use crate::clock::Timestamp;
use crate::id::NodeId;

/// Where the leases of jobs are kept.
///
/// # Contract
/// - Each method is one atomic operation. Of any number of nodes that take a job at the same time,
///   one gets it.
/// - A lease ends when it is given back, when its time is over, or when it lies further in the
///   future than any lease can: then a clock has jumped.
#[async_trait]
pub trait JobStore: fmt::Debug + Send + Sync + 'static {
    /// Takes a job; `false` when it is not due, or somebody else has it.
    ///
    /// # Errors
    /// [`JobError::Unavailable`].
    async fn take(&self, request: TakeJob) -> Result<bool, JobError>;

    /// Keeps a job until a later moment; `false` when it is somebody else's by now.
    ///
    /// # Errors
    /// [`JobError::Unavailable`].
    async fn renew(&self, job: &'static str, owner: NodeId, until: Timestamp) -> Result<bool, JobError>;

    /// Writes what came of a job and gives it back; nothing happens when it is somebody else's.
    ///
    /// # Errors
    /// [`JobError::Unavailable`].
    async fn finish(&self, request: FinishJob) -> Result<(), JobError>;

    /// What is known of every job that ever ran, by name.
    ///
    /// # Errors
    /// [`JobError::Unavailable`].
    async fn list(&self) -> Result<Vec<JobState>, JobError>;
}

/// What [`JobStore::take`] asks for.
#[derive(Clone, Copy, Debug)]
pub struct TakeJob {
    /// Which job.
    pub job: &'static str,
    /// Who takes it.
    pub owner: NodeId,
    /// The moment.
    pub now: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// It is due if it began at this moment or before; or after `until`, when a clock has jumped.
    pub begun_before: Timestamp,
}

impl TakeJob {
    /// What ends later was written by a clock that has jumped, not by one that is a little ahead.
    pub fn end_max(&self) -> Timestamp {
        self.until.plus(self.until.since(self.now))
    }
}

/// What [`JobStore::finish`] writes.
#[derive(Clone, Copy, Debug)]
pub struct FinishJob {
    /// Which job.
    pub job: &'static str,
    /// Who did it.
    pub owner: NodeId,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub outcome: super::JobOutcome,
    /// How many things were handled.
    pub done: u64,
}

/// What is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobState {
    /// Its name.
    pub job: String,
    /// Who does it, and until when.
    pub leased: Option<(NodeId, Timestamp)>,
    /// When it began the last time.
    pub started_at: Timestamp,
    /// When it ended the last time.
    pub finished_at: Option<Timestamp>,
    /// When it ended well the last time.
    pub succeeded_at: Option<Timestamp>,
    /// How it ended the last time.
    pub outcome: Option<super::JobOutcome>,
    /// How many things were handled the last time.
    pub done: u64,
}
