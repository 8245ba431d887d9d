//! Messages that are repeated, mixed, and taken by two nodes at the same time.

use super::*;
use crate::backends::simulated::stripe::Delivery;
use crate::payment::{CashierError, SignedPayload, TopUpPage};
use crate::testing::card_company::Story;

on_each_database! {
    t11_the_order_and_number_of_messages_change_nothing
}

/// Histories on one database; `tests/it/payment` goes through many more in memory.
const HISTORIES: u64 = 12;

/// T11, and the clearing account of T16, which the audit looks at.
async fn t11_the_order_and_number_of_messages_change_nothing(fixture: Fixture) {
    let world = Arc::new(World::open(fixture).await);
    let mut people = Vec::new();
    for seed in 0..HISTORIES {
        let mut story = Story::new(seed);
        let person = world.person().await.id;
        for _ in 0..=story.below(2) {
            let amount = cents(i64::try_from(500 + story.below(5_000)).unwrap());
            story.open(world.buy(person, amount).await.1);
        }
        let mut waiting = Vec::new();
        for _ in 0..12 {
            story.go_on(&world.stripe);
            story.pile(&mut waiting, &world.stripe.deliveries());
        }
        // Nothing goes back of what had gone back before, until the message came that it had not arrived.
        for round in 0.. {
            assert!(round < 5, "seed {seed}: {} messages are refused for ever", waiting.len());
            waiting = deliver(&world, waiting).await;
            if waiting.is_empty() {
                break;
            }
        }
        people.push((seed, person));
    }
    let top_ups = SeaOrmTopUpStore::new(world.database.clone());
    let left = world.stripe.left_by_reference();
    for (seed, account) in people {
        let page = TopUpPage { account, before: None, limit: 100 };
        let own = top_ups.list(page).await.unwrap();
        let expected = own.iter().filter_map(|top_up| left.get(&top_up.id.to_string())).sum();
        assert_eq!(world.available(account).await, cents(expected), "seed {seed}");
    }
    let receipts = world.mails().await.into_iter().filter(|mail| *mail == NoticeKind::TopUpReceipt);
    assert_eq!(receipts.count(), world.stripe.payments());
    assert!(world.stripe.payments() > 0, "nothing was paid");
    world.audit().await;
}

/// Two nodes take half of the messages each; returns those that are to be sent again.
async fn deliver(world: &Arc<World>, messages: Vec<Delivery>) -> Vec<Delivery> {
    let mut nodes = JoinSet::new();
    let cashiers = [&world.node.cashier, &world.mortal.cashier];
    for (part, cashier) in messages.chunks(messages.len().div_ceil(2).max(1)).zip(cashiers) {
        let (part, cashier, received_at) = (part.to_vec(), Arc::clone(cashier), world.factory.now());
        nodes.spawn(async move {
            let mut refused = Vec::new();
            for delivery in part {
                let Delivery { body, signature } = &delivery;
                match cashier.receive(SignedPayload { body, signature, received_at }).await {
                    Ok(()) => {}
                    Err(CashierError::Early) => refused.push(delivery),
                    Err(error) => panic!("{error}"),
                }
            }
            refused
        });
    }
    nodes.join_all().await.concat()
}
