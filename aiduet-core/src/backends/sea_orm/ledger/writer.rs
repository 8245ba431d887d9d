//! The writer: one batch, one transaction.

use std::time::Duration;

use sea_orm::DbBackend;
use tokio::time::Instant;

use super::guard::Guard;
use super::kept::Kept;
use super::load::load;
use super::operation::{Answer, Named, Operation};
use super::queue::{Exit, Job};
use super::save::{save, save_guarded};
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
/// Most operations that are done in one statement, which is then short enough for one TLS record.
const STATEMENT_MAX: usize = 4;
/// After so many batches in a row that others were in the way of, one statement is tried seldom.
const MISSES_MAX: u32 = 4;
/// Then it is tried once in so many batches.
const TRIED_AFTER: u32 = 16;

/// Takes batches from a queue and makes them durable.
#[derive(Debug)]
pub(super) struct Writer {
    database: Database,
    kept: Kept,
    /// Batches since the last one that was done in one statement, of those that might have been.
    misses: u32,
}

impl Writer {
    /// The writer for a database; it books revenue on its own shard.
    pub(super) fn new(database: Database, shard: u16) -> Self {
        Self { database, kept: Kept::new(shard), misses: 0 }
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

    /// One statement if it can be, else one transaction. What is kept of the books is as good as the last
    /// commit, so it is forgotten when this one fails.
    async fn transact(
        &mut self,
        operations: &[&Operation],
    ) -> Result<Vec<Result<Answer, LedgerError>>, DatabaseError> {
        let result = match self.try_statement(operations).await {
            Ok(Some(results)) => return Ok(results),
            Ok(None) => self.try_transact(operations).await,
            Err(error) => Err(error),
        };
        if result.is_err() {
            self.kept.clear();
        }
        result
    }

    /// Does a small batch in one statement; `None` if what it needs is not kept or is no longer so.
    async fn try_statement(
        &mut self,
        operations: &[&Operation],
    ) -> Result<Option<Vec<Result<Answer, LedgerError>>>, DatabaseError> {
        if self.database.backend() != DbBackend::Postgres || operations.len() > STATEMENT_MAX {
            return Ok(None);
        }
        let named = Named::of(operations);
        let Some(guard) = Guard::of(&named, &self.kept) else { return Ok(None) };
        self.misses = self.misses.saturating_add(1);
        if !is_worth_trying(self.misses) {
            return Ok(None);
        }
        let results = operations.iter().map(|operation| operation.run(&mut self.kept.books)).collect();
        match save_guarded(self.database.writer(), &mut self.kept.books, &guard).await {
            Ok(true) => {
                self.misses = 0;
                self.kept.retain(&named, None);
                Ok(Some(results))
            }
            // Nobody knows what became of it; whoever runs it again finds out.
            Err(error) if error.kind() == FailureKind::Connection => Err(error),
            Ok(false) | Err(_) => {
                self.kept.clear();
                Ok(None)
            }
        }
    }

    async fn try_transact(
        &mut self,
        operations: &[&Operation],
    ) -> Result<Vec<Result<Answer, LedgerError>>, DatabaseError> {
        let named = Named::of(operations);
        let backend = self.database.backend();
        if backend == DbBackend::Postgres {
            self.kept.forget(&named);
        }
        let transaction = self.database.begin().await?;
        load(&transaction, &named, &mut self.kept).await?;
        let results = operations.iter().map(|operation| operation.run(&mut self.kept.books)).collect();
        let stamp = save(&transaction, &mut self.kept.books).await?;
        transaction.commit().await?;
        match backend {
            DbBackend::Sqlite | DbBackend::Postgres => self.kept.retain(&named, stamp),
            _ => self.kept.clear(),
        }
        Ok(results)
    }
}

/// Whether to try one statement for a batch, which is the so manyth since that succeeded last.
const fn is_worth_trying(batch: u32) -> bool {
    batch <= MISSES_MAX || batch.is_multiple_of(TRIED_AFTER)
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

    #[cfg(feature = "testing")]
    mod on_postgres {
        use super::super::*;
        use crate::backends::sea_orm::fixture;
        use crate::id::{AccountId, ApiKeyId};
        use crate::ledger::ReserveRequest;
        use crate::ledger::books::SweptRequest;
        use crate::money::Money;
        use crate::testing::{Factory, cents, extension};

        /// Two writers on one database, as of two processes, and a person with ten cents.
        struct World {
            ours: Writer,
            theirs: Writer,
            factory: Factory,
            account: AccountId,
            key: ApiKeyId,
        }

        async fn world(database: &Database) -> World {
            let factory = Factory::new(1);
            let account = factory.account_id();
            let mut ours = Writer::new(database.clone(), 1);
            let top_up = Operation::Post(vec![factory.top_up(account, cents(10))]);
            let answers = ours.transact(&[&top_up]).await.unwrap();
            assert!(matches!(answers[..], [Ok(Answer::Done)]), "{answers:?}");
            World { ours, theirs: Writer::new(database.clone(), 2), account, key: factory.key_id(), factory }
        }

        impl World {
            fn reserve(&self, amount: Money) -> ReserveRequest {
                ReserveRequest { key: self.key, ..self.factory.reserve(self.account, amount) }
            }

            fn settle(&self, reserve: &ReserveRequest, charge: Money) -> Operation {
                Operation::Settle(Box::new(self.factory.settle(reserve, charge)))
            }
        }

        fn operation(reserve: &ReserveRequest) -> Operation {
            Operation::Reserve(Box::new(reserve.clone()))
        }

        #[tokio::test]
        async fn what_is_kept_needs_one_statement() {
            let Some(fixture) = fixture::postgres().await else { return };
            let mut world = world(&fixture.database).await;
            let first = world.reserve(cents(3));
            // The key is not known yet.
            assert!(world.ours.try_statement(&[&operation(&first)]).await.unwrap().is_none());
            let answers = world.ours.transact(&[&operation(&first)]).await.unwrap();
            assert!(matches!(answers[..], [Ok(Answer::Reserved(_))]), "{answers:?}");
            let second = world.reserve(cents(4));
            let more = extension(&first, 1, cents(2));
            let batches = [
                vec![Operation::Progress { hold: first.id, used: cents(1) }],
                vec![operation(&second), operation(&more)],
                vec![world.settle(&first, cents(5)), world.settle(&second, cents(1))],
            ];
            for batch in batches {
                let batch: Vec<&Operation> = batch.iter().collect();
                let answers = world.ours.try_statement(&batch).await.unwrap().unwrap();
                assert_eq!(answers.len(), batch.len());
                assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            }
            // Four cents are left: the refusal is as certain as a grant.
            let refused = world.ours.try_statement(&[&operation(&world.reserve(cents(5)))]).await.unwrap();
            let refused = refused.unwrap();
            assert!(matches!(refused[..], [Err(LedgerError::Insufficient(_))]), "{refused:?}");
        }

        #[tokio::test]
        async fn what_others_did_is_seen() {
            let Some(fixture) = fixture::postgres().await else { return };
            let mut world = world(&fixture.database).await;
            // So that the periods of key and account have begun.
            let before = world.reserve(cents(1));
            world.ours.transact(&[&operation(&before)]).await.unwrap();
            world.ours.transact(&[&world.settle(&before, cents(1))]).await.unwrap();
            let first = world.reserve(cents(9));
            world.ours.transact(&[&operation(&first)]).await.unwrap();
            let top_up = Operation::Post(vec![world.factory.top_up(world.account, cents(10))]);
            world.theirs.transact(&[&top_up]).await.unwrap();
            let second = operation(&world.reserve(cents(8)));
            assert!(world.ours.try_statement(&[&second]).await.unwrap().is_none());
            let answers = world.ours.transact(&[&second]).await.unwrap();
            assert!(matches!(answers[..], [Ok(Answer::Reserved(_))]), "{answers:?}");
            // An extension by the other one and a release of as much leave the account as it was.
            let more = extension(&first, 1, cents(2));
            let gone = world.reserve(cents(1));
            world.ours.transact(&[&operation(&gone)]).await.unwrap();
            world.theirs.transact(&[&world.settle(&gone, Money::ZERO)]).await.unwrap();
            world.theirs.transact(&[&operation(&extension(&more, 2, cents(1)))]).await.unwrap();
            let settle = world.settle(&first, cents(10));
            assert!(world.ours.try_statement(&[&settle]).await.unwrap().is_none());
            let answers = world.ours.transact(&[&settle]).await.unwrap();
            let [Ok(Answer::Settled(settled))] = &answers[..] else { panic!("{answers:?}") };
            assert_eq!((settled.charged, settled.overage), (cents(10), Money::ZERO));
            // Whoever settles it again is told what was charged, whichever writer is asked.
            for writer in [&mut world.theirs, &mut world.ours] {
                let answers = writer.transact(&[&settle]).await.unwrap();
                assert!(matches!(answers[..], [Ok(Answer::Settled(_))]), "{answers:?}");
            }
        }

        /// What a request has used leaves no trace on the account, and a sweep charges it.
        #[tokio::test]
        async fn a_sweep_charges_what_another_one_has_noted() {
            let Some(fixture) = fixture::postgres().await else { return };
            let mut world = world(&fixture.database).await;
            let reserve = ReserveRequest { floor: Money::ZERO, ..world.reserve(cents(5)) };
            world.ours.transact(&[&operation(&reserve)]).await.unwrap();
            let progress = Operation::Progress { hold: reserve.id, used: cents(2) };
            world.theirs.transact(&[&progress]).await.unwrap();
            let sweep = Operation::Sweep { account: world.account, request: reserve.request, at: reserve.at };
            let answers = world.ours.transact(&[&sweep]).await.unwrap();
            // Without what was noted the floor would be zero, and the request lost.
            assert!(matches!(answers[..], [Ok(Answer::Swept(SweptRequest::Recovered))]), "{answers:?}");
        }

        #[tokio::test]
        async fn who_is_alone_again_needs_one_statement_again() {
            let Some(fixture) = fixture::postgres().await else { return };
            let mut world = world(&fixture.database).await;
            world.ours.transact(&[&operation(&world.reserve(cents(1)))]).await.unwrap();
            for _round in 0..40 {
                let top_up = Operation::Post(vec![world.factory.top_up(world.account, cents(1))]);
                world.theirs.transact(&[&top_up]).await.unwrap();
                let wish = operation(&world.reserve(cents(1)));
                let answers = world.ours.transact(&[&wish]).await.unwrap();
                assert!(matches!(answers[..], [Ok(Answer::Reserved(_))]), "{answers:?}");
            }
            assert_eq!(world.ours.misses, 40);
            for _round in 0..TRIED_AFTER {
                let wish = operation(&world.reserve(cents(1)));
                world.ours.transact(&[&wish]).await.unwrap();
            }
            assert!(world.ours.misses < TRIED_AFTER);
        }
    }

    #[test]
    fn among_others_one_statement_is_tried_seldom() {
        let tried: Vec<u32> = (1..=50).filter(|batch| is_worth_trying(*batch)).collect();
        assert_eq!(tried, [1, 2, 3, 4, 16, 32, 48]);
    }

    #[test]
    fn pauses_grow_and_differ() {
        assert_eq!(pause(1, 0), Duration::ZERO);
        assert_eq!(pause(1, 1 << 15), Duration::from_millis(2));
        assert_eq!(pause(5, 1 << 15), Duration::from_millis(32));
        assert!(pause(u32::MAX, u16::MAX) < Duration::from_secs(1));
    }
}
