//! What SQLite itself takes for the rows of pairs: those that the ledger writes for a reserve and its settle, bound
//! to prepared statements, in groups; no rules, no queue, nothing that is read first.
//!
//! `floor FILE [seconds=3]`; the file must not exist.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "prints its own timings, and stops when the database does"
)]

use std::time::{Duration, Instant};

use aiduet_core::backends::sea_orm::{Database, DatabaseConfig};
use aiduet_core::secret::Secret;
use rusqlite::types::Null;
use rusqlite::{Connection, params};

const ACCOUNTS: u64 = 1_000;
/// From the account of a pair to that of the next: a prime.
const STRIDE: u64 = 7_919;
const NOW: i64 = 1_795_608_000_000;
const GROUPS: [u64; 4] = [8, 32, 128, 512];
const PRAGMAS: &str =
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA secure_delete = ON;
    PRAGMA cache_size = -65536; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON";
const PUT_ACCOUNT: &str = "INSERT INTO account (id, kind, owner, shard, currency, limited, allowed_neg, frozen, \
    dr_pending, dr_posted, cr_pending, cr_posted, used, month_start, month_spent, month_limit) \
    VALUES (?, 'paid', ?, 0, 'USD', 1, 0, 0, 0, 0, 0, 1000000000000, 0, 0, 0, NULL)";
const PUT_KEY: &str = "INSERT INTO key_spend (api_key, day_start, day_spent, week_start, week_spent, month_start, \
    month_spent, total_spent, held) VALUES (?, 0, 0, 0, 0, 0, 0, 0, 0)";
const TRANSFER: &str = "INSERT INTO transfer (id, phase, code, dr, cr, amount, currency, pending_id, reverses, ext, \
    request, created_at) VALUES (?, ?, 'usage', ?, ?, 500000, 'USD', ?, NULL, NULL, ?, ?)";
const HOLD: &str = "INSERT INTO hold (pending_id, hold_id, leg, account, amount, min_cost, owner_node, person, \
    request, api_key, shard, endpoint, model, vendor, stream, started_at, created_at) VALUES (?, ?, 'paid', ?, \
    500000, 0, ?, ?, ?, ?, 1, 'messages', 'claude-sonnet-4-6', 'anthropic', 0, ?, ?)";
const RELEASE: &str = "DELETE FROM hold WHERE pending_id = ?";
const ACCOUNT: &str = "UPDATE account SET dr_pending = ?, dr_posted = ?, cr_pending = 0, cr_posted = ?, \
    allowed_neg = 0, used = ?, frozen = 0, month_start = ?, month_spent = ?, month_limit = ? WHERE id = ?";
const KEY: &str = "UPDATE key_spend SET day_start = ?, day_spent = ?, week_start = ?, week_spent = ?, \
    month_start = ?, month_spent = ?, total_spent = ?, held = ? WHERE api_key = ?";
const REQUEST: &str = "INSERT INTO requests (id, account, api_key, endpoint, stream, model, vendor, \
    upstream_request_id, started_at, first_byte_us, duration_us, status, outcome, finish, input_tokens, \
    cache_read_tokens, cache_write_short_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, \
    web_searches, flags, cost, charged_promo, charged_paid, overage, bill, attempts, duet_role, duet_rule) \
    VALUES (?, ?, ?, 'messages', 0, 'claude-sonnet-4-6', 'anthropic', 'req_011CSHoEeqs5C35K2UUqR7Fy', ?, 1000, 2000, \
    200, 'completed', 'stop', 1000, 0, 0, 0, 100, 0, 0, 0, 500000, 0, 500000, 0, ?, '[]', NULL, NULL)";
const SUM: &str = "INSERT INTO usage_quarters (account, bucket, api_key, model, vendor, endpoint, status, stream, \
    requests, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, cost, first_bytes, \
    first_byte_us, duration_us) VALUES (?, ?, ?, 'claude-sonnet-4-6', 'anthropic', 'messages', 'success', 0, 1, 1000, \
    0, 0, 100, 500000, 1, 1000, 2000) ON CONFLICT (account, bucket, api_key, model, vendor, endpoint, status, \
    stream) DO UPDATE SET requests = requests + 1, input_tokens = input_tokens + 1000, \
    output_tokens = output_tokens + 100, cost = cost + 500000, first_bytes = first_bytes + 1, \
    first_byte_us = first_byte_us + 1000, duration_us = duration_us + 2000";
const BILL: &str =
    r#"[{"kind":"input","quantity":1000,"price":3000},{"kind":"output","quantity":100,"price":15000}]"#;

/// What an identifier of a pair or an account is for.
#[derive(Clone, Copy)]
enum Kind {
    Account,
    Person,
    Key,
    Node,
    Request,
    Hold,
    Pending,
    Post,
}

/// Identifiers in the order of time, as those of the ledger.
fn id(number: u64, kind: Kind) -> [u8; 16] {
    let scattered = number.wrapping_mul(31).wrapping_add(kind as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u128::from(number).wrapping_shl(64).wrapping_add(scattered.into()).to_be_bytes()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("usage: floor FILE [seconds=3]");
    let seconds = arguments.next().map_or(3, |text| text.replace("seconds=", "").parse().expect("a number"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(migrate(&path));
    let books = Connection::open(&path).expect("the file");
    books.execute_batch(PRAGMAS).expect("settings");
    for account in 0..ACCOUNTS {
        let (account_id, person) = (id(account, Kind::Account), id(account, Kind::Person));
        books.execute(PUT_ACCOUNT, params![account_id, person]).expect("an account");
        books.execute(PUT_KEY, [id(account, Kind::Key)]).expect("a key");
    }
    let mut next = ACCOUNTS;
    for group in GROUPS {
        let (begun, first) = (Instant::now(), next);
        while begun.elapsed() < Duration::from_secs(seconds) {
            transact(&books, next..next.saturating_add(group)).expect("a group");
            next = next.saturating_add(group);
        }
        let rate = u128::from(next.saturating_sub(first)).saturating_mul(1_000_000);
        let rate = rate.checked_div(begun.elapsed().as_micros()).unwrap_or_default();
        println!("groups of {group:>3} pairs: {rate:>7} pairs/s");
    }
}

async fn migrate(path: &str) {
    let url = Secret::new(format!("sqlite:{path}"));
    let database = Database::connect(&DatabaseConfig::new(url)).await.expect("the database");
    database.migrate().await.expect("migrations");
    database.close().await.expect("the database closes");
}

/// Pairs in two transactions: what holds them, what settles them.
fn transact(books: &Connection, pairs: std::ops::Range<u64>) -> rusqlite::Result<()> {
    books.execute_batch("BEGIN IMMEDIATE")?;
    for pair in pairs.clone() {
        reserve(books, pair)?;
    }
    books.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
    for pair in pairs {
        settle(books, pair)?;
    }
    books.execute_batch("COMMIT")
}

/// The account of a pair, and the time.
fn place(pair: u64) -> (u64, i64) {
    (pair.wrapping_mul(STRIDE) % ACCOUNTS, NOW.saturating_add_unsigned(pair))
}

fn reserve(books: &Connection, pair: u64) -> rusqlite::Result<()> {
    let (account, now) = place(pair);
    let [debit, person, key] = [Kind::Account, Kind::Person, Kind::Key].map(|kind| id(account, kind));
    let [node, request, hold, pending] =
        [Kind::Node, Kind::Request, Kind::Hold, Kind::Pending].map(|kind| id(pair, kind));
    let house = id(0, Kind::Node);
    books.prepare_cached(TRANSFER)?.execute(params![pending, 2, debit, house, Null, request, now])?;
    books
        .prepare_cached(HOLD)?
        .execute(params![pending, hold, debit, node, person, request, key, now, now])?;
    change(books, account, (500_000, now))
}

fn settle(books: &Connection, pair: u64) -> rusqlite::Result<()> {
    let (account, now) = place(pair);
    let [debit, person, key] = [Kind::Account, Kind::Person, Kind::Key].map(|kind| id(account, kind));
    let [request, pending, post] = [Kind::Request, Kind::Pending, Kind::Post].map(|kind| id(pair, kind));
    let house = id(0, Kind::Node);
    books.prepare_cached(TRANSFER)?.execute(params![post, 3, debit, house, pending, request, now])?;
    books.prepare_cached(RELEASE)?.execute([pending])?;
    change(books, account, (0, now))?;
    books.prepare_cached(REQUEST)?.execute(params![request, person, key, now, BILL])?;
    books.prepare_cached(SUM)?.execute(params![person, NOW, key]).map(drop)
}

/// Writes what is held of an account and by a key, and what was spent.
fn change(books: &Connection, account: u64, (held, now): (i64, i64)) -> rusqlite::Result<()> {
    let (credit, spent) = (1_000_000_000_000_i64, now.saturating_sub(NOW));
    let debit = id(account, Kind::Account);
    books.prepare_cached(ACCOUNT)?.execute(params![held, spent, credit, spent, NOW, spent, Null, debit])?;
    let key = id(account, Kind::Key);
    books
        .prepare_cached(KEY)?
        .execute(params![NOW, spent, NOW, spent, NOW, spent, spent, held, key])
        .map(drop)
}
