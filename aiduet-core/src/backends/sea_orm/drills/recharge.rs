//! Credit that is bought while the payer is absent.

use super::*;
use crate::account::AccountState;
use crate::backends::simulated::stripe::CardManner;
use crate::payment::{RechargeState, RechargeSwitch};

on_each_database! {
    a_storm_of_crossings_makes_one_charge
    one_charge_is_made_whenever_the_process_dies
    a_refusal_counts_once_whenever_the_process_dies
    a_card_that_always_refuses_is_charged_four_times
    a_charge_that_the_bank_asks_about_waits_for_the_person
    nobody_who_left_or_complained_is_charged
}

const LATER: Duration = Duration::from_mins(11);
const HOUR: Duration = Duration::from_hours(1);

impl World {
    async fn run_due(&self) {
        self.node.recharger.run_due(100).await.unwrap();
    }

    /// The node that does not die looks after what the other one left, more often than it needs to.
    async fn look_again(&self) {
        for _ in 0..3 {
            self.later(LATER);
            self.run_due().await;
        }
    }

    async fn recharge(&self, account: AccountId) -> crate::payment::Recharge {
        self.recharges.find(account).await.unwrap().unwrap()
    }
}

/// A thousand looks at the same low balance, half of them by another node.
async fn a_storm_of_crossings_makes_one_charge(fixture: Fixture) {
    let world = World::open(fixture).await;
    let account = world.subscriber().await;
    let mut storm = JoinSet::new();
    for number in 0..1_000 {
        let node = if number % 2 == 0 { &world.mortal } else { &world.node };
        let recharger = Arc::clone(&node.recharger);
        storm.spawn(async move { recharger.run_due(10).await.unwrap() });
    }
    storm.join_all().await;
    assert_eq!((world.stripe.charges(), world.available(account).await), (1, cents(2_500)));
    let recharge = world.recharge(account).await;
    assert_eq!((recharge.state, recharge.bought), (RechargeState::Idle, cents(2_000)));
    assert_eq!(world.mails().await, [NoticeKind::TopUpReceipt; 2]);
    world.audit().await;
}

async fn one_charge_is_made_whenever_the_process_dies(fixture: Fixture) {
    let world = World::open(fixture).await;
    let mut steps = 0;
    loop {
        let account = world.subscriber().await;
        drop(world.mails().await);
        let before = world.stripe.charges();
        let done = world.fuse.after(steps, world.mortal.recharger.run_due(100)).await;
        world.look_again().await;
        assert_eq!(world.stripe.charges() - before, 1, "after {steps} steps");
        assert_eq!(world.available(account).await, cents(2_500), "after {steps} steps");
        let recharge = world.recharge(account).await;
        assert_eq!((recharge.state, recharge.bought), (RechargeState::Idle, cents(2_000)), "{steps}");
        assert_eq!(world.mails().await, [NoticeKind::TopUpReceipt], "after {steps} steps");
        if done.is_some() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 25, "only {steps} steps were seen");
    world.audit().await;
}

async fn a_refusal_counts_once_whenever_the_process_dies(fixture: Fixture) {
    let world = World::open(fixture).await;
    let mut steps = 0;
    loop {
        world.stripe.let_cards(CardManner::RefusesForGood);
        let account = world.subscriber().await;
        drop(world.mails().await);
        let before = world.stripe.charges();
        let done = world.fuse.after(steps, world.mortal.recharger.run_due(100)).await;
        world.look_again().await;
        let recharge = world.recharge(account).await;
        assert_eq!(world.stripe.charges() - before, 1, "after {steps} steps");
        assert_eq!((recharge.switch, recharge.failures), (RechargeSwitch::Stopped, 1), "after {steps} steps");
        assert_eq!(recharge.bought, Money::ZERO, "after {steps} steps");
        assert_eq!(world.mails().await, [NoticeKind::RechargeStopped], "after {steps} steps");
        if done.is_some() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 15, "only {steps} steps were seen");
    world.audit().await;
}

/// For a week, a look every ten minutes.
async fn a_card_that_always_refuses_is_charged_four_times(fixture: Fixture) {
    let world = World::open(fixture).await;
    world.stripe.let_cards(CardManner::Refuses);
    let account = world.subscriber().await;
    drop(world.mails().await);
    for _ in 0..7 * 24 * 6 {
        world.run_due().await;
        world.later(Duration::from_mins(10));
    }
    assert_eq!(world.stripe.charges(), 4);
    let recharge = world.recharge(account).await;
    assert_eq!((recharge.switch, recharge.bought), (RechargeSwitch::Stopped, Money::ZERO));
    assert_eq!(world.mails().await, [NoticeKind::RechargeStopped]);
    assert_eq!(world.available(account).await, cents(500));
    // Agreed to again, it begins anew.
    world.stripe.let_cards(CardManner::Pays);
    world.node.recharger.agree(account, RechargeWish::On(recharge.plan)).await.unwrap();
    world.run_due().await;
    assert_eq!((world.stripe.charges(), world.available(account).await), (5, cents(2_500)));
    world.audit().await;
}

async fn a_charge_that_the_bank_asks_about_waits_for_the_person(fixture: Fixture) {
    let world = World::open(fixture).await;
    world.stripe.let_cards(CardManner::AsksPayer);
    let account = world.subscriber().await;
    drop(world.mails().await);
    for _ in 0..30 {
        world.run_due().await;
        world.later(HOUR);
    }
    assert_eq!(world.stripe.charges(), 1, "it is not charged again while it waits");
    assert_eq!(world.mails().await, [NoticeKind::RechargeToConfirm]);
    let status = world.node.recharger.status(account).await.unwrap();
    let page = status.confirmation.unwrap();
    let asked = world.stripe.asked_for();
    let [payment] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(page.ends_with(&format!("/bank/{payment}")), "{page}");
    world.stripe.confirm_charge(payment).unwrap();
    world.run_due().await;
    assert_eq!(world.available(account).await, cents(2_500));
    assert_eq!(world.recharge(account).await.state, RechargeState::Idle);
    assert_eq!(world.mails().await, [NoticeKind::TopUpReceipt]);
    world.audit().await;
}

async fn nobody_who_left_or_complained_is_charged(fixture: Fixture) {
    let world = World::open(fixture).await;
    let (gone, frozen, complaining) =
        (world.subscriber().await, world.subscriber().await, world.subscriber().await);
    let at = world.factory.now();
    for (account, state) in [(gone, AccountState::Closed { at }), (frozen, AccountState::Frozen { at })] {
        let was = world.accounts.find(account).await.unwrap().unwrap();
        world.accounts.update(&was, Account { state, ..Account::clone(&was) }).await.unwrap();
    }
    let (id, page) = world.buy(complaining, cents(600)).await;
    world.stripe.pay(&page).unwrap();
    world.node.cashier.fulfil(id).await.unwrap();
    world.stripe.dispute(&page).unwrap();
    world.deliver_all().await;
    for _ in 0..5 {
        world.run_due().await;
        world.later(HOUR);
    }
    assert_eq!(world.stripe.charges(), 0);
    assert_eq!(world.recharge(gone).await.switch, RechargeSwitch::Off);
    for account in [frozen, complaining] {
        assert_eq!(world.recharge(account).await.switch, RechargeSwitch::On);
    }
    world.audit().await;
}
