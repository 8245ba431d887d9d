//! Eight processes with 32 tasks each want a hundred times what twenty accounts have, on one
//! database. The processes are this test binary, run again.

use std::collections::HashMap;
use std::process::Stdio;

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use tokio::process::Command;

use super::{LedgerConfig, SeaOrmLedger};
use crate::backends::sea_orm::fixture::{self, Fixture};
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::backends::sea_orm::{Database, DatabaseConfig};
use crate::clock::{Clock, SystemClock};
use crate::id::{AccountId, SystemEntropy};
use crate::ledger::{Audit, Ledger, LedgerError, ReserveRequest};
use crate::money::Money;
use crate::secret::Secret;
use crate::testing::{Factory, cents};

const PROCESSES: usize = 8;
const TASKS: usize = 32;
const WISHES: usize = 20;
const ACCOUNTS: usize = 20;
/// 8 × 32 × 20 wishes of this are a hundred times one cent on each of 20 accounts.
const WISH: Money = Money::from_nanos(4_000_000);

const WORKER: &str = "backends::sea_orm::ledger::overspend::worker";
const URL: &str = "AIDUET_OVERSPEND_URL";
const SCHEMA: &str = "AIDUET_OVERSPEND_SCHEMA";
const ACCOUNT_IDS: &str = "AIDUET_OVERSPEND_ACCOUNTS";
const VARIANT: &str = "AIDUET_OVERSPEND_VARIANT";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_on_sqlite_do_not_overspend() {
    holds_what_it_promises(fixture::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_on_postgres_do_not_overspend() {
    if let Some(fixture) = fixture::postgres().await {
        holds_what_it_promises(fixture).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_a_balance_and_then_spending_it_overspends_on_sqlite() {
    naive_overspends(fixture::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_a_balance_and_then_spending_it_overspends_on_postgres() {
    if let Some(fixture) = fixture::postgres().await {
        naive_overspends(fixture).await;
    }
}

async fn holds_what_it_promises(fixture: Fixture) {
    let factory = Factory::at(1, SystemClock::new().now());
    let ledger = SeaOrmLedger::start(fixture.database.clone(), LedgerConfig::default());
    let accounts: Vec<AccountId> = (0..ACCOUNTS).map(|_account| factory.account_id()).collect();
    for account in &accounts {
        ledger.post(vec![factory.top_up(*account, cents(1))]).await.unwrap();
    }
    let accepted = run_processes(&fixture, &accounts, "ledger").await;
    assert!(!exceeds(&accepted), "{accepted:?}");
    assert!(accepted.values().sum::<i64>() > 0, "work was accepted");
    for account in accounts {
        let balance = ledger.balance(account).await.unwrap();
        assert_eq!(balance.used.nanos(), accepted.get(&account).copied().unwrap_or_default());
        assert_eq!((balance.held, balance.credited), (Money::ZERO, cents(1)));
    }
    assert_eq!(ledger.verify().await.unwrap(), []);
}

/// The same check finds what the same load does to a balance without a guard.
async fn naive_overspends(fixture: Fixture) {
    let factory = Factory::at(2, SystemClock::new().now());
    let accounts: Vec<AccountId> = (0..ACCOUNTS).map(|_account| factory.account_id()).collect();
    let writer = fixture.database.writer();
    writer
        .execute_unprepared("CREATE TABLE naive (id VARCHAR(64) PRIMARY KEY, balance BIGINT)")
        .await
        .unwrap();
    for account in &accounts {
        let insert = format!("INSERT INTO naive VALUES ('{account}', {})", cents(1).nanos());
        writer.execute_unprepared(&insert).await.unwrap();
    }
    let accepted = run_processes(&fixture, &accounts, "naive").await;
    assert!(exceeds(&accepted), "{accepted:?}");
}

fn exceeds(accepted: &HashMap<AccountId, i64>) -> bool {
    accepted.values().any(|sum| *sum > cents(1).nanos())
}

/// What all processes were allowed to spend, by account.
async fn run_processes(fixture: &Fixture, accounts: &[AccountId], variant: &str) -> HashMap<AccountId, i64> {
    let names: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    let processes = (0..PROCESSES).map(|_process| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", WORKER, "--nocapture", "--test-threads=1"])
            .env(URL, fixture.config.url.expose())
            .env(SCHEMA, fixture.config.schema.clone().unwrap_or_default())
            .env(ACCOUNT_IDS, names.join(","))
            .env(VARIANT, variant)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
    });
    let mut accepted = HashMap::new();
    for output in join_all(processes).await {
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("accepted ")) {
            let (account, nanos) = line.split_once(' ').unwrap();
            *accepted.entry(account.parse().unwrap()).or_default() += nanos.parse::<i64>().unwrap();
        }
    }
    accepted
}

/// One of the processes; does nothing when the tests are run as usual.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "speaks with the process that started it"
)]
async fn worker() {
    let Ok(url) = std::env::var(URL) else { return };
    let schema = std::env::var(SCHEMA).ok().filter(|schema| !schema.is_empty());
    let config = DatabaseConfig { schema, ..DatabaseConfig::new(Secret::new(url)) };
    let database = Database::connect(&config).await.unwrap();
    let names = std::env::var(ACCOUNT_IDS).unwrap();
    let accounts: Vec<AccountId> = names.split(',').map(|name| name.parse().unwrap()).collect();
    let accepted = if std::env::var(VARIANT).unwrap() == "naive" {
        join_all((0..TASKS).map(|task| spend_naively(&database, &accounts, task))).await
    } else {
        let ledger = SeaOrmLedger::start(database.clone(), LedgerConfig::default());
        let accepted = join_all((0..TASKS).map(|task| spend(&ledger, &accounts, task))).await;
        ledger.close().await;
        accepted
    };
    for (account, nanos) in accepted.into_iter().flatten() {
        println!("\naccepted {account} {nanos}");
    }
    database.close().await.unwrap();
}

async fn spend(ledger: &SeaOrmLedger, accounts: &[AccountId], task: usize) -> Vec<(AccountId, i64)> {
    let clock = SystemClock::new();
    let seed = u64::from(std::process::id()) << 16 | u64::try_from(task).unwrap();
    let factory = Factory::at(seed, clock.now());
    let mut accepted = Vec::new();
    for wish in 0..WISHES {
        let account = accounts[(task + wish) % ACCOUNTS];
        let request = crate::id::RequestId::generate(&clock, &SystemEntropy);
        let id = crate::id::HoldId::of_request(request, 0);
        let wish = ReserveRequest { request, id, ..factory.reserve(account, WISH) };
        match ledger.reserve(wish.clone()).await {
            Ok(_hold) => {
                ledger.settle(factory.settle(&wish, WISH)).await.unwrap();
                accepted.push((account, WISH.nanos()));
            }
            Err(LedgerError::Insufficient(_) | LedgerError::Overloaded { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    accepted
}

async fn spend_naively(database: &Database, accounts: &[AccountId], task: usize) -> Vec<(AccountId, i64)> {
    let mut accepted = Vec::new();
    for wish in 0..WISHES {
        let account = accounts[(task + wish) % ACCOUNTS];
        let select =
            Sql::new(database.backend(), "SELECT balance FROM naive WHERE id = ").value(account.to_string());
        let row = select.one(database.reader()).await.unwrap().unwrap();
        let balance: i64 = Columns::of(&row).next().unwrap();
        if balance >= WISH.nanos() {
            Sql::new(database.backend(), "UPDATE naive SET balance = balance - ")
                .value(WISH.nanos())
                .text(" WHERE id = ")
                .value(account.to_string())
                .run(database.writer())
                .await
                .unwrap();
            accepted.push((account, WISH.nanos()));
        }
    }
    accepted
}
