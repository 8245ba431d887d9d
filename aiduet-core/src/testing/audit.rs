//! What every audit log must do.

use std::time::Duration;

use super::Factory;
use crate::audit::{
    AuditAction, AuditActor, AuditDigest, AuditEntry, AuditLog, AuditSearch, AuditSubject, Audited, verify,
};
use crate::id::{ApprovalId, AuditEntryId};
use crate::money::Money;

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty log; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryAuditLog;
///
/// async fn my_log() -> Option<MemoryAuditLog> {
///     Some(MemoryAuditLog::default())
/// }
///
/// aiduet_core::audit_log_conformance!(my_log);
/// ```
#[macro_export]
macro_rules! audit_log_conformance {
    ($new_store:path) => {
        $crate::audit_log_conformance! {
            @cases $new_store:
            entries_come_back_as_they_were_appended
            an_entry_is_appended_once
            each_entry_is_sealed_with_the_one_before
            many_who_append_at_once_leave_no_gap
            entries_are_found_by_each_of_their_sides
            pages_follow_each_other
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::audit::$case(store).await;
                }
            }
        )+
    };
}

/// An entry that has everything.
pub fn entry(factory: &Factory, action: AuditAction) -> AuditEntry {
    AuditEntry {
        id: AuditEntryId::generate(factory.clock().as_ref(), factory.entropy()),
        at: factory.now(),
        actor: AuditActor::Operator(factory.account_id()),
        action,
        subject: Some(factory.account_id().into()),
        reference: Some(ApprovalId::generate(factory.clock().as_ref(), factory.entropy()).into()),
        amount: Some(Money::from_nanos(5_000_000_000)),
        reason: Some("工单 4711: goodwill".parse().expect("the reason is well-formed")),
        request: Some(factory.request_id()),
    }
}

/// An entry that has nothing that may be missing.
fn bare(factory: &Factory) -> AuditEntry {
    AuditEntry {
        actor: AuditActor::System,
        subject: None,
        reference: None,
        amount: None,
        reason: None,
        request: None,
        ..entry(factory, AuditAction::LedgerVerified)
    }
}

async fn append(log: &impl AuditLog, entry: AuditEntry) -> Audited {
    log.append(entry).await.expect("the log is available")
}

async fn found(log: &impl AuditLog, search: AuditSearch) -> Vec<u64> {
    let search = AuditSearch { limit: 100, ..search };
    let found = log.search(search).await.expect("the log is available");
    found.iter().map(|audited| audited.sequence).collect()
}

/// With every action, and with and without what may be missing.
pub async fn entries_come_back_as_they_were_appended(log: impl AuditLog) {
    let factory = Factory::new(1);
    let host = AuditActor::Host("ops".parse().expect("the name is well-formed"));
    let mut appended = vec![append(&log, bare(&factory)).await];
    appended.push(append(&log, AuditEntry { actor: host, ..bare(&factory) }).await);
    for action in AuditAction::ALL {
        factory.clock().advance(Duration::from_millis(1));
        appended.push(append(&log, entry(&factory, *action)).await);
    }
    appended.reverse();
    let search = AuditSearch { limit: 1_000, ..AuditSearch::default() };
    assert_eq!(log.search(search).await.expect("the log is available"), appended);
}

/// The same identifier is the same entry.
pub async fn an_entry_is_appended_once(log: impl AuditLog) {
    let factory = Factory::new(1);
    let first = append(&log, entry(&factory, AuditAction::AccountViewed)).await;
    append(&log, bare(&factory)).await;
    let again = AuditEntry { id: first.entry.id, ..bare(&factory) };
    assert_eq!(append(&log, again).await, first);
    assert_eq!(found(&log, AuditSearch::default()).await, [2, 1]);
}

/// The first one with the beginning.
pub async fn each_entry_is_sealed_with_the_one_before(log: impl AuditLog) {
    let factory = Factory::new(1);
    let mut seal = AuditDigest::START;
    for sequence in 1..=3 {
        let audited = append(&log, entry(&factory, AuditAction::CreditGranted)).await;
        seal = seal.after(sequence, &audited.entry);
        assert_eq!((audited.sequence, audited.digest), (sequence, seal));
    }
    let check = verify(&log, None).await.expect("the log is available");
    assert_eq!((check.entries, check.faults.len()), (3, 0));
    assert_eq!(check.head.map(|head| head.digest), Some(seal));
}

/// However many processes there are.
pub async fn many_who_append_at_once_leave_no_gap(log: impl AuditLog) {
    let factory = Factory::new(1);
    let entries = (0..24).map(|_| entry(&factory, AuditAction::AccountViewed));
    let appended = futures_util::future::join_all(entries.map(|entry| log.append(entry))).await;
    let mut numbers: Vec<u64> =
        appended.into_iter().map(|audited| audited.expect("the log is available").sequence).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
    let check = verify(&log, None).await.expect("the log is available");
    assert_eq!((check.entries, check.faults.len()), (24, 0));
}

/// By actor, action, subject, reference and time.
pub async fn entries_are_found_by_each_of_their_sides(log: impl AuditLog) {
    let factory = Factory::new(1);
    let first = append(&log, entry(&factory, AuditAction::CreditRequested)).await.entry;
    factory.clock().advance(Duration::from_secs(1));
    let second = AuditEntry { reference: None, ..entry(&factory, AuditAction::CreditRequested) };
    let second = append(&log, second).await.entry;
    factory.clock().advance(Duration::from_secs(1));
    append(&log, bare(&factory)).await;
    let by = AuditSearch::default;
    assert_eq!(found(&log, AuditSearch { actor: Some(first.actor), ..by() }).await, [1]);
    assert_eq!(found(&log, AuditSearch { actor: Some(AuditActor::System), ..by() }).await, [3]);
    assert_eq!(found(&log, AuditSearch { action: Some(AuditAction::CreditRequested), ..by() }).await, [2, 1]);
    assert_eq!(found(&log, AuditSearch { subject: second.subject, ..by() }).await, [2]);
    assert_eq!(found(&log, AuditSearch { subject: first.reference, ..by() }).await, [1]);
    let nobody: AuditSubject = factory.account_id().into();
    assert!(found(&log, AuditSearch { subject: Some(nobody), ..by() }).await.is_empty());
    assert_eq!(found(&log, AuditSearch { since: Some(second.at), ..by() }).await, [3, 2]);
    assert_eq!(found(&log, AuditSearch { until: Some(second.at), ..by() }).await, [1]);
}

/// The number of the last one is where the next page begins.
pub async fn pages_follow_each_other(log: impl AuditLog) {
    let factory = Factory::new(1);
    for _ in 0..5 {
        append(&log, bare(&factory)).await;
    }
    let page = async |before| {
        let search = AuditSearch { before, limit: 2, ..AuditSearch::default() };
        let page = log.search(search).await.expect("the log is available");
        page.iter().map(|audited| audited.sequence).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, [5, 4]);
    assert_eq!(page(Some(4)).await, [3, 2]);
    assert_eq!(page(Some(2)).await, [1]);
    assert!(page(Some(1)).await.is_empty());
    let links = log.links(3, 9).await.expect("the log is available");
    assert_eq!(links.iter().map(|link| link.sequence).collect::<Vec<_>>(), [4, 5]);
}
