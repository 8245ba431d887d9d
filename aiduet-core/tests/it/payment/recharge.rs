//! Automatic purchases of somebody whose balance, card or name at the card company changes meanwhile.

use std::sync::Arc;

use aiduet_core::account::Account;
use aiduet_core::backends::memory::{MemoryLedger, MemoryRecharges};
use aiduet_core::clock::Timestamp;
use aiduet_core::id::AccountId;
use aiduet_core::ledger::{Entry, ExternalId, Ledger};
use aiduet_core::money::Money;
use aiduet_core::notify::Notice;
use aiduet_core::payment::{
    CardUse, DECLINES_COUNT, OpenTopUp, PayerStore, Recharge, RechargeChange, RechargeError, RechargePlan,
    RechargeState, RechargeStore, RechargeSwitch, RechargeWish,
};
use aiduet_core::testing::cents;
use async_trait::async_trait;

use super::shop::Shop;

/// Somebody with 5 USD who agreed to buy 20 USD below 10 USD, and the name at the card company.
async fn subscriber(shop: &Shop) -> (Account, String) {
    let account = shop.person().await;
    let wish = OpenTopUp { card: CardUse::Kept, ..Shop::wish(account.id, cents(500)) };
    let page = shop.cashier.open(wish).await.unwrap().checkout.unwrap();
    shop.stripe.pay(&page.external.to_string()).unwrap();
    shop.deliver_all().await;
    let plan = RechargePlan { threshold: cents(1_000), amount: cents(2_000), monthly_max: cents(10_000) };
    shop.recharger().agree(account.id, RechargeWish::On(plan)).await.unwrap();
    drop(shop.mails().await);
    let payer = shop.payers.find(account.id).await.unwrap().unwrap();
    (account, payer.to_string())
}

async fn switch_of(shop: &Shop, account: &Account) -> RechargeSwitch {
    shop.recharges.find(account.id).await.unwrap().unwrap().switch
}

#[tokio::test]
async fn a_card_that_is_taken_back_ends_automatic_purchases_with_one_mail() {
    let shop = Shop::open().await;
    let ((account, payer), (other, _)) = (subscriber(&shop).await, subscriber(&shop).await);
    assert!(shop.stripe.detach_card(&payer));
    let told = shop.stripe.deliveries();
    assert_eq!(told.len(), 1);
    for _ in 0..3 {
        shop.deliver(&told[0]).await.unwrap();
    }
    assert_eq!(switch_of(&shop, &account).await, RechargeSwitch::Stopped);
    assert_eq!(switch_of(&shop, &other).await, RechargeSwitch::On);
    let mails = shop.mails().await;
    assert!(matches!(mails.as_slice(), [Notice::CardGone { .. }]), "{mails:?}");
    shop.recharger().run_due(10).await.unwrap();
    assert_eq!((shop.stripe.charges(), shop.balance(account.id).await.available), (1, cents(500)));
    assert_eq!(shop.balance(other.id).await.available, cents(2_500));
}

#[tokio::test]
async fn a_payer_who_is_deleted_at_the_card_company_buys_nothing_automatically() {
    let shop = Shop::open().await;
    let (account, payer) = subscriber(&shop).await;
    assert!(shop.stripe.delete_customer(&payer));
    shop.deliver_all().await;
    assert_eq!(switch_of(&shop, &account).await, RechargeSwitch::Stopped);
    let mails = shop.mails().await;
    assert!(matches!(mails.as_slice(), [Notice::CardGone { .. }]), "{mails:?}");
    shop.recharger().run_due(10).await.unwrap();
    assert_eq!(shop.stripe.charges(), 0);
}

#[tokio::test]
async fn what_the_message_says_counts_for_nothing_while_the_card_is_kept() {
    let shop = Shop::open().await;
    let (account, payer) = subscriber(&shop).await;
    let card = shop.recharges.find(account.id).await.unwrap().unwrap().card;
    for (kind, object) in [("payment_method.detached", card.to_string()), ("customer.deleted", payer)] {
        let body = format!(
            r#"{{"id":"evt_1","object":"event","type":"{kind}","livemode":false,"data":{{"object":{{"id":"{object}"}}}}}}"#
        );
        shop.deliver(&shop.stripe.sign(body.into_bytes())).await.unwrap();
    }
    assert_eq!(switch_of(&shop, &account).await, RechargeSwitch::On);
    assert!(shop.mails().await.is_empty());
}

#[tokio::test]
async fn sec_t37_no_card_is_charged_after_three_refused_payments() {
    let shop = Shop::open().await;
    let (account, _payer) = subscriber(&shop).await;
    let (_top_up, page) = shop.buy(account.id, cents(500)).await;
    for _ in 0..3 {
        shop.stripe.decline(&page).unwrap();
    }
    shop.deliver_all().await;
    shop.recharger().run_due(10).await.unwrap();
    assert_eq!(shop.stripe.charges(), 0);
    shop.factory.clock().advance(DECLINES_COUNT);
    shop.recharger().run_due(10).await.unwrap();
    assert_eq!(shop.stripe.charges(), 1);
}

#[tokio::test]
async fn whoever_switched_off_is_told_nothing_of_the_card() {
    let shop = Shop::open().await;
    let (account, payer) = subscriber(&shop).await;
    shop.recharger().agree(account.id, RechargeWish::Off).await.unwrap();
    assert!(shop.stripe.detach_card(&payer));
    shop.deliver_all().await;
    assert_eq!(switch_of(&shop, &account).await, RechargeSwitch::Off);
    assert!(shop.mails().await.is_empty());
}

/// Automatic purchases of an account to which credit comes at the moment at which a charge is claimed.
#[derive(Debug)]
struct Credited {
    inner: Arc<MemoryRecharges>,
    ledger: Arc<MemoryLedger>,
    credit: Entry,
}

#[async_trait]
impl RechargeStore for Credited {
    async fn find(&self, account: AccountId) -> Result<Option<Recharge>, RechargeError> {
        self.inner.find(account).await
    }

    async fn of_card(&self, card: &ExternalId) -> Result<Option<Recharge>, RechargeError> {
        self.inner.of_card(card).await
    }

    async fn change(
        &self,
        account: AccountId,
        change: RechargeChange,
    ) -> Result<Option<Recharge>, RechargeError> {
        if matches!(change, RechargeChange::Begin { .. }) {
            self.ledger.post(vec![self.credit.clone()]).await.unwrap();
        }
        self.inner.change(account, change).await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError> {
        self.inner.due(now, limit).await
    }

    async fn under_way(&self, now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError> {
        self.inner.under_way(now, limit).await
    }
}

/// T17: of many that cross the threshold at once the first one is charged for; the others have looked
/// before it was credited.
#[tokio::test]
async fn t17_credit_that_came_before_the_claim_makes_a_charge_needless() {
    let shop = Shop::open().await;
    let (account, _payer) = subscriber(&shop).await;
    let (inner, ledger) = (Arc::clone(&shop.recharges), Arc::clone(&shop.ledger));
    let credit = shop.factory.top_up(account.id, cents(2_000));
    let recharger = shop.recharger_with(Arc::new(Credited { inner, ledger, credit }));
    recharger.run_due(10).await.unwrap();
    assert_eq!((shop.stripe.charges(), shop.balance(account.id).await.available), (0, cents(2_500)));
    let Recharge { state, bought, failures, switch, .. } =
        shop.recharges.find(account.id).await.unwrap().unwrap();
    assert_eq!((state, bought, failures), (RechargeState::Idle, Money::ZERO, 0));
    assert_eq!(switch, RechargeSwitch::On);
}
