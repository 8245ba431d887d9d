//! What every security log must do.

use std::time::Duration;

use super::Factory;
use crate::auth::{Device, KeyEvent, ListSecurityEvents, SecurityEvent, SecurityEventKind, SecurityLog};
use crate::id::{AccountId, SecurityEventId, SessionId};
use crate::keys::KeyAspect;

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty log; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemorySecurityLog;
///
/// async fn my_log() -> Option<MemorySecurityLog> {
///     Some(MemorySecurityLog::default())
/// }
///
/// aiduet_core::security_log_conformance!(my_log);
/// ```
#[macro_export]
macro_rules! security_log_conformance {
    ($new_store:path) => {
        $crate::security_log_conformance! {
            @cases $new_store:
            events_are_listed_newest_first_in_pages_by_account
            the_events_of_a_key_are_found
            what_was_recorded_is_not_changed
            old_events_are_purged
            old_events_forget_where_they_came_from
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::security_log::$case(store).await;
                }
            }
        )+
    };
}

fn event(factory: &Factory, account: AccountId, kind: SecurityEventKind) -> SecurityEvent {
    SecurityEvent {
        id: SecurityEventId::generate(factory.clock().as_ref(), factory.entropy()),
        account,
        kind,
        device: Device::of("curl/8"),
        network: Some("2001:db8:1::/48".parse().expect("the network is well-formed")),
        request: Some(factory.request_id()),
        key: None,
        at: factory.now(),
    }
}

/// Every kind comes back as it was recorded.
pub async fn events_are_listed_newest_first_in_pages_by_account(log: impl SecurityLog) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let mut recorded = Vec::new();
    for kind in SecurityEventKind::ALL {
        factory.clock().advance(Duration::from_millis(1));
        let event = event(&factory, account, *kind);
        log.record(event.clone()).await.expect("the log is available");
        recorded.insert(0, event);
    }
    let bare = SecurityEvent {
        device: Device::UNKNOWN,
        network: None,
        request: None,
        ..event(&factory, factory.account_id(), SecurityEventKind::SignedIn)
    };
    log.record(bare.clone()).await.expect("the log is available");
    let list = async |account, before, limit| {
        let request = ListSecurityEvents { account, key: None, before, limit };
        log.list(request).await.expect("the log is available")
    };
    let mut listed: Vec<SecurityEvent> = Vec::new();
    loop {
        let page = list(account, listed.last().map(|event| event.id), 7).await;
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, recorded);
    assert_eq!(list(bare.account, None, 7).await, [bare]);
}

/// Those of one key, whatever else happened.
pub async fn the_events_of_a_key_are_found(log: impl SecurityLog) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let session = Some(SessionId::generate(factory.clock().as_ref(), factory.entropy()));
    let key = KeyEvent { id: factory.key_id(), session, changed: KeyAspect::ALL.to_vec() };
    let plain = KeyEvent { session: None, changed: Vec::new(), ..key.clone() };
    let other = KeyEvent { id: factory.key_id(), ..plain.clone() };
    let mut own = Vec::new();
    for (account, key) in [
        (account, Some(key.clone())),
        (account, Some(other)),
        (account, None),
        (account, Some(plain.clone())),
    ] {
        factory.clock().advance(Duration::from_millis(1));
        let event = SecurityEvent { key, ..event(&factory, account, SecurityEventKind::KeyUpdated) };
        log.record(event.clone()).await.expect("the log is available");
        own.insert(0, event);
    }
    let stranger = event(&factory, factory.account_id(), SecurityEventKind::KeyUpdated);
    let stranger = SecurityEvent { key: Some(plain), ..stranger };
    log.record(stranger).await.expect("the log is available");
    own.retain(|event| event.key.as_ref().is_some_and(|of| of.id == key.id));
    let all = ListSecurityEvents { account, key: Some(key.id), before: None, limit: 10 };
    assert_eq!(log.list(all).await.expect("the log is available"), own);
    let older = ListSecurityEvents { before: own.first().map(|event| event.id), limit: 1, ..all };
    assert_eq!(log.list(older).await.expect("the log is available"), own[1..]);
}

/// A repeat is the same event.
pub async fn what_was_recorded_is_not_changed(log: impl SecurityLog) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let first = event(&factory, account, SecurityEventKind::SignInFailed);
    log.record(first.clone()).await.expect("the log is available");
    let second = SecurityEvent { id: first.id, ..event(&factory, account, SecurityEventKind::SignedIn) };
    log.record(second).await.expect("a repeat is not refused");
    let request = ListSecurityEvents { account, key: None, before: None, limit: 10 };
    assert_eq!(log.list(request).await.expect("the log is available"), [first]);
}

/// Events end with the time that they are kept for.
pub async fn old_events_are_purged(log: impl SecurityLog) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    for _ in 0..3 {
        let old = event(&factory, account, SecurityEventKind::SignedIn);
        log.record(old).await.expect("the log is available");
    }
    factory.clock().advance(Duration::from_hours(1));
    let kept = event(&factory, account, SecurityEventKind::SignedOut);
    log.record(kept.clone()).await.expect("the log is available");
    assert_eq!(log.purge(factory.now(), 2).await.expect("the log is available"), 2);
    assert_eq!(log.purge(factory.now(), 10).await.expect("the log is available"), 1);
    let request = ListSecurityEvents { account, key: None, before: None, limit: 10 };
    assert_eq!(log.list(request).await.expect("the log is available"), [kept]);
}

/// Everything else about them stays.
pub async fn old_events_forget_where_they_came_from(log: impl SecurityLog) {
    let factory = Factory::new(1);
    let account = factory.account_id();
    let mut events = Vec::new();
    for _ in 0..4 {
        let event = event(&factory, account, SecurityEventKind::SignedIn);
        log.record(event.clone()).await.expect("the log is available");
        events.insert(0, event);
        factory.clock().advance(Duration::from_hours(1));
    }
    let before = events[0].at;
    assert_eq!(log.forget_networks(before, 2).await.expect("the log is available"), 2);
    assert_eq!(log.forget_networks(before, 2).await.expect("the log is available"), 1);
    assert_eq!(log.forget_networks(before, 2).await.expect("the log is available"), 0);
    for event in &mut events[1..] {
        event.network = None;
    }
    let request = ListSecurityEvents { account, key: None, before: None, limit: 10 };
    assert_eq!(log.list(request).await.expect("the log is available"), events);
}
