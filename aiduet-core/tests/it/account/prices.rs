//! Sheets of prices: drafted by one operator, published and withdrawn by two, and charged by.

use std::time::Duration;

use aiduet_core::audit::{AuditActor, Audited};
use aiduet_core::operator::{Act, Consent, PriceDecided, PriceDecision, PriceStep, PriceWish};
use aiduet_core::price::{
    EditionMark, EditionStep, PriceDraft, PriceEdition, PriceSheet, PriceVersion, SheetDigest,
};
use aiduet_core::testing::price::text_from;
use http::Method;
use serde_json::{Value, json};

use super::operators::{Stage, account, actions, decide, log, stage, text};
use super::routes::{Operation, SHEET};
use super::site::{Browser, EMAIL, PASSWORD, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t57_prices_are_published_by_two
    sec_t57_what_two_agree_on_is_one_text
    sec_t57_what_is_taken_from_people_is_announced_for_30_days
    sec_t57_prices_are_withdrawn_by_two
    sec_t57_who_changes_prices_alone_is_written_down
    a_sheet_that_cannot_be_used_says_why
    a_sheet_has_what_the_duet_chooses_from
    a_sheet_of_a_mebibyte_is_taken_and_no_more
}

const MODEL: &str = "gpt-5.4-mini";
const DAY: Duration = Duration::from_hours(24);

/// The embedded sheet on another day, with another model in it. Today is 2026-11-25.
fn sheet(day: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut sheet: Value = serde_json::from_str(&text_from(day)).unwrap();
    let models = sheet["models"].as_array_mut().unwrap();
    change(models.iter_mut().find(|model| model["id"] == MODEL).unwrap());
    sheet
}

fn cheaper(day: &str) -> Value {
    sheet(day, |model| model["input_per_mtok"] = json!("0.5"))
}

fn dearer(day: &str) -> Value {
    sheet(day, |model| model["output_per_mtok"] = json!("4.75"))
}

async fn draft(site: &Site, browser: &mut Browser, sheet: &Value) -> Reply {
    site.post(browser, "/admin/prices", &json!({"sheet": sheet, "reason": "ticket 4711"})).await
}

/// Asks for a sheet to be published or withdrawn: what, which, the text that was read, a name.
async fn ask(
    site: &Site,
    browser: &mut Browser,
    (step, version, sha256, name): (&str, &str, &str, &str),
) -> Reply {
    let path = format!("/admin/prices/{version}/{step}");
    let body = json!({"sha256": sha256, "reason": "ticket 4711"});
    site.ask_with(browser, (Method::POST, &path), (Some(&body), &[("idempotency-key", name)])).await
}

/// Drafts a sheet and has it published by both.
async fn published(site: &Site, (ann, bob): (&mut Browser, &mut Browser), sheet: &Value) -> (String, String) {
    let drafted = draft(site, ann, sheet).await.expect(201).json();
    let (version, sha256) = (drafted["file"]["version"].to_string(), text(&drafted["file"]["sha256"]));
    let asked = ask(site, ann, ("publish", &version, &sha256, &sha256)).await.expect(201).json();
    decide(site, bob, (&text(&asked["approval"]["id"]), "grant")).await.expect(200);
    (version, sha256)
}

async fn state(site: &Site, browser: &mut Browser, version: &str) -> Value {
    let read = site.get(browser, &format!("/admin/prices/{version}")).await.expect(200).json();
    read["file"]["state"].clone()
}

/// What anybody sees: the version that is charged by and its price of input, in pico-dollars a token.
async fn charged(site: &Site) -> (u64, u64) {
    let list = site.get(&mut Browser::at("192.0.2.1"), "/models").await.expect(200).json();
    let model = list["data"].as_array().unwrap().iter().find(|model| model["id"] == MODEL).unwrap().clone();
    (list["price_version"].as_u64().unwrap(), model["rates"]["input"].as_u64().unwrap())
}

/// A sheet for an operation that needs one, kept without a trace in the audit log.
pub(super) async fn lay_out(site: &Site, operation: &Operation, body: Option<&mut Value>) {
    let sheet = sheet("2027-02-01", |_same| {});
    if let Some(body) = body {
        if let Some(sent) = body.get_mut("sheet") {
            *sent = sheet;
            return;
        }
        body["sha256"] = json!(SheetDigest::of(&sheet.to_string()).to_string());
    }
    let text = sheet.to_string();
    let PriceSheet { version, effective_from, .. } = PriceSheet::from_json(&text).unwrap();
    assert_eq!(version.0.to_string(), SHEET);
    let mark = EditionMark { by: AuditActor::System, at: site.factory.now() };
    let editions = &site.app.stores().price_editions;
    let drafted = PriceDraft { version, effective_from, text, drafted: mark.clone() };
    let PriceEdition { digest, .. } = editions.draft(drafted).await.unwrap();
    if operation.path.ends_with("/withdraw") {
        editions.publish(EditionStep { version, digest, mark }, None).await.unwrap();
    }
}

async fn sec_t57_prices_are_published_by_two(store: Store) {
    let Stage { site, mut ann, mut bob, .. } = stage(store).await;
    assert_eq!(charged(&site).await, (20_261_124, 750_000));
    let drafted = draft(&site, &mut ann, &cheaper("2026-11-25")).await.expect(201).json();
    let sha256 = text(&drafted["file"]["sha256"]);
    let version = "20261125";
    // What has no price of its own costs what input costs.
    let difference = |class| json!({"model": MODEL, "class": class, "old": "0.75", "new": "0.5"});
    let differences = json!(["cache_write_long", "cache_write_short", "input"].map(difference));
    assert_eq!((&drafted["differences"], &drafted["file"]["state"]), (&differences, &json!("draft")));
    let unnamed = json!({"sha256": sha256, "reason": "ticket 4711"});
    let nameless = site.post(&mut ann, "/admin/prices/20261125/publish", &unnamed).await;
    assert_eq!(nameless.json()["errors"][0]["code"], "idempotency_key_required");
    let once = ("publish", version, sha256.as_str(), "once");
    let asked = ask(&site, &mut ann, once).await.expect(201).json();
    let approval = &asked["approval"];
    assert_eq!((&approval["kind"], &approval["state"]), (&json!("price_publication"), &json!("waiting")));
    assert_eq!((&approval["price_version"], &approval["sha256"]), (&json!(20_261_125), &json!(sha256)));
    assert_eq!(ask(&site, &mut ann, once).await.expect(201).json(), asked, "asked once");
    let id = text(&approval["id"]);
    decide(&site, &mut ann, (&id, "grant")).await.refused(403, "second_operator_required");
    decide(&site, &mut bob, (&id, "refuse")).await.expect(200);
    decide(&site, &mut bob, (&id, "grant")).await.refused(409, "approval_decided");
    assert_eq!(state(&site, &mut bob, version).await, "draft");

    let again = ask(&site, &mut ann, ("publish", version, &sha256, "twice")).await.expect(201).json();
    let id = text(&again["approval"]["id"]);
    for _again in 0..2 {
        assert_eq!(decide(&site, &mut bob, (&id, "grant")).await.expect(200).json()["state"], "granted");
        assert_eq!(state(&site, &mut bob, version).await, "upcoming");
    }
    let known = ask(&site, &mut ann, ("publish", version, &sha256, "thrice")).await.expect(201).json();
    assert!(known["approval"].is_null() && known["done_at"].is_string(), "{known}");
    // Its day has begun, yet every node is given a minute.
    site.later(Duration::from_secs(55));
    assert_eq!(charged(&site).await, (20_261_124, 750_000));
    site.later(Duration::from_secs(5));
    assert_eq!(charged(&site).await, (20_261_125, 500_000));
    let list = site.get(&mut bob, "/admin/prices").await.expect(200).json();
    let file = &list["data"][0];
    assert_eq!((&file["version"], &file["state"]), (&json!(20_261_125), &json!("in_force")));
    let bob_id = account(&site, super::operators::BOB).await.id.to_string();
    assert_eq!(file["published_by"], bob_id, "who decided");
    let (requested, viewed) = ("prices_requested", "prices_viewed");
    let written = actions(&site).await;
    let (first, then) = written.split_at(6);
    assert_eq!(first, ["prices_drafted", requested, "prices_refused", viewed, requested, "prices_published"]);
    assert_eq!(then, [viewed, viewed, requested, "prices_listed"]);
    for Audited { entry, .. } in log(&site).await {
        let (action, is_decided) = (entry.action.as_str(), entry.reference.is_some());
        assert_eq!(is_decided, !matches!(action, "prices_viewed" | "prices_listed"), "{action}");
        if is_decided {
            assert_eq!(entry.reference.unwrap().to_string(), format!("sha256:{sha256}"));
            assert_eq!(entry.subject.unwrap().to_string(), "prices/20261125");
        }
    }
}

async fn sec_t57_what_two_agree_on_is_one_text(store: Store) {
    let Stage { site, mut ann, mut bob, .. } = stage(store).await;
    let read = draft(&site, &mut ann, &cheaper("2026-11-26")).await.expect(201).json();
    let sha256 = text(&read["file"]["sha256"]);
    let asked = ask(&site, &mut ann, ("publish", "20261126", &sha256, "once")).await.expect(201).json();
    let id = text(&asked["approval"]["id"]);
    let other = sheet("2026-11-26", |model| model["output_per_mtok"] = json!("0.01"));
    let replaced = draft(&site, &mut ann, &other).await.expect(201).json();
    decide(&site, &mut bob, (&id, "grant")).await.refused(409, "price_sheet_changed");
    ask(&site, &mut ann, ("publish", "20261126", &sha256, "late")).await.refused(409, "price_sheet_changed");
    assert_eq!(state(&site, &mut bob, "20261126").await, "draft");
    let sha256 = text(&replaced["file"]["sha256"]);
    ask(&site, &mut ann, ("publish", "20261126", &sha256, "once")).await.expect(201);
    for (wrong, code) in [("publish", "invalid_digest"), ("withdraw", "invalid_digest")] {
        let refused = ask(&site, &mut ann, (wrong, "20261126", &sha256.to_uppercase(), "wrong")).await;
        refused.refused(400, "invalid_request");
        assert_eq!(refused.json()["errors"][0]["code"], code);
    }
    for unknown in ["20261127", "020261126", "+20261126", "prices", "99999999999"] {
        ask(&site, &mut ann, ("publish", unknown, &sha256, "other")).await.refused(404, "not_found");
    }
}

async fn sec_t57_what_is_taken_from_people_is_announced_for_30_days(store: Store) {
    let Stage { site, mut ann, mut bob, .. } = stage(store).await;
    let gone = |day: &str| {
        let mut sheet = sheet(day, |_same| {});
        sheet["models"].as_array_mut().unwrap().retain(|model| model["id"] != MODEL);
        sheet
    };
    let retired = |day: &str| sheet(day, |model| model["deprecation_date"] = json!("2026-12-20"));
    for soon in [dearer("2026-12-25"), gone("2026-12-25"), retired("2026-11-26")] {
        let refused = draft(&site, &mut ann, &soon).await;
        refused.refused(409, "price_too_soon");
        assert!(text(&refused.json()["detail"]).contains(MODEL), "{}", refused.text);
    }
    let drafted = draft(&site, &mut ann, &dearer("2026-12-26")).await.expect(201).json();
    let sha256 = text(&drafted["file"]["sha256"]);
    let asked = ask(&site, &mut ann, ("publish", "20261226", &sha256, "once")).await.expect(201).json();
    let id = text(&asked["approval"]["id"]);
    site.later(DAY);
    for (browser, email) in [(&mut ann, super::operators::ANN), (&mut bob, super::operators::BOB)] {
        site.post(browser, "/auth/login", &json!({"email": email, "password": PASSWORD})).await.expect(200);
    }
    let late = decide(&site, &mut bob, (&id, "grant")).await;
    late.refused(409, "price_too_soon");
    assert!(text(&late.json()["detail"]).contains(MODEL), "{}", late.text);
    ask(&site, &mut ann, ("publish", "20261226", &sha256, "late")).await.refused(409, "price_too_soon");
    assert_eq!(state(&site, &mut bob, "20261226").await, "draft");

    published(&site, (&mut ann, &mut bob), &dearer("2026-12-28")).await;
    site.later(Duration::from_secs(5));
    let path = format!("/models/{MODEL}/prices");
    let prices = site.get(&mut Browser::at("192.0.2.1"), &path).await.expect(200).json();
    let next = &prices["data"][0];
    assert_eq!((&next["price_version"], &next["in_force"]), (&json!(20_261_228), &json!(false)));
    super::deletion::run_job_of(&site, "news").await;
    let mails = site.mails().await;
    let told: Vec<_> = mails.iter().filter(|mail| mail.kind == "price_change" && mail.to == EMAIL).collect();
    let [mail] = told.as_slice() else { panic!("{mails:?}") };
    assert_eq!((&mail.notice["raised"], &mail.notice["version"]), (&json!([MODEL]), &json!("20261228")));
    let review = site.get(&mut ann, "/admin/prices/20261228").await.expect(200).json();
    assert_eq!(review["told"], 3);
}

async fn sec_t57_prices_are_withdrawn_by_two(store: Store) {
    let Stage { site, mut ann, mut bob, .. } = stage(store).await;
    let (first, sha_first) = published(&site, (&mut ann, &mut bob), &cheaper("2026-11-27")).await;
    let cheapest = sheet("2026-11-28", |model| model["input_per_mtok"] = json!("0.25"));
    let (last, sha_last) = published(&site, (&mut ann, &mut bob), &cheapest).await;
    ask(&site, &mut ann, ("withdraw", &first, &sha_first, "first")).await.refused(409, "price_not_last");
    let asked = ask(&site, &mut ann, ("withdraw", &last, &sha_last, "once")).await.expect(201).json();
    assert_eq!(asked["approval"]["kind"], "price_withdrawal");
    let id = text(&asked["approval"]["id"]);
    decide(&site, &mut ann, (&id, "grant")).await.refused(403, "second_operator_required");
    for _again in 0..2 {
        decide(&site, &mut bob, (&id, "grant")).await.expect(200);
        assert_eq!(state(&site, &mut bob, &last).await, "withdrawn");
    }
    let known = ask(&site, &mut ann, ("withdraw", &last, &sha_last, "again")).await.expect(201).json();
    assert!(known["approval"].is_null() && known["done_at"].is_string(), "{known}");
    draft(&site, &mut ann, &cheaper("2026-11-28")).await.refused(409, "price_version_exists");
    ask(&site, &mut ann, ("publish", &last, &sha_last, "back")).await.refused(409, "price_version_exists");
    let drafted = draft(&site, &mut ann, &cheaper("2026-11-29")).await.expect(201).json();
    let sha_draft = text(&drafted["file"]["sha256"]);
    ask(&site, &mut ann, ("withdraw", "20261129", &sha_draft, "draft"))
        .await
        .refused(409, "price_not_published");
    let refused = ask(&site, &mut ann, ("withdraw", &first, &sha_first, "no")).await.expect(201).json();
    let id = text(&refused["approval"]["id"]);
    decide(&site, &mut bob, (&id, "refuse")).await.expect(200);
    let waiting = ask(&site, &mut ann, ("withdraw", &first, &sha_first, "late")).await.expect(201).json();
    site.later(DAY * 3);
    assert_eq!(charged(&site).await, (20_261_127, 500_000), "the one before stays");
    site.post(&mut bob, "/auth/login", &json!({"email": super::operators::BOB, "password": PASSWORD}))
        .await
        .expect(200);
    decide(&site, &mut bob, (&text(&waiting["approval"]["id"]), "grant"))
        .await
        .refused(409, "price_in_force");
    let written = actions(&site).await;
    for action in ["prices_withdrawal_requested", "prices_withdrawn", "prices_withdrawal_refused"] {
        assert!(written.contains(&action), "{written:?}");
    }
}

async fn sec_t57_who_changes_prices_alone_is_written_down(store: Store) {
    let Stage { site, .. } = stage(store).await;
    let actor = "host:root".parse::<AuditActor>().unwrap();
    let act = Act { actor: actor.clone(), reason: "ticket 4711".parse().ok(), request: None };
    let office = site.app.office();
    let review = office.draft_prices(&act, cheaper("2026-11-26").to_string()).await.unwrap();
    let (version, digest) = (PriceVersion(20_261_126), review.file.edition.digest);
    for step in [PriceStep::Publish, PriceStep::Withdraw] {
        let decision = PriceDecision { step, version, digest };
        let wish = PriceWish { decision, name: "once".to_owned(), consent: Consent::BrokenGlass };
        let nameless = Act { reason: None, ..act.clone() };
        assert!(
            office.decide_prices(&nameless, wish.clone()).await.is_err(),
            "a reason is needed all the same"
        );
        let done = office.decide_prices(&act, wish).await.unwrap();
        assert!(matches!(done, PriceDecided::Done(_)), "{done:?}");
    }
    assert_eq!(actions(&site).await, ["prices_drafted", "prices_forced", "prices_withdrawal_forced"]);
    assert!(log(&site).await.iter().all(|audited| audited.entry.actor == actor));
}

async fn a_sheet_that_cannot_be_used_says_why(store: Store) {
    let Stage { site, mut ann, mut bob, .. } = stage(store).await;
    published(&site, (&mut ann, &mut bob), &cheaper("2026-11-28")).await;
    let twice = sheet("2026-12-01", |model| model["match"]["exact"] = json!(["gpt-5.4-mini", "gpt-5.4"]));
    let mut foreign = sheet("2026-12-01", |_same| {});
    foreign["discount"] = json!("10");
    for (sheet, code, detail) in [
        (
            sheet("2026-12-01", |model| model["inptu_per_mtok"] = json!("1")),
            "invalid_price_sheet",
            "inptu_per_mtok: not a field",
        ),
        (foreign, "invalid_price_sheet", "a field is unknown"),
        (twice, "invalid_price_sheet", "a name of two models"),
        (
            sheet("2026-12-01", |model| model["input_per_mtok"] = json!("0.0000001")),
            "invalid_price_sheet",
            "input_per_mtok: not a whole number of pico-USD",
        ),
        (
            sheet("2026-12-01", |model| model["input_per_mtok"] = json!(0.5)),
            "invalid_price_sheet",
            "line 1 column",
        ),
        (sheet("2026-12-32", |_same| {}), "invalid_price_sheet", "effective_from: not a date"),
        (json!({}), "invalid_price_sheet", "missing"),
        (cheaper("2026-11-24"), "price_day_over", "the day of the sheet is over"),
        (dearer("2026-11-28"), "price_version_exists", "20261128"),
        (cheaper("2026-11-27"), "price_version_exists", "20261128"),
        (dearer("2026-11-29"), "price_too_soon", MODEL),
        // Dearer than what was announced, not than what is charged today.
        (sheet("2026-11-29", |_same| {}), "price_too_soon", MODEL),
    ] {
        let refused = draft(&site, &mut ann, &sheet).await;
        let body = refused.json();
        let codes = [&body["code"], &body["errors"][0]["code"]];
        assert!(codes.contains(&&json!(code)), "{code} {}", refused.text);
        assert!(matches!(refused.status, 400 | 409), "{}", refused.text);
        assert!(text(&body["detail"]).contains(detail), "{detail}: {}", refused.text);
    }
    for no_object in [json!([]), json!("{}"), json!(null), json!(1)] {
        let refused = draft(&site, &mut ann, &no_object).await;
        refused.refused(400, "invalid_request");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/sheet");
    }
    site.post(&mut ann, "/admin/prices", &json!({"sheet": {}})).await.refused(400, "malformed_body");
    site.get(&mut ann, "/admin/prices/20261201").await.refused(404, "not_found");
}

async fn a_sheet_has_what_the_duet_chooses_from(store: Store) {
    let Stage { site, mut ann, .. } = stage(store).await;
    let mut sheet: Value = serde_json::from_str(&text_from("2027-02-01")).unwrap();
    sheet["models"].as_array_mut().unwrap().retain(|model| model["id"] != "gpt-6.1-sol");
    let refused = draft(&site, &mut ann, &sheet).await;
    refused.refused(409, "price_model_needed");
    assert!(text(&refused.json()["detail"]).contains("the duet needs gpt-6.1-sol;"), "{}", refused.text);
}

async fn a_sheet_of_a_mebibyte_is_taken_and_no_more(store: Store) {
    let Stage { site, mut ann, .. } = stage(store).await;
    let mut large = cheaper("2026-11-26");
    large["sources"] = json!("x".repeat(900_000));
    let drafted = draft(&site, &mut ann, &large).await.expect(201).json();
    assert_eq!(drafted["sheet"], large);
    large["sources"] = json!("x".repeat(1 << 20));
    draft(&site, &mut ann, &large).await.refused(413, "request_too_large");
}
