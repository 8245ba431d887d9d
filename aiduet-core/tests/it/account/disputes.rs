//! Payments that are disputed.

use aiduet_core::backends::simulated::stripe::Delivery;
use serde_json::json;

use super::billing::{audit, balance, bought, call, deliver, open, told};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_dispute_told_before_the_return_it_follows_is_asked_for_again
}

/// The books never give back more of a payment than there is, so the message has to come again. Spending
/// stops at once.
async fn a_dispute_told_before_the_return_it_follows_is_asked_for_again(store: Store) {
    let (site, mut browser) = open(store).await;
    let (_top_up, page) = bought(&site, &mut browser, "10.00").await;
    site.stripe.pay(&page).unwrap();
    let refund = site.stripe.refund_by_hand(&page, 400).unwrap();
    deliver(&site).await;
    let key = site.post(&mut browser, "/keys", &json!({"name": "laptop"})).await.expect(201).json();
    let key = key["key"].as_str().unwrap();
    call(&site, key).await.expect(200);
    site.stripe.fail_refund(&refund).unwrap();
    let dispute = site.stripe.dispute(&page).unwrap();
    let is_of_dispute = |delivery: &Delivery| String::from_utf8_lossy(&delivery.body).contains(&dispute);
    let (of_dispute, of_refund): (Vec<_>, Vec<_>) =
        site.stripe.deliveries().into_iter().partition(is_of_dispute);
    assert!(!of_dispute.is_empty() && !of_refund.is_empty());
    let posted = balance(&site, &mut browser).await["posted_nano"].as_i64().unwrap();
    for delivery in &of_dispute {
        told(&site, delivery.clone()).await.refused(503, "not_processed");
    }
    assert_eq!(balance(&site, &mut browser).await["posted_nano"], posted);
    assert_eq!(call(&site, key).await.status, 403);
    for delivery in of_refund.into_iter().chain(of_dispute) {
        told(&site, delivery).await.expect(200);
    }
    assert_eq!(balance(&site, &mut browser).await["posted_nano"], posted - 6_000_000_000);
    audit(&site).await;
}
