//! Grants that run out.

use std::sync::Arc;
use std::time::Duration;

use super::scene::{FreshLedger, Scene, WholeLedger};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::{Entry, LapseGrants, Lapsed, LotTerms};
use crate::money::Money;
use crate::testing::cents;

const DAY: Duration = Duration::from_hours(24);

/// So many cents of so many accounts.
fn lapsed(accounts: u32, count: i64) -> Lapsed {
    Lapsed { accounts, amount: cents(count) }
}

impl<L: WholeLedger> Scene<L> {
    /// A grant that runs out so many days from now.
    async fn grant_for(&self, count: i64, days: u32) {
        self.grant_to(self.account, count, days).await;
    }

    async fn grant_to(&self, account: AccountId, count: i64, days: u32) {
        let grant = self.factory.grant(account, cents(count));
        let lot = grant.lot.map(|lot| LotTerms { expires_at: Some(grant.at.plus(DAY * days)), ..lot });
        self.post(&Entry { lot, ..grant }).await.expect("a grant is posted");
    }

    /// Ends the grants that run out within so many days from now.
    async fn lapse(&self, days: u32) -> Lapsed {
        self.lapse_at_most(days, 100).await
    }

    async fn lapse_at_most(&self, days: u32, limit: u32) -> Lapsed {
        let request = LapseGrants { at: self.factory.now().plus(DAY * days), limit };
        self.ledger.lapse(request).await.expect("grants can lapse")
    }
}

/// At their time, not before, and paid credit never.
pub async fn grants_lapse_when_they_have_run_out<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(7).await;
    scene.grant_for(50, 10).await;
    scene.grant_for(20, 30).await;
    scene.grant(5).await;
    assert_eq!(scene.lapse(9).await, Lapsed::default());
    assert_eq!(scene.lapse(10).await, lapsed(1, 50));
    scene.shows_parts(25, 7).await;
    assert_eq!(scene.lapse(10).await, Lapsed::default());
    assert_eq!(scene.lapse(400).await, lapsed(1, 20));
    scene.shows_parts(5, 7).await;
    let request = scene.holding(12).await;
    scene.settle(&request, 12).await.expect("a settle is not refused");
    scene.shows(0, 0).await;
}

/// Those that end first are used first, and what is used up is not listed.
pub async fn what_is_left_of_grants_is_listed_in_the_order_of_use<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(7).await;
    scene.grant(5).await;
    scene.grant_for(20, 30).await;
    scene.grant_for(50, 10).await;
    scene.grant_to(scene.factory.account_id(), 3, 1).await;
    let begun = scene.factory.now();
    let day = |days: u32| Some(begun.plus(DAY * days));
    let left = async |limit| {
        let left = scene.ledger.left(scene.account, limit).await.expect("grants can be listed");
        left.iter().map(|grant| (grant.remaining, grant.expires_at)).collect::<Vec<_>>()
    };
    let all: [(Money, Option<Timestamp>); 3] = [(cents(50), day(10)), (cents(20), day(30)), (cents(5), None)];
    assert_eq!(left(10).await, all);
    assert_eq!(left(1).await, all[..1]);
    let request = scene.holding(60).await;
    assert_eq!(left(10).await, all, "what is set aside is not used yet");
    scene.settle(&request, 60).await.expect("a settle is not refused");
    assert_eq!(left(10).await, [(cents(10), day(30)), (cents(5), None)]);
    scene.lapse(400).await;
    assert_eq!(left(10).await, [(cents(5), None)]);
}

/// A running request burns the grants that end first, so that much of them stays for it; what it
/// does not use lapses later.
pub async fn what_a_hold_will_burn_does_not_lapse<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    scene.grant_for(10, 1).await;
    scene.grant_for(10, 30).await;
    let request = scene.holding(4).await;
    assert_eq!(scene.lapse(1).await, lapsed(1, 6));
    scene.shows(14, 4).await;
    assert_eq!(scene.lapse(1).await, Lapsed::default());
    scene.settle(&request, 3).await.expect("a settle is not refused");
    scene.shows(11, 0).await;
    assert_eq!(scene.lapse(1).await, lapsed(1, 1));
    scene.shows(10, 0).await;
}

/// Whoever comes second finds nothing.
pub async fn grants_lapse_once_however_many_ask<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = Arc::new(fresh.scene());
    scene.grant_for(50, 1).await;
    scene.grant(5).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let scene = Arc::clone(&scene);
        tasks.spawn(async move { scene.lapse(2).await });
    }
    let all = tasks.join_all().await;
    assert_eq!(all.iter().filter(|one| **one == lapsed(1, 50)).count(), 1);
    assert_eq!(all.iter().filter(|one| **one == Lapsed::default()).count(), 7);
    scene.shows(5, 0).await;
}

/// The rest comes with the next call.
pub async fn lapsing_takes_at_most_its_limit<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    scene.grant_for(1, 1).await;
    let other = scene.factory.account_id();
    scene.grant_to(other, 1, 1).await;
    assert_eq!(scene.lapse_at_most(2, 1).await, lapsed(1, 1));
    assert_eq!(scene.lapse_at_most(2, 1).await, lapsed(1, 1));
    assert_eq!(scene.lapse_at_most(2, 1).await, Lapsed::default());
    scene.shows(0, 0).await;
    let left = scene.ledger.balance(other).await.expect("the balance can be read");
    assert_eq!(left.posted, Money::ZERO);
}
