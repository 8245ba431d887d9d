//! What every store of refused payments must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Factory;
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::payment::{CountDeclines, Decline, DeclineStore};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryDeclines;
///
/// async fn my_declines() -> Option<MemoryDeclines> {
///     Some(MemoryDeclines::default())
/// }
///
/// aiduet_core::decline_store_conformance!(my_declines);
/// ```
#[macro_export]
macro_rules! decline_store_conformance {
    ($new_store:path) => {
        $crate::decline_store_conformance! {
            @cases $new_store:
            refusals_are_counted_by_account_newest_first
            a_refusal_that_is_told_often_is_one
            old_refusals_are_purged
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::decline::$case(store).await;
                }
            }
        )+
    };
}

async fn note(store: &impl DeclineStore, number: u32, (account, at): (AccountId, Timestamp)) {
    let id = format!("evt_{number}").parse().expect("a name");
    store.note(Decline { id, account, at }).await.expect("the store is available");
}

async fn moments(store: &impl DeclineStore, account: AccountId, after: Timestamp) -> Vec<Timestamp> {
    let request = CountDeclines { account, after, limit: 3 };
    store.moments(request).await.expect("the store is available")
}

/// What is not later than the moment does not count, nor does what happened to others.
pub async fn refusals_are_counted_by_account_newest_first(store: impl DeclineStore) {
    let factory = Factory::new(59);
    let (own, other) = (factory.account_id(), factory.account_id());
    let at = |minute: u64| factory.now().plus(Duration::from_mins(minute));
    for (number, minute) in [(1, 20), (2, 10), (3, 40), (4, 30)] {
        note(&store, number, (own, at(minute))).await;
    }
    note(&store, 5, (other, at(50))).await;
    assert_eq!(moments(&store, own, at(0)).await, [at(40), at(30), at(20)]);
    assert_eq!(moments(&store, own, at(20)).await, [at(40), at(30)]);
    assert_eq!(moments(&store, own, at(40)).await, []);
    assert_eq!(moments(&store, other, at(0)).await, [at(50)]);
}

/// The first one stays.
pub async fn a_refusal_that_is_told_often_is_one(store: impl DeclineStore) {
    let factory = Factory::new(59);
    let (account, at) = (factory.account_id(), factory.now());
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { note(store.as_ref(), 1, (account, at)).await });
    }
    tasks.join_all().await;
    note(store.as_ref(), 1, (account, at.plus(Duration::from_mins(1)))).await;
    assert_eq!(moments(store.as_ref(), account, at.minus(Duration::from_millis(1))).await, [at]);
}

/// Those first that are the oldest, and only those.
pub async fn old_refusals_are_purged(store: impl DeclineStore) {
    let factory = Factory::new(59);
    let account = factory.account_id();
    let at = |minute: u64| factory.now().plus(Duration::from_mins(minute));
    for (number, minute) in [(1, 1), (2, 2), (3, 3)] {
        note(&store, number, (account, at(minute))).await;
    }
    assert_eq!(store.purge(at(3), 1).await.expect("the store is available"), 1);
    assert_eq!(store.purge(at(3), 10).await.expect("the store is available"), 1);
    assert_eq!(store.purge(at(3), 10).await.expect("the store is available"), 0);
    assert_eq!(moments(&store, account, at(0)).await, [at(3)]);
}
