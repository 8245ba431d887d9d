//! What every store of refunds must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Factory, cents};
use crate::id::{AccountId, RefundId, TopUpId};
use crate::payment::{RefundError, RefundOrder, RefundState, RefundStore};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryRefunds;
///
/// async fn my_refunds() -> Option<MemoryRefunds> {
///     Some(MemoryRefunds::default())
/// }
///
/// aiduet_core::refund_store_conformance!(my_refunds);
/// ```
#[macro_export]
macro_rules! refund_store_conformance {
    ($new_store:path) => {
        $crate::refund_store_conformance! {
            @cases $new_store:
            an_order_is_found_as_it_was_kept
            the_same_orders_again_change_nothing
            a_state_changes_only_as_it_may
            orders_are_due_until_they_are_done
            of_many_states_at_once_the_last_word_is_failed
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::refund::$case(store).await;
                }
            }
        )+
    };
}

const HOUR: Duration = Duration::from_hours(1);

fn order(factory: &Factory, account: AccountId) -> RefundOrder {
    let (clock, entropy) = (factory.clock().as_ref(), factory.entropy());
    RefundOrder {
        id: RefundId::generate(clock, entropy),
        account,
        top_up: TopUpId::generate(clock, entropy),
        payment: factory.external("pi_"),
        net: cents(1_000),
        gross: cents(1_190),
        state: RefundState::Begun,
        request: [7; 32],
        begun_at: factory.now(),
        due_at: factory.now().plus(HOUR),
    }
}

async fn begun(store: &impl RefundStore, factory: &Factory) -> RefundOrder {
    let order = order(factory, factory.account_id());
    let kept = store.begin(vec![order.clone()]).await.expect("available");
    assert_eq!(kept, std::slice::from_ref(&order));
    order
}

/// With every field.
pub async fn an_order_is_found_as_it_was_kept(store: impl RefundStore) {
    let factory = Factory::new(61);
    let account = factory.account_id();
    let first = order(&factory, account);
    factory.clock().advance(HOUR);
    let second = order(&factory, account);
    let both = vec![first.clone(), second.clone()];
    assert_eq!(store.begin(both.clone()).await.expect("available"), both);
    assert_eq!(store.find(first.id).await.expect("available"), Some(first.clone()));
    assert_eq!(store.of_account(account).await.expect("available"), both);
    assert_eq!(store.of_account(factory.account_id()).await.expect("available"), []);
    let absent = order(&factory, account).id;
    assert_eq!(store.find(absent).await.expect("available"), None);
    let accepted = RefundState::Accepted("re_1".parse().expect("a name"));
    let expected = RefundOrder { state: accepted.clone(), ..first.clone() };
    assert_eq!(store.advance(first.id, accepted).await.expect("it may"), expected);
    assert_eq!(store.find(first.id).await.expect("available"), Some(expected));
}

/// However far they are.
pub async fn the_same_orders_again_change_nothing(store: impl RefundStore) {
    let factory = Factory::new(61);
    let order = begun(&store, &factory).await;
    let failed = store.advance(order.id, RefundState::Failed).await.expect("it may");
    let kept = store.begin(vec![order.clone()]).await.expect("available");
    assert_eq!(kept, std::slice::from_ref(&failed));
    assert_eq!(store.find(order.id).await.expect("available"), Some(failed));
}

/// What may not follow is ignored, and the state that holds is returned.
pub async fn a_state_changes_only_as_it_may(store: impl RefundStore) {
    let factory = Factory::new(61);
    let accepted = RefundState::Accepted("re_1".parse().expect("a name"));
    let states = [RefundState::Begun, accepted, RefundState::Failed];
    for first in &states {
        for next in &states {
            let order = begun(&store, &factory).await;
            store.advance(order.id, first.clone()).await.expect("from begun to anything");
            let expected = if first.may_become(next) { next.clone() } else { first.clone() };
            let now = store.advance(order.id, next.clone()).await.expect("available");
            assert_eq!(now.state, expected, "{first:?} to {next:?}");
        }
    }
    let absent = order(&factory, factory.account_id()).id;
    let refused = store.advance(absent, RefundState::Failed).await;
    assert!(matches!(refused, Err(RefundError::NotFound { id }) if id == absent));
}

/// The longest due first.
pub async fn orders_are_due_until_they_are_done(store: impl RefundStore) {
    let factory = Factory::new(61);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(begun(&store, &factory).await.id);
        factory.clock().advance(Duration::from_secs(1));
    }
    let now = factory.now().plus(HOUR);
    let due = async |at, limit| {
        let due = store.due(at, limit).await.expect("available");
        due.iter().map(|order| order.id).collect::<Vec<_>>()
    };
    assert_eq!(due(factory.now(), 10).await, []);
    assert_eq!(due(now, 10).await, made);
    assert_eq!(due(now, 1).await, [made[0]]);
    store.postpone(made[0], now.plus(HOUR)).await.expect("available");
    assert_eq!(due(now, 10).await, [made[1], made[2]]);
    store.advance(made[1], RefundState::Failed).await.expect("it may");
    assert_eq!(due(now.plus(HOUR), 10).await, [made[2], made[0]]);
}

/// Money that came back stays.
pub async fn of_many_states_at_once_the_last_word_is_failed(store: impl RefundStore) {
    let factory = Factory::new(61);
    let order = begun(&store, &factory).await;
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let accepted = RefundState::Accepted("re_1".parse().expect("a name"));
        let state = if number % 2 == 0 { accepted } else { RefundState::Failed };
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.advance(order.id, state).await.expect("available") });
    }
    tasks.join_all().await;
    let kept = store.find(order.id).await.expect("available").expect("it is kept");
    assert_eq!(kept.state, RefundState::Failed);
}
