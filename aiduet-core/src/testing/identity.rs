//! What every store of identities must do.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Factory;
use crate::auth::{AuthStoreError, Identity, IdentityStore};
use crate::id::{AccountId, IdentityId};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryIdentities;
///
/// async fn my_identities() -> Option<MemoryIdentities> {
///     Some(MemoryIdentities::default())
/// }
///
/// aiduet_core::identity_store_conformance!(my_identities);
/// ```
#[macro_export]
macro_rules! identity_store_conformance {
    ($new_store:path) => {
        $crate::identity_store_conformance! {
            @cases $new_store:
            an_identity_is_found_by_issuer_and_subject_together
            names_differ_by_a_single_letter
            an_identity_belongs_to_one_account
            an_account_has_one_identity_of_an_issuer
            linking_again_changes_nothing
            one_of_many_accounts_gets_an_identity
            an_identity_is_unlinked_by_its_account_only
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::identity::$case(store).await;
                }
            }
        )+
    };
}

const ISSUER: &str = "https://accounts.example.com";
const OTHER_ISSUER: &str = "https://login.example.org";

fn identity(factory: &Factory, account: AccountId, (issuer, subject): (&str, &str)) -> Identity {
    Identity {
        id: IdentityId::generate(factory.clock().as_ref(), factory.entropy()),
        account,
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        created_at: factory.now(),
    }
}

async fn linked(store: &impl IdentityStore, identity: Identity) -> Identity {
    store.link(identity.clone()).await.expect("the identity is new");
    identity
}

async fn found(store: &impl IdentityStore, issuer: &str, subject: &str) -> Option<Identity> {
    store.find(issuer, subject).await.expect("the store is available")
}

/// SEC-T09: the same subject of another issuer is somebody else.
pub async fn an_identity_is_found_by_issuer_and_subject_together(store: impl IdentityStore) {
    let factory = Factory::new(1);
    let one = linked(&store, identity(&factory, factory.account_id(), (ISSUER, "1001"))).await;
    let other = linked(&store, identity(&factory, factory.account_id(), (OTHER_ISSUER, "1001"))).await;
    assert_eq!(found(&store, ISSUER, "1001").await.as_ref(), Some(&one));
    assert_eq!(found(&store, OTHER_ISSUER, "1001").await.as_ref(), Some(&other));
    assert_eq!(found(&store, ISSUER, "1002").await, None);
    let own = store.list(one.account).await.expect("the store is available");
    assert_eq!(own, [one]);
}

/// SEC-T09: a subject tells capitals from small letters.
pub async fn names_differ_by_a_single_letter(store: impl IdentityStore) {
    let factory = Factory::new(1);
    for subject in ["Abc", "abc", "abcd"] {
        linked(&store, identity(&factory, factory.account_id(), (ISSUER, subject))).await;
    }
    for subject in ["Abc", "abc", "abcd"] {
        let found = found(&store, ISSUER, subject).await.expect("it was linked");
        assert_eq!(found.subject, subject);
    }
    assert_eq!(found(&store, ISSUER, "ABC").await, None);
}

/// Nobody takes the way in of another.
pub async fn an_identity_belongs_to_one_account(store: impl IdentityStore) {
    let factory = Factory::new(1);
    let first = linked(&store, identity(&factory, factory.account_id(), (ISSUER, "1001"))).await;
    let second = identity(&factory, factory.account_id(), (ISSUER, "1001"));
    assert!(matches!(store.link(second).await, Err(AuthStoreError::AlreadyExists)));
    assert_eq!(found(&store, ISSUER, "1001").await, Some(first));
}

/// So that there is one to unlink.
pub async fn an_account_has_one_identity_of_an_issuer(store: impl IdentityStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    linked(&store, identity(&factory, account, (ISSUER, "1001"))).await;
    let second = identity(&factory, account, (ISSUER, "1002"));
    assert!(matches!(store.link(second).await, Err(AuthStoreError::AlreadyExists)));
    linked(&store, identity(&factory, account, (OTHER_ISSUER, "1002"))).await;
    assert_eq!(store.list(account).await.expect("the store is available").len(), 2);
}

/// A press too many does no harm.
pub async fn linking_again_changes_nothing(store: impl IdentityStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let first = linked(&store, identity(&factory, account, (ISSUER, "1001"))).await;
    linked(&store, identity(&factory, account, (ISSUER, "1001"))).await;
    assert_eq!(store.list(account).await.expect("the store is available"), [first]);
}

/// One owner, also when many link at the same moment.
pub async fn one_of_many_accounts_gets_an_identity(store: impl IdentityStore) {
    let factory = Factory::new(1);
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (store, identity) =
            (Arc::clone(&store), identity(&factory, factory.account_id(), (ISSUER, "1001")));
        tasks.spawn(async move { store.link(identity).await });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(Result::is_ok).count(), 1);
}

/// SEC-T27: what belongs to another is not there.
pub async fn an_identity_is_unlinked_by_its_account_only(store: impl IdentityStore) {
    let factory = Factory::new(1);
    let kept = linked(&store, identity(&factory, factory.account_id(), (ISSUER, "1001"))).await;
    let stranger = factory.account_id();
    assert!(!store.unlink(stranger, kept.id).await.expect("the store is available"));
    assert!(found(&store, ISSUER, "1001").await.is_some());
    assert!(store.unlink(kept.account, kept.id).await.expect("the store is available"));
    assert!(!store.unlink(kept.account, kept.id).await.expect("the store is available"));
    assert_eq!(found(&store, ISSUER, "1001").await, None);
    linked(&store, identity(&factory, stranger, (ISSUER, "1001"))).await;
}
