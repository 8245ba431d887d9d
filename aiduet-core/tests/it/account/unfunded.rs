//! Who is told that requests are refused for lack of funds, and how often.

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app::App;
use aiduet_core::gateway::UnfundedCall;
use aiduet_core::id::SystemEntropy;
use aiduet_core::jobs::{JobOutcome, RunCause};
use aiduet_core::money::Money;
use aiduet_core::notify::Letters;
use aiduet_core::payment::UnfundedTeller;
use aiduet_core::testing::cents;
use http::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::billing::{account, open, spend};
use super::keys::call;
use super::site::{Browser, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    who_is_refused_for_lack_of_funds_is_told_once_a_day
    of_many_nodes_one_tells
    who_has_funds_again_is_not_told
    who_does_not_want_it_is_not_told
    what_a_limit_stops_is_no_lack_of_funds
    one_fall_of_the_balance_is_told_once
    who_was_told_of_a_low_balance_has_time_to_act
}

async fn key(site: &Site, browser: &mut Browser, body: &Value) -> String {
    let key = site.post(browser, "/keys", body).await.expect(201).json();
    drop(site.mails().await);
    key["key"].as_str().unwrap().to_owned()
}

/// The kinds of the mails that come of what was refused.
async fn told(site: &Site) -> Vec<String> {
    site.app.tell_unfunded().await;
    site.mailed().await
}

/// The kinds of the mails that come of a low balance.
async fn warned(site: &Site) -> Vec<String> {
    let jobs = site.app.jobs();
    let job = jobs.find("low_balance").unwrap();
    let run = jobs.run(job.as_ref(), RunCause::Request, &CancellationToken::new()).await.unwrap().unwrap();
    assert_eq!(run.outcome, JobOutcome::Done, "{:?}", run.error);
    site.mailed().await
}

async fn credit(site: &Site, count: i64) {
    let top_up = site.factory.top_up(account(site).await.id, cents(count));
    site.app.ledger().post(vec![top_up]).await.unwrap();
}

async fn alert(site: &Site, browser: &mut Browser, threshold: &str) {
    let body = json!({"low_balance": {"threshold": threshold}});
    site.ask(browser, (Method::PUT, "/billing/alerts"), Some(&body)).await.expect(200);
}

#[track_caller]
fn refused(reply: Reply, code: &str) {
    let reply = reply.expect(402);
    assert_eq!(reply.json()["error"]["details"]["error_code"], code, "{}", reply.text);
}

async fn who_is_refused_for_lack_of_funds_is_told_once_a_day(store: Store) {
    let (site, mut browser) = open(store).await;
    let plain = key(&site, &mut browser, &json!({"name": "laptop"})).await;
    assert!(told(&site).await.is_empty());
    for _ in 0..3 {
        refused(call(&site, &plain).await, "insufficient_balance");
    }
    assert!(site.mails().await.is_empty(), "a refused call writes nothing");
    site.app.tell_unfunded().await;
    let mails = site.mails().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((mail.kind.as_str(), &mail.notice["available"]), ("balance_empty", &json!(0)));
    assert!(mail.notice["needed"].as_i64().unwrap() > 0, "{}", mail.notice);
    for hours in [1, 22] {
        refused(call(&site, &plain).await, "insufficient_balance");
        assert!(told(&site).await.is_empty(), "it was told today");
        site.later(Duration::from_hours(hours));
    }
    refused(call(&site, &plain).await, "insufficient_balance");
    assert!(told(&site).await.is_empty(), "it was told within 24 hours");
    site.later(Duration::from_hours(1));
    assert!(told(&site).await.is_empty(), "nothing was refused since");
    refused(call(&site, &plain).await, "insufficient_balance");
    assert_eq!(told(&site).await, ["balance_empty"]);
}

/// Who tells on another node of the site.
fn teller(app: &App) -> UnfundedTeller {
    let stores = app.stores();
    let letters = Letters {
        accounts: Arc::clone(&stores.accounts),
        outbox: Arc::clone(&stores.outbox),
        clock: Arc::clone(app.clock()),
        entropy: Arc::new(SystemEntropy),
    };
    UnfundedTeller::new(Arc::clone(&stores.ledger), Arc::clone(&stores.alerts), letters)
}

async fn of_many_nodes_one_tells(store: Store) {
    let (site, _browser) = open(store).await;
    drop(site.mails().await);
    let account = account(&site).await.id;
    for _ in 0..2 {
        let at = site.factory.now();
        let calls = vec![UnfundedCall { account, needed: cents(1), at }];
        let [first, second, third] = [(); 3].map(|()| teller(&site.app));
        let (first, second, third) = tokio::join!(
            first.tell(calls.clone(), at),
            second.tell(calls.clone(), at),
            third.tell(calls.clone(), at)
        );
        assert!(first.is_ok() && second.is_ok() && third.is_ok(), "{first:?} {second:?} {third:?}");
        assert_eq!(site.mailed().await, ["balance_empty"]);
        site.later(Duration::from_hours(1));
        teller(&site.app).tell(calls, site.factory.now()).await.unwrap();
        assert!(site.mails().await.is_empty(), "a node that has just begun knows it from the outbox");
        site.later(Duration::from_hours(24));
    }
}

async fn who_has_funds_again_is_not_told(store: Store) {
    let (site, mut browser) = open(store).await;
    let plain = key(&site, &mut browser, &json!({"name": "laptop"})).await;
    refused(call(&site, &plain).await, "insufficient_balance");
    credit(&site, 1_000).await;
    assert!(told(&site).await.is_empty());
    let account = account(&site).await.id;
    spend(&site, 1_000).await;
    assert_eq!(site.app.ledger().balance(account).await.unwrap().available, Money::ZERO);
    refused(call(&site, &plain).await, "insufficient_balance");
    assert_eq!(told(&site).await, ["balance_empty"]);
}

async fn who_does_not_want_it_is_not_told(store: Store) {
    let (site, mut browser) = open(store).await;
    let plain = key(&site, &mut browser, &json!({"name": "laptop"})).await;
    let choices = |is_on: bool| json!({"key_expiry": true, "new_sign_in": true, "balance_empty": is_on});
    let put = (Method::PUT, "/me/notifications");
    let none = choices(false);
    assert_eq!(site.ask(&mut browser, put.clone(), Some(&none)).await.expect(200).json(), none);
    let older = json!({"key_expiry": true, "new_sign_in": true});
    let kept = site.ask(&mut browser, put.clone(), Some(&older)).await.expect(200).json();
    assert_eq!(kept, none, "what is left out stays as it is");
    refused(call(&site, &plain).await, "insufficient_balance");
    assert!(told(&site).await.is_empty());
    site.ask(&mut browser, put, Some(&choices(true))).await.expect(200);
    refused(call(&site, &plain).await, "insufficient_balance");
    assert_eq!(told(&site).await, ["balance_empty"]);
}

async fn what_a_limit_stops_is_no_lack_of_funds(store: Store) {
    let (site, mut browser) = open(store).await;
    credit(&site, 1_000).await;
    let limits = json!({"spend": {"day": "0.000001"}});
    let plain = key(&site, &mut browser, &json!({"name": "limited", "limits": limits})).await;
    refused(call(&site, &plain).await, "key_limit_reached");
    assert!(told(&site).await.is_empty());
}

async fn one_fall_of_the_balance_is_told_once(store: Store) {
    let (site, mut browser) = open(store).await;
    credit(&site, 1_000).await;
    alert(&site, &mut browser, "5").await;
    let plain = key(&site, &mut browser, &json!({"name": "laptop"})).await;
    assert!(warned(&site).await.is_empty());
    spend(&site, 1_000).await;
    refused(call(&site, &plain).await, "insufficient_balance");
    assert_eq!(told(&site).await, ["balance_empty"]);
    assert!(warned(&site).await.is_empty(), "that it is empty says that it is low");
    credit(&site, 1_000).await;
    assert!(warned(&site).await.is_empty());
    spend(&site, 600).await;
    assert_eq!(warned(&site).await, ["low_balance"], "another fall is told");
}

async fn who_was_told_of_a_low_balance_has_time_to_act(store: Store) {
    let (site, mut browser) = open(store).await;
    credit(&site, 1_000).await;
    alert(&site, &mut browser, "5").await;
    let plain = key(&site, &mut browser, &json!({"name": "laptop"})).await;
    spend(&site, 1_000).await;
    assert_eq!(warned(&site).await, ["low_balance"]);
    refused(call(&site, &plain).await, "insufficient_balance");
    assert!(told(&site).await.is_empty());
    site.later(Duration::from_mins(9));
    assert!(told(&site).await.is_empty());
    site.later(Duration::from_mins(1));
    assert_eq!(told(&site).await, ["balance_empty"], "what was refused is not forgotten");
    credit(&site, 1_000).await;
    assert!(warned(&site).await.is_empty());
    site.later(Duration::from_hours(24));
    spend(&site, 1_000).await;
    assert_eq!(warned(&site).await, ["low_balance"]);
    refused(call(&site, &plain).await, "insufficient_balance");
    assert!(told(&site).await.is_empty());
    credit(&site, 1_000).await;
    site.later(Duration::from_mins(10));
    assert!(told(&site).await.is_empty(), "who has acted is not told once more");
}
