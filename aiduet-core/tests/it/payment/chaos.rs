//! Generated histories of payments whose messages are repeated, shuffled, and taken by two nodes at
//! the same time, end in the books that the same history makes in order.

use std::sync::Arc;

use aiduet_core::backends::simulated::stripe::Verdict;
use aiduet_core::id::AccountId;
use aiduet_core::payment::{TopUpPage, TopUpStore};
use aiduet_core::testing::{SeededEntropy, cents};
use tokio::task::JoinSet;

use super::shop::Shop;

/// `AIDUET_WEBHOOK_SCENARIOS` asks for more.
#[expect(clippy::disallowed_methods, reason = "how many is chosen by environment")]
fn scenarios() -> u64 {
    std::env::var("AIDUET_WEBHOOK_SCENARIOS").ok().and_then(|text| text.parse().ok()).unwrap_or(150)
}

/// Numbers below a bound, the same for the same seed.
struct Dice(SeededEntropy);

impl Dice {
    fn below(&self, bound: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// Lets payers and banks do something; what cannot happen then does not.
async fn live(shop: &Shop, dice: &Dice) -> Vec<AccountId> {
    let accounts: Vec<AccountId> = (0..2).map(|_| shop.factory.account_id()).collect();
    let mut pages = Vec::new();
    for _ in 0..=dice.below(3) {
        let amount = cents(i64::try_from(500 + dice.below(5_000)).unwrap());
        pages.push(shop.buy(accounts[dice.below(2)], amount).await.1);
    }
    let (mut refunds, mut disputes) = (Vec::new(), Vec::new());
    for _ in 0..dice.below(12) {
        let page = &pages[dice.below(pages.len())];
        match dice.below(9) {
            0 | 1 => drop(shop.stripe.pay(page)),
            2 => drop(shop.stripe.pay_slowly(page)),
            3 => drop(shop.stripe.confirm(page)),
            4 => drop(shop.stripe.fail(page)),
            5 => drop(shop.stripe.expire(page)),
            6 => refunds
                .extend(shop.stripe.refund_by_hand(page, 100 + i64::try_from(dice.below(900)).unwrap())),
            7 => drop(refunds.last().map(|refund| shop.stripe.fail_refund(refund))),
            _ => match disputes.pop() {
                None => disputes.extend(shop.stripe.dispute(page)),
                Some(dispute) => {
                    let verdict = if dice.below(2) == 0 { Verdict::Won } else { Verdict::Lost };
                    shop.stripe.decide(&dispute, verdict).unwrap();
                }
            },
        }
    }
    accounts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_and_number_of_messages_change_nothing() {
    let mut paid = 0;
    for seed in 0..scenarios() {
        let shop = Arc::new(Shop::open().await);
        let dice = Dice(SeededEntropy::new(seed));
        let accounts = live(&shop, &dice).await;
        paid += shop.stripe.payments();
        // What the card company says at the end is what must be in the books.
        let reference = reference(&shop, &accounts).await;
        let mut deliveries: Vec<_> = shop
            .stripe
            .deliveries()
            .into_iter()
            .flat_map(|delivery| vec![delivery; 1 + dice.below(5)])
            .collect();
        for place in (1..deliveries.len()).rev() {
            deliveries.swap(place, dice.below(place + 1));
        }
        let mut nodes = JoinSet::new();
        for part in deliveries.chunks(deliveries.len().div_ceil(2).max(1)) {
            let (shop, part) = (Arc::clone(&shop), part.to_vec());
            nodes.spawn(async move {
                for delivery in part {
                    shop.deliver(&delivery).await.unwrap();
                }
            });
        }
        nodes.join_all().await;
        for (account, expected) in accounts.iter().zip(reference) {
            assert_eq!(shop.balance(*account).await.available, cents(expected), "seed {seed}");
        }
        shop.audit().await;
    }
    assert!(paid > 0, "nothing was paid");
}

/// What each account should have, in cents, by the card company's own lists.
async fn reference(shop: &Shop, accounts: &[AccountId]) -> Vec<i64> {
    let left = shop.stripe.left_by_reference();
    let mut sums = Vec::new();
    for account in accounts {
        let page = TopUpPage { account: *account, before: None, limit: 100 };
        let own = shop.top_ups.list(page).await.unwrap();
        sums.push(own.iter().filter_map(|top_up| left.get(&top_up.id.to_string())).sum());
    }
    sums
}
