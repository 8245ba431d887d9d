//! What answers about usage look like.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::usage_query::group_name;
use crate::id::ApiKeyId;
use crate::ledger::{GroupBy, RequestRecord, StatusClass, Totals, UsageGroup};
use crate::money::Money;
use crate::report::{GroupTotals, Series, Zone};

/// The names of the keys of an account.
pub(super) type KeyNames = HashMap<ApiKeyId, String>;

/// What stands for all groups that are not shown by themselves.
const OTHER: &str = "other";

/// Sums over requests.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageTotals)]
pub(super) struct TotalsView {
    requests: i64,
    /// Those whose status is not a success.
    errors: i64,
    /// Those of them that were refused for their rate.
    rate_limited: i64,
    /// Prompt tokens that were neither read from nor written to a cache.
    input_tokens: i64,
    cache_read_tokens: i64,
    cache_write_tokens: i64,
    output_tokens: i64,
    /// In USD.
    cost: String,
    cost_nano: i64,
    /// Until the first byte of an answer, on average, in milliseconds.
    #[schema(required)]
    first_byte_ms: Option<i64>,
    /// Until the end, on average, in milliseconds.
    #[schema(required)]
    duration_ms: Option<i64>,
}

impl From<&Totals> for TotalsView {
    fn from(Totals { all, errors, rate_limited }: &Totals) -> Self {
        let average = |micros: i64, count: i64| micros.checked_div(count).map(|micros| micros / 1_000);
        Self {
            requests: all.requests,
            errors: *errors,
            rate_limited: *rate_limited,
            input_tokens: all.input,
            cache_read_tokens: all.cache_read,
            cache_write_tokens: all.cache_write,
            output_tokens: all.output,
            cost: all.cost.to_string(),
            cost_nano: all.cost.nanos(),
            first_byte_ms: average(all.first_byte_us, all.first_bytes),
            duration_ms: average(all.duration_us, all.requests),
        }
    }
}

/// Sums over the requests that have something in common.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageGroup)]
pub(super) struct GroupView {
    /// A model, an API key, a provider, an endpoint or a class of status; `other` for the rest.
    group: String,
    /// The name of the key.
    #[schema(required)]
    name: Option<String>,
    /// Its share of the cost, in basis points.
    share_bp: i64,
    /// On average, in USD.
    cost_per_request: String,
    cost_per_request_nano: i64,
    #[serde(flatten)]
    totals: TotalsView,
}

impl GroupView {
    /// `None` where nothing tells groups apart.
    pub(super) fn of(group: &GroupTotals, whole: Money, names: &KeyNames) -> Option<Self> {
        let (text, name) = group_text(group.group.as_ref(), names)?;
        let all = &group.totals.all;
        let each = Money::from_nanos(all.cost.nanos().checked_div(all.requests).unwrap_or(0));
        let share = i128::from(all.cost.nanos()).saturating_mul(10_000).checked_div(whole.nanos().into());
        Some(Self {
            group: text,
            name,
            share_bp: share.and_then(|share| i64::try_from(share).ok()).unwrap_or(0),
            cost_per_request: each.to_string(),
            cost_per_request_nano: each.nanos(),
            totals: TotalsView::from(&group.totals),
        })
    }
}

/// What a group is called, and the name of its key.
pub(super) fn group_text(group: Option<&UsageGroup>, names: &KeyNames) -> Option<(String, Option<String>)> {
    let text = match group {
        None => OTHER.to_owned(),
        Some(UsageGroup::All) => return None,
        Some(UsageGroup::Model(model)) => model.as_str().to_owned(),
        Some(UsageGroup::Key(key)) => return Some((key.to_string(), names.get(key).cloned())),
        Some(UsageGroup::Provider(vendor)) => vendor.as_str().to_owned(),
        Some(UsageGroup::Endpoint(endpoint)) => endpoint.as_str().to_owned(),
        Some(UsageGroup::Status(status)) => status.as_str().to_owned(),
    };
    Some((text, None))
}

/// Sums over time.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageSeries)]
pub(super) struct SeriesView {
    tz: String,
    /// The first moment that was summed.
    #[schema(format = DateTime)]
    from: String,
    /// The first moment after it.
    #[schema(format = DateTime)]
    to: String,
    bucket: &'static str,
    #[schema(required)]
    group_by: Option<&'static str>,
    total: TotalsView,
    /// Dearest first, the rest last; none unless `group_by` is given.
    groups: Vec<GroupView>,
    /// Every bucket of the range, in order.
    buckets: Vec<BucketView>,
}

/// The sums of one bucket.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageBucket)]
struct BucketView {
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    total: TotalsView,
    /// Those that have requests in it.
    groups: Vec<PartView>,
}

/// The sums of one group in one bucket.
#[derive(Serialize, ToSchema)]
#[schema(as = UsagePart)]
struct PartView {
    group: String,
    #[serde(flatten)]
    totals: TotalsView,
}

/// What a series is of.
pub(super) struct Caption<'a> {
    pub(super) zone: &'a Zone,
    pub(super) bucket: crate::report::Bucket,
    pub(super) group: Option<GroupBy>,
    pub(super) names: &'a KeyNames,
}

impl SeriesView {
    pub(super) fn of(series: &Series, caption: &Caption<'_>) -> Self {
        let Caption { zone, bucket, group, names } = caption;
        let Series { range, buckets, groups, total } = series;
        let part = |group: &GroupTotals| {
            let (text, _name) = group_text(group.group.as_ref(), names)?;
            Some(PartView { group: text, totals: TotalsView::from(&group.totals) })
        };
        let buckets = buckets.iter().map(|bucket| BucketView {
            from: bucket.from.to_string(),
            to: bucket.to.to_string(),
            total: TotalsView::from(&bucket.total),
            groups: bucket.groups.iter().filter_map(part).collect(),
        });
        Self {
            tz: zone.name().to_owned(),
            from: range.from.to_string(),
            to: range.to.to_string(),
            bucket: bucket.as_str(),
            group_by: group.map(group_name),
            total: TotalsView::from(total),
            groups: groups.iter().filter_map(|group| GroupView::of(group, total.all.cost, names)).collect(),
            buckets: buckets.collect(),
        }
    }
}

/// Sums by group.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageBreakdown)]
pub(super) struct BreakdownView {
    tz: String,
    /// The first moment that was summed.
    #[schema(format = DateTime)]
    from: String,
    /// The first moment after it.
    #[schema(format = DateTime)]
    to: String,
    group_by: &'static str,
    /// Dearest first, the rest last.
    data: Vec<GroupView>,
    total: TotalsView,
}

impl BreakdownView {
    pub(super) fn of(series: &Series, (zone, group): (&Zone, GroupBy), names: &KeyNames) -> Self {
        let whole = series.total.all.cost;
        Self {
            tz: zone.name().to_owned(),
            from: series.range.from.to_string(),
            to: series.range.to.to_string(),
            group_by: group_name(group),
            data: series.groups.iter().filter_map(|group| GroupView::of(group, whole, names)).collect(),
            total: TotalsView::from(&series.total),
        }
    }
}

/// A request, in one line.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
pub(super) struct RequestView {
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
    status: u16,
    /// `success`, `client_error`, `rate_limited` or `server_error`.
    status_class: &'static str,
    /// What decided about the cost, for example `completed`.
    outcome: &'static str,
    model: String,
    provider: &'static str,
    endpoint: &'static str,
    stream: bool,
    key_id: String,
    #[schema(required)]
    key_name: Option<String>,
    /// Prompt tokens that were neither read from nor written to a cache.
    input_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    output_tokens: u64,
    /// The part of the output that was reasoning.
    reasoning_tokens: u64,
    /// In USD.
    cost: String,
    cost_nano: i64,
    /// Whether the tokens were counted here, since the provider reported none.
    estimated: bool,
    #[schema(required)]
    first_byte_ms: Option<u64>,
    duration_ms: u64,
    /// Output tokens per second after the first byte.
    #[schema(required)]
    tokens_per_second: Option<u64>,
    #[schema(required)]
    finish_reason: Option<&'static str>,
    /// How many upstreams were tried.
    attempts: usize,
    #[schema(required)]
    upstream_request_id: Option<String>,
    price_version: u32,
    /// The role that the duet chose.
    #[schema(required)]
    role: Option<&'static str>,
}

/// The columns of a file of requests, before the one that says the time in the zone.
pub(super) const REQUEST_COLUMNS: [&str; 28] = [
    "id",
    "created_at",
    "local_time",
    "status",
    "status_class",
    "outcome",
    "model",
    "provider",
    "endpoint",
    "stream",
    "key_id",
    "key_name",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost",
    "cost_nano",
    "estimated",
    "first_byte_ms",
    "duration_ms",
    "tokens_per_second",
    "finish_reason",
    "attempts",
    "upstream_request_id",
    "price_version",
    "role",
];

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl RequestView {
    pub(super) fn of(record: &RequestRecord, names: &KeyNames) -> Self {
        let usage = &record.usage;
        let writing = record.first_byte.map(|first| millis(record.duration.saturating_sub(first)));
        let writing = writing.filter(|_time| record.stream);
        Self {
            id: record.id.to_string(),
            created_at: record.started_at.to_string(),
            status: record.status,
            status_class: StatusClass::of(record.status).as_str(),
            outcome: record.outcome.as_str(),
            model: record.model.as_str().to_owned(),
            provider: record.vendor.as_str(),
            endpoint: record.endpoint.as_str(),
            stream: record.stream,
            key_id: record.key.to_string(),
            key_name: names.get(&record.key).cloned(),
            input_tokens: usage.input,
            cache_read_tokens: usage.cache_read,
            cache_write_tokens: usage.cache_write_short.saturating_add(usage.cache_write_long),
            output_tokens: usage.output,
            reasoning_tokens: usage.reasoning,
            cost: record.cost().to_string(),
            cost_nano: record.cost().nanos(),
            estimated: record.flags.estimated,
            first_byte_ms: record.first_byte.map(millis),
            duration_ms: millis(record.duration),
            tokens_per_second: writing.and_then(|time| usage.output.saturating_mul(1_000).checked_div(time)),
            finish_reason: record.finish.map(crate::usage::FinishReason::as_str),
            attempts: record.attempts.len(),
            upstream_request_id: record.upstream_request_id.as_ref().map(|id| id.as_str().to_owned()),
            price_version: record.bill.version.0,
            role: record.duet.map(|duet| duet.role.as_str()),
        }
    }
}

/// A line of a file of requests.
#[derive(Serialize)]
pub(super) struct RequestRow {
    #[serde(flatten)]
    request: RequestView,
    local_time: String,
}

impl RequestRow {
    pub(super) fn of(record: &RequestRecord, names: &KeyNames, zone: &Zone) -> Self {
        Self { request: RequestView::of(record, names), local_time: zone.show(record.started_at) }
    }
}

/// A line of a file of sums.
#[derive(Serialize)]
pub(super) struct UsageRow {
    from: String,
    to: String,
    group: String,
    name: Option<String>,
    #[serde(flatten)]
    totals: TotalsView,
}

/// The columns of a file of sums.
pub(super) const USAGE_COLUMNS: [&str; 15] = [
    "from",
    "to",
    "group",
    "name",
    "requests",
    "errors",
    "rate_limited",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost",
    "cost_nano",
    "first_byte_ms",
    "duration_ms",
];

/// One line per bucket and group with requests, with the bounds as the clocks of the zone show them.
pub(super) fn usage_rows(series: Series, zone: &Zone, names: &KeyNames) -> Vec<UsageRow> {
    let rows = series.buckets.into_iter().flat_map(|bucket| {
        let (from, to) = (zone.show(bucket.from), zone.show(bucket.to));
        bucket.groups.into_iter().filter_map(move |group| {
            let (text, name) = group_text(group.group.as_ref(), names)?;
            let totals = TotalsView::from(&group.totals);
            Some(UsageRow { from: from.clone(), to: to.clone(), group: text, name, totals })
        })
    });
    rows.collect()
}
