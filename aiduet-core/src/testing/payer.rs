//! What every store of payers must do.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Factory;
use crate::ledger::ExternalId;
use crate::payment::PayerStore;

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryPayers;
///
/// async fn my_payers() -> Option<MemoryPayers> {
///     Some(MemoryPayers::default())
/// }
///
/// aiduet_core::payer_store_conformance!(my_payers);
/// ```
#[macro_export]
macro_rules! payer_store_conformance {
    ($new_store:path) => {
        $crate::payer_store_conformance! {
            @cases $new_store:
            the_first_payer_of_an_account_stays
            one_payer_is_kept_of_many_at_the_same_time
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::payer::$case(store).await;
                }
            }
        )+
    };
}

fn name(number: u32) -> ExternalId {
    format!("cus_{number}").parse().expect("a name")
}

/// A second one has no effect, and other accounts have others.
pub async fn the_first_payer_of_an_account_stays(store: impl PayerStore) {
    let factory = Factory::new(43);
    let (own, other) = (factory.account_id(), factory.account_id());
    assert_eq!(store.find(own).await.expect("available"), None);
    assert_eq!(store.keep(own, name(1)).await.expect("available"), name(1));
    assert_eq!(store.keep(own, name(2)).await.expect("available"), name(1));
    assert_eq!(store.find(own).await.expect("available"), Some(name(1)));
    assert_eq!(store.keep(other, name(3)).await.expect("available"), name(3));
    assert_eq!(store.account_of(&name(1)).await.expect("available"), Some(own));
    assert_eq!(store.account_of(&name(3)).await.expect("available"), Some(other));
    assert_eq!(store.account_of(&name(2)).await.expect("available"), None);
    assert_eq!(store.find(own).await.expect("available"), Some(name(1)));
}

/// Everybody gets the same one.
pub async fn one_payer_is_kept_of_many_at_the_same_time(store: impl PayerStore) {
    let account = Factory::new(43).account_id();
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.keep(account, name(number)).await.expect("available") });
    }
    let kept = tasks.join_all().await;
    let first = store.find(account).await.expect("available").expect("one is kept");
    assert!(kept.iter().all(|other| *other == first), "{kept:?}");
}
