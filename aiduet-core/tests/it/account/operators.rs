//! What operators do, that all of it is written down, and that nobody else does it.

use std::time::Duration;

use aiduet_core::account::{Account, AccountState, Role};
use aiduet_core::audit::{AuditSearch, Audited};
use aiduet_core::id::AccountId;
use http::Method;
use serde_json::{Value, json};

use super::routes::{Operation, operations};
use super::site::{Browser, EMAIL, PASSWORD, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t28_without_the_role_there_is_nothing_under_admin
    sec_t28_a_role_holds_as_long_as_the_account_has_it
    sec_t13_operators_give_the_password_again
    sec_t57_every_operation_of_an_operator_is_written_down
    sec_t57_nothing_of_a_person_is_read_without_a_reason
    sec_t57_a_suspended_account_stops_at_once
    sec_t57_credit_is_granted_once_and_for_a_reason
    sec_t57_large_credit_needs_two
    sec_t57_small_grants_add_up
    sec_t57_nobody_acts_on_the_own_account
    the_log_is_searched_and_checked
}

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const WHY: [(&str, &str); 1] = [("x-audit-reason", "%E5%B7%A5%E5%8D%95%204711")];

/// Two operators and a person.
struct Stage {
    site: Site,
    ann: Browser,
    bob: Browser,
    person: AccountId,
}

async fn account(site: &Site, email: &str) -> Account {
    let found = site.app.stores().accounts.find_by_email(&email.parse().unwrap()).await.unwrap();
    Account::clone(&found.unwrap())
}

async fn change(site: &Site, email: &str, change: impl FnOnce(Account) -> Account) {
    let was = account(site, email).await;
    site.app.stores().accounts.update(&was, change(was.clone())).await.unwrap();
}

async fn entered(site: &Site, email: &str, address: &str) -> Browser {
    let mut browser = Browser::at(address);
    let body = json!({"email": email, "password": PASSWORD});
    site.post(&mut browser, "/auth/login", &body).await.expect(200);
    browser
}

async fn stage(store: Store) -> Stage {
    let site = Site::with_person(store).await;
    for email in [ANN, BOB] {
        site.register(email).await;
        change(&site, email, |account| Account { role: Role::Operator, ..account }).await;
    }
    let ann = entered(&site, ANN, "192.0.2.10").await;
    let bob = entered(&site, BOB, "192.0.2.20").await;
    let person = account(&site, EMAIL).await.id;
    site.mails().await;
    Stage { site, ann, bob, person }
}

/// The whole log, oldest first.
async fn log(site: &Site) -> Vec<Audited> {
    let search = AuditSearch { limit: 1_000, ..AuditSearch::default() };
    let mut found = site.app.stores().audit_log.search(search).await.unwrap();
    found.reverse();
    found
}

async fn actions(site: &Site) -> Vec<&'static str> {
    log(site).await.iter().map(|audited| audited.entry.action.as_str()).collect()
}

fn of_admin() -> Vec<Operation> {
    let all: Vec<_> =
        operations().into_iter().filter(|operation| operation.path.starts_with("/admin/")).collect();
    assert!(all.len() >= 12, "{all:?}");
    all
}

/// Calls an operation with the identifiers and bodies that it takes.
async fn call(site: &Site, browser: &mut Browser, operation: &Operation, id: &str) -> Reply {
    let mut body = operation.body.clone();
    if let Some(amount) = body.as_mut().and_then(|body| body.get_mut("amount")) {
        *amount = json!("5.00");
    }
    if let Some(reason) = body.as_mut().and_then(|body| body.get_mut("reason")) {
        *reason = json!("ticket 4711");
    }
    let headers = [WHY[0], ("idempotency-key", "once")];
    let path = operation.path_with(id);
    site.ask_with(browser, (operation.method.clone(), &path), (body.as_ref(), &headers)).await
}

async fn sec_t28_without_the_role_there_is_nothing_under_admin(store: Store) {
    let Stage { site, person, .. } = stage(store).await;
    let mut nobody = Browser::at("192.0.2.1");
    let mut user = site.signed_in("192.0.2.1").await;
    for operation in of_admin() {
        let id = person.to_string();
        call(&site, &mut nobody, &operation, &id).await.refused(401, "unauthenticated");
        call(&site, &mut user, &operation, &id).await.refused(404, "not_found");
        let path = operation.path_with(&id);
        let bare = site.ask(&mut user, (operation.method.clone(), &path), None).await;
        bare.refused(404, "not_found");
    }
    assert_eq!(actions(&site).await, Vec::<&str>::new());
    assert_eq!(account(&site, EMAIL).await.state, AccountState::Active);
}

async fn sec_t28_a_role_holds_as_long_as_the_account_has_it(store: Store) {
    let Stage { site, mut ann, .. } = stage(store).await;
    site.get(&mut ann, "/admin/approvals").await.expect(200);
    change(&site, ANN, |account| Account { role: Role::User, ..account }).await;
    site.get(&mut ann, "/admin/approvals").await.refused(404, "not_found");
    let at = site.factory.now();
    change(&site, ANN, |account| Account {
        role: Role::Operator,
        state: AccountState::Frozen { at },
        ..account
    })
    .await;
    site.get(&mut ann, "/admin/approvals").await.refused(404, "not_found");
}

async fn sec_t13_operators_give_the_password_again(store: Store) {
    let Stage { site, mut ann, person, .. } = stage(store).await;
    site.later(Duration::from_secs(15 * 60 - 30));
    site.get(&mut ann, "/admin/approvals").await.expect(200);
    site.refresh(&mut ann).await.expect(200);
    site.later(Duration::from_secs(60));
    for operation in of_admin() {
        call(&site, &mut ann, &operation, &person.to_string()).await.refused(403, "reauth_required");
    }
    assert_eq!(actions(&site).await, ["approvals_listed"]);
    site.post(&mut ann, "/auth/reauth", &json!({"password": PASSWORD})).await.expect(200);
    site.get(&mut ann, "/admin/approvals").await.expect(200);
}

async fn sec_t57_every_operation_of_an_operator_is_written_down(store: Store) {
    let Stage { site, mut ann, mut bob, person } = stage(store).await;
    let ann_id = account(&site, ANN).await.id.to_string();
    for operation in of_admin() {
        let before = log(&site).await.len();
        // What another operator asked for is there to be decided.
        let id = if operation.path.starts_with("/admin/approvals/") {
            asked(&site, &mut bob, person).await
        } else {
            person.to_string()
        };
        let reply = call(&site, &mut ann, &operation, &id).await;
        assert!((200..300).contains(&reply.status), "{operation:?}: {} {}", reply.status, reply.text);
        let written = log(&site).await.split_off(before);
        let own: Vec<_> =
            written.iter().filter(|audited| audited.entry.actor.to_string() == ann_id).collect();
        assert_eq!(own.len(), 1, "{operation:?}: {written:?}");
        let entry = &own[0].entry;
        assert_eq!(entry.request.map(|id| id.to_string()), Some(reply.header("x-request-id").to_owned()));
        if operation.path.contains("{id}") {
            assert_eq!(entry.subject.as_ref().map(ToString::to_string), Some(person.to_string()));
        }
    }
    let all = format!("{:?}", log(&site).await);
    assert!(!all.contains('@'), "{all}");
}

/// A large grant that an operator asks for.
async fn asked(site: &Site, browser: &mut Browser, person: AccountId) -> String {
    let name = format!("large-{}", site.factory.now().millis());
    let reply = credit(site, browser, (person, "250.00", &name)).await.expect(201).json();
    assert_eq!(reply["transfer_id"], Value::Null);
    reply["approval"]["id"].as_str().unwrap().to_owned()
}

async fn credit(
    site: &Site,
    browser: &mut Browser,
    (person, amount, name): (AccountId, &str, &str),
) -> Reply {
    let body = json!({"amount": amount, "reason": "ticket 4711"});
    let path = format!("/admin/accounts/{person}/credit");
    let headers = [("idempotency-key", name)];
    site.ask_with(browser, (Method::POST, &path), (Some(&body), &headers)).await
}

async fn available(site: &Site, person: AccountId) -> String {
    let available = site.app.ledger().balance(person).await.unwrap().available.to_string();
    available.trim_end_matches('0').trim_end_matches('.').to_owned()
}

async fn sec_t57_nothing_of_a_person_is_read_without_a_reason(store: Store) {
    let Stage { site, mut ann, person, .. } = stage(store).await;
    let pages = ["/admin/accounts".to_owned(), format!("/admin/accounts/{person}")];
    for path in &pages {
        let refused = site.get(&mut ann, path).await;
        refused.refused(400, "invalid_request");
        assert_eq!(refused.json()["errors"][0]["code"], "reason_required");
        let short = [("x-audit-reason", "x")];
        let refused = site.ask_with(&mut ann, (Method::GET, path), (None, &short)).await;
        assert_eq!(refused.json()["errors"][0]["code"], "invalid_reason");
    }
    assert_eq!(actions(&site).await, Vec::<&str>::new());
    let page = site.ask_with(&mut ann, (Method::GET, &pages[1]), (None, &WHY)).await.expect(200);
    assert_eq!(
        (&page.json()["account"]["email"], &page.json()["spent_30d_nano"]),
        (&json!(EMAIL), &json!(0))
    );
    let by_address = format!("/admin/accounts?email={EMAIL}");
    let found = site.ask_with(&mut ann, (Method::GET, &by_address), (None, &WHY)).await.expect(200);
    assert_eq!(found.json()["data"][0]["id"], person.to_string());
    let reasons: Vec<_> = log(&site).await.into_iter().filter_map(|audited| audited.entry.reason).collect();
    assert_eq!(reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>(), ["工单 4711"; 2]);
    assert_eq!(actions(&site).await, ["account_viewed", "account_searched"]);
}

async fn sec_t57_a_suspended_account_stops_at_once(store: Store) {
    let Stage { site, mut ann, person, .. } = stage(store).await;
    let mut user = site.signed_in("192.0.2.1").await;
    credit(&site, &mut ann, (person, "5.00", "welcome")).await.expect(201);
    let key = site.post(&mut user, "/keys", &json!({"name": "laptop"})).await.expect(201).json();
    let key = key["key"].as_str().unwrap();
    super::keys::call(&site, key).await.expect(200);
    let reason = json!({"reason": "ticket 4711"});
    let suspend = format!("/admin/accounts/{person}/suspend");
    let suspended = site.post(&mut ann, &suspend, &reason).await.expect(200).json();
    assert_eq!(suspended["state"], "frozen");
    super::keys::call(&site, key).await.expect(403);
    super::keys::models(&site, key).await.expect(403);
    site.get(&mut user, "/me").await.refused(401, "unauthenticated");
    site.refresh(&mut user).await.refused(401, "unauthenticated");
    // Reading, exporting and deleting stay possible.
    let mut user = site.signed_in("192.0.2.1").await;
    assert_eq!(site.get(&mut user, "/me").await.expect(200).json()["state"], "frozen");
    site.post(&mut ann, &suspend, &reason).await.expect(200);
    let restore = format!("/admin/accounts/{person}/restore");
    assert_eq!(site.post(&mut ann, &restore, &reason).await.expect(200).json()["state"], "active");
    super::keys::call(&site, key).await.expect(200);
    super::keys::models(&site, key).await.expect(200);
    let nobody = "/admin/accounts/acct_00000000000000000000000000000000/suspend";
    site.post(&mut ann, nobody, &reason).await.refused(404, "not_found");
}

async fn sec_t57_credit_is_granted_once_and_for_a_reason(store: Store) {
    let Stage { site, mut ann, mut bob, person } = stage(store).await;
    let path = format!("/admin/accounts/{person}/credit");
    let name = [("idempotency-key", "welcome")];
    for (body, code) in [
        (json!({"amount": "5.00", "reason": " "}), "invalid_reason"),
        (json!({"amount": "-5.00", "reason": "ticket 4711"}), "invalid_amount"),
        (json!({"amount": "0", "reason": "ticket 4711"}), "invalid_amount"),
    ] {
        let refused = site.ask_with(&mut ann, (Method::POST, &path), (Some(&body), &name)).await;
        refused.refused(400, "invalid_request");
        assert_eq!(refused.json()["errors"][0]["code"], code);
    }
    let unsaid = json!({"amount": "5.00"});
    let refused = site.ask_with(&mut ann, (Method::POST, &path), (Some(&unsaid), &name)).await;
    refused.refused(400, "malformed_body");
    let unnamed = json!({"amount": "5.00", "reason": "ticket 4711"});
    site.post(&mut ann, &path, &unnamed).await.refused(400, "invalid_request");
    let first = credit(&site, &mut ann, (person, "60.00", "welcome")).await.expect(201).json();
    let again = credit(&site, &mut ann, (person, "60.00", "welcome")).await.expect(201).json();
    assert_eq!(first, again);
    let other = credit(&site, &mut ann, (person, "5.00", "welcome")).await;
    other.refused(422, "idempotency_key_reused");
    assert_eq!(available(&site, person).await, "60");
    // The name is the operator's own.
    credit(&site, &mut bob, (person, "40.00", "welcome")).await.expect(201);
    assert_eq!(available(&site, person).await, "100");
    assert_eq!(site.app.stores().audit.verify().await.unwrap(), []);
}

async fn sec_t57_large_credit_needs_two(store: Store) {
    let Stage { site, mut ann, mut bob, person } = stage(store).await;
    let id = asked(&site, &mut ann, person).await;
    assert_eq!(available(&site, person).await, "0");
    let grant = format!("/admin/approvals/{id}/grant");
    site.post(&mut ann, &grant, &json!({})).await.refused(403, "second_operator_required");
    let listed = site.get(&mut bob, "/admin/approvals").await.expect(200).json();
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["state"]), (&json!(id), &json!("waiting")));
    for _again in 0..2 {
        let granted = site.post(&mut bob, &grant, &json!({})).await.expect(200).json();
        assert_eq!(granted["state"], "granted");
    }
    assert_eq!(available(&site, person).await, "250");
    let refuse = format!("/admin/approvals/{id}/refuse");
    let reason = json!({"reason": "ticket 4711"});
    site.post(&mut bob, &refuse, &reason).await.refused(409, "approval_decided");
    let refused = asked(&site, &mut ann, person).await;
    let refuse = format!("/admin/approvals/{refused}/refuse");
    site.post(&mut bob, &refuse, &reason).await.expect(200);
    let grant = format!("/admin/approvals/{refused}/grant");
    site.post(&mut bob, &grant, &json!({})).await.refused(409, "approval_decided");
    assert_eq!(available(&site, person).await, "250");
    let decided =
        ["credit_requested", "approvals_listed", "credit_approved", "credit_requested", "credit_refused"];
    assert_eq!(actions(&site).await, decided);
}

async fn sec_t57_small_grants_add_up(store: Store) {
    let Stage { site, mut ann, mut bob, person } = stage(store).await;
    credit(&site, &mut ann, (person, "60.00", "first")).await.expect(201);
    for browser in [&mut ann, &mut bob] {
        let second = credit(&site, browser, (person, "40.01", "second")).await.expect(201).json();
        assert_eq!(second["approval"]["state"], "waiting");
    }
    credit(&site, &mut ann, (person, "40.00", "third")).await.expect(201);
    assert_eq!(available(&site, person).await, "100");
    site.later(Duration::from_hours(24));
    site.post(&mut ann, "/auth/login", &json!({"email": ANN, "password": PASSWORD})).await.expect(200);
    let next_day = credit(&site, &mut ann, (person, "100.00", "fourth")).await.expect(201).json();
    assert_eq!(next_day["approval"], Value::Null);
    assert_eq!(available(&site, person).await, "200");
}

async fn sec_t57_nobody_acts_on_the_own_account(store: Store) {
    let Stage { site, mut ann, mut bob, .. } = stage(store).await;
    let own = account(&site, ANN).await.id;
    credit(&site, &mut ann, (own, "5.00", "self")).await.refused(403, "own_account");
    let reason = json!({"reason": "ticket 4711"});
    for act in ["suspend", "restore"] {
        site.post(&mut ann, &format!("/admin/accounts/{own}/{act}"), &reason)
            .await
            .refused(403, "own_account");
    }
    let id = asked(&site, &mut bob, own).await;
    site.post(&mut ann, &format!("/admin/approvals/{id}/grant"), &json!({}))
        .await
        .refused(403, "own_account");
    assert_eq!(available(&site, own).await, "0");
}

async fn the_log_is_searched_and_checked(store: Store) {
    let Stage { site, mut ann, mut bob, person } = stage(store).await;
    credit(&site, &mut ann, (person, "5.00", "welcome")).await.expect(201);
    site.get(&mut bob, "/admin/upstreams").await.expect(200);
    let found =
        site.get(&mut bob, &format!("/admin/audit?subject={person}&limit=1")).await.expect(200).json();
    let entry = &found["data"][0];
    // The search itself is about the person too, and the newest.
    assert_eq!(entry["action"], "audit_searched");
    let next = found["next_cursor"].as_str().unwrap();
    let page = format!("/admin/audit?subject={person}&action=credit_granted&cursor={next}");
    let found = site.get(&mut bob, &page).await.expect(200).json();
    let entry = &found["data"][0];
    assert_eq!((&entry["sequence"], &entry["amount_nano"]), (&json!(1), &json!(5_000_000_000_i64)));
    assert_eq!(entry["reason"], "ticket 4711");
    for wrong in ["actor=somebody", "action=nonsense", "subject=a@b", "since=today", "cursor=x", "other=1"] {
        let refused = site.get(&mut bob, &format!("/admin/audit?{wrong}")).await;
        refused.refused(400, "invalid_request");
    }
    let check = site.post(&mut ann, "/admin/audit/verify", &json!({})).await.expect(200).json();
    assert_eq!((&check["passed"], &check["entries"]), (&json!(true), &json!(5)));
    let head = json!({"head": check["head"]});
    let check = site.post(&mut ann, "/admin/audit/verify", &head).await.expect(200).json();
    assert_eq!(check["passed"], true);
    let foreign = json!({"head": format!("3:{}", "0".repeat(64))});
    let check = site.post(&mut ann, "/admin/audit/verify", &foreign).await.expect(200).json();
    assert_eq!(check["faults"], json!([{"sequence": 3, "fault": "changed"}]));
    site.post(&mut ann, "/admin/audit/verify", &json!({"head": "x"})).await.refused(400, "invalid_request");
    let books = site.post(&mut ann, "/admin/ledger/verify", &json!({})).await.expect(200).json();
    assert_eq!(books, json!({"passed": true, "violations": []}));
}
