//! Nodes that live, end and die.

use super::scene::{DEAD_AFTER, FreshLedger, Scene, WholeLedger, is_conflict};
use crate::ledger::{Outcome, ReserveRequest, SettlementState, Swept};
use crate::money::Money;
use crate::testing::{cents, extension};

const RECOVERED: Swept = Swept { recovered: 1, lost: 0 };
const LOST: Swept = Swept { recovered: 0, lost: 1 };
const NOTHING: Swept = Swept { recovered: 0, lost: 0 };

impl<L: WholeLedger> Scene<L> {
    /// A hold with a floor.
    async fn holding_with_floor(&self, count: i64, floor: i64) -> ReserveRequest {
        let request = ReserveRequest { floor: cents(floor), ..self.reserving(count) };
        self.reserve(&request).await.expect("the reserve is covered");
        request
    }

    async fn beat(&self, of: &ReserveRequest) {
        self.ledger.beat(of.owner).await.expect("a node can beat");
    }

    async fn note(&self, of: &ReserveRequest, count: i64) {
        self.ledger.progress(of.id, cents(count)).await.expect("progress can be noted");
    }

    async fn outcome(&self, of: &ReserveRequest) -> Option<(Outcome, Money)> {
        self.record(of).await.map(|record| (record.outcome, record.cost()))
    }
}

/// However long a request takes.
pub async fn holds_of_a_living_node_are_left_alone<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding_with_floor(40, 10).await;
    for _ in 0..3 {
        scene.beat(&request).await;
        fresh.pass(DEAD_AFTER / 2).await;
        assert_eq!(scene.sweep().await, NOTHING);
    }
    scene.shows(100, 40).await;
    fresh.pass(DEAD_AFTER).await;
    assert_eq!(scene.sweep().await, RECOVERED);
    scene.shows(90, 0).await;
}

/// A node that says that it ends needs no waiting for.
pub async fn holds_of_a_retired_node_are_swept_at_once<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    scene.beat(&request).await;
    scene.ledger.retire(request.owner).await.expect("a node can retire");
    assert_eq!(scene.sweep().await, LOST);
    scene.shows(100, 0).await;
}

/// A node that never beat owns nothing.
pub async fn holds_of_a_node_never_seen_are_swept<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    assert_eq!(scene.sweep().await, LOST);
    assert_eq!(scene.sweep().await, NOTHING);
    scene.shows(100, 0).await;
    let record = scene.record(&request).await.expect("the request is recorded");
    assert_eq!((record.outcome, record.cost()), (Outcome::Lost, Money::ZERO));
    assert_eq!((record.key, &record.model), (request.key, &request.origin.model));
    assert_eq!(record.endpoint, request.origin.endpoint);
}

/// The prompt was sent, so its price is due.
pub async fn a_sweep_charges_the_floor<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    scene.grant(5).await;
    let request = scene.holding_with_floor(40, 10).await;
    assert_eq!(scene.sweep().await, RECOVERED);
    scene.shows_parts(0, 95).await;
    scene.has_used(10).await;
    assert_eq!(scene.outcome(&request).await, Some((Outcome::Recovered, cents(10))));
    let spend = scene.spend(&request).await;
    assert_eq!((spend.total, spend.held), (cents(10), Money::ZERO));
}

/// What the owner noted last is due, over all holds of the request.
pub async fn a_sweep_charges_what_was_noted<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding_with_floor(20, 5).await;
    scene.reserve(&extension(&request, 1, cents(30))).await.expect("the extension is covered");
    scene.note(&request, 35).await;
    assert_eq!(scene.sweep().await, RECOVERED);
    scene.shows(65, 0).await;
}

/// A note does not make an account negative.
pub async fn a_sweep_charges_at_most_what_is_held<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(20).await;
    scene.note(&request, 90).await;
    assert_eq!(scene.sweep().await, RECOVERED);
    scene.shows(80, 0).await;
    assert_eq!(scene.outcome(&request).await, Some((Outcome::Recovered, cents(20))));
}

/// A sweep is bounded, and the next one goes on.
pub async fn a_sweep_takes_at_most_its_limit<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    for _ in 0..5 {
        scene.holding(10).await;
    }
    for lost in [2, 2, 1, 0] {
        assert_eq!(scene.sweep_at_most(2).await, Swept { recovered: 0, lost });
    }
    scene.shows(100, 0).await;
}

/// A node that was only paused settles after the sweep: the user pays what was used, once.
pub async fn a_late_settle_books_the_difference<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    scene.grant(5).await;
    let request = scene.holding_with_floor(40, 10).await;
    scene.sweep().await;
    let settle = scene.factory.settle(&request, cents(120));
    let settlement = scene.settled(settle.clone(), SettlementState::Late).await;
    assert_eq!((settlement.charged, settlement.overage), (cents(120), cents(110)));
    scene.shows_parts(0, -15).await;
    assert_eq!(scene.record(&request).await, Some(settle.record.clone()));
    assert_eq!(scene.spend(&request).await.total, cents(120));
    scene.settled(settle, SettlementState::Replayed).await;
    scene.shows(-15, 0).await;
}

/// The floor is an estimate; what was too much comes back.
pub async fn a_late_settle_below_what_was_charged_gives_back<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    scene.grant(5).await;
    let request = scene.holding_with_floor(40, 20).await;
    scene.sweep().await;
    scene.shows_parts(0, 85).await;
    let settlement = scene.settled(scene.factory.settle(&request, cents(2)), SettlementState::Late).await;
    assert_eq!(settlement.charged, cents(2));
    scene.shows_parts(3, 100).await;
    scene.has_used(2).await;
    assert_eq!(scene.spend(&request).await.total, cents(2));
    assert_eq!(scene.outcome(&request).await, Some((Outcome::Completed, cents(2))));
    let next = scene.holding(103).await;
    scene.settle(&next, 103).await.expect("what came back can be used");
}

/// A request that failed costs nothing, also after a sweep.
pub async fn a_late_void_gives_back<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding_with_floor(40, 20).await;
    scene.sweep().await;
    let settlement = scene.void(&scene.factory.void(&request)).await.expect("a late void is not refused");
    assert_eq!((settlement.charged, settlement.state), (Money::ZERO, SettlementState::Late));
    scene.shows(100, 0).await;
    assert_eq!(scene.outcome(&request).await, Some((Outcome::Lost, Money::ZERO)));
    scene.void(&scene.factory.void(&request)).await.expect("a repeat is not refused");
    scene.shows(100, 0).await;
    assert_eq!(scene.spend(&request).await.total, Money::ZERO);
}

/// A node that was declared dead extends nothing.
pub async fn a_swept_request_gets_no_more_funds<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    scene.sweep().await;
    assert!(is_conflict(&scene.reserve(&extension(&request, 1, cents(20))).await));
    assert!(is_conflict(&scene.reserve(&request).await));
    scene.shows(100, 0).await;
}

/// Notes may come in any order, and late.
pub async fn progress_never_lowers_and_ignores_what_is_over<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding_with_floor(40, 10).await;
    for noted in [5, 25, 15] {
        scene.note(&request, noted).await;
    }
    let over = scene.holding(10).await;
    scene.settle(&over, 10).await.expect("a settle is not refused");
    scene.note(&over, 10).await;
    scene.note(&scene.reserving(1), 10).await;
    assert_eq!(scene.sweep().await, RECOVERED);
    scene.shows(65, 0).await;
}
