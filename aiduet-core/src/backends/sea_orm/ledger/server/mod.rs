//! A database that is reached over a connection of sea-orm: PostgreSQL and MySQL.

mod guard;
mod save;

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use self::guard::Guard;
use self::save::{make, save, save_guarded};
use super::kept::Kept;
use super::load::load;
use super::operation::{Answers, Named, Operation};
use super::rows::{TRANSFERS_BY_ID, read_transfer};
use super::store::{Store, Tables};
use crate::backends::sea_orm::Database;
use crate::backends::sea_orm::bulk::{Cell, Insert, Select};
use crate::backends::sea_orm::error::{DatabaseError, FailureKind};
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::ledger::ExternalId;
use crate::ledger::books::Transfer;

/// Most operations that are done in one statement, which is then short enough for one TLS record.
const STATEMENT_MAX: usize = 4;
/// After so many batches in a row that others were in the way of, one statement is tried seldom.
const MISSES_MAX: u32 = 4;
/// Then it is tried once in so many batches.
const TRIED_AFTER: u32 = 16;

/// The books on a server, where other processes write too.
#[derive(Debug)]
pub(super) struct Server {
    database: Database,
    kept: Kept,
    /// Batches since the last one that was done in one statement, of those that might have been.
    misses: u32,
}

impl Server {
    /// Books revenue on this shard.
    pub(super) fn new(database: Database, shard: u16) -> Self {
        Self { database, kept: Kept::new(shard), misses: 0 }
    }

    /// Does a small batch in one statement; `None` if what it needs is not kept or is no longer so.
    async fn try_statement(&mut self, operations: &[&Operation]) -> Result<Option<Answers>, DatabaseError> {
        if self.database.backend() != DbBackend::Postgres || operations.len() > STATEMENT_MAX {
            return Ok(None);
        }
        let named = Named::of(operations);
        let Some(guard) = Guard::of(&named, &self.kept) else { return Ok(None) };
        self.misses = self.misses.saturating_add(1);
        if !is_worth_trying(self.misses) {
            return Ok(None);
        }
        let answers = operations.iter().map(|operation| operation.run(&mut self.kept.books)).collect();
        match save_guarded(self.database.writer(), &mut self.kept.books, &guard).await {
            Ok(true) => {
                self.misses = 0;
                self.kept.retain(&named);
                Ok(Some(answers))
            }
            // Nobody knows what became of it; whoever runs it again finds out.
            Err(error) if error.kind() == FailureKind::Connection => Err(error),
            Ok(false) | Err(_) => {
                self.kept.clear();
                Ok(None)
            }
        }
    }

    async fn try_transaction(&mut self, operations: &[&Operation]) -> Result<Answers, DatabaseError> {
        let named = Named::of(operations);
        let keeps = self.database.backend() == DbBackend::Postgres;
        if keeps {
            self.kept.forget(&named);
        }
        let transaction = self.database.begin().await?;
        load(&Locking(&transaction), &named, &mut self.kept).await?;
        let answers = operations.iter().map(|operation| operation.run(&mut self.kept.books)).collect();
        save(&transaction, &mut self.kept.books).await?;
        transaction.commit().await?;
        if keeps {
            self.kept.retain(&named);
        } else {
            self.kept.clear();
        }
        Ok(answers)
    }
}

impl Store for Server {
    /// One statement if it can be, else one transaction. What is kept of the books is as good as the last
    /// commit, so it is forgotten when this one fails.
    async fn transact(&mut self, operations: &[&Operation]) -> Result<Answers, DatabaseError> {
        let result = match self.try_statement(operations).await {
            Ok(Some(answers)) => return Ok(answers),
            Ok(None) => self.try_transaction(operations).await,
            Err(error) => Err(error),
        };
        if result.is_err() {
            self.kept.clear();
        }
        result
    }
}

/// Whether to try one statement for a batch, which is the so manyth since that succeeded last.
const fn is_worth_trying(batch: u32) -> bool {
    batch <= MISSES_MAX || batch.is_multiple_of(TRIED_AFTER)
}

/// The tables on a connection that is in a transaction.
struct Locking<'a, C>(&'a C);

impl<C: ConnectionTrait> Tables for Locking<'_, C> {
    const IS_ALONE: bool = false;

    async fn select<T>(
        &self,
        select: &Select,
        ids: &[Uuid],
        read: fn(Columns<'_>) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, DatabaseError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = select.statement(self.0.get_database_backend(), ids).all(self.0).await?;
        rows.iter().map(|row| read(Columns::of(row))).collect()
    }

    async fn select_external(
        &self,
        code: &str,
        external: &ExternalId,
    ) -> Result<Option<Transfer>, DatabaseError> {
        let select = Sql::new(self.0.get_database_backend(), &TRANSFERS_BY_ID.begin());
        let select = select.text("t.code = ").value(code).text(" AND t.ext = ").value(external.to_string());
        select.one(self.0).await?.as_ref().map(Columns::of).map(read_transfer).transpose()
    }

    async fn make<const N: usize>(
        &self,
        insert: &Insert<N>,
        rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError> {
        make(self.0, insert, rows).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_others_one_statement_is_tried_seldom() {
        let tried: Vec<u32> = (1..=50).filter(|batch| is_worth_trying(*batch)).collect();
        assert_eq!(tried, [1, 2, 3, 4, 16, 32, 48]);
    }

    #[cfg(feature = "testing")]
    mod on_postgres {
        use super::super::*;
        use crate::backends::sea_orm::fixture;
        use crate::backends::sea_orm::ledger::operation::Answer;
        use crate::id::{AccountId, ApiKeyId};
        use crate::ledger::books::SweptRequest;
        use crate::ledger::{LedgerError, ReserveRequest};
        use crate::money::Money;
        use crate::testing::{Factory, cents, extension};

        /// Two of them on one database, as of two processes, and a person with ten cents.
        struct World {
            ours: Server,
            theirs: Server,
            factory: Factory,
            account: AccountId,
            key: ApiKeyId,
        }

        async fn world(database: &Database) -> World {
            let factory = Factory::new(1);
            let account = factory.account_id();
            let mut ours = Server::new(database.clone(), 1);
            let top_up = Operation::Post(vec![factory.top_up(account, cents(10))]);
            let answers = ours.transact(&[&top_up]).await.unwrap();
            assert!(matches!(answers[..], [Ok(Answer::Done)]), "{answers:?}");
            World { ours, theirs: Server::new(database.clone(), 2), account, key: factory.key_id(), factory }
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
            // Whoever settles it again is told what was charged, whichever server is asked.
            for server in [&mut world.theirs, &mut world.ours] {
                let answers = server.transact(&[&settle]).await.unwrap();
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
}
