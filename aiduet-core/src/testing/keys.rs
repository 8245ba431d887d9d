//! What every key store must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Factory, cents};
use crate::dialect::Endpoint;
use crate::duet::{DuetOverrides, Preference, Role};
use crate::keys::{
    ApiKey, EndingKeys, KeyError, KeyLimits, KeyState, KeyStore, ListEnding, ListKeys, SpendLimits,
};
use crate::provider::Vendor;
use crate::routing::Models;

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryKeys;
///
/// async fn my_keys() -> Option<MemoryKeys> {
///     Some(MemoryKeys::default())
/// }
///
/// aiduet_core::key_store_conformance!(my_keys);
/// ```
#[macro_export]
macro_rules! key_store_conformance {
    ($new_store:path) => {
        $crate::key_store_conformance! {
            @cases $new_store:
            a_key_is_found_as_it_was_inserted
            the_same_key_again_changes_nothing
            identifier_and_digest_are_unique
            a_key_is_found_in_any_state
            keys_of_others_are_not_visible
            keys_are_listed_newest_first_in_pages
            an_update_replaces_name_state_and_limits
            an_update_of_an_absent_key_is_refused
            the_last_use_only_moves_forward
            a_deleted_key_is_gone
            keys_that_were_revoked_long_ago_are_purged
            one_of_many_inserts_of_a_digest_wins
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::keys::$case(store).await;
                }
            }
        )+
    };
}

/// Finds a key both ways.
async fn kept(store: &impl KeyStore, key: &ApiKey) -> Option<ApiKey> {
    let by_id = store.find(key.account, key.id).await.expect("the store is available");
    let by_hash = store.find_by_hash(&key.hash).await.expect("the store is available");
    assert_eq!(by_id, by_hash);
    by_id.map(|key| ApiKey::clone(&key))
}

async fn inserted(store: &impl KeyStore, factory: &Factory) -> ApiKey {
    let (_plain, key) = factory.api_key(factory.account_id());
    store.insert(key.clone()).await.expect("the key is new");
    key
}

fn limits() -> KeyLimits {
    let limit = |count| Some(cents(count));
    KeyLimits {
        spend: SpendLimits { day: limit(1), week: limit(2), month: limit(3), total: limit(4) },
        requests_per_minute: Some(5),
        tokens_per_minute: Some(6_000_000_000),
        concurrency: Some(7),
        models: vec![super::model("gpt-5.6"), super::model("claude-sonnet-4-6")],
        endpoints: vec![Endpoint::Messages, Endpoint::Responses],
        networks: ["192.0.2.0/24", "2001:db8::/32"]
            .map(|network| network.parse().expect("the network is well-formed"))
            .into(),
        duet: DuetOverrides {
            enabled: Some(true),
            pin_role: Some(Role::Review),
            models: [(Role::Code, Models::One(super::model("gpt-6.1-sol")))].into(),
            families: [Vendor::OpenAi].into(),
            max_switch_cost: limit(8),
            prefer: Some(Preference::Cost),
            ensemble: Some(false),
        },
    }
}

/// Every field comes back.
pub async fn a_key_is_found_as_it_was_inserted(store: impl KeyStore) {
    let factory = Factory::new(1);
    let (_plain, plain_key) = factory.api_key(factory.account_id());
    let (_plain, key) = factory.api_key(factory.account_id());
    let expires_at = Some(factory.now().plus(Duration::from_hours(1)));
    let full = ApiKey { limits: limits(), expires_at, name: "日本語 'name' \"x\"".to_owned(), ..key };
    for key in [plain_key, full] {
        assert_eq!(kept(&store, &key).await, None);
        store.insert(key.clone()).await.expect("the key is new");
        assert_eq!(kept(&store, &key).await, Some(key));
    }
}

/// A repeat is the same insert.
pub async fn the_same_key_again_changes_nothing(store: impl KeyStore) {
    let factory = Factory::new(1);
    let key = inserted(&store, &factory).await;
    let renamed = ApiKey { name: "another".to_owned(), ..key.clone() };
    for again in [key.clone(), renamed] {
        store.insert(again).await.expect("a repeat is not refused");
        assert_eq!(kept(&store, &key).await.as_ref(), Some(&key));
    }
}

/// An identifier has one digest, and a digest one identifier.
pub async fn identifier_and_digest_are_unique(store: impl KeyStore) {
    let factory = Factory::new(1);
    let key = inserted(&store, &factory).await;
    let (_plain, other) = factory.api_key(key.account);
    for taken in [ApiKey { id: key.id, ..other.clone() }, ApiKey { hash: key.hash, ..other.clone() }] {
        let id = taken.id;
        let refused = store.insert(taken).await;
        assert!(matches!(refused, Err(KeyError::AlreadyExists { id: named }) if named == id), "{refused:?}");
    }
    assert_eq!(kept(&store, &key).await.as_ref(), Some(&key));
    assert_eq!(kept(&store, &other).await, None);
}

/// Judging the state is the caller's work.
pub async fn a_key_is_found_in_any_state(store: impl KeyStore) {
    let factory = Factory::new(1);
    let at = factory.now();
    let expires_at = Some(at.minus(Duration::from_hours(1)));
    for state in [
        KeyState::Active,
        KeyState::Disabled { at },
        KeyState::Rotated { until: at },
        KeyState::Revoked { at },
    ] {
        let (_plain, key) = factory.api_key(factory.account_id());
        let key = ApiKey { state, expires_at, ..key };
        store.insert(key.clone()).await.expect("the key is new");
        assert_eq!(kept(&store, &key).await, Some(key));
    }
}

/// Another account's key does not exist.
pub async fn keys_of_others_are_not_visible(store: impl KeyStore) {
    let factory = Factory::new(1);
    let key = inserted(&store, &factory).await;
    let other = inserted(&store, &factory).await;
    assert_eq!(store.find(other.account, key.id).await.expect("the store is available"), None);
    let stolen = ApiKey { account: other.account, name: "stolen".to_owned(), ..key.clone() };
    assert!(matches!(store.update(stolen).await, Err(KeyError::NotFound { .. })));
    assert!(matches!(store.delete(other.account, key.id).await, Err(KeyError::NotFound { .. })));
    assert_eq!(kept(&store, &key).await.as_ref(), Some(&key));
    let request = ListKeys { account: other.account, before: None, limit: 10 };
    let listed = store.list(request).await.expect("the store is available");
    assert_eq!(listed.iter().map(|key| key.id).collect::<Vec<_>>(), [other.id]);
}

/// Pages follow each other without gap or overlap.
pub async fn keys_are_listed_newest_first_in_pages(store: impl KeyStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let mut made = Vec::new();
    for _ in 0..7 {
        factory.clock().advance(Duration::from_millis(1));
        let (_plain, key) = factory.api_key(account);
        store.insert(key.clone()).await.expect("the key is new");
        made.push(key.id);
    }
    made.reverse();
    let mut paged = Vec::new();
    loop {
        let request = ListKeys { account, before: paged.last().copied(), limit: 3 };
        let page = store.list(request).await.expect("the store is available");
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        paged.extend(page.iter().map(|key| key.id));
    }
    assert_eq!(paged, made);
    let nothing = ListKeys { account, before: None, limit: 0 };
    assert!(store.list(nothing).await.expect("the store is available").is_empty());
}

/// The rest of a key never changes.
pub async fn an_update_replaces_name_state_and_limits(store: impl KeyStore) {
    let factory = Factory::new(1);
    let key = inserted(&store, &factory).await;
    let (_plain, other) = factory.api_key(key.account);
    let at = factory.now();
    let changed = ApiKey {
        name: "renamed".to_owned(),
        state: KeyState::Revoked { at },
        limits: limits(),
        ..key.clone()
    };
    let elsewhere = ApiKey { hash: other.hash, prefix: other.prefix, last4: other.last4, ..changed.clone() };
    store.update(elsewhere).await.expect("the key exists");
    assert_eq!(kept(&store, &key).await, Some(changed));
    store.update(key.clone()).await.expect("the key exists");
    assert_eq!(kept(&store, &key).await, Some(key));
}

/// An update makes nothing.
pub async fn an_update_of_an_absent_key_is_refused(store: impl KeyStore) {
    let factory = Factory::new(1);
    let (_plain, key) = factory.api_key(factory.account_id());
    let refused = store.update(key.clone()).await;
    assert!(matches!(refused, Err(KeyError::NotFound { id }) if id == key.id), "{refused:?}");
    assert_eq!(kept(&store, &key).await, None);
}

/// Notes of several nodes come in any order.
pub async fn the_last_use_only_moves_forward(store: impl KeyStore) {
    let factory = Factory::new(1);
    let key = inserted(&store, &factory).await;
    let other = inserted(&store, &factory).await;
    let late = factory.now().plus(Duration::from_mins(2));
    let absent = factory.key_id();
    store.touch(&[]).await.expect("nothing to note is fine");
    for at in [factory.now(), late, factory.now()] {
        store.touch(&[(key.id, at), (absent, at)]).await.expect("the store is available");
    }
    let used = ApiKey { last_used_at: Some(late), ..key };
    assert_eq!(kept(&store, &used).await.as_ref(), Some(&used));
    assert_eq!(kept(&store, &other).await.as_ref(), Some(&other));
}

/// Its digest opens nothing any more.
pub async fn a_deleted_key_is_gone(store: impl KeyStore) {
    let factory = Factory::new(1);
    let key = inserted(&store, &factory).await;
    store.delete(key.account, key.id).await.expect("the key exists");
    assert_eq!(kept(&store, &key).await, None);
    let again = store.delete(key.account, key.id).await;
    assert!(matches!(again, Err(KeyError::NotFound { .. })), "{again:?}");
}

/// And no others, however old.
pub async fn keys_that_were_revoked_long_ago_are_purged(store: impl KeyStore) {
    let factory = Factory::new(1);
    let (old, recent) = (factory.now(), factory.now().plus(Duration::from_hours(1)));
    let mut gone = Vec::new();
    let mut left = Vec::new();
    for state in [
        KeyState::Revoked { at: old },
        KeyState::Revoked { at: old },
        KeyState::Revoked { at: old },
        KeyState::Revoked { at: recent },
        KeyState::Disabled { at: old },
        KeyState::Rotated { until: old },
        KeyState::Active,
    ] {
        let key = ApiKey { state, ..inserted(&store, &factory).await };
        store.update(key.clone()).await.expect("the key exists");
        let list = if state == (KeyState::Revoked { at: old }) { &mut gone } else { &mut left };
        list.push(key);
    }
    let mut purged = Vec::new();
    for _ in 0..3 {
        purged.push(store.purge(recent, 2).await.expect("the store is available"));
    }
    assert_eq!(purged, [2, 1, 0]);
    for key in gone {
        assert_eq!(kept(&store, &key).await, None);
    }
    for key in left {
        assert_eq!(kept(&store, &key).await, Some(key));
    }
}

/// Uniqueness does not depend on who comes first.
pub async fn one_of_many_inserts_of_a_digest_wins(store: impl KeyStore) {
    let factory = Factory::new(1);
    let (_plain, key) = factory.api_key(factory.account_id());
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        let key = ApiKey { id: factory.key_id(), ..key.clone() };
        tasks.spawn(async move { store.insert(key.clone()).await.map(|()| key.id) });
    }
    let results = tasks.join_all().await;
    let winners: Vec<_> = results.iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    let found = store.find_by_hash(&key.hash).await.expect("the store is available");
    assert_eq!(found.map(|key| key.id).as_ref(), winners.first().copied());
}

/// Expands to one test per case of what a store of keys by their end must do. The argument is an
/// `async fn() -> Option<S>` that makes an empty store.
#[macro_export]
macro_rules! ending_keys_conformance {
    ($new_store:path) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn active_keys_are_found_by_their_end_in_pages() {
            if let Some(store) = $new_store().await {
                $crate::testing::keys::active_keys_are_found_by_their_end_in_pages(store).await;
            }
        }
    };
}

/// The span begins with its first moment and ends before its last one; other states do not count.
pub async fn active_keys_are_found_by_their_end_in_pages(store: impl KeyStore + EndingKeys) {
    let factory = Factory::new(1);
    let (from, until) = (factory.now().plus(DAY), factory.now().plus(DAY * 2));
    let just_before = until.minus(Duration::from_millis(1));
    let ends = [Some(from), Some(just_before), Some(until), Some(from.minus(Duration::from_millis(1))), None];
    let mut wanted = Vec::new();
    for expires_at in ends.into_iter().chain([Some(from)]) {
        let (_plain, key) = factory.api_key(factory.account_id());
        let key = ApiKey { expires_at, ..key };
        store.insert(key.clone()).await.expect("the key is new");
        if expires_at.is_some_and(|end| (from..until).contains(&end)) {
            wanted.push(key);
        }
    }
    for state in
        [KeyState::Disabled { at: from }, KeyState::Rotated { until }, KeyState::Revoked { at: from }]
    {
        let (_plain, key) = factory.api_key(factory.account_id());
        let key = ApiKey { expires_at: Some(from), state, ..key };
        store.insert(key).await.expect("the key is new");
    }
    let (mut found, mut after) = (Vec::new(), None);
    for _page in 0..3 {
        let request = ListEnding { from, until, after, limit: 1 };
        let page = store.ending(request).await.expect("the store is available");
        after = page.last().map(|key| key.id);
        found.extend(page.iter().map(|key| ApiKey::clone(key)));
    }
    wanted.sort_by_key(|key| key.id);
    assert_eq!(found, wanted);
    let request = ListEnding { from, until, after, limit: 1 };
    assert_eq!(store.ending(request).await.expect("the store is available"), []);
}

const DAY: Duration = Duration::from_hours(24);
