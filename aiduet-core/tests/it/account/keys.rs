//! API keys of a person: made, shown once, used, changed, replaced, revoked.

use std::time::Duration;

use aiduet_core::testing::cents;
use aiduet_core::testing::github::FakeGithub;
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use super::site::{Browser, EMAIL, PASSWORD, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t22_a_key_is_shown_once_and_kept_as_a_digest
    a_key_works_at_once_and_stops_at_once
    a_rotated_key_works_until_the_overlap_is_over
    the_same_request_makes_one_key
    sec_t24_limits_are_kept_as_they_were_given
    how_far_a_key_is_in_its_limits_is_listed
    sec_t27_the_key_of_another_person_is_not_there
    sec_t13_a_key_is_made_within_a_day_of_the_password
    sec_t23_a_key_in_the_address_is_refused_and_disabled
    sec_t26_a_key_that_github_found_is_disabled_and_its_owner_told_once
    sec_t26_who_holds_a_key_may_stop_it
    nobody_reports_where_no_sender_is_believed
    a_key_tells_what_was_done_with_it
}

async fn open(store: Store) -> (Site, Browser) {
    let site = Site::with_person(store).await;
    let email = EMAIL.parse().unwrap();
    let account = site.app.stores().accounts.find_by_email(&email).await.unwrap().unwrap();
    site.app.stores().ledger.post(vec![site.factory.top_up(account.id, cents(1_000))]).await.unwrap();
    let browser = site.signed_in("192.0.2.1").await;
    (site, browser)
}

async fn made(site: &Site, browser: &mut Browser, body: &Value) -> (String, String) {
    let key = site.post(browser, "/keys", body).await.expect(201).json();
    (key["id"].as_str().unwrap().to_owned(), key["key"].as_str().unwrap().to_owned())
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

/// The models that a key may use, which costs nothing.
pub(super) async fn models(site: &Site, key: &str) -> Reply {
    let request = Request::get("/v1/models").header("authorization", format!("Bearer {key}"));
    site.send("192.0.2.1".parse().unwrap(), request.body(Body::empty()).unwrap()).await
}

async fn how_far_a_key_is_in_its_limits_is_listed(store: Store) {
    let (site, mut browser) = open(store).await;
    let limits = json!({"spend": {"day": "0.50", "total": "3"}});
    let (id, plain) = made(&site, &mut browser, &json!({"name": "limited", "limits": limits})).await;
    made(&site, &mut browser, &json!({"name": "free"})).await;
    call(&site, &plain).await.expect(200);
    let listed = site.get(&mut browser, "/keys").await.expect(200).json();
    assert_eq!((&listed["data"][0]["name"], &listed["data"][0]["spend"]), (&json!("free"), &json!([])));
    let usage = site.get(&mut browser, &format!("/keys/{id}/usage")).await.expect(200).json();
    let told = usage["spend"].as_array().unwrap();
    assert!(told[0]["spent_nano"].as_i64().unwrap() > 0);
    assert_eq!(listed["data"][1]["spend"], json!([told[0], told[3]]), "only the periods with a limit");
}

async fn sec_t22_a_key_is_shown_once_and_kept_as_a_digest(store: Store) {
    let (site, mut browser) = open(store).await;
    let reply = site.post(&mut browser, "/keys", &json!({"name": "laptop"})).await.expect(201);
    let plain = reply.json()["key"].as_str().unwrap().to_owned();
    assert!(plain.starts_with("sk-duet-"));
    assert_eq!(reply.header("cache-control"), "no-store");
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    let shown = site.get(&mut browser, &format!("/keys/{id}")).await.expect(200);
    let listed = site.get(&mut browser, "/keys").await.expect(200);
    assert_eq!(listed.json()["data"], json!([shown.json()]));
    assert_eq!(shown.json()["last4"], plain[plain.len() - 4..]);
    assert!(!listed.text.contains(&plain[12..plain.len() - 4]));
    let account = site.get(&mut browser, "/me").await.json()["id"].as_str().unwrap().parse().unwrap();
    let kept = site.app.stores().keys.find(account, id.parse().unwrap()).await.unwrap();
    assert!(!format!("{kept:?}").contains(&plain[12..plain.len() - 4]));
    assert_eq!(site.mailed().await, ["key_created"]);
}

async fn a_key_works_at_once_and_stops_at_once(store: Store) {
    let (site, mut browser) = open(store).await;
    let (id, plain) = made(&site, &mut browser, &json!({"name": "laptop"})).await;
    let path = format!("/keys/{id}");
    call(&site, &plain).await.expect(200);
    let off = json!({"disabled": true, "name": "old laptop"});
    let key = site.ask(&mut browser, (Method::PATCH, &path), Some(&off)).await.expect(200).json();
    assert_eq!((&key["state"], &key["name"]), (&json!("disabled"), &json!("old laptop")));
    call(&site, &plain).await.expect(401);
    let on = json!({"disabled": false});
    site.ask(&mut browser, (Method::PATCH, &path), Some(&on)).await.expect(200);
    call(&site, &plain).await.expect(200);
    site.ask(&mut browser, (Method::DELETE, &path), None).await.expect(204);
    call(&site, &plain).await.expect(401);
    site.get(&mut browser, &path).await.refused(404, "not_found");
    site.ask(&mut browser, (Method::DELETE, &path), None).await.refused(404, "not_found");
    let listed = site.get(&mut browser, "/keys").await.expect(200).json();
    assert_eq!(listed["data"], json!([]));
    assert_eq!(site.mailed().await, ["key_created", "key_deleted"]);
    site.app.close().await;
}

async fn a_rotated_key_works_until_the_overlap_is_over(store: Store) {
    let (site, mut browser) = open(store).await;
    let (id, old) = made(&site, &mut browser, &json!({"name": "ci", "limits": {"concurrency": 3}})).await;
    let path = format!("/keys/{id}/rotate");
    let overlap = json!({"overlap_seconds": 600});
    let new = site.post(&mut browser, &path, &overlap).await.expect(201).json();
    assert_eq!((&new["name"], &new["limits"]["concurrency"]), (&json!("ci"), &json!(3)));
    let plain = new["key"].as_str().unwrap();
    call(&site, plain).await.expect(200);
    call(&site, &old).await.expect(200);
    site.post(&mut browser, &path, &overlap).await.refused(409, "key_ended");
    site.later(Duration::from_secs(601));
    call(&site, &old).await.expect(401);
    call(&site, plain).await.expect(200);
    let long = json!({"overlap_seconds": 7 * 86_400 + 1});
    site.post(&mut browser, &path, &long).await.refused(400, "invalid_request");
    site.app.close().await;
}

async fn the_same_request_makes_one_key(store: Store) {
    let (site, browser) = open(store).await;
    let send = async |name: &str, token: &str| {
        let request = Request::post("/api/v1/keys")
            .header("authorization", format!("Bearer {}", browser.access.as_ref().unwrap()))
            .header("idempotency-key", token)
            .header("content-type", "application/json")
            .body(Body::from(json!({"name": name}).to_string()));
        site.send(browser.address, request.unwrap()).await
    };
    let first = send("laptop", "one").await.expect(201).json();
    let again = send("laptop", "one").await.expect(201).json();
    assert_eq!(first["id"], again["id"]);
    assert_eq!(again["key"], Value::Null, "it is shown once");
    send("desktop", "one").await.refused(422, "idempotency_key_reused");
    let second = send("laptop", "two").await.expect(201).json();
    assert_ne!(first["id"], second["id"]);
    send("laptop", "with space").await.refused(400, "invalid_request");
    send("laptop", &"a".repeat(65)).await.refused(400, "invalid_request");
    assert_eq!(site.mailed().await.len(), 2);
}

async fn sec_t24_limits_are_kept_as_they_were_given(store: Store) {
    let (site, mut browser) = open(store).await;
    let limits = json!({
        "spend": {"day": "1.5", "total": "20"},
        "requests_per_minute": 60,
        "tokens_per_minute": 100_000,
        "concurrency": 4,
        "models": ["gpt-5.4-mini"],
        "endpoints": ["chat_completions"],
        "networks": ["192.0.2.0/24", "2001:db8::/32"],
    });
    let wish = json!({"name": "narrow", "limits": limits, "expires_at": "2027-01-01T00:00:00Z"});
    let (id, plain) = made(&site, &mut browser, &wish).await;
    let key = site.get(&mut browser, &format!("/keys/{id}")).await.expect(200).json();
    let kept = &key["limits"];
    assert_eq!(kept["spend"]["day_nano"], 1_500_000_000_i64);
    assert_eq!(
        (&kept["spend"]["week"], &kept["spend"]["total_nano"]),
        (&json!(null), &json!(20_000_000_000_i64))
    );
    for name in ["requests_per_minute", "tokens_per_minute", "concurrency", "models", "networks"] {
        assert_eq!(kept[name], limits[name], "{name}");
    }
    assert_eq!(key["expires_at"], "2027-01-01T00:00:00.000Z");
    call(&site, &plain).await.expect(200);
    for (member, value) in [
        ("models", json!(["no such\nmodel"])),
        ("endpoints", json!(["elsewhere"])),
        ("networks", json!(["192.0.2.0/99"])),
        ("networks", json!(vec!["192.0.2.0/24"; 51])),
        ("spend", json!({"day": "-1"})),
        ("spend", json!({"day": "1.0000000001"})),
        ("concurrency", json!(0)),
    ] {
        let body = json!({"name": "wrong", "limits": {member: value}});
        site.post(&mut browser, "/keys", &body).await.refused(400, "invalid_request");
    }
    let past = json!({"name": "past", "expires_at": "2020-01-01T00:00:00Z"});
    site.post(&mut browser, "/keys", &past).await.refused(400, "invalid_request");
    for extra in ["id", "account", "hash", "state", "last4", "created_at"] {
        let body = json!({"name": "more", extra: "x"});
        site.post(&mut browser, "/keys", &body).await.refused(400, "malformed_body");
    }
    site.app.close().await;
}

async fn sec_t27_the_key_of_another_person_is_not_there(store: Store) {
    let (site, mut browser) = open(store).await;
    let (id, plain) = made(&site, &mut browser, &json!({"name": "laptop"})).await;
    site.mails().await;
    site.register("other@example.com").await;
    let mut other = Browser::at("192.0.2.2");
    let body = json!({"email": "other@example.com", "password": PASSWORD});
    site.post(&mut other, "/auth/login", &body).await.expect(200);
    for (method, path, body) in [
        (Method::GET, format!("/keys/{id}"), None),
        (Method::PATCH, format!("/keys/{id}"), Some(json!({"disabled": true}))),
        (Method::DELETE, format!("/keys/{id}"), None),
        (Method::POST, format!("/keys/{id}/rotate"), Some(json!({}))),
        (Method::GET, "/keys/nonsense".to_owned(), None),
    ] {
        let reply = site.ask(&mut other, (method, &path), body.as_ref()).await;
        reply.refused(404, "not_found");
    }
    call(&site, &plain).await.expect(200);
    site.app.close().await;
}

async fn sec_t13_a_key_is_made_within_a_day_of_the_password(store: Store) {
    let (site, mut browser) = open(store).await;
    site.later(Duration::from_hours(24) - Duration::from_mins(1));
    site.refresh(&mut browser).await.expect(200);
    made(&site, &mut browser, &json!({"name": "in time"})).await;
    site.later(Duration::from_mins(2));
    let late = json!({"name": "late"});
    site.post(&mut browser, "/keys", &late).await.refused(403, "reauth_required");
    site.get(&mut browser, "/keys").await.expect(200);
}

async fn sec_t23_a_key_in_the_address_is_refused_and_disabled(store: Store) {
    let (site, mut browser) = open(store).await;
    let (id, plain) = made(&site, &mut browser, &json!({"name": "laptop"})).await;
    let request = Request::get(format!("/v1/models?api_key={plain}"))
        .header("authorization", format!("Bearer {plain}"))
        .body(Body::empty());
    let reply = site.send("192.0.2.1".parse().unwrap(), request.unwrap()).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"]["code"], "key_in_url");
    assert!(!reply.text.contains(&plain));
    call(&site, &plain).await.expect(401);
    let key = site.get(&mut browser, &format!("/keys/{id}")).await.expect(200).json();
    assert_eq!(key["state"], "disabled");
    assert_eq!(site.mailed().await, ["key_created", "key_leaked"]);
    // A cookie is no key.
    let request = Request::get("/v1/models").header("cookie", "session=1").body(Body::empty());
    let reply = site.send("192.0.2.1".parse().unwrap(), request.unwrap()).await;
    assert_eq!(reply.json()["error"]["code"], "missing_api_key");
}

/// What GitHub sends of a key that it found, and what it gets.
async fn reported(site: &Site, github: &FakeGithub, (signer, signature): (&str, &str), body: &str) -> Reply {
    let request = Request::post("/webhooks/github-secrets")
        .header("github-public-key-identifier", signer)
        .header("github-public-key-signature", signature)
        .body(Body::from(body.to_owned()));
    let reply = site.send("192.0.2.77".parse().unwrap(), request.unwrap()).await;
    assert!(github.asked() <= 1);
    reply
}

async fn sec_t26_a_key_that_github_found_is_disabled_and_its_owner_told_once(store: Store) {
    let github = FakeGithub::open().await;
    let site = Site::with(store, |settings| {
        settings.auth.github_reports = true;
        settings.auth.github_keys_url = Some(github.keys_url.clone());
    })
    .await;
    site.register(EMAIL).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let (id, plain) = made(&site, &mut browser, &json!({"name": "laptop"})).await;
    let place = "https://github.com/octo/repository/blob/main/.env";
    let body =
        json!([{"token": plain, "type": "aiduet_api_key", "url": place, "source": "content"}]).to_string();
    let genuine = github.sign(body.as_bytes());
    let verdict = |label: &str| json!([{"token_raw": plain, "token_type": "aiduet_api_key", "label": label}]);

    // What GitHub did not sign, or not like this, stops nothing.
    let nobody = github.sign_with_old(body.as_bytes());
    for (signer, signature) in [
        ("nobody", genuine.as_str()),
        (FakeGithub::CURRENT, nobody.as_str()),
        (FakeGithub::OLD, nobody.as_str()),
        (FakeGithub::CURRENT, ""),
    ] {
        reported(&site, &github, (signer, signature), &body).await.refused(400, "invalid_webhook");
    }
    let changed = body.replace("content", "commit");
    reported(&site, &github, (FakeGithub::CURRENT, &genuine), &changed).await.refused(400, "invalid_webhook");
    let compressed = Request::post("/webhooks/github-secrets")
        .header("github-public-key-identifier", FakeGithub::CURRENT)
        .header("github-public-key-signature", &genuine)
        .header("content-encoding", "gzip")
        .body(Body::from(body.clone()));
    let reply = site.send("192.0.2.77".parse().unwrap(), compressed.unwrap()).await;
    reply.refused(415, "unsupported_media_type");
    assert_eq!(reply.header("accept-encoding"), "identity");
    assert_eq!(site.mailed().await, ["key_created"]);

    let reply = reported(&site, &github, (FakeGithub::CURRENT, &genuine), &body).await.expect(200);
    assert_eq!(reply.json(), verdict("true_positive"));
    call(&site, &plain).await.expect(401);
    assert_eq!(site.get(&mut browser, &format!("/keys/{id}")).await.expect(200).json()["state"], "disabled");
    let mails = site.mails().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((mail.kind.as_str(), &mail.notice["found_at"]), ("key_leaked", &json!(place)));

    // The same again, and for a key that its owner has deleted.
    let reply = reported(&site, &github, (FakeGithub::CURRENT, &genuine), &body).await.expect(200);
    assert_eq!(reply.json(), verdict("true_positive"));
    site.ask(&mut browser, (Method::DELETE, &format!("/keys/{id}")), None).await.expect(204);
    reported(&site, &github, (FakeGithub::CURRENT, &genuine), &body).await.expect(200);
    assert_eq!(site.mailed().await, ["key_deleted"]);

    // What is no key of ours, and what is no report.
    let (stranger, _key) = site.factory.api_key(site.factory.account().id);
    for token in [stranger.expose(), "sk-duet-nothing", ""] {
        let body = json!([{"token": token, "type": "aiduet_api_key"}]).to_string();
        let reply =
            reported(&site, &github, (FakeGithub::CURRENT, &github.sign(body.as_bytes())), &body).await;
        assert_eq!(reply.expect(200).json()[0]["label"], "false_positive", "{token}");
    }
    for body in ["", "{}", "[{\"token\":1}]", "[1]"] {
        let signature = github.sign(body.as_bytes());
        reported(&site, &github, (FakeGithub::CURRENT, &signature), body)
            .await
            .refused(400, "invalid_webhook");
    }
}

async fn nobody_reports_where_no_sender_is_believed(store: Store) {
    let (site, _browser) = open(store).await;
    let request = Request::post("/webhooks/github-secrets").body(Body::from("[]"));
    site.send("192.0.2.77".parse().unwrap(), request.unwrap()).await.refused(404, "not_found");
}

async fn sec_t26_who_holds_a_key_may_stop_it(store: Store) {
    let (site, mut browser) = open(store).await;
    let (id, plain) = made(&site, &mut browser, &json!({"name": "laptop"})).await;
    let mut finder = Browser::at("192.0.2.9");
    for _ in 0..2 {
        site.post(&mut finder, "/report-leaked-key", &json!({"key": plain})).await.expect(202);
    }
    call(&site, &plain).await.expect(401);
    assert_eq!(site.get(&mut browser, &format!("/keys/{id}")).await.expect(200).json()["state"], "disabled");
    assert_eq!(site.mailed().await, ["key_created", "key_leaked"]);

    let (stranger, _key) = site.factory.api_key(site.factory.account().id);
    site.post(&mut finder, "/report-leaked-key", &json!({"key": stranger.expose()})).await.expect(202);
    let malformed = site.post(&mut finder, "/report-leaked-key", &json!({"key": &plain[..20]})).await;
    malformed.refused(400, "invalid_request");
    for _ in 0..27 {
        site.post(&mut finder, "/report-leaked-key", &json!({"key": stranger.expose()})).await.expect(202);
    }
    site.post(&mut finder, "/report-leaked-key", &json!({"key": stranger.expose()})).await.expect(429);
}

/// The events of a key, newest first: what, and what of it was changed.
async fn history(site: &Site, browser: &mut Browser, id: &str) -> Vec<(String, Value)> {
    let page = site.get(browser, &format!("/keys/{id}/history")).await.expect(200).json();
    let events = page["data"].as_array().unwrap().iter();
    events.map(|event| (event["event"].as_str().unwrap().to_owned(), event["changed"].clone())).collect()
}

async fn a_key_tells_what_was_done_with_it(store: Store) {
    let (site, mut browser) = open(store).await;
    let (id, plain) = made(&site, &mut browser, &json!({"name": "laptop"})).await;
    let (other, _) = made(&site, &mut browser, &json!({"name": "desktop"})).await;
    let path = format!("/keys/{id}");
    let change = |body: Value| (Method::PATCH, body);
    for (method, body) in [
        change(json!({"name": "notebook", "limits": {"spend": {"day": "2"}, "concurrency": 3}})),
        change(json!({"disabled": true})),
        change(json!({"disabled": false})),
    ] {
        site.ask(&mut browser, (method, &path), Some(&body)).await.expect(200);
    }
    let new = site.post(&mut browser, &format!("{path}/rotate"), &json!({})).await.expect(201).json();
    let told = |events: &[(&str, Value)]| -> Vec<(String, Value)> {
        events.iter().map(|(event, changed)| ((*event).to_owned(), changed.clone())).collect()
    };
    let (created, updated) = ("authn_token_created", "authn_token_updated");
    let all = told(&[
        ("authn_token_rotated", json!([])),
        (updated, json!(["enabled"])),
        (updated, json!(["disabled"])),
        (updated, json!(["name", "spend", "rates"])),
        (created, json!([])),
    ]);
    assert_eq!(history(&site, &mut browser, &id).await, all);
    assert_eq!(history(&site, &mut browser, &other).await, told(&[(created, json!([]))]));
    let successor = new["id"].as_str().unwrap();
    assert_eq!(history(&site, &mut browser, successor).await, told(&[(created, json!([]))]));
    let sessions = site.get(&mut browser, "/me/sessions").await.expect(200).json();
    let page = site.get(&mut browser, &format!("{path}/history?limit=2")).await.expect(200).json();
    let first = &page["data"][0];
    assert_eq!((&first["key_id"], &first["session_id"]), (&json!(id), &sessions["data"][0]["id"]));
    assert_eq!(first["network"], "192.0.2.0/24");
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = site.get(&mut browser, &format!("{path}/history?cursor={cursor}")).await.expect(200).json();
    assert_eq!(rest["data"].as_array().unwrap().len(), 3);
    // Whoever found it was not signed in.
    let report = json!({"key": plain});
    site.post(&mut Browser::at("203.0.113.9"), "/report-leaked-key", &report).await.expect(202);
    let page = site.get(&mut browser, &format!("{path}/history?limit=1")).await.expect(200).json();
    let found = &page["data"][0];
    assert_eq!((&found["event"], &found["session_id"]), (&json!("authn_token_leaked"), &Value::Null));
    site.ask(&mut browser, (Method::DELETE, &path), None).await.expect(204);
    assert_eq!(history(&site, &mut browser, &id).await[0], told(&[("authn_token_revoked", json!([]))])[0]);
    drop(site.mails().await);
    site.register("grace@example.com").await;
    let mut stranger = Browser::at("192.0.2.77");
    let who = json!({"email": "grace@example.com", "password": PASSWORD});
    site.post(&mut stranger, "/auth/login", &who).await.expect(200);
    site.get(&mut stranger, &format!("{path}/history")).await.refused(404, "not_found");
    site.get(&mut Browser::at("192.0.2.78"), &format!("{path}/history"))
        .await
        .refused(401, "unauthenticated");
    site.refresh(&mut browser).await.expect(200);
    site.get(&mut browser, "/keys/key_none/history").await.refused(404, "not_found");
    // It is kept as long as the security log, and no longer.
    let later = site.factory.now().plus(Duration::from_hours(1));
    while site.app.stores().security_log.purge(later, 100).await.unwrap() > 0 {}
    assert_eq!(history(&site, &mut browser, &other).await, []);
}
