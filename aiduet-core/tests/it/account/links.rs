//! What links of mails do, and do only once.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::site::{Browser, EMAIL, OTHER_PASSWORD, PASSWORD, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t08_the_link_of_a_reset_works_once_for_half_an_hour_and_only_the_newest
    sec_t08_a_bad_password_does_not_use_the_link_up
    sec_t08_the_link_of_a_confirmation_works_once_for_a_day
    a_new_address_counts_when_it_is_confirmed_and_can_be_taken_back
    nobody_fills_a_mailbox
    who_registers_an_unconfirmed_address_last_gets_it
}

async fn reset_token(site: &Site) -> String {
    let body = json!({"email": EMAIL});
    site.post(&mut Browser::at("192.0.2.7"), "/auth/password/forgot", &body).await.expect(202);
    let mail = site.mails().await.pop().unwrap();
    assert_eq!((mail.kind.as_str(), mail.to.as_str()), ("reset_password", EMAIL));
    mail.token
}

async fn sec_t08_the_link_of_a_reset_works_once_for_half_an_hour_and_only_the_newest(store: Store) {
    let site = Site::with_person(store).await;
    let mut person = site.signed_in("192.0.2.1").await;
    let mut browser = Browser::at("192.0.2.8");
    let reset = |token: &str| json!({"token": token, "password": OTHER_PASSWORD});
    let old = reset_token(&site).await;
    let token = reset_token(&site).await;
    site.post(&mut browser, "/auth/password/reset", &reset(&old)).await.refused(400, "invalid_link");
    // Programs that look at every link of a mail do not use it up.
    let looked = site.get(&mut browser, &format!("/auth/password/reset?token={token}")).await;
    looked.refused(405, "method_not_allowed");
    let as_confirmation = json!({"token": token});
    site.post(&mut browser, "/auth/verify-email", &as_confirmation).await.refused(400, "invalid_link");
    site.post(&mut browser, "/auth/password/reset", &reset(&token)).await.expect(204);
    assert_eq!(browser.access, None, "it does not sign in");
    site.post(&mut browser, "/auth/password/reset", &reset(&token)).await.refused(400, "invalid_link");
    site.get(&mut person, "/me").await.refused(401, "unauthenticated");
    site.refresh(&mut person).await.refused(401, "unauthenticated");
    assert_eq!(site.mailed().await, ["password_changed"]);
    site.sign_in(&mut browser, OTHER_PASSWORD).await.expect(200);
    // Half an hour, to the second.
    site.later(Duration::from_hours(24));
    let token = reset_token(&site).await;
    site.later(Duration::from_mins(30));
    site.post(&mut browser, "/auth/password/reset", &reset(&token)).await.refused(400, "invalid_link");
    let token = reset_token(&site).await;
    site.later(Duration::from_mins(30) - Duration::from_secs(1));
    site.post(&mut browser, "/auth/password/reset", &reset(&token)).await.expect(204);
}

async fn sec_t08_a_bad_password_does_not_use_the_link_up(store: Store) {
    let site = Site::with_person(store).await;
    let token = reset_token(&site).await;
    let mut browser = Browser::at("192.0.2.8");
    let bad = json!({"token": token, "password": "too short"});
    let refused = site.post(&mut browser, "/auth/password/reset", &bad).await;
    refused.refused(400, "invalid_request");
    assert_eq!(refused.json()["errors"][0]["code"], "password_too_short");
    let good = json!({"token": token, "password": OTHER_PASSWORD});
    site.post(&mut browser, "/auth/password/reset", &good).await.expect(204);
}

async fn sec_t08_the_link_of_a_confirmation_works_once_for_a_day(store: Store) {
    let site = Site::open(store).await;
    let mut browser = Browser::at("192.0.2.8");
    let body = json!({"email": EMAIL, "password": PASSWORD, "accept_policies": true});
    site.post(&mut browser, "/auth/register", &body).await.expect(202);
    let token = json!({"token": site.mails().await.pop().unwrap().token});
    site.later(Duration::from_hours(24));
    site.post(&mut browser, "/auth/verify-email", &token).await.refused(400, "invalid_link");
    let again = json!({"email": EMAIL});
    site.post(&mut browser, "/auth/verify-email/resend", &again).await.expect(202);
    let token = json!({"token": site.mails().await.pop().unwrap().token});
    site.later(Duration::from_hours(24) - Duration::from_secs(1));
    site.post(&mut browser, "/auth/verify-email", &token).await.expect(204);
    site.post(&mut browser, "/auth/verify-email", &token).await.refused(400, "invalid_link");
    site.post(&mut browser, "/auth/verify-email/resend", &again).await.expect(202);
    assert!(site.mailed().await.is_empty(), "there is nothing to confirm any more");
}

async fn a_new_address_counts_when_it_is_confirmed_and_can_be_taken_back(store: Store) {
    let site = Site::with_person(store).await;
    site.register("taken@example.com").await;
    let mut person = site.signed_in("192.0.2.1").await;
    let taken = json!({"email": "taken@example.com"});
    site.post(&mut person, "/me/email", &taken).await.expect(202);
    let mails = site.mails().await;
    assert_eq!((mails[0].kind.as_str(), mails[0].to.as_str()), ("already_registered", "taken@example.com"));
    site.post(&mut person, "/me/email", &json!({"email": "new@example.com"})).await.expect(202);
    let mut mails = site.mails().await;
    let confirm = mails.pop().unwrap();
    assert_eq!((confirm.kind.as_str(), confirm.to.as_str()), ("confirm_email", "new@example.com"));
    let me = site.get(&mut person, "/me").await.expect(200).json();
    assert_eq!(me["email"], EMAIL, "not before it is confirmed");
    let mut browser = Browser::at("192.0.2.8");
    let token = json!({"token": confirm.token});
    site.post(&mut browser, "/auth/email/confirm", &token).await.expect(204);
    site.post(&mut browser, "/auth/email/confirm", &token).await.refused(400, "invalid_link");
    let me = site.get(&mut person, "/me").await.expect(200).json();
    assert_eq!(me["email"], "new@example.com");
    let undo = site.mails().await.pop().unwrap();
    assert_eq!((undo.kind.as_str(), undo.to.as_str()), ("email_changed", EMAIL));
    site.later(Duration::from_hours(7 * 24) - Duration::from_secs(1));
    site.post(&mut browser, "/auth/email/undo", &json!({"token": undo.token})).await.expect(204);
    site.refresh(&mut person).await.refused(401, "unauthenticated");
    let mut person = site.signed_in("192.0.2.1").await;
    let me = site.get(&mut person, "/me").await.expect(200).json();
    assert_eq!(me["email"], EMAIL);
}

async fn nobody_fills_a_mailbox(store: Store) {
    let site = Site::with_person(store).await;
    for number in 0..8 {
        let mut stranger = Browser::at(&format!("2001:db8:{number}::1"));
        let body = json!({"email": EMAIL, "password": OTHER_PASSWORD, "accept_policies": true});
        site.post(&mut stranger, "/auth/register", &body).await.expect(202);
        site.post(&mut stranger, "/auth/password/forgot", &json!({"email": EMAIL})).await.expect(202);
    }
    let kinds = site.mailed().await;
    for kind in ["already_registered", "reset_password"] {
        assert_eq!(kinds.iter().filter(|other| *other == kind).count(), 3, "{kinds:?}");
    }
    // Registrations: three an hour from an address.
    let mut browser = Browser::at("192.0.2.1");
    for number in 0..3 {
        let email = format!("person{number}@example.com");
        let body = json!({"email": email, "password": OTHER_PASSWORD, "accept_policies": true});
        site.post(&mut browser, "/auth/register", &body).await.expect(202);
    }
    let body = json!({"email": "last@example.com", "password": OTHER_PASSWORD, "accept_policies": true});
    let refused = site.post(&mut browser, "/auth/register", &body).await;
    refused.refused(429, "rate_limit_exceeded");
    assert_eq!(refused.header("retry-after"), "1200");
}

async fn who_registers_an_unconfirmed_address_last_gets_it(store: Store) {
    let site = Site::open(store).await;
    let register = |password: &str| json!({"email": EMAIL, "password": password, "accept_policies": true});
    let mut stranger = Browser::at("203.0.113.1");
    site.post(&mut stranger, "/auth/register", &register(OTHER_PASSWORD)).await.expect(202);
    let theirs = site.mails().await.pop().unwrap().token;
    let mut owner = Browser::at("192.0.2.1");
    site.post(&mut owner, "/auth/register", &register(PASSWORD)).await.expect(202);
    let own = site.mails().await.pop().unwrap().token;
    let stale = json!({"token": theirs});
    site.post(&mut owner, "/auth/verify-email", &stale).await.refused(400, "invalid_link");
    site.post(&mut owner, "/auth/verify-email", &json!({"token": own})).await.expect(204);
    site.sign_in(&mut stranger, OTHER_PASSWORD).await.refused(401, "wrong_credentials");
    site.sign_in(&mut owner, PASSWORD).await.expect(200);
    site.ask(&mut owner, (Method::GET, "/me"), None).await.expect(200);
}
