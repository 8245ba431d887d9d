//! What every store of approvals must do.

use std::time::Duration;

use super::{Factory, cents};
use crate::audit::AuditActor;
use crate::id::ApprovalId;
use crate::notify::PolicyKind;
use crate::operator::{
    APPROVAL_LIFE, Approval, ApprovalError, ApprovalPage, ApprovalState, ApprovalStore, Decision, Edition,
    Effect, GrantTerms, Matter, PriceDecision, PriceStep, Verdict,
};
use crate::price::{PriceVersion, SheetDigest};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryApprovals;
///
/// async fn my_store() -> Option<MemoryApprovals> {
///     Some(MemoryApprovals::default())
/// }
///
/// aiduet_core::approval_store_conformance!(my_store);
/// ```
#[macro_export]
macro_rules! approval_store_conformance {
    ($new_store:path) => {
        $crate::approval_store_conformance! {
            @cases $new_store:
            what_is_asked_for_is_kept_once
            everything_that_is_asked_for_is_kept
            pages_are_newest_first
            whoever_asks_does_not_grant
            a_decision_is_made_once
            of_many_who_decide_at_once_one_does
            what_nobody_decides_lapses
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::approval::$case(store).await;
                }
            }
        )+
    };
}

fn wish(factory: &Factory) -> Approval {
    let expires_at = Some(factory.now().plus(Duration::from_hours(90 * 24)));
    let terms = GrantTerms {
        transfer: factory.transfer_id(),
        account: factory.account_id(),
        amount: cents(50_000),
        expires_at,
    };
    Approval {
        id: ApprovalId::generate(factory.clock().as_ref(), factory.entropy()),
        name: terms.transfer.as_uuid(),
        matter: Matter::Credit(terms),
        reason: "工单 4711".parse().expect("the reason is well-formed"),
        asked_by: AuditActor::Operator(factory.account_id()),
        asked_at: factory.now(),
        state: ApprovalState::Waiting,
    }
}

async fn asked(store: &impl ApprovalStore, factory: &Factory) -> Approval {
    store.ask(wish(factory)).await.expect("nothing is in the way")
}

fn decision(factory: &Factory, of: &Approval, verdict: Verdict) -> Decision {
    let by = AuditActor::Operator(factory.account_id());
    Decision { id: of.id, verdict, by, at: factory.now() }
}

/// A wish for everything that two operators decide on.
fn matters(factory: &Factory) -> Vec<Approval> {
    let named = |matter| {
        factory.clock().advance(Duration::from_millis(1));
        let id = ApprovalId::generate(factory.clock().as_ref(), factory.entropy());
        Approval { id, name: id.as_uuid(), matter, ..wish(factory) }
    };
    let transfer = factory.transfer_id();
    let lasting = GrantTerms { transfer, account: factory.account_id(), amount: cents(1), expires_at: None };
    let sheet = |step, version, text| PriceDecision {
        step,
        version: PriceVersion(version),
        digest: SheetDigest::of(text),
    };
    let edition = |kind, effect| Edition { kind, version: "2026-12-26".to_owned(), effect };
    vec![
        wish(factory),
        Approval { name: transfer.as_uuid(), ..named(Matter::Credit(lasting)) },
        named(Matter::Publication(edition(PolicyKind::Privacy, Effect::Adverse))),
        named(Matter::Publication(edition(PolicyKind::Terms, Effect::Harmless))),
        named(Matter::Erasure { account: factory.account_id() }),
        named(Matter::Prices(sheet(PriceStep::Publish, 20_270_101, "{}"))),
        named(Matter::Prices(sheet(PriceStep::Publish, 20_270_101, "{ }"))),
        named(Matter::Prices(sheet(PriceStep::Withdraw, 20_270_101, "{}"))),
        named(Matter::Prices(sheet(PriceStep::Withdraw, 20_270_102, "{}"))),
    ]
}

/// Each kind is kept as it was asked for, and differs from the others under its name.
pub async fn everything_that_is_asked_for_is_kept(store: impl ApprovalStore) {
    let factory = Factory::new(1);
    let all = matters(&factory);
    for wish in &all {
        assert_eq!(store.ask(wish.clone()).await.expect("nothing is in the way"), *wish);
    }
    for wish in &all {
        assert_eq!(store.find(wish.id).await.expect("the store is available").as_ref(), Some(wish));
        for other in all.iter().filter(|other| other.id != wish.id) {
            let id = ApprovalId::generate(factory.clock().as_ref(), factory.entropy());
            let renamed = Approval { id, name: wish.name, ..other.clone() };
            let refused = store.ask(renamed).await;
            assert!(matches!(refused, Err(ApprovalError::Conflict)), "{refused:?}");
        }
        let granted = store.decide(decision(&factory, wish, Verdict::Granted)).await;
        assert_eq!(granted.expect("another operator grants it").matter, wish.matter);
    }
}

/// The same name on the same terms is the same request.
pub async fn what_is_asked_for_is_kept_once(store: impl ApprovalStore) {
    let factory = Factory::new(1);
    let wish = wish(&factory);
    assert_eq!(store.find(wish.id).await.expect("the store is available"), None);
    let kept = store.ask(wish.clone()).await.expect("nothing is in the way");
    assert_eq!(kept, wish);
    factory.clock().advance(Duration::from_secs(1));
    let id = ApprovalId::generate(factory.clock().as_ref(), factory.entropy());
    let again = Approval { id, asked_at: factory.now(), ..wish.clone() };
    assert_eq!(store.ask(again.clone()).await.expect("a repeat is not refused"), wish);
    let matter = Matter::Erasure { account: factory.account_id() };
    let other = store.ask(Approval { matter, ..again }).await;
    assert!(matches!(other, Err(ApprovalError::Conflict)), "{other:?}");
    assert_eq!(store.find(wish.id).await.expect("the store is available"), Some(wish));
}

/// And begin before an identifier.
pub async fn pages_are_newest_first(store: impl ApprovalStore) {
    let factory = Factory::new(1);
    let mut all = Vec::new();
    for _ in 0..3 {
        factory.clock().advance(Duration::from_millis(1));
        all.insert(0, asked(&store, &factory).await);
    }
    let page =
        async |before| store.list(ApprovalPage { before, limit: 2 }).await.expect("the store is available");
    assert_eq!(page(None).await, all[..2]);
    assert_eq!(page(Some(all[1].id)).await, all[2..]);
}

/// But may take it back.
pub async fn whoever_asks_does_not_grant(store: impl ApprovalStore) {
    let factory = Factory::new(1);
    let asked = asked(&store, &factory).await;
    let own = |verdict| Decision { by: asked.asked_by.clone(), ..decision(&factory, &asked, verdict) };
    let granted = store.decide(own(Verdict::Granted)).await;
    assert!(matches!(granted, Err(ApprovalError::SamePerson)), "{granted:?}");
    let refused = store.decide(own(Verdict::Refused)).await.expect("it is taken back");
    assert!(matches!(refused.state, ApprovalState::Refused { .. }));
}

/// Again it is the same for the same operator, and a conflict for everybody else.
pub async fn a_decision_is_made_once(store: impl ApprovalStore) {
    let factory = Factory::new(1);
    let asked = asked(&store, &factory).await;
    let first = decision(&factory, &asked, Verdict::Granted);
    let granted = store.decide(first.clone()).await.expect("nothing is in the way");
    let state = ApprovalState::Granted { by: first.by.clone(), at: first.at };
    assert_eq!(granted, Approval { state, ..asked.clone() });
    factory.clock().advance(APPROVAL_LIFE);
    let again = Decision { at: factory.now(), ..first.clone() };
    assert_eq!(store.decide(again).await.expect("a repeat is not refused"), granted);
    for other in
        [decision(&factory, &asked, Verdict::Granted), Decision { verdict: Verdict::Refused, ..first }]
    {
        let refused = store.decide(other).await;
        assert!(matches!(refused, Err(ApprovalError::Decided { .. })), "{refused:?}");
    }
    assert_eq!(store.find(asked.id).await.expect("the store is available"), Some(granted));
    let unknown = Decision {
        id: ApprovalId::generate(factory.clock().as_ref(), factory.entropy()),
        ..decision(&factory, &asked, Verdict::Granted)
    };
    assert!(matches!(store.decide(unknown).await, Err(ApprovalError::NotFound { .. })));
}

/// The others hear that it was decided.
pub async fn of_many_who_decide_at_once_one_does(store: impl ApprovalStore) {
    let factory = Factory::new(1);
    let asked = asked(&store, &factory).await;
    let verdicts = [Verdict::Granted, Verdict::Refused].into_iter().cycle().take(8);
    let decisions = verdicts.map(|verdict| store.decide(decision(&factory, &asked, verdict)));
    let results = futures_util::future::join_all(decisions).await;
    let done: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(done.len(), 1, "{results:?}");
    assert_eq!(store.find(asked.id).await.expect("the store is available").as_ref(), Some(done[0]));
}

/// After seven days.
pub async fn what_nobody_decides_lapses(store: impl ApprovalStore) {
    let factory = Factory::new(1);
    let asked = asked(&store, &factory).await;
    factory.clock().advance(APPROVAL_LIFE);
    let late = store.decide(decision(&factory, &asked, Verdict::Granted)).await;
    assert!(matches!(late, Err(ApprovalError::Lapsed { .. })), "{late:?}");
    let early = Decision {
        at: factory.now().minus(Duration::from_millis(1)),
        ..decision(&factory, &asked, Verdict::Granted)
    };
    store.decide(early).await.expect("there is a millisecond left");
}
