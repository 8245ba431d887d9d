//! What was used: sums, the log, receipts, files, and that each sees their own only.

use std::time::Duration;

use aiduet_core::clock::{ManualClock, Timestamp};
use aiduet_core::dialect::Endpoint;
use aiduet_core::id::{AccountId, ApiKeyId, RequestId};
use aiduet_core::ledger::{RequestRecord, SettleRequest};
use aiduet_core::money::Money;
use aiduet_core::provider::Vendor;
use aiduet_core::testing::{Factory, cents, model};
use serde_json::{Value, json};

use super::site::{Browser, EMAIL, PASSWORD, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    usage_is_summed_by_day_and_group
    an_overview_says_everything_at_a_glance
    an_overview_warns_of_a_low_balance
    the_log_comes_in_pages_and_a_receipt_recomputes
    the_log_is_filtered_by_what_the_query_says
    files_hold_what_the_log_holds_and_no_formulas
    what_is_not_a_question_is_refused
    nobody_sees_the_usage_of_another
    usage_needs_a_person
    a_key_shows_what_it_used
}

const OTHER_EMAIL: &str = "other@example.com";

/// A person with two keys and five requests over two days of Nepal, where a day begins at 18:15 UTC.
struct Stage {
    site: Site,
    browser: Browser,
    account: AccountId,
    keys: [ApiKeyId; 2],
    /// Newest first.
    records: Vec<RequestRecord>,
}

async fn key(site: &Site, browser: &mut Browser, name: &str) -> ApiKeyId {
    let key = site.post(browser, "/keys", &json!({"name": name})).await.expect(201).json();
    key["id"].as_str().unwrap().parse().unwrap()
}

async fn spend(
    site: &Site,
    (account, key): (AccountId, ApiKeyId),
    (at, nanos): (&str, i64),
    change: impl FnOnce(&mut RequestRecord),
) -> RequestRecord {
    let at = Timestamp::from_millis(at.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let factory = Factory::at(nanos.unsigned_abs(), at);
    let mut reserve = factory.reserve(account, Money::ZERO);
    reserve.key = key;
    reserve.request = RequestId::generate(&ManualClock::new(at), factory.entropy());
    let mut record = factory.record(&reserve, Money::from_nanos(nanos));
    change(&mut record);
    let settle = SettleRequest { holds: vec![], record: record.clone(), at: site.factory.now() };
    site.app.ledger().settle(settle).await.unwrap();
    record
}

async fn stage(store: Store) -> Stage {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let me = site.get(&mut browser, "/me").await.expect(200).json();
    let account: AccountId = me["id"].as_str().unwrap().parse().unwrap();
    let keys =
        [key(&site, &mut browser, "=cmd|' /C calc'!A0").await, key(&site, &mut browser, "ci, \"x\"").await];
    let openai = |record: &mut RequestRecord| {
        record.model = model("gpt-5.2");
        record.vendor = Vendor::OpenAi;
        record.endpoint = Endpoint::Responses;
        record.status = 502;
        record.stream = false;
    };
    let [one, two] = keys;
    let mut records = vec![
        spend(&site, (account, one), ("2026-11-24T10:00:00Z", 100_000_001), |_| {}).await,
        spend(&site, (account, one), ("2026-11-24T18:14:59.999Z", 20_000_000), |_| {}).await,
        spend(&site, (account, one), ("2026-11-24T18:15:00Z", 3_000_000), |_| {}).await,
        spend(&site, (account, two), ("2026-11-25T09:30:00Z", 400_000), openai).await,
        spend(&site, (account, two), ("2026-11-25T09:31:00Z", 50_000), |record| record.status = 429).await,
    ];
    records.reverse();
    Stage { site, browser, account, keys, records }
}

impl Stage {
    async fn get(&mut self, path: &str) -> Value {
        self.site.get(&mut self.browser, path).await.expect(200).json()
    }

    /// Every page of the log.
    async fn log(&mut self, query: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/requests?{query}{cursor}")).await;
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }
}

fn nanos(values: &[Value]) -> i64 {
    values.iter().map(|value| value["cost_nano"].as_i64().unwrap()).sum()
}

async fn usage_is_summed_by_day_and_group(store: Store) {
    let mut stage = stage(store).await;
    let series = stage
        .get("/usage/series?tz=asia/kathmandu&from=2026-11-24&to=2026-11-25&bucket=day&group_by=model")
        .await;
    assert_eq!(series["tz"], "Asia/Kathmandu");
    assert_eq!(
        (&series["from"], &series["to"]),
        (&json!("2026-11-23T18:15:00.000Z"), &json!("2026-11-25T18:15:00.000Z"))
    );
    let costs: Vec<_> =
        series["buckets"].as_array().unwrap().iter().map(|day| day["total"]["cost_nano"].clone()).collect();
    assert_eq!(costs, [120_000_001, 3_450_000]);
    assert_eq!(series["total"]["cost"], "0.123450001");
    assert_eq!((&series["total"]["errors"], &series["total"]["rate_limited"]), (&json!(2), &json!(1)));
    assert_eq!(series["groups"][0]["group"], "claude-sonnet-4-6");
    assert_eq!(series["groups"][0]["share_bp"], 9_967);
    assert_eq!(series["groups"][1]["cost_nano"], 400_000);
    assert_eq!(series["buckets"][1]["groups"].as_array().unwrap().len(), 2);
    let one = stage.get("/usage/series?from=2026-11-24&to=2026-11-25&group_by=model&top=1").await;
    assert_eq!((&one["bucket"], &one["groups"][1]["group"]), (&json!("hour"), &json!("other")));
    assert_eq!(one["buckets"].as_array().unwrap().len(), 48);
    let by_key = stage.get("/usage/breakdown?from=2026-11-24&to=2026-11-25&group_by=key").await;
    assert_eq!(by_key["data"][0]["group"], stage.keys[0].to_string());
    assert_eq!(by_key["data"][1]["name"], "ci, \"x\"");
    assert_eq!(by_key["data"][1]["cost_per_request_nano"], 225_000);
    // Moments are widened to quarters of an hour, and the answer says so.
    let query = "from=2026-11-24T18:14:59Z&to=2026-11-24T18:15:00.001Z";
    let narrow = stage.get(&format!("/usage/series?{query}")).await;
    assert_eq!(
        (&narrow["from"], &narrow["to"]),
        (&json!("2026-11-24T18:00:00.000Z"), &json!("2026-11-24T18:30:00.000Z"))
    );
    assert_eq!(narrow["total"]["cost_nano"], 23_000_000);
    let log = stage.log("from=2026-11-24T18:00:00.000Z&to=2026-11-24T18:30:00.000Z").await;
    assert_eq!(nanos(&log), 23_000_000);
    for (filter, cost) in [
        ("model=gpt-5.2", 400_000),
        ("provider=anthropic", 123_050_001),
        ("endpoint=responses", 400_000),
        ("status=rate_limited", 50_000),
        ("stream=false", 400_000),
    ] {
        let query = format!("from=2026-11-24&to=2026-11-25&{filter}");
        let series = stage.get(&format!("/usage/series?{query}")).await;
        assert_eq!(series["total"]["cost_nano"], cost, "{filter}");
        assert_eq!(nanos(&stage.log(&query).await), cost, "{filter}");
    }
}

async fn an_overview_says_everything_at_a_glance(store: Store) {
    let mut stage = stage(store).await;
    let overview = stage.get("/overview?tz=Asia/Kathmandu").await;
    assert_eq!(overview["today"]["now"]["cost_nano"], 3_450_000);
    assert_eq!(overview["today"]["before"]["cost_nano"], 120_000_001);
    for period in ["last_7_days", "last_30_days"] {
        assert_eq!(overview[period]["now"]["requests"], 5, "{period}");
        assert_eq!(overview[period]["before"]["requests"], 0, "{period}");
    }
    assert_eq!(overview["by_day"]["buckets"].as_array().unwrap().len(), 30);
    assert_eq!(overview["top_models"][0]["group"], "claude-sonnet-4-6");
    assert_eq!(overview["top_keys"][1]["name"], "ci, \"x\"");
    assert_eq!(overview["recent"].as_array().unwrap().len(), 5);
    assert_eq!(overview["recent"][0]["id"], stage.records[0].id.to_string());
    assert_eq!(overview["balance"]["average_per_day_nano"], 123_450_001 / 7);
    assert_eq!(overview["balance"]["days_left"], 0, "nothing was paid in");
    assert_eq!(overview["banners"][0]["kind"], "no_credit");
    assert!(overview.to_string().len() < 30_000, "{}", overview.to_string().len());
}

async fn an_overview_warns_of_a_low_balance(store: Store) {
    let mut stage = stage(store).await;
    let account = stage.account;
    let ledger = std::sync::Arc::clone(&stage.site.app.stores().ledger);
    let mut kinds = Vec::new();
    for (paid, threshold) in [(cents(13), None), (cents(1_000), None), (Money::ZERO, Some("1000"))] {
        if paid > Money::ZERO {
            ledger.post(vec![stage.site.factory.top_up(account, paid)]).await.unwrap();
        }
        if let Some(threshold) = threshold {
            let alert = json!({"low_balance": {"threshold": threshold, "email": false}});
            let put = (http::Method::PUT, "/billing/alerts");
            stage.site.ask(&mut stage.browser, put, Some(&alert)).await.expect(200);
        }
        let overview = stage.get("/overview").await;
        let banners = overview["banners"].as_array().unwrap();
        kinds.push(
            banners.iter().map(|banner| banner["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        );
    }
    // Less than a day's worth; enough; less than the person wants to have.
    assert_eq!(kinds, [vec!["low_balance"], vec![], vec!["low_balance"]]);
}

async fn the_log_comes_in_pages_and_a_receipt_recomputes(store: Store) {
    let mut stage = stage(store).await;
    let log = stage.log("limit=2").await;
    let ids: Vec<String> = stage.records.iter().map(|record| record.id.to_string()).collect();
    assert_eq!(log.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), ids);
    assert_eq!(log[0]["key_name"], "ci, \"x\"");
    assert_eq!((&log[0]["status"], &log[0]["status_class"]), (&json!(429), &json!("rate_limited")));
    let receipt = stage.get(&format!("/requests/{}", ids[0])).await;
    let bill = &receipt["bill"];
    let sum: u128 = bill["line_items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let amount = u128::from(line["quantity"].as_u64().unwrap())
                * u128::from(line["rate_pico"].as_u64().unwrap());
            assert_eq!(line["amount_pico"], amount.to_string());
            amount
        })
        .sum();
    assert_eq!(bill["sum_pico"], sum.to_string());
    let margin = u128::from(bill["margin_bp"].as_u64().unwrap());
    let charge = (sum * margin).div_ceil(10_000 * 1_000);
    assert_eq!(u128::from(bill["charge_nano"].as_u64().unwrap()), charge);
    assert_eq!(receipt["cost_nano"], bill["charge_nano"]);
    assert_eq!(receipt["tokens"]["output"], 50_000);
    let missing = format!("/requests/req_{}", "0".repeat(32));
    stage.site.get(&mut stage.browser, &missing).await.refused(404, "not_found");
    stage.site.get(&mut stage.browser, "/requests/nonsense").await.refused(404, "not_found");
}

async fn the_log_is_filtered_by_what_the_query_says(store: Store) {
    let mut stage = stage(store).await;
    for (query, count) in [
        ("min_cost=0.003", 3),
        ("min_cost=0.003000001", 2),
        ("min_latency_ms=900", 5),
        ("min_latency_ms=901", 0),
        ("tz=Asia/Kathmandu&from=2026-11-25&to=2026-11-25", 3),
        ("from=2026-11-25", 2),
        ("status=success&provider=anthropic", 3),
    ] {
        assert_eq!(stage.log(query).await.len(), count, "{query}");
    }
    let key = stage.keys[1];
    assert_eq!(stage.log(&format!("key_id={key}&limit=1")).await.len(), 2);
}

/// The cells of a file without quoted line breaks.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cells.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

async fn files_hold_what_the_log_holds_and_no_formulas(store: Store) {
    let mut stage = stage(store).await;
    let path = "/requests/export?tz=Asia/Kathmandu&from=2026-11-24&to=2026-11-25";
    let file = stage.site.get(&mut stage.browser, path).await.expect(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let name = "attachment; filename=\"aiduet-requests-2026-11-24_2026-11-25-Asia-Kathmandu.csv\"";
    assert_eq!(file.header("content-disposition"), name);
    assert_eq!(file.header("cache-control"), "no-store");
    let text = file.text.strip_prefix('\u{feff}').unwrap();
    let mut lines = text.split_terminator("\r\n").map(cells);
    let head = lines.next().unwrap();
    let column = |name: &str| head.iter().position(|column| column == name).unwrap();
    let rows: Vec<Vec<String>> = lines.collect();
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.len() == head.len()));
    let costs: i64 = rows.iter().map(|row| row[column("cost_nano")].parse::<i64>().unwrap()).sum();
    assert_eq!(costs, 123_450_001);
    assert_eq!(rows[0][column("key_name")], "ci, \"x\"");
    assert_eq!(rows[4][column("key_name")], "'=cmd|' /C calc'!A0");
    assert_eq!(rows[0][column("local_time")], "2026-11-25T15:16:00+05:45");
    let lines = stage.site.get(&mut stage.browser, &format!("{path}&format=ndjson")).await.expect(200);
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let rows: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(nanos(&rows), 123_450_001);
    assert_eq!(rows[4]["key_name"], "=cmd|' /C calc'!A0");
    let mut keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    let mut columns: Vec<&String> = head.iter().collect();
    keys.sort_unstable();
    columns.sort_unstable();
    assert_eq!(keys, columns, "both forms have the same columns");
    let usage = "/usage/export?tz=Asia/Kathmandu&from=2026-11-24&to=2026-11-25&group_by=key&bucket=day";
    let file = stage.site.get(&mut stage.browser, usage).await.expect(200);
    let text = file.text.strip_prefix('\u{feff}').unwrap();
    let rows: Vec<Vec<String>> = text.split_terminator("\r\n").map(cells).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0].len(), 15);
    assert_eq!(rows[1][..2], ["2026-11-24T00:00:00+05:45", "2026-11-25T00:00:00+05:45"]);
    assert_eq!(rows[1][3], "'=cmd|' /C calc'!A0");
    let lines = stage.site.get(&mut stage.browser, &format!("{usage}&format=ndjson")).await.expect(200);
    let rows: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(nanos(&rows), 123_450_001);
}

async fn what_is_not_a_question_is_refused(store: Store) {
    let mut stage = stage(store).await;
    for (path, code) in [
        ("/overview?tz=Mars/Olympus", "invalid_time_zone"),
        ("/usage/series?tz=EST5EDT,M3.2.0,M11.1.0", "invalid_time_zone"),
        ("/usage/series?from=2026-08-01&to=2026-11-25", "invalid_range"),
        ("/usage/series?from=2026-11-25&to=2026-11-24", "invalid_range"),
        ("/usage/series?to=2026-11-24", "invalid_range"),
        ("/usage/series?from=yesterday&to=2026-11-24", "invalid_range"),
        ("/usage/series?bucket=minute", "invalid_bucket"),
        ("/usage/series?bucket=hour", "invalid_bucket"),
        ("/usage/series?from=2026-11-24&to=2026-11-25&bucket=quarter", "invalid_bucket"),
        ("/usage/series?group_by=colour", "invalid_group"),
        ("/usage/series?top=0", "invalid_top"),
        ("/usage/series?top=21", "invalid_top"),
        ("/usage/series?stream=perhaps", "invalid_filter"),
        ("/usage/series?provider=acme", "invalid_filter"),
        ("/usage/series?status=200", "invalid_filter"),
        ("/usage/series?endpoint=chat", "invalid_filter"),
        ("/usage/series?key_id=1", "invalid_filter"),
        ("/usage/series?colour=red", "invalid_request"),
        ("/usage/breakdown?bucket=day", "invalid_request"),
        ("/usage/export?format=xlsx", "invalid_file_format"),
        ("/requests?cursor=abc", "invalid_cursor"),
        ("/requests?cursor=key_00000000000000000000000000000000", "invalid_cursor"),
        ("/requests?limit=0", "invalid_limit"),
        ("/requests?limit=101", "invalid_limit"),
        ("/requests?min_cost=1e3", "invalid_amount"),
        ("/requests?min_latency_ms=-1", "invalid_latency"),
        ("/requests/export?format=json", "invalid_file_format"),
        ("/requests/export?cursor=x", "invalid_request"),
    ] {
        let reply = stage.site.get(&mut stage.browser, path).await;
        reply.refused(400, "invalid_request");
        assert_eq!(reply.json()["errors"][0]["code"], code, "{path}");
    }
}

async fn other_person(site: &Site) -> Browser {
    site.mails().await;
    site.register(OTHER_EMAIL).await;
    let mut other = Browser::at("192.0.2.2");
    let body = json!({"email": OTHER_EMAIL, "password": PASSWORD});
    site.post(&mut other, "/auth/login", &body).await.expect(200);
    other
}

async fn nobody_sees_the_usage_of_another(store: Store) {
    assert_ne!(OTHER_EMAIL, EMAIL);
    let stage = stage(store).await;
    let Stage { site, keys, records, account, .. } = &stage;
    let mut other = other_person(site).await;
    for record in records {
        site.get(&mut other, &format!("/requests/{}", record.id)).await.refused(404, "not_found");
    }
    for key in keys {
        site.get(&mut other, &format!("/keys/{key}/usage")).await.refused(404, "not_found");
    }
    let range = "from=2026-11-24&to=2026-11-25";
    let newest = records[0].id;
    for path in [
        "/requests".to_owned(),
        format!("/requests?cursor={newest}"),
        format!("/requests?key_id={}", keys[0]),
        format!("/requests?{range}&key_id={}", keys[0]),
    ] {
        let page = site.get(&mut other, &path).await.expect(200).json();
        assert_eq!(page, json!({"data": [], "next_cursor": null}), "{path}");
    }
    for path in [
        format!("/usage/series?{range}"),
        format!("/usage/series?{range}&key_id={}", keys[0]),
        format!("/usage/breakdown?{range}&group_by=key"),
        format!("/usage/breakdown?{range}&key_id={}", keys[1]),
    ] {
        let sums = site.get(&mut other, &path).await.expect(200).json();
        assert_eq!(sums["total"]["requests"], 0, "{path}");
    }
    for path in
        ["/overview", "/usage/export?group_by=key", "/requests/export", "/requests/export?format=ndjson"]
    {
        let reply = site.get(&mut other, path).await.expect(200);
        for secret in [account.to_string(), keys[0].to_string(), keys[1].to_string(), newest.to_string()] {
            assert!(!reply.text.contains(&secret), "{path}");
        }
    }
}

async fn usage_needs_a_person(store: Store) {
    let stage = stage(store).await;
    let mut nobody = Browser::at("192.0.2.9");
    let request = format!("/requests/{}", stage.records[0].id);
    let key = format!("/keys/{}/usage", stage.keys[0]);
    let paths =
        ["/overview", "/usage/series", "/usage/breakdown", "/usage/export", "/requests", "/requests/export"];
    for path in paths.into_iter().chain([request.as_str(), key.as_str()]) {
        stage.site.get(&mut nobody, path).await.refused(401, "unauthenticated");
    }
}

async fn a_key_shows_what_it_used(store: Store) {
    let mut stage = stage(store).await;
    let key = stage.keys[1];
    let usage = stage.get(&format!("/keys/{key}/usage?tz=Asia/Kathmandu")).await;
    assert_eq!((&usage["key_id"], &usage["name"]), (&json!(key), &json!("ci, \"x\"")));
    assert_eq!(usage["today"]["cost_nano"], 450_000);
    assert_eq!(usage["last_30_days"]["requests"], 2);
    assert_eq!(usage["by_day"]["groups"].as_array().unwrap().len(), 2);
    assert_eq!(usage["recent"].as_array().unwrap().len(), 2);
    let spend = &usage["spend"][3];
    assert_eq!((&spend["period"], &spend["spent_nano"]), (&json!("total"), &json!(450_000)));
    assert_eq!(spend["limit"], Value::Null);
    // Its history outlives it.
    stage
        .site
        .ask(&mut stage.browser, (http::Method::DELETE, &format!("/keys/{key}")), None)
        .await
        .expect(204);
    stage.site.later(Duration::from_secs(1));
    let usage = stage.get(&format!("/keys/{key}/usage")).await;
    assert_eq!(usage["last_30_days"]["requests"], 2);
}
