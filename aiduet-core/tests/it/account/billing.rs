//! The balance, what happened to it, and how credit is bought.

use std::time::Duration;

use aiduet_core::account::Account;
use aiduet_core::backends::simulated::stripe::Delivery;
use aiduet_core::jobs::{JobOutcome, RunCause};
use aiduet_core::ledger::{Entry, EntryKind, LotTerms, SpendPeriod};
use aiduet_core::testing::cents;
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::site::{Browser, EMAIL, PASSWORD, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    credit_is_bought_on_the_card_companys_page
    whoever_comes_back_needs_no_message
    the_same_request_is_one_purchase
    purchases_are_bounded
    a_quote_says_what_a_purchase_comes_to_and_begins_nothing
    a_quote_knows_no_tax_that_is_computed_on_pages
    invoices_are_listed_page_by_page
    a_card_that_is_removed_ends_automatic_purchases
    removing_a_card_needs_a_password_of_late
    sec_t27_cards_and_invoices_of_another_person_are_not_there
    sec_t37_a_card_test_stops_at_three_refused_payments
    the_statement_leads_from_the_balance_to_zero
    a_statement_as_a_file_is_safe_for_a_spreadsheet
    sec_t27_the_money_of_another_person_is_not_there
    an_address_that_is_not_confirmed_buys_nothing
    cards_and_invoices_are_with_the_card_company
    the_balance_tells_which_part_of_it_lapses_when
    a_person_chooses_of_what_to_be_told
    a_wrong_alert_of_spending_changes_nothing
    spending_is_told_by_mail_once_a_step
    a_step_of_the_last_minute_is_told_after_midnight
    sec_t27_the_alert_of_another_person_is_not_there
    a_person_agrees_to_automatic_purchases_with_a_kept_card
    automatic_purchases_need_a_password_of_late
    automatic_purchases_are_not_offered_where_tax_is_computed_on_pages
}

pub(super) async fn open(store: Store) -> (Site, Browser) {
    let site = Site::with_person(store).await;
    let browser = site.signed_in("192.0.2.1").await;
    (site, browser)
}

pub(super) async fn account(site: &Site) -> Account {
    let found = site.app.stores().accounts.find_by_email(&EMAIL.parse().unwrap()).await.unwrap().unwrap();
    Account::clone(&found)
}

/// The purchase, and the name of its page.
pub(super) async fn bought(site: &Site, browser: &mut Browser, amount: &str) -> (Value, String) {
    let top_up = site.post(browser, "/billing/topups", &json!({"amount": amount})).await.expect(201).json();
    let page = top_up["checkout_url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    (top_up, page)
}

/// A purchase that is paid and credited.
pub(super) async fn paid(site: &Site, browser: &mut Browser, amount: &str) {
    let (top_up, page) = bought(site, browser, amount).await;
    site.stripe.pay(&page).unwrap();
    let shown = site.get(browser, &path(&top_up)).await.expect(200).json();
    assert_eq!(shown["state"], "paid");
}

fn path(top_up: &Value) -> String {
    format!("/billing/topups/{}", top_up["id"].as_str().unwrap())
}

pub(super) async fn deliver(site: &Site) {
    for delivery in site.stripe.deliveries() {
        deliver_one(site, delivery).await;
    }
}

async fn deliver_one(site: &Site, delivery: Delivery) {
    told(site, delivery).await.expect(200);
}

/// What is answered to a message.
pub(super) async fn told(site: &Site, delivery: Delivery) -> Reply {
    let request = Request::post("/webhooks/stripe")
        .header("stripe-signature", delivery.signature)
        .body(Body::from(delivery.body));
    site.send("192.0.2.9".parse().unwrap(), request.unwrap()).await
}

pub(super) async fn balance(site: &Site, browser: &mut Browser) -> Value {
    site.get(browser, "/billing/balance").await.expect(200).json()
}

/// The books are right, and as the card company sees them.
pub(super) async fn audit(site: &Site) {
    assert_eq!(site.app.stores().audit.verify().await.unwrap(), []);
    site.app.close().await;
}

async fn credit_is_bought_on_the_card_companys_page(store: Store) {
    let (site, mut browser) = open(store).await;
    let (top_up, page) = bought(&site, &mut browser, "20.00").await;
    assert_eq!(
        (&top_up["amount"], &top_up["amount_nano"]),
        (&json!("20.000000000"), &json!(20_000_000_000_i64))
    );
    let shown = site.get(&mut browser, &path(&top_up)).await.expect(200).json();
    assert_eq!((&shown["state"], &shown["paid_at"]), (&json!("open"), &Value::Null));
    assert_eq!(shown["checkout_url"], top_up["checkout_url"]);
    site.stripe.pay(&page).unwrap();
    deliver(&site).await;
    let listed = site.get(&mut browser, "/billing/topups").await.expect(200).json();
    let shown = site.get(&mut browser, &path(&top_up)).await.expect(200).json();
    assert_eq!(listed, json!({"data": [shown], "next_cursor": null}));
    assert_eq!(
        (&shown["state"], &shown["tax"], &shown["checkout_url"]),
        (&json!("paid"), &json!("0.000000000"), &Value::Null)
    );
    let balance = balance(&site, &mut browser).await;
    for name in ["available_nano", "posted_nano", "paid_nano", "credited_nano"] {
        assert_eq!(balance[name], 20_000_000_000_i64, "{name}");
    }
    assert_eq!((&balance["available"], &balance["held"]), (&json!("20.000000000"), &json!("0.000000000")));
    audit(&site).await;
}

async fn whoever_comes_back_needs_no_message(store: Store) {
    let (site, mut browser) = open(store).await;
    let (top_up, page) = bought(&site, &mut browser, "12.34").await;
    site.stripe.pay(&page).unwrap();
    for _ in 0..3 {
        let shown = site.get(&mut browser, &path(&top_up)).await.expect(200).json();
        assert_eq!(shown["state"], "paid");
    }
    assert_eq!(balance(&site, &mut browser).await["available"], "12.340000000");
    deliver(&site).await;
    assert_eq!(balance(&site, &mut browser).await["available"], "12.340000000");
    audit(&site).await;
}

async fn the_same_request_is_one_purchase(store: Store) {
    let (site, mut browser) = open(store).await;
    let ask = async |browser: &mut Browser, key: &str, body: Value| {
        let call = (Method::POST, "/billing/topups");
        site.ask_with(browser, call, (Some(&body), &[("idempotency-key", key)])).await
    };
    let first = ask(&mut browser, "a", json!({"amount": "20.00"})).await.expect(201).json();
    for _ in 0..8 {
        assert_eq!(ask(&mut browser, "a", json!({"amount": "20"})).await.expect(201).json(), first);
    }
    ask(&mut browser, "a", json!({"amount": "21"})).await.refused(422, "idempotency_key_reused");
    ask(&mut browser, "a", json!({"amount": "20", "save_card": true}))
        .await
        .refused(422, "idempotency_key_reused");
    assert_ne!(ask(&mut browser, "b", json!({"amount": "20.00"})).await.expect(201).json(), first);
    ask(&mut browser, "a b", json!({"amount": "20"})).await.refused(400, "invalid_request");
    let listed = site.get(&mut browser, "/billing/topups?limit=1").await.expect(200).json();
    let next = listed["next_cursor"].as_str().unwrap();
    let rest =
        site.get(&mut browser, &format!("/billing/topups?limit=5&cursor={next}")).await.expect(200).json();
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["data"][0]["id"]), (1, &first["id"]));
    audit(&site).await;
}

async fn purchases_are_bounded(store: Store) {
    let (site, mut browser) = open(store).await;
    let ask = async |browser: &mut Browser, amount: &str| {
        site.post(browser, "/billing/topups", &json!({"amount": amount})).await
    };
    for amount in ["4.99", "1000.01", "5.001", "-5", "", "ten"] {
        let reply = ask(&mut browser, amount).await;
        reply.refused(400, "invalid_request");
        let error = &reply.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!("/amount"), &json!("invalid_amount")),
            "{amount}"
        );
    }
    let reply = ask(&mut browser, "100.01").await;
    assert_eq!(reply.json()["errors"][0]["code"], "newcomer_maximum");
    site.later(Duration::from_hours(24));
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    for _ in 0..5 {
        ask(&mut browser, "150").await.expect(201);
    }
    let reply = ask(&mut browser, "150").await;
    reply.refused(429, "rate_limit_exceeded");
    assert!((3_500..=3_600).contains(&reply.header("retry-after").parse::<u32>().unwrap()));
    let body = json!({"amount": "20.00", "account": "acct_1"});
    site.post(&mut browser, "/billing/topups", &body).await.refused(400, "malformed_body");
}

const QUOTE: &str = "/billing/topups/quote";
const CARDS: &str = "/billing/payment-methods";
const INVOICES: &str = "/billing/invoices";

async fn a_quote_says_what_a_purchase_comes_to_and_begins_nothing(store: Store) {
    let (site, mut browser) = open(store).await;
    let quote = async |browser: &mut Browser, amount: &str| {
        site.post(browser, QUOTE, &json!({"amount": amount})).await
    };
    let told = quote(&mut browser, "20").await.expect(200).json();
    let expected = json!({
        "credit": "20.000000000", "credit_nano": 20_000_000_000_i64, "fee": "0.000000000", "fee_nano": 0,
        "tax": "0.000000000", "tax_nano": 0, "total": "20.000000000", "total_nano": 20_000_000_000_i64,
    });
    assert_eq!(told, expected);
    for amount in ["4.99", "1000.01", "5.001", "-5", "", "ten"] {
        let reply = quote(&mut browser, amount).await;
        reply.refused(400, "invalid_request");
        assert_eq!(reply.json()["errors"][0]["code"], "invalid_amount", "{amount}");
    }
    let reply = quote(&mut browser, "100.01").await;
    assert_eq!(reply.json()["errors"][0]["code"], "newcomer_maximum");
    for body in [json!({}), json!({"amount": 20}), json!({"amount": "20", "save_card": true})] {
        site.post(&mut browser, QUOTE, &body).await.refused(400, "malformed_body");
    }
    assert_eq!((site.stripe.customers(), site.stripe.pages()), (0, 0));
    let listed = site.get(&mut browser, "/billing/topups").await.expect(200).json();
    assert_eq!(listed["data"], json!([]));
    for _ in 0..5 {
        bought(&site, &mut browser, "5").await;
    }
    let reply = quote(&mut browser, "5").await;
    reply.refused(429, "rate_limit_exceeded");
    assert!(!reply.header("retry-after").is_empty());
}

async fn a_quote_knows_no_tax_that_is_computed_on_pages(store: Store) {
    let site = Site::with(store, |settings| settings.payment.stripe.automatic_tax = true).await;
    site.register(EMAIL).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let told = site.post(&mut browser, QUOTE, &json!({"amount": "20"})).await.expect(200).json();
    assert_eq!((&told["tax"], &told["tax_nano"]), (&Value::Null, &Value::Null));
    assert_eq!(told["total_nano"], 20_000_000_000_i64);
}

async fn invoices_are_listed_page_by_page(store: Store) {
    let (site, mut browser) = open(store).await;
    let list = async |browser: &mut Browser, query: &str| {
        site.get(browser, &format!("{INVOICES}{query}")).await.expect(200).json()
    };
    assert_eq!(list(&mut browser, "").await, json!({"data": [], "next_cursor": null}));
    for amount in ["5.00", "6.00", "7.00"] {
        let (_top_up, page) = bought(&site, &mut browser, amount).await;
        site.stripe.pay(&page).unwrap();
    }
    let whole = list(&mut browser, "").await;
    let amounts: Vec<_> = whole["data"].as_array().unwrap().iter().map(|one| one["amount"].clone()).collect();
    assert_eq!(amounts, ["7.000000000", "6.000000000", "5.000000000"]);
    let newest = &whole["data"][0];
    let id = newest["id"].as_str().unwrap();
    assert_eq!(
        (&newest["amount_nano"], &newest["currency"], &newest["status"]),
        (&json!(7_000_000_000_i64), &json!("USD"), &json!("paid"))
    );
    assert_eq!(newest["pdf_url"], format!("https://pay.example.com/{id}/pdf"));
    assert_eq!(newest["hosted_url"], format!("https://pay.example.com/{id}"));
    assert!(newest["number"].as_str().unwrap().starts_with("DUET-"));
    assert!(newest["at"].as_str().unwrap().ends_with('Z'));
    let first = list(&mut browser, "?limit=2").await;
    let next = first["next_cursor"].as_str().unwrap().to_owned();
    let rest = list(&mut browser, &format!("?limit=2&cursor={next}")).await;
    assert_eq!(rest["next_cursor"], Value::Null);
    let both = [first["data"].as_array().unwrap().clone(), rest["data"].as_array().unwrap().clone()];
    assert_eq!(json!(both.concat()), whole["data"]);
    for query in ["?cursor=in_unknown", "?cursor=%20", "?limit=0", "?limit=101", "?customer=cus_1"] {
        site.get(&mut browser, &format!("{INVOICES}{query}")).await.refused(400, "invalid_request");
    }
    site.stripe.go_silent();
    site.get(&mut browser, INVOICES).await.refused(503, "service_unavailable");
    site.get(&mut browser, CARDS).await.refused(503, "service_unavailable");
}

/// Buys once with each card, and keeps it.
async fn keep_cards(site: &Site, browser: &mut Browser, count: usize) {
    for _card in 0..count {
        let wish = json!({"amount": "20", "save_card": true});
        let top_up = site.post(browser, "/billing/topups", &wish).await.expect(201).json();
        let page = top_up["checkout_url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        site.stripe.pay(&page).unwrap();
    }
    deliver(site).await;
}

async fn cards(site: &Site, browser: &mut Browser) -> Vec<Value> {
    let listed = site.get(browser, CARDS).await.expect(200).json();
    assert_eq!(listed["next_cursor"], Value::Null);
    listed["data"].as_array().unwrap().clone()
}

async fn remove(site: &Site, browser: &mut Browser, card: &Value) -> Reply {
    let path = format!("{CARDS}/{}", card["id"].as_str().unwrap());
    site.ask(browser, (Method::DELETE, &path), None).await
}

async fn a_card_that_is_removed_ends_automatic_purchases(store: Store) {
    let (site, mut browser) = open(store).await;
    assert_eq!(cards(&site, &mut browser).await, Vec::<Value>::new());
    keep_cards(&site, &mut browser, 2).await;
    let flags = |cards: &[Value]| -> Vec<(Value, Value)> {
        cards.iter().map(|card| (card["default"].clone(), card["auto_recharge"].clone())).collect()
    };
    let both = cards(&site, &mut browser).await;
    assert_eq!(flags(&both), [(json!(true), json!(false)), (json!(false), json!(false))]);
    assert_eq!(
        (&both[0]["brand"], &both[0]["exp_month"], &both[0]["exp_year"]),
        (&json!("visa"), &json!(12), &json!(2_030))
    );
    assert_eq!(both[0]["last4"].as_str().unwrap().len(), 4);
    assert_ne!(both[0]["last4"], both[1]["last4"]);
    let plan = json!({"enabled": true, "threshold": "5", "amount": "20", "monthly_max": "100"});
    recharge(&site, &mut browser, &plan).await.expect(200);
    keep_cards(&site, &mut browser, 1).await;
    let all = cards(&site, &mut browser).await;
    let (on, off) = ((json!(true), json!(true)), (json!(false), json!(false)));
    assert_eq!(flags(&all), [off.clone(), on, off.clone()], "the card that was agreed to");
    drop(site.mails().await);
    remove(&site, &mut browser, &all[2]).await.expect(204);
    let state = site.get(&mut browser, RECHARGE).await.expect(200).json();
    assert_eq!((&state["enabled"], &state["state"]), (&json!(true), &json!("idle")));
    remove(&site, &mut browser, &all[1]).await.expect(204);
    let state = site.get(&mut browser, RECHARGE).await.expect(200).json();
    assert_eq!((&state["enabled"], &state["state"]), (&json!(false), &json!("stopped")));
    for gone in [&all[1], &json!({"id": "pm_unknown"}), &json!({"id": "%20"})] {
        remove(&site, &mut browser, gone).await.refused(404, "not_found");
    }
    deliver(&site).await;
    assert_eq!(site.mailed().await, ["card_gone"], "once, with the message of the card company too");
    let left = cards(&site, &mut browser).await;
    assert_eq!(flags(&left), [(json!(true), json!(false))]);
    assert_eq!(left[0]["id"], all[0]["id"]);
    audit(&site).await;
}

async fn removing_a_card_needs_a_password_of_late(store: Store) {
    let (site, mut browser) = open(store).await;
    keep_cards(&site, &mut browser, 1).await;
    for _ in 0..25 {
        site.later(Duration::from_hours(1));
        site.refresh(&mut browser).await.expect(200);
    }
    let own = cards(&site, &mut browser).await;
    remove(&site, &mut browser, &own[0]).await.refused(403, "reauth_required");
    assert_eq!(cards(&site, &mut browser).await, own);
}

async fn sec_t27_cards_and_invoices_of_another_person_are_not_there(store: Store) {
    let (site, mut browser) = open(store).await;
    keep_cards(&site, &mut browser, 1).await;
    let own = cards(&site, &mut browser).await;
    let invoices = site.get(&mut browser, INVOICES).await.expect(200).json();
    let invoice = invoices["data"][0]["id"].as_str().unwrap();
    drop(site.mails().await);
    site.register("other@example.com").await;
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    let mut other = Browser::at("192.0.2.2");
    let who = json!({"email": "other@example.com", "password": PASSWORD});
    site.post(&mut other, "/auth/login", &who).await.expect(200);
    let stranger = format!("{INVOICES}?cursor={invoice}");
    site.get(&mut other, &stranger).await.refused(400, "invalid_request");
    keep_cards(&site, &mut other, 1).await;
    remove(&site, &mut other, &own[0]).await.refused(404, "not_found");
    site.get(&mut other, &stranger).await.refused(400, "invalid_request");
    let others = site.get(&mut other, INVOICES).await.expect(200).json();
    assert_eq!(others["data"].as_array().unwrap().len(), 1);
    assert_ne!(others["data"][0]["id"], invoice);
    assert_eq!(cards(&site, &mut browser).await, own);
    let mut nobody = Browser::at("192.0.2.3");
    for path in [CARDS, INVOICES] {
        site.get(&mut nobody, path).await.refused(401, "unauthenticated");
    }
    remove(&site, &mut nobody, &own[0]).await.refused(401, "unauthenticated");
}

/// The card company is not even asked any more.
async fn sec_t37_a_card_test_stops_at_three_refused_payments(store: Store) {
    let (site, mut browser) = open(store).await;
    let ask =
        async |browser: &mut Browser| site.post(browser, "/billing/topups", &json!({"amount": "5.00"})).await;
    let (first, page) = bought(&site, &mut browser, "5.00").await;
    site.stripe.decline(&page).unwrap();
    site.stripe.decline(&page).unwrap();
    let told = site.stripe.deliveries();
    for _ in 0..3 {
        for delivery in &told {
            deliver_one(&site, delivery.clone()).await;
        }
    }
    site.later(Duration::from_mins(20));
    site.refresh(&mut browser).await.expect(200);
    // Two refusals, told often, are two.
    let (_second, other_page) = bought(&site, &mut browser, "5.00").await;
    assert_eq!(site.get(&mut browser, &path(&first)).await.expect(200).json()["state"], "open");
    site.stripe.decline(&other_page).unwrap();
    deliver(&site).await;
    // Neither page can be tried with another card.
    for page in [&page, &other_page] {
        site.stripe.decline(page).unwrap_err();
    }
    let reply = ask(&mut browser).await;
    reply.refused(429, "too_many_failed_payments");
    let quote = site.post(&mut browser, QUOTE, &json!({"amount": "5.00"})).await;
    quote.refused(429, "too_many_failed_payments");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    // The first of the three counts for another forty minutes.
    let wait = reply.header("retry-after").parse::<u64>().unwrap();
    assert!((2_395..=2_400).contains(&wait), "{wait}");
    assert_eq!(site.stripe.pages(), 2);
    site.register("other@example.com").await;
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    let mut other = Browser::at("192.0.2.2");
    let who = json!({"email": "other@example.com", "password": PASSWORD});
    site.post(&mut other, "/auth/login", &who).await.expect(200);
    // Registering took an hour, so the refusals are over for the first one; the other had none.
    ask(&mut other).await.expect(201);
    let (_third, page) = bought(&site, &mut browser, "5.00").await;
    // A message that comes an hour late counts for nothing.
    for _ in 0..3 {
        site.stripe.decline(&page).unwrap();
    }
    let late = site.stripe.deliveries();
    site.later(Duration::from_hours(1));
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    for delivery in late {
        deliver_one(&site, site.stripe.sign(delivery.body)).await;
    }
    ask(&mut browser).await.expect(201);
    assert_eq!(site.get(&mut browser, &path(&first)).await.expect(200).json()["state"], "closed");
    site.stripe.pay(&page).unwrap();
    audit(&site).await;
}

async fn the_statement_leads_from_the_balance_to_zero(store: Store) {
    let (site, mut browser) = open(store).await;
    let top_up = site.factory.top_up(account(&site).await.id, cents(2_000));
    site.app.ledger().post(vec![top_up.clone()]).await.unwrap();
    let key = site.post(&mut browser, "/keys", &json!({"name": "laptop"})).await.expect(201).json();
    for _ in 0..2 {
        call(&site, key["key"].as_str().unwrap()).await.expect(200);
    }
    site.later(Duration::from_hours(24));
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    let refund =
        Entry { at: site.factory.now(), ..site.factory.reversal(&top_up, EntryKind::Refund, cents(500)) };
    site.app.ledger().post(vec![refund]).await.unwrap();
    let whole = site.get(&mut browser, "/billing/transactions").await.expect(200).json();
    let lines = whole["data"].as_array().unwrap();
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["refund", "usage", "topup"]);
    assert_eq!(lines[1]["model"], "gpt-5.4-mini");
    let mut posted = balance(&site, &mut browser).await["posted_nano"].as_i64().unwrap();
    for line in lines {
        assert_eq!(line["balance_nano"].as_i64().unwrap(), posted, "{line}");
        posted -= line["amount_nano"].as_i64().unwrap();
    }
    assert_eq!(posted, 0);
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/billing/transactions?limit=1{cursor}");
        let page = site.get(&mut browser, &path).await.expect(200).json();
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(&paged, lines);
    for query in ["limit=0", "limit=101", "cursor=x", "format=xml", "page=1"] {
        let reply = site.get(&mut browser, &format!("/billing/transactions?{query}")).await;
        reply.refused(400, "invalid_request");
    }
    audit(&site).await;
}

/// A call with a key.
pub(super) async fn call(site: &Site, key: &str) -> Reply {
    let body = json!({"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello"}]});
    let request = Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()));
    site.send("192.0.2.1".parse().unwrap(), request.unwrap()).await
}

async fn a_statement_as_a_file_is_safe_for_a_spreadsheet(store: Store) {
    let (site, mut browser) = open(store).await;
    let mut grant = site.factory.grant(account(&site).await.id, cents(150));
    grant.external = Some("=HYPERLINK(\"http://x\",1)".parse().unwrap());
    site.app.ledger().post(vec![grant.clone()]).await.unwrap();
    let reply = site.get(&mut browser, "/billing/transactions?format=csv").await.expect(200);
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert!(reply.header("content-disposition").starts_with("attachment"));
    let (at, day) = (grant.at.to_string(), &grant.at.to_string()[..10]);
    let expected = format!(
        "\u{feff}id,kind,at,day,model,reference,amount,amount_nano,balance,balance_nano\r\n\
         {},promo_grant,{at},{day},,\"'=HYPERLINK(\"\"http://x\"\",1)\",1.500000000,1500000000,1.500000000,1500000000\r\n",
        grant.id
    );
    assert_eq!(reply.text, expected);
}

async fn sec_t27_the_money_of_another_person_is_not_there(store: Store) {
    let (site, mut browser) = open(store).await;
    let (top_up, page) = bought(&site, &mut browser, "20").await;
    site.register("other@example.com").await;
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    let mut other = Browser::at("192.0.2.2");
    let body = json!({"email": "other@example.com", "password": PASSWORD});
    site.post(&mut other, "/auth/login", &body).await.expect(200);
    site.stripe.pay(&page).unwrap();
    for path in [path(&top_up), "/billing/topups/nonsense".to_owned()] {
        site.get(&mut other, &path).await.refused(404, "not_found");
    }
    for path in ["/billing/topups", "/billing/transactions"] {
        assert_eq!(site.get(&mut other, path).await.expect(200).json()["data"], json!([]), "{path}");
    }
    // Asking for what is another's has not even credited it.
    assert_eq!(balance(&site, &mut browser).await["posted"], "0.000000000");
    let key = [("idempotency-key", "mine")];
    let body = json!({"amount": "20"});
    let ask = (Method::POST, "/billing/topups");
    let own = site.ask_with(&mut browser, ask.clone(), (Some(&body), &key)).await.expect(201).json();
    let others = site.ask_with(&mut other, ask, (Some(&body), &key)).await.expect(201).json();
    assert_ne!(own["id"], others["id"]);
    let mut stranger = Browser::at("192.0.2.3");
    for path in ["/billing/balance", "/billing/transactions", "/billing/topups"] {
        site.get(&mut stranger, path).await.refused(401, "unauthenticated");
    }
}

async fn an_address_that_is_not_confirmed_buys_nothing(store: Store) {
    let (site, mut browser) = open(store).await;
    let before = account(&site).await;
    let after = Account { email_verified_at: None, ..before.clone() };
    site.app.stores().accounts.update(&before, after).await.unwrap();
    let asked = site.post(&mut browser, "/billing/topups", &json!({"amount": "20"})).await;
    asked.refused(403, "email_unverified");
    site.post(&mut browser, "/billing/portal", &json!({})).await.refused(403, "email_unverified");
    site.get(&mut browser, "/billing/balance").await.expect(200);
    assert_eq!(site.stripe.customers(), 0);
}

async fn cards_and_invoices_are_with_the_card_company(store: Store) {
    let (site, mut browser) = open(store).await;
    bought(&site, &mut browser, "20").await;
    let portal = site.post(&mut browser, "/billing/portal", &json!({})).await.expect(200).json();
    assert!(portal["url"].as_str().unwrap().contains("/portal/"), "{portal}");
    assert_eq!(site.stripe.customers(), 1);
}

async fn the_balance_tells_which_part_of_it_lapses_when(store: Store) {
    let (site, mut browser) = open(store).await;
    assert_eq!(balance(&site, &mut browser).await["lots"], json!([]));
    let id = account(&site).await.id;
    let grant = site.factory.grant(id, cents(500));
    let until = site.factory.now().plus(Duration::from_hours(24 * 30));
    let lot = grant.lot.map(|lot| LotTerms { expires_at: Some(until), ..lot });
    let entries = vec![
        Entry { lot, ..grant },
        site.factory.grant(id, cents(200)),
        site.factory.top_up(id, cents(2_000)),
    ];
    site.app.ledger().post(entries).await.unwrap();
    let part = |kind: &str, (amount, nanos): (&str, i64), until: Option<String>| json!({"kind": kind, "amount": amount, "amount_nano": nanos, "expires_at": until});
    let forever = part("promotional", ("2.000000000", 2_000_000_000), None);
    let paid = part("paid", ("20.000000000", 20_000_000_000), None);
    let first = part("promotional", ("5.000000000", 5_000_000_000), Some(until.to_string()));
    let shown = balance(&site, &mut browser).await;
    assert_eq!(shown["lots"], json!([first, forever, paid]));
    assert_eq!((&shown["posted"], &shown["paid"]), (&json!("27.000000000"), &json!("20.000000000")));
    spend(&site, 600).await;
    let rest = part("promotional", ("1.000000000", 1_000_000_000), None);
    assert_eq!(balance(&site, &mut browser).await["lots"], json!([rest, paid]));
    audit(&site).await;
}

async fn alerts(site: &Site, browser: &mut Browser, body: Value) -> Reply {
    site.ask(browser, (Method::PUT, "/billing/alerts"), Some(&body)).await
}

async fn a_person_chooses_of_what_to_be_told(store: Store) {
    let (site, mut browser) = open(store).await;
    let none = json!({"low_balance": null, "daily_spend": null, "monthly_budget": null});
    assert_eq!(site.get(&mut browser, "/billing/alerts").await.expect(200).json(), none);
    assert_eq!(alerts(&site, &mut browser, none.clone()).await.expect(200).json(), none);
    let view = |threshold: &str, nanos: i64, email: bool| {
        json!({
            "low_balance": {"threshold": threshold, "threshold_nano": nanos, "email": email},
            "daily_spend": null, "monthly_budget": null,
        })
    };
    let wish = json!({"low_balance": {"threshold": "5"}});
    let five = view("5.000000000", 5_000_000_000, true);
    assert_eq!(alerts(&site, &mut browser, wish).await.expect(200).json(), five);
    let wish = json!({"low_balance": {"threshold": "0.5", "email": false}});
    let half = view("0.500000000", 500_000_000, false);
    assert_eq!(alerts(&site, &mut browser, wish).await.expect(200).json(), half);
    assert_eq!(site.get(&mut browser, "/billing/alerts").await.expect(200).json(), half);
    for threshold in ["0", "-1", "1000001", "", "ten", "0.0000000001"] {
        let wish = json!({"low_balance": {"threshold": threshold}});
        alerts(&site, &mut browser, wish).await.refused(400, "invalid_request");
    }
    for body in [json!({}), json!({"low_balance": "5"}), json!({"low_balance": ["5", true]})] {
        alerts(&site, &mut browser, body).await.refused(400, "malformed_body");
    }
    assert_eq!(site.get(&mut browser, "/billing/alerts").await.expect(200).json(), half);
    assert_eq!(alerts(&site, &mut browser, none.clone()).await.expect(200).json(), none);
    assert_eq!(site.get(&mut browser, "/billing/alerts").await.expect(200).json(), none);
    audit(&site).await;
}

async fn spend_job(site: &Site) {
    let jobs = site.app.jobs();
    let job = jobs.find("spend_alerts").unwrap();
    let run = jobs.run(job.as_ref(), RunCause::Request, &CancellationToken::new()).await.unwrap().unwrap();
    assert_eq!(run.outcome, JobOutcome::Done, "{:?}", run.error);
}

pub(super) async fn spend(site: &Site, count: i64) {
    let reserve = site.factory.reserve(account(site).await.id, cents(count));
    let _hold = site.app.ledger().reserve(reserve.clone()).await.unwrap();
    site.app.ledger().settle(site.factory.settle(&reserve, cents(count))).await.unwrap();
}

async fn a_wrong_alert_of_spending_changes_nothing(store: Store) {
    let (site, mut browser) = open(store).await;
    let budget = json!({"amount": "100"});
    for (member, value) in [
        ("daily_spend", json!({"amount": "0"})),
        ("daily_spend", json!({"amount": "-1"})),
        ("daily_spend", json!({"amount": "ten"})),
        ("monthly_budget", json!({"amount": "1000001"})),
        ("monthly_budget", json!({"amount": ""})),
    ] {
        // What is right beside it is not kept either.
        let mut wish = json!({"low_balance": null, "daily_spend": budget, "monthly_budget": budget});
        wish[member] = value;
        let reply = alerts(&site, &mut browser, wish).await;
        reply.refused(400, "invalid_request");
        let error = &reply.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(format!("/{member}/amount")), &json!("invalid_amount"))
        );
    }
    for value in [json!("5"), json!(["5", true]), json!({}), json!({"amount": "5", "step": 50})] {
        let wish = json!({"low_balance": null, "monthly_budget": value});
        alerts(&site, &mut browser, wish).await.refused(400, "malformed_body");
    }
    let view = site.get(&mut browser, "/billing/alerts").await.expect(200).json();
    assert_eq!((&view["daily_spend"], &view["monthly_budget"]), (&Value::Null, &Value::Null));
}

async fn spending_is_told_by_mail_once_a_step(store: Store) {
    let (site, mut browser) = open(store).await;
    let top_up = site.factory.top_up(account(&site).await.id, cents(50_000));
    site.app.ledger().post(vec![top_up]).await.unwrap();
    let budget = json!({"amount": "100"});
    let wish = json!({"low_balance": null, "daily_spend": {"amount": "40", "email": false}, "monthly_budget": budget});
    let view = alerts(&site, &mut browser, wish).await.expect(200).json();
    let expected = json!({
        "amount": "100.000000000", "amount_nano": 100_000_000_000_i64, "email": true,
        "spent": "0.000000000", "spent_nano": 0, "steps": [50, 75, 90, 100], "reached": null,
    });
    assert_eq!(view["monthly_budget"], expected);
    drop(site.mails().await);
    spend(&site, 5_000).await;
    for _ in 0..3 {
        spend_job(&site).await;
    }
    let mails = site.mails().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(
        (mail.kind.as_str(), mail.to.as_str()),
        ("spend_alert", EMAIL),
        "the day is on the screen alone"
    );
    assert_eq!((&mail.notice["span"], &mail.notice["step"]), (&json!("month"), &json!(50)));
    // What is left out stays, and is not told again.
    let view = alerts(&site, &mut browser, json!({"low_balance": null})).await.expect(200).json();
    let day = json!({
        "amount": "40.000000000", "amount_nano": 40_000_000_000_i64, "email": false,
        "spent": "50.000000000", "spent_nano": 50_000_000_000_i64, "reached": true,
    });
    assert_eq!((&view["daily_spend"], &view["monthly_budget"]["reached"]), (&day, &json!(50)));
    spend(&site, 4_000).await;
    spend_job(&site).await;
    let steps: Vec<_> = site.mails().await.iter().map(|mail| mail.notice["step"].clone()).collect();
    assert_eq!(steps, [json!(90)], "75 was passed over");
    // Another amount is another alert; none is none.
    let wish = json!({"low_balance": null, "monthly_budget": {"amount": "180"}, "daily_spend": null});
    let view = alerts(&site, &mut browser, wish).await.expect(200).json();
    assert_eq!((&view["daily_spend"], &view["monthly_budget"]["reached"]), (&Value::Null, &json!(50)));
    spend_job(&site).await;
    assert_eq!(site.mailed().await, ["spend_alert"]);
    let wish = json!({"low_balance": null, "monthly_budget": null});
    let view = alerts(&site, &mut browser, wish).await.expect(200).json();
    assert_eq!(view["monthly_budget"], Value::Null);
    spend(&site, 9_000).await;
    spend_job(&site).await;
    assert_eq!(site.mailed().await, Vec::<String>::new());
    audit(&site).await;
}

async fn a_step_of_the_last_minute_is_told_after_midnight(store: Store) {
    let (site, mut browser) = open(store).await;
    let top_up = site.factory.top_up(account(&site).await.id, cents(50_000));
    site.app.ledger().post(vec![top_up]).await.unwrap();
    let wish = json!({"low_balance": null, "daily_spend": {"amount": "40"}});
    alerts(&site, &mut browser, wish).await.expect(200);
    let now = site.factory.now();
    let midnight = SpendPeriod::Day.end(now).unwrap();
    site.later(midnight.since(now) - Duration::from_secs(30));
    spend_job(&site).await;
    drop(site.mails().await);
    spend(&site, 5_000).await;
    site.later(Duration::from_mins(1));
    for _ in 0..3 {
        spend_job(&site).await;
    }
    let mails = site.mails().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((mail.kind.as_str(), &mail.notice["step"]), ("spend_alert", &json!(100)));
    // Today has its own step.
    spend(&site, 4_000).await;
    spend_job(&site).await;
    assert_eq!(site.mailed().await, ["spend_alert"]);
    spend_job(&site).await;
    assert_eq!(site.mailed().await, Vec::<String>::new());
}

async fn sec_t27_the_alert_of_another_person_is_not_there(store: Store) {
    let (site, mut browser) = open(store).await;
    let wish = json!({"low_balance": {"threshold": "5"}, "daily_spend": {"amount": "7"}});
    alerts(&site, &mut browser, wish).await.expect(200);
    site.register("grace@example.com").await;
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    let mut other = Browser::at("192.0.2.77");
    let who = json!({"email": "grace@example.com", "password": PASSWORD});
    site.post(&mut other, "/auth/login", &who).await.expect(200);
    let none = json!({"low_balance": null, "daily_spend": null, "monthly_budget": null});
    assert_eq!(site.get(&mut other, "/billing/alerts").await.expect(200).json(), none);
    alerts(&site, &mut other, none).await.expect(200);
    let own = site.get(&mut browser, "/billing/alerts").await.expect(200).json();
    assert_eq!(own["low_balance"]["threshold_nano"], 5_000_000_000_i64);
    assert_eq!(own["daily_spend"]["amount_nano"], 7_000_000_000_i64);
    let mut nobody = Browser::at("192.0.2.78");
    site.get(&mut nobody, "/billing/alerts").await.refused(401, "unauthenticated");
}

const RECHARGE: &str = "/billing/auto-recharge";

async fn recharge(site: &Site, browser: &mut Browser, body: &Value) -> Reply {
    site.ask(browser, (Method::PUT, RECHARGE), Some(body)).await
}

async fn a_person_agrees_to_automatic_purchases_with_a_kept_card(store: Store) {
    let (site, mut browser) = open(store).await;
    let nothing = site.get(&mut browser, RECHARGE).await.expect(200).json();
    assert_eq!((&nothing["enabled"], &nothing["state"]), (&json!(false), &json!("idle")));
    assert_eq!((&nothing["threshold"], &nothing["confirm_url"]), (&Value::Null, &Value::Null));
    let plan = json!({"enabled": true, "threshold": "5", "amount": "20", "monthly_max": "100"});
    recharge(&site, &mut browser, &plan).await.refused(409, "no_saved_card");
    let wish = json!({"amount": "20", "save_card": true});
    let top_up = site.post(&mut browser, "/billing/topups", &wish).await.expect(201).json();
    site.stripe.pay(top_up["checkout_url"].as_str().unwrap().rsplit('/').next().unwrap()).unwrap();
    deliver(&site).await;
    for (member, value) in [
        ("threshold", json!("0")),
        ("threshold", json!("1000.01")),
        ("threshold", Value::Null),
        ("amount", json!("4.99")),
        ("amount", json!("20.001")),
        ("amount", json!("ten")),
        ("monthly_max", json!("19.99")),
        ("monthly_max", json!("30000.01")),
    ] {
        let mut other = plan.clone();
        other[member] = value;
        let reply = recharge(&site, &mut browser, &other).await;
        reply.refused(400, "invalid_request");
        assert_eq!(reply.json()["errors"][0]["pointer"], format!("/{member}"));
    }
    let agreed = recharge(&site, &mut browser, &plan).await.expect(200).json();
    assert_eq!(
        (&agreed["enabled"], &agreed["threshold"], &agreed["amount_nano"], &agreed["monthly_max"]),
        (&json!(true), &json!("5.000000000"), &json!(20_000_000_000_i64), &json!("100.000000000"))
    );
    assert_eq!(site.get(&mut browser, RECHARGE).await.expect(200).json(), agreed);
    let off = recharge(&site, &mut browser, &json!({"enabled": false})).await.expect(200).json();
    assert_eq!((&off["enabled"], &off["threshold"]), (&json!(false), &agreed["threshold"]));
    audit(&site).await;
}

async fn automatic_purchases_need_a_password_of_late(store: Store) {
    let (site, mut browser) = open(store).await;
    let off = json!({"enabled": false});
    recharge(&site, &mut browser, &off).await.expect(200);
    for _ in 0..25 {
        site.later(Duration::from_hours(1));
        site.refresh(&mut browser).await.expect(200);
    }
    recharge(&site, &mut browser, &off).await.refused(403, "reauth_required");
    site.get(&mut browser, RECHARGE).await.expect(200);
}

async fn automatic_purchases_are_not_offered_where_tax_is_computed_on_pages(store: Store) {
    let site = Site::with(store, |settings| settings.payment.stripe.automatic_tax = true).await;
    site.register(EMAIL).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    site.get(&mut browser, RECHARGE).await.refused(404, "auto_recharge_unavailable");
    let off = json!({"enabled": false});
    recharge(&site, &mut browser, &off).await.refused(404, "auto_recharge_unavailable");
}
