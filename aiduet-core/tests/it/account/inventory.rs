//! What is kept about a person, counted.

use aiduet_core::privacy::{CATEGORIES, USAGE_DAYS_MAX};
use serde_json::{Value, json};

use super::site::{Browser, PASSWORD, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    what_is_kept_is_counted_category_by_category
    sec_t62_the_inventory_keeps_things_as_long_as_the_program
    the_inventory_speaks_the_language_of_the_person
    nobody_counts_what_is_kept_of_another
}

async fn inventory(site: &Site, browser: &mut Browser) -> Value {
    site.get(browser, "/me/data-inventory").await.expect(200).json()
}

fn category<'v>(inventory: &'v Value, code: &str) -> &'v Value {
    let all = inventory["data"].as_array().unwrap();
    all.iter().find(|each| each["category"] == code).unwrap()
}

async fn what_is_kept_is_counted_category_by_category(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    for name in ["one", "two"] {
        site.post(&mut browser, "/keys", &json!({"name": name})).await.expect(201);
    }
    site.post(&mut browser, "/billing/topups", &json!({"amount": "20.00"})).await.expect(201);
    let events = site.events(&mut browser).await.len();
    let kept = inventory(&site, &mut browser).await;
    let codes: Vec<_> =
        kept["data"].as_array().unwrap().iter().map(|each| each["category"].clone()).collect();
    assert_eq!(codes, CATEGORIES.iter().map(|category| category.code).collect::<Vec<_>>());
    for (code, count) in [
        ("account", json!(1)),
        ("consents", json!(2)),
        ("identities", json!(0)),
        ("sessions", json!(1)),
        ("keys", json!(2)),
        ("usage", json!(0)),
        ("purchases", json!(1)),
        ("security_log", json!(events)),
        ("payments", json!(null)),
        ("content", json!(0)),
    ] {
        assert_eq!(category(&kept, code)["count"], count, "{code}");
    }
    let me = site.get(&mut browser, "/me").await.expect(200).json();
    assert_eq!(category(&kept, "account")["oldest_at"], me["created_at"]);
    assert_eq!(category(&kept, "usage")["oldest_at"], json!(null));
    // Ending a session deletes it.
    site.signed_in("192.0.2.7").await;
    assert_eq!(category(&inventory(&site, &mut browser).await, "sessions")["count"], 2);
}

async fn sec_t62_the_inventory_keeps_things_as_long_as_the_program(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let kept = inventory(&site, &mut browser).await;
    for (code, rule, days) in [
        ("account", "account", json!(null)),
        ("consents", "after_account", json!(1_095)),
        ("identities", "account", json!(null)),
        ("sessions", "after_end", json!(30)),
        ("keys", "after_end", json!(90)),
        ("key_requests", "fixed", json!(1)),
        ("usage", "fixed", json!(USAGE_DAYS_MAX)),
        ("usage_sums", "fixed", json!(USAGE_DAYS_MAX)),
        ("books", "bookkeeping", json!(3_650)),
        ("security_log", "fixed", json!(400)),
        ("messages", "after_end", json!(90)),
        ("content", "never", json!(null)),
    ] {
        assert_eq!(category(&kept, code)["kept"], json!({"rule": rule, "days": days}), "{code}");
    }
}

async fn the_inventory_speaks_the_language_of_the_person(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let title = |kept: &Value| category(kept, "account")["title"].clone();
    assert_eq!(title(&inventory(&site, &mut browser).await), "Account");
    site.ask(&mut browser, (http::Method::PATCH, "/me"), Some(&json!({"locale": "ja"}))).await.expect(200);
    assert_eq!(title(&inventory(&site, &mut browser).await), "アカウント");
    let chinese = site.get(&mut browser, "/me/data-inventory?locale=zh-CN").await.expect(200).json();
    assert_eq!(title(&chinese), "账户");
    for path in ["/me/data-inventory?locale=fr", "/me/data-inventory?account=1"] {
        site.get(&mut browser, path).await.refused(400, "invalid_request");
    }
}

async fn nobody_counts_what_is_kept_of_another(store: Store) {
    let site = Site::with_person(store).await;
    site.register("other@example.com").await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let mut other = Browser::at("192.0.2.2");
    let body = json!({"email": "other@example.com", "password": PASSWORD});
    site.post(&mut other, "/auth/login", &body).await.expect(200);
    let before = inventory(&site, &mut other).await;
    site.post(&mut browser, "/keys", &json!({"name": "one"})).await.expect(201);
    let after = inventory(&site, &mut other).await;
    assert_eq!(after["data"], before["data"]);
    assert_eq!(category(&after, "keys")["count"], 0);
    site.get(&mut Browser::at("192.0.2.3"), "/me/data-inventory").await.refused(401, "unauthenticated");
}
