//! Spend limits of keys.

use super::scene::{FreshLedger, WholeLedger};
use crate::keys::SpendLimits;
use crate::ledger::{LedgerError, ReserveRequest, Shortage, SpendPeriod};
use crate::money::Money;
use crate::testing::cents;

pub(super) fn limited(period: SpendPeriod, limit: Money) -> SpendLimits {
    let limit = Some(limit);
    match period {
        SpendPeriod::Day => SpendLimits { day: limit, ..SpendLimits::default() },
        SpendPeriod::Week => SpendLimits { week: limit, ..SpendLimits::default() },
        SpendPeriod::Month => SpendLimits { month: limit, ..SpendLimits::default() },
        SpendPeriod::Total => SpendLimits { total: limit, ..SpendLimits::default() },
    }
}

pub(super) fn shortage<T>(result: Result<T, LedgerError>) -> Option<Shortage> {
    match result {
        Err(LedgerError::Insufficient(shortage)) => Some(shortage),
        _ => None,
    }
}

/// What was charged and what is held count; what was released does not.
pub async fn each_spend_limit_counts_charges_and_holds<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    for period in SpendPeriod::ALL {
        let limits = limited(period, cents(100));
        let first = ReserveRequest { limits, ..scene.reserving(80) };
        let key = first.key;
        scene.reserve(&first).await.expect("the limit covers it");
        scene.settle(&first, 50).await.expect("a settle is not refused");
        let second = ReserveRequest { key, limits, ..scene.reserving(30) };
        scene.reserve(&second).await.expect("the limit covers it");
        let third = ReserveRequest { key, limits, ..scene.reserving(21) };
        let refused =
            Shortage::KeyLimit { period, left: cents(20), held: cents(30), resets_at: period.end(third.at) };
        assert_eq!(shortage(scene.reserve(&third).await), Some(refused));
        let fitting = ReserveRequest { amount: cents(20), ..third.clone() };
        scene.reserve(&fitting).await.expect("the limit covers it to the last nano-dollar");
        scene.void(&scene.factory.void(&fitting)).await.expect("the hold is open");
        scene.void(&scene.factory.void(&second)).await.expect("the hold is open");
        let rest = ReserveRequest { key, limits, ..scene.reserving(50) };
        scene.reserve(&rest).await.expect("what was released counts no more");
        let other_key = ReserveRequest { limits, ..scene.reserving(100) };
        scene.reserve(&other_key).await.expect("another key has a limit of its own");
        for hold in [&rest, &other_key] {
            scene.void(&scene.factory.void(hold)).await.expect("the hold is open");
        }
    }
    scene.shows(800, 0).await;
}

/// A new period has the whole limit; the total never begins anew.
pub async fn a_spend_limit_begins_anew_with_its_period<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    for period in SpendPeriod::ALL {
        let limits = limited(period, cents(100));
        let first = ReserveRequest { limits, ..scene.reserving(100) };
        scene.reserve(&first).await.expect("the limit covers it");
        scene.settle(&first, 100).await.expect("a settle is not refused");
        let end = period.end(first.at);
        let last_moment = end.map_or(first.at, |end| end.minus(std::time::Duration::from_millis(1)));
        let early = ReserveRequest { key: first.key, limits, at: last_moment, ..scene.reserving(1) };
        assert!(shortage(scene.reserve(&early).await).is_some(), "{period:?}");
        let Some(end) = end else { continue };
        let next = ReserveRequest { key: first.key, limits, at: end, ..scene.reserving(100) };
        scene.reserve(&next).await.expect("the new period has the whole limit");
        scene.void(&scene.factory.void(&next)).await.expect("the hold is open");
    }
}

/// So that a caller who asks for less asks for little enough.
pub async fn the_tightest_limit_is_named<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(50).await;
    let limit = |count: i64| Some(cents(count));
    let limits = |day, week, month, total| SpendLimits { day, week, month, total };
    for (limits, period) in [
        (limits(limit(30), limit(40), None, limit(60)), Some(SpendPeriod::Day)),
        (limits(limit(40), limit(30), None, limit(60)), Some(SpendPeriod::Week)),
        (limits(None, None, limit(49), limit(60)), Some(SpendPeriod::Month)),
        (limits(limit(20), limit(20), limit(20), limit(20)), Some(SpendPeriod::Total)),
        (limits(limit(60), limit(60), limit(60), limit(60)), None),
    ] {
        let request = ReserveRequest { limits, ..scene.reserving(70) };
        let named = match shortage(scene.reserve(&request).await) {
            Some(Shortage::KeyLimit { period, .. }) => Some(Some(period)),
            Some(Shortage::Balance { .. }) => Some(None),
            Some(Shortage::Negative | Shortage::AccountLimit { .. }) | None => None,
        };
        assert_eq!(named, Some(period), "{limits:?}");
    }
}

/// Day, week, month and total add up, and holds are told apart.
pub async fn a_key_spends_in_all_its_periods<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let first = scene.holding(20).await;
    assert_eq!(scene.spend(&first).await.held, cents(20));
    scene.settle(&first, 25).await.expect("a settle is not refused");
    let second = ReserveRequest { key: first.key, ..scene.reserving(10) };
    scene.reserve(&second).await.expect("the reserve is covered");
    let spend = scene.spend(&first).await;
    assert_eq!(
        (spend.day, spend.week, spend.month, spend.total),
        (cents(25), cents(25), cents(25), cents(25))
    );
    assert_eq!(spend.held, cents(10));
    let end = SpendPeriod::Month.end(first.at).expect("a month ends");
    let later = scene.ledger.key_spend(first.key, end).await.expect("spending can be read");
    assert_eq!((later.day, later.month, later.total), (Money::ZERO, Money::ZERO, cents(25)));
}
