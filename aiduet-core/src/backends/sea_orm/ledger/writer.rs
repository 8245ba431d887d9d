//! The writer: one batch, one transaction.

use std::time::Duration;

use tokio::time::Instant;

use super::operation::{Answer, Answers, Operation};
use super::queue::{Exit, Job};
use super::store::Store;
use crate::backends::sea_orm::error::{DatabaseError, FailureKind};
use crate::id::{Entropy, SystemEntropy};
use crate::ledger::LedgerError;

/// How often a batch is tried before its operations are tried one by one.
const ATTEMPTS: u32 = 3;
/// How often while other transactions are in the way, with a pause in between.
const ATTEMPTS_AMONG_OTHERS: u32 = 6;
/// After this time a failed connection means a database that nobody reaches, and transactions that are in the
/// way stay there; whoever waits behind the batch should hear of it soon too.
const ATTEMPTS_WITHIN: Duration = Duration::from_secs(2);
/// The longest pause before the second attempt; before each further one it is twice as long.
const PAUSE: Duration = Duration::from_millis(4);
/// Takes batches from a queue and makes them durable.
#[derive(Debug)]
pub(super) struct Writer<S> {
    store: S,
}

impl<S: Store> Writer<S> {
    /// The writer of a store.
    pub(super) const fn new(store: S) -> Self {
        Self { store }
    }

    /// Works until the queue is closed and empty.
    pub(super) async fn run(mut self, mut exit: Exit) {
        while let Some(jobs) = exit.next().await {
            self.process(jobs).await;
        }
    }

    /// Does a batch and answers. A batch that the database refuses is run again with the same
    /// identifiers, which makes a commit of unknown outcome harmless; one that it keeps refusing
    /// is done one by one, so that one bad operation does not take the others with it.
    pub(super) async fn process(&mut self, jobs: Vec<Job>) {
        let failure = match self.persist(&jobs).await {
            Ok(results) => return answer(jobs, results),
            Err(failure) => failure,
        };
        if jobs.len() == 1 || failure.kind() == FailureKind::Connection {
            let results =
                jobs.iter().map(|_job| Err(LedgerError::from(failure.repeat()))).collect::<Vec<_>>();
            return answer(jobs, results);
        }
        for job in jobs {
            let alone = [job];
            let result = match self.persist(&alone).await {
                Ok(mut results) => results.pop().unwrap_or_else(|| Err(failure.repeat().into())),
                Err(failure) => Err(failure.into()),
            };
            answer(alone, [result]);
        }
    }

    async fn persist(&mut self, jobs: &[Job]) -> Result<Answers, DatabaseError> {
        let operations: Vec<&Operation> = jobs.iter().map(|job| &job.operation).collect();
        let begun = Instant::now();
        let mut attempt = 1_u32;
        loop {
            match self.store.transact(&operations).await {
                Err(error) if may_help(error.kind(), attempt, begun.elapsed()) => {
                    tracing::debug!(attempt, kind = ?error.kind(), "ledger batch is run again");
                    if error.kind() == FailureKind::Contention {
                        let mut random = [0; 2];
                        SystemEntropy.fill(&mut random);
                        tokio::time::sleep(pause(attempt, u16::from_le_bytes(random))).await;
                    }
                    attempt = attempt.saturating_add(1);
                }
                result => return result,
            }
        }
    }
}

/// Whether running a batch again may help, after so many attempts and so much time.
fn may_help(failure: FailureKind, attempts: u32, waited: Duration) -> bool {
    let is_soon = waited < ATTEMPTS_WITHIN;
    match failure {
        FailureKind::Unique => attempts < ATTEMPTS,
        FailureKind::Contention => attempts < ATTEMPTS || (attempts < ATTEMPTS_AMONG_OTHERS && is_soon),
        FailureKind::Connection => attempts < ATTEMPTS && is_soon,
        FailureKind::Other => false,
    }
}

/// How long to wait after so many attempts: a random part of the longest pause, so that nodes that are in each
/// other's way do not meet again.
fn pause(attempts: u32, random: u16) -> Duration {
    let longest = PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(ATTEMPTS_AMONG_OTHERS));
    longest.saturating_mul(random.into()) / (1 << u16::BITS)
}

/// Gives each caller its result; one that has gone does not need it.
fn answer(
    jobs: impl IntoIterator<Item = Job>,
    results: impl IntoIterator<Item = Result<Answer, LedgerError>>,
) {
    for (job, result) in jobs.into_iter().zip(results) {
        drop(job.answer.send(result));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_nobody_reaches_is_not_waited_for_three_times() {
        let soon = Duration::from_millis(3);
        assert!(may_help(FailureKind::Connection, 1, soon));
        assert!(!may_help(FailureKind::Connection, 1, ATTEMPTS_WITHIN));
        assert!(may_help(FailureKind::Contention, 2, ATTEMPTS_WITHIN));
        assert!(!may_help(FailureKind::Contention, 3, ATTEMPTS_WITHIN));
        assert!(!may_help(FailureKind::Other, 1, soon));
    }

    #[test]
    fn pauses_grow_and_differ() {
        assert_eq!(pause(1, 0), Duration::ZERO);
        assert_eq!(pause(1, 1 << 15), Duration::from_millis(2));
        assert_eq!(pause(5, 1 << 15), Duration::from_millis(32));
        assert!(pause(u32::MAX, u16::MAX) < Duration::from_secs(1));
    }
}
