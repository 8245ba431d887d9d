//! Credit that is given back.

use super::*;
use crate::backends::simulated::stripe::Delivery;
use crate::ledger::Reserving;
use crate::payment::{CashierError, RefundFault, RefundState, RefundWish};

on_each_database! {
    credit_is_given_back_once_whenever_the_process_dies
    a_refund_that_is_refused_leaves_the_balance_whenever_the_process_dies
    a_refund_goes_through_purchases_and_never_beyond_the_balance
    a_refund_whose_key_is_forgotten_is_not_sent_again
    a_refund_that_comes_back_is_credited
    a_dispute_told_before_the_return_it_follows_is_refused_and_booked_when_told_again
}

const LATER: Duration = Duration::from_mins(11);

fn wish(account: AccountId, amount: Money, name: &str) -> RefundWish {
    RefundWish { account, amount, name: name.to_owned() }
}

impl World {
    /// Somebody who bought 10 USD; returns the page of the purchase too.
    async fn buyer(&self) -> (AccountId, String) {
        let account = self.person().await.id;
        let (id, page) = self.buy(account, cents(1_000)).await;
        self.stripe.pay(&page).unwrap();
        self.node.cashier.fulfil(id).await.unwrap();
        drop(self.mails().await);
        (account, page)
    }

    /// Delivers what happened, to the node that does not die.
    pub(super) async fn deliver_all(&self) {
        for delivery in self.stripe.deliveries() {
            let (body, signature, received_at) = (&delivery.body, &delivery.signature, self.factory.now());
            let payload = crate::payment::SignedPayload { body, signature, received_at };
            self.node.cashier.receive(payload).await.unwrap();
        }
    }

    async fn resume(&self) {
        for _ in 0..3 {
            self.later(LATER);
            self.node.cashier.resume_refunds(100).await.unwrap();
        }
    }
}

async fn credit_is_given_back_once_whenever_the_process_dies(fixture: Fixture) {
    let world = World::open(fixture).await;
    let mut steps = 0;
    loop {
        let (account, page) = world.buyer().await;
        world.deliver_all().await;
        let wanted = wish(account, cents(600), "goodwill");
        let done = world.fuse.after(steps, world.mortal.cashier.give_back(&wanted)).await;
        if let Some(result) = &done {
            assert!(matches!(result.as_ref().unwrap()[0].state, RefundState::Accepted(_)));
        }
        // Messages may come before anybody looks after the order, or after.
        if steps % 2 == 0 {
            world.deliver_all().await;
        }
        world.resume().await;
        world.deliver_all().await;
        // Whoever asks again for what did not begin begins it now.
        world.node.cashier.give_back(&wanted).await.unwrap();
        assert_eq!(world.available(account).await, cents(400), "after {steps} steps");
        assert_eq!(world.stripe.refunded(&page), 600, "after {steps} steps");
        assert_eq!(world.mails().await, [NoticeKind::RefundReceipt], "after {steps} steps");
        if done.is_some() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 15, "only {steps} steps were seen");
    world.audit().await;
}

async fn a_refund_that_is_refused_leaves_the_balance_whenever_the_process_dies(fixture: Fixture) {
    let world = World::open(fixture).await;
    let mut steps = 0;
    loop {
        let (account, page) = world.buyer().await;
        let wanted = wish(account, cents(600), "goodwill");
        // The bank is asked about the payment in the very moment in which it is given back.
        let planned = world.node.cashier.plan_refund(&wanted).await.unwrap();
        assert_eq!(planned[0].net, cents(600));
        world.stripe.refuse_refunds();
        let done = world.fuse.after(steps, world.mortal.cashier.give_back(&wanted)).await;
        world.resume().await;
        world.stripe.allow_refunds();
        assert_eq!(world.available(account).await, cents(1_000), "after {steps} steps");
        assert_eq!(world.stripe.refunded(&page), 0);
        assert_eq!(world.mails().await, [], "after {steps} steps");
        if done.is_some() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 15, "only {steps} steps were seen");
    world.audit().await;
}

async fn a_refund_goes_through_purchases_and_never_beyond_the_balance(fixture: Fixture) {
    let world = World::open(fixture).await;
    let (account, first) = world.buyer().await;
    world.later(Duration::from_mins(1));
    let (id, second) = world.buy(account, cents(500)).await;
    world.stripe.pay(&second).unwrap();
    world.node.cashier.fulfil(id).await.unwrap();
    let cashier = &world.node.cashier;
    let refused = async |amount, name: &str| match cashier.give_back(&wish(account, amount, name)).await {
        Err(CashierError::Refund(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(cents(0), "a").await, RefundFault::Amount);
    assert_eq!(refused(Money::from_nanos(1), "a").await, RefundFault::Amount);
    assert_eq!(refused(cents(1_501), "a").await, RefundFault::NotLeft { max: cents(1_500) });
    let spent = world.factory.reserve(account, cents(300));
    drop(world.ledger.reserve(spent.clone()).await.unwrap());
    world.ledger.settle(world.factory.settle(&spent, cents(300))).await.unwrap();
    assert_eq!(refused(cents(1_201), "a").await, RefundFault::NotLeft { max: cents(1_200) });
    // Set aside by a running request: on the balance, but not free.
    let held = world.factory.reserve(account, cents(200));
    drop(world.ledger.reserve(held.clone()).await.unwrap());
    let short = cashier.give_back(&wish(account, cents(1_200), "held")).await;
    assert!(matches!(short, Err(CashierError::Ledger(LedgerError::Insufficient(_)))), "{short:?}");
    world.ledger.void(world.factory.void(&held)).await.unwrap();
    let orders = cashier.give_back(&wish(account, cents(1_200), "all")).await.unwrap();
    assert_eq!(orders.iter().map(|order| order.net).collect::<Vec<_>>(), [cents(500), cents(700)]);
    assert_eq!((world.stripe.refunded(&second), world.stripe.refunded(&first)), (500, 700));
    assert_eq!(world.available(account).await, Money::ZERO);
    let again = cashier.give_back(&wish(account, cents(1_200), "all")).await.unwrap();
    assert_eq!(again.len(), 2);
    let other = cashier.give_back(&wish(account, cents(100), "all")).await;
    assert!(matches!(other, Err(CashierError::RequestReused)), "{other:?}");
    world.audit().await;
}

async fn a_refund_whose_key_is_forgotten_is_not_sent_again(fixture: Fixture) {
    let world = World::open(fixture).await;
    for is_made in [true, false] {
        let (account, page) = world.buyer().await;
        if is_made {
            world.stripe.lose_next();
        }
        world.stripe.go_silent_after(usize::from(is_made));
        let lost = world.node.cashier.give_back(&wish(account, cents(600), "lost")).await;
        assert!(lost.is_err());
        world.stripe.speak_again();
        world.stripe.forget_keys();
        world.later(Duration::from_hours(24));
        world.resume().await;
        let (refunded, left) = if is_made { (600, 400) } else { (0, 1_000) };
        assert_eq!(world.stripe.refunded(&page), refunded);
        assert_eq!(world.available(account).await, cents(left));
    }
    world.audit().await;
}

async fn a_refund_that_comes_back_is_credited(fixture: Fixture) {
    let world = World::open(fixture).await;
    let (account, page) = world.buyer().await;
    let orders = world.node.cashier.give_back(&wish(account, cents(600), "a")).await.unwrap();
    let RefundState::Accepted(external) = &orders[0].state else { panic!("{orders:?}") };
    world.stripe.fail_refund(&external.to_string()).unwrap();
    world.deliver_all().await;
    world.deliver_all().await;
    assert_eq!(world.available(account).await, cents(1_000));
    let orders = world.node.cashier.give_back(&wish(account, cents(600), "a")).await.unwrap();
    assert_eq!(orders[0].state, RefundState::Failed);
    let orders = world.node.cashier.give_back(&wish(account, cents(1_000), "b")).await.unwrap();
    assert!(matches!(orders[0].state, RefundState::Accepted(_)));
    assert_eq!((world.stripe.refunded(&page), world.available(account).await), (1_000, Money::ZERO));
    world.audit().await;
}

/// The books never give back more of a payment than there is, so the message has to come again. Spending
/// stops at once.
async fn a_dispute_told_before_the_return_it_follows_is_refused_and_booked_when_told_again(fixture: Fixture) {
    let world = World::open(fixture).await;
    let (account, page) = world.buyer().await;
    let refund = world.stripe.refund_by_hand(&page, 400).unwrap();
    world.deliver_all().await;
    world.stripe.fail_refund(&refund).unwrap();
    let dispute = world.stripe.dispute(&page).unwrap();
    let receive = async |delivery: &Delivery| {
        let (body, signature, received_at) = (&delivery.body, &delivery.signature, world.factory.now());
        let payload = crate::payment::SignedPayload { body, signature, received_at };
        world.node.cashier.receive(payload).await
    };
    let is_of_dispute = |delivery: &Delivery| String::from_utf8_lossy(&delivery.body).contains(&dispute);
    let (last, first): (Vec<_>, Vec<_>) = world.stripe.deliveries().into_iter().partition(is_of_dispute);
    assert!(!last.is_empty() && !first.is_empty());
    for delivery in &last {
        let refused = receive(delivery).await;
        assert!(matches!(refused, Err(CashierError::Early)), "{refused:?}");
    }
    let balance = world.ledger.balance(account).await.unwrap();
    assert_eq!((balance.posted, balance.reserving), (cents(600), Reserving::Frozen));
    for delivery in first.iter().chain(&last) {
        receive(delivery).await.unwrap();
    }
    assert_eq!(world.available(account).await, Money::ZERO);
    world.audit().await;
}
