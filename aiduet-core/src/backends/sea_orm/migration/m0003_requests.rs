//! Records of requests, and what is summed from them. No column can hold text of a request:
//! codes, catalogue identifiers, numbers, and JSON of our own bill and attempts.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0003_requests", statements };

/// Durations are microseconds; `flags` is a set of bits: 1 estimated, 2 clamped, 4 unknown model.
const REQUESTS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    api_key {uuid} NOT NULL,
    endpoint {code} NOT NULL,
    stream {int} NOT NULL,
    model {code} NOT NULL,
    vendor {code} NOT NULL,
    upstream_request_id {code} NULL,
    started_at {int} NOT NULL,
    first_byte_us {int} NULL,
    duration_us {int} NOT NULL,
    status {int} NOT NULL,
    outcome {code} NOT NULL,
    finish {code} NULL,
    input_tokens {int} NOT NULL,
    cache_read_tokens {int} NOT NULL,
    cache_write_short_tokens {int} NOT NULL,
    cache_write_long_tokens {int} NOT NULL,
    output_tokens {int} NOT NULL,
    reasoning_tokens {int} NOT NULL,
    web_searches {int} NOT NULL,
    flags {int} NOT NULL,
    cost {int} NOT NULL,
    charged_promo {int} NOT NULL,
    charged_paid {int} NOT NULL,
    overage {int} NOT NULL,
    bill {long} NOT NULL,
    attempts {long} NOT NULL";

/// `bucket` is the beginning of a quarter of an hour, in milliseconds since 1970.
const ROLLUPS: &str = "account {uuid} NOT NULL,
    api_key {uuid} NOT NULL,
    model {code} NOT NULL,
    bucket {int} NOT NULL,
    requests {int} NOT NULL,
    input_tokens {int} NOT NULL,
    cache_read_tokens {int} NOT NULL,
    cache_write_tokens {int} NOT NULL,
    output_tokens {int} NOT NULL,
    cost {int} NOT NULL,
    PRIMARY KEY (account, api_key, model, bucket)";

/// The latest calendar periods (UTC) with spending, by their first millisecond.
const KEY_SPEND: &str = "api_key {uuid} NOT NULL PRIMARY KEY,
    day_start {int} NOT NULL,
    day_spent {int} NOT NULL,
    week_start {int} NOT NULL,
    week_spent {int} NOT NULL,
    month_start {int} NOT NULL,
    month_spent {int} NOT NULL,
    total_spent {int} NOT NULL,
    held {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let mut all = dialect.table(
        "requests",
        REQUESTS,
        &[Index { name: "requests_account", kind: IndexKind::Plain, columns: "account, id", condition: "" }],
    );
    all.extend(dialect.table(
        "usage_rollups",
        ROLLUPS,
        &[Index { name: "usage_rollups_bucket", kind: IndexKind::Plain, columns: "bucket", condition: "" }],
    ));
    all.extend(dialect.table("key_spend", KEY_SPEND, &[]));
    all
}
