//! What every counter of wrong passwords must do.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Factory;
use crate::auth::FailureCounter;

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty counter; `None` skips the
/// case, after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryFailures;
///
/// async fn my_failures() -> Option<MemoryFailures> {
///     Some(MemoryFailures::default())
/// }
///
/// aiduet_core::failure_counter_conformance!(my_failures);
/// ```
#[macro_export]
macro_rules! failure_counter_conformance {
    ($new_store:path) => {
        $crate::failure_counter_conformance! {
            @cases $new_store:
            failures_are_counted_by_account_until_they_are_cleared
            concurrent_failures_get_numbers_of_their_own
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::failures::$case(store).await;
                }
            }
        )+
    };
}

/// The usual course.
pub async fn failures_are_counted_by_account_until_they_are_cleared(store: impl FailureCounter) {
    let factory = Factory::new(1);
    let (account, other) = (factory.account_id(), factory.account_id());
    let failures = async |account| store.failures(account).await.expect("the store is available");
    assert_eq!(failures(account).await, 0);
    for expected in 1..=3 {
        let count = store.count(account, factory.now()).await.expect("the store is available");
        assert_eq!(count, expected);
    }
    assert_eq!(store.count(other, factory.now()).await.expect("the store is available"), 1);
    assert_eq!(failures(account).await, 3);
    assert_eq!(store.clear(account).await.expect("the store is available"), 3);
    assert_eq!(store.clear(account).await.expect("the store is available"), 0);
    assert_eq!((failures(account).await, failures(other).await), (0, 1));
    assert_eq!(store.count(account, factory.now()).await.expect("the store is available"), 1);
}

/// The hundredth is one.
pub async fn concurrent_failures_get_numbers_of_their_own(store: impl FailureCounter) {
    let factory = Factory::new(1);
    let (account, now) = (factory.account_id(), factory.now());
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.count(account, now).await.expect("the store is available") });
    }
    let mut counts = tasks.join_all().await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=16).collect::<Vec<u32>>());
}
