//! Calls to the card company: made once, repeated when that helps, and never believed blindly.

use aiduet_core::backends::simulated::stripe::FakeStripe;
use aiduet_core::class::{Classify, Retry};
use aiduet_core::id::RefundId;
use aiduet_core::payment::{
    CardUse, CheckoutRequest, PayerProcessor, PaymentError, PaymentEventKind, PaymentProcessor,
    RefundRequest, RefundStatus, SignedPayload,
};
use aiduet_core::testing::cents;

use super::shop::Shop;

async fn request(shop: &Shop, amount: i64) -> CheckoutRequest {
    use aiduet_core::id::TopUpId;
    CheckoutRequest {
        top_up: TopUpId::generate(shop.factory.clock().as_ref(), shop.factory.entropy()),
        amount: cents(amount),
        payer: shop.processor.open_payer(shop.factory.account_id()).await.unwrap(),
        card: CardUse::Once,
        return_url: "https://example.com/done".to_owned(),
        cancel_url: "https://example.com/".to_owned(),
    }
}

#[tokio::test]
async fn a_command_whose_answer_is_lost_is_made_once() {
    let shop = Shop::open().await;
    let wanted = request(&shop, 1_000).await;
    let trouble: [fn(&FakeStripe); 4] = [
        |stripe| stripe.lose_next(),
        |stripe| stripe.fail_next(409),
        |stripe| stripe.fail_next(429),
        |stripe| stripe.fail_next(503),
    ];
    let first = shop.processor.open_checkout(wanted.clone()).await.unwrap();
    for cause in trouble {
        cause(&shop.stripe);
        let other = request(&shop, 1_000).await;
        let page = shop.processor.open_checkout(other.clone()).await.unwrap();
        assert_eq!(shop.processor.open_checkout(other).await.unwrap(), page);
        assert_ne!(page, first);
    }
    assert_eq!(shop.processor.open_checkout(wanted).await.unwrap(), first);
}

#[tokio::test]
async fn an_error_that_is_kept_is_told_after_a_few_attempts() {
    let shop = Shop::open().await;
    let wanted = request(&shop, 1_000).await;
    shop.stripe.store_failure(500);
    for _ in 0..2 {
        let error = shop.processor.open_checkout(wanted.clone()).await.unwrap_err();
        assert!(matches!(error, PaymentError::Unavailable { .. }), "{error:?}");
        assert_eq!(error.retry(), Retry::Safe);
    }
}

#[tokio::test]
async fn an_identifier_with_other_parameters_is_refused() {
    let shop = Shop::open().await;
    let wanted = request(&shop, 1_000).await;
    shop.processor.open_checkout(wanted.clone()).await.unwrap();
    let other = CheckoutRequest { amount: cents(2_000), ..wanted };
    let refused = shop.processor.open_checkout(other).await;
    assert!(matches!(refused, Err(PaymentError::Conflict)), "{refused:?}");
}

#[tokio::test]
async fn what_is_not_known_is_not_found() {
    let shop = Shop::open().await;
    let refused = shop.processor.checkout_status(&"cs_test_9".parse().unwrap()).await;
    assert!(matches!(refused, Err(PaymentError::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn no_answer_is_a_reason_to_try_again_later() {
    let shop = Shop::with(|config| config.base_url = Some("http://127.0.0.1:1".to_owned())).await;
    let error = shop.processor.open_payer(shop.factory.account_id()).await.unwrap_err();
    assert!(matches!(error, PaymentError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refund_is_made_once_and_never_above_the_payment() {
    let shop = Shop::open().await;
    let (_id, page) = shop.buy(shop.factory.account_id(), cents(1_000)).await;
    shop.stripe.pay(&page).unwrap();
    let wanted = RefundRequest { id: refund_id(&shop), payment: payment_of(&shop).await, amount: cents(600) };
    shop.stripe.lose_next();
    let first = shop.processor.refund(wanted.clone()).await.unwrap();
    assert_eq!((first.amount, first.status), (cents(600), RefundStatus::Accepted));
    assert_eq!(shop.processor.refund(wanted.clone()).await.unwrap(), first);
    let more = RefundRequest { id: refund_id(&shop), ..wanted };
    assert!(matches!(shop.processor.refund(more).await, Err(PaymentError::Declined)));
}

fn refund_id(shop: &Shop) -> RefundId {
    RefundId::generate(shop.factory.clock().as_ref(), shop.factory.entropy())
}

async fn payment_of(shop: &Shop) -> aiduet_core::ledger::ExternalId {
    let kinds = shop.stripe.deliveries().into_iter().map(|delivery| {
        let (body, signature, received_at) = (&delivery.body, &delivery.signature, shop.factory.now());
        shop.processor.verify(SignedPayload { body, signature, received_at }).unwrap()
    });
    kinds.into_iter().find(|event| event.kind == PaymentEventKind::Payment).unwrap().object
}

#[tokio::test]
async fn messages_that_are_not_genuine_get_one_answer() {
    let shop = Shop::open().await;
    let body = br#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded","livemode":false,"data":{"object":{"id":"pi_1"}}}"#;
    let verify = |body: &[u8], signature: &str| {
        shop.processor.verify(SignedPayload { body, signature, received_at: shop.factory.now() })
    };
    let good = shop.stripe.sign(body.to_vec());
    assert_eq!(verify(body, &good.signature).unwrap().kind, PaymentEventKind::Payment);
    let live = String::from_utf8_lossy(body).replace("\"livemode\":false", "\"livemode\":true");
    for bad in [b"{}".to_vec(), b"not json".to_vec(), live.into_bytes(), br#"{"object":"event"}"#.to_vec()] {
        let signed = shop.stripe.sign(bad);
        assert!(matches!(verify(&signed.body, &signed.signature), Err(PaymentError::BadSignature)));
    }
    assert!(matches!(verify(b"{}", &good.signature), Err(PaymentError::BadSignature)));
    assert!(matches!(verify(body, ""), Err(PaymentError::BadSignature)));
}

#[tokio::test]
async fn kinds_that_are_not_acted_on_are_taken() {
    let shop = Shop::open().await;
    for (kind, object) in
        [("invoice.paid", r#"{"id":"in_1"}"#), ("balance.available", r#"{"object":"balance"}"#)]
    {
        let body = format!(
            r#"{{"id":"evt_1","object":"event","type":"{kind}","livemode":false,"data":{{"object":{object}}}}}"#
        );
        shop.deliver(&shop.stripe.sign(body.into_bytes())).await.unwrap();
    }
}
