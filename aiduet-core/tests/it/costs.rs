//! What providers say that they cost, held against the records of requests.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app::{self, JobParts, Stores};
use aiduet_core::clock::{Clock, ManualClock, SystemClock, Timestamp};
use aiduet_core::cost::CostComparison;
use aiduet_core::http::metrics::Metrics;
use aiduet_core::id::SystemEntropy;
use aiduet_core::jobs::{JobOutcome, RunCause};
use aiduet_core::ledger::{SettleRequest, SpendPeriod};
use aiduet_core::money::Money;
use aiduet_core::price::Margin;
use aiduet_core::provider::Vendor;
use aiduet_core::settings::Settings;
use aiduet_core::testing::cost::{ADMIN_KEY, FakeCosts};
use aiduet_core::testing::{Factory, cents};
use aiduet_core::usage::UsageFlags;
use tokio_util::sync::CancellationToken;

use crate::databases::{Place, Store, on_each_store};

on_each_store! {
    a_day_on_which_all_agree_is_kept_and_clean
    a_difference_is_kept_and_fails_the_job
    tokens_that_differ_are_kept_and_fail_the_job
}

/// What the provider calls the model of the calls.
const DATED: &str = "claude-sonnet-4-6-20260217";

const HALF_DAY: Duration = Duration::from_hours(12);

struct World {
    settings: Settings,
    stores: Stores,
    factory: Factory,
    costs: FakeCosts,
    /// The day that the job looks at.
    day: Timestamp,
    _place: Place,
}

impl World {
    /// It is noon; yesterday three calls were made, of which one cost nothing and one was counted by us.
    async fn open(store: Store) -> Self {
        let costs = FakeCosts::open().await;
        let mut settings = Settings::default();
        let place = store.place().await;
        place.write_to(&mut settings);
        for vendor in [&mut settings.costs.openai, &mut settings.costs.anthropic] {
            vendor.admin_key = Some(ADMIN_KEY.to_owned().into());
            vendor.base_url = Some(costs.base_url.clone());
            vendor.allow_plain_http = true;
        }
        let day = SpendPeriod::Day.start(SystemClock::new().now());
        let factory = Factory::at(83, day.plus(HALF_DAY));
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        let stores = Box::pin(Stores::ready(&settings.database, clock)).await.unwrap();
        let world = Self { settings, stores, factory, costs, day, _place: place };
        let estimated = UsageFlags { estimated: true, ..UsageFlags::default() };
        for (count, flags) in [(1_000, UsageFlags::default()), (0, UsageFlags::default()), (50, estimated)] {
            world.call(count, flags).await;
        }
        world.factory.clock().advance(HALF_DAY * 2);
        // Of another day.
        world.call(7_000, UsageFlags::default()).await;
        world
    }

    /// A call for which the provider asks so much, sold with a margin of 5 %.
    async fn call(&self, count: i64, flags: UsageFlags) {
        let of = self.factory.reserve(self.factory.account_id(), cents(count));
        let mut record = self.factory.record(&of, cents(count));
        record.flags = flags;
        record.bill.margin = Margin(10_500);
        record.bill.charge = record.bill.recompute().unwrap();
        let settle = SettleRequest { holds: Vec::new(), record, at: of.at };
        self.stores.ledger.settle(settle).await.unwrap();
    }

    /// The provider counted what we recorded, under a dated name of the model.
    fn count_rightly(&self) {
        self.costs.count((Vendor::Anthropic, self.day), &[(DATED, [0, 0, 0, 10_500_000_000])]);
    }

    async fn job(&self) -> JobOutcome {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(self.factory.clock());
        let costs = app::cost_comparer(&self.settings, &self.stores, &clock).unwrap();
        let parts = JobParts {
            clock,
            entropy: Arc::new(SystemEntropy),
            node: self.factory.node_id(),
            retention: Arc::new(Metrics::new()),
            payments: None,
            costs,
        };
        let jobs = app::jobs(&self.settings, &self.stores, parts);
        let job = jobs.find("provider_costs").unwrap();
        let run = jobs.run(job.as_ref(), RunCause::Request, &CancellationToken::new()).await;
        run.unwrap().unwrap().outcome
    }

    async fn kept(&self) -> Vec<CostComparison> {
        self.stores.cost_comparisons.list(10).await.unwrap()
    }
}

async fn a_day_on_which_all_agree_is_kept_and_clean(store: Store) {
    let world = World::open(store).await;
    world.costs.tell((Vendor::Anthropic, world.day), &["1000", "50.02"]);
    world.count_rightly();
    assert_eq!(world.job().await, JobOutcome::Done);
    let kept = world.kept().await;
    let [anthropic, openai] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((anthropic.vendor, anthropic.day), (Vendor::Anthropic, world.day));
    assert_eq!(anthropic.reported, Money::from_nanos(10_500_200_000));
    assert_eq!((anthropic.owed.sum, anthropic.owed.requests), (cents(1_050), 2), "without the margin");
    assert_eq!((anthropic.owed.estimated, anthropic.difference().nanos()), (cents(50), 200_000));
    assert_eq!((openai.vendor, openai.reported, openai.owed.sum), (Vendor::OpenAi, Money::ZERO, Money::ZERO));
}

async fn a_difference_is_kept_and_fails_the_job(store: Store) {
    let world = World::open(store).await;
    world.costs.tell((Vendor::Anthropic, world.day), &["1050"]);
    world.costs.tell((Vendor::OpenAi, world.day), &["2.5"]);
    world.count_rightly();
    assert_eq!(world.job().await, JobOutcome::Refused);
    let kept = world.kept().await;
    let differences: Vec<_> =
        kept.iter().map(|kept| (kept.vendor, kept.difference(), kept.is_clean())).collect();
    assert_eq!(differences, [(Vendor::Anthropic, Money::ZERO, true), (Vendor::OpenAi, cents(250), false)]);
    world.costs.tell((Vendor::OpenAi, world.day), &["0.5"]);
    assert_eq!(world.job().await, JobOutcome::Done);
    assert_eq!(world.kept().await.len(), 2, "one a day and provider, the latest");
}

async fn tokens_that_differ_are_kept_and_fail_the_job(store: Store) {
    let world = World::open(store).await;
    world.costs.tell((Vendor::Anthropic, world.day), &["1050"]);
    let counted = [(DATED, [3, 20, 100, 10_400_000_000]), ("claude-of-others", [0, 0, 0, 1])];
    world.costs.count((Vendor::Anthropic, world.day), &counted);
    assert_eq!(world.job().await, JobOutcome::Refused);
    assert!(world.kept().await.iter().all(CostComparison::is_clean), "the costs agree");
    let tokens = world.stores.cost_comparisons.tokens(world.day, Vendor::Anthropic).await.unwrap();
    let [of_others, ours] = tokens.as_slice() else { panic!("{tokens:?}") };
    assert_eq!((of_others.model.as_str(), of_others.reported.output), ("claude-of-others", 1));
    assert!(!of_others.is_clean() && of_others.worth.is_none(), "it has no price with us");
    assert_eq!((ours.reported.input, ours.reported.output), (123, 10_400_000_000));
    assert_eq!((ours.recorded.output, ours.estimated.output), (10_500_000_000, 500_000_000));
    assert!(!ours.is_clean(), "{ours:?}");
    world.count_rightly();
    assert_eq!(world.job().await, JobOutcome::Done);
    let tokens = world.stores.cost_comparisons.tokens(world.day, Vendor::Anthropic).await.unwrap();
    assert!(matches!(tokens.as_slice(), [ours] if ours.is_clean()), "{tokens:?}");
}
