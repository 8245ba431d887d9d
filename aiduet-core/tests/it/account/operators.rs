//! What operators do, that all of it is written down, and that nobody else does it.

use std::time::Duration;

use aiduet_core::account::{Account, AccountState, Role};
use aiduet_core::audit::{AuditActor, AuditSearch, Audited};
use aiduet_core::id::AccountId;
use aiduet_core::notify::PolicyKind;
use aiduet_core::operator::{Act, Consent, Edition, Effect, EraseWish, Erased, PublishWish, Published};
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
    sec_t57_unused_credit_goes_back_once_and_for_a_reason
    sec_t57_large_credit_needs_two
    sec_t57_small_grants_add_up
    sec_t57_an_account_is_erased_by_two
    sec_t57_an_erasure_that_is_refused_changes_nothing
    sec_t57_an_erasure_by_two_ends_the_time_to_change_the_mind
    sec_t57_a_policy_is_published_by_two
    sec_t57_who_breaks_the_glass_is_written_down
    sec_t57_nobody_acts_on_the_own_account
    the_log_is_searched_and_checked
}

pub(super) const ANN: &str = "ann@example.com";
pub(super) const BOB: &str = "bob@example.com";
const WHY: [(&str, &str); 1] = [("x-audit-reason", "%E5%B7%A5%E5%8D%95%204711")];

/// Two operators and a person.
pub(super) struct Stage {
    pub(super) site: Site,
    pub(super) ann: Browser,
    pub(super) bob: Browser,
    pub(super) person: AccountId,
}

pub(super) async fn account(site: &Site, email: &str) -> Account {
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

pub(super) async fn stage(store: Store) -> Stage {
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
pub(super) async fn log(site: &Site) -> Vec<Audited> {
    let search = AuditSearch { limit: 1_000, ..AuditSearch::default() };
    let mut found = site.app.stores().audit_log.search(search).await.unwrap();
    found.reverse();
    found
}

pub(super) async fn actions(site: &Site) -> Vec<&'static str> {
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
    if operation.path.starts_with("/admin/prices") {
        super::prices::lay_out(site, operation, body.as_mut()).await;
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
    let mut user = site.signed_in("192.0.2.1").await;
    super::billing::paid(&site, &mut user, "20.00").await;
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

async fn sec_t57_unused_credit_goes_back_once_and_for_a_reason(store: Store) {
    let Stage { site, mut ann, person, .. } = stage(store).await;
    let mut user = site.signed_in("192.0.2.1").await;
    super::billing::paid(&site, &mut user, "20.00").await;
    credit(&site, &mut ann, (person, "5.00", "welcome")).await.expect(201);
    let path = format!("/admin/accounts/{person}/refund");
    let refund = async |browser: &mut Browser, amount: &str, name: &str| {
        let body = json!({"amount": amount, "reason": "ticket 4711"});
        site.ask_with(browser, (Method::POST, &path), (Some(&body), &[("idempotency-key", name)])).await
    };
    let unnamed = json!({"amount": "5.00", "reason": "ticket 4711"});
    site.post(&mut ann, &path, &unnamed).await.refused(400, "invalid_request");
    // What was granted is not paid back.
    for (amount, code) in [("0", "invalid_amount"), ("0.001", "invalid_amount"), ("20.01", "refund_not_left")]
    {
        let refused = refund(&mut ann, amount, amount).await;
        refused.refused(400, "invalid_request");
        assert_eq!(refused.json()["errors"][0]["code"], code, "{amount}");
    }
    let first = refund(&mut ann, "12.34", "left").await.expect(201).json();
    let [part] = first["data"].as_array().unwrap().as_slice() else { panic!("{first}") };
    assert_eq!((&part["state"], &part["amount_nano"]), (&json!("accepted"), &json!(12_340_000_000_i64)));
    assert_eq!(refund(&mut ann, "12.34", "left").await.expect(201).json(), first);
    refund(&mut ann, "1.00", "left").await.refused(422, "idempotency_key_reused");
    assert_eq!(available(&site, person).await, "12.66");
    assert_eq!(site.app.stores().audit.verify().await.unwrap(), []);
    let own = format!("/admin/accounts/{}/refund", account(&site, ANN).await.id);
    let body = json!({"amount": "1.00", "reason": "ticket 4711"});
    let refused =
        site.ask_with(&mut ann, (Method::POST, &own), (Some(&body), &[("idempotency-key", "own")])).await;
    refused.refused(403, "own_account");
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
    erase(&site, &mut ann, (own, "self")).await.refused(403, "own_account");
    let id = text(&erase(&site, &mut bob, (own, "ann")).await.expect(201).json()["id"]);
    decide(&site, &mut ann, (&id, "grant")).await.refused(403, "own_account");
    assert_eq!(account(&site, ANN).await.state, AccountState::Active);
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn erase(site: &Site, browser: &mut Browser, (person, name): (AccountId, &str)) -> Reply {
    let path = format!("/admin/accounts/{person}/erase");
    let body = json!({"reason": "ticket 4711"});
    site.ask_with(browser, (Method::POST, &path), (Some(&body), &[("idempotency-key", name)])).await
}

pub(super) async fn decide(site: &Site, browser: &mut Browser, (id, verdict): (&str, &str)) -> Reply {
    let body = if verdict == "refuse" { json!({"reason": "ticket 4711"}) } else { json!({}) };
    site.post(browser, &format!("/admin/approvals/{id}/{verdict}"), &body).await
}

async fn sec_t57_an_account_is_erased_by_two(store: Store) {
    let Stage { site, mut ann, mut bob, person } = stage(store).await;
    let mut user = site.signed_in("192.0.2.1").await;
    let key = site.post(&mut user, "/keys", &json!({"name": "laptop"})).await.expect(201).json();
    let key = key["key"].as_str().unwrap();
    let path = format!("/admin/accounts/{person}/erase");
    let reason = json!({"reason": "ticket 4711"});
    let nameless = site.post(&mut ann, &path, &reason).await;
    assert_eq!(nameless.json()["errors"][0]["code"], "idempotency_key_required", "{}", nameless.text);
    let nobody = "acct_00000000000000000000000000000000".parse().unwrap();
    erase(&site, &mut ann, (nobody, "once")).await.refused(404, "not_found");
    let asked = erase(&site, &mut ann, (person, "once")).await.expect(201).json();
    assert_eq!((&asked["kind"], &asked["state"]), (&json!("erasure"), &json!("waiting")));
    assert_eq!((&asked["account_id"], &asked["amount"]), (&json!(person), &Value::Null));
    assert_eq!(erase(&site, &mut ann, (person, "once")).await.expect(201).json(), asked, "asked once");
    let id = text(&asked["id"]);

    // One operator alone changes nothing, however often.
    for _again in 0..2 {
        decide(&site, &mut ann, (&id, "grant")).await.refused(403, "second_operator_required");
    }
    super::deletion::run_job(&site).await;
    assert_eq!(account(&site, EMAIL).await.state, AccountState::Active);
    super::keys::models(&site, key).await.expect(200);
    site.get(&mut user, "/me").await.expect(200);

    let granted = decide(&site, &mut bob, (&id, "grant")).await.expect(200).json();
    assert_eq!((&granted["state"], &granted["asked_by"]), (&json!("granted"), &asked["asked_by"]));
    assert_ne!(granted["decided_by"], granted["asked_by"]);
    super::keys::models(&site, key).await.expect(401);
    site.get(&mut user, "/me").await.refused(401, "unauthenticated");
    // As often as the process dies in between.
    assert_eq!(decide(&site, &mut bob, (&id, "grant")).await.expect(200).json(), granted);
    super::deletion::run_job(&site).await;
    assert_eq!(site.app.stores().accounts.find(person).await.unwrap(), None);
    super::keys::models(&site, key).await.expect(401);
    decide(&site, &mut bob, (&id, "grant")).await.refused(404, "not_found");
    erase(&site, &mut ann, (person, "again")).await.refused(404, "not_found");
    assert_eq!(actions(&site).await, ["erasure_requested", "erasure_approved"]);
    for Audited { entry, .. } in log(&site).await {
        assert_eq!(entry.subject.map(|subject| subject.to_string()), Some(person.to_string()));
    }
    assert_eq!(site.app.stores().audit.verify().await.unwrap(), []);
}

async fn sec_t57_an_erasure_that_is_refused_changes_nothing(store: Store) {
    let Stage { site, mut ann, mut bob, person } = stage(store).await;
    for (name, refuses) in [("first", "bob"), ("second", "ann")] {
        let id = text(&erase(&site, &mut ann, (person, name)).await.expect(201).json()["id"]);
        let browser = if refuses == "bob" { &mut bob } else { &mut ann };
        let refused = decide(&site, browser, (&id, "refuse")).await.expect(200).json();
        assert_eq!(refused["state"], "refused");
        decide(&site, &mut bob, (&id, "grant")).await.refused(409, "approval_decided");
    }
    super::deletion::run_job(&site).await;
    assert_eq!(account(&site, EMAIL).await.state, AccountState::Active);
    assert_eq!(
        actions(&site).await,
        ["erasure_requested", "erasure_refused", "erasure_requested", "erasure_refused"]
    );
}

async fn sec_t57_an_erasure_by_two_ends_the_time_to_change_the_mind(store: Store) {
    let Stage { site, mut ann, mut bob, person } = stage(store).await;
    let mut user = site.signed_in("192.0.2.1").await;
    let wish = json!({"email": EMAIL, "unused_credit": "refund"});
    site.post(&mut user, "/account/deletion", &wish).await.expect(202);
    super::deletion::run_job(&site).await;
    assert!(matches!(account(&site, EMAIL).await.state, AccountState::Deleting { .. }), "it is not due");
    let id = text(&erase(&site, &mut ann, (person, "once")).await.expect(201).json()["id"]);
    decide(&site, &mut bob, (&id, "grant")).await.expect(200);
    let due = site.app.stores().deletions.find(person).await.unwrap().unwrap();
    assert_eq!(due.unused_credit.as_str(), "refund", "what the owner has said holds");
    super::deletion::run_job(&site).await;
    assert_eq!(site.app.stores().accounts.find(person).await.unwrap(), None);
}

/// The policies that are published.
async fn published(site: &Site) -> Vec<String> {
    let published = site.app.stores().publications.list(10).await.unwrap();
    published.iter().map(|known| format!("{}/{}", known.kind.as_str(), known.version)).collect()
}

async fn sec_t57_a_policy_is_published_by_two(store: Store) {
    let Stage { site, mut ann, mut bob, .. } = stage(store).await;
    let privacy = "privacy/2026-11-26";
    let path = format!("/admin/policies/{privacy}/publish");
    let body = json!({"reason": "ticket 4711"});
    let ask = async |browser: &mut Browser, name: &str| {
        let headers = [("idempotency-key", name)];
        site.ask_with(browser, (Method::POST, &path), (Some(&body), &headers)).await
    };
    let nameless = site.post(&mut ann, &path, &body).await;
    assert_eq!(nameless.json()["errors"][0]["code"], "idempotency_key_required", "{}", nameless.text);
    let asked = ask(&mut ann, "once").await.expect(201).json();
    assert_eq!(asked["publication"], Value::Null);
    let approval = &asked["approval"];
    assert_eq!((&approval["kind"], &approval["policy"]), (&json!("publication"), &json!(privacy)));
    assert_eq!((&approval["effect"], &approval["account_id"]), (&json!("adverse"), &Value::Null));
    assert_eq!(ask(&mut ann, "once").await.expect(201).json(), asked, "asked once");
    let id = text(&approval["id"]);
    decide(&site, &mut ann, (&id, "grant")).await.refused(403, "second_operator_required");
    assert_eq!(published(&site).await, Vec::<String>::new());
    decide(&site, &mut bob, (&id, "refuse")).await.expect(200);
    decide(&site, &mut bob, (&id, "grant")).await.refused(409, "approval_decided");
    assert_eq!(published(&site).await, Vec::<String>::new());

    let again = ask(&mut ann, "twice").await.expect(201).json();
    let id = text(&again["approval"]["id"]);
    for _again in 0..2 {
        assert_eq!(decide(&site, &mut bob, (&id, "grant")).await.expect(200).json()["state"], "granted");
        assert_eq!(published(&site).await, [privacy]);
    }
    let known = ask(&mut ann, "thrice").await.expect(201).json();
    assert_eq!((&known["approval"], &known["publication"]["kind"]), (&Value::Null, &json!("privacy")));
    let bob_id = account(&site, BOB).await.id.to_string();
    assert_eq!(known["publication"]["published_by"], bob_id, "who decided");
    let requested = "policy_requested";
    assert_eq!(actions(&site).await, [requested, "policy_refused", requested, "policy_published", requested]);
    for Audited { entry, .. } in log(&site).await {
        assert_eq!(entry.subject.map(|subject| subject.to_string()), Some(privacy.to_owned()));
    }
}

async fn sec_t57_who_breaks_the_glass_is_written_down(store: Store) {
    let Stage { site, person, .. } = stage(store).await;
    let actor = "host:root".parse::<AuditActor>().unwrap();
    let act = Act { actor: actor.clone(), reason: "ticket 4711".parse().ok(), request: None };
    let (office, consent) = (site.app.office(), Consent::BrokenGlass);
    let edition =
        Edition { kind: PolicyKind::Privacy, version: "2026-11-26".to_owned(), effect: Effect::Adverse };
    let wish = PublishWish { edition, name: "once".to_owned(), consent };
    let out = office.publish(&act, site.app.policies(), wish).await.unwrap();
    assert!(matches!(out, Published::Out(_)), "{out:?}");
    let wish = EraseWish { account: person, name: "once".to_owned(), consent };
    let nameless = Act { reason: None, ..act.clone() };
    assert!(office.erase(&nameless, wish.clone()).await.is_err(), "a reason is needed all the same");
    let ordered = office.erase(&act, wish).await.unwrap();
    assert!(matches!(ordered, Erased::Ordered(_)), "{ordered:?}");
    super::deletion::run_job(&site).await;
    assert_eq!(site.app.stores().accounts.find(person).await.unwrap(), None);
    let written: Vec<_> = log(&site).await.into_iter().map(|audited| audited.entry).collect();
    assert_eq!(
        written.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(),
        ["policy_forced", "erasure_forced"]
    );
    assert!(written.iter().all(|entry| entry.actor == actor && entry.reason == act.reason));
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
