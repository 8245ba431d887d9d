//! The writer: one batch, one transaction.

use std::time::Duration;

use tokio::time::Instant;

use super::kept::Kept;
use super::load::load;
use super::operation::{Answer, Named, Operation};
use super::queue::{Exit, Job};
use super::save::save;
use crate::backends::sea_orm::Database;
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
pub(super) struct Writer {
    database: Database,
    kept: Kept,
}

impl Writer {
    /// The writer for a database; it books revenue on its own shard.
    pub(super) fn new(database: Database, shard: u16) -> Self {
        Self { database, kept: Kept::new(shard) }
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
    async fn process(&mut self, jobs: Vec<Job>) {
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

    async fn persist(&mut self, jobs: &[Job]) -> Result<Vec<Result<Answer, LedgerError>>, DatabaseError> {
        let operations: Vec<&Operation> = jobs.iter().map(|job| &job.operation).collect();
        let begun = Instant::now();
        let mut attempt = 1_u32;
        loop {
            match self.transact(&operations).await {
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

    /// One transaction. What is kept of the books is as good as the last commit, so it is
    /// forgotten when this one fails.
    async fn transact(
        &mut self,
        operations: &[&Operation],
    ) -> Result<Vec<Result<Answer, LedgerError>>, DatabaseError> {
        let result = self.try_transact(operations).await;
        if result.is_err() {
            self.kept.clear();
        }
        result
    }

    async fn try_transact(
        &mut self,
        operations: &[&Operation],
    ) -> Result<Vec<Result<Answer, LedgerError>>, DatabaseError> {
        let mut named = Named::default();
        operations.iter().for_each(|operation| operation.name(&mut named));
        let transaction = self.database.begin().await?;
        load(&transaction, &named, &mut self.kept).await?;
        let results = operations.iter().map(|operation| operation.run(&mut self.kept.books)).collect();
        let stamp = save(&transaction, &mut self.kept.books).await?;
        transaction.commit().await?;
        self.kept.retain(&named, stamp);
        Ok(results)
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
