//! Everything that ends by time ends by the clock that was put in, and no other clock is read.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::site::{Browser, EMAIL, OTHER_PASSWORD, PASSWORD, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t64_what_ends_by_time_ends_by_the_clock_that_was_put_in
}

/// Ways to ask the machine what time it is.
const CLOCKS: [&str; 8] = [
    "SystemTime::now",
    "std::time::Instant",
    "Zoned::now",
    "Timestamp::now",
    "Utc::now",
    "Local::now",
    "now_utc",
    "now_v7",
];

/// Sources below a directory, without those of tests.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && !matches!(name.as_str(), "tests" | "testing" | "drills") {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
    found
}

/// The lint forbids the clocks of the standard library; this forbids those of other crates too. Pauses
/// and time-outs are by tokio's clock, which tests can stop.
#[test]
fn sec_t64_no_other_clock_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let all = sources(&root);
    assert!(all.len() > 300, "{}", all.len());
    for path in all {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        if name != "clock.rs" {
            let read: Vec<_> = CLOCKS.into_iter().filter(|clock| code.contains(clock)).collect();
            assert!(read.is_empty(), "{name} reads {read:?}: time comes from Clock");
            let is_tokios = code.contains("use tokio::time::Instant") || code.contains("use tokio::time::{");
            assert!(!code.contains("Instant::now") || is_tokios, "{name} reads Instant");
        }
    }
    let lint = fs::read_to_string(root.join("../../clippy.toml")).unwrap();
    for clock in ["std::time::SystemTime::now", "std::time::Instant::now"] {
        assert!(lint.contains(clock), "{clock} is not forbidden by the lint");
    }
}

/// Something that ends, and how it is seen whether it has.
enum Thing {
    Confirmation(String),
    Reset(String),
    Access(Browser),
    Archive(Browser, String),
    Key(String),
    Replaced(String),
}

const ENDS: [(&str, Duration); 6] = [
    ("confirmation", Duration::from_hours(24)),
    ("reset", Duration::from_mins(30)),
    ("access", Duration::from_mins(15)),
    ("archive", Duration::from_hours(24)),
    ("key", Duration::from_hours(1)),
    ("replaced", Duration::from_hours(2)),
];

async fn token(site: &Site) -> String {
    site.mails().await.pop().unwrap().token
}

async fn made(site: &Site, name: &str) -> Thing {
    let mut browser = Browser::at("192.0.2.8");
    if name == "confirmation" {
        let body = json!({"email": "new@example.com", "password": PASSWORD, "accept_policies": true});
        site.post(&mut browser, "/auth/register", &body).await.expect(202);
        return Thing::Confirmation(token(site).await);
    }
    if name == "reset" {
        site.post(&mut browser, "/auth/password/forgot", &json!({"email": EMAIL})).await.expect(202);
        return Thing::Reset(token(site).await);
    }
    let mut browser = site.signed_in("192.0.2.1").await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match name {
        "access" => Thing::Access(browser),
        "archive" => {
            let export = site.post(&mut browser, "/exports", &json!({})).await.expect(201).json();
            Thing::Archive(browser, text(&export["id"]))
        }
        "key" => {
            let end = site.factory.now().plus(Duration::from_hours(1)).to_string();
            let body = json!({"name": "short", "expires_at": end});
            Thing::Key(text(&site.post(&mut browser, "/keys", &body).await.expect(201).json()["key"]))
        }
        _ => {
            let key = site.post(&mut browser, "/keys", &json!({"name": "old"})).await.expect(201).json();
            let path = format!("/keys/{}/rotate", text(&key["id"]));
            let overlap = json!({"overlap_seconds": 7_200});
            site.post(&mut browser, &path, &overlap).await.expect(201);
            Thing::Replaced(text(&key["key"]))
        }
    }
}

/// Uses a thing; the status of what is good, or of what has ended.
async fn used(site: &Site, thing: Thing) -> (Reply, [u16; 2]) {
    let mut browser = Browser::at("192.0.2.8");
    match thing {
        Thing::Confirmation(token) => {
            let body = json!({"token": token});
            (site.post(&mut browser, "/auth/verify-email", &body).await, [204, 400])
        }
        Thing::Reset(token) => {
            let body = json!({"token": token, "password": OTHER_PASSWORD});
            (site.post(&mut browser, "/auth/password/reset", &body).await, [204, 400])
        }
        Thing::Access(mut browser) => (site.get(&mut browser, "/me").await, [200, 401]),
        Thing::Archive(mut browser, id) => {
            site.refresh(&mut browser).await.expect(200);
            let reply = site.get(&mut browser, &format!("/exports/{id}")).await.expect(200);
            let status = if reply.json()["state"] == "ready" { 200 } else { 410 };
            (Reply { status, ..reply }, [200, 410])
        }
        Thing::Key(key) | Thing::Replaced(key) => (super::keys::models(site, &key).await, [200, 401]),
    }
}

async fn sec_t64_what_ends_by_time_ends_by_the_clock_that_was_put_in(store: Store) {
    for (name, life) in ENDS {
        for (moment, is_over) in [(life.saturating_sub(Duration::from_secs(1)), false), (life, true)] {
            let site = Site::with_person(store).await;
            let begun = site.factory.now();
            let thing = made(&site, name).await;
            // Each request moves the clock by a millisecond.
            let passed = site.factory.now().since(begun);
            site.later(moment.saturating_sub(passed) + if is_over { passed } else { Duration::ZERO });
            let (reply, [good, over]) = used(&site, thing).await;
            let expected = if is_over { over } else { good };
            assert_eq!(reply.status, expected, "{name} after {moment:?}: {}", &reply.text);
        }
    }
}
