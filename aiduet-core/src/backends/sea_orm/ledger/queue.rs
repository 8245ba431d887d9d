//! The queue in front of a writer: two lanes, settlements before reserves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::operation::{Answer, Operation};
use crate::backends::sea_orm::error::{DatabaseError, FailureKind};
use crate::ledger::LedgerError;

/// Most operations of one transaction.
const BATCH_MAX: usize = 512;
/// Most reserves that wait; more are refused at once.
const RESERVES_MAX: usize = 4_096;
/// Most settlements that wait; more wait for a place.
const SETTLES_MAX: usize = 8_192;
/// A reserve that has waited so long for its turn is refused: nothing was forwarded for it yet.
const SHED_AFTER: Duration = Duration::from_millis(250);
/// What a refused reserve is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An operation that waits for its turn.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) operation: Operation,
    pub(super) answer: oneshot::Sender<Result<Answer, LedgerError>>,
    /// Set by whoever comes first: the writer that takes the job, or the caller that gives up.
    decided: Arc<AtomicBool>,
}

impl Job {
    /// Takes the job; false if its caller has given up.
    fn take(&self) -> bool {
        !self.decided.swap(true, Ordering::AcqRel)
    }
}

/// Gives a reserve up when nobody waits for it any more. Whoever has gone releases what may be held, and a
/// release overtakes reserves: it would find nothing yet, and the hold would stay.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The entrance of the queue.
#[derive(Debug)]
pub(super) struct Entrance {
    settles: mpsc::Sender<Job>,
    reserves: mpsc::Sender<Job>,
}

/// The exit of the queue, at the writer.
#[derive(Debug)]
pub(super) struct Exit {
    settles: mpsc::Receiver<Job>,
    reserves: mpsc::Receiver<Job>,
    closing: CancellationToken,
}

/// A queue that ends when `closing` is cancelled and everything in it is done.
pub(super) fn queue(closing: CancellationToken) -> (Entrance, Exit) {
    let (settles, settles_exit) = mpsc::channel(SETTLES_MAX);
    let (reserves, reserves_exit) = mpsc::channel(RESERVES_MAX);
    (Entrance { settles, reserves }, Exit { settles: settles_exit, reserves: reserves_exit, closing })
}

impl Entrance {
    /// Waits for the result of an operation.
    pub(super) async fn submit(&self, operation: Operation) -> Result<Answer, LedgerError> {
        let (answer, result) = oneshot::channel();
        let decided = Arc::new(AtomicBool::new(false));
        let job = Job { operation, answer, decided: Arc::clone(&decided) };
        if !matches!(job.operation, Operation::Reserve(_)) {
            self.settles.send(job).await.map_err(|_closed| closed())?;
            return result.await.unwrap_or_else(|_dropped| Err(closed()));
        }
        let _waiting = Waiting(Arc::clone(&decided));
        match self.reserves.try_send(job) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(overloaded()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(closed()),
        }
        let mut result = result;
        match tokio::time::timeout(SHED_AFTER, &mut result).await {
            Err(_elapsed) if !decided.swap(true, Ordering::AcqRel) => Err(overloaded()),
            Err(_elapsed) => result.await.unwrap_or_else(|_dropped| Err(closed())),
            Ok(answer) => answer.unwrap_or_else(|_dropped| Err(closed())),
        }
    }
}

impl Exit {
    /// The next batch: whatever has come in meanwhile, settlements first. No timer: what arrives
    /// during a commit is the next batch. `None` when the queue is closed and empty.
    pub(super) async fn next(&mut self) -> Option<Vec<Job>> {
        let mut jobs = Vec::new();
        while jobs.is_empty() {
            let first = tokio::select! {
                biased;
                job = self.settles.recv() => job,
                job = self.reserves.recv() => job,
                () = self.closing.cancelled(), if !self.settles.is_closed() => {
                    self.settles.close();
                    self.reserves.close();
                    continue;
                }
            };
            jobs.extend(first);
            self.fill(&mut jobs);
            if jobs.is_empty() {
                return None;
            }
            jobs.retain(Job::take);
        }
        Some(jobs)
    }

    /// Adds what waits in either lane, and puts settlements first.
    fn fill(&mut self, jobs: &mut Vec<Job>) {
        while jobs.len() < BATCH_MAX {
            match self.settles.try_recv().or_else(|_empty| self.reserves.try_recv()) {
                Ok(job) => jobs.push(job),
                Err(_empty) => break,
            }
        }
        jobs.sort_by_key(|job| matches!(job.operation, Operation::Reserve(_)));
    }
}

const fn overloaded() -> LedgerError {
    LedgerError::Overloaded { retry_after: RETRY_AFTER }
}

fn closed() -> LedgerError {
    DatabaseError::Failed {
        kind: FailureKind::Connection,
        code: "closed".to_owned(),
        detail: "the ledger is closed".to_owned(),
    }
    .into()
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::testing::{Factory, cents};

    #[tokio::test]
    async fn a_reserve_that_nobody_waits_for_is_not_made() {
        let (entrance, mut exit) = queue(CancellationToken::new());
        let factory = Factory::new(1);
        let reserve = factory.reserve(factory.account_id(), cents(1));
        let void = Operation::Void(Box::new(factory.void(&reserve)));
        let mut gone = Box::pin(entrance.submit(Operation::Reserve(Box::new(reserve.clone()))));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        let mut release = Box::pin(entrance.submit(void));
        assert!((&mut release).now_or_never().is_none());
        let mut waits = Box::pin(entrance.submit(Operation::Reserve(Box::new(reserve))));
        assert!((&mut waits).now_or_never().is_none());
        let batch = exit.next().await.unwrap();
        let kinds: Vec<bool> =
            batch.iter().map(|job| matches!(job.operation, Operation::Reserve(_))).collect();
        assert_eq!(kinds, [false, true], "the release, and the reserve that is waited for");
    }
}
