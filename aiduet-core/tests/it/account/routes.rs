//! Every operation of the account API, from its own document, and that none of them shows or changes
//! anything of another person.

use std::collections::BTreeMap;
use std::time::Duration;

use aiduet_core::testing::cents;
use http::Method;
use serde_json::{Map, Value, json};

use super::site::{Browser, EMAIL, PASSWORD, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t27_no_operation_shows_or_changes_anything_of_another
}

/// A sheet of prices.
pub(super) const SHEET: &str = "20270201";

/// An operation as the document tells it.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    /// Below `/api/v1`, with `{id}` where an identifier stands.
    pub(super) path: String,
    /// Whether a person must be signed in.
    pub(super) is_personal: bool,
    /// The members that a body needs, if there is one.
    pub(super) body: Option<Value>,
}

impl Operation {
    /// The path with an identifier in its place, a policy that there is, and a sheet of prices.
    pub(super) fn path_with(&self, id: &str) -> String {
        let filled = self.path.replace("{kind}/{version}", "privacy/2026-11-26").replace("{version}", SHEET);
        let segments = filled.split('/');
        segments.map(|part| if part.starts_with('{') { id } else { part }).collect::<Vec<_>>().join("/")
    }

    fn names_something(&self) -> bool {
        self.path.contains('{')
    }
}

/// Every operation.
pub(super) fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&aiduet_core::http::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix("/api/v1") else { continue };
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            all.push(Operation {
                method,
                path: path.to_owned(),
                is_personal: operation["security"].is_null(),
                body: (!schema.is_null()).then(|| sample(&document, schema)),
            });
        }
    }
    all
}

/// A value of a schema, with the members that it needs and no other.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return sample(document, document.pointer(&name[1..]).unwrap());
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let members = parts.iter().filter_map(|part| sample(document, part).as_object().cloned());
        return Value::Object(members.flatten().collect());
    }
    match schema["type"].as_str() {
        Some("object") => {
            let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let members = needed.map(|name| (name.to_owned(), sample(document, &schema["properties"][name])));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Some("array") => json!([]),
        Some("boolean") => json!(true),
        Some("integer" | "number") => json!(schema["minimum"].as_i64().unwrap_or(1)),
        _ => json!("Xq7-sample-text"),
    }
}

/// A person who has one of everything, and what that is called.
struct Owner {
    browser: Browser,
    names: Vec<String>,
}

async fn owner(site: &Site) -> Owner {
    let mut browser = site.signed_in("192.0.2.1").await;
    let account = site.get(&mut browser, "/me").await.expect(200).json()["id"].as_str().unwrap().to_owned();
    let top_up = site.factory.top_up(account.parse().unwrap(), cents(1_000));
    site.app.stores().ledger.post(vec![top_up]).await.unwrap();
    let key =
        site.post(&mut browser, "/keys", &json!({"name": "Rosalind's laptop"})).await.expect(201).json();
    let answer = super::keys::call(site, key["key"].as_str().unwrap()).await.expect(200);
    let request = answer.header("x-request-id").to_owned();
    let bought =
        site.post(&mut browser, "/billing/topups", &json!({"amount": "10.00"})).await.expect(201).json();
    let sessions = site.get(&mut browser, "/me/sessions").await.expect(200).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let names =
        vec![account, text(&key["id"]), request, text(&bought["id"]), text(&sessions["data"][0]["id"])];
    Owner { browser, names }
}

/// Another person, signed in, whatever the operation before has done to the one before.
async fn stranger(site: &Site, number: usize) -> Browser {
    let email = format!("stranger-{number}@example.org");
    site.later(Duration::from_hours(12));
    site.mails().await;
    site.register(&email).await;
    let mut browser = Browser::at("203.0.113.9");
    site.post(&mut browser, "/auth/login", &json!({"email": email, "password": PASSWORD})).await.expect(200);
    browser
}

/// What the person sees, without moments, and without the sums of usage, which move with the day.
async fn seen(site: &Site, browser: &mut Browser) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    for Operation { method, path, is_personal, .. } in operations() {
        let moves = ["/usage", "/overview", "/admin"].iter().any(|prefix| path.starts_with(prefix));
        if method != Method::GET || !is_personal || path.contains('{') || moves || path.ends_with("/export") {
            continue;
        }
        let Reply { status, text, .. } = site.get(browser, &path).await;
        if status == 200 {
            seen.insert(path, without_moments(&text));
        }
    }
    assert!(seen.len() >= 7, "{seen:?}");
    seen
}

/// The text without RFC 3339 moments.
fn without_moments(text: &str) -> String {
    let parts = text.split('"');
    let is_moment = |part: &str| part.len() >= 20 && part.parse::<jiff::Timestamp>().is_ok();
    parts.map(|part| if is_moment(part) { "" } else { part }).collect::<Vec<_>>().join("\"")
}

async fn sec_t27_no_operation_shows_or_changes_anything_of_another(store: Store) {
    let site = Site::with_person(store).await;
    let Owner { mut browser, names } = owner(&site).await;
    let before = seen(&site, &mut browser).await;
    let account = names[0].parse().unwrap();
    let balance = site.app.ledger().balance(account).await.unwrap();
    let mut marks = names.clone();
    marks.extend([EMAIL.to_owned(), "Rosalind's laptop".to_owned()]);
    let mut strangers = 0;
    let mut other = stranger(&site, strangers).await;
    let mut asked = 0;
    for operation in operations().into_iter().filter(|operation| operation.is_personal) {
        let ids: &[String] = if operation.names_something() { &names } else { &[String::new()] };
        for id in ids {
            if site.get(&mut other, "/me").await.status != 200 {
                strangers += 1;
                other = stranger(&site, strangers).await;
            }
            // So many requests within a minute would be turned away for that.
            site.later(Duration::from_secs(1));
            let path = operation.path_with(id);
            let body = operation.body.as_ref();
            let headers = [("idempotency-key", "once"), ("x-audit-reason", "curiosity")];
            let reply = site.ask_with(&mut other, (operation.method.clone(), &path), (body, &headers)).await;
            asked += 1;
            let whole = format!("{:?} {}", reply.headers, reply.text);
            let shown: Vec<_> = marks.iter().filter(|mark| whole.contains(mark.as_str())).collect();
            assert!(shown.is_empty(), "{operation:?} shows {shown:?}: {whole}");
            assert!(reply.status < 500, "{operation:?}: {whole}");
            if operation.names_something() {
                assert_eq!(reply.status, 404, "{operation:?} with {id}: {whole}");
            }
        }
    }
    assert!(asked > 40, "{asked}");
    // The person's session has not been used for long.
    let mut browser = if site.get(&mut browser, "/me").await.status == 200 {
        browser
    } else {
        site.refresh(&mut browser).await;
        browser
    };
    assert_eq!(seen(&site, &mut browser).await, before);
    assert_eq!(site.app.ledger().balance(account).await.unwrap(), balance);
}
