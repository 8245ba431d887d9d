//! Overage, repayment, and which credit is used first.

use std::time::Duration;

use super::scene::{FreshLedger, WholeLedger, is_short};
use crate::id::LotId;
use crate::ledger::{
    Entry, EntryKind, LedgerAccount, LedgerError, LotTerms, ReserveRequest, Reserving, SettlementState,
    Shortage,
};
use crate::money::Money;
use crate::testing::{cents, extension};

fn is_negative<T>(result: &Result<T, LedgerError>) -> bool {
    matches!(result, Err(LedgerError::Insufficient(Shortage::Negative)))
}

/// Usage is charged even if the account cannot pay; then nothing may be reserved.
pub async fn a_charge_above_the_hold_goes_negative_and_blocks<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(100).await;
    let settlement = scene.settle(&request, 130).await.expect("a settle is not refused");
    assert_eq!((settlement.charged, settlement.overage), (cents(130), cents(30)));
    scene.shows(-30, 0).await;
    assert!(is_negative(&scene.reserve(&scene.reserving(1)).await));
}

/// Credit fills the hole first; only above zero may be reserved again.
pub async fn a_credit_repays_and_unblocks<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(100).await;
    scene.settle(&request, 130).await.expect("a settle is not refused");
    scene.top_up(20).await;
    scene.shows(-10, 0).await;
    assert!(is_negative(&scene.reserve(&scene.reserving(1)).await));
    scene.top_up(10).await;
    scene.shows(0, 0).await;
    assert!(is_short(&scene.reserve(&scene.reserving(1)).await));
    scene.top_up(7).await;
    scene.holding(7).await;
    scene.shows(7, 7).await;
}

/// What other requests hold stays theirs; when they release it, the account is whole again.
pub async fn a_charge_above_the_hold_takes_what_is_free_first<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    scene.grant(50).await;
    let request = scene.holding(40).await;
    let other = scene.holding(90).await;
    scene.shows(150, 130).await;
    scene.settle(&request, 65).await.expect("a settle is not refused");
    scene.shows(85, 90).await;
    assert!(is_negative(&scene.reserve(&scene.reserving(1)).await));
    scene.void(&scene.factory.void(&other)).await.expect("the hold is open");
    scene.shows(85, 0).await;
    scene.holding(85).await;
}

/// Running requests end as they began.
pub async fn a_frozen_account_settles_but_does_not_reserve<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    let freeze = async |reserving| {
        scene.ledger.set_reserving(scene.account, reserving).await.expect("an account can be frozen");
    };
    freeze(Reserving::Frozen).await;
    assert_eq!(scene.balance().await.reserving, Reserving::Frozen);
    assert!(matches!(scene.reserve(&scene.reserving(1)).await, Err(LedgerError::Frozen)));
    assert!(matches!(scene.reserve(&extension(&request, 1, cents(1))).await, Err(LedgerError::Frozen)));
    scene.settle(&request, 50).await.expect("a settle is not refused");
    scene.top_up(10).await;
    scene.shows(60, 0).await;
    freeze(Reserving::Allowed).await;
    scene.holding(60).await;
}

/// The part that is not refundable is used first.
pub async fn promotional_credit_goes_before_paid_credit<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    scene.grant(30).await;
    scene.shows_parts(30, 100).await;
    let first = scene.holding(50).await;
    scene.settle(&first, 20).await.expect("a settle is not refused");
    scene.shows_parts(10, 100).await;
    let second = scene.holding(50).await;
    scene.settle(&second, 45).await.expect("a settle is not refused");
    scene.shows_parts(0, 65).await;
    let third = scene.holding(65).await;
    scene.grant(5).await;
    scene.settle(&third, 68).await.expect("a settle is not refused");
    scene.shows_parts(2, 0).await;
}

/// A release does not turn promotional credit into paid credit.
pub async fn what_is_released_goes_back_where_it_came_from<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    scene.grant(30).await;
    let first = scene.holding(50).await;
    let second = scene.holding(50).await;
    scene.void(&scene.factory.void(&first)).await.expect("the hold is open");
    scene.shows_parts(30, 100).await;
    scene.settle(&second, 50).await.expect("a settle is not refused");
    scene.shows_parts(30, 50).await;
}

/// The lot that comes first in order is used up before the next one is touched.
pub async fn lots_are_used_by_priority_and_expiry<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let expiry = |hours: u64| Some(scene.factory.now().plus(Duration::from_hours(hours)));
    let mut lots = Vec::new();
    for (priority, expires_at) in [(1, expiry(1)), (0, None), (0, expiry(9)), (0, expiry(5))] {
        let mut grant = scene.factory.grant(scene.account, cents(10));
        let lot = LotTerms { id: LotId::from_uuid(grant.id.as_uuid()), priority, expires_at };
        grant.lot = Some(lot);
        scene.post(&grant).await.expect("a grant is posted");
        lots.push(lot);
    }
    let request = scene.holding(60).await;
    scene.settle(&request, 25).await.expect("a settle is not refused");
    scene.shows_parts(15, 100).await;
    for (lot, left) in [(lots[3], 0), (lots[2], 0), (lots[1], 5), (lots[0], 10)] {
        let lapse = |amount| Entry {
            id: scene.factory.transfer_id(),
            kind: EntryKind::PromoExpiry,
            debit: LedgerAccount::Promo(scene.account),
            credit: LedgerAccount::Breakage,
            amount,
            external: None,
            reverses: None,
            lot: Some(lot),
            at: scene.factory.now(),
        };
        let too_much = cents(left).checked_add(Money::from_nanos(1)).expect("small amounts add up");
        assert!(scene.post(&lapse(too_much)).await.is_err());
        if left > 0 {
            scene.post(&lapse(cents(left))).await.expect("the rest lapses");
        }
    }
    scene.shows_parts(0, 100).await;
}

/// An amount that does not fit is refused and changes nothing.
pub async fn amounts_near_the_limit_do_not_wrap<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let largest = cents(Money::MAX.nanos() / 10_000_000);
    let entry = scene.factory.top_up(scene.account, largest);
    scene.post(&entry).await.expect("the largest amount is posted");
    let more = scene.factory.top_up(scene.account, cents(1));
    assert!(scene.post(&more).await.is_err(), "the sum does not fit");
    assert_eq!(scene.balance().await.posted, largest);
    let request = ReserveRequest { amount: largest, ..scene.reserving(1) };
    scene.reserve(&request).await.expect("the reserve is covered");
    let unaffordable = ReserveRequest { amount: Money::MAX, ..scene.reserving(1) };
    assert!(is_short(&scene.reserve(&unaffordable).await));
    let settle = scene.factory.settle(&request, largest);
    scene.settled(settle, SettlementState::Booked).await;
    scene.shows(0, 0).await;
    let mut negative = scene.factory.settle(&scene.reserving(1), Money::ZERO);
    negative.record.bill.charge = Money::from_nanos(-1);
    assert!(scene.ledger.settle(negative).await.is_err());
}
