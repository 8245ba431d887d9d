//! What background work makes up for, and whom it tells.

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::account::Account;
use aiduet_core::backends::memory::{MemoryAlerts, MemoryJobs, MemoryLedger};
use aiduet_core::clock::{Clock, ManualClock, SystemClock};
use aiduet_core::id::SystemEntropy;
use aiduet_core::jobs::{
    Batch, Job, JobError, JobStore, Jobs, LowBalance, MissedMessages, PendingTopUps, RunCause,
};
use aiduet_core::ledger::Ledger;
use aiduet_core::money::Money;
use aiduet_core::notify::{Letters, Notice};
use aiduet_core::payment::{AlertChannel, AlertWish, TopUpState};
use aiduet_core::testing::{Factory, cents};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::shop::Shop;

const LATER: Duration = Duration::from_mins(11);

async fn run(job: &dyn Job, shop: &Shop) -> Result<Batch, JobError> {
    job.run(shop.factory.now()).await
}

fn alerts(shop: &Shop) -> LowBalance {
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(shop.factory.clock());
    LowBalance {
        alerts: Arc::new(MemoryAlerts::new(Arc::<MemoryLedger>::clone(&shop.ledger))),
        ledger: Arc::<MemoryLedger>::clone(&shop.ledger),
        letters: Letters {
            accounts: Arc::clone(&shop.accounts) as _,
            outbox: Arc::clone(&shop.outbox) as _,
            clock,
            entropy: Arc::new(SystemEntropy),
        },
    }
}

async fn spend(shop: &Shop, account: &Account, amount: Money) {
    let spent = shop.factory.reserve(account.id, amount);
    drop(shop.ledger.reserve(spent.clone()).await.unwrap());
    shop.ledger.settle(shop.factory.settle(&spent, amount)).await.unwrap();
}

#[tokio::test]
async fn a_payment_gets_one_receipt_however_it_is_told() {
    let shop = Shop::open().await;
    let account = shop.person().await;
    let (id, page) = shop.buy(account.id, cents(2_500)).await;
    shop.stripe.pay(&page).unwrap();
    let mut nodes = JoinSet::new();
    for _node in 0..8 {
        let cashier = Arc::clone(&shop.cashier);
        nodes.spawn(async move { cashier.fulfil(id).await.unwrap() });
    }
    nodes.join_all().await;
    shop.deliver_all().await;
    let mails = shop.mails().await;
    let [Notice::TopUpReceipt { top_up, amount, tax, .. }] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((*top_up, *amount, *tax), (id, cents(2_500), Money::ZERO));
}

#[tokio::test]
async fn a_purchase_whose_message_is_lost_is_credited_by_asking() {
    let shop = Shop::open().await;
    let job = PendingTopUps { cashier: Arc::clone(&shop.cashier) };
    let account = shop.factory.account_id();
    let (id, page) = shop.buy(account, cents(1_000)).await;
    let (other, _unpaid) = shop.buy(account, cents(700)).await;
    shop.stripe.pay(&page).unwrap();
    assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(0), "a message may still come");
    shop.factory.clock().advance(LATER);
    assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(2));
    assert_eq!(shop.balance(account).await.available, cents(1_000));
    assert!(matches!(shop.top_up(id).await.state, TopUpState::Paid(_)));
    assert_eq!(shop.top_up(other).await.state, TopUpState::Open);
    assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(0), "it was asked about just now");
    shop.factory.clock().advance(job.schedule().every);
    assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(1));
    shop.audit().await;
}

/// More pages that nobody pays than one batch takes stand before one that is paid.
#[tokio::test]
async fn pages_that_nobody_pays_keep_no_payment_waiting() {
    let shop = Shop::open().await;
    let job: Arc<dyn Job> = Arc::new(PendingTopUps { cashier: Arc::clone(&shop.cashier) });
    for _ in 0..45 {
        shop.buy(shop.factory.account_id(), cents(500)).await;
        shop.factory.clock().advance(Duration::from_secs(1));
    }
    let account = shop.factory.account_id();
    let (_id, page) = shop.buy(account, cents(1_000)).await;
    shop.stripe.pay(&page).unwrap();
    shop.factory.clock().advance(LATER);
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(shop.factory.clock());
    let node = shop.factory.node_id();
    let jobs = Jobs { store: Arc::new(MemoryJobs::default()), all: vec![Arc::clone(&job)], clock, node };
    let ran = jobs.run(job.as_ref(), RunCause::Schedule, &CancellationToken::new()).await.unwrap().unwrap();
    assert_eq!(ran.done, 46);
    assert_eq!(shop.balance(account).await.available, cents(1_000));
}

#[tokio::test]
async fn a_card_company_that_is_silent_fails_the_job() {
    let shop = Shop::open().await;
    let job = PendingTopUps { cashier: Arc::clone(&shop.cashier) };
    shop.buy(shop.factory.account_id(), cents(1_000)).await;
    shop.factory.clock().advance(LATER);
    shop.stripe.go_silent();
    assert!(matches!(run(&job, &shop).await, Err(JobError::Refused { .. })));
}

#[tokio::test]
async fn messages_that_were_not_delivered_are_acted_on() {
    let shop = Shop::open().await;
    let store = Arc::new(MemoryJobs::default());
    let job: Arc<dyn Job> = Arc::new(MissedMessages {
        cashier: Arc::clone(&shop.cashier),
        jobs: Arc::clone(&store) as Arc<dyn JobStore>,
    });
    let account = shop.factory.account_id();
    let (_id, page) = shop.buy(account, cents(50_000)).await;
    shop.stripe.pay(&page).unwrap();
    shop.deliver_all().await;
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(shop.factory.clock());
    let node = shop.factory.node_id();
    let jobs = Jobs { store, all: vec![Arc::clone(&job)], clock, node };
    let run = async || {
        shop.factory.clock().advance(job.schedule().every);
        let stop = CancellationToken::new();
        jobs.run(job.as_ref(), RunCause::Schedule, &stop).await.unwrap().unwrap()
    };
    assert_eq!(run().await.done, 0);
    // More than a page of refunds on the card company's own site, of which nobody was told.
    for _ in 0..120 {
        shop.stripe.refund_by_hand(&page, 100).unwrap();
    }
    shop.stripe.go_silent();
    assert!(run().await.error.is_some());
    shop.stripe.speak_again();
    shop.factory.clock().advance(Duration::from_hours(24));
    assert_eq!(run().await.done, 120);
    assert_eq!(shop.balance(account).await.available, cents(38_000));
    assert_eq!(run().await.done, 0, "they lie before the last success");
    shop.audit().await;
}

#[tokio::test]
async fn a_fall_is_told_once_and_again_after_a_top_up() {
    let shop = Shop::open().await;
    let job = alerts(&shop);
    let account = shop.person().await;
    let wish = AlertWish { threshold: cents(500), channel: AlertChannel::Mail };
    let top_up = async || {
        let (_id, page) = shop.buy(account.id, cents(1_000)).await;
        shop.stripe.pay(&page).unwrap();
        shop.deliver_all().await;
        assert!(matches!(shop.mails().await.as_slice(), [Notice::TopUpReceipt { .. }]));
    };
    top_up().await;
    job.alerts.set(account.id, wish).await.unwrap();
    assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(0));
    for fall in 1..=3 {
        let before = shop.balance(account.id).await.available;
        spend(&shop, &account, before.checked_sub(cents(400)).unwrap()).await;
        for round in 0..3 {
            assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(u64::from(round == 0)), "fall {fall}");
        }
        let mails = shop.mails().await;
        let [Notice::LowBalance { available, threshold }] = mails.as_slice() else { panic!("{mails:?}") };
        assert_eq!((*available, *threshold), (cents(400), cents(500)));
        top_up().await;
        assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(1), "it is above again");
        assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(0));
    }
}

/// Whoever dies between the letter and the note of it, and whoever does the same at the same time,
/// writes nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fall_is_told_once_by_all_nodes_and_after_a_crash() {
    let shop = Shop::open().await;
    let account = shop.person().await;
    let job = Arc::new(alerts(&shop));
    let wish = AlertWish { threshold: cents(500), channel: AlertChannel::Mail };
    let alert = job.alerts.set(account.id, wish).await.unwrap();
    // The letter of somebody who died before it was noted.
    let notice = Notice::LowBalance { available: Money::ZERO, threshold: alert.threshold };
    job.letters.send(account.id, notice, &[&alert.fall()]).await.unwrap();
    let mut nodes = JoinSet::new();
    for _node in 0..8 {
        let job = Arc::clone(&job);
        nodes.spawn(async move { job.run(SystemClock::new().now()).await.unwrap().done });
    }
    assert_eq!(nodes.join_all().await.into_iter().sum::<u64>(), 1);
    assert_eq!(shop.mails().await.len(), 1);
}

#[tokio::test]
async fn whoever_wants_no_mail_gets_none_and_nobody_writes_to_those_who_left() {
    let shop = Shop::open().await;
    let job = alerts(&shop);
    let quiet = shop.person().await;
    let wish = AlertWish { threshold: cents(500), channel: AlertChannel::Screen };
    job.alerts.set(quiet.id, wish).await.unwrap();
    let gone = Factory::new(9).account_id();
    job.alerts.set(gone, AlertWish { channel: AlertChannel::Mail, ..wish }).await.unwrap();
    assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(2));
    job.alerts.set(quiet.id, AlertWish { channel: AlertChannel::Mail, ..wish }).await.unwrap();
    assert_eq!(run(&job, &shop).await.unwrap(), Batch::last(0), "the fall is over");
    assert!(shop.mails().await.is_empty());
}
