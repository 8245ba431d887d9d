//! Commands, their output and their exit codes.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use aiduet_core::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::process::Place;

#[test]
fn exit_codes_tell_usage_absence_and_conflict_apart() {
    let place = Place::new();
    place.customer();
    for (arguments, code) in [
        (&["user", "show", "a@example.com"][..], 0),
        (&["user", "show", "nobody@example.com"], 4),
        (&["user", "show", "acct_00000000000000000000000000000000"], 4),
        (&["user", "show", "not an address"], 2),
        (&["user", "create", "a@example.com"], 5),
        (&["user", "credit", "a@example.com", "-1", "--reason", "welcome"], 2),
        (&["user", "credit", "a@example.com", "1.0000000001", "--reason", "welcome"], 2),
        (&["user", "credit", "a@example.com", "1.00"], 2),
        (&["user", "role", "a@example.com", "operator"], 0),
        (&["user", "role", "a@example.com", "emperor"], 2),
        (&["audit", "verify"], 0),
        (&["audit", "list", "--action", "account_created"], 0),
        (&["audit", "list", "--action", "nonsense"], 2),
        (&["audit", "list", "--subject", "a@example.com"], 2),
        (&["policy", "list"], 0),
        (&["policy", "publish", "privacy", "2026-11-26"], 2),
        (&["--reason", "ticket 1", "policy", "publish", "privacy", "2026-11-26"], 0),
        (&["--reason", "ticket 1", "policy", "publish", "privacy", "2026-11-26", "--break-glass"], 0),
        (&["--reason", "ticket 1", "policy", "publish", "privacy", "2026-11-27"], 4),
        (&["--reason", "ticket 1", "policy", "publish", "poetry", "2026-11-26"], 2),
        (&["policy", "notify"], 0),
        (&["approvals", "list"], 0),
        (&["approvals", "grant", "appr_00000000000000000000000000000000"], 4),
        (&["keys", "create", "--user", "a@example.com", "--networks", "everywhere"], 2),
        (&["no-such-command"], 2),
        (&["config", "check"], 0),
        (&["ledger", "verify"], 0),
        (&["doctor"], 0),
        (&["openapi"], 0),
        (&["version"], 0),
        (&["models", "list"], 0),
        (&["config", "example"], 0),
        (&["migrate"], 0),
        (&["migrate", "status"], 0),
        (&["jobs", "list"], 0),
        (&["jobs", "run", "retention"], 0),
        (&["jobs", "run", "nonsense"], 4),
        (&["retention", "status"], 0),
        (&["retention", "run"], 0),
        (&["retention", "run", "--dry-run"], 0),
        (&["retention", "run", "--force"], 2),
        (&["user", "deletions"], 0),
        (&["user", "erase", "a@example.com", "--dry-run"], 0),
        (&["export", "user", "--email", "a@example.com"], 0),
        (&["export", "user", "--email", "b@example.com"], 4),
        (&["user", "erase", "a@example.com", "--yes"], 2),
        (&["--reason", "ticket 1", "user", "erase", "a@example.com", "--yes"], 0),
        (&["user", "show", "a@example.com"], 0),
        (&["--reason", "ticket 1", "user", "erase", "a@example.com", "--break-glass"], 2),
        (&["user", "erase", "a@example.com", "--break-glass", "--yes"], 2),
        (&["user", "show", "a@example.com"], 0),
        (&["privacy", "erase", "--from-tombstones", "/nowhere/list"], 2),
        (&["--reason", "ticket 1", "user", "erase", "a@example.com", "--break-glass", "--yes"], 0),
        (&["user", "show", "a@example.com"], 4),
        (&["--reason", "ticket 1", "user", "erase", "a@example.com", "--break-glass", "--yes"], 4),
        (&["audit", "list", "--action", "erasure_forced"], 0),
        (&["privacy", "receipts"], 0),
        (&["privacy", "tombstones"], 0),
        (&["jobs", "run", "deletion"], 0),
        (&["ledger", "verify"], 0),
    ] {
        assert_eq!(place.exit_code(arguments), code, "{arguments:?}");
    }
}

#[test]
fn exit_codes_tell_what_is_wrong_with_prices() {
    let place = Place::new();
    for (arguments, code) in [
        (&["prices", "list"][..], 0),
        (&["prices", "diff", "20260101"], 4),
        (&["prices", "diff", "no-such-file"], 1),
        (&["prices", "draft", "no-such-file"], 1),
        (&["prices", "publish", "20260101"], 2),
        (&["--reason", "ticket 1", "prices", "publish", "20260101"], 4),
        (&["--reason", "ticket 1", "prices", "publish", "20260101", "--sha256", "abc"], 2),
        (&["--reason", "ticket 1", "prices", "publish", "christmas"], 2),
        (&["--reason", "ticket 1", "prices", "withdraw", "20260101"], 4),
    ] {
        assert_eq!(place.exit_code(arguments), code, "{arguments:?}");
    }
}

/// The sheet that comes with the program, so many days ahead, with another price of a model.
fn sheet(days: u64, output: &str) -> (u32, String) {
    let moment = SystemClock::new().now().plus(Duration::from_hours(24 * days)).to_string();
    let day = &moment[..10];
    let embedded = include_str!("../../../aiduet-core/data/prices.json");
    let mut sheet: Value = serde_json::from_str(embedded).unwrap();
    sheet["effective_from"] = day.into();
    let models = sheet["models"].as_array_mut().unwrap();
    models.iter_mut().find(|model| model["id"] == "gpt-5.4-mini").unwrap()["output_per_mtok"] = output.into();
    (day.replace('-', "").parse().unwrap(), sheet.to_string())
}

#[test]
fn prices_are_drafted_compared_published_and_withdrawn() {
    let place = Place::new();
    let (version, text) = sheet(2, "4.25");
    std::fs::write(place.path("sheet.json"), &text).unwrap();
    let difference = json!([{"model": "gpt-5.4-mini", "class": "output", "old": "4.5", "new": "4.25"}]);
    assert_eq!(place.ask(&["prices", "diff", "sheet.json"]), difference);
    assert_eq!(place.ask(&["prices", "list"]), json!([]), "nothing was drafted");
    let drafted = place.ask(&["prices", "draft", "sheet.json"]);
    assert_eq!((&drafted["state"], &drafted["differences"]), (&"draft".into(), &difference));
    let name = version.to_string();
    assert_eq!(place.ask(&["prices", "diff", &name]), difference);
    let sha256 = drafted["sha256"].as_str().unwrap();
    let why = ["--reason", "ticket 1", "prices"];
    let publish = [&why[..], &["publish", &name, "--sha256", sha256]].concat();
    let asked = place.ask(&publish);
    assert_eq!((&asked["kind"], &asked["state"]), (&"price_publication".into(), &"waiting".into()));
    assert_eq!((&asked["price_version"], &asked["sha256"]), (&version.into(), &drafted["sha256"]));
    let id = asked["id"].as_str().unwrap();
    assert_eq!(place.exit_code(&["approvals", "grant", id]), 1, "whoever asked does not grant");
    let unread = "0".repeat(64);
    let other = [&why[..], &["publish", &name, "--break-glass", "--sha256", &unread]].concat();
    assert_eq!(place.exit_code(&other), 5, "nobody has read that");
    let published = place.ask(&[&publish[..], &["--break-glass"]].concat());
    assert_eq!(published["sha256"], drafted["sha256"]);
    assert_eq!(place.ask(&["prices", "list"])[0]["state"], "upcoming");
    assert_eq!(place.exit_code(&["prices", "draft", "sheet.json"]), 0, "it is the same sheet");
    for (days, output, code) in [(1, "4.25", 5), (3, "4.75", 5), (3, "4.0000001", 2)] {
        std::fs::write(place.path("other.json"), sheet(days, output).1).unwrap();
        assert_eq!(place.exit_code(&["prices", "draft", "other.json"]), code, "{days} {output}");
    }
    let withdraw = [&why[..], &["withdraw", &name]].concat();
    assert_eq!(place.ask(&withdraw)["kind"], "price_withdrawal");
    place.ask(&[&withdraw[..], &["--break-glass"]].concat());
    assert_eq!(place.ask(&["prices", "list"])[0]["state"], "withdrawn");
    let table = place.run(&["prices", "diff", "sheet.json"]);
    assert!(String::from_utf8(table.stdout).unwrap().starts_with("MODEL         CLASS   OLD  NEW"));
    for action in ["prices_drafted", "prices_requested", "prices_forced", "prices_withdrawal_forced"] {
        assert_ne!(place.ask(&["audit", "list", "--action", action]), json!([]), "{action}");
    }
}

#[test]
fn an_archive_goes_to_a_new_file_of_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    assert_eq!(place.exit_code(&["user", "create", "a@example.com"]), 0);
    let path = place.path("a.zip");
    let file = path.to_str().unwrap();
    let arguments = ["export", "user", "--email", "a@example.com", "--out", file];
    assert_eq!(place.exit_code(&arguments), 0);
    let archive = std::fs::read(&path).unwrap();
    assert!(archive.starts_with(b"PK\x03\x04"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(place.exit_code(&arguments), 1, "nothing is written over");
    assert_eq!(std::fs::read(&path).unwrap(), archive);
    let piped = place.run(&["export", "user", "--email", "a@example.com"]).stdout;
    assert!(piped.starts_with(b"PK\x03\x04"));
}

#[test]
fn a_wrong_setting_is_refused_with_a_suggestion_and_without_its_value() {
    let place = Place::new().with("AIDUET__SERVER__LISEN", "hunter2");
    let output = place.run(&["serve"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("AIDUET__SERVER__LISTEN"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn a_server_without_a_provider_refuses_to_start() {
    let mut place = Place::new();
    place.settings.retain(|(name, _)| !name.contains("UPSTREAM"));
    let output = place.run(&["serve"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("upstream.openai.api_key"));
}

#[test]
fn settings_are_shown_with_their_origin_and_without_secrets() {
    let place = Place::new().with("AIDUET__UPSTREAM__OPENAI__API_KEY", "sk-hunter2");
    let output = place.run(&["config", "show"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("upstream.openai.api_key = \"[redacted]\"  # AIDUET__UPSTREAM__OPENAI__API_KEY"),
        "{text}"
    );
    assert!(text.contains("gateway.drain_seconds = 30  # default"), "{text}");
    assert!(!text.contains("hunter2"));
}

#[test]
fn a_credit_of_one_name_is_granted_once() {
    let place = Place::new();
    place.customer();
    let credit = ["user", "credit", "a@example.com", "1.00", "--reason", "welcome", "--id", "welcome"];
    let first = place.ask(&credit);
    assert_eq!(place.ask(&credit)["id"], first["id"]);
    assert_eq!(place.balance().available, 6_000_000_000);
    let other = ["user", "credit", "a@example.com", "2.00", "--reason", "welcome", "--id", "welcome"];
    assert_eq!(place.exit_code(&other), 5, "one name with two amounts");
    place.ask(&["user", "credit", "a@example.com", "3.00", "--reason", "welcome", "--dry-run"]);
    assert_eq!(place.balance().available, 6_000_000_000);
}

#[test]
fn a_key_is_shown_once_and_its_end_has_to_be_confirmed() {
    let place = Place::new();
    let (key, id) = place.customer();
    let list = place.ask(&["keys", "list", "--user", "a@example.com"]);
    assert_eq!(list[0]["id"], id.as_str());
    assert!(!list.to_string().contains(&key));
    assert_eq!(place.exit_code(&["keys", "delete", &id, "--user", "a@example.com"]), 2);
    let new = place.ask(&["keys", "rotate", &id, "--user", "a@example.com", "--overlap", "1h"]);
    assert_ne!(new["key"], key.as_str());
    assert_eq!(place.ask(&["keys", "show", &id, "--user", "a@example.com"])["state"], "rotated");
    place.run(&["keys", "delete", &id, "--user", "a@example.com", "--yes"]);
    assert_eq!(place.exit_code(&["keys", "show", &id, "--user", "a@example.com"]), 4);
}

#[test]
fn a_key_is_verified_from_the_standard_input() {
    let place = Place::new();
    let (key, id) = place.customer();
    let verify = |text: &str| {
        let mut child = place
            .command(&["keys", "verify", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, printed) = verify(&format!("{key}\n"));
    assert_eq!(code, 0);
    assert!(printed.contains(&id) && !printed.contains(&key));
    assert_eq!(verify("sk-duet-nonsense\n").0, 2);
    place.run(&["keys", "disable", &id, "--user", "a@example.com"]);
    assert_eq!(verify(&key).0, 3);
}
