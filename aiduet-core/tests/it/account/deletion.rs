//! Leaving: what stops, what can be taken back, and what is left.

use std::time::Duration;

use aiduet_core::jobs::{JobOutcome, JobRun, RunCause};
use aiduet_core::testing::cents;
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::site::{Browser, EMAIL, PASSWORD, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    who_leaves_is_stopped_and_may_come_back
    the_link_of_the_mail_keeps_the_account
    sec_t13_leaving_asks_for_the_password_and_the_address
    sec_t54_who_has_left_is_erased_and_may_begin_anew
    a_frozen_account_is_frozen_when_it_comes_back
    sec_t54_the_card_company_forgets_who_has_left
}

const DAY: Duration = Duration::from_hours(24);

fn wish() -> Value {
    json!({"email": EMAIL, "unused_credit": "forfeit"})
}

async fn leave(site: &Site, browser: &mut Browser) -> Value {
    site.post(browser, "/account/deletion", &wish()).await.expect(202).json()
}

async fn deletion(site: &Site, browser: &mut Browser, method: Method) -> Reply {
    site.ask(browser, (method, "/account/deletion"), None).await
}

/// What the gateway says to a key.
async fn status_of(site: &Site, key: &str) -> u16 {
    let request = Request::get("/v1/key").header("authorization", format!("Bearer {key}"));
    site.send("192.0.2.9".parse().unwrap(), request.body(Body::empty()).unwrap()).await.status
}

pub(super) async fn run_job(site: &Site) {
    let run = run_job_of(site, "deletion").await;
    assert_eq!(run.outcome, JobOutcome::Done, "{:?}", run.error);
}

pub(super) async fn run_job_of(site: &Site, name: &str) -> JobRun {
    let jobs = site.app.jobs();
    let job = jobs.find(name).unwrap();
    jobs.run(job.as_ref(), RunCause::Request, &CancellationToken::new()).await.unwrap().unwrap()
}

/// It is asked again after it did not answer; one that it does not know is forgotten already.
async fn sec_t54_the_card_company_forgets_who_has_left(store: Store) {
    let site = Site::with_person(store).await;
    for email in ["second@example.com", "stays@example.com"] {
        site.register(email).await;
    }
    for (address, email) in
        [("192.0.2.1", EMAIL), ("192.0.2.2", "second@example.com"), ("192.0.2.3", "stays@example.com")]
    {
        let mut browser = Browser::at(address);
        let who = json!({"email": email, "password": PASSWORD});
        site.post(&mut browser, "/auth/login", &who).await.expect(200);
        site.post(&mut browser, "/billing/portal", &json!({})).await.expect(200);
        if email != "stays@example.com" {
            let wish = json!({"email": email, "unused_credit": "forfeit"});
            site.post(&mut browser, "/account/deletion", &wish).await.expect(202);
        }
    }
    assert_eq!(site.stripe.customers(), 3);
    site.later(DAY * 8);
    run_job(&site).await;
    assert_eq!(site.stripe.customers(), 3, "an erasure waits for nobody");
    site.stripe.go_silent();
    let run = run_job_of(&site, "departed_payers").await;
    assert_eq!((run.outcome, run.done), (JobOutcome::Refused, 0));
    site.stripe.speak_again();
    let gone = site.stripe.customer_names()[1].clone();
    assert!(site.stripe.delete_customer(&gone), "by hand, meanwhile");
    assert_eq!(run_job_of(&site, "departed_payers").await.done, 0, "it is not asked again at once");
    site.later(Duration::from_mins(5));
    let run = run_job_of(&site, "departed_payers").await;
    assert_eq!((run.outcome, run.done), (JobOutcome::Done, 2));
    assert_eq!(site.stripe.customers(), 1);
    assert_eq!(run_job_of(&site, "departed_payers").await.done, 0);
}

async fn who_leaves_is_stopped_and_may_come_back(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let key = site.post(&mut browser, "/keys", &json!({"name": "laptop"})).await.expect(201).json();
    let (id, key) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    assert_eq!(status_of(&site, key).await, 200);
    deletion(&site, &mut browser, Method::GET).await.refused(404, "not_found");
    deletion(&site, &mut browser, Method::DELETE).await.refused(404, "not_found");
    drop(site.mails().await);
    let left = leave(&site, &mut browser).await;
    assert_eq!((&left["state"], &left["unused_credit"]), (&json!("waiting"), &json!("forfeit")));
    assert_eq!(status_of(&site, key).await, 401, "the key is remembered nowhere");
    site.get(&mut browser, "/me").await.refused(401, "unauthenticated");
    site.refresh(&mut browser).await.expect(401);
    assert_eq!(site.mailed().await, ["deletion_started"]);
    // Signed in again there is nothing to do but to stay or to go.
    let entered = site.sign_in(&mut browser, PASSWORD).await.expect(200).json();
    assert_eq!(entered["account"]["state"], "deleting");
    for path in ["/keys", "/overview", "/me/security-log", "/billing/balance"] {
        site.get(&mut browser, path).await.refused(403, "account_deleting");
    }
    site.get(&mut browser, "/me").await.expect(200);
    let shown = deletion(&site, &mut browser, Method::GET).await.expect(200).json();
    assert_eq!(shown, left);
    assert_eq!(leave(&site, &mut browser).await, left, "asked again, it is the same wish");
    assert!(site.mailed().await.is_empty());
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    deletion(&site, &mut browser, Method::DELETE).await.expect(204);
    deletion(&site, &mut browser, Method::DELETE).await.refused(404, "not_found");
    assert_eq!(site.get(&mut browser, "/me").await.expect(200).json()["state"], "active");
    let kept = site.get(&mut browser, &format!("/keys/{id}")).await.expect(200).json();
    assert_eq!(kept["state"], "disabled", "its owner says which keys work on");
    let mails = site.mailed().await;
    assert!(mails.contains(&"deletion_cancelled".to_owned()), "{mails:?}");
    let change = json!({"disabled": false});
    site.ask(&mut browser, (Method::PATCH, &format!("/keys/{id}")), Some(&change)).await.expect(200);
    assert_eq!(status_of(&site, key).await, 200);
    site.later(DAY * 8);
    run_job(&site).await;
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    let events = site.events(&mut browser).await;
    assert!(events.contains(&"user_deletion_requested".to_owned()), "{events:?}");
    assert!(events.contains(&"user_deletion_cancelled".to_owned()), "{events:?}");
}

async fn the_link_of_the_mail_keeps_the_account(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    leave(&site, &mut browser).await;
    let mails = site.mails().await;
    let started = mails.iter().find(|mail| mail.kind == "deletion_started").unwrap();
    let token = json!({"token": started.token});
    site.later(DAY * 6);
    let mut stranger = Browser::at("198.51.100.7");
    site.post(&mut stranger, "/auth/deletion/cancel", &token).await.expect(204);
    site.post(&mut stranger, "/auth/deletion/cancel", &token).await.refused(400, "invalid_link");
    site.later(DAY * 2);
    run_job(&site).await;
    let entered = site.sign_in(&mut browser, PASSWORD).await.expect(200).json();
    assert_eq!(entered["account"]["state"], "active");
}

async fn sec_t13_leaving_asks_for_the_password_and_the_address(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    for (body, code) in [
        (json!({"email": "someone.else@example.com", "unused_credit": "refund"}), "email_mismatch"),
        (json!({"email": EMAIL, "unused_credit": "keep"}), "invalid_unused_credit"),
    ] {
        let reply = site.post(&mut browser, "/account/deletion", &body).await;
        reply.refused(400, "invalid_request");
        assert_eq!(reply.json()["errors"][0]["code"], code);
    }
    site.post(&mut browser, "/account/deletion", &json!({"email": EMAIL}))
        .await
        .refused(400, "malformed_body");
    site.later(Duration::from_mins(16));
    site.refresh(&mut browser).await.expect(200);
    site.post(&mut browser, "/account/deletion", &wish()).await.refused(403, "reauth_required");
    site.post(&mut browser, "/auth/reauth", &json!({"password": PASSWORD})).await.expect(200);
    leave(&site, &mut browser).await;
}

async fn sec_t54_who_has_left_is_erased_and_may_begin_anew(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let account = site.app.stores().accounts.find_by_email(&EMAIL.parse().unwrap()).await.unwrap().unwrap();
    let top_up = site.factory.top_up(account.id, cents(2_000));
    site.app.ledger().post(vec![top_up]).await.unwrap();
    let left = leave(&site, &mut browser).await;
    let mails = site.mails().await;
    let token = json!({"token": mails.iter().find(|mail| mail.kind == "deletion_started").unwrap().token});
    site.later(DAY * 7 - Duration::from_mins(1));
    run_job(&site).await;
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    site.later(Duration::from_mins(1));
    run_job(&site).await;
    site.get(&mut browser, "/me").await.refused(401, "unauthenticated");
    site.sign_in(&mut browser, PASSWORD).await.refused(401, "wrong_credentials");
    site.post(&mut browser, "/auth/deletion/cancel", &token).await.refused(400, "invalid_link");
    let mails = site.mails().await;
    let farewell: Vec<_> = mails.iter().map(|mail| (mail.kind.as_str(), mail.to.as_str())).collect();
    assert_eq!(farewell, [("deletion_done", EMAIL)]);
    let stores = site.app.stores();
    assert!(stores.deletions.plan(account.id).await.unwrap().is_empty());
    let receipts = stores.deletions.receipts(None, 10).await.unwrap();
    assert_eq!(receipts[0].id.to_string(), left["id"].as_str().unwrap());
    assert_eq!(receipts[0].paid_left, cents(2_000));
    assert_eq!(site.app.stores().audit.verify().await.unwrap(), []);
    run_job(&site).await;
    assert_eq!(stores.deletions.receipts(None, 10).await.unwrap().len(), 1);
    site.later(DAY);
    site.register(EMAIL).await;
    let new = stores.accounts.find_by_email(&EMAIL.parse().unwrap()).await.unwrap().unwrap();
    assert_ne!(new.id, account.id);
}

async fn a_frozen_account_is_frozen_when_it_comes_back(store: Store) {
    use aiduet_core::account::{Account, AccountState};
    let site = Site::with_person(store).await;
    let accounts = &site.app.stores().accounts;
    let account = accounts.find_by_email(&EMAIL.parse().unwrap()).await.unwrap().unwrap();
    let frozen = AccountState::Frozen { at: site.factory.now() };
    accounts.update(&account, Account { state: frozen, ..Account::clone(&account) }).await.unwrap();
    let mut browser = site.signed_in("192.0.2.1").await;
    leave(&site, &mut browser).await;
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    deletion(&site, &mut browser, Method::DELETE).await.expect(204);
    let kept = accounts.find(account.id).await.unwrap().unwrap();
    assert_eq!(kept.state, frozen);
}
