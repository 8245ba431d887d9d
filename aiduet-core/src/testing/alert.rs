//! What every store of alerts must do.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Factory, cents};
use crate::id::AccountId;
use crate::ledger::{EntryKind, Ledger};
use crate::money::Money;
use crate::payment::{AlertChannel, AlertState, AlertStore, AlertWish, LowBalanceAlert};

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
/// use aiduet_core::backends::memory::{MemoryAlerts, MemoryLedger};
/// use aiduet_core::clock::SystemClock;
///
/// async fn my_alerts() -> Option<(MemoryAlerts, Arc<MemoryLedger>)> {
///     let ledger = Arc::new(MemoryLedger::new(Arc::new(SystemClock::new())));
///     Some((MemoryAlerts::new(Arc::<MemoryLedger>::clone(&ledger)), ledger))
/// }
///
/// aiduet_core::alert_store_conformance!(my_alerts);
/// ```
#[macro_export]
macro_rules! alert_store_conformance {
    ($new_store:path) => {
        $crate::alert_store_conformance! {
            @cases $new_store:
            an_alert_is_found_as_it_was_set
            an_alert_that_was_changed_in_between_stays
            alerts_are_due_when_their_state_does_not_fit_the_balance
            what_is_set_aside_counts_as_gone
            of_many_that_advance_one_does
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some((store, ledger)) = $new_store().await {
                    $crate::testing::alert::$case(store, ledger).await;
                }
            }
        )+
    };
}

const fn wish(count: i64) -> AlertWish {
    AlertWish { threshold: cents(count), channel: AlertChannel::Mail }
}

async fn found(store: &impl AlertStore, account: AccountId) -> LowBalanceAlert {
    store.find(account).await.expect("available").expect("it was set")
}

async fn due(store: &impl AlertStore) -> Vec<AccountId> {
    store.due(10).await.expect("available").iter().map(|alert| alert.account).collect()
}

/// Does what is due, once.
async fn settle(store: &impl AlertStore, ledger: &impl Ledger) {
    for alert in store.due(10).await.expect("available") {
        let balance = ledger.balance(alert.account).await.expect("available");
        let next = alert.next(&balance).expect("it is due");
        assert!(store.advance(&alert, next).await.expect("available"));
    }
    assert_eq!(due(store).await, [], "what was done is not due any more");
}

/// Every field, and again after each change.
pub async fn an_alert_is_found_as_it_was_set(store: impl AlertStore, _ledger: Arc<impl Ledger>) {
    let factory = Factory::new(47);
    let account = factory.account_id();
    assert_eq!(store.find(account).await.expect("available"), None);
    let mut expected = LowBalanceAlert::new(account, wish(500));
    assert_eq!(store.set(account, wish(500)).await.expect("available"), expected);
    assert_eq!(found(&store, account).await, expected);
    assert!(store.advance(&expected, AlertState::Told { credited: cents(-7) }).await.expect("available"));
    expected.state = AlertState::Told { credited: cents(-7) };
    assert_eq!(found(&store, account).await, expected);
    for channel in AlertChannel::ALL {
        let other = AlertWish { channel, ..wish(500) };
        expected.channel = channel;
        assert_eq!(store.set(account, other).await.expect("available"), expected);
        assert_eq!(found(&store, account).await, expected);
    }
    let changed = store.set(account, wish(700)).await.expect("available");
    assert_eq!((changed.state, changed.round), (AlertState::Ready, 2));
    assert_eq!(found(&store, account).await, changed);
    assert_eq!(store.find(factory.account_id()).await.expect("available"), None);
}

/// Whoever acts on what was, acts on nothing.
pub async fn an_alert_that_was_changed_in_between_stays(store: impl AlertStore, _ledger: Arc<impl Ledger>) {
    let account = Factory::new(47).account_id();
    let was = store.set(account, wish(500)).await.expect("available");
    let now = store.set(account, wish(600)).await.expect("available");
    let told = AlertState::Told { credited: Money::ZERO };
    assert!(!store.advance(&was, told).await.expect("available"));
    assert_eq!(found(&store, account).await, now);
}

/// Below; told; topped up, too little and enough; refunded; off.
pub async fn alerts_are_due_when_their_state_does_not_fit_the_balance(
    store: impl AlertStore,
    ledger: Arc<impl Ledger>,
) {
    let factory = Factory::new(47);
    let account = factory.account_id();
    let top_up = async |count| {
        let entry = factory.top_up(account, cents(count));
        ledger.post(vec![entry.clone()]).await.expect("available");
        entry
    };
    let first = top_up(500).await;
    store.set(account, wish(500)).await.expect("available");
    assert_eq!(due(&store).await, [], "it is not below");
    store.set(account, wish(501)).await.expect("available");
    assert_eq!(due(&store).await, [account]);
    settle(&store, ledger.as_ref()).await;
    assert!(
        matches!(found(&store, account).await.state, AlertState::Told { credited } if credited == cents(500))
    );
    ledger.post(vec![factory.reversal(&first, EntryKind::Refund, cents(300))]).await.expect("available");
    assert_eq!(due(&store).await, [account], "the mark is lowered");
    settle(&store, ledger.as_ref()).await;
    top_up(250).await;
    assert_eq!(due(&store).await, [], "it is still below");
    top_up(51).await;
    assert_eq!(due(&store).await, [account]);
    settle(&store, ledger.as_ref()).await;
    assert_eq!(
        (found(&store, account).await.state, found(&store, account).await.round),
        (AlertState::Ready, 3)
    );
    store.set(account, AlertWish { channel: AlertChannel::Off, ..wish(9_000) }).await.expect("available");
    assert_eq!(due(&store).await, []);
    // Somebody who never had credit.
    let other = factory.account_id();
    store.set(other, wish(1)).await.expect("available");
    assert_eq!(due(&store).await, [other]);
    assert_eq!(store.due(0).await.expect("available"), []);
}

/// And is no credit when it comes back.
pub async fn what_is_set_aside_counts_as_gone(store: impl AlertStore, ledger: Arc<impl Ledger>) {
    let factory = Factory::new(47);
    let account = factory.account_id();
    let credit = vec![factory.top_up(account, cents(500)), factory.grant(account, cents(500))];
    ledger.post(credit).await.expect("available");
    store.set(account, wish(600)).await.expect("available");
    assert_eq!(due(&store).await, []);
    let reserve = factory.reserve(account, cents(450));
    drop(ledger.reserve(reserve.clone()).await.expect("covered"));
    assert_eq!(due(&store).await, [account]);
    settle(&store, ledger.as_ref()).await;
    ledger.void(factory.void(&reserve)).await.expect("available");
    assert_eq!(due(&store).await, [], "nothing was credited");
    let spent = factory.reserve(account, cents(450));
    drop(ledger.reserve(spent.clone()).await.expect("covered"));
    ledger.settle(factory.settle(&spent, cents(450))).await.expect("available");
    assert_eq!(due(&store).await, [], "it was told already");
}

/// One fall is one fall, whoever sees it.
pub async fn of_many_that_advance_one_does(store: impl AlertStore, _ledger: Arc<impl Ledger>) {
    let account = Factory::new(47).account_id();
    let store = Arc::new(store);
    let was = store.set(account, wish(500)).await.expect("available");
    let mut tasks = JoinSet::new();
    for _node in 0..8 {
        let (store, was) = (Arc::clone(&store), was.clone());
        let told = AlertState::Told { credited: Money::ZERO };
        tasks.spawn(async move { store.advance(&was, told).await.expect("available") });
    }
    let advanced = tasks.join_all().await;
    assert_eq!(advanced.into_iter().filter(|advanced| *advanced).count(), 1);
}
