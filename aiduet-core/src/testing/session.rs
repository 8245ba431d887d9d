//! What every session store must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Factory;
use crate::auth::{
    AuthStoreError, Device, EndSessions, NewSession, REUSE_GRACE, RefreshToken, Rotated, Rotation,
    SESSIONS_MAX, Session, SessionLife, SessionStore, TokenDigest, Which,
};
use crate::id::{AccountId, SessionId};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemorySessions;
///
/// async fn my_sessions() -> Option<MemorySessions> {
///     Some(MemorySessions::default())
/// }
///
/// aiduet_core::session_store_conformance!(my_sessions);
/// ```
#[macro_export]
macro_rules! session_store_conformance {
    ($new_store:path) => {
        $crate::session_store_conformance! {
            @cases $new_store:
            a_session_is_found_as_it_was_opened
            an_identifier_is_opened_once
            the_session_seen_least_recently_makes_room
            a_refresh_token_is_exchanged_for_its_successor
            a_lost_answer_is_made_up_for_once
            a_late_repeat_ends_the_session
            the_repeat_of_a_token_whose_successor_was_used_ends_the_session
            the_successor_of_a_lost_answer_is_worth_nothing
            a_forged_token_ends_the_session
            an_idle_session_is_over
            a_session_ends_however_often_it_is_refreshed
            one_of_many_exchanges_of_a_token_is_first
            the_password_was_given_again
            sessions_are_ended_one_or_all_and_of_one_account_only
            sessions_that_are_over_are_purged
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::session::$case(store).await;
                }
            }
        )+
    };
}

fn token(factory: &Factory) -> TokenDigest {
    RefreshToken::generate(session_id(factory), factory.entropy()).digest()
}

fn session_id(factory: &Factory) -> SessionId {
    SessionId::generate(factory.clock().as_ref(), factory.entropy())
}

fn begun(factory: &Factory, account: AccountId, life: SessionLife) -> Session {
    let new = NewSession { id: session_id(factory), account, life, token: token(factory) };
    Session::begin(new, factory.now())
}

fn session(factory: &Factory, account: AccountId) -> Session {
    let network = "192.0.2.0/24".parse().expect("the network is well-formed");
    Session {
        device: Device::of("Firefox on Linux"),
        network: Some(network),
        ..begun(factory, account, SessionLife::Long)
    }
}

async fn opened(store: &impl SessionStore, factory: &Factory) -> Session {
    let session = session(factory, factory.account_id());
    store.open(session.clone()).await.expect("the session is new");
    session
}

async fn found(store: &impl SessionStore, id: SessionId) -> Option<Session> {
    store.find(id).await.expect("the store is available")
}

fn rotation(factory: &Factory, session: &Session, presented: TokenDigest) -> Rotation {
    Rotation { session: session.id, presented, next: token(factory), network: None, at: factory.now() }
}

async fn rotate(store: &impl SessionStore, rotation: Rotation) -> Rotated {
    store.rotate(rotation).await.expect("the store is available")
}

/// Every field comes back.
pub async fn a_session_is_found_as_it_was_opened(store: impl SessionStore) {
    let factory = Factory::new(1);
    let full = session(&factory, factory.account_id());
    let bare = begun(&factory, factory.account_id(), SessionLife::Short);
    for session in [full, bare] {
        assert_eq!(found(&store, session.id).await, None);
        store.open(session.clone()).await.expect("the session is new");
        assert_eq!(found(&store, session.id).await, Some(session));
    }
}

/// Nobody takes the place of a session.
pub async fn an_identifier_is_opened_once(store: impl SessionStore) {
    let factory = Factory::new(1);
    let first = opened(&store, &factory).await;
    let second = Session { id: first.id, ..session(&factory, factory.account_id()) };
    assert!(matches!(store.open(second).await, Err(AuthStoreError::AlreadyExists)));
    assert_eq!(found(&store, first.id).await, Some(first));
}

/// Sessions do not pile up.
pub async fn the_session_seen_least_recently_makes_room(store: impl SessionStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let other = opened(&store, &factory).await;
    let mut all = Vec::new();
    for _ in 0..=SESSIONS_MAX {
        factory.clock().advance(Duration::from_mins(10));
        let session = session(&factory, account);
        store.open(session.clone()).await.expect("the session is new");
        all.insert(0, session);
    }
    let oldest = all.pop().expect("there are several");
    assert_eq!(found(&store, oldest.id).await, None);
    assert_eq!(store.list(account).await.expect("the store is available"), all);
    assert_eq!(found(&store, other.id).await, Some(other));
}

/// The usual course.
pub async fn a_refresh_token_is_exchanged_for_its_successor(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    factory.clock().advance(Duration::from_hours(1));
    let first = rotation(&factory, &session, session.lineage.current);
    let Rotated::Renewed(renewed) = rotate(&store, first).await else { panic!("the token is valid") };
    assert_eq!(renewed.lineage.current, first.next);
    assert_eq!(renewed.idle_until, factory.now().plus(SessionLife::Long.idle()));
    assert_eq!((renewed.ends_at, renewed.network), (session.ends_at, session.network));
    assert_eq!(found(&store, session.id).await.as_ref(), Some(&renewed));
    let second = rotation(&factory, &session, first.next);
    assert!(matches!(rotate(&store, second).await, Rotated::Renewed(_)));
    let unknown = Rotation { session: session_id(&factory), ..second };
    assert_eq!(rotate(&store, unknown).await, Rotated::Unknown);
}

/// SEC-T12: the client did not get the answer and asks again.
pub async fn a_lost_answer_is_made_up_for_once(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    let lost = session.lineage.current;
    rotate(&store, rotation(&factory, &session, lost)).await;
    factory.clock().advance(REUSE_GRACE);
    let again = rotation(&factory, &session, lost);
    let Rotated::Renewed(renewed) = rotate(&store, again).await else { panic!("the answer was lost") };
    assert_eq!(renewed.lineage.current, again.next);
    assert!(matches!(rotate(&store, rotation(&factory, &session, lost)).await, Rotated::Reused(_)));
    assert_eq!(found(&store, session.id).await, None);
}

/// SEC-T12: later it is theft.
pub async fn a_late_repeat_ends_the_session(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    let used = session.lineage.current;
    rotate(&store, rotation(&factory, &session, used)).await;
    factory.clock().advance(REUSE_GRACE + Duration::from_millis(1));
    let Rotated::Reused(ended) = rotate(&store, rotation(&factory, &session, used)).await else {
        panic!("the token was used")
    };
    assert_eq!(ended.account, session.account);
    assert_eq!(found(&store, session.id).await, None);
}

/// SEC-T12: a successor that was used shows that the answer had arrived.
pub async fn the_repeat_of_a_token_whose_successor_was_used_ends_the_session(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    let used = session.lineage.current;
    let first = rotation(&factory, &session, used);
    rotate(&store, first).await;
    rotate(&store, rotation(&factory, &session, first.next)).await;
    assert!(matches!(rotate(&store, rotation(&factory, &session, used)).await, Rotated::Reused(_)));
    assert_eq!(found(&store, session.id).await, None);
}

/// SEC-T12: of two holders of a token the slower one ends the session for both.
pub async fn the_successor_of_a_lost_answer_is_worth_nothing(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    let lost = session.lineage.current;
    let first = rotation(&factory, &session, lost);
    rotate(&store, first).await;
    rotate(&store, rotation(&factory, &session, lost)).await;
    assert!(matches!(rotate(&store, rotation(&factory, &session, first.next)).await, Rotated::Reused(_)));
}

/// Who knows only the identifier gains nothing.
pub async fn a_forged_token_ends_the_session(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    let forged = rotation(&factory, &session, token(&factory));
    assert!(matches!(rotate(&store, forged).await, Rotated::Reused(_)));
    assert_eq!(found(&store, session.id).await, None);
}

/// SEC-T11: the idle end.
pub async fn an_idle_session_is_over(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    factory.clock().advance(SessionLife::Long.idle() - Duration::from_millis(1));
    let first = rotation(&factory, &session, session.lineage.current);
    assert!(matches!(rotate(&store, first).await, Rotated::Renewed(_)));
    factory.clock().advance(SessionLife::Long.idle());
    assert_eq!(rotate(&store, rotation(&factory, &session, first.next)).await, Rotated::Unknown);
}

/// SEC-T11: the absolute end.
pub async fn a_session_ends_however_often_it_is_refreshed(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    let mut current = session.lineage.current;
    for _ in 0..29 {
        factory.clock().advance(Duration::from_hours(24));
        let next = rotation(&factory, &session, current);
        let Rotated::Renewed(renewed) = rotate(&store, next).await else { panic!("the session is alive") };
        assert!(renewed.idle_until <= renewed.ends_at);
        current = next.next;
    }
    factory.clock().advance(Duration::from_hours(24));
    assert_eq!(rotate(&store, rotation(&factory, &session, current)).await, Rotated::Unknown);
}

/// Two at the same moment are two in a row.
pub async fn one_of_many_exchanges_of_a_token_is_first(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, rotation) = (Arc::clone(&store), rotation(&factory, &session, session.lineage.current));
        tasks.spawn(async move { rotate(&*store, rotation).await });
    }
    let results = tasks.join_all().await;
    // The first, and the one that counts as having lost its answer.
    assert_eq!(results.iter().filter(|result| matches!(result, Rotated::Renewed(_))).count(), 2);
    assert_eq!(results.iter().filter(|result| matches!(result, Rotated::Reused(_))).count(), 1);
    assert_eq!(found(&*store, session.id).await, None);
}

/// Step-up.
pub async fn the_password_was_given_again(store: impl SessionStore) {
    let factory = Factory::new(1);
    let session = opened(&store, &factory).await;
    factory.clock().advance(Duration::from_hours(1));
    assert!(store.confirm(session.id, factory.now()).await.expect("the store is available"));
    let confirmed = Session { authenticated_at: factory.now(), ..session.clone() };
    assert_eq!(found(&store, session.id).await, Some(confirmed));
    let unknown = store.confirm(session_id(&factory), factory.now()).await;
    assert!(!unknown.expect("the store is available"));
}

/// Never those of somebody else.
pub async fn sessions_are_ended_one_or_all_and_of_one_account_only(store: impl SessionStore) {
    let factory = Factory::new(1);
    let other = opened(&store, &factory).await;
    let account = factory.account_id();
    let mut own = Vec::new();
    for _ in 0..4 {
        let session = session(&factory, account);
        store.open(session.clone()).await.expect("the session is new");
        own.push(session.id);
    }
    let end = async |account, which| {
        store.end(EndSessions { account, which }).await.expect("the store is available")
    };
    assert_eq!(end(account, Which::One(other.id)).await, 0);
    assert_eq!(end(account, Which::One(own[0])).await, 1);
    assert_eq!(end(account, Which::One(own[0])).await, 0);
    assert_eq!(end(account, Which::Others(own[1])).await, 2);
    assert!(found(&store, own[1]).await.is_some());
    assert_eq!(end(account, Which::All).await, 1);
    assert_eq!(found(&store, other.id).await, Some(other));
}

/// Nothing is kept for longer than it is of use.
pub async fn sessions_that_are_over_are_purged(store: impl SessionStore) {
    let factory = Factory::new(1);
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(opened(&store, &factory).await);
    }
    factory.clock().advance(SessionLife::Long.idle());
    let alive = opened(&store, &factory).await;
    let purge = async |limit| store.purge(factory.now(), limit).await.expect("the store is available");
    assert_eq!(purge(10).await, 0, "they are over at this moment, not before");
    factory.clock().advance(Duration::from_millis(1));
    let purge = async |limit| store.purge(factory.now(), limit).await.expect("the store is available");
    assert_eq!(purge(2).await, 2);
    assert_eq!(purge(10).await, 1);
    assert_eq!(found(&store, old[0].id).await, None);
    assert_eq!(found(&store, alive.id).await, Some(alive));
}
