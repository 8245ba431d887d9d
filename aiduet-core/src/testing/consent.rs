//! What every store of consents must do, with the accounts beside it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Factory;
use crate::account::{Account, AccountError, AccountStore, Consent, ConsentStore, DetachConsents, Locale};
use crate::id::AccountId;
use crate::notify::PolicyKind;

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store, which is an
/// [`AccountStore`] as well; `None` skips the case, after the function has printed why. The tests run
/// on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryAccounts;
///
/// async fn my_accounts() -> Option<MemoryAccounts> {
///     Some(MemoryAccounts::default())
/// }
///
/// aiduet_core::consent_store_conformance!(my_accounts);
/// ```
#[macro_export]
macro_rules! consent_store_conformance {
    ($new_store:path) => {
        $crate::consent_store_conformance! {
            @cases $new_store:
            an_account_is_there_with_what_its_owner_agreed_to
            an_account_that_is_refused_leaves_no_consent
            the_first_consent_to_a_version_counts
            one_of_many_consents_to_a_version_counts
            consents_are_listed_by_kind_and_version
            consents_outlive_their_account_without_its_name
            detached_consents_are_purged_and_no_others
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::consent::$case(store).await;
                }
            }
        )+
    };
}

fn consent(factory: &Factory, account: AccountId, (kind, version): (PolicyKind, &str)) -> Consent {
    Consent {
        account,
        kind,
        version: version.to_owned(),
        locale: Locale::ZhCn,
        digest: format!("{:064x}", factory.now().millis()),
        at: factory.now(),
    }
}

async fn list(store: &impl ConsentStore, account: AccountId) -> Vec<Consent> {
    store.list(account).await.expect("the store is available")
}

const PRIVACY: (PolicyKind, &str) = (PolicyKind::Privacy, "2026-11-26");
const TERMS: (PolicyKind, &str) = (PolicyKind::Terms, "2026-11-26");

/// Both are found, and a repeat adds nothing.
pub async fn an_account_is_there_with_what_its_owner_agreed_to(store: impl AccountStore + ConsentStore) {
    let factory = Factory::new(1);
    let account = factory.account();
    let agreed = [PRIVACY, TERMS].map(|policy| consent(&factory, account.id, policy));
    for _again in 0..2 {
        store.insert(account.clone(), &agreed).await.expect("the account is new, or the same");
        assert_eq!(list(&store, account.id).await, agreed);
    }
    let operated = factory.account();
    store.insert(operated.clone(), &[]).await.expect("the account is new");
    assert_eq!(list(&store, operated.id).await, []);
}

/// One operation: both or neither.
pub async fn an_account_that_is_refused_leaves_no_consent(store: impl AccountStore + ConsentStore) {
    let factory = Factory::new(1);
    let account = factory.account();
    store.insert(account.clone(), &[]).await.expect("the account is new");
    let other = Account { email: account.email, ..factory.account() };
    let agreed = [consent(&factory, other.id, PRIVACY)];
    let refused = store.insert(other.clone(), &agreed).await;
    assert!(matches!(refused, Err(AccountError::EmailTaken)), "{refused:?}");
    assert_eq!(list(&store, other.id).await, []);
}

/// Agreeing again changes neither time nor text.
pub async fn the_first_consent_to_a_version_counts(store: impl ConsentStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let first = consent(&factory, account, PRIVACY);
    assert_eq!(store.agree(first.clone()).await.expect("the store is available"), first);
    factory.clock().advance(Duration::from_hours(1));
    let again = Consent { locale: Locale::Ja, ..consent(&factory, account, PRIVACY) };
    assert_eq!(store.agree(again).await.expect("the store is available"), first);
    assert_eq!(list(&store, account).await, [first]);
}

/// However many say so at once.
pub async fn one_of_many_consents_to_a_version_counts(store: impl ConsentStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        factory.clock().advance(Duration::from_millis(1));
        let (store, consent) = (Arc::clone(&store), consent(&factory, account, PRIVACY));
        tasks.spawn(async move { store.agree(consent).await.expect("the store is available") });
    }
    let answers = tasks.join_all().await;
    let kept = list(store.as_ref(), account).await;
    assert_eq!(kept.len(), 1);
    assert!(answers.iter().all(|answer| *answer == kept[0]));
}

/// Those of others are not among them.
pub async fn consents_are_listed_by_kind_and_version(store: impl ConsentStore) {
    let factory = Factory::new(1);
    let (account, other) = (factory.account_id(), factory.account_id());
    let versions = [
        (PolicyKind::Privacy, "2026-11-26"),
        (PolicyKind::Privacy, "2027-01-01"),
        (PolicyKind::Terms, "2026-11-26"),
    ];
    for version in [versions[2], versions[1], versions[0]] {
        store.agree(consent(&factory, account, version)).await.expect("the store is available");
    }
    store.agree(consent(&factory, other, versions[0])).await.expect("the store is available");
    let listed = list(&store, account).await;
    let named: Vec<_> = listed.iter().map(|consent| (consent.kind, consent.version.as_str())).collect();
    assert_eq!(named, versions);
    assert_eq!(list(&store, other).await.len(), 1);
}

/// That somebody agreed can still be proved.
pub async fn consents_outlive_their_account_without_its_name(store: impl ConsentStore) {
    let factory = Factory::new(1);
    let (account, subject) = (factory.account_id(), factory.account_id());
    let agreed = [PRIVACY, TERMS].map(|policy| consent(&factory, account, policy));
    for consent in &agreed {
        store.agree(consent.clone()).await.expect("the store is available");
    }
    let request = DetachConsents { account, subject, at: factory.now() };
    assert_eq!(store.detach(request).await.expect("the store is available"), 2);
    assert_eq!(store.detach(request).await.expect("a repeat has no effect"), 0);
    assert_eq!(list(&store, account).await, []);
    let kept = agreed.map(|consent| Consent { account: subject, ..consent });
    assert_eq!(list(&store, subject).await, kept);
}

/// A consent of an account that is there does not age.
pub async fn detached_consents_are_purged_and_no_others(store: impl ConsentStore) {
    let factory = Factory::new(1);
    let (account, subject, living) = (factory.account_id(), factory.account_id(), factory.account_id());
    for policy in [PRIVACY, TERMS] {
        store.agree(consent(&factory, account, policy)).await.expect("the store is available");
        store.agree(consent(&factory, living, policy)).await.expect("the store is available");
    }
    let request = DetachConsents { account, subject, at: factory.now() };
    store.detach(request).await.expect("the store is available");
    assert_eq!(store.purge(factory.now(), 10).await.expect("the store is available"), 0);
    factory.clock().advance(Duration::from_millis(1));
    for purged in [1, 1, 0] {
        assert_eq!(store.purge(factory.now(), 1).await.expect("the store is available"), purged);
    }
    assert_eq!(list(&store, subject).await, []);
    assert_eq!(list(&store, living).await.len(), 2);
}
