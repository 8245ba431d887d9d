//! What every outbox must do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Factory;
use crate::account::Locale;
use crate::clock::Timestamp;
use crate::id::{AccountId, NoticeId};
use crate::notify::{
    Attempted, Backlog, DedupKey, DeliveryError, Due, FailureCode, LeaseRequest, LinkToken, Notice,
    NoticeFilter, NoticeKind, NoticeRecord, NoticeState, Outbox, Outgoing, PolicyKind, PurgeNotices, Put,
    RETRY_PAUSES, Report,
};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty outbox; `None` skips the
/// case, after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryOutbox;
///
/// async fn my_outbox() -> Option<MemoryOutbox> {
///     Some(MemoryOutbox::default())
/// }
///
/// aiduet_core::outbox_conformance!(my_outbox);
/// ```
#[macro_export]
macro_rules! outbox_conformance {
    ($new_store:path) => {
        $crate::outbox_conformance! {
            @cases $new_store:
            a_message_is_given_out_as_it_was_put
            one_cause_makes_one_message
            one_of_many_puts_of_a_cause_is_kept
            a_leased_message_is_not_due_until_the_lease_is_lost
            many_workers_take_each_message_once
            the_longest_due_comes_first_and_no_more_than_asked
            a_delivered_message_ends_and_is_wiped
            a_failed_message_is_due_again_after_growing_pauses
            a_refused_message_bounces
            a_message_without_report_is_sent_twice_and_not_again
            an_unknown_outcome_counts_like_no_report
            failures_do_not_count_as_sent
            a_report_after_the_lease_was_lost_changes_nothing
            records_are_listed_newest_first_by_account
            the_backlog_is_what_waits
            ended_records_are_purged_but_those_of_policies
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::outbox::$case(store).await;
                }
            }
        )+
    };
}

const LEASE: Duration = Duration::from_mins(2);

fn message(factory: &Factory, notice: Notice) -> Outgoing {
    let id = NoticeId::generate(factory.clock().as_ref(), factory.entropy());
    Outgoing {
        id,
        account: Some(factory.account_id()),
        to: factory.account().email,
        locale: Locale::Ja,
        dedup: DedupKey::of(notice.kind(), &[&id.to_string()]),
        notice,
        at: factory.now(),
    }
}

fn changed(factory: &Factory) -> Outgoing {
    message(factory, Notice::PasswordChanged { at: factory.now() })
}

async fn put(outbox: &impl Outbox, message: &Outgoing) {
    assert_eq!(outbox.put(message.clone()).await.expect("the outbox is available"), Put::Kept);
}

async fn lease(outbox: &impl Outbox, now: Timestamp, limit: u32) -> Vec<Due> {
    let request = LeaseRequest { now, until: now.plus(LEASE), limit };
    outbox.lease(request).await.expect("the outbox is available")
}

/// Takes the one message that is due.
async fn lease_one(outbox: &impl Outbox, now: Timestamp) -> Due {
    let mut due = lease(outbox, now, 10).await;
    assert_eq!(due.len(), 1, "one message is due");
    due.remove(0)
}

async fn report(outbox: &impl Outbox, due: &Due, attempted: Attempted, at: Timestamp) {
    let report = Report { id: due.message.id, attempt: due.attempt, attempted, at };
    outbox.report(report).await.expect("the outbox is available");
}

async fn fail(outbox: &impl Outbox, due: &Due, error: DeliveryError, at: Timestamp) {
    report(outbox, due, Attempted::of(Err(error), at, due.failures), at).await;
}

const fn busy() -> DeliveryError {
    DeliveryError::NotNow { code: FailureCode::Reply(451) }
}

async fn records(outbox: &impl Outbox, account: Option<AccountId>) -> Vec<NoticeRecord> {
    let filter = NoticeFilter { account, kind: None, before: None, limit: 100 };
    outbox.list(filter).await.expect("the outbox is available")
}

async fn state(outbox: &impl Outbox, message: &Outgoing) -> NoticeState {
    let found = records(outbox, message.account).await;
    found.iter().find(|record| record.id == message.id).expect("the record is kept").state
}

/// Every field survives, tokens too.
pub async fn a_message_is_given_out_as_it_was_put(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let token = LinkToken::new("a-secret_1".to_owned()).expect("the token is well-formed");
    let mut sent = message(&factory, Notice::ResetPassword { token, expires_at: factory.now() });
    sent.account = None;
    put(&outbox, &sent).await;
    let Due { message: found, attempt, failures } = lease_one(&outbox, factory.now()).await;
    assert_eq!((attempt, failures), (1, 0));
    assert_eq!((found.id, found.account, found.at), (sent.id, sent.account, sent.at));
    assert_eq!((found.locale, found.dedup), (sent.locale, sent.dedup));
    assert!(found.to == sent.to && found.notice == sent.notice, "address and text are the same");
}

/// The second is a duplicate, also after the first has ended.
pub async fn one_cause_makes_one_message(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let first = changed(&factory);
    let second = Outgoing { dedup: first.dedup, ..changed(&factory) };
    put(&outbox, &first).await;
    assert_eq!(outbox.put(second.clone()).await.expect("the outbox is available"), Put::Duplicate);
    let due = lease_one(&outbox, factory.now()).await;
    report(&outbox, &due, Attempted::Delivered, factory.now()).await;
    assert_eq!(outbox.put(second).await.expect("the outbox is available"), Put::Duplicate);
    assert_eq!(records(&outbox, None).await.len(), 1);
    put(&outbox, &changed(&factory)).await;
}

/// Uniqueness does not depend on who comes first.
pub async fn one_of_many_puts_of_a_cause_is_kept(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let outbox = Arc::new(outbox);
    let dedup = changed(&factory).dedup;
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let message = Outgoing { dedup, ..changed(&factory) };
        let outbox = Arc::clone(&outbox);
        tasks.spawn(async move { outbox.put(message).await.expect("the outbox is available") });
    }
    let kept = tasks.join_all().await.into_iter().filter(|put| *put == Put::Kept).count();
    assert_eq!(kept, 1);
    assert_eq!(records(outbox.as_ref(), None).await.len(), 1);
}

/// Whoever does not report loses it.
pub async fn a_leased_message_is_not_due_until_the_lease_is_lost(outbox: impl Outbox) {
    let factory = Factory::new(1);
    put(&outbox, &changed(&factory)).await;
    let now = factory.now();
    assert!(lease(&outbox, now.minus(Duration::from_millis(1)), 10).await.is_empty(), "not due yet");
    lease_one(&outbox, now).await;
    assert!(lease(&outbox, now.plus(LEASE).minus(Duration::from_millis(1)), 10).await.is_empty());
    assert_eq!(lease_one(&outbox, now.plus(LEASE)).await.attempt, 2);
}

/// No message is with two workers at once.
pub async fn many_workers_take_each_message_once(outbox: impl Outbox) {
    let factory = Factory::new(1);
    for _ in 0..30 {
        put(&outbox, &changed(&factory)).await;
    }
    let (outbox, now) = (Arc::new(outbox), factory.now());
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let outbox = Arc::clone(&outbox);
        tasks.spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..12 {
                taken.extend(lease(outbox.as_ref(), now, 5).await.iter().map(|due| due.message.id));
            }
            taken
        });
    }
    let taken: Vec<NoticeId> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 30);
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 30);
}

/// Nobody waits behind those that came later.
pub async fn the_longest_due_comes_first_and_no_more_than_asked(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let mut ids = Vec::new();
    for _ in 0..5 {
        let message = changed(&factory);
        put(&outbox, &message).await;
        ids.push(message.id);
        factory.clock().advance(Duration::from_secs(1));
    }
    assert!(lease(&outbox, factory.now(), 0).await.is_empty());
    let first = lease(&outbox, factory.now(), 3).await;
    let rest = lease(&outbox, factory.now(), 3).await;
    let taken: Vec<NoticeId> = first.iter().chain(&rest).map(|due| due.message.id).collect();
    assert_eq!((first.len(), taken), (3, ids));
}

/// It is not sent again, and its record says nothing of its text.
pub async fn a_delivered_message_ends_and_is_wiped(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let sent = changed(&factory);
    put(&outbox, &sent).await;
    let due = lease_one(&outbox, factory.now()).await;
    let at = factory.now().plus(Duration::from_secs(1));
    report(&outbox, &due, Attempted::Delivered, at).await;
    assert!(lease(&outbox, at.plus(Duration::from_hours(48)), 10).await.is_empty());
    let found = records(&outbox, sent.account).await;
    let expected = NoticeRecord {
        id: sent.id,
        account: sent.account,
        kind: NoticeKind::PasswordChanged,
        locale: sent.locale,
        state: NoticeState::Delivered { at },
        attempts: 1,
        last_failure: None,
        at: sent.at,
    };
    assert_eq!(found, [expected]);
}

/// 1 min, 5 min, 30 min, 2 h, 12 h; then it is given up.
pub async fn a_failed_message_is_due_again_after_growing_pauses(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let sent = changed(&factory);
    put(&outbox, &sent).await;
    let mut now = factory.now();
    for (failures, pause) in RETRY_PAUSES.iter().enumerate() {
        let due = lease_one(&outbox, now).await;
        assert_eq!(usize::try_from(due.failures), Ok(failures));
        fail(&outbox, &due, busy(), now).await;
        assert_eq!(state(&outbox, &sent).await, NoticeState::Waiting { due_at: now.plus(*pause) });
        assert!(lease(&outbox, now.plus(*pause).minus(Duration::from_millis(1)), 10).await.is_empty());
        now = now.plus(*pause);
    }
    let due = lease_one(&outbox, now).await;
    fail(&outbox, &due, busy(), now).await;
    assert_eq!(state(&outbox, &sent).await, NoticeState::GivenUp { at: now });
    assert!(lease(&outbox, now.plus(Duration::from_hours(48)), 10).await.is_empty());
    let record = records(&outbox, sent.account).await[0];
    assert_eq!((record.attempts, record.last_failure), (6, Some(FailureCode::Reply(451))));
}

/// The address does not exist, for example.
pub async fn a_refused_message_bounces(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let sent = changed(&factory);
    put(&outbox, &sent).await;
    let due = lease_one(&outbox, factory.now()).await;
    let refused = DeliveryError::Bounced { code: FailureCode::Reply(550) };
    fail(&outbox, &due, refused, factory.now()).await;
    let record = records(&outbox, sent.account).await[0];
    assert_eq!(record.state, NoticeState::Bounced { at: factory.now() });
    assert_eq!(record.last_failure, Some(FailureCode::Reply(550)));
}

/// The process died twice between sending and writing it down.
pub async fn a_message_without_report_is_sent_twice_and_not_again(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let sent = changed(&factory);
    put(&outbox, &sent).await;
    let mut now = factory.now();
    for attempt in 1..=2 {
        let due = lease_one(&outbox, now).await;
        assert_eq!((due.attempt, due.message.id), (attempt, sent.id));
        now = now.plus(LEASE);
    }
    assert!(lease(&outbox, now, 10).await.is_empty());
    assert_eq!(state(&outbox, &sent).await, NoticeState::Uncertain { at: now });
}

/// The connection broke after the last byte, twice.
pub async fn an_unknown_outcome_counts_like_no_report(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let sent = changed(&factory);
    put(&outbox, &sent).await;
    let due = lease_one(&outbox, factory.now()).await;
    fail(&outbox, &due, DeliveryError::Unknown, factory.now()).await;
    let now = factory.now().plus(RETRY_PAUSES[0]);
    assert_eq!(state(&outbox, &sent).await, NoticeState::Waiting { due_at: now });
    let due = lease_one(&outbox, now).await;
    fail(&outbox, &due, DeliveryError::Unknown, now).await;
    assert_eq!(state(&outbox, &sent).await, NoticeState::Uncertain { at: now });
}

/// Those that were reported as not taken.
pub async fn failures_do_not_count_as_sent(outbox: impl Outbox) {
    let factory = Factory::new(1);
    put(&outbox, &changed(&factory)).await;
    let mut now = factory.now();
    for pause in &RETRY_PAUSES[..3] {
        let due = lease_one(&outbox, now).await;
        fail(&outbox, &due, busy(), now).await;
        now = now.plus(*pause);
    }
    lease_one(&outbox, now).await;
    assert_eq!(lease_one(&outbox, now.plus(LEASE)).await.attempt, 5);
    assert!(lease(&outbox, now.plus(LEASE * 2), 10).await.is_empty());
}

/// The next worker has it already.
pub async fn a_report_after_the_lease_was_lost_changes_nothing(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let sent = changed(&factory);
    put(&outbox, &sent).await;
    let slow = lease_one(&outbox, factory.now()).await;
    let now = factory.now().plus(LEASE);
    let next = lease_one(&outbox, now).await;
    report(&outbox, &slow, Attempted::Bounced { code: FailureCode::Reply(550) }, now).await;
    assert_eq!(state(&outbox, &sent).await, NoticeState::Waiting { due_at: now.plus(LEASE) });
    report(&outbox, &next, Attempted::Delivered, now).await;
    report(&outbox, &next, Attempted::GivenUp { code: FailureCode::Timeout }, now).await;
    assert_eq!(state(&outbox, &sent).await, NoticeState::Delivered { at: now });
    let unknown = changed(&factory);
    let due = Due { message: unknown, attempt: 1, failures: 0 };
    report(&outbox, &due, Attempted::Delivered, now).await;
}

/// Pages follow each other; another account's are not among them.
pub async fn records_are_listed_newest_first_by_account(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let account = Some(factory.account_id());
    let mut ids = Vec::new();
    for _ in 0..5 {
        factory.clock().advance(Duration::from_millis(1));
        let message = Outgoing { account, ..changed(&factory) };
        put(&outbox, &message).await;
        put(&outbox, &changed(&factory)).await;
        ids.insert(0, message.id);
    }
    let mut paged: Vec<NoticeId> = Vec::new();
    loop {
        let filter = NoticeFilter { account, kind: None, before: paged.last().copied(), limit: 2 };
        let page = outbox.list(filter).await.expect("the outbox is available");
        if page.is_empty() {
            break;
        }
        paged.extend(page.iter().map(|record| record.id));
    }
    assert_eq!(paged, ids);
    assert_eq!(records(&outbox, None).await.len(), 10);
    let of_kind = async |kind| {
        let filter = NoticeFilter { account, kind: Some(kind), before: None, limit: 1 };
        outbox.list(filter).await.expect("the outbox is available")
    };
    let [last] = of_kind(NoticeKind::PasswordChanged).await[..] else { panic!("one is asked for") };
    assert_eq!(Some(&last.id), ids.first());
    assert_eq!(of_kind(NoticeKind::BalanceEmpty).await, []);
}

/// What has ended is not in it.
pub async fn the_backlog_is_what_waits(outbox: impl Outbox) {
    let factory = Factory::new(1);
    assert_eq!(outbox.backlog().await.expect("the outbox is available"), Backlog::default());
    put(&outbox, &changed(&factory)).await;
    let due = lease_one(&outbox, factory.now()).await;
    report(&outbox, &due, Attempted::Delivered, factory.now()).await;
    factory.clock().advance(Duration::from_secs(1));
    let oldest = Some(factory.now());
    put(&outbox, &changed(&factory)).await;
    factory.clock().advance(Duration::from_secs(1));
    put(&outbox, &changed(&factory)).await;
    let backlog = outbox.backlog().await.expect("the outbox is available");
    assert_eq!(backlog, Backlog { waiting: 2, oldest });
}

/// A person is never told of the same policy twice.
pub async fn ended_records_are_purged_but_those_of_policies(outbox: impl Outbox) {
    let factory = Factory::new(1);
    let policy = Notice::PolicyChange {
        policy: PolicyKind::Privacy,
        version: "2".to_owned(),
        summary: "shorter".to_owned(),
        effective_at: factory.now(),
    };
    let policy = message(&factory, policy);
    put(&outbox, &policy).await;
    for _ in 0..5 {
        put(&outbox, &changed(&factory)).await;
    }
    for due in lease(&outbox, factory.now(), 10).await {
        report(&outbox, &due, Attempted::Delivered, factory.now()).await;
    }
    let waiting = changed(&factory);
    put(&outbox, &waiting).await;
    factory.clock().advance(Duration::from_hours(1));
    let recent = changed(&factory);
    put(&outbox, &recent).await;
    let mut deleted = Vec::new();
    for _ in 0..3 {
        let request = PurgeNotices { before: factory.now(), limit: 3 };
        deleted.push(outbox.purge(request).await.expect("the outbox is available"));
    }
    assert_eq!(deleted, [3, 2, 0]);
    let left: BTreeSet<NoticeId> = records(&outbox, None).await.iter().map(|record| record.id).collect();
    assert_eq!(left, BTreeSet::from([policy.id, waiting.id, recent.id]));
    let again = Outgoing { id: changed(&factory).id, ..policy };
    assert_eq!(outbox.put(again).await.expect("the outbox is available"), Put::Duplicate);
}
