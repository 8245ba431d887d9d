//! The leases of jobs in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::id::NodeId;
use crate::jobs::{FinishJob, JobError, JobOutcome, JobState, JobStore, TakeJob};

/// [`JobStore`] in memory, for one process.
#[derive(Debug, Default)]
pub struct MemoryJobs {
    jobs: Mutex<BTreeMap<&'static str, JobState>>,
}

impl MemoryJobs {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, JobState>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl JobStore for MemoryJobs {
    async fn take(&self, request: TakeJob) -> Result<bool, JobError> {
        let TakeJob { job, owner, now, until, begun_before } = request;
        let mut jobs = self.lock();
        let Some(state) = jobs.get_mut(job) else {
            let state = JobState {
                job: job.to_owned(),
                leased: Some((owner, until)),
                started_at: now,
                finished_at: None,
                succeeded_at: None,
                outcome: None,
                done: 0,
            };
            jobs.insert(job, state);
            return Ok(true);
        };
        let is_free = state.leased.is_none_or(|(_owner, end)| end <= now || end > request.end_max());
        let is_due = state.started_at <= begun_before || state.started_at > until;
        if is_free && is_due {
            state.leased = Some((owner, until));
            state.started_at = now;
        }
        Ok(is_free && is_due)
    }

    async fn renew(&self, job: &'static str, owner: NodeId, until: Timestamp) -> Result<bool, JobError> {
        let mut jobs = self.lock();
        let own = jobs.get_mut(job).filter(|state| state.leased.is_some_and(|(who, _)| who == owner));
        let is_own = own.is_some();
        if let Some(state) = own {
            state.leased = Some((owner, until));
        }
        Ok(is_own)
    }

    async fn finish(&self, request: FinishJob) -> Result<(), JobError> {
        let FinishJob { job, owner, at, outcome, done } = request;
        let mut jobs = self.lock();
        let own = jobs.get_mut(job).filter(|state| state.leased.is_some_and(|(who, _)| who == owner));
        if let Some(state) = own {
            state.leased = None;
            state.finished_at = Some(at);
            state.outcome = Some(outcome);
            state.done = done;
            if outcome == JobOutcome::Done {
                state.succeeded_at = Some(at);
            }
        }
        Ok(())
    }

    async fn list(&self) -> Result<Vec<JobState>, JobError> {
        Ok(self.lock().values().cloned().collect())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::MemoryJobs;

    async fn store() -> Option<MemoryJobs> {
        Some(MemoryJobs::default())
    }

    crate::jobs_conformance!(store);
}
