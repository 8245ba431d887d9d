//! How much an account may spend.

use std::time::Duration;

use aiduet_core::ledger::{LedgerError, SpendPeriod};
use aiduet_core::testing::cents;
use http::Method;
use serde_json::{Value, json};

use super::billing::{account, open, spend};
use super::site::{Browser, PASSWORD, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_person_limits_what_a_month_may_cost
    a_wrong_limit_changes_nothing
    ses_07_more_may_be_spent_only_after_the_password
    sec_t27_the_limit_of_another_person_is_not_there
}

const LIMITS: &str = "/billing/limits";

async fn limit(site: &Site, browser: &mut Browser, amount: Option<&str>) -> Reply {
    let body = json!({"monthly": amount.map(|amount| json!({"amount": amount}))});
    site.ask(browser, (Method::PUT, LIMITS), Some(&body)).await
}

async fn shown(site: &Site, browser: &mut Browser) -> Value {
    site.get(browser, LIMITS).await.expect(200).json()["monthly"].clone()
}

async fn a_person_limits_what_a_month_may_cost(store: Store) {
    let (site, mut browser) = open(store).await;
    let id = account(&site).await.id;
    site.app.ledger().post(vec![site.factory.top_up(id, cents(10_000))]).await.unwrap();
    spend(&site, 500).await;
    assert_eq!(shown(&site, &mut browser).await, Value::Null);
    let end = SpendPeriod::Month.end(site.factory.now()).unwrap();
    let expected = json!({"monthly": {
        "amount": "20.000000000", "amount_nano": 20_000_000_000_i64,
        "spent": "5.000000000", "spent_nano": 5_000_000_000_i64,
        "held": "0.000000000", "held_nano": 0, "resets_at": end.to_string(),
    }});
    assert_eq!(limit(&site, &mut browser, Some("20")).await.expect(200).json(), expected);
    let reserve = site.factory.reserve(id, cents(1_500));
    let _hold = site.app.ledger().reserve(reserve.clone()).await.unwrap();
    let view = shown(&site, &mut browser).await;
    assert_eq!((&view["spent_nano"], &view["held"]), (&json!(5_000_000_000_i64), &json!("15.000000000")));
    let more = site.app.ledger().reserve(site.factory.reserve(id, cents(1))).await;
    assert!(matches!(more, Err(LedgerError::Insufficient(_))), "{more:?}");
    assert_eq!(limit(&site, &mut browser, None).await.expect(200).json(), json!({"monthly": null}));
    let _hold = site.app.ledger().reserve(site.factory.reserve(id, cents(1))).await.unwrap();
}

async fn a_wrong_limit_changes_nothing(store: Store) {
    let (site, mut browser) = open(store).await;
    limit(&site, &mut browser, Some("20")).await.expect(200);
    for amount in ["0", "-1", "1000001", "", "ten", "0.0000000001"] {
        let reply = limit(&site, &mut browser, Some(amount)).await;
        reply.refused(400, "invalid_request");
        let error = &reply.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!("/monthly/amount"), &json!("invalid_amount"))
        );
    }
    for body in [json!({}), json!({"monthly": "5"}), json!({"monthly": ["5"]}), json!({"monthly": {}})] {
        site.ask(&mut browser, (Method::PUT, LIMITS), Some(&body)).await.refused(400, "malformed_body");
    }
    assert_eq!(shown(&site, &mut browser).await["amount"], "20.000000000");
}

async fn ses_07_more_may_be_spent_only_after_the_password(store: Store) {
    let (site, mut browser) = open(store).await;
    let late = async |browser: &mut Browser| {
        site.later(Duration::from_mins(16));
        site.refresh(browser).await.expect(200);
    };
    late(&mut browser).await;
    // The first limit, a lower one, and the same one again stop more than before, or as much.
    for amount in ["20", "10", "10"] {
        limit(&site, &mut browser, Some(amount)).await.expect(200);
    }
    for amount in [Some("10.000000001"), None] {
        limit(&site, &mut browser, amount).await.refused(403, "reauth_required");
    }
    assert_eq!(shown(&site, &mut browser).await["amount"], "10.000000000");
    site.post(&mut browser, "/auth/reauth", &json!({"password": PASSWORD})).await.expect(200);
    limit(&site, &mut browser, Some("11")).await.expect(200);
    limit(&site, &mut browser, None).await.expect(200);
    assert_eq!(shown(&site, &mut browser).await, Value::Null);
}

async fn sec_t27_the_limit_of_another_person_is_not_there(store: Store) {
    let (site, mut browser) = open(store).await;
    limit(&site, &mut browser, Some("20")).await.expect(200);
    site.register("grace@example.com").await;
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    let mut other = Browser::at("192.0.2.77");
    let who = json!({"email": "grace@example.com", "password": PASSWORD});
    site.post(&mut other, "/auth/login", &who).await.expect(200);
    assert_eq!(shown(&site, &mut other).await, Value::Null);
    limit(&site, &mut other, Some("7")).await.expect(200);
    assert_eq!(shown(&site, &mut browser).await["amount"], "20.000000000");
    let mut nobody = Browser::at("192.0.2.78");
    site.get(&mut nobody, LIMITS).await.refused(401, "unauthenticated");
    limit(&site, &mut nobody, Some("7")).await.refused(401, "unauthenticated");
}
