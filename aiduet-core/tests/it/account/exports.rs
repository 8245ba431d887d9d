//! Archives of everything that is kept about a person: whole, of nobody else, and fetched once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::time::Duration;

use aiduet_core::auth::Identity;
use aiduet_core::id::{AccountId, IdentityId, RequestId};
use aiduet_core::ledger::{RequestRecord, SettleRequest};
use aiduet_core::money::Money;
use aiduet_core::testing::{Factory, cents};
use axum::body::{Body, to_bytes};
use http::Response;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::site::{Browser, EMAIL, PASSWORD, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t55_an_export_has_everything_of_the_person_and_nothing_of_another
    sec_t55_an_export_is_fetched_once_in_time_and_by_its_person
    sec_t55_what_broke_off_is_tried_again
    an_export_asks_for_the_password_and_is_told_of
    who_leaves_takes_the_data_along
}

const OTHER: &str = "mallory.moe@example.net";
/// A spreadsheet would run it.
pub(super) const FORMULA: &str = "=cmd|' /C calc'!A0";

/// A person, and everything that must be in the archive, or must not.
pub(super) struct Person {
    pub(super) browser: Browser,
    pub(super) id: AccountId,
    /// Never to be found anywhere.
    secrets: Vec<String>,
    /// To be found in the own archive only.
    traces: Vec<String>,
    pub(super) requests: Vec<RequestRecord>,
}

/// Signs in and does something of every kind.
pub(super) async fn active(site: &Site, email: &str, key_name: &str) -> Person {
    let mut browser = Browser::at("192.0.2.1");
    site.post(&mut browser, "/auth/login", &json!({"email": email, "password": PASSWORD})).await.expect(200);
    let me = site.get(&mut browser, "/me").await.expect(200).json();
    let id: AccountId = me["id"].as_str().unwrap().parse().unwrap();
    let key = site.post(&mut browser, "/keys", &json!({"name": key_name})).await.expect(201).json();
    let revoked = site.post(&mut browser, "/keys", &json!({"name": "gone"})).await.expect(201).json();
    let path = format!("/keys/{}", revoked["id"].as_str().unwrap());
    site.ask(&mut browser, (http::Method::DELETE, &path), None).await.expect(204);
    let (key_id, plain) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    let top_up = site.post(&mut browser, "/billing/topups", &json!({"amount": "20.00"})).await.expect(201);
    let subject = format!("subject-{}", id.as_uuid());
    let identity = Identity {
        id: IdentityId::generate(site.factory.clock().as_ref(), site.factory.entropy()),
        account: id,
        issuer: "https://accounts.example".to_owned(),
        subject: subject.clone(),
        created_at: site.factory.now(),
    };
    site.app.stores().identities.link(identity).await.unwrap();
    let alert = json!({"low_balance": {"threshold": "5.00"}});
    site.ask(&mut browser, (http::Method::PUT, "/billing/alerts"), Some(&alert)).await.expect(200);
    site.app.ledger().post(vec![site.factory.top_up(id, cents(700))]).await.unwrap();
    let mut requests = Vec::new();
    for nanos in [100_000_001_i64, 20_000_000, 3_000_000] {
        let factory = Factory::at(
            u64::from_be_bytes(id.as_uuid().as_bytes()[8..].try_into().unwrap()) ^ nanos.unsigned_abs(),
            site.factory.now(),
        );
        let mut reserve = factory.reserve(id, Money::ZERO);
        reserve.key = key_id.parse().unwrap();
        site.later(Duration::from_secs(1));
        reserve.request = RequestId::generate(site.factory.clock().as_ref(), factory.entropy());
        let record = factory.record(&reserve, Money::from_nanos(nanos));
        let settle = SettleRequest { holds: vec![], record: record.clone(), at: site.factory.now() };
        site.app.ledger().settle(settle).await.unwrap();
        requests.push(record);
    }
    let hex: String = Sha256::digest(plain).iter().map(|byte| format!("{byte:02x}")).collect();
    let cookies = browser.cookies.iter().map(|(_name, value)| value.clone());
    let access = browser.access.clone().unwrap();
    let secrets = [plain.to_owned(), hex, PASSWORD.to_owned(), "$argon2".to_owned(), access];
    let top_up = top_up.json();
    let traces =
        [email, &subject, &id.to_string(), key_id, top_up["id"].as_str().unwrap()].map(str::to_owned);
    let own = requests.iter().map(|record| record.id.to_string());
    let (secrets, traces) =
        (secrets.into_iter().chain(cookies).collect(), traces.into_iter().chain(own).collect());
    Person { browser, id, secrets, traces, requests }
}

pub(super) async fn ask(site: &Site, browser: &mut Browser) -> String {
    let export = site.post(browser, "/exports", &json!({})).await.expect(201).json();
    assert_eq!((&export["state"], &export["requested_by"]), (&json!("ready"), &json!("person")));
    export["id"].as_str().unwrap().to_owned()
}

pub(super) fn path(id: &str) -> String {
    format!("/exports/{id}/download")
}

/// The files of an archive.
pub(super) async fn unpacked(response: Response<Body>) -> BTreeMap<String, Vec<u8>> {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/zip");
    let bytes = to_bytes(response.into_body(), 16 << 20).await.unwrap();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.insert(file.name().unwrap().into_owned(), content);
    }
    files
}

pub(super) fn text<'f>(files: &'f BTreeMap<String, Vec<u8>>, name: &str) -> &'f str {
    std::str::from_utf8(&files[name]).unwrap()
}

/// The rows of a JSON file of any form.
fn rows(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<Value> {
    let text = text(files, name);
    if name.ends_with(".ndjson") {
        return text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    }
    match serde_json::from_str(text).unwrap() {
        Value::Array(rows) => rows,
        object => vec![object],
    }
}

/// The members that a component has, and those that it must have.
fn members(document: &Value, schema: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return members(document, document.pointer(reference.strip_prefix('#').unwrap()).unwrap());
    }
    let texts = |value: &Value| {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let known = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let (mut known, mut required) = (known.collect::<BTreeSet<_>>(), texts(&schema["required"]));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let (more, needed) = members(document, part);
        known.extend(more);
        required.extend(needed);
    }
    (known, required)
}

fn assert_described(document: &Value, files: &BTreeMap<String, Vec<u8>>, manifest: &Value) {
    for file in manifest["files"].as_array().unwrap() {
        let (name, Some(schema)) = (file["name"].as_str().unwrap(), file["schema"].as_str()) else {
            continue;
        };
        let schema = document.pointer(schema.split('#').nth(1).unwrap()).unwrap();
        let (known, required) = members(document, schema);
        if name.ends_with(".csv") {
            continue;
        }
        for row in rows(files, name) {
            let own: BTreeSet<String> = row.as_object().unwrap().keys().cloned().collect();
            assert!(own.is_subset(&known), "{name}: {own:?}");
            assert!(required.is_subset(&own), "{name}: {own:?}");
        }
    }
}

/// Every file but the manifest is in it, as long and with the check sum that it says.
fn assert_manifest(files: &BTreeMap<String, Vec<u8>>, person: &Person) -> Value {
    let manifest = rows(files, "manifest.json").remove(0);
    assert_eq!(manifest["account_id"], person.id.to_string());
    let told = manifest["files"].as_array().unwrap();
    assert_eq!(told.len() + 1, files.len());
    for file in told {
        let name = file["name"].as_str().unwrap();
        let digest: String = Sha256::digest(&files[name]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&file["sha256"], &file["bytes"]), (&json!(digest), &json!(files[name].len())), "{name}");
        let lines = text(files, name).lines().count();
        match name.rsplit('.').next().unwrap() {
            "csv" => assert_eq!(file["rows"], json!(lines - 1), "{name}"),
            "txt" => assert_eq!(file["rows"], json!(null)),
            _ => assert_eq!(file["rows"], json!(rows(files, name).len()), "{name}"),
        }
    }
    manifest
}

/// Every category that is kept here is in a file, and what is counted is there.
fn assert_complete(files: &BTreeMap<String, Vec<u8>>, manifest: &Value) {
    let inventory = rows(files, "inventory.json").remove(0);
    let told = manifest["files"].as_array().unwrap().iter();
    let told: Vec<_> = told.flat_map(|file| file["categories"].as_array().unwrap()).collect();
    for category in inventory["data"].as_array().unwrap() {
        let is_told = told.contains(&&category["category"]);
        assert_eq!(is_told, category["place"] == "database", "{category}");
    }
    let count = |code: &str| {
        let all = inventory["data"].as_array().unwrap();
        all.iter().find(|category| category["category"] == code).unwrap()["count"].as_u64().unwrap()
    };
    let lines = |name: &str| u64::try_from(rows(files, name).len()).unwrap();
    for (code, names) in [
        ("account", ["profile.json"].as_slice()),
        ("identities", &["identities.json"]),
        ("consents", &["consents.json"]),
        ("sessions", &["sessions.json"]),
        ("security_log", &["security-log.ndjson"]),
        ("usage", &["requests.ndjson"]),
        ("purchases", &["invoices.json", "refunds.json"]),
        ("messages", &["notifications.json"]),
        ("exports", &["exports.json"]),
        ("deletions", &["deletion.json"]),
    ] {
        assert_eq!(names.iter().map(|name| lines(name)).sum::<u64>(), count(code), "{code}");
        assert_eq!(count(code) == 0, code == "deletions", "{code}: the test needs one");
    }
    assert_eq!(lines("keys.json"), 2, "also the one that was revoked");
    assert!(count("keys") >= 2 && count("books") >= 1);
}

async fn sec_t55_an_export_has_everything_of_the_person_and_nothing_of_another(store: Store) {
    let site = Site::with_person(store).await;
    site.register(OTHER).await;
    let other = active(&site, OTHER, "laptop of Mallory").await;
    let mut person = active(&site, EMAIL, FORMULA).await;
    let id = ask(&site, &mut person.browser).await;
    let files = unpacked(site.download(&person.browser, &path(&id)).await).await;
    let manifest = assert_manifest(&files, &person);
    assert_complete(&files, &manifest);
    let document: Value = serde_json::from_str(&aiduet_core::http::openapi()).unwrap();
    assert_described(&document, &files, &manifest);
    let all: String = files.values().map(|content| std::str::from_utf8(content).unwrap()).collect();
    for trace in &person.traces {
        assert!(all.contains(trace), "{trace}");
    }
    for foreign in other.traces.iter().chain(["Mallory".to_owned()].iter()) {
        assert!(!all.contains(foreign), "{foreign} is of another");
    }
    for secret in person.secrets.iter().chain(&other.secrets) {
        assert!(!all.contains(secret), "a secret is in the archive");
    }
    let log = text(&files, "requests.csv");
    let ids: Vec<_> = log.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let newest_first: Vec<_> = person.requests.iter().rev().map(|record| record.id.to_string()).collect();
    assert_eq!(ids, newest_first);
    assert!(log.contains(&format!("'{FORMULA}")) && !log.contains(&format!(",{FORMULA}")));
    for name in ["requests.csv", "usage.csv", "ledger.csv"] {
        assert!(text(&files, name).starts_with('\u{feff}'), "{name} says that it is UTF-8");
    }
    let spent: i64 = rows(&files, "usage.ndjson").iter().map(|day| day["cost_nano"].as_i64().unwrap()).sum();
    assert_eq!(spent, 123_000_001);
    let balance = &rows(&files, "billing.json")[0]["balance"]["posted"];
    let newest = text(&files, "ledger.csv").lines().nth(1).unwrap().to_owned();
    assert!(newest.contains(balance.as_str().unwrap()), "{newest}: {balance}");
}

async fn sec_t55_an_export_is_fetched_once_in_time_and_by_its_person(store: Store) {
    let site = Site::with_person(store).await;
    site.register(OTHER).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let mut other = Browser::at("192.0.2.2");
    site.post(&mut other, "/auth/login", &json!({"email": OTHER, "password": PASSWORD})).await.expect(200);
    let id = ask(&site, &mut browser).await;
    for path in [path(&id), format!("/exports/{id}")] {
        site.get(&mut other, &path).await.refused(404, "not_found");
        site.get(&mut Browser::at("192.0.2.3"), &path).await.refused(401, "unauthenticated");
    }
    assert_eq!(site.get(&mut other, "/exports").await.expect(200).json()["data"], json!([]));
    unpacked(site.download(&browser, &path(&id)).await).await;
    site.get(&mut browser, &path(&id)).await.refused(410, "export_downloaded");
    let shown = site.get(&mut browser, &format!("/exports/{id}")).await.expect(200).json();
    assert_eq!(shown["state"], "downloaded");
    assert_ne!(shown["downloaded_at"], json!(null));
    let late = ask(&site, &mut browser).await;
    let list = site.get(&mut browser, "/exports").await.expect(200).json();
    assert_eq!((&list["data"][0]["id"], &list["data"][1]), (&json!(late), &shown));
    site.later(Duration::from_hours(24));
    site.refresh(&mut browser).await.expect(200);
    site.get(&mut browser, &path(&late)).await.refused(410, "export_expired");
    assert_eq!(
        site.get(&mut browser, &format!("/exports/{late}")).await.expect(200).json()["state"],
        "expired"
    );
}

async fn sec_t55_what_broke_off_is_tried_again(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let id = ask(&site, &mut browser).await;
    let mut body = site.download(&browser, &path(&id)).await.into_body();
    let begun = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(ZipArchive::new(Cursor::new(begun)).is_err(), "nobody opens half an archive");
    drop(body);
    let [mut one, mut two] =
        [site.download(&browser, &path(&id)).await, site.download(&browser, &path(&id)).await]
            .map(|response| response.into_body());
    // Both have begun; one ends.
    one.frame().await.unwrap().unwrap();
    two.frame().await.unwrap().unwrap();
    assert_eq!(site.get(&mut browser, &format!("/exports/{id}")).await.expect(200).json()["state"], "ready");
    assert!(one.collect().await.is_ok());
    assert!(two.collect().await.is_err(), "it was fetched meanwhile");
    site.get(&mut browser, &path(&id)).await.refused(410, "export_downloaded");
}

async fn an_export_asks_for_the_password_and_is_told_of(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    drop(site.mails().await);
    let id = ask(&site, &mut browser).await;
    assert_eq!(site.mailed().await, ["export_ready"]);
    let mut elsewhere = site.signed_in("192.0.2.7").await;
    site.later(Duration::from_mins(16));
    for browser in [&mut browser, &mut elsewhere] {
        site.refresh(browser).await.expect(200);
        site.post(browser, "/exports", &json!({})).await.refused(403, "reauth_required");
    }
    site.get(&mut elsewhere, &path(&id)).await.refused(403, "reauth_required");
    unpacked(site.download(&browser, &path(&id)).await).await;
    site.post(&mut elsewhere, "/auth/reauth", &json!({"password": PASSWORD})).await.expect(200);
    let second = ask(&site, &mut elsewhere).await;
    site.post(&mut elsewhere, "/exports", &json!({})).await.refused(429, "rate_limit_exceeded");
    site.post(&mut browser, "/auth/reauth", &json!({"password": PASSWORD})).await.expect(200);
    unpacked(site.download(&browser, &path(&second)).await).await;
    let events = site.events(&mut browser).await;
    let of = |kind: &str| events.iter().filter(|event| *event == kind).count();
    assert_eq!((of("sensitive_export_requested"), of("sensitive_export_downloaded")), (2, 2));
}

async fn who_leaves_takes_the_data_along(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let wish = json!({"email": EMAIL, "unused_credit": "forfeit"});
    site.post(&mut browser, "/account/deletion", &wish).await.expect(202);
    site.sign_in(&mut browser, PASSWORD).await.expect(200);
    let id = ask(&site, &mut browser).await;
    let files = unpacked(site.download(&browser, &path(&id)).await).await;
    assert_eq!(rows(&files, "deletion.json")[0]["state"], "waiting");
    assert_eq!(rows(&files, "profile.json")[0]["state"], "deleting");
}
