//! What every account store must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Factory;
use crate::account::{Account, AccountError, AccountState, AccountStore, EmailAddress, Locale, Role};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::notify::NoticeChoices;
use crate::secret::Secret;

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryAccounts;
///
/// async fn my_accounts() -> Option<MemoryAccounts> {
///     Some(MemoryAccounts::default())
/// }
///
/// aiduet_core::account_store_conformance!(my_accounts);
/// ```
#[macro_export]
macro_rules! account_store_conformance {
    ($new_store:path) => {
        $crate::account_store_conformance! {
            @cases $new_store:
            an_account_is_found_as_it_was_inserted
            the_same_account_again_changes_nothing
            an_identifier_has_one_account
            an_address_belongs_to_one_account
            the_local_part_is_compared_exactly
            accounts_are_listed_newest_first_in_pages
            accounts_follow_each_other_oldest_first
            an_update_replaces_all_but_identifier_and_creation
            an_update_moves_the_address
            an_update_of_an_absent_account_is_refused
            an_update_of_what_was_changed_meanwhile_is_refused
            one_of_many_updates_of_one_reading_succeeds
            one_of_many_accounts_gets_an_address
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::account::$case(store).await;
                }
            }
        )+
    };
}

/// Every field of an account, comparable.
#[derive(Debug, PartialEq)]
struct Fields {
    id: AccountId,
    email: EmailAddress,
    email_verified_at: Option<Timestamp>,
    password: Option<Secret<String>>,
    name: Option<String>,
    locale: Locale,
    choices: NoticeChoices,
    role: Role,
    state: AccountState,
    created_at: Timestamp,
}

fn fields(account: &Account) -> Fields {
    let Account { id, email, email_verified_at, password, name, locale, choices, role, state, created_at } =
        account.clone();
    Fields { id, email, email_verified_at, password, name, locale, choices, role, state, created_at }
}

/// Finds an account both ways.
async fn kept(store: &impl AccountStore, account: &Account) -> Option<Fields> {
    let by_id = store.find(account.id).await.expect("the store is available");
    let by_id = by_id.as_deref().map(fields);
    if let Some(found) = &by_id {
        let by_email = store.find_by_email(&found.email).await.expect("the store is available");
        assert_eq!(by_email.as_deref().map(fields).as_ref(), Some(found));
    }
    by_id
}

async fn inserted(store: &impl AccountStore, factory: &Factory) -> Account {
    let account = factory.account();
    store.insert(account.clone(), &[]).await.expect("the account is new");
    account
}

fn address(text: &str) -> EmailAddress {
    text.parse().expect("the address is well-formed")
}

fn full(factory: &Factory) -> Account {
    Account {
        email_verified_at: None,
        password: Some(Secret::new("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned())),
        name: Some("山田 O'Neil".to_owned()),
        locale: Locale::Ja,
        choices: NoticeChoices { key_expiry: false, new_sign_in: true, balance_empty: false },
        role: Role::Operator,
        state: AccountState::Frozen { at: factory.now() },
        ..factory.account()
    }
}

/// Every field comes back.
pub async fn an_account_is_found_as_it_was_inserted(store: impl AccountStore) {
    let factory = Factory::new(1);
    let closed = Account { state: AccountState::Closed { at: factory.now() }, ..factory.account() };
    for account in [factory.account(), full(&factory), closed] {
        assert_eq!(kept(&store, &account).await, None);
        store.insert(account.clone(), &[]).await.expect("the account is new");
        assert_eq!(kept(&store, &account).await, Some(fields(&account)));
    }
}

/// A repeat is the same insert.
pub async fn the_same_account_again_changes_nothing(store: impl AccountStore) {
    let factory = Factory::new(1);
    let account = inserted(&store, &factory).await;
    store.insert(account.clone(), &[]).await.expect("a repeat is not refused");
    assert_eq!(kept(&store, &account).await, Some(fields(&account)));
}

/// An identifier is given once.
pub async fn an_identifier_has_one_account(store: impl AccountStore) {
    let factory = Factory::new(1);
    let account = inserted(&store, &factory).await;
    let other = Account { id: account.id, ..factory.account() };
    let refused = store.insert(other, &[]).await;
    assert!(matches!(refused, Err(AccountError::AlreadyExists { id }) if id == account.id), "{refused:?}");
    assert_eq!(kept(&store, &account).await, Some(fields(&account)));
}

/// The domain is compared in lower case.
pub async fn an_address_belongs_to_one_account(store: impl AccountStore) {
    let factory = Factory::new(1);
    let account = Account { email: address("someone@EXAMPLE.com"), ..factory.account() };
    store.insert(account.clone(), &[]).await.expect("the account is new");
    let other = Account { email: address("someone@example.COM"), ..factory.account() };
    assert!(matches!(store.insert(other.clone(), &[]).await, Err(AccountError::EmailTaken)));
    assert_eq!(kept(&store, &other).await, None);
    let found = store.find_by_email(&address("someone@Example.Com")).await.expect("the store is available");
    assert_eq!(found.map(|found| found.id), Some(account.id));
    let unknown = store.find_by_email(&address("nobody@example.com")).await.expect("the store is available");
    assert!(unknown.is_none());
}

/// Some hosts tell `A@` and `a@` apart.
pub async fn the_local_part_is_compared_exactly(store: impl AccountStore) {
    let factory = Factory::new(1);
    for text in
        ["Someone@example.com", "someone@example.com", "sömeone@example.com", "someone@example.com.au"]
    {
        let account = Account { email: address(text), ..factory.account() };
        store.insert(account.clone(), &[]).await.expect("the address is another one");
        assert_eq!(kept(&store, &account).await, Some(fields(&account)));
    }
}

/// Pages follow each other without gap or overlap.
pub async fn accounts_are_listed_newest_first_in_pages(store: impl AccountStore) {
    let factory = Factory::new(1);
    let mut made = Vec::new();
    for _ in 0..7 {
        factory.clock().advance(Duration::from_millis(1));
        made.push(inserted(&store, &factory).await.id);
    }
    made.reverse();
    let mut paged: Vec<AccountId> = Vec::new();
    loop {
        let page = store.list(paged.last().copied(), 3).await.expect("the store is available");
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        paged.extend(page.iter().map(|account| account.id));
    }
    assert_eq!(paged, made);
    assert!(store.list(None, 0).await.expect("the store is available").is_empty());
}

/// And those that come later are found at the end.
pub async fn accounts_follow_each_other_oldest_first(store: impl AccountStore) {
    let factory = Factory::new(1);
    let mut ids = Vec::new();
    for _ in 0..5 {
        factory.clock().advance(Duration::from_millis(1));
        ids.push(inserted(&store, &factory).await.id);
    }
    let page = async |after| {
        let page = store.following(after, 2).await.expect("the store is available");
        page.iter().map(|account| account.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, ids[..2]);
    assert_eq!(page(Some(ids[1])).await, ids[2..4]);
    assert_eq!(page(Some(ids[3])).await, ids[4..]);
    assert_eq!(page(Some(ids[4])).await, []);
    factory.clock().advance(Duration::from_millis(1));
    let late = inserted(&store, &factory).await.id;
    assert_eq!(page(Some(ids[4])).await, [late]);
}

/// Who and since when never changes.
pub async fn an_update_replaces_all_but_identifier_and_creation(store: impl AccountStore) {
    let factory = Factory::new(1);
    let account = inserted(&store, &factory).await;
    let later = factory.now().plus(Duration::from_hours(1));
    let changed = Account { id: account.id, created_at: later, ..full(&factory) };
    store.update(&account, changed.clone()).await.expect("the account exists");
    let expected = Account { created_at: account.created_at, ..changed };
    assert_eq!(kept(&store, &account).await, Some(fields(&expected)));
}

/// The old address is free, the new one is not.
pub async fn an_update_moves_the_address(store: impl AccountStore) {
    let factory = Factory::new(1);
    let account = inserted(&store, &factory).await;
    let other = inserted(&store, &factory).await;
    let taken = Account { email: other.email.clone(), ..account.clone() };
    assert!(matches!(store.update(&account, taken).await, Err(AccountError::EmailTaken)));
    assert_eq!(kept(&store, &account).await, Some(fields(&account)));
    let moved = Account { email: address("new@example.com"), ..account.clone() };
    store.update(&account, moved.clone()).await.expect("the address is free");
    assert_eq!(kept(&store, &account).await, Some(fields(&moved)));
    let old = store.find_by_email(&account.email).await.expect("the store is available");
    assert!(old.is_none());
    let successor = Account { email: account.email, ..factory.account() };
    store.insert(successor, &[]).await.expect("the old address is free");
}

/// An update makes nothing.
pub async fn an_update_of_an_absent_account_is_refused(store: impl AccountStore) {
    let factory = Factory::new(1);
    let account = factory.account();
    let refused = store.update(&account, account.clone()).await;
    assert!(matches!(refused, Err(AccountError::NotFound { id }) if id == account.id), "{refused:?}");
    assert_eq!(kept(&store, &account).await, None);
}

/// Uniqueness does not depend on who comes first.
pub async fn one_of_many_accounts_gets_an_address(store: impl AccountStore) {
    let factory = Factory::new(1);
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let account = Account { email: address("wanted@example.com"), ..factory.account() };
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.insert(account, &[]).await });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let taken = results.iter().filter(|result| matches!(result, Err(AccountError::EmailTaken)));
    assert_eq!(taken.count(), 15);
}

/// Who has read an old state writes nothing.
pub async fn an_update_of_what_was_changed_meanwhile_is_refused(store: impl AccountStore) {
    let factory = Factory::new(1);
    let account = inserted(&store, &factory).await;
    let new_password = Some(Secret::new("$argon2id$v=19$m=19456,t=2,p=1$bmV3$bmV3".to_owned()));
    let changed = Account { password: new_password, ..account.clone() };
    store.update(&account, changed.clone()).await.expect("the account is as it was read");
    let late = Account { name: Some("late".to_owned()), ..account.clone() };
    let refused = store.update(&account, late).await;
    assert!(matches!(refused, Err(AccountError::Changed { id }) if id == account.id), "{refused:?}");
    assert_eq!(kept(&store, &account).await, Some(fields(&changed)));
}

/// Of many who have read the same state one writes.
pub async fn one_of_many_updates_of_one_reading_succeeds(store: impl AccountStore) {
    let factory = Factory::new(1);
    let account = inserted(&store, &factory).await;
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let (store, account) = (Arc::clone(&store), account.clone());
        let changed = Account { name: Some(format!("name {number}")), ..account.clone() };
        tasks.spawn(async move { store.update(&account, changed).await });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let changed = results.iter().filter(|result| matches!(result, Err(AccountError::Changed { .. })));
    assert_eq!(changed.count(), 15);
}
