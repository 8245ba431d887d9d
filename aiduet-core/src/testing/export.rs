//! What every register of exports must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Factory;
use crate::clock::Timestamp;
use crate::id::{AccountId, ExportId, SessionId};
use crate::privacy::{EXPORT_LIFE, Export, ExportError, ExportStore, ListExports};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty register; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryExports;
///
/// async fn my_exports() -> Option<MemoryExports> {
///     Some(MemoryExports::default())
/// }
///
/// aiduet_core::export_store_conformance!(my_exports);
/// ```
#[macro_export]
macro_rules! export_store_conformance {
    ($new_store:path) => {
        $crate::export_store_conformance! {
            @cases $new_store:
            an_export_is_seen_by_its_account_only
            exports_are_listed_newest_first_in_pages
            the_same_export_again_changes_nothing
            an_export_is_fetched_once_and_in_time
            of_many_who_fetch_one_succeeds
            old_exports_are_purged
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::export::$case(store).await;
                }
            }
        )+
    };
}

/// An export of now, each a millisecond after the one before.
fn export(factory: &Factory, account: AccountId) -> Export {
    factory.clock().advance(Duration::from_millis(1));
    let now = factory.now();
    Export {
        id: ExportId::generate(factory.clock().as_ref(), factory.entropy()),
        account,
        session: Some(SessionId::generate(factory.clock().as_ref(), factory.entropy())),
        created_at: now,
        expires_at: now.plus(EXPORT_LIFE),
        fetched_at: None,
    }
}

async fn insert(store: &impl ExportStore, export: Export) {
    store.insert(export).await.expect("the export is new");
}

async fn find(store: &impl ExportStore, export: &Export) -> Option<Export> {
    store.find(export.account, export.id).await.expect("the register is available")
}

async fn finish(store: &impl ExportStore, id: ExportId, at: Timestamp) -> bool {
    store.finish(id, at).await.expect("the register is available")
}

/// Also one that an operator asked for comes back as it was.
pub async fn an_export_is_seen_by_its_account_only(store: impl ExportStore) {
    let factory = Factory::new(1);
    let own = export(&factory, factory.account_id());
    let other = Export { session: None, ..export(&factory, factory.account_id()) };
    assert_eq!(find(&store, &own).await, None);
    insert(&store, own).await;
    insert(&store, other).await;
    assert_eq!(find(&store, &own).await, Some(own));
    assert_eq!(find(&store, &other).await, Some(other));
    assert_eq!(find(&store, &Export { account: other.account, ..own }).await, None);
}

/// Pages do not overlap; another account has its own list.
pub async fn exports_are_listed_newest_first_in_pages(store: impl ExportStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let all: Vec<Export> = (0..5).map(|_| export(&factory, account)).collect();
    for export in &all {
        insert(&store, *export).await;
    }
    insert(&store, export(&factory, factory.account_id())).await;
    let list = async |before, limit| {
        let request = ListExports { account, before, limit };
        store.list(request).await.expect("the register is available")
    };
    assert_eq!(list(None, 2).await, [all[4], all[3]]);
    assert_eq!(list(Some(all[3].id), 10).await, [all[2], all[1], all[0]]);
    assert_eq!(list(Some(all[0].id), 10).await, []);
}

/// Nor does it become anybody else's.
pub async fn the_same_export_again_changes_nothing(store: impl ExportStore) {
    let factory = Factory::new(1);
    let first = export(&factory, factory.account_id());
    insert(&store, first).await;
    assert!(finish(&store, first.id, factory.now()).await);
    insert(&store, first).await;
    let kept = find(&store, &first).await;
    assert_eq!(kept, Some(Export { fetched_at: Some(factory.now()), ..first }));
    let foreign = Export { account: factory.account_id(), ..first };
    let refused = store.insert(foreign).await;
    assert!(matches!(refused, Err(ExportError::AlreadyExists { id }) if id == first.id), "{refused:?}");
    assert_eq!(find(&store, &foreign).await, None);
}

/// The last moment is one millisecond before its end.
pub async fn an_export_is_fetched_once_and_in_time(store: impl ExportStore) {
    let factory = Factory::new(1);
    let late = export(&factory, factory.account_id());
    let early = export(&factory, factory.account_id());
    insert(&store, late).await;
    insert(&store, early).await;
    assert!(!finish(&store, late.id, late.expires_at).await);
    assert_eq!(find(&store, &late).await, Some(late));
    let last = Timestamp::from_millis(early.expires_at.millis() - 1);
    assert!(finish(&store, early.id, last).await);
    assert!(!finish(&store, early.id, last).await);
    assert_eq!(find(&store, &early).await, Some(Export { fetched_at: Some(last), ..early }));
    let unknown = export(&factory, factory.account_id());
    assert!(!finish(&store, unknown.id, factory.now()).await);
}

/// However many are at it.
pub async fn of_many_who_fetch_one_succeeds(store: impl ExportStore) {
    let factory = Factory::new(1);
    let export = export(&factory, factory.account_id());
    insert(&store, export).await;
    let store = Arc::new(store);
    let mut tries = JoinSet::new();
    for _ in 0..8 {
        let (store, at) = (Arc::clone(&store), factory.now());
        tries.spawn(async move { finish(store.as_ref(), export.id, at).await });
    }
    let results = tries.join_all().await;
    assert_eq!(results.iter().filter(|fetched| **fetched).count(), 1);
}

/// Of whoever; the oldest go first.
pub async fn old_exports_are_purged(store: impl ExportStore) {
    let factory = Factory::new(1);
    let all: Vec<Export> = (0..4).map(|_| export(&factory, factory.account_id())).collect();
    for export in &all {
        insert(&store, *export).await;
    }
    let purge = async |before, limit| store.purge(before, limit).await.expect("the register is available");
    assert_eq!(purge(all[0].created_at, 10).await, 0);
    assert_eq!(purge(all[3].created_at, 2).await, 2);
    assert_eq!(purge(all[3].created_at, 2).await, 1);
    assert_eq!(find(&store, &all[2]).await, None);
    assert_eq!(find(&store, &all[3]).await, Some(all[3]));
}
