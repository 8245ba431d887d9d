//! The suites, on every database that is at hand.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::server::Server;
use super::writer::Writer;
use super::{LedgerConfig, SeaOrmLedger, queue};
use crate::backends::sea_orm::Database;
use crate::backends::sea_orm::fixture::{self, Fixture};
use crate::backends::sea_orm::sql::Sql;
use crate::clock::{Clock, SystemClock};
use crate::id::{Entropy, SystemEntropy};
use crate::testing::ledger::{Effort, FreshLedger, ledger_equals_model};

fn fresh(fixture: Fixture) -> FreshLedger<SeaOrmLedger> {
    let ledger = SeaOrmLedger::start(fixture.database.clone(), LedgerConfig::default());
    on(fixture, ledger)
}

fn on(fixture: Fixture, ledger: SeaOrmLedger) -> FreshLedger<SeaOrmLedger> {
    let database = fixture.database.clone();
    let pass = move |time: Duration| date_back(database.clone(), time);
    FreshLedger::new(ledger, SystemClock::new().now(), pass).keeping(fixture)
}

/// A ledger whose batches are done by two writers in no order, as if they were of two processes.
fn by_two_writers(fixture: Fixture) -> FreshLedger<SeaOrmLedger> {
    let (closing, tracker) = (CancellationToken::new(), TaskTracker::new());
    let (entrance, mut exit) = queue::queue(closing.clone());
    let mut writers = [1, 2].map(|shard| Writer::new(Server::new(fixture.database.clone(), shard)));
    tracker.spawn(async move {
        while let Some(jobs) = exit.next().await {
            let mut random = [0];
            SystemEntropy.fill(&mut random);
            let [first, second] = &mut writers;
            let writer = if random[0] % 2 == 0 { first } else { second };
            writer.process(jobs).await;
        }
    });
    tracker.close();
    let database = fixture.database.clone();
    on(fixture, SeaOrmLedger { database, entrances: vec![entrance], closing, tracker })
}

/// The database's clock cannot be moved, but the beats can.
async fn date_back(database: Database, time: Duration) {
    let millis = i64::try_from(time.as_millis()).unwrap();
    let update = Sql::new(database.backend(), "UPDATE nodes SET beat_at = beat_at - ").value(millis);
    update.run(database.writer()).await.unwrap();
}

async fn sqlite_ledger() -> Option<FreshLedger<SeaOrmLedger>> {
    Some(fresh(fixture::sqlite().await))
}

async fn postgres_ledger() -> Option<FreshLedger<SeaOrmLedger>> {
    fixture::postgres().await.map(fresh)
}

async fn postgres_by_two_writers() -> Option<FreshLedger<SeaOrmLedger>> {
    fixture::postgres().await.map(by_two_writers)
}

async fn mysql_ledger() -> Option<FreshLedger<SeaOrmLedger>> {
    fixture::mysql().await.map(fresh)
}

/// The rules have had ten thousand cases in memory; what is new here is loading and saving.
fn equals_model(cases: u32, new_ledger: impl AsyncFn() -> Option<FreshLedger<SeaOrmLedger>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let effort = Effort { cases, operations: 60, seed: 1 };
    ledger_equals_model(&runtime, effort, new_ledger).unwrap();
}

mod sqlite {
    crate::ledger_conformance!(super::sqlite_ledger);

    #[test]
    fn random_operations_do_what_the_model_does() {
        super::equals_model(24, super::sqlite_ledger);
    }
}
mod postgres {
    crate::ledger_conformance!(super::postgres_ledger);

    #[test]
    fn random_operations_do_what_the_model_does() {
        super::equals_model(3, super::postgres_ledger);
    }
}
mod postgres_by_two_writers {
    crate::ledger_conformance!(super::postgres_by_two_writers);

    #[test]
    fn random_operations_do_what_the_model_does() {
        super::equals_model(6, super::postgres_by_two_writers);
    }
}
mod mysql {
    crate::ledger_conformance!(super::mysql_ledger);

    #[test]
    fn random_operations_do_what_the_model_does() {
        super::equals_model(3, super::mysql_ledger);
    }
}
