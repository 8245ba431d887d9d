//! Postings that are not usage.

use std::time::Duration;

use super::scene::{FreshLedger, WholeLedger, is_conflict, is_short, one_more};
use crate::ledger::{Entry, EntryKind, LedgerAccount, LedgerError};
use crate::money::Money;
use crate::testing::cents;

/// A cause that is reported twice, at two moments, is posted once.
pub async fn the_same_posting_again_changes_nothing<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let top_up = scene.top_up(100).await;
    let later = Entry { at: top_up.at.plus(Duration::from_secs(60)), ..top_up.clone() };
    scene.post(&later).await.expect("a repeat is not refused");
    scene.ledger.post(vec![top_up.clone(), later]).await.expect("a repeat is not refused");
    let grant = scene.grant(10).await;
    scene.post(&grant).await.expect("a repeat is not refused");
    scene.shows_parts(10, 100).await;
    let both = scene.factory.top_up(scene.account, cents(5));
    scene.ledger.post(vec![top_up, both.clone(), both]).await.expect("what is new is posted once");
    scene.shows_parts(10, 105).await;
}

/// An identifier means one posting.
pub async fn a_posting_with_a_used_identifier_conflicts<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let top_up = scene.top_up(100).await;
    for other in [
        Entry { amount: cents(101), ..top_up.clone() },
        Entry { credit: LedgerAccount::Paid(scene.factory.account_id()), ..top_up.clone() },
        Entry { external: Some(scene.factory.external("pi_")), ..top_up.clone() },
        Entry { kind: EntryKind::Correction, ..top_up.clone() },
    ] {
        assert!(is_conflict(&scene.post(&other).await), "{other:?}");
    }
    scene.shows(100, 0).await;
}

/// One credit per payment, whoever brings it.
pub async fn an_external_identifier_is_used_once_per_kind<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let top_up = scene.top_up(100).await;
    let again = Entry { id: scene.factory.transfer_id(), ..top_up.clone() };
    assert!(is_conflict(&scene.post(&again).await));
    let elsewhere = Entry { credit: LedgerAccount::Paid(scene.factory.account_id()), ..again.clone() };
    assert!(is_conflict(&scene.post(&elsewhere).await));
    let twice = scene.factory.top_up(scene.account, cents(1));
    let twin = Entry { id: scene.factory.transfer_id(), ..twice.clone() };
    assert!(is_conflict(&scene.ledger.post(vec![twice, twin]).await));
    let tax = Entry { kind: EntryKind::Tax, credit: LedgerAccount::TaxPayable, ..again };
    scene.post(&tax).await.expect("another kind has names of its own");
    scene.shows(100, 0).await;
}

/// One that is refused takes the others with it.
pub async fn postings_are_written_all_or_none<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let top_up = scene.factory.top_up(scene.account, cents(100));
    let uncovered = correction(&scene.factory.top_up(scene.account, cents(101)), LedgerAccount::Bank);
    assert!(is_short(&scene.ledger.post(vec![top_up.clone(), uncovered]).await));
    scene.shows(0, 0).await;
    let covered = correction(&scene.factory.top_up(scene.account, cents(100)), LedgerAccount::Bank);
    scene.ledger.post(vec![top_up, covered]).await.expect("the first covers the second");
    scene.shows(0, 0).await;
}

/// A debit of the account that the entry credits.
fn correction(entry: &Entry, credit: LedgerAccount) -> Entry {
    Entry { kind: EntryKind::Correction, debit: entry.credit, credit, external: None, ..entry.clone() }
}

/// Only named kinds may make an account negative.
pub async fn a_debit_that_is_not_covered_is_refused<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    scene.grant(50).await;
    let debit = correction(&scene.factory.top_up(scene.account, cents(100)), LedgerAccount::Rounding);
    let too_much = Entry { amount: one_more(cents(100)), ..debit.clone() };
    assert!(is_short(&scene.post(&too_much).await), "promotional credit does not cover it");
    scene.post(&debit).await.expect("the debit is covered");
    scene.shows_parts(50, 0).await;
}

/// What requests hold cannot leave by another door.
pub async fn held_funds_are_not_paid_out<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    scene.holding(70).await;
    let debit = correction(&scene.factory.top_up(scene.account, cents(31)), LedgerAccount::Rounding);
    assert!(is_short(&scene.post(&debit).await));
    scene.post(&Entry { amount: cents(30), ..debit }).await.expect("the debit is covered");
    scene.shows(70, 70).await;
}

/// The money has left already; the account owes it.
pub async fn a_refund_and_a_dispute_are_made_by_force<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    for kind in [EntryKind::Refund, EntryKind::Dispute] {
        let top_up = scene.top_up(100).await;
        let request = scene.holding(90).await;
        scene.settle(&request, 90).await.expect("a settle is not refused");
        let reversal = scene.factory.reversal(&top_up, kind, cents(100));
        scene.post(&reversal).await.expect("a forced debit is not refused");
        scene.shows(-90, 0).await;
        assert!(is_short(&scene.reserve(&scene.reserving(1)).await));
        scene.post(&reversal).await.expect("a repeat is not refused");
        scene.shows(-90, 0).await;
        scene.top_up(90).await;
    }
    scene.shows(0, 0).await;
}

/// Nobody gets back more than was paid.
pub async fn reversals_are_bounded_by_their_posting<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let top_up = scene.top_up(100).await;
    scene.top_up(100).await;
    let reverse = |kind, count: i64| scene.factory.reversal(&top_up, kind, cents(count));
    scene.post(&reverse(EntryKind::Refund, 60)).await.expect("a part is reversed");
    assert!(scene.post(&reverse(EntryKind::Dispute, 41)).await.is_err());
    let pair = vec![reverse(EntryKind::Refund, 21), reverse(EntryKind::Refund, 20)];
    let over = |result| matches!(result, Err(LedgerError::Overreversed));
    assert!(over(scene.ledger.post(pair).await));
    scene.post(&reverse(EntryKind::Dispute, 40)).await.expect("the rest is reversed");
    assert!(over(scene.post(&reverse(EntryKind::Correction, 1)).await));
    let elsewhere = Entry { credit: LedgerAccount::Bank, ..reverse(EntryKind::Refund, 1) };
    let odd = scene.post(&elsewhere).await;
    assert!(matches!(odd, Err(LedgerError::Broken("I11"))), "a reversal mirrors its posting: {odd:?}");
    let nothing = Entry { reverses: Some(scene.factory.transfer_id()), ..reverse(EntryKind::Refund, 1) };
    assert!(scene.post(&nothing).await.is_err(), "there is nothing to reverse");
    scene.shows(100, 0).await;
}

/// A refund that came back frees what it reversed.
pub async fn a_failed_refund_may_be_made_again<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let top_up = scene.top_up(100).await;
    for _ in 0..3 {
        let refund = scene.factory.reversal(&top_up, EntryKind::Refund, cents(100));
        scene.post(&refund).await.expect("the top-up is refunded");
        scene.shows(0, 0).await;
        let failed = scene.factory.reversal(&refund, EntryKind::RefundFailed, cents(100));
        scene.post(&failed).await.expect("the refund is reversed");
        scene.shows(100, 0).await;
    }
}

/// What requests hold lapses later.
pub async fn a_grant_lapses_as_far_as_it_is_free<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let grant = scene.grant(50).await;
    let request = scene.holding(30).await;
    let lapse = |count: i64| Entry {
        id: scene.factory.transfer_id(),
        kind: EntryKind::PromoExpiry,
        debit: grant.credit,
        credit: LedgerAccount::Breakage,
        amount: cents(count),
        external: None,
        ..grant.clone()
    };
    assert!(is_short(&scene.post(&lapse(21)).await));
    scene.post(&lapse(20)).await.expect("the free part lapses");
    scene.settle(&request, 10).await.expect("a settle is not refused");
    scene.shows(20, 0).await;
    scene.post(&lapse(20)).await.expect("the rest lapses");
    scene.shows(0, 0).await;
}

/// What an audit would report is not posted.
pub async fn postings_that_break_the_books_are_refused<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let top_up = scene.factory.top_up(scene.account, cents(1));
    let refused = |result: Result<(), LedgerError>| {
        matches!(result, Err(LedgerError::Broken(_) | LedgerError::InvalidAmount))
    };
    for odd in [
        Entry { amount: Money::ZERO, ..top_up.clone() },
        Entry { amount: Money::from_nanos(-1), ..top_up.clone() },
        Entry { amount: one_more(cents(1)), ..top_up.clone() },
        Entry { debit: top_up.credit, ..top_up.clone() },
        Entry { external: None, ..top_up.clone() },
        Entry { external: Some(scene.factory.external("re_")), ..top_up.clone() },
        Entry { kind: EntryKind::Usage, external: None, ..top_up.clone() },
        Entry { kind: EntryKind::LateUsage, external: None, ..top_up.clone() },
    ] {
        assert!(refused(scene.post(&odd).await), "{odd:?}");
    }
    scene.shows(100, 0).await;
}
