//! Many tasks at once, and calls that are given up.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::task::JoinSet;

use super::limits::limited;
use super::scene::{FreshLedger, WholeLedger, is_conflict, is_short};
use crate::ledger::{ReserveRequest, SettlementState, SpendPeriod, Swept};
use crate::money::Money;
use crate::testing::cents;

const TASKS: usize = 32;
const CALLS_PER_TASK: usize = 8;

/// Runs reserves in many tasks and adds up what was accepted.
async fn rush<L: WholeLedger>(fresh: &FreshLedger<L>, requests: Vec<ReserveRequest>) -> Money {
    let mut tasks = JoinSet::new();
    for calls in requests.chunks(CALLS_PER_TASK) {
        let (ledger, calls) = (Arc::clone(fresh.ledger()), calls.to_vec());
        tasks.spawn(async move {
            let mut accepted = Money::ZERO;
            for request in calls {
                match ledger.reserve(request).await {
                    Ok(hold) => accepted = accepted.checked_add(hold.amount).expect("small amounts add up"),
                    refused => assert!(is_short(&refused), "{refused:?}"),
                }
            }
            accepted
        });
    }
    let accepted = tasks.join_all().await;
    let sum = accepted.into_iter().try_fold(Money::ZERO, Money::checked_add);
    sum.expect("small amounts add up")
}

/// Ten times more is asked for than there is; exactly what there is is given.
pub async fn many_tasks_never_overspend<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(64).await;
    scene.grant(64).await;
    let requests: Vec<_> = (0..TASKS * CALLS_PER_TASK).map(|_| scene.reserving(5)).collect();
    let accepted = rush(fresh, requests.clone()).await;
    assert_eq!(accepted, cents(125));
    scene.shows(128, 125).await;
    let mut tasks = JoinSet::new();
    for request in requests {
        let (ledger, settle) = (Arc::clone(&scene.ledger), scene.factory.settle(&request, cents(3)));
        let record = scene.ledger.find(request.account, request.request).await;
        assert_eq!(record.expect("records can be read"), None);
        tasks.spawn(async move {
            let balance = ledger.balance(request.account).await.expect("the balance can be read");
            assert!(balance.available >= Money::ZERO);
            // Only those that were accepted settle; a repeat of the others stays refused.
            if ledger.reserve(request).await.is_ok() {
                ledger.settle(settle).await.expect("a settle is not refused");
            }
        });
    }
    tasks.join_all().await;
    let balance = scene.balance().await;
    assert!(balance.available >= Money::ZERO && balance.held == Money::ZERO, "{balance:?}");
}

/// A limit of a key holds like a balance.
pub async fn sec_t25_many_tasks_never_exceed_the_limit_of_a_key<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(10_000).await;
    for period in SpendPeriod::ALL {
        let (key, limits) = (scene.factory.key_id(), limited(period, cents(98)));
        let request = |_| ReserveRequest { key, limits, ..scene.reserving(5) };
        let accepted = rush(fresh, (0..TASKS * CALLS_PER_TASK).map(request).collect()).await;
        assert_eq!(accepted, cents(95), "{period:?}");
    }
}

/// The limit of an account holds over all of its keys, and over paid and promotional credit.
pub async fn sec_t25_many_tasks_never_exceed_the_limit_of_an_account<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(10_000).await;
    scene.grant(50).await;
    scene.limit(Some(98)).await;
    // Each reserve of a scene has a key of its own.
    let calls = || (0..64 * CALLS_PER_TASK).map(|_| scene.reserving(5)).collect();
    assert_eq!(rush(fresh, calls()).await, cents(95));
    scene.limit(Some(120)).await;
    assert_eq!(rush(fresh, calls()).await, cents(25));
}

/// Of two accounts that ask for one hold at the same time one gets it.
pub async fn two_accounts_at_the_same_time_do_not_share_a_hold<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    let other = scene.neighbour();
    other.top_up(1_000).await;
    for round in 1..=20 {
        let ours = scene.reserving(10);
        let theirs = ReserveRequest { id: ours.id, owner: ours.owner, ..other.reserving(10) };
        let mut tasks = JoinSet::new();
        for request in [ours, theirs] {
            let ledger = Arc::clone(&scene.ledger);
            tasks.spawn(async move { ledger.reserve(request).await.map(|hold| hold.account) });
        }
        let mut winners = Vec::new();
        for answer in tasks.join_all().await {
            match answer {
                Ok(account) => winners.push(account),
                refused => assert!(is_conflict(&refused), "{refused:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        let sum = scene.balance().await.held.checked_add(other.balance().await.held);
        assert_eq!(sum, Ok(cents(10 * round)));
    }
}

/// The identifier decides, not who comes first.
pub async fn the_same_reserve_at_the_same_time_holds_once<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    let request = scene.reserving(10);
    let accepted = rush(fresh, vec![request; TASKS * CALLS_PER_TASK]).await;
    assert_eq!(accepted, cents(10 * 32 * 8), "every repeat returns the hold");
    scene.shows(1_000, 10).await;
}

/// Exactly one of two ways to end a request succeeds.
pub async fn settle_and_void_at_the_same_time_have_one_winner<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    let mut used = 0;
    for _ in 0..20 {
        let request = scene.holding(10).await;
        let (first, second) = (Arc::clone(&scene.ledger), Arc::clone(&scene.ledger));
        let (settle, void) = (scene.factory.settle(&request, cents(7)), scene.factory.void(&request));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { first.settle(settle).await });
        tasks.spawn(async move { second.void(void).await });
        let results = tasks.join_all().await;
        let charged = results.iter().flatten().any(|settlement| settlement.charged == cents(7));
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert_eq!(results.iter().filter(|result| is_conflict(result)).count(), 1);
        used += if charged { 7 } else { 0 };
    }
    scene.shows(1_000 - used, 0).await;
}

/// A settle that meets a sweep is booked or late; either way the charge is what was used.
pub async fn settle_and_sweep_at_the_same_time_charge_once<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    for round in 1..=20 {
        let request = ReserveRequest { floor: cents(3), ..scene.reserving(10) };
        scene.reserve(&request).await.expect("the reserve is covered");
        let (ledger, settle) = (Arc::clone(&scene.ledger), scene.factory.settle(&request, cents(7)));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { ledger.settle(settle).await });
        let swept = scene.sweep().await;
        let results = tasks.join_all().await;
        let states: Vec<_> = results.into_iter().flatten().map(|settlement| settlement.state).collect();
        let expected =
            if swept == Swept::default() { SettlementState::Booked } else { SettlementState::Late };
        assert_eq!(states, [expected]);
        scene.shows(1_000 - 7 * round, 0).await;
    }
    assert_eq!(scene.sweep().await, Swept::default());
}

/// A caller that leaves in the middle repeats the call with the same identifier and is right.
pub async fn a_dropped_call_can_be_repeated<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(1_000).await;
    for polls in 0..4 {
        let request = scene.reserving(10);
        give_up(scene.ledger.reserve(request.clone()), polls);
        scene.reserve(&request).await.expect("a repeat is not refused");
        let settle = scene.factory.settle(&request, cents(12));
        give_up(scene.ledger.settle(settle.clone()), polls);
        let settlement = scene.ledger.settle(settle).await.expect("a repeat is not refused");
        assert_eq!((settlement.charged, settlement.overage), (cents(12), cents(2)));
        let top_up = scene.factory.top_up(scene.account, cents(12));
        give_up(scene.ledger.post(vec![top_up.clone()]), polls);
        scene.post(&top_up).await.expect("a repeat is not refused");
        scene.shows(1_000, 0).await;
    }
}

/// Polls a future so many times and drops it.
fn give_up<T>(future: impl Future<Output = T>, polls: u32) {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(_result) = future.as_mut().poll(&mut context) {
            return;
        }
    }
}
