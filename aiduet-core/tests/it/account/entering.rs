//! Who gets in, how often one may try, and how a session goes on and ends.

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::account::Account;
use aiduet_core::auth::{HashCost, HasherConfig, PasswordHasher, PlainPassword};
use aiduet_core::testing::SeededEntropy;
use http::Method;
use serde_json::json;

use super::site::{Browser, EMAIL, OTHER_PASSWORD, PASSWORD, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_person_signs_up_confirms_and_signs_in
    sec_t03_an_outdated_hash_is_made_anew_by_signing_in
    sec_t04_attempts_are_counted_by_address_account_and_pair
    sec_t04_a_known_device_enters_while_strangers_guess
    sec_t05_after_a_hundred_failures_only_a_reset_helps
    sec_t07_nothing_tells_whether_there_is_an_account
    sec_t10_the_cookies_are_out_of_reach
    a_person_chooses_which_mails_are_sent
    sec_t11_a_session_ends_when_its_owner_says_so
    sec_t12_a_refresh_token_that_was_used_ends_the_session
    sec_t13_what_is_sensitive_asks_for_the_password_again
}

async fn a_person_signs_up_confirms_and_signs_in(store: Store) {
    let site = Site::open(store).await;
    let mut browser = Browser::at("192.0.2.1");
    let body = json!({
        "email": EMAIL, "password": PASSWORD, "name": "Rosalind", "locale": "ja", "accept_policies": true,
    });
    site.post(&mut browser, "/auth/register", &body).await.expect(202);
    site.sign_in(&mut browser, PASSWORD).await.refused(403, "email_unverified");
    let mails = site.mails().await;
    let token = json!({"token": mails[0].token});
    site.post(&mut browser, "/auth/verify-email", &token).await.expect(204);
    let entered = site.sign_in(&mut browser, PASSWORD).await.expect(200).json();
    assert_eq!(entered["expires_in"], 900);
    let me = site.get(&mut browser, "/me").await.expect(200).json();
    assert_eq!(me, entered["account"]);
    assert_eq!((&me["email"], &me["name"], &me["locale"]), (&json!(EMAIL), &json!("Rosalind"), &json!("ja")));
    let change = json!({"name": null, "locale": "zh-CN"});
    let me = site.ask(&mut browser, (Method::PATCH, "/me"), Some(&change)).await.expect(200).json();
    assert_eq!((&me["name"], &me["locale"]), (&json!(null), &json!("zh-CN")));
    site.refresh(&mut browser).await.expect(200);
    let sessions = site.get(&mut browser, "/me/sessions").await.expect(200).json();
    assert_eq!(sessions["data"].as_array().unwrap().len(), 1);
    assert_eq!(sessions["data"][0]["current"], true);
    let events = site.events(&mut browser).await;
    assert_eq!(events, ["user_updated", "authn_login_success", "email_verified", "user_created"]);
    assert!(site.mailed().await.is_empty(), "the first sign-in is no surprise");
}

async fn sec_t03_an_outdated_hash_is_made_anew_by_signing_in(store: Store) {
    let site = Site::with_person(store).await;
    let config = HasherConfig { cost: HashCost::for_tests(), ..HasherConfig::default() };
    let old = PasswordHasher::new(config, Arc::new(SeededEntropy::new(1))).unwrap();
    let old = old.rehash(&PlainPassword::new(PASSWORD)).await.unwrap();
    let accounts = &site.app.stores().accounts;
    let email = EMAIL.parse().unwrap();
    let account = accounts.find_by_email(&email).await.unwrap().unwrap();
    let planted = Account { password: Some(old.clone()), ..Account::clone(&account) };
    accounts.update(&account, planted).await.unwrap();
    site.signed_in("192.0.2.1").await;
    let renewed = accounts.find_by_email(&email).await.unwrap().unwrap().password.clone().unwrap();
    assert!(renewed.expose().contains("m=19456,t=2,p=1"), "{}", renewed.expose());
    site.signed_in("192.0.2.2").await;
    let kept = accounts.find_by_email(&email).await.unwrap().unwrap().password.clone();
    assert_eq!(kept, Some(renewed));
}

async fn sec_t04_attempts_are_counted_by_address_account_and_pair(store: Store) {
    let site = Site::with_person(store).await;
    // Five a minute from one address, whoever is asked for; an IPv6 household is one address.
    let attempt = json!({"email": "nobody@example.com", "password": "whatever it is, it is wrong"});
    for number in 1..=5 {
        let mut browser = Browser::at(&format!("2001:db8:1:2::{number}"));
        site.post(&mut browser, "/auth/login", &attempt).await.refused(401, "wrong_credentials");
    }
    let mut same_household = Browser::at("2001:db8:1:2:ffff::1");
    let refused = site.post(&mut same_household, "/auth/login", &attempt).await;
    refused.refused(429, "rate_limit_exceeded");
    assert_eq!(refused.header("retry-after"), "12");
    site.later(Duration::from_secs(12));
    site.post(&mut same_household, "/auth/login", &attempt).await.refused(429, "rate_limit_exceeded");
    let mut neighbour = Browser::at("2001:db8:1:3::1");
    site.sign_in(&mut neighbour, PASSWORD).await.expect(200);

    // Five wrong passwords for one account from one address, however slowly.
    let mut browser = Browser::at("192.0.2.9");
    for _ in 0..5 {
        site.sign_in(&mut browser, "wrong, and wrong again").await.refused(401, "wrong_credentials");
        site.later(Duration::from_secs(13));
    }
    site.sign_in(&mut browser, PASSWORD).await.refused(429, "rate_limit_exceeded");
    // Ten for one account from anywhere.
    for number in 0..5 {
        let mut browser = Browser::at(&format!("192.0.2.{}", 20 + number));
        site.sign_in(&mut browser, "wrong, and wrong again").await.refused(401, "wrong_credentials");
    }
    let mut fresh = Browser::at("192.0.2.99");
    let refused = site.sign_in(&mut fresh, PASSWORD).await;
    refused.refused(429, "rate_limit_exceeded");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=90).contains(&wait), "{wait}");
    site.later(Duration::from_secs(wait));
    site.sign_in(&mut fresh, PASSWORD).await.expect(200);
}

async fn sec_t04_a_known_device_enters_while_strangers_guess(store: Store) {
    let site = Site::with_person(store).await;
    let mut known = site.signed_in("192.0.2.1").await;
    for number in 0..10 {
        let mut stranger = Browser::at(&format!("203.0.113.{number}"));
        site.sign_in(&mut stranger, "wrong, and wrong again").await.refused(401, "wrong_credentials");
    }
    site.sign_in(&mut Browser::at("192.0.2.2"), PASSWORD).await.refused(429, "rate_limit_exceeded");
    site.sign_in(&mut known, PASSWORD).await.expect(200);
    // The device of one account is a stranger to another.
    site.later(Duration::from_hours(1));
    site.mails().await;
    site.register("other@example.com").await;
    for number in 0..10 {
        let mut stranger = Browser::at(&format!("203.0.113.{number}"));
        let attempt = json!({"email": "other@example.com", "password": "wrong, and wrong again"});
        site.post(&mut stranger, "/auth/login", &attempt).await.refused(401, "wrong_credentials");
    }
    let attempt = json!({"email": "other@example.com", "password": PASSWORD});
    site.post(&mut known, "/auth/login", &attempt).await.refused(429, "rate_limit_exceeded");
}

async fn sec_t05_after_a_hundred_failures_only_a_reset_helps(store: Store) {
    let site = Site::with_person(store).await;
    for number in 0..100 {
        let mut stranger = Browser::at(&format!("203.0.113.{number}"));
        site.sign_in(&mut stranger, "wrong, and wrong again").await.refused(401, "wrong_credentials");
        site.later(Duration::from_secs(91));
    }
    assert_eq!(site.mailed().await, ["password_locked"]);
    let mut owner = Browser::at("192.0.2.1");
    site.sign_in(&mut owner, PASSWORD).await.refused(401, "wrong_credentials");
    site.later(Duration::from_secs(91));
    site.sign_in(&mut owner, PASSWORD).await.refused(401, "wrong_credentials");
    assert!(site.mailed().await.is_empty());
    site.post(&mut owner, "/auth/password/forgot", &json!({"email": EMAIL})).await.expect(202);
    let token = site.mails().await.pop().unwrap().token;
    let body = json!({"token": token, "password": OTHER_PASSWORD});
    site.post(&mut owner, "/auth/password/reset", &body).await.expect(204);
    site.later(Duration::from_mins(15));
    site.sign_in(&mut owner, OTHER_PASSWORD).await.expect(200);
}

async fn sec_t07_nothing_tells_whether_there_is_an_account(store: Store) {
    let site = Site::with_person(store).await;
    for (path, body) in [
        ("/auth/login", json!({"password": "wrong, and wrong again"})),
        ("/auth/register", json!({"password": OTHER_PASSWORD, "accept_policies": true})),
        ("/auth/password/forgot", json!({})),
        ("/auth/verify-email/resend", json!({})),
    ] {
        let mut answers = Vec::new();
        let unknown = format!("nobody{}@example.com", path.len());
        for email in [EMAIL, &unknown] {
            let mut body = body.clone();
            body["email"] = json!(email);
            let reply = site.post(&mut Browser::at("192.0.2.1"), path, &body).await;
            let id = reply.header("x-request-id").to_owned();
            let mut headers: Vec<String> =
                reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            headers.sort();
            headers.iter_mut().for_each(|header| *header = header.replace(&id, ""));
            answers.push((reply.status, reply.text.replace(&id, ""), headers));
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
    assert_eq!(site.mailed().await, ["already_registered", "verify_email", "reset_password"]);
}

async fn sec_t10_the_cookies_are_out_of_reach(store: Store) {
    let site = Site::with_person(store).await;
    let reply = site.sign_in(&mut Browser::at("192.0.2.1"), PASSWORD).await.expect(200);
    let cookies: Vec<&str> =
        reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let [refresh, device] = cookies.as_slice() else { panic!("{cookies:?}") };
    let (name, value) = refresh.split(';').next().unwrap().split_once('=').unwrap();
    assert_eq!(name, "__Secure-aiduet_refresh");
    let secret = value.split_once('.').unwrap().1;
    assert_eq!(secret.len(), 43, "256 bits in base64");
    let attributes = "; Max-Age=2592000; Path=/api/v1/auth; Secure; HttpOnly; SameSite=Strict";
    assert!(refresh.ends_with(attributes), "{refresh}");
    assert!(device.starts_with("__Host-aiduet_device="), "{device}");
    assert!(device.ends_with("; Max-Age=15552000; Path=/; Secure; HttpOnly; SameSite=Strict"), "{device}");
    assert!(!reply.text.contains(secret), "the body does not hold it");
    let account = reply.json()["account"]["id"].as_str().unwrap().parse().unwrap();
    let kept = site.app.stores().sessions.list(account).await.unwrap();
    assert!(!format!("{kept:?}").contains(secret), "a digest is kept");
}

async fn a_person_chooses_which_mails_are_sent(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let (get, put) = ((Method::GET, "/me/notifications"), (Method::PUT, "/me/notifications"));
    let all = json!({"key_expiry": true, "new_sign_in": true, "balance_empty": true});
    assert_eq!(site.ask(&mut browser, get.clone(), None).await.expect(200).json(), all);
    site.signed_in("192.0.2.2").await;
    assert_eq!(site.mailed().await, ["new_sign_in"]);
    let few = json!({"key_expiry": true, "new_sign_in": false, "balance_empty": false});
    assert_eq!(site.ask(&mut browser, put.clone(), Some(&few)).await.expect(200).json(), few);
    assert_eq!(site.ask(&mut browser, get, None).await.expect(200).json(), few);
    assert_eq!(site.get(&mut browser, "/me").await.json()["notifications"], few);
    site.signed_in("192.0.2.3").await;
    assert!(site.mailed().await.is_empty(), "it was turned off");
    for wrong in [json!({}), json!({"key_expiry": true}), json!({"key_expiry": true, "new_sign_in": 1})] {
        site.ask(&mut browser, put.clone(), Some(&wrong)).await.refused(400, "malformed_body");
    }
}

async fn sec_t11_a_session_ends_when_its_owner_says_so(store: Store) {
    let site = Site::with_person(store).await;
    let mut first = site.signed_in("192.0.2.1").await;
    let mut second = site.signed_in("192.0.2.2").await;
    assert_ne!(first.access, second.access);
    let sessions = site.get(&mut second, "/me/sessions").await.expect(200).json();
    let other = sessions["data"].as_array().unwrap().iter().find(|session| session["current"] == false);
    let id = other.unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/me/sessions/{id}");
    site.ask(&mut second, (Method::DELETE, &path), None).await.expect(204);
    site.ask(&mut second, (Method::DELETE, &path), None).await.refused(404, "not_found");
    site.get(&mut first, "/me").await.refused(401, "unauthenticated");
    site.refresh(&mut first).await.refused(401, "unauthenticated");
    assert_eq!(first.cookie("refresh"), None, "the browser forgets it");
    let mut kept = second.clone();
    site.post(&mut second, "/auth/logout", &json!({})).await.expect(204);
    assert_eq!(second.cookie("refresh"), None);
    site.get(&mut kept, "/me").await.refused(401, "unauthenticated");
    site.refresh(&mut kept).await.refused(401, "unauthenticated");
    // Another session cannot end it, and an access token ends by itself.
    let mut third = site.signed_in("192.0.2.3").await;
    site.later(Duration::from_mins(15));
    site.get(&mut third, "/me").await.refused(401, "unauthenticated");
    site.refresh(&mut third).await.expect(200);
    site.get(&mut third, "/me").await.expect(200);
    site.later(Duration::from_hours(7 * 24));
    site.refresh(&mut third).await.refused(401, "unauthenticated");
}

async fn sec_t12_a_refresh_token_that_was_used_ends_the_session(store: Store) {
    let site = Site::with_person(store).await;
    let mut owner = site.signed_in("192.0.2.1").await;
    site.mails().await;
    // An answer that was lost: the same token once more, at once.
    let mut lost = owner.clone();
    site.refresh(&mut owner).await.expect(200);
    site.refresh(&mut lost).await.expect(200);
    // The same much later is a thief, or the owner after a thief.
    let mut thief = lost.clone();
    site.refresh(&mut lost).await.expect(200);
    site.later(Duration::from_secs(31));
    site.refresh(&mut thief).await.refused(401, "unauthenticated");
    site.refresh(&mut lost).await.refused(401, "unauthenticated");
    site.get(&mut lost, "/me").await.refused(401, "unauthenticated");
    assert_eq!(site.mailed().await, ["sessions_revoked"]);
    let mut again = site.signed_in("192.0.2.1").await;
    assert!(site.events(&mut again).await.contains(&"authn_token_reuse".to_owned()));
}

async fn sec_t13_what_is_sensitive_asks_for_the_password_again(store: Store) {
    let site = Site::with_person(store).await;
    let calls = [
        ("/me/password", json!({"password": OTHER_PASSWORD})),
        ("/me/email", json!({"email": "new@example.com"})),
    ];
    for (path, body) in &calls {
        let mut browser = site.signed_in("192.0.2.1").await;
        site.later(Duration::from_mins(14) + Duration::from_secs(58));
        let mut fresh = browser.clone();
        site.refresh(&mut browser).await.expect(200);
        site.later(Duration::from_secs(3));
        site.post(&mut browser, path, body).await.refused(403, "reauth_required");
        let wrong = json!({"password": "wrong, and wrong again"});
        site.post(&mut browser, "/auth/reauth", &wrong).await.refused(401, "wrong_credentials");
        site.post(&mut browser, path, body).await.refused(403, "reauth_required");
        drop(fresh.access.take());
        site.post(&mut fresh, path, body).await.refused(401, "unauthenticated");
    }
    // Within the time.
    let mut browser = site.signed_in("192.0.2.2").await;
    site.later(Duration::from_mins(14) + Duration::from_secs(58));
    site.post(&mut browser, "/me/email", &calls[1].1).await.expect(202);
    // With the password given again.
    site.later(Duration::from_mins(20));
    site.refresh(&mut browser).await.expect(200);
    site.post(&mut browser, "/auth/reauth", &json!({"password": PASSWORD})).await.expect(200);
    let mut other = site.signed_in("192.0.2.3").await;
    site.post(&mut browser, "/me/password", &calls[0].1).await.expect(204);
    site.get(&mut browser, "/me").await.expect(200);
    site.get(&mut other, "/me").await.refused(401, "unauthenticated");
    site.sign_in(&mut Browser::at("192.0.2.4"), PASSWORD).await.refused(401, "wrong_credentials");
    site.sign_in(&mut Browser::at("192.0.2.4"), OTHER_PASSWORD).await.expect(200);
}
