//! What every ticket store must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Factory;
use crate::auth::{AuthStoreError, OpaqueToken, Ticket, TicketPurpose, TicketStore};
use crate::clock::Timestamp;
use crate::id::AccountId;

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryTickets;
///
/// async fn my_tickets() -> Option<MemoryTickets> {
///     Some(MemoryTickets::default())
/// }
///
/// aiduet_core::ticket_store_conformance!(my_tickets);
/// ```
#[macro_export]
macro_rules! ticket_store_conformance {
    ($new_store:path) => {
        $crate::ticket_store_conformance! {
            @cases $new_store:
            a_ticket_is_taken_as_it_was_issued_and_once
            one_of_many_takes_a_ticket
            a_ticket_is_good_for_its_purpose_only
            a_ticket_expires_to_the_millisecond
            the_newest_of_an_exclusive_purpose_is_valid
            one_of_many_tickets_of_a_purpose_stays
            tickets_that_take_a_change_back_stay_beside_each_other
            a_digest_is_issued_once
            tickets_are_revoked_by_account_and_purpose
            tickets_that_expired_are_purged
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::ticket::$case(store).await;
                }
            }
        )+
    };
}

fn ticket(factory: &Factory, account: AccountId, purpose: TicketPurpose) -> Ticket {
    Ticket {
        digest: OpaqueToken::generate(factory.entropy()).digest(),
        account,
        purpose,
        email: factory.account().email,
        issued_at: factory.now(),
        expires_at: factory.now().plus(purpose.life()),
    }
}

async fn issued(
    store: &impl TicketStore,
    factory: &Factory,
    account: AccountId,
    purpose: TicketPurpose,
) -> Ticket {
    let ticket = ticket(factory, account, purpose);
    store.issue(ticket.clone()).await.expect("the ticket is new");
    ticket
}

async fn taken(store: &impl TicketStore, ticket: &Ticket, at: Timestamp) -> Option<Ticket> {
    store.consume(&ticket.digest, ticket.purpose, at).await.expect("the store is available")
}

/// SEC-T08: single use.
pub async fn a_ticket_is_taken_as_it_was_issued_and_once(store: impl TicketStore) {
    let factory = Factory::new(1);
    for purpose in TicketPurpose::ALL {
        let ticket = issued(&store, &factory, factory.account_id(), purpose).await;
        assert_eq!(taken(&store, &ticket, factory.now()).await.as_ref(), Some(&ticket));
        assert_eq!(taken(&store, &ticket, factory.now()).await, None);
    }
}

/// SEC-T08: single use, also at the same moment.
pub async fn one_of_many_takes_a_ticket(store: impl TicketStore) {
    let factory = Factory::new(1);
    let ticket = issued(&store, &factory, factory.account_id(), TicketPurpose::ResetPassword).await;
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (store, ticket, now) = (Arc::clone(&store), ticket.clone(), factory.now());
        tasks.spawn(async move { taken(&*store, &ticket, now).await });
    }
    assert_eq!(tasks.join_all().await.into_iter().flatten().count(), 1);
}

/// A link that confirms an address sets no password.
pub async fn a_ticket_is_good_for_its_purpose_only(store: impl TicketStore) {
    let factory = Factory::new(1);
    let ticket = issued(&store, &factory, factory.account_id(), TicketPurpose::VerifyEmail).await;
    for purpose in TicketPurpose::ALL.into_iter().filter(|purpose| *purpose != ticket.purpose) {
        let other = Ticket { purpose, ..ticket.clone() };
        assert_eq!(taken(&store, &other, factory.now()).await, None);
    }
    assert!(taken(&store, &ticket, factory.now()).await.is_some());
}

/// SEC-T08: the end.
pub async fn a_ticket_expires_to_the_millisecond(store: impl TicketStore) {
    let factory = Factory::new(1);
    let ticket = issued(&store, &factory, factory.account_id(), TicketPurpose::ResetPassword).await;
    assert_eq!(taken(&store, &ticket, ticket.expires_at).await, None);
    let last = ticket.expires_at.minus(Duration::from_millis(1));
    assert!(taken(&store, &ticket, last).await.is_some());
}

/// SEC-T08: older links are worth nothing.
pub async fn the_newest_of_an_exclusive_purpose_is_valid(store: impl TicketStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let other = issued(&store, &factory, account, TicketPurpose::VerifyEmail).await;
    let stranger = issued(&store, &factory, factory.account_id(), TicketPurpose::ResetPassword).await;
    let old = issued(&store, &factory, account, TicketPurpose::ResetPassword).await;
    let new = issued(&store, &factory, account, TicketPurpose::ResetPassword).await;
    assert_eq!(taken(&store, &old, factory.now()).await, None);
    for ticket in [new, other, stranger] {
        assert!(taken(&store, &ticket, factory.now()).await.is_some());
    }
}

/// The newest is one, also when many are issued at the same moment.
pub async fn one_of_many_tickets_of_a_purpose_stays(store: impl TicketStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let tickets: Vec<Ticket> =
        (0..4).map(|_| ticket(&factory, account, TicketPurpose::ResetPassword)).collect();
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for ticket in tickets.clone() {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.issue(ticket).await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    let mut valid = 0;
    for ticket in tickets {
        valid += usize::from(taken(&*store, &ticket, factory.now()).await.is_some());
    }
    assert_eq!(valid, 1);
}

/// A thief who changes the address twice does not make the owner's link worthless.
pub async fn tickets_that_take_a_change_back_stay_beside_each_other(store: impl TicketStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let first = issued(&store, &factory, account, TicketPurpose::UndoEmail).await;
    let second = issued(&store, &factory, account, TicketPurpose::UndoEmail).await;
    for ticket in [first, second] {
        assert!(taken(&store, &ticket, factory.now()).await.is_some());
    }
}

/// Nobody takes the place of a ticket.
pub async fn a_digest_is_issued_once(store: impl TicketStore) {
    let factory = Factory::new(1);
    let first = issued(&store, &factory, factory.account_id(), TicketPurpose::VerifyEmail).await;
    let purpose = TicketPurpose::ResetPassword;
    let second = Ticket { digest: first.digest, ..ticket(&factory, factory.account_id(), purpose) };
    assert!(matches!(store.issue(second).await, Err(AuthStoreError::AlreadyExists)));
    assert_eq!(taken(&store, &first, factory.now()).await.as_ref(), Some(&first));
}

/// What a new password or address makes worthless.
pub async fn tickets_are_revoked_by_account_and_purpose(store: impl TicketStore) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let reset = issued(&store, &factory, account, TicketPurpose::ResetPassword).await;
    let verify = issued(&store, &factory, account, TicketPurpose::VerifyEmail).await;
    let undo = issued(&store, &factory, account, TicketPurpose::UndoEmail).await;
    let stranger = issued(&store, &factory, factory.account_id(), TicketPurpose::ResetPassword).await;
    store.revoke(account, Some(TicketPurpose::ResetPassword)).await.expect("the store is available");
    assert_eq!(taken(&store, &reset, factory.now()).await, None);
    assert!(taken(&store, &verify, factory.now()).await.is_some());
    store.revoke(account, None).await.expect("the store is available");
    assert_eq!(taken(&store, &undo, factory.now()).await, None);
    assert!(taken(&store, &stranger, factory.now()).await.is_some());
}

/// Nothing is kept for longer than it is of use.
pub async fn tickets_that_expired_are_purged(store: impl TicketStore) {
    let factory = Factory::new(1);
    for _ in 0..3 {
        issued(&store, &factory, factory.account_id(), TicketPurpose::ResetPassword).await;
    }
    let valid = issued(&store, &factory, factory.account_id(), TicketPurpose::VerifyEmail).await;
    let later = factory.now().plus(Duration::from_hours(1));
    assert_eq!(store.purge(factory.now(), 10).await.expect("the store is available"), 0);
    assert_eq!(store.purge(later, 2).await.expect("the store is available"), 2);
    assert_eq!(store.purge(later, 2).await.expect("the store is available"), 1);
    assert!(taken(&store, &valid, later).await.is_some());
}
