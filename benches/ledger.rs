//! Pairs of reserve and settle per second, through the whole ledger: queue, rules, database.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "prints its own timings, and stops when the database does"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aiduet_core::backends::sea_orm::{Database, DatabaseConfig, LedgerConfig, SeaOrmLedger};
use aiduet_core::clock::{Clock, SystemClock};
use aiduet_core::id::{AccountId, ApiKeyId, NodeId, SystemEntropy};
use aiduet_core::ledger::{Audit, Ledger, LedgerError, ReserveRequest};
use aiduet_core::money::Money;
use aiduet_core::secret::Secret;
use aiduet_core::testing::{Factory, cents};
use tokio::task::JoinSet;

const ACCOUNTS: usize = 1_000;
const HELD: Money = Money::from_nanos(2_000_000);
const CHARGED: Money = Money::from_nanos(500_000);

struct Payer {
    account: AccountId,
    key: ApiKeyId,
}

/// The times of one client.
#[derive(Default)]
struct Times {
    reserves: Vec<Duration>,
    settles: Vec<Duration>,
    refused: u32,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("usage: ledger URL [seconds] [clients]…");
    let seconds = arguments.next().map_or(5, |text| text.parse().expect("seconds is a number"));
    let mut clients: Vec<usize> = arguments.map(|text| text.parse().expect("clients is a number")).collect();
    if clients.is_empty() {
        clients = vec![64, 256];
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(url, Duration::from_secs(seconds), &clients));
}

async fn run(url: String, time: Duration, clients: &[usize]) {
    let database = Database::connect(&DatabaseConfig::new(Secret::new(url))).await.expect("the database");
    database.migrate().await.expect("migrations");
    let ledger = Arc::new(SeaOrmLedger::start(database.clone(), LedgerConfig::default()));
    let payers = Arc::new(fund(&ledger).await);
    println!("{} with {ACCOUNTS} accounts, {} s each", database.system(), time.as_secs());
    for count in clients {
        measure(&ledger, &payers, (*count, time)).await;
    }
    let begun = Instant::now();
    let violations = ledger.verify().await.expect("the audit");
    println!("audit: {} violations, {} ms", violations.len(), begun.elapsed().as_millis());
    ledger.close().await;
    database.close().await.expect("the database closes");
}

async fn fund(ledger: &Arc<SeaOrmLedger>) -> Vec<Payer> {
    let factory = factory();
    let mut payers = Vec::new();
    let mut posts = JoinSet::new();
    for _account in 0..ACCOUNTS {
        let payer = Payer { account: factory.account_id(), key: factory.key_id() };
        let entry = factory.top_up(payer.account, cents(10_000_000));
        let ledger = Arc::clone(ledger);
        posts.spawn(async move { ledger.post(vec![entry]).await });
        payers.push(payer);
    }
    while let Some(posted) = posts.join_next().await {
        posted.expect("a post ends").expect("a post is not refused");
    }
    payers
}

fn factory() -> Factory {
    let mut seed = [0_u8; 8];
    aiduet_core::id::Entropy::fill(&SystemEntropy, &mut seed);
    Factory::at(u64::from_le_bytes(seed), SystemClock::new().now())
}

async fn measure(ledger: &Arc<SeaOrmLedger>, payers: &Arc<Vec<Payer>>, (count, time): (usize, Duration)) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    let begun = Instant::now();
    for index in 0..count {
        let (ledger, payers, stop) = (Arc::clone(ledger), Arc::clone(payers), Arc::clone(&stop));
        clients.spawn(async move { client(&ledger, &payers, (index, &stop)).await });
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = Times::default();
    while let Some(times) = clients.join_next().await {
        let times = times.expect("a client ends");
        all.reserves.extend(times.reserves);
        all.settles.extend(times.settles);
        all.refused = all.refused.saturating_add(times.refused);
    }
    let pairs = u128::try_from(all.settles.len()).unwrap_or_default();
    let rate = pairs.saturating_mul(1_000).checked_div(begun.elapsed().as_millis()).unwrap_or_default();
    println!(
        "{count:>4} clients {rate:>7} pairs/s, refused {}, reserve {}, settle {}",
        all.refused,
        quantiles(all.reserves),
        quantiles(all.settles)
    );
}

async fn client(ledger: &SeaOrmLedger, payers: &[Payer], (index, stop): (usize, &AtomicBool)) -> Times {
    let factory = factory();
    let owner: NodeId = factory.node_id();
    let mut times = Times::default();
    for payer in payers.iter().cycle().skip(index.saturating_mul(7)) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let reserve = ReserveRequest { key: payer.key, owner, ..factory.reserve(payer.account, HELD) };
        let settle = factory.settle(&reserve, CHARGED);
        let begun = Instant::now();
        match ledger.reserve(reserve).await {
            Ok(_hold) => times.reserves.push(begun.elapsed()),
            Err(LedgerError::Overloaded { .. }) => {
                times.refused = times.refused.saturating_add(1);
                continue;
            }
            Err(error) => {
                println!("a reserve failed: {error}");
                break;
            }
        }
        let begun = Instant::now();
        ledger.settle(settle).await.expect("a settle is not refused");
        times.settles.push(begun.elapsed());
    }
    times
}

fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |per_mille: usize| {
        let index = times.len().saturating_mul(per_mille) / 1_000;
        times.get(index).map_or(0, Duration::as_micros)
    };
    format!("p50 {} µs p99 {} µs p99.9 {} µs", at(500), at(990), at(999))
}
