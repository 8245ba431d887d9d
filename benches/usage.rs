//! How long the dashboard waits: sums over 90 days and pages of the log, with many records.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "prints its own timings, and stops when the database does"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use aiduet_core::backends::sea_orm::{Database, DatabaseConfig, LedgerConfig, SeaOrmLedger};
use aiduet_core::clock::{Clock, ManualClock, SystemClock, Timestamp};
use aiduet_core::id::{AccountId, ApiKeyId, RequestId};
use aiduet_core::ledger::{GroupBy, Ledger, ListLog, RequestRecord, SettleRequest, UsageFilter, UsageReader};
use aiduet_core::money::Money;
use aiduet_core::report::{Bucket, Range, SeriesRequest, Zone, series};
use aiduet_core::secret::Secret;
use aiduet_core::testing::{Factory, model};
use tokio::task::JoinSet;

const MODELS: [&str; 4] = ["claude-sonnet-4-6", "claude-haiku-4-5", "gpt-5.2", "gpt-5.2-mini"];
const KEYS: usize = 3;
const DAYS: u64 = 89;
const AT_A_TIME: usize = 512;
const ROUNDS: usize = 40;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("usage: usage URL [records]");
    let records = arguments.next().map_or(1_000_000, |text| text.parse().expect("records is a number"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(url, records));
}

async fn run(url: String, records: u64) {
    let database = Database::connect(&DatabaseConfig::new(Secret::new(url))).await.expect("the database");
    database.migrate().await.expect("migrations");
    let ledger = Arc::new(SeaOrmLedger::start(database.clone(), LedgerConfig::default()));
    let factory = Factory::at(7, SystemClock::new().now());
    let account = factory.account_id();
    let begun = Instant::now();
    fill(&ledger, &factory, (account, records)).await;
    println!("{records} records in {} s on {}", begun.elapsed().as_secs(), database.system());
    sums(&ledger, (account, factory.now())).await;
    pages(&ledger, (account, factory.now())).await;
    ledger.close().await;
    database.close().await.expect("the database closes");
}

/// Records of one account, evenly over 89 days, models, keys, and every twentieth one an error.
async fn fill(ledger: &Arc<SeaOrmLedger>, factory: &Factory, (account, count): (AccountId, u64)) {
    let keys: Vec<ApiKeyId> = (0..KEYS).map(|_| factory.key_id()).collect();
    let (now, span) = (factory.now(), Duration::from_hours(24 * DAYS));
    let first = now.minus(span);
    let apart = u64::try_from(span.as_millis()).expect("days are few") / count.max(1);
    let mut settles = JoinSet::new();
    for index in 0..count {
        let at = first.plus(Duration::from_millis(apart * index));
        let record = record(factory, (account, &keys), (index, at));
        let ledger = Arc::clone(ledger);
        settles.spawn(async move {
            let settle = SettleRequest { holds: vec![], record, at: now };
            ledger.settle(settle).await.expect("a settle is not refused");
        });
        if settles.len() >= AT_A_TIME {
            settles.join_next().await;
        }
    }
    settles.join_all().await;
}

fn record(
    factory: &Factory,
    (account, keys): (AccountId, &[ApiKeyId]),
    (index, at): (u64, Timestamp),
) -> RequestRecord {
    let mut reserve = factory.reserve(account, Money::ZERO);
    reserve.request = RequestId::generate(&ManualClock::new(at), factory.entropy());
    reserve.origin.started_at = at;
    let number = usize::try_from(index).unwrap_or_default();
    reserve.origin.model = model(MODELS.get(number % MODELS.len()).copied().unwrap_or_default());
    reserve.key = keys.get(number % keys.len()).copied().unwrap_or(reserve.key);
    let mut record = factory.record(&reserve, Money::from_nanos(1_000));
    if index % 20 == 0 {
        record.status = 502;
    }
    record
}

fn p95(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() * 95 / 100).copied().unwrap_or_default()
}

fn tell(what: &str, times: Vec<Duration>) {
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!(
        "{what}: p95 {} ms (one of {}: {} ms)",
        p95(times.clone()).as_millis(),
        times.len(),
        median.as_millis()
    );
}

async fn sums(ledger: &SeaOrmLedger, (account, now): (AccountId, Timestamp)) {
    let zone: Zone = "Asia/Kathmandu".parse().expect("the zone exists");
    for (what, days, bucket, group) in [
        ("90 days by day and model", 90, Bucket::Day, Some(GroupBy::Model)),
        ("90 days by day and key", 90, Bucket::Day, Some(GroupBy::Key)),
        ("90 days by day", 90, Bucket::Day, None),
        ("7 days by hour and model", 7, Bucket::Hour, Some(GroupBy::Model)),
    ] {
        let range = Range::last_days(days, now, &zone).expect("the calendar has these days");
        let mut times = Vec::new();
        for _round in 0..ROUNDS {
            let request = SeriesRequest {
                account,
                range,
                bucket,
                zone: zone.clone(),
                group,
                filter: UsageFilter::default(),
            };
            let begun = Instant::now();
            series(ledger, request).await.expect("usage can be summed");
            times.push(begun.elapsed());
        }
        tell(what, times);
    }
}

async fn pages(ledger: &SeaOrmLedger, (account, now): (AccountId, Timestamp)) {
    let all = ListLog {
        account,
        from: now.minus(Duration::from_hours(24 * 90)),
        to: now,
        filter: UsageFilter::default(),
        cost_min: None,
        duration_min: None,
        before: None,
        limit: 50,
    };
    let of_model = UsageFilter { model: Some(model(MODELS[0])), ..UsageFilter::default() };
    let of_none = UsageFilter { model: Some(model("none")), ..UsageFilter::default() };
    let old = all.to.minus(Duration::from_hours(24 * 60));
    for (what, first) in [
        ("log, newest", all.clone()),
        ("log, 60 days ago", ListLog { to: old, ..all.clone() }),
        ("log of one model", ListLog { filter: of_model, ..all.clone() }),
        ("log of a model that was not used", ListLog { filter: of_none, ..all.clone() }),
        ("log of what was dear", ListLog { cost_min: Some(Money::from_nanos(5_000)), ..all }),
    ] {
        let mut times = Vec::new();
        let mut request = first.clone();
        for _round in 0..ROUNDS {
            let begun = Instant::now();
            let page = ledger.page(request.clone()).await.expect("the log can be read");
            times.push(begun.elapsed());
            request.before = page.next;
        }
        tell(what, times);
    }
}
