//! Records of requests as columns.

use std::time::Duration;

use uuid::Uuid;

use crate::backends::sea_orm::bulk::{Cell, Conflict, Insert, Select, int, text, uuid};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::Columns;
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::duet::{Assignment, RuleKind};
use crate::id::{AccountId, ApiKeyId, RequestId};
use crate::ledger::books::{Legs, RequestRow, Rollup, RollupKey};
use crate::ledger::{Outcome, RequestRecord, Routing};
use crate::money::Money;
use crate::price::ModelId;
use crate::provider::{UpstreamRequestId, Vendor};
use crate::usage::{FinishReason, Usage, UsageFlags};

pub(super) const REQUEST_COLUMNS: &str = "id, account, api_key, endpoint, stream, model, vendor, \
    upstream_request_id, started_at, first_byte_us, duration_us, status, outcome, finish, input_tokens, \
    cache_read_tokens, cache_write_short_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, \
    web_searches, flags, cost, charged_promo, charged_paid, overage, bill, attempts, duet_role, \
    duet_rule";
pub(super) const REQUESTS_BY_ID: Select = Select::new(REQUEST_COLUMNS, "requests", "id");
/// When a swept request is settled late, everything but who asked when is replaced.
pub(super) const REQUESTS: Insert<30> = Insert {
    table: "requests",
    columns: [
        uuid("id"),
        uuid("account"),
        uuid("api_key"),
        text("endpoint"),
        int("stream"),
        text("model"),
        text("vendor"),
        text("upstream_request_id").or_null(),
        int("started_at"),
        int("first_byte_us").or_null(),
        int("duration_us"),
        int("status"),
        text("outcome"),
        text("finish").or_null(),
        int("input_tokens"),
        int("cache_read_tokens"),
        int("cache_write_short_tokens"),
        int("cache_write_long_tokens"),
        int("output_tokens"),
        int("reasoning_tokens"),
        int("web_searches"),
        int("flags"),
        int("cost"),
        int("charged_promo"),
        int("charged_paid"),
        int("overage"),
        text("bill"),
        text("attempts"),
        text("duet_role").or_null(),
        text("duet_rule").or_null(),
    ],
    conflict: Conflict::Replace("id", &REQUEST_CHANGES),
};
/// For requests that have no record.
pub(super) const NEW_REQUESTS: Insert<30> = Insert { conflict: Conflict::Fail, ..REQUESTS };
const REQUEST_CHANGES: [&str; 26] = [
    "endpoint",
    "stream",
    "model",
    "vendor",
    "upstream_request_id",
    "first_byte_us",
    "duration_us",
    "status",
    "outcome",
    "finish",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_short_tokens",
    "cache_write_long_tokens",
    "output_tokens",
    "reasoning_tokens",
    "web_searches",
    "flags",
    "cost",
    "charged_promo",
    "charged_paid",
    "overage",
    "bill",
    "attempts",
    "duet_role",
    "duet_rule",
];

const ESTIMATED: i64 = 1;
const CLAMPED: i64 = 2;
const UNKNOWN_MODEL: i64 = 4;

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn json<T: serde::Serialize>(value: &T, column: &'static str) -> Result<Cell<'static>, DatabaseError> {
    let text = serde_json::to_string(value).map_err(|_unwritable| DatabaseError::Unreadable { column })?;
    Ok(text.into())
}

/// In the order of [`REQUESTS`].
pub(super) fn write_request(row: &RequestRow) -> Result<[Cell<'_>; 30], DatabaseError> {
    let RequestRow { record, charged, overage } = row;
    let UsageFlags { estimated, clamped, unknown_model } = record.flags;
    let bit = |flag: bool, bit: i64| if flag { bit } else { 0 };
    let flags = bit(estimated, ESTIMATED) | bit(clamped, CLAMPED) | bit(unknown_model, UNKNOWN_MODEL);
    let &Usage { input, cache_read, cache_write_short, cache_write_long, output, reasoning, web_searches } =
        &record.usage;
    Ok([
        record.id.as_uuid().into(),
        record.account.as_uuid().into(),
        record.key.as_uuid().into(),
        record.endpoint.as_str().into(),
        i64::from(record.stream).into(),
        record.model.as_str().into(),
        record.vendor.as_str().into(),
        record.upstream_request_id.as_ref().map(UpstreamRequestId::as_str).into(),
        record.started_at.millis().into(),
        record.first_byte.map(micros).into(),
        micros(record.duration).into(),
        i64::from(record.status).into(),
        record.outcome.as_str().into(),
        record.finish.map(FinishReason::as_str).into(),
        signed(input).into(),
        signed(cache_read).into(),
        signed(cache_write_short).into(),
        signed(cache_write_long).into(),
        signed(output).into(),
        signed(reasoning).into(),
        signed(web_searches).into(),
        flags.into(),
        record.cost().nanos().into(),
        charged.promo.nanos().into(),
        charged.paid.nanos().into(),
        overage.nanos().into(),
        json(&record.bill, "requests.bill")?,
        json(&record.attempts, "requests.attempts")?,
        record.duet.map(|duet| duet.role.as_str()).into(),
        record.duet.map(|duet| duet.rule.as_str()).into(),
    ])
}

/// In the order of [`REQUEST_COLUMNS`].
pub(super) fn read_request(mut columns: Columns<'_>) -> Result<RequestRow, DatabaseError> {
    let id = RequestId::from_uuid(columns.next::<Uuid>()?);
    let account = AccountId::from_uuid(columns.next()?);
    let key = ApiKeyId::from_uuid(columns.next()?);
    let endpoint = columns.next_as("requests.endpoint", |name: String| Endpoint::from_name(&name))?;
    let stream = columns.next::<i64>()? != 0;
    let model = columns.next_as("requests.model", |text: String| ModelId::parse(&text).ok())?;
    let vendor = columns.next_as("requests.vendor", |name: String| Vendor::from_name(&name))?;
    let upstream_request_id =
        columns.next::<Option<String>>()?.and_then(|text| UpstreamRequestId::parse(&text));
    let started_at = Timestamp::from_millis(columns.next()?);
    let first_byte = columns.next::<Option<i64>>()?.map(|count| Duration::from_micros(count.unsigned_abs()));
    let duration = Duration::from_micros(columns.next_count("requests.duration_us")?);
    let status = columns.next_as("requests.status", |status: i64| u16::try_from(status).ok())?;
    let outcome = columns.next_as("requests.outcome", |code: String| Outcome::from_code(&code))?;
    let finish = columns.next::<Option<String>>()?.and_then(|code| FinishReason::from_code(&code));
    let usage = read_usage(&mut columns)?;
    let flags: i64 = columns.next()?;
    let _cost: i64 = columns.next()?;
    let charged =
        Legs { promo: Money::from_nanos(columns.next()?), paid: Money::from_nanos(columns.next()?) };
    let overage = Money::from_nanos(columns.next()?);
    let bill = columns.next_as("requests.bill", |text: String| serde_json::from_str(&text).ok())?;
    let attempts = columns.next_as("requests.attempts", |text: String| serde_json::from_str(&text).ok())?;
    let role = columns.next::<Option<String>>()?.and_then(|name| Assignment::from_name(&name));
    let rule = columns.next::<Option<String>>()?.and_then(|name| RuleKind::from_name(&name));
    let duet = role.zip(rule).map(|(role, rule)| Routing { role, rule });
    let flags = UsageFlags {
        estimated: flags & ESTIMATED != 0,
        clamped: flags & CLAMPED != 0,
        unknown_model: flags & UNKNOWN_MODEL != 0,
    };
    let record = RequestRecord {
        id,
        account,
        key,
        endpoint,
        stream,
        model,
        vendor,
        upstream_request_id,
        started_at,
        first_byte,
        duration,
        status,
        outcome,
        finish,
        usage,
        flags,
        bill,
        attempts,
        duet,
    };
    Ok(RequestRow { record, charged, overage })
}

fn read_usage(columns: &mut Columns<'_>) -> Result<Usage, DatabaseError> {
    let mut next = || columns.next_count("requests tokens");
    Ok(Usage {
        input: next()?,
        cache_read: next()?,
        cache_write_short: next()?,
        cache_write_long: next()?,
        output: next()?,
        reasoning: next()?,
        web_searches: next()?,
    })
}

pub(super) const ROLLUPS: Insert<17> = Insert {
    table: "usage_quarters",
    columns: [
        uuid("account"),
        int("bucket"),
        uuid("api_key"),
        text("model"),
        text("vendor"),
        text("endpoint"),
        text("status"),
        int("stream"),
        int("requests"),
        int("input_tokens"),
        int("cache_read_tokens"),
        int("cache_write_tokens"),
        int("output_tokens"),
        int("cost"),
        int("first_bytes"),
        int("first_byte_us"),
        int("duration_us"),
    ],
    conflict: Conflict::Add(
        "account, bucket, api_key, model, vendor, endpoint, status, stream",
        &[
            "requests",
            "input_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "output_tokens",
            "cost",
            "first_bytes",
            "first_byte_us",
            "duration_us",
        ],
    ),
};

/// In the order of [`ROLLUPS`].
pub(super) fn write_rollup<'a>(key: &'a RollupKey, sums: &Rollup) -> [Cell<'a>; 17] {
    let RollupKey { account, bucket, key, model, vendor, endpoint, status, stream } = key;
    let Rollup {
        requests,
        input,
        cache_read,
        cache_write,
        output,
        cost,
        first_bytes,
        first_byte_us,
        duration_us,
    } = sums;
    [
        account.as_uuid().into(),
        bucket.millis().into(),
        key.as_uuid().into(),
        model.as_str().into(),
        vendor.as_str().into(),
        endpoint.as_str().into(),
        status.as_str().into(),
        i64::from(*stream).into(),
        (*requests).into(),
        (*input).into(),
        (*cache_read).into(),
        (*cache_write).into(),
        (*output).into(),
        cost.nanos().into(),
        (*first_bytes).into(),
        (*first_byte_us).into(),
        (*duration_us).into(),
    ]
}
