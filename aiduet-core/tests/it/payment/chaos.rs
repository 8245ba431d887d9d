//! Generated histories of payments, refunds and disputes whose messages are repeated, mixed, and taken
//! by two nodes at the same time, while things go on, end in the books that the same history makes
//! in order. Between the decision that somebody may spend and what follows from it a node lets the other one
//! go first, so that a decision that is old by then is seen at the end.

use std::sync::Arc;

use aiduet_core::account::AccountStore;
use aiduet_core::backends::simulated::stripe::{Delivery, Verdict};
use aiduet_core::backends::stripe::AutomaticTax;
use aiduet_core::id::AccountId;
use aiduet_core::ledger::{Journal, Ledger, LedgerAccount, LedgerError};
use aiduet_core::money::Money;
use aiduet_core::notify::NoticeKind;
use aiduet_core::payment::{CashierError, PayerStore, TopUp, TopUpPage, TopUpState, TopUpStore};
use aiduet_core::testing::card_company::Story;
use aiduet_core::testing::cents;
use tokio::task::JoinSet;

use super::shop::Shop;

/// A number that the environment may say otherwise: `AIDUET_WEBHOOK_SCENARIOS` histories, of which
/// `AIDUET_WEBHOOK_SEED` is the first.
#[expect(clippy::disallowed_methods, reason = "which histories are made is chosen by environment")]
fn chosen(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// T11, and the clearing account of T16.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t11_the_order_and_number_of_messages_change_nothing() {
    let first = chosen("AIDUET_WEBHOOK_SEED", 0);
    let mut seeds = first..first + chosen("AIDUET_WEBHOOK_SCENARIOS", 10_000);
    let (mut scenarios, mut paid) = (JoinSet::new(), 0);
    // A few at a time keep both cores busy.
    for seed in seeds.by_ref().take(4) {
        scenarios.spawn(scenario(seed));
    }
    while let Some(done) = scenarios.join_next().await {
        paid += done.unwrap();
        drop(seeds.next().map(|seed| scenarios.spawn(scenario(seed))));
    }
    assert!(paid > 0, "nothing was paid");
}

/// Several disputes of a person, each of which one node learns of when the other one has decided.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t16_of_several_disputes_one_that_is_open_stops_spending() {
    let first = chosen("AIDUET_WEBHOOK_SEED", 0);
    for seed in first..first + chosen("AIDUET_DISPUTE_SCENARIOS", 2_000) {
        disputes(seed).await;
    }
}

async fn disputes(seed: u64) {
    let (shop, story) = (Arc::new(Shop::within(|_config| {})), Story::new(seed));
    let person = shop.person().await;
    let mut pages = Vec::new();
    for _purchase in 0..3 {
        let (_id, page) = shop.buy(person.id, cents(500)).await;
        shop.stripe.pay(&page).unwrap();
        pages.push(page);
    }
    shop.deliver_all().await;
    let (mut messages, mut is_stopped) = (Vec::new(), false);
    for page in &pages {
        // One that was not heard complains again.
        for _complaint in 0..=story.below(2) {
            let dispute = shop.stripe.dispute(page).unwrap();
            let is_open = story.below(3) == 0;
            if !is_open {
                shop.stripe.decide(&dispute, Verdict::Won).unwrap();
            }
            // The last message tells as much as all of them.
            let place = story.below(messages.len() + 1);
            messages.insert(place, shop.stripe.deliveries().pop().unwrap());
            if is_open {
                is_stopped = true;
                break;
            }
        }
    }
    for _round in 0..messages.len() {
        messages = deliver(&shop, messages).await;
    }
    assert!(
        messages.is_empty(),
        "AIDUET_WEBHOOK_SEED={seed}: {} messages are refused for ever",
        messages.len()
    );
    let state = State::of(&shop, person.id).await;
    assert_eq!(state.2, is_stopped, "AIDUET_WEBHOOK_SEED={seed}: {state:?}");
    shop.audit().await;
}

/// One history; returns how many payments were made.
async fn scenario(seed: u64) -> usize {
    let tax = if seed.is_multiple_of(4) { AutomaticTax::On } else { AutomaticTax::Off };
    let shop = Arc::new(Shop::within(|config| config.automatic_tax = tax));
    let in_order = shop.beside();
    let mut story = Story::new(seed);
    let people = [shop.person().await, shop.person().await];
    for person in &people {
        in_order.accounts.insert(person.clone(), &[]).await.unwrap();
    }
    for _ in 0..=story.below(3) {
        let amount = cents(i64::try_from(500 + story.below(5_000)).unwrap());
        let (id, page) = shop.buy(people[story.below(2)].id, amount).await;
        copy(&shop.top_up(id).await, (&shop, &in_order)).await;
        story.open(page);
    }
    let mut waiting = Vec::new();
    for _ in 0..story.below(16) {
        story.go_on(&shop.stripe);
        let news = shop.stripe.deliveries();
        for delivery in &news {
            in_order.deliver(delivery).await.unwrap();
        }
        story.pile(&mut waiting, &news);
        if story.below(4) == 0 {
            let some = story.below(waiting.len() + 1);
            let refused = deliver(&shop, waiting.split_off(some)).await;
            waiting.extend(refused);
        }
    }
    for round in 0.. {
        assert!(round < 5, "AIDUET_WEBHOOK_SEED={seed}: {} messages are refused for ever", waiting.len());
        waiting = deliver(&shop, waiting).await;
        if waiting.is_empty() {
            break;
        }
    }
    compare(seed, (&shop, &in_order), &people.map(|person| person.id)).await;
    shop.stripe.payments()
}

/// Other books know of a purchase too.
async fn copy(top_up: &TopUp, (from, to): (&Shop, &Shop)) {
    let payer = from.payers.find(top_up.account).await.unwrap().unwrap();
    to.payers.keep(top_up.account, payer).await.unwrap();
    to.top_ups.insert(TopUp { checkout: None, ..top_up.clone() }).await.unwrap();
    to.top_ups.attach(top_up.id, top_up.checkout.clone().unwrap()).await.unwrap();
}

/// Two nodes take half of the messages each, at the same time; returns those that are to be sent again.
/// Nothing goes back of what had gone back before, until the message came that it had not arrived.
async fn deliver(shop: &Arc<Shop>, messages: Vec<Delivery>) -> Vec<Delivery> {
    let mut nodes = JoinSet::new();
    for part in messages.chunks(messages.len().div_ceil(2).max(1)) {
        let (shop, node, part) = (Arc::clone(shop), shop.node(), part.to_vec());
        nodes.spawn(async move {
            let mut refused = Vec::new();
            for delivery in part {
                let taken = shop.deliver_to(&node, &delivery).await;
                if matches!(taken, Err(CashierError::Early)) {
                    refused.push(delivery);
                } else {
                    taken.unwrap();
                }
            }
            refused
        });
    }
    nodes.join_all().await.concat()
}

async fn compare(seed: u64, (shop, in_order): (&Shop, &Shop), people: &[AccountId]) {
    let left = shop.stripe.left_by_reference();
    for account in people {
        let (state, expected) = (State::of(shop, *account).await, State::of(in_order, *account).await);
        assert_eq!(state, expected, "AIDUET_WEBHOOK_SEED={seed}");
        // What the card company says at the end; it knows nothing of what is tax.
        let own = state.1.iter().filter_map(|(id, _paid)| left.get(&id.to_string())).sum();
        assert!(seed.is_multiple_of(4) || state.0 == cents(own), "AIDUET_WEBHOOK_SEED={seed}: {state:?}");
    }
    for books in [shop, in_order] {
        let clearing = books.ledger.house(LedgerAccount::StripeClearing).await.unwrap();
        assert_eq!(clearing, cents(shop.stripe.balance_cents()), "AIDUET_WEBHOOK_SEED={seed}");
        let receipts = books.mails().await.into_iter().filter(|mail| mail.kind() == NoticeKind::TopUpReceipt);
        assert_eq!(receipts.count(), shop.stripe.payments(), "AIDUET_WEBHOOK_SEED={seed}");
        books.audit().await;
    }
}

/// What is available, which purchases are paid, and whether spending is stopped.
#[derive(Debug, PartialEq, Eq)]
struct State(Money, Vec<(aiduet_core::id::TopUpId, bool)>, bool);

impl State {
    async fn of(books: &Shop, account: AccountId) -> Self {
        let page = TopUpPage { account, before: None, limit: 100 };
        let own = books.top_ups.list(page).await.unwrap();
        let paid = own.iter().map(|one| (one.id, matches!(one.state, TopUpState::Paid(_)))).collect();
        let reserved = books.ledger.reserve(books.factory.reserve(account, cents(1))).await;
        let is_frozen = matches!(reserved, Err(LedgerError::Frozen));
        Self(books.balance(account).await.posted, paid, is_frozen)
    }
}
