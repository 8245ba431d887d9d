//! What every memory of key creations must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Factory;
use crate::id::AccountId;
use crate::keys::{KeyCreation, KeyCreations};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryKeyCreations;
///
/// async fn my_creations() -> Option<MemoryKeyCreations> {
///     Some(MemoryKeyCreations::default())
/// }
///
/// aiduet_core::key_creations_conformance!(my_creations);
/// ```
#[macro_export]
macro_rules! key_creations_conformance {
    ($new_store:path) => {
        $crate::key_creations_conformance! {
            @cases $new_store:
            the_first_creation_of_a_token_is_the_one
            one_of_many_creations_of_a_token_is_the_one
            old_creations_are_forgotten
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::key_creations::$case(store).await;
                }
            }
        )+
    };
}

fn creation(factory: &Factory, account: AccountId, token: &str) -> KeyCreation {
    let key = factory.key_id();
    KeyCreation {
        account,
        token: KeyCreation::digest(token.as_bytes()),
        wish: KeyCreation::digest(key.to_string().as_bytes()),
        key,
        at: factory.now(),
    }
}

async fn begun(store: &impl KeyCreations, creation: KeyCreation) -> KeyCreation {
    store.begin(creation).await.expect("the store is available")
}

/// A repeat finds what the first has made; another account or token is another request.
pub async fn the_first_creation_of_a_token_is_the_one(store: impl KeyCreations) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let first = creation(&factory, account, "a");
    assert_eq!(begun(&store, first).await, first);
    assert_eq!(begun(&store, creation(&factory, account, "a")).await, first);
    for other in [creation(&factory, account, "b"), creation(&factory, factory.account_id(), "a")] {
        assert_eq!(begun(&store, other).await, other);
    }
}

/// Also at the same moment.
pub async fn one_of_many_creations_of_a_token_is_the_one(store: impl KeyCreations) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, creation) = (Arc::clone(&store), creation(&factory, account, "a"));
        tasks.spawn(async move { begun(&*store, creation).await });
    }
    let all = tasks.join_all().await;
    assert!(all.iter().all(|creation| creation == &all[0]));
}

/// A token may be used anew then.
pub async fn old_creations_are_forgotten(store: impl KeyCreations) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    for token in ["a", "b", "c"] {
        begun(&store, creation(&factory, account, token)).await;
    }
    factory.clock().advance(Duration::from_hours(24));
    let kept = begun(&store, creation(&factory, account, "d")).await;
    let purge = async |limit| store.purge(factory.now(), limit).await.expect("the store is available");
    assert_eq!((purge(2).await, purge(2).await, purge(2).await), (2, 1, 0));
    let anew = creation(&factory, account, "a");
    assert_eq!(begun(&store, anew).await, anew);
    assert_eq!(begun(&store, creation(&factory, account, "d")).await, kept);
}
