//! What every store of alerts about spending must do.

use std::sync::Arc;
use std::time::Duration;

use super::{Factory, cents};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::{Ledger, UsageReader};
use crate::notify::SpendSpan;
use crate::payment::{AlertChannel, SpendAlert, SpendAlertStore, SpendAlertWish, ToldStep, spent_in};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<(S, Arc<L>)>` that makes an empty store and the ledger
/// beside it; `None` skips the case, after the function has printed why. The tests run on `tokio::test`
/// with four threads.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use aiduet_core::backends::memory::{MemoryLedger, MemorySpendAlerts};
/// use aiduet_core::clock::SystemClock;
///
/// async fn my_alerts() -> Option<(MemorySpendAlerts, Arc<MemoryLedger>)> {
///     let ledger = Arc::new(MemoryLedger::new(Arc::new(SystemClock::new())));
///     Some((MemorySpendAlerts::new(Arc::<MemoryLedger>::clone(&ledger)), ledger))
/// }
///
/// aiduet_core::spend_alert_store_conformance!(my_alerts);
/// ```
#[macro_export]
macro_rules! spend_alert_store_conformance {
    ($new_store:path) => {
        $crate::spend_alert_store_conformance! {
            @cases $new_store:
            alerts_are_found_as_they_were_set
            an_alert_is_due_at_each_step_of_its_month
            an_alert_of_a_day_is_due_once_a_day
            what_the_last_minute_reached_is_due_after_the_end
            what_was_over_before_the_amount_was_chosen_is_not_due
            what_others_spend_and_what_is_off_does_not_count
            an_alert_that_was_changed_in_between_stays_as_it_is
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some((store, ledger)) = $new_store().await {
                    $crate::testing::spend_alert::$case(store, ledger).await;
                }
            }
        )+
    };
}

/// 2026-11-20, 12:00 UTC.
const START: Timestamp = Timestamp::from_millis(1_795_176_000_000);
const DAY: Duration = Duration::from_hours(24);

const fn wish(span: SpendSpan, count: i64) -> SpendAlertWish {
    SpendAlertWish { span, amount: cents(count), channel: AlertChannel::Mail, at: START }
}

/// Somebody who spends.
struct Spender<'a, L> {
    factory: Factory,
    ledger: &'a L,
    account: AccountId,
}

impl<'a, L: Ledger + UsageReader> Spender<'a, L> {
    /// Somebody with 500 USD.
    async fn new(ledger: &'a L) -> Self {
        let factory = Factory::at(61, START);
        let account = factory.account_id();
        let top_up = factory.top_up(account, cents(50_000));
        ledger.post(vec![top_up]).await.expect("the ledger is available");
        Self { factory, ledger, account }
    }

    async fn spend(&self, count: i64) {
        let reserve = self.factory.reserve(self.account, cents(count));
        let _hold = self.ledger.reserve(reserve.clone()).await.expect("the balance covers it");
        let settle = self.factory.settle(&reserve, cents(count));
        self.ledger.settle(settle).await.expect("the hold is open");
    }

    async fn spent(&self, span: SpendSpan) -> crate::money::Money {
        let spent = spent_in(self.ledger, self.account, (span, self.factory.now())).await;
        spent.expect("the sums are available")
    }

    /// What is to be told, which is noted then.
    async fn told(&self, store: &impl SpendAlertStore) -> Vec<u8> {
        self.told_of(store, self.factory.now()).await
    }

    /// What is to be told of the periods of a moment, which is noted then.
    async fn told_of(&self, store: &impl SpendAlertStore, now: Timestamp) -> Vec<u8> {
        let mut steps = Vec::new();
        for alert in store.due(now, 10).await.expect("the store is available") {
            let spent = spent_in(self.ledger, self.account, (alert.span, now)).await;
            let told = alert.next(spent.expect("the sums are available"), now).expect("it is due");
            assert!(store.advance(&alert, told).await.expect("the store is available"));
            steps.push(told.step);
        }
        assert_eq!(store.due(now, 10).await.expect("the store is available"), [], "once");
        steps
    }
}

/// One of a span, and another amount is another alert.
pub async fn alerts_are_found_as_they_were_set<L: Ledger>(store: impl SpendAlertStore, _ledger: Arc<L>) {
    let factory = Factory::new(61);
    let (own, other) = (factory.account_id(), factory.account_id());
    let found = async |account| store.of_account(account).await.expect("the store is available");
    assert_eq!(found(own).await, []);
    let day = store.set(own, wish(SpendSpan::Day, 100)).await.expect("the store is available");
    assert_eq!(day, SpendAlert::new(own, wish(SpendSpan::Day, 100)));
    let month = store.set(own, wish(SpendSpan::Month, 900)).await.expect("the store is available");
    assert_eq!(found(own).await, [day.clone(), month.clone()]);
    assert_eq!(found(other).await, []);
    let changed = wish(SpendSpan::Day, 200);
    let changed = store.set(own, changed).await.expect("the store is available");
    assert_eq!(changed, day.changed(wish(SpendSpan::Day, 200)));
    assert_eq!(found(own).await, [changed, month]);
}

/// The highest step alone; anew in the next month.
pub async fn an_alert_is_due_at_each_step_of_its_month<L: Ledger + UsageReader>(
    store: impl SpendAlertStore,
    ledger: Arc<L>,
) {
    let spender = Spender::new(ledger.as_ref()).await;
    spender.spend(300).await;
    let budget = wish(SpendSpan::Month, 1_000);
    store.set(spender.account, budget).await.expect("the store is available");
    assert!(spender.told(&store).await.is_empty(), "what was spent before counts too: 30 %");
    spender.spend(200).await;
    assert_eq!(spender.told(&store).await, [50]);
    spender.factory.clock().advance(DAY);
    spender.spend(249).await;
    assert!(spender.told(&store).await.is_empty());
    spender.spend(1).await;
    assert_eq!(spender.told(&store).await, [75]);
    spender.spend(250).await;
    assert_eq!(spender.told(&store).await, [100], "and not 90 as well");
    spender.spend(5_000).await;
    assert!(spender.told(&store).await.is_empty());
    spender.factory.clock().advance(DAY * 10);
    spender.spend(499).await;
    assert!(spender.told(&store).await.is_empty(), "in December");
    spender.spend(401).await;
    assert_eq!(spender.told(&store).await, [90]);
    assert_eq!(spender.spent(SpendSpan::Month).await, cents(900));
}

/// A day begins at midnight in UTC.
pub async fn an_alert_of_a_day_is_due_once_a_day<L: Ledger + UsageReader>(
    store: impl SpendAlertStore,
    ledger: Arc<L>,
) {
    let spender = Spender::new(ledger.as_ref()).await;
    store.set(spender.account, wish(SpendSpan::Day, 100)).await.expect("the store is available");
    spender.spend(99).await;
    assert!(spender.told(&store).await.is_empty());
    spender.factory.clock().advance(Duration::from_hours(12) - Duration::from_millis(1));
    spender.spend(1).await;
    assert_eq!(spender.told(&store).await, [100]);
    spender.factory.clock().advance(Duration::from_millis(1));
    spender.spend(99).await;
    assert!(spender.told(&store).await.is_empty());
    spender.spend(50).await;
    assert_eq!(spender.told(&store).await, [100]);
    assert_eq!(spender.spent(SpendSpan::Day).await, cents(149));
}

/// A look at the period that is over tells what the last one before its end could not, once, and nothing
/// of what was spent since.
pub async fn what_the_last_minute_reached_is_due_after_the_end<L: Ledger + UsageReader>(
    store: impl SpendAlertStore,
    ledger: Arc<L>,
) {
    let spender = Spender::new(ledger.as_ref()).await;
    for span in [SpendSpan::Day, SpendSpan::Month] {
        store.set(spender.account, wish(span, 100)).await.expect("the store is available");
    }
    // The last day of the month, which has thirty of them.
    spender.factory.clock().advance(DAY * 10);
    spender.spend(40).await;
    assert!(spender.told(&store).await.is_empty());
    spender.factory.clock().advance(Duration::from_hours(12) - Duration::from_millis(1));
    let last = spender.factory.now();
    spender.spend(20).await;
    spender.factory.clock().advance(Duration::from_secs(1));
    spender.spend(45).await;
    assert_eq!(spender.told_of(&store, last).await, [50], "the month, with 60 %");
    assert!(spender.told(&store).await.is_empty(), "45 % of the new ones");
    spender.spend(10).await;
    assert_eq!(spender.told(&store).await, [50], "the new month");
    store.set(spender.account, wish(SpendSpan::Day, 60)).await.expect("the store is available");
    assert_eq!(spender.told_of(&store, last).await, [100], "the day, of which nothing was told");
    let today = SpendAlertWish { at: spender.factory.now(), ..wish(SpendSpan::Day, 50) };
    store.set(spender.account, today).await.expect("the store is available");
    assert_eq!(spender.told(&store).await, [100]);
    assert!(spender.told_of(&store, last).await.is_empty(), "what is told of today ends yesterday");
}

/// Nobody is told of yesterday by an amount of today.
pub async fn what_was_over_before_the_amount_was_chosen_is_not_due<L: Ledger + UsageReader>(
    store: impl SpendAlertStore,
    ledger: Arc<L>,
) {
    let spender = Spender::new(ledger.as_ref()).await;
    let yesterday = spender.factory.now();
    spender.spend(100).await;
    spender.factory.clock().advance(DAY);
    let chosen = SpendAlertWish { at: spender.factory.now(), ..wish(SpendSpan::Day, 50) };
    store.set(spender.account, chosen).await.expect("the store is available");
    assert!(spender.told_of(&store, yesterday).await.is_empty());
    let changed = SpendAlertWish { amount: cents(60), ..chosen };
    store.set(spender.account, changed).await.expect("the store is available");
    assert!(spender.told_of(&store, yesterday).await.is_empty());
}

/// Neither is due.
pub async fn what_others_spend_and_what_is_off_does_not_count<L: Ledger + UsageReader>(
    store: impl SpendAlertStore,
    ledger: Arc<L>,
) {
    let spender = Spender::new(ledger.as_ref()).await;
    let idle = spender.factory.account_id();
    store.set(idle, wish(SpendSpan::Day, 1)).await.expect("the store is available");
    let off = SpendAlertWish { channel: AlertChannel::Off, ..wish(SpendSpan::Month, 1) };
    store.set(spender.account, off).await.expect("the store is available");
    spender.spend(100).await;
    assert!(spender.told(&store).await.is_empty());
    let on = SpendAlertWish { channel: AlertChannel::Screen, ..off };
    store.set(spender.account, on).await.expect("the store is available");
    store.set(spender.account, wish(SpendSpan::Day, 1)).await.expect("the store is available");
    let now = spender.factory.now();
    assert_eq!(store.due(now, 1).await.expect("the store is available").len(), 1);
    assert_eq!(spender.told(&store).await, [100, 100]);
}

/// Nothing is noted of what is no longer so.
pub async fn an_alert_that_was_changed_in_between_stays_as_it_is<L: Ledger + UsageReader>(
    store: impl SpendAlertStore,
    ledger: Arc<L>,
) {
    let spender = Spender::new(ledger.as_ref()).await;
    let budget = wish(SpendSpan::Month, 1_000);
    let was = store.set(spender.account, budget).await.expect("the store is available");
    let told = ToldStep { period: SpendSpan::Month.period().start(spender.factory.now()), step: 50 };
    let changed =
        store.set(spender.account, wish(SpendSpan::Month, 500)).await.expect("the store is available");
    assert!(!store.advance(&was, told).await.expect("the store is available"));
    let kept = store.of_account(spender.account).await.expect("the store is available");
    assert_eq!(kept, std::slice::from_ref(&changed));
    assert!(store.advance(&changed, told).await.expect("the store is available"));
    assert!(!store.advance(&changed, told).await.expect("the store is available"), "it was told of");
    let kept = store.of_account(spender.account).await.expect("the store is available");
    assert_eq!(kept, [SpendAlert { told: Some(told), ..changed }]);
}
