//! Monthly limits of accounts.

use std::time::Duration;

use super::limits::{limited, shortage};
use super::scene::{FreshLedger, WholeLedger, is_conflict};
use crate::ledger::{LedgerError, LimitChange, ReserveRequest, SettleRequest, Shortage, SpendPeriod};
use crate::money::Money;
use crate::testing::{cents, extension};

/// What was charged and what is held count, whichever key and whichever credit it was; what was
/// released does not.
pub async fn a_monthly_limit_counts_charges_and_holds_of_all_keys<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    scene.grant(60).await;
    scene.limit(Some(100)).await;
    let first = scene.holding(80).await;
    scene.settle(&first, 50).await.expect("a settle is not refused");
    let second = scene.holding(30).await;
    assert_ne!(first.key, second.key);
    let third = scene.reserving(21);
    let resets_at = SpendPeriod::Month.end(third.at);
    let refused = Shortage::AccountLimit { left: cents(20), held: cents(30), resets_at };
    assert_eq!(shortage(scene.reserve(&third).await), Some(refused));
    let spend = scene.month(third.at).await;
    assert_eq!((spend.limit, spend.left()), (Some(cents(100)), Some(cents(20))));
    assert_eq!((spend.spent, spend.held, spend.resets_at), (cents(50), cents(30), resets_at));
    let fitting = ReserveRequest { amount: cents(20), ..third.clone() };
    scene.reserve(&fitting).await.expect("the limit covers it to the last nano-dollar");
    for hold in [&fitting, &second] {
        scene.void(&scene.factory.void(hold)).await.expect("the hold is open");
    }
    scene.holding(50).await;
    let other = scene.neighbour();
    other.top_up(500).await;
    other.holding(500).await;
    scene.limit(None).await;
    scene.holding(900).await;
}

/// A new month has the whole limit; what is still held then counts against it.
pub async fn a_monthly_limit_begins_anew_with_the_month<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    scene.limit(Some(100)).await;
    let running = scene.holding(10).await;
    let first = scene.holding(90).await;
    scene.settle(&first, 90).await.expect("a settle is not refused");
    let end = SpendPeriod::Month.end(first.at).expect("a month ends");
    let early = ReserveRequest { at: end.minus(Duration::from_millis(1)), ..scene.reserving(1) };
    assert!(shortage(scene.reserve(&early).await).is_some());
    let too_much = ReserveRequest { at: end, ..scene.reserving(91) };
    assert!(shortage(scene.reserve(&too_much).await).is_some());
    let next = ReserveRequest { at: end, ..scene.reserving(90) };
    scene.reserve(&next).await.expect("the new month has the whole limit");
    let settle = scene.factory.settle(&running, cents(10));
    scene.ledger.settle(SettleRequest { at: end, ..settle }).await.expect("a settle is not refused");
    assert_eq!(scene.month(end).await.spent, cents(10));
    // A clock that is behind sees the later month, so that it never allows more.
    assert_eq!(scene.month(first.at).await.spent, cents(10));
}

/// So that a caller who asks for less asks for little enough.
pub async fn the_tighter_of_key_and_account_is_named<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(50).await;
    for (of_key, of_account, named) in
        [(30, 40, "key"), (40, 30, "account"), (30, 30, "key"), (90, 45, "account"), (90, 60, "balance")]
    {
        scene.limit(Some(of_account)).await;
        let limits = limited(SpendPeriod::Month, cents(of_key));
        let request = ReserveRequest { limits, ..scene.reserving(70) };
        let tightest = match shortage(scene.reserve(&request).await) {
            Some(Shortage::KeyLimit { .. }) => "key",
            Some(Shortage::AccountLimit { .. }) => "account",
            Some(Shortage::Balance { .. }) => "balance",
            Some(Shortage::Negative) | None => "nothing",
        };
        assert_eq!(tightest, named, "{of_key} {of_account}");
    }
}

/// A limit that comes late counts the month from its first day.
pub async fn a_monthly_limit_counts_what_was_spent_before_it<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    let before = scene.holding(50).await;
    // Ten more than it held.
    scene.settle(&before, 60).await.expect("a settle is not refused");
    scene.limit(Some(100)).await;
    assert!(shortage(scene.reserve(&scene.reserving(41)).await).is_some());
    scene.holding(40).await;
    scene.limit(Some(30)).await;
    let left = shortage(scene.reserve(&scene.reserving(1)).await);
    assert!(matches!(left, Some(Shortage::AccountLimit { left: Money::ZERO, .. })), "{left:?}");
}

/// A running request gets no further funds beyond the limit; what it has used is charged all the same.
pub async fn extensions_obey_the_monthly_limit_and_a_settle_does_not<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    scene.limit(Some(100)).await;
    let first = scene.holding(60).await;
    let further = extension(&first, 1, cents(41));
    assert!(shortage(scene.reserve(&further).await).is_some());
    let further = extension(&first, 1, cents(40));
    scene.reserve(&further).await.expect("the limit covers it");
    let settle = scene.factory.settle(&first, cents(130));
    let holds = vec![first.id, further.id];
    scene.ledger.settle(SettleRequest { holds, ..settle }).await.expect("a settle is not refused");
    assert_eq!(scene.month(first.at).await.spent, cents(130));
}

/// What a sweep charged and its late owner gives back does not count.
pub async fn what_is_given_back_may_be_spent_again<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    scene.limit(Some(100)).await;
    let lost = ReserveRequest { floor: cents(80), ..scene.reserving(90) };
    scene.reserve(&lost).await.expect("the limit covers it");
    scene.ledger.retire(lost.owner).await.expect("a node may end");
    scene.sweep().await;
    assert!(shortage(scene.reserve(&scene.reserving(21)).await).is_some());
    scene.settle(&lost, 30).await.expect("a late settle is not refused");
    scene.holding(70).await;
}

/// Whoever takes the limit for another one than it is changes nothing.
pub async fn a_monthly_limit_is_changed_only_by_who_knows_it<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let account = scene.account;
    let change = async |was: Option<i64>, limit: Option<i64>| {
        let change = LimitChange { account, was: was.map(cents), limit: limit.map(cents) };
        scene.ledger.change(change).await
    };
    assert!(is_conflict(&change(Some(1), Some(2)).await));
    change(None, Some(50)).await.expect("there was no limit");
    for was in [None, Some(49)] {
        assert!(is_conflict(&change(was, Some(60)).await));
    }
    let negative = change(Some(50), Some(-1)).await;
    assert!(matches!(negative, Err(LedgerError::InvalidAmount)), "{negative:?}");
    assert_eq!(scene.month(scene.factory.now()).await.limit, Some(cents(50)));
    change(Some(50), None).await.expect("that was the limit");
    assert_eq!(scene.month(scene.factory.now()).await.limit, None);
}
