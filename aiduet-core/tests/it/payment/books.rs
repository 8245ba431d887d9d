//! What purchases, refunds and disputes do to the books.

use std::time::Duration;

use aiduet_core::account::{Account, AccountState, AccountStore};
use aiduet_core::backends::simulated::stripe::Verdict;
use aiduet_core::backends::stripe::AutomaticTax;
use aiduet_core::ledger::{Journal, Ledger, LedgerAccount, LedgerError, Reserving};
use aiduet_core::money::Money;
use aiduet_core::payment::{
    CardUse, CashierError, CheckoutRequest, OpenTopUp, PayerProcessor, PaymentProcessor, TopUp, TopUpState,
    TopUpStore,
};
use aiduet_core::testing::cents;

use super::shop::Shop;

#[tokio::test]
async fn a_payment_is_credited_once_however_it_is_told() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    let (id, page) = shop.buy(account, cents(2_500)).await;
    assert_eq!(shop.cashier.fulfil(id).await.unwrap().state, TopUpState::Open);
    shop.stripe.pay(&page).unwrap();
    let deliveries = shop.stripe.deliveries();
    for _ in 0..3 {
        for delivery in deliveries.iter().rev() {
            shop.deliver(delivery).await.unwrap();
        }
        shop.cashier.fulfil(id).await.unwrap();
    }
    assert_eq!(shop.balance(account).await.available, cents(2_500));
    assert!(matches!(shop.top_up(id).await.state, TopUpState::Paid(_)));
    shop.audit().await;
}

#[tokio::test]
async fn a_slow_payment_is_credited_when_it_arrives_and_closed_when_it_does_not() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    let (arrives, first) = shop.buy(account, cents(1_000)).await;
    let (fails, second) = shop.buy(account, cents(1_000)).await;
    let (expires, third) = shop.buy(account, cents(1_000)).await;
    shop.stripe.pay_slowly(&first).unwrap();
    shop.stripe.pay_slowly(&second).unwrap();
    shop.deliver_all().await;
    assert_eq!(shop.top_up(arrives).await.state, TopUpState::Processing);
    assert_eq!(shop.balance(account).await.available, Money::ZERO);
    shop.stripe.confirm(&first).unwrap();
    shop.stripe.fail(&second).unwrap();
    shop.stripe.expire(&third).unwrap();
    shop.deliver_all().await;
    assert!(matches!(shop.top_up(arrives).await.state, TopUpState::Paid(_)));
    assert_eq!(shop.top_up(fails).await.state, TopUpState::Closed);
    assert_eq!(shop.top_up(expires).await.state, TopUpState::Closed);
    assert_eq!(shop.balance(account).await.available, cents(1_000));
    shop.audit().await;
}

#[tokio::test]
async fn a_payment_that_is_not_what_was_asked_for_credits_nobody() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    let id = shop.buy(account, cents(1_000)).await.0;
    let kept = shop.top_up(id).await;
    // Somebody opened a page of another amount for the purchase of a third one.
    let other =
        TopUp { id: aiduet_core::id::TopUpId::from_uuid(shop.factory.account_id().as_uuid()), ..kept };
    let wish = CheckoutRequest {
        top_up: other.id,
        amount: cents(500),
        payer: shop.processor.open_payer(account).await.unwrap(),
        card: CardUse::Once,
        return_url: "https://example.com/".to_owned(),
        cancel_url: "https://example.com/".to_owned(),
    };
    let page = shop.processor.open_checkout(wish).await.unwrap();
    shop.top_ups.insert(TopUp { checkout: None, ..other.clone() }).await.unwrap();
    shop.top_ups.attach(other.id, page.clone()).await.unwrap();
    shop.stripe.pay(&page.external.to_string()).unwrap();
    shop.deliver_all().await;
    assert_eq!(shop.top_up(other.id).await.state, TopUpState::Suspended);
    assert_eq!(shop.balance(account).await.available, Money::ZERO);
}

#[tokio::test]
async fn tax_never_becomes_credit_and_goes_back_in_proportion() {
    let shop = Shop::with(|config| config.automatic_tax = AutomaticTax::On).await;
    let account = shop.factory.account_id();
    let (_id, page) = shop.buy(account, cents(2_000)).await;
    shop.stripe.pay(&page).unwrap();
    shop.deliver_all().await;
    assert_eq!(shop.balance(account).await.available, cents(2_000));
    shop.stripe.refund_by_hand(&page, 1_100).unwrap();
    shop.deliver_all().await;
    assert_eq!(shop.balance(account).await.available, cents(1_000));
    let refund = shop.stripe.refund_by_hand(&page, 1_100).unwrap();
    shop.deliver_all().await;
    assert_eq!(shop.balance(account).await.available, Money::ZERO);
    shop.stripe.fail_refund(&refund).unwrap();
    shop.deliver_all().await;
    assert_eq!(shop.balance(account).await.available, cents(1_000));
    shop.audit().await;
}

/// T16: a cent that is neither credit nor tax stops nothing.
#[tokio::test]
async fn t16_a_payment_with_tax_goes_back_in_any_parts() {
    let shop = Shop::with(|config| config.automatic_tax = AutomaticTax::On).await;
    let account = shop.factory.account_id();
    let (_id, refunded) = shop.buy(account, cents(1_000)).await;
    let (_id, disputed) = shop.buy(account, cents(1_000)).await;
    for page in [&refunded, &disputed] {
        shop.stripe.pay(page).unwrap();
    }
    for _ in 0..11 {
        shop.stripe.refund_by_hand(&refunded, 100).unwrap();
    }
    shop.stripe.refund_by_hand(&disputed, 100).unwrap();
    shop.stripe.dispute(&disputed).unwrap();
    shop.deliver_all().await;
    // Eleven times 90.9 and once 909.09, each rounded down.
    assert_eq!(shop.balance(account).await.available, cents(10 + 1));
    let clearing = shop.ledger.house(LedgerAccount::StripeClearing).await.unwrap();
    assert_eq!(clearing, cents(shop.stripe.balance_cents()));
    shop.audit().await;
}

#[tokio::test]
async fn a_refund_that_is_told_before_its_payment_waits_for_nobody() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    let (_id, page) = shop.buy(account, cents(1_000)).await;
    shop.stripe.pay(&page).unwrap();
    let refund = shop.stripe.refund_by_hand(&page, 400).unwrap();
    shop.stripe.fail_refund(&refund).unwrap();
    shop.stripe.refund_by_hand(&page, 300).unwrap();
    let mut deliveries = shop.stripe.deliveries();
    deliveries.reverse();
    for delivery in &deliveries {
        shop.deliver(delivery).await.unwrap();
    }
    assert_eq!(shop.balance(account).await.available, cents(700));
    shop.audit().await;
}

/// T16: what failed takes no room beside what was made in its place.
#[tokio::test]
async fn t16_a_refund_that_failed_is_told_after_the_one_in_its_place() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    let (_id, page) = shop.buy(account, cents(1_000)).await;
    shop.stripe.pay(&page).unwrap();
    shop.deliver_all().await;
    let refund = shop.stripe.refund_by_hand(&page, 600).unwrap();
    shop.stripe.fail_refund(&refund).unwrap();
    let failed = shop.stripe.deliveries();
    shop.stripe.refund_by_hand(&page, 700).unwrap();
    shop.deliver_all().await;
    for delivery in &failed {
        shop.deliver(delivery).await.unwrap();
    }
    assert_eq!(shop.balance(account).await.available, cents(300));
    shop.audit().await;
}

#[tokio::test]
async fn a_dispute_stops_spending_until_it_is_won() {
    let shop = Shop::open().await;
    let account = shop.owner().await.id;
    let (_id, page) = shop.buy(account, cents(1_000)).await;
    shop.stripe.pay(&page).unwrap();
    shop.deliver_all().await;
    let reserve = async || shop.ledger.reserve(shop.factory.reserve(account, cents(1))).await;
    let dispute = shop.stripe.dispute(&page).unwrap();
    shop.deliver_all().await;
    assert_eq!(shop.balance(account).await.available, Money::ZERO);
    assert!(matches!(reserve().await, Err(LedgerError::Frozen)));
    shop.stripe.decide(&dispute, Verdict::Won).unwrap();
    shop.deliver_all().await;
    assert_eq!(shop.balance(account).await.available, cents(1_000));
    drop(reserve().await.unwrap());
    shop.audit().await;
}

#[tokio::test]
async fn a_won_dispute_lifts_nothing_that_an_operator_or_the_owner_stopped() {
    let shop = Shop::open().await;
    let at = shop.factory.now();
    for state in [AccountState::Frozen { at }, AccountState::Deleting { at }, AccountState::Closed { at }] {
        let owner = shop.owner().await;
        let account = owner.id;
        let (_id, page) = shop.buy(account, cents(1_000)).await;
        shop.stripe.pay(&page).unwrap();
        shop.deliver_all().await;
        let dispute = shop.stripe.dispute(&page).unwrap();
        shop.deliver_all().await;
        let stopped = Account { state, ..owner.clone() };
        shop.accounts.update(&owner, stopped).await.unwrap();
        shop.ledger.set_reserving(account, Reserving::Frozen).await.unwrap();
        shop.stripe.decide(&dispute, Verdict::Won).unwrap();
        shop.deliver_all().await;
        assert_eq!(shop.balance(account).await.available, cents(1_000), "the money is back");
        let reserved = shop.ledger.reserve(shop.factory.reserve(account, cents(1))).await;
        assert!(matches!(reserved, Err(LedgerError::Frozen)), "{state:?}");
    }
    shop.audit().await;
}

#[tokio::test]
async fn a_lost_dispute_may_leave_a_debt_and_spending_stays_stopped() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    let (_id, page) = shop.buy(account, cents(1_000)).await;
    shop.stripe.pay(&page).unwrap();
    shop.deliver_all().await;
    let spent = shop.factory.reserve(account, cents(400));
    drop(shop.ledger.reserve(spent.clone()).await.unwrap());
    shop.ledger.settle(shop.factory.settle(&spent, cents(400))).await.unwrap();
    let dispute = shop.stripe.dispute(&page).unwrap();
    shop.stripe.decide(&dispute, Verdict::Lost).unwrap();
    shop.deliver_all().await;
    assert_eq!(shop.balance(account).await.available, cents(-400));
    let refused = shop.ledger.reserve(shop.factory.reserve(account, cents(1))).await;
    assert!(matches!(refused, Err(LedgerError::Frozen)), "{refused:?}");
    shop.audit().await;
}

#[tokio::test]
async fn purchases_are_bounded_in_size_and_number() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    for amount in [cents(499), cents(100_001), Money::from_nanos(5_000_000_001)] {
        let refused = shop.try_buy(account, amount).await;
        assert!(matches!(refused, Err(CashierError::Amount { .. })), "{amount}");
    }
    for hour in 0..2 {
        for _ in 0..5 {
            shop.try_buy(account, cents(500)).await.unwrap();
        }
        let refused = shop.try_buy(account, cents(500)).await;
        let wait = if hour == 0 { Duration::from_hours(1) } else { Duration::from_hours(23) };
        assert!(matches!(refused, Err(CashierError::TooMany { retry_after }) if retry_after == wait));
        shop.try_buy(shop.factory.account_id(), cents(500)).await.unwrap();
        shop.factory.clock().advance(Duration::from_hours(1));
    }
}

#[tokio::test]
async fn the_same_request_again_is_the_same_purchase_and_counts_once() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    let wish = OpenTopUp { request: Some([1; 32]), ..Shop::wish(account, cents(500)) };
    let first = shop.cashier.open(wish.clone()).await.unwrap();
    for _ in 0..10 {
        assert_eq!(shop.cashier.open(wish.clone()).await.unwrap(), first);
    }
    let other = OpenTopUp { amount: cents(600), ..wish.clone() };
    assert!(matches!(shop.cashier.open(other).await, Err(CashierError::RequestReused)));
    let other = OpenTopUp { card: CardUse::Kept, ..wish.clone() };
    assert!(matches!(shop.cashier.open(other).await, Err(CashierError::RequestReused)));
    // An answer that was lost leaves a purchase without a page, which gets one.
    let wish = OpenTopUp { request: Some([2; 32]), ..wish };
    for _ in 0..4 {
        shop.stripe.fail_next(503);
    }
    assert!(matches!(shop.cashier.open(wish.clone()).await, Err(CashierError::Payment(_))));
    let page = shop.cashier.open(wish.clone()).await.unwrap().checkout.unwrap();
    assert_eq!(shop.cashier.open(wish).await.unwrap().checkout, Some(page));
}

#[tokio::test]
async fn a_new_account_buys_little_on_its_first_day() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    let wish = |amount| OpenTopUp { since: shop.factory.now(), ..Shop::wish(account, cents(amount)) };
    let new = wish(6_000);
    let first = shop.cashier.open(new.clone()).await.unwrap();
    let refused = shop.cashier.open(wish(4_001)).await;
    assert!(matches!(refused, Err(CashierError::NewcomerMaximum { max }) if max == cents(10_000)));
    shop.cashier.open(wish(4_000)).await.unwrap();
    // What was not paid does not count.
    shop.stripe.expire(&first.checkout.unwrap().external.to_string()).unwrap();
    shop.deliver_all().await;
    shop.cashier.open(new.clone()).await.unwrap();
    shop.factory.clock().advance(Duration::from_hours(24));
    shop.cashier.open(OpenTopUp { amount: cents(50_000), ..new }).await.unwrap();
}

#[tokio::test]
async fn a_person_is_one_payer() {
    let shop = Shop::open().await;
    let account = shop.factory.account_id();
    for _ in 0..3 {
        shop.buy(account, cents(500)).await;
    }
    assert_eq!(shop.stripe.customers(), 1);
    let visit = shop.factory.request_id();
    let portal = shop.cashier.open_portal(account, visit).await.unwrap();
    assert_eq!(shop.cashier.open_portal(account, visit).await.unwrap(), portal);
    assert_eq!(shop.stripe.customers(), 1);
    let wish = OpenTopUp { card: CardUse::Kept, ..Shop::wish(shop.factory.account_id(), cents(500)) };
    let page = shop.cashier.open(wish).await.unwrap().checkout.unwrap();
    assert_eq!((shop.stripe.customers(), shop.stripe.cards()), (2, 0));
    shop.stripe.pay(&page.external.to_string()).unwrap();
    assert_eq!(shop.stripe.cards(), 1);
}
