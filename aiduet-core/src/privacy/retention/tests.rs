use super::*;
use crate::backends::memory::{
    MemoryAccounts, MemoryDeclines, MemoryExports, MemoryKeyCreations, MemoryKeys, MemoryLedger,
    MemoryOutbox, MemorySecurityLog, MemorySessions, MemoryStatusLog, MemoryTickets,
};
use crate::clock::{Clock, ManualClock};
use crate::id::AccountId;
use crate::jobs::{Batch, Job, JobError, Left, Purge};
use crate::ledger::{Ledger, ListRequests, RequestLog};
use crate::payment::Decline;
use crate::testing::{Factory, cents};
use std::sync::Mutex;

#[derive(Debug, Default)]
struct Told(Mutex<(Vec<(&'static str, u64)>, Duration)>);

impl RetentionObserver for Told {
    fn purged(&self, table: &'static str, rows: u64) {
        if rows > 0 {
            self.0.lock().unwrap().0.push((table, rows));
        }
    }

    fn oldest_usage(&self, age: Duration) {
        self.0.lock().unwrap().1 = age;
    }
}

struct World {
    factory: Factory,
    ledger: Arc<MemoryLedger>,
    account: AccountId,
    declines: Arc<MemoryDeclines>,
    retention: Retention,
}

fn world() -> World {
    let factory = Factory::new(1);
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
    let ledger = Arc::new(MemoryLedger::new(clock));
    let usage: Arc<dyn UsageRetention> = Arc::<MemoryLedger>::clone(&ledger);
    let declines = Arc::new(MemoryDeclines::default());
    let stores = RetentionStores {
        usage,
        sessions: Arc::new(MemorySessions::default()),
        tickets: Arc::new(MemoryTickets::default()),
        keys: Arc::new(MemoryKeys::default()),
        creations: Arc::new(MemoryKeyCreations::default()),
        consents: Arc::new(MemoryAccounts::default()),
        exports: Arc::new(MemoryExports::default()),
        declines: Arc::<MemoryDeclines>::clone(&declines),
        security_log: Arc::new(MemorySecurityLog::default()),
        outbox: Arc::new(MemoryOutbox::default()),
        status: Arc::new(MemoryStatusLog::default()),
    };
    let account = factory.account_id();
    World { factory, ledger, account, declines, retention: Retention::new(stores, 90) }
}

impl World {
    async fn call(&self) {
        let reserve = self.factory.reserve(self.account, cents(0));
        let settle =
            crate::ledger::SettleRequest { holds: vec![], ..self.factory.settle(&reserve, cents(1)) };
        self.ledger.settle(settle).await.unwrap();
    }

    async fn records(&self) -> usize {
        let all = ListRequests { account: self.account, key: None, before: None, limit: 100 };
        self.ledger.list(all).await.unwrap().len()
    }

    fn later(&self, by: Duration) {
        self.factory.clock().advance(by);
    }
}

#[tokio::test]
async fn usage_ends_after_its_days_and_not_before() {
    let world = world();
    world.call().await;
    world.later(DAY * 90);
    let told = Arc::new(Told::default());
    let job = Purge::new(world.retention.clone(), Arc::<Told>::clone(&told));
    assert_eq!(job.run(world.factory.now()).await.unwrap(), Batch::last(0));
    assert_eq!(world.records().await, 1);
    world.later(Duration::from_mins(15));
    assert_eq!(job.run(world.factory.now()).await.unwrap(), Batch { done: 2, left: Left::Nothing });
    assert_eq!(world.records().await, 0);
    assert_eq!(world.ledger.rollups(world.account), []);
    let (tables, age) = told.0.lock().unwrap().clone();
    assert_eq!(tables, [("requests", 1), ("usage_quarters", 1)]);
    assert_eq!(age, Duration::ZERO);
}

#[tokio::test]
async fn a_refused_payment_is_forgotten_after_a_day() {
    let world = world();
    let id = "evt_1".parse().unwrap();
    let decline = Decline { id, account: world.account, at: world.factory.now() };
    world.declines.note(decline).await.unwrap();
    world.later(DAY);
    let job = Purge::new(world.retention.clone(), Arc::new(Told::default()));
    assert_eq!(job.run(world.factory.now()).await.unwrap(), Batch::last(0));
    world.later(Duration::from_millis(1));
    assert_eq!(job.run(world.factory.now()).await.unwrap(), Batch::last(1));
}

#[tokio::test]
async fn a_clock_that_jumps_deletes_nothing() {
    let world = world();
    world.call().await;
    world.later(DAY * 30);
    world.call().await;
    let jumped = world.factory.now().plus(DAY * 63);
    let job = Purge::new(world.retention.clone(), Arc::new(Told::default()));
    assert!(matches!(job.run(jumped).await, Err(JobError::Refused { .. })));
    assert_eq!(world.records().await, 2);
    let overdue = world.retention.overdue(jumped).await.unwrap();
    assert!(overdue.is_suspicious);
    assert_eq!(overdue.records, 1);
    world.retention.purge_anyway(jumped).await.unwrap();
    assert_eq!(world.records().await, 1, "by force what is old goes, and only that");
    assert!(job.run(jumped).await.is_ok());
}

#[test]
fn no_configuration_keeps_usage_longer_than_the_policy_says() {
    let world = world();
    let longer = Retention::new(world.retention.stores, 365);
    assert_eq!(longer.usage_kept, DAY * 90);
}
