//! Pairs of reserve and settle per second, through the whole ledger: queue, rules, database.
//!
//! `ledger URL [seconds=5] [accounts=1000] [clients=64,256] [audit=yes]`
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
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
use futures_util::StreamExt;
use tokio::task::JoinSet;

const HELD: Money = Money::from_nanos(2_000_000);
const CHARGED: Money = Money::from_nanos(500_000);
const FUNDED_AT_ONCE: usize = 1_024;
/// From one payer of a client to its next: a prime, so that all are met, far apart.
const STRIDE: usize = 104_729;

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

/// What is measured.
struct Plan {
    seconds: u64,
    accounts: usize,
    clients: Vec<usize>,
    audit: bool,
}

impl Plan {
    fn read(arguments: impl Iterator<Item = String>) -> Self {
        let mut plan = Self { seconds: 5, accounts: 1_000, clients: vec![64, 256], audit: true };
        let number = |text: &str| text.parse::<usize>().expect("a number");
        for argument in arguments {
            match argument.split_once('=') {
                Some(("seconds", value)) => plan.seconds = value.parse().expect("a number of seconds"),
                Some(("accounts", value)) => plan.accounts = number(value).max(1),
                Some(("clients", value)) => plan.clients = value.split(',').map(number).collect(),
                Some(("audit", value)) => plan.audit = value == "yes",
                _ => panic!("{argument}: expected seconds=, accounts=, clients= or audit="),
            }
        }
        plan
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url =
        arguments.next().expect("usage: ledger URL [seconds=5] [accounts=1000] [clients=64,256] [audit=yes]");
    let plan = Plan::read(arguments);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(url, &plan));
}

async fn run(url: String, plan: &Plan) {
    let database = Database::connect(&DatabaseConfig::new(Secret::new(url))).await.expect("the database");
    database.migrate().await.expect("migrations");
    let ledger = Arc::new(SeaOrmLedger::start(database.clone(), LedgerConfig::default()));
    let payers = Arc::new(fund(&ledger, plan.accounts).await);
    println!("{} with {} accounts, {} s each", database.system(), plan.accounts, plan.seconds);
    for count in &plan.clients {
        measure(&ledger, &payers, (*count, Duration::from_secs(plan.seconds))).await;
    }
    if plan.audit {
        let begun = Instant::now();
        let violations = ledger.verify().await.expect("the audit");
        println!("audit: {} violations, {} ms", violations.len(), begun.elapsed().as_millis());
    }
    ledger.close().await;
    database.close().await.expect("the database closes");
}

async fn fund(ledger: &Arc<SeaOrmLedger>, accounts: usize) -> Vec<Payer> {
    let factory = factory();
    let posts = futures_util::stream::iter(0..accounts).map(|_index| {
        let payer = Payer { account: factory.account_id(), key: factory.key_id() };
        let entry = factory.top_up(payer.account, cents(10_000_000));
        async move {
            ledger.post(vec![entry]).await.expect("a post is not refused");
            payer
        }
    });
    posts.buffer_unordered(FUNDED_AT_ONCE).collect().await
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
    let mut place = index.saturating_mul(7);
    let mut last = Instant::now();
    loop {
        place = place.saturating_add(STRIDE) % payers.len();
        let Some(payer) = payers.get(place) else { break };
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // Identifiers begin with the time, which is where they go in an index.
        let now = Instant::now();
        factory.clock().advance(now.saturating_duration_since(last));
        last = now;
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
