//! Deletes what was kept about requests long enough.

use async_trait::async_trait;
use uuid::Uuid;

use super::SeaOrmLedger;
use crate::backends::sea_orm::bulk::one_of;
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::RequestId;
use crate::ledger::books::BUCKET_MILLIS;
use crate::ledger::{LedgerError, ListLog, PurgedUsage, UsageRetention};

/// The tables of sums; the first is that of earlier versions, which nobody writes any more.
const SUMS: [&str; 2] = ["usage_rollups", "usage_quarters"];

/// Records are found by their identifiers, which are ordered by time but for a little.
const OLD: &str = "requests WHERE id < ";

impl SeaOrmLedger {
    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    /// The first value of the first row; `None` without rows, or for null.
    async fn number(&self, select: Sql) -> Result<Option<i64>, DatabaseError> {
        let row = select.one(self.database.reader()).await?;
        row.as_ref().map_or(Ok(None), |row| Columns::of(row).next())
    }

    async fn purge_records(&self, before: Timestamp, limit: u32) -> Result<u64, DatabaseError> {
        let last = RequestId::first_of(before.plus(ListLog::ID_SLACK));
        let select = self
            .sql(&format!("SELECT id FROM {OLD}"))
            .value(last.as_uuid())
            .text(" AND started_at < ")
            .value(before.millis())
            .text(" ORDER BY id LIMIT ")
            .value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        let ids: Result<Vec<Uuid>, DatabaseError> = rows.iter().map(|row| Columns::of(row).next()).collect();
        let ids = ids?;
        if ids.is_empty() {
            return Ok(0);
        }
        one_of(self.sql("DELETE FROM requests WHERE "), "id", &ids).run(self.database.writer()).await
    }

    /// Whole quarters: the last one may take more than the limit.
    async fn purge_sums(&self, table: &str, (before, limit): (Timestamp, u32)) -> Result<u64, DatabaseError> {
        let ended = before.millis().saturating_sub(BUCKET_MILLIS);
        let select = self
            .sql(&format!("SELECT MAX(bucket) FROM (SELECT bucket FROM {table} WHERE bucket <= "))
            .value(ended)
            .text(" ORDER BY bucket LIMIT ")
            .value(i64::from(limit))
            .text(") oldest");
        let Some(last) = self.number(select).await? else { return Ok(0) };
        let delete = self.sql(&format!("DELETE FROM {table} WHERE bucket <= ")).value(last);
        delete.run(self.database.writer()).await
    }
}

#[async_trait]
impl UsageRetention for SeaOrmLedger {
    async fn oldest(&self) -> Result<Option<Timestamp>, LedgerError> {
        let mut oldest = self.number(self.sql("SELECT started_at FROM requests ORDER BY id LIMIT 1")).await?;
        for table in SUMS {
            let bucket = self.number(self.sql(&format!("SELECT MIN(bucket) FROM {table}"))).await?;
            // A sum is as old as its end: until then something may be added.
            let end = bucket.map(|bucket| bucket.saturating_add(BUCKET_MILLIS));
            oldest = [oldest, end].into_iter().flatten().min();
        }
        Ok(oldest.map(Timestamp::from_millis))
    }

    async fn overdue(&self, before: Timestamp) -> Result<u64, LedgerError> {
        let last = RequestId::first_of(before.plus(ListLog::ID_SLACK));
        let count = self
            .sql(&format!("SELECT COUNT(*) FROM {OLD}"))
            .value(last.as_uuid())
            .text(" AND started_at < ")
            .value(before.millis());
        let count = self.number(count).await?.unwrap_or(0);
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<PurgedUsage, LedgerError> {
        let records = self.purge_records(before, limit).await?;
        let mut sums = 0_u64;
        for table in SUMS {
            sums = sums.saturating_add(self.purge_sums(table, (before, limit)).await?);
        }
        Ok(PurgedUsage { records, sums })
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::backends::sea_orm::fixture::{Fixture, on_each_database};
    use crate::backends::sea_orm::ledger::LedgerConfig;
    use crate::backends::sea_orm::{
        SeaOrmAccountStore, SeaOrmDeclines, SeaOrmExports, SeaOrmJobs, SeaOrmKeyCreations, SeaOrmKeyStore,
        SeaOrmOutbox, SeaOrmSecurityLog, SeaOrmSessionStore, SeaOrmStatusLog, SeaOrmTicketStore,
    };
    use crate::clock::{Clock, ManualClock, SystemClock};
    use crate::jobs::{Job, JobOutcome, Jobs, Purge, RunCause};
    use crate::ledger::{Audit, Ledger};
    use crate::privacy::{Retention, RetentionObserver, RetentionStores};
    use crate::testing::{Factory, cents};

    on_each_database! {
        sec_t56_nothing_is_older_than_ninety_days_and_an_hour_and_the_books_stay_right
        old_rows_go_in_batches
    }

    const DAY: Duration = Duration::from_hours(24);
    const KEPT_MAX: Duration = Duration::from_hours(90 * 24 + 1);

    #[derive(Debug)]
    struct Deaf;

    impl RetentionObserver for Deaf {
        fn purged(&self, _table: &'static str, _rows: u64) {}
        fn oldest_usage(&self, _age: Duration) {}
    }

    struct World {
        ledger: Arc<SeaOrmLedger>,
        factory: Factory,
        jobs: Jobs,
        purge: Purge,
        fixture: Fixture,
    }

    fn world(fixture: Fixture, begin: crate::clock::Timestamp) -> World {
        let database = fixture.database.clone();
        let ledger = Arc::new(SeaOrmLedger::start(database.clone(), LedgerConfig::default()));
        let factory = Factory::at(1, begin);
        let usage: Arc<dyn UsageRetention> = Arc::<SeaOrmLedger>::clone(&ledger);
        let stores = RetentionStores {
            usage,
            sessions: Arc::new(SeaOrmSessionStore::new(database.clone())),
            tickets: Arc::new(SeaOrmTicketStore::new(database.clone())),
            keys: Arc::new(SeaOrmKeyStore::new(database.clone())),
            consents: Arc::new(SeaOrmAccountStore::new(database.clone())),
            exports: Arc::new(SeaOrmExports::new(database.clone())),
            creations: Arc::new(SeaOrmKeyCreations::new(database.clone())),
            declines: Arc::new(SeaOrmDeclines::new(database.clone())),
            security_log: Arc::new(SeaOrmSecurityLog::new(database.clone())),
            outbox: Arc::new(SeaOrmOutbox::new(database.clone())),
            status: Arc::new(SeaOrmStatusLog::new(database.clone())),
        };
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        let jobs =
            Jobs { store: Arc::new(SeaOrmJobs::new(database)), all: vec![], clock, node: factory.node_id() };
        let purge = Purge::new(Retention::new(stores, 90), Arc::new(Deaf));
        World { ledger, factory, jobs, purge, fixture }
    }

    impl World {
        async fn number(&self, select: &str) -> Option<i64> {
            self.ledger.number(self.ledger.sql(select)).await.unwrap()
        }

        /// A call that is paid for.
        async fn call(&self, account: crate::id::AccountId) {
            let reserve = self.factory.reserve(account, cents(2));
            let _hold = self.ledger.reserve(reserve.clone()).await.unwrap();
            self.ledger.settle(self.factory.settle(&reserve, cents(1))).await.unwrap();
        }

        async fn assert_young(&self) {
            let oldest = self.factory.now().minus(KEPT_MAX).millis();
            for select in ["SELECT MIN(started_at) FROM requests", "SELECT MIN(bucket) FROM usage_quarters"] {
                let found = self.number(select).await;
                assert!(found.is_none_or(|found| found >= oldest), "{select}: {found:?} < {oldest}");
            }
        }

        async fn purge(&self) -> Option<JobOutcome> {
            let stop = tokio_util::sync::CancellationToken::new();
            let run = self.jobs.run(&self.purge, RunCause::Schedule, &stop).await.unwrap();
            run.map(|run| run.outcome)
        }
    }

    /// 120 days, at the end of which it is now: the audit asks the clock of the database. The last
    /// 31 days in the steps in which the job is due.
    async fn sec_t56_nothing_is_older_than_ninety_days_and_an_hour_and_the_books_stay_right(
        fixture: Fixture,
    ) {
        let world = world(fixture, SystemClock::new().now().minus(DAY * 120));
        let (clock, account) = (world.factory.clock(), world.factory.account_id());
        world.ledger.post(vec![world.factory.top_up(account, cents(100_000))]).await.unwrap();
        for step in 0..89 * 4 {
            world.call(account).await;
            clock.advance(DAY / 4);
            if step % 4 == 0 {
                assert_eq!(world.purge().await, Some(JobOutcome::Done));
                world.assert_young().await;
            }
        }
        let every = world.purge.schedule().every;
        let end = SystemClock::new().now();
        let mut steps = 0;
        while clock.now() < end {
            if steps % 9 == 0 {
                world.call(account).await;
            }
            clock.advance(every);
            world.assert_young().await;
            assert_eq!(world.purge().await, Some(JobOutcome::Done), "step {steps}");
            world.assert_young().await;
            steps += 1;
        }
        let kept = world.number("SELECT COUNT(*) FROM requests").await.unwrap();
        assert!((355..=365).contains(&kept), "four calls a day for 90 days, not {kept}");
        assert_eq!(world.ledger.verify().await.unwrap(), []);
        let spent = world.ledger.balance(account).await.unwrap().used;
        assert_eq!(spent, cents(89 * 4 + (steps + 8) / 9), "what was charged stays charged");
        world.ledger.close().await;
        drop(world.fixture);
    }

    /// The limit holds for records; what is young stays.
    async fn old_rows_go_in_batches(fixture: Fixture) {
        let world = world(fixture, SystemClock::new().now().minus(DAY * 100));
        let (clock, account) = (world.factory.clock(), world.factory.account_id());
        world.ledger.post(vec![world.factory.top_up(account, cents(100))]).await.unwrap();
        for _call in 0..5 {
            world.call(account).await;
            clock.advance(Duration::from_mins(15));
        }
        let before = clock.now();
        world.call(account).await;
        assert_eq!(world.ledger.overdue(before).await.unwrap(), 5);
        assert_eq!(world.ledger.purge(before, 2).await.unwrap(), PurgedUsage { records: 2, sums: 2 });
        assert_eq!(world.ledger.purge(before, 10).await.unwrap(), PurgedUsage { records: 3, sums: 3 });
        assert_eq!(world.ledger.purge(before, 10).await.unwrap(), PurgedUsage::default());
        assert_eq!(world.ledger.oldest().await.unwrap(), Some(before));
        world.ledger.close().await;
        drop(world.fixture);
    }
}
