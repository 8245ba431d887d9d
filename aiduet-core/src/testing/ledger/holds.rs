//! Reserve, settle, void.

use super::scene::{FreshLedger, WholeLedger, is_conflict, is_short, one_more};
use crate::clock::Timestamp;
use crate::id::HoldId;
use crate::ledger::{
    LedgerError, Outcome, ReserveRequest, Reserving, SettleRequest, SettlementState, Shortage, VoidRequest,
};
use crate::money::Money;
use crate::testing::{cents, extension};

/// The hold names what it is for, and the balance falls by it.
pub async fn a_reserve_sets_funds_aside<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.reserving(30);
    let hold = scene.ledger.reserve(request.clone()).await.expect("the reserve is covered");
    assert_eq!((hold.id, hold.request, hold.account), (request.id, request.request, scene.account));
    assert_eq!((hold.amount, hold.balance), (cents(30), scene.balance().await));
    scene.shows(100, 30).await;
}

/// The last nano-dollar counts.
pub async fn a_reserve_may_take_everything_but_no_more<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let more = ReserveRequest { amount: one_more(cents(100)), ..scene.reserving(100) };
    let (available, held) = (cents(100), Money::ZERO);
    let shortage = Shortage::Balance { available, held };
    assert!(matches!(scene.reserve(&more).await, Err(LedgerError::Insufficient(found)) if found == shortage));
    scene.holding(100).await;
    scene.shows(100, 100).await;
    let one = ReserveRequest { amount: one_more(Money::ZERO), ..scene.reserving(1) };
    let shortage = Shortage::Balance { available: Money::ZERO, held: cents(100) };
    assert!(matches!(scene.reserve(&one).await, Err(LedgerError::Insufficient(found)) if found == shortage));
}

/// An account that never had a posting has zero.
pub async fn an_empty_account_reserves_nothing<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    scene.shows(0, 0).await;
    assert!(is_short(&scene.reserve(&scene.reserving(1)).await));
}

/// Amounts are above zero; a floor is within the amount.
pub async fn a_reserve_of_nothing_is_refused<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    for (amount, floor) in [(0, 0), (-1, 0), (1, 2), (1, -1), (i64::MIN, 0)] {
        let (amount, floor) = (Money::from_nanos(amount), Money::from_nanos(floor));
        let request = ReserveRequest { amount, floor, ..scene.reserving(1) };
        assert!(matches!(scene.reserve(&request).await, Err(LedgerError::InvalidAmount)), "{amount}");
    }
    scene.shows(100, 0).await;
}

/// A repeat returns the hold again.
pub async fn the_same_reserve_again_changes_nothing<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(60).await;
    let id = request.id;
    let again = scene.ledger.reserve(request).await.expect("a repeat is not refused");
    assert_eq!((again.id, again.amount), (id, cents(60)));
    scene.shows(100, 60).await;
}

/// The audit at the end finds a resolver that is earlier than what it resolves.
pub async fn a_settle_by_a_clock_that_is_behind_is_not_before_its_hold<L: WholeLedger>(
    fresh: &FreshLedger<L>,
) {
    let scene = fresh.funded(100).await;
    for charge in [4, 0] {
        let request = scene.holding(10).await;
        let at = Timestamp::from_millis(request.at.millis().saturating_sub(3_600_000));
        let settle = SettleRequest { at, ..scene.factory.settle(&request, cents(charge)) };
        scene.ledger.settle(settle).await.expect("a settle is not refused");
    }
    scene.shows(96, 0).await;
}

/// An identifier means one hold, for ever.
pub async fn a_reserve_with_a_used_identifier_conflicts<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(10).await;
    let other_request = scene.factory.request_id();
    for other in [
        ReserveRequest { amount: cents(11), ..request.clone() },
        ReserveRequest { account: scene.factory.account_id(), ..request.clone() },
        ReserveRequest { request: other_request, ..request.clone() },
        ReserveRequest { key: scene.factory.key_id(), ..request.clone() },
    ] {
        assert!(is_conflict(&scene.reserve(&other).await));
    }
    scene.shows(100, 10).await;
    scene.settle(&request, 1).await.expect("the hold is open");
    assert!(is_conflict(&scene.reserve(&request).await), "the hold is resolved");
    scene.shows(99, 0).await;
}

/// A repeat asks for nothing new, so it is granted whatever has happened to the account since.
pub async fn a_reserve_whose_answer_was_lost_is_granted_again<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(60).await;
    scene.holding(40).await;
    scene.ledger.set_reserving(scene.account, Reserving::Frozen).await.expect("an account can be frozen");
    for _ in 0..2 {
        let again = scene.ledger.reserve(request.clone()).await.expect("a repeat is not refused");
        assert_eq!((again.id, again.request, again.amount), (request.id, request.request, cents(60)));
        scene.shows(100, 100).await;
    }
    let settlement = scene.settle(&request, 15).await.expect("a settle is not refused");
    assert_eq!((settlement.charged, settlement.overage), (cents(15), Money::ZERO));
    scene.shows(85, 40).await;
}

/// The hold of one account is nothing to another one: not to be had again, open or resolved, and
/// nothing of it is set aside there.
pub async fn a_hold_of_one_account_is_never_anothers<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let other = scene.neighbour();
    other.top_up(100).await;
    let open = scene.holding(10).await;
    let settled = scene.holding(20).await;
    scene.settle(&settled, 5).await.expect("the hold is open");
    let voided = scene.holding(30).await;
    scene.void(&scene.factory.void(&voided)).await.expect("the hold is open");
    for theirs in [&open, &settled, &voided] {
        let own = other.factory.reserve(other.account, theirs.amount);
        let same_request = ReserveRequest { account: other.account, key: own.key, ..theirs.clone() };
        for stolen in [ReserveRequest { id: theirs.id, ..own }, same_request] {
            assert!(is_conflict(&other.reserve(&stolen).await), "{theirs:?}");
        }
    }
    other.shows(100, 0).await;
    scene.shows(95, 10).await;
    // What was refused has spoilt nothing for either.
    other.holding(100).await;
    scene.settle(&open, 10).await.expect("the hold is open");
    scene.shows(85, 0).await;
}

/// What was refused may be asked again.
pub async fn a_refused_reserve_leaves_no_trace<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let request = scene.reserving(50);
    assert!(is_short(&scene.reserve(&request).await));
    scene.shows(0, 0).await;
    scene.top_up(50).await;
    scene.reserve(&request).await.expect("the reserve is covered now");
    scene.shows(50, 50).await;
}

/// The charge is final, the rest is free again.
pub async fn a_settle_takes_the_charge_and_releases_the_rest<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    let settlement = scene.settle(&request, 15).await.expect("a settle is not refused");
    assert_eq!((settlement.charged, settlement.overage), (cents(15), Money::ZERO));
    assert_eq!((settlement.state, settlement.balance), (SettlementState::Booked, scene.balance().await));
    scene.shows(85, 0).await;
    scene.has_used(15).await;
}

/// A charge of zero is a settlement.
pub async fn a_settle_without_a_charge_releases_everything<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    scene.settle(&request, 0).await.expect("a settle is not refused");
    scene.shows(100, 0).await;
    assert!(scene.record(&request).await.is_some());
    assert!(is_conflict(&scene.void(&scene.factory.void(&request)).await));
}

/// A repeat returns the settlement again.
pub async fn the_same_settle_again_changes_nothing<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    let first = scene.settle(&request, 55).await.expect("a settle is not refused");
    let again = scene.settle(&request, 55).await.expect("a repeat is not refused");
    assert_eq!(again.state, SettlementState::Replayed);
    assert_eq!((again.charged, again.overage), (first.charged, first.overage));
    scene.shows(45, 0).await;
    assert_eq!(scene.spend(&request).await.total, cents(55));
}

/// A request is settled once.
pub async fn a_settle_with_other_content_conflicts<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    scene.settle(&request, 15).await.expect("a settle is not refused");
    assert!(is_conflict(&scene.settle(&request, 16).await));
    let mut other = scene.factory.settle(&request, cents(15));
    other.record.outcome = Outcome::UpstreamInterrupted;
    assert!(is_conflict(&scene.ledger.settle(other).await));
    scene.shows(85, 0).await;
}

/// Nothing is charged, and nothing is recorded.
pub async fn a_void_releases_everything<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    let settlement = scene.void(&scene.factory.void(&request)).await.expect("the hold is open");
    assert_eq!((settlement.charged, settlement.state), (Money::ZERO, SettlementState::Booked));
    scene.shows(100, 0).await;
    assert_eq!(scene.record(&request).await, None);
    assert_eq!(scene.spend(&request).await, crate::ledger::KeySpend::default());
}

/// A failed request is released and recorded at once.
pub async fn a_void_with_a_record_keeps_it<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    let mut record = scene.factory.record(&request, Money::ZERO);
    record.outcome = Outcome::UpstreamError;
    let void = VoidRequest { record: Some(record.clone()), ..scene.factory.void(&request) };
    for state in [SettlementState::Booked, SettlementState::Replayed] {
        let settlement = scene.void(&void).await.expect("the void is the same");
        assert_eq!(settlement.state, state);
    }
    assert_eq!(scene.record(&request).await, Some(record.clone()));
    record.bill.charge = cents(1);
    let charging = VoidRequest { record: Some(record), ..scene.factory.void(&request) };
    assert!(scene.void(&charging).await.is_err());
    scene.shows(100, 0).await;
}

/// A repeat has no effect.
pub async fn the_same_void_again_changes_nothing<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    for state in [SettlementState::Booked, SettlementState::Replayed] {
        let settlement = scene.void(&scene.factory.void(&request)).await.expect("the void is the same");
        assert_eq!(settlement.state, state);
        scene.shows(100, 0).await;
    }
}

/// Settled is not voided, and voided is not settled.
pub async fn a_hold_is_resolved_in_one_way<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let settled = scene.holding(40).await;
    scene.settle(&settled, 15).await.expect("a settle is not refused");
    assert!(is_conflict(&scene.void(&scene.factory.void(&settled)).await));
    let voided = scene.holding(40).await;
    scene.void(&scene.factory.void(&voided)).await.expect("the hold is open");
    assert!(is_conflict(&scene.settle(&voided, 15).await));
    scene.shows(85, 0).await;
}

/// A settlement names its own holds, account and key.
pub async fn a_hold_of_somebody_else_is_not_settled<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    let other = scene.reserving(40);
    let mut foreign_hold = scene.factory.settle(&other, cents(1));
    foreign_hold.holds = vec![request.id];
    let mut foreign_account = scene.factory.settle(&request, cents(1));
    foreign_account.record.account = scene.factory.account_id();
    let mut foreign_key = scene.factory.settle(&request, cents(1));
    foreign_key.record.key = scene.factory.key_id();
    for settle in [foreign_hold, foreign_account, foreign_key] {
        assert!(is_conflict(&scene.ledger.settle(settle).await));
    }
    let foreign = VoidRequest { account: scene.factory.account_id(), ..scene.factory.void(&request) };
    assert!(is_conflict(&scene.void(&foreign).await));
    scene.shows(100, 40).await;
}

/// Extensions are part of the request.
pub async fn all_holds_of_a_request_are_settled_together<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    for (charge, left, overage) in [(25, 75, 0), (5, 70, 0), (0, 70, 0), (45, 25, 5)] {
        let first = scene.holding(10).await;
        let holds = [extension(&first, 1, cents(10)), extension(&first, 2, cents(20))];
        for hold in &holds {
            scene.reserve(hold).await.expect("the extension is covered");
        }
        let holds = vec![first.id, holds[0].id, holds[1].id];
        let settle = SettleRequest { holds, ..scene.factory.settle(&first, cents(charge)) };
        let settlement = scene.settled(settle, SettlementState::Booked).await;
        assert_eq!((settlement.charged, settlement.overage), (cents(charge), cents(overage)));
        scene.shows(left, 0).await;
    }
}

/// An extension whose answer got lost holds nothing for ever.
pub async fn holds_that_are_not_named_are_released_too<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let first = scene.holding(10).await;
    scene.reserve(&extension(&first, 1, cents(20))).await.expect("the extension is covered");
    let settlement = scene.settle(&first, 15).await.expect("a settle is not refused");
    assert_eq!(settlement.overage, Money::ZERO);
    scene.shows(85, 0).await;
    let second = scene.holding(10).await;
    scene.reserve(&extension(&second, 1, cents(20))).await.expect("the extension is covered");
    scene.void(&scene.factory.void(&second)).await.expect("the holds are open");
    scene.shows(85, 0).await;
}

/// An extension that comes after the settlement is refused.
pub async fn a_request_that_is_over_gets_no_more_funds<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let first = scene.holding(10).await;
    scene.settle(&first, 5).await.expect("a settle is not refused");
    assert!(is_conflict(&scene.reserve(&extension(&first, 1, cents(20))).await));
    scene.shows(95, 0).await;
}

/// A settle is never refused for lack of a hold.
pub async fn a_charge_without_a_hold_is_made_all_the_same<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.reserving(10);
    let never_made = HoldId::of_request(request.request, 7);
    let settle = SettleRequest { holds: vec![never_made], ..scene.factory.settle(&request, cents(5)) };
    let settlement = scene.settled(settle, SettlementState::Booked).await;
    assert_eq!((settlement.charged, settlement.overage), (cents(5), cents(5)));
    scene.shows(95, 0).await;
}
