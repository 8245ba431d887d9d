//! The books against the records.

use super::*;
use crate::backends::simulated::stripe::Verdict;
use crate::payment::Reconciler;

on_each_database! {
    a_day_of_which_nobody_was_told_is_made_up_for
    what_follows_a_return_that_nobody_was_told_of_is_made_up_for_after_it
    what_the_books_cannot_explain_is_named
}

const DAY: Duration = Duration::from_hours(24);

impl World {
    fn reconciler(&self) -> Reconciler {
        Reconciler {
            cashier: Arc::clone(&self.node.cashier),
            records: Arc::<StripeProcessor>::clone(&self.processor),
            journal: Arc::<SeaOrmLedger>::clone(&self.ledger),
            reports: Arc::new(SeaOrmReconciliations::new(self.database.clone())),
        }
    }
}

async fn a_day_of_which_nobody_was_told_is_made_up_for(fixture: Fixture) {
    let world = World::open(fixture).await;
    let reconciler = world.reconciler();
    let account = world.person().await.id;
    let mut pages = Vec::new();
    for _ in 0..4 {
        let (_id, page) = world.buy(account, cents(1_000)).await;
        world.stripe.pay(&page).unwrap();
        pages.push(page);
    }
    world.stripe.refund_by_hand(&pages[0], 400).unwrap();
    let refund = world.stripe.refund_by_hand(&pages[1], 300).unwrap();
    world.stripe.fail_refund(&refund).unwrap();
    let dispute = world.stripe.dispute(&pages[2]).unwrap();
    world.stripe.decide(&dispute, Verdict::Won).unwrap();
    world.stripe.dispute(&pages[3]).unwrap();
    world.stripe.pay_out(500);
    world.stripe.take_fee(25);
    let report = reconciler.reconcile(world.factory.now()).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    // Four payments, three movements of refunds, three of disputes, a payout and a fee.
    assert_eq!(report.movements, 12, "{report:?}");
    assert!(report.made_up > 0 && report.named.is_empty(), "{report:?}");
    assert_eq!(world.available(account).await, cents(2_600));
    let again = reconciler.reconcile(world.factory.now()).await.unwrap();
    assert_eq!((again.made_up, again.is_clean()), (0, true), "{again:?}");
    assert_eq!(reconciler.reports.list(10).await.unwrap(), [again]);
    world.later(DAY);
    let next = reconciler.reconcile(world.factory.now()).await.unwrap();
    assert_eq!((next.movements, next.is_clean()), (0, true), "{next:?}");
    assert_eq!(reconciler.reports.list(10).await.unwrap().len(), 2);
    world.audit().await;
}

async fn what_follows_a_return_that_nobody_was_told_of_is_made_up_for_after_it(fixture: Fixture) {
    let world = World::open(fixture).await;
    let reconciler = world.reconciler();
    let account = world.person().await.id;
    let (_id, page) = world.buy(account, cents(1_000)).await;
    world.stripe.pay(&page).unwrap();
    let refund = world.stripe.refund_by_hand(&page, 400).unwrap();
    world.deliver_all().await;
    world.stripe.fail_refund(&refund).unwrap();
    world.stripe.dispute(&page).unwrap();
    let report = reconciler.reconcile(world.factory.now()).await.unwrap();
    assert_eq!((report.movements, report.is_clean()), (4, true), "{report:?}");
    assert_eq!(world.available(account).await, Money::ZERO);
    world.audit().await;
}

async fn what_the_books_cannot_explain_is_named(fixture: Fixture) {
    let world = World::open(fixture).await;
    let reconciler = world.reconciler();
    let account = world.person().await.id;
    let (id, page) = world.buy(account, cents(1_000)).await;
    world.stripe.pay(&page).unwrap();
    world.node.cashier.fulfil(id).await.unwrap();
    // Somebody pays an invoice that the operator wrote by hand.
    let strange = world.stripe.pay_for_something_else(700);
    let report = reconciler.reconcile(world.factory.now()).await.unwrap();
    assert_eq!((report.unexplained, report.made_up), (1, 0), "{report:?}");
    assert_eq!(report.named, [strange]);
    assert!(report.balance > report.clearing && !report.is_clean());
    assert_eq!(world.ledger.verify().await.unwrap(), []);
    world.ledger.close().await;
}
