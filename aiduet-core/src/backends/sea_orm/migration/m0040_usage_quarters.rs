//! Sums of requests per quarter of an hour, told apart by everything that usage is shown by.
//!
//! It takes the place of `usage_rollups`, which tells apart too little. That table is no longer
//! written; retention empties it, and a later release drops it.

use sea_orm::DbBackend;

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0040_usage_quarters", statements };

/// `bucket` is the beginning of a quarter of an hour, in milliseconds since 1970; `status` is the
/// class of the HTTP status; the times are sums in microseconds.
const QUARTERS: &str = "account {uuid} NOT NULL,
    bucket {int} NOT NULL,
    api_key {uuid} NOT NULL,
    model {code} NOT NULL,
    vendor {code} NOT NULL,
    endpoint {code} NOT NULL,
    status {code} NOT NULL,
    stream {int} NOT NULL,
    requests {int} NOT NULL,
    input_tokens {int} NOT NULL,
    cache_read_tokens {int} NOT NULL,
    cache_write_tokens {int} NOT NULL,
    output_tokens {int} NOT NULL,
    cost {int} NOT NULL,
    first_bytes {int} NOT NULL,
    first_byte_us {int} NOT NULL,
    duration_us {int} NOT NULL,
    PRIMARY KEY (account, bucket, api_key, model, vendor, endpoint, status, stream)";

/// What the requests say that are there already.
const FILL: &str = "INTO usage_quarters
    SELECT account, started_at - started_at % 900000, api_key, model, vendor, endpoint,
        CASE WHEN status = 429 THEN 'rate_limited' WHEN status < 400 THEN 'success'
            WHEN status < 500 THEN 'client_error' ELSE 'server_error' END,
        stream, COUNT(*), SUM(input_tokens), SUM(cache_read_tokens),
        SUM(cache_write_short_tokens + cache_write_long_tokens), SUM(output_tokens), SUM(cost),
        COUNT(first_byte_us), COALESCE(SUM(first_byte_us), 0), SUM(duration_us)
    FROM requests GROUP BY 1, 2, 3, 4, 5, 6, 7, 8";

fn statements(dialect: Dialect) -> Vec<String> {
    let index =
        Index { name: "usage_quarters_bucket", kind: IndexKind::Plain, columns: "bucket", condition: "" };
    let mut all = dialect.table("usage_quarters", QUARTERS, &[index]);
    if dialect.0 == DbBackend::Sqlite
        && let Some(table) = all.first_mut()
    {
        // The rows of an account lie together in the order of time, as on MySQL.
        table.push_str(" WITHOUT ROWID");
    }
    let insert = if dialect.0 == DbBackend::MySql { "INSERT IGNORE" } else { "INSERT" };
    all.push(format!("{insert} {FILL}"));
    all
}
