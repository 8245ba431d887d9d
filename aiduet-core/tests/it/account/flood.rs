//! Floods of sign-ins: hashing a password is dear, so only so much of it is done.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::json;

use super::site::{Browser, Reply, Site};
use crate::databases::Store;

/// So many attempts come at once.
const FLOOD: usize = 200;
/// At most so many of them are hashed: those that are made, the 32 that wait for their turn
/// (`HasherConfig::waiting_max`), and as many as take their places while the flood comes in.
const HASHED_MAX: usize = 100;

/// A site where somebody has a key with credit, and the key.
async fn stage() -> (Site, String) {
    let site = Site::with_person(Store::Memory).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let key = site.post(&mut browser, "/keys", &json!({"name": "laptop"})).await.expect(201).json();
    let account = site.get(&mut browser, "/me").await.expect(200).json()["id"].as_str().unwrap().to_owned();
    let top_up = site.factory.top_up(account.parse().unwrap(), aiduet_core::testing::cents(1_000));
    site.app.ledger().post(vec![top_up]).await.unwrap();
    site.mails().await;
    (site, key["key"].as_str().unwrap().to_owned())
}

async fn attempt(site: &Site, address: &str, number: usize) -> Reply {
    let body = json!({"email": format!("nobody-{number}@example.com"), "password": "wrong, and wrong again"});
    site.post(&mut Browser::at(address), "/auth/login", &body).await
}

/// What is turned away is told when to come back.
fn assert_turned_away(reply: &Reply, status: u16, code: &str) {
    reply.refused(status, code);
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(reply.header("content-type"), "application/problem+json");
}

/// Two hundred attempts from as many addresses at once: a few passwords are hashed, the rest is turned
/// away before anything is hashed, and calls with a key go on meanwhile.
#[tokio::test]
async fn sec_t06_a_flood_of_sign_ins_is_turned_away_and_calls_go_on() {
    let (site, key) = stage().await;
    let answered = Cell::new(0_usize);
    let flood = join_all((0..FLOOD).map(|number| {
        let (site, answered) = (&site, &answered);
        async move {
            let reply = attempt(site, &format!("198.51.{}.{}", number / 100, number % 100), number).await;
            answered.set(answered.get() + 1);
            reply
        }
    }));
    let calls = async {
        // The flood is under way: it was polled first, and all that is turned away is answered by now.
        tokio::task::yield_now().await;
        super::keys::models(&site, &key).await.expect(200);
        super::keys::call(&site, &key).await.expect(200);
        answered.get()
    };
    let (replies, before) = join(flood, calls).await;
    let hashed = replies.iter().filter(|reply| reply.status == 401).count();
    assert!((1..=HASHED_MAX).contains(&hashed), "{hashed} were hashed");
    assert!(before < FLOOD, "a call with a key waits for no password");
    for reply in replies.iter().filter(|reply| reply.status != 401) {
        assert_turned_away(reply, 503, "service_unavailable");
    }
    // When the flood is over everybody may come in.
    site.signed_in("192.0.2.1").await;
    super::keys::call(&site, &key).await.expect(200);
}

/// From one address it ends before anything is hashed, and nobody else is turned away.
#[tokio::test]
async fn sec_t06_a_flood_from_one_address_is_throttled_by_itself() {
    let (site, key) = stage().await;
    let replies = join_all((0..FLOOD).map(|number| attempt(&site, "198.51.100.7", number))).await;
    let hashed = replies.iter().filter(|reply| reply.status == 401).count();
    assert_eq!(hashed, 5, "five a minute");
    for reply in replies.iter().filter(|reply| reply.status != 401) {
        assert_turned_away(reply, 429, "rate_limit_exceeded");
    }
    site.signed_in("192.0.2.1").await;
    super::keys::call(&site, &key).await.expect(200);
    site.later(Duration::from_mins(1));
    assert_eq!(attempt(&site, "198.51.100.7", FLOOD).await.status, 401);
}
