//! Sums of what was used: over time, by group, and at a glance.

use std::io;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;

use super::export::Table;
use super::extract::Person;
use super::problem::Problem;
use super::requests::{broken, key_names};
use super::usage_query::{Asks, BreakdownQuery, SeriesQuery, UsageExportQuery, ZoneQuery};
use super::usage_view::{
    BreakdownView, Caption, KeyNames, RequestView, SeriesView, TotalsView, USAGE_COLUMNS, usage_rows,
};
use crate::app::App;
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId};
use crate::keys::SpendLimits;
use crate::ledger::{GroupBy, KeySpend, ListLog, SpendPeriod, Totals, UsageFilter};
use crate::money::Money;
use crate::report::{Bucket, RANGE_MAX, Range, Series, SeriesRequest, Zone, series};

const TAG: &str = "usage";
/// Groups of a breakdown that are shown by themselves.
const GROUPS_MAX: usize = 200;
const TOP: usize = 6;
const RECENT: u32 = 20;

/// Usage over time.
#[utoipa::path(
    get, path = "/usage/series", tag = TAG, operation_id = "get_usage_series",
    params(SeriesQuery),
    responses((status = OK, body = SeriesView)),
)]
pub(super) async fn over_time(
    State(app): State<App>,
    Person(person): Person,
    query: Asks<SeriesQuery>,
) -> Result<Json<SeriesView>, Problem> {
    let (scope, bucket, group, top) = SeriesQuery::read(query, app.clock().now())?;
    let range = scope.range()?;
    let account = person.account.id;
    let zone = scope.zone;
    let request = SeriesRequest { account, range, bucket, zone: zone.clone(), group, filter: scope.filter };
    let series = summed(&app, request).await?.folded(top);
    let names = names_for(&app, account, group).await?;
    let caption = Caption { zone: &zone, bucket, group, names: &names };
    Ok(Json(SeriesView::of(&series, &caption)))
}

/// Usage by group.
#[utoipa::path(
    get, path = "/usage/breakdown", tag = TAG, operation_id = "get_usage_breakdown",
    params(BreakdownQuery),
    responses((status = OK, body = BreakdownView)),
)]
pub(super) async fn by_group(
    State(app): State<App>,
    Person(person): Person,
    query: Asks<BreakdownQuery>,
) -> Result<Json<BreakdownView>, Problem> {
    let (scope, group) = BreakdownQuery::read(query, app.clock().now())?;
    let range = scope.range()?;
    let account = person.account.id;
    let zone = scope.zone;
    let request = SeriesRequest {
        account,
        range,
        bucket: Bucket::Month,
        zone: zone.clone(),
        group: Some(group),
        filter: scope.filter,
    };
    let series = summed(&app, request).await?.folded(GROUPS_MAX);
    let names = names_for(&app, account, Some(group)).await?;
    Ok(Json(BreakdownView::of(&series, (&zone, group), &names)))
}

/// Usage as a file.
#[utoipa::path(
    get, path = "/usage/export", tag = TAG, operation_id = "export_usage",
    params(UsageExportQuery),
    responses((status = OK, description = "A file.", content((String = "text/csv"), (String = "application/x-ndjson")))),
)]
pub(super) async fn export(
    State(app): State<App>,
    Person(person): Person,
    query: Asks<UsageExportQuery>,
) -> Result<Response, Problem> {
    let (scope, bucket, group, format) = UsageExportQuery::read(query, app.clock().now())?;
    let range = scope.range()?;
    let account = person.account.id;
    let zone = scope.zone;
    let request = SeriesRequest {
        account,
        range,
        bucket,
        zone: zone.clone(),
        group: Some(group),
        filter: scope.filter,
    };
    let series = summed(&app, request).await?;
    let range = series.range;
    let names = names_for(&app, account, Some(group)).await?;
    let table = Table { format, columns: &USAGE_COLUMNS };
    let rows = usage_rows(series, &zone, &names).into_iter().map(move |row| table.row(&row));
    let lines = std::iter::once(table.head()).chain(rows);
    let chunks = stream::iter(lines.map(|line| io::Result::Ok(Bytes::from(line))));
    table.answer("usage", (range, &zone), chunks)
}

/// What an API key has used.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyUsage)]
pub(super) struct KeyUsageView {
    key_id: String,
    name: String,
    tz: String,
    today: TotalsView,
    last_7_days: TotalsView,
    last_30_days: TotalsView,
    by_day: SeriesView,
    /// Spending in the periods of the limits, which begin at midnight UTC.
    spend: Vec<SpendView>,
    /// What running requests have set aside, in USD.
    held: String,
    held_nano: i64,
    recent: Vec<RequestView>,
}

/// Spending of a key in one period, in USD.
#[derive(Serialize, ToSchema)]
#[schema(as = KeySpend)]
pub(super) struct SpendView {
    /// `day`, `week`, `month` or `total`.
    period: &'static str,
    spent: String,
    spent_nano: i64,
    #[schema(required)]
    limit: Option<String>,
    #[schema(required)]
    limit_nano: Option<i64>,
    #[schema(required)]
    remaining: Option<String>,
    #[schema(required)]
    remaining_nano: Option<i64>,
    #[schema(required, format = DateTime)]
    resets_at: Option<String>,
}

/// What an API key has used.
///
/// Also one that was revoked, as long as its requests are kept.
#[utoipa::path(
    get, path = "/keys/{id}/usage", tag = TAG, operation_id = "get_key_usage",
    params(("id" = String, Path), ZoneQuery),
    responses((status = OK, body = KeyUsageView)),
)]
pub(super) async fn of_key(
    State(app): State<App>,
    Person(person): Person,
    Path(id): Path<String>,
    query: Asks<ZoneQuery>,
) -> Result<Json<KeyUsageView>, Problem> {
    let zone = ZoneQuery::read(query)?;
    let id: ApiKeyId = id.parse().map_err(|_foreign| Problem::NOT_FOUND)?;
    let account = person.account.id;
    let found = app.keys().find(account, id).await.map_err(|error| Problem::internal(&error))?;
    let key = found.ok_or(Problem::NOT_FOUND)?;
    let now = app.clock().now();
    let filter = UsageFilter { key: Some(id), ..UsageFilter::default() };
    let range = last_30_days(now, &zone)?;
    let request = SeriesRequest {
        account,
        range,
        bucket: Bucket::Day,
        zone: zone.clone(),
        group: Some(GroupBy::Model),
        filter: filter.clone(),
    };
    let series = summed(&app, request).await?.folded(TOP);
    let spend = app.requests().key_spend(id, now).await.map_err(|error| broken(&error))?;
    let names = KeyNames::from([(id, key.name.clone())]);
    let caption = Caption { zone: &zone, bucket: Bucket::Day, group: Some(GroupBy::Model), names: &names };
    Ok(Json(KeyUsageView {
        key_id: id.to_string(),
        name: key.name.clone(),
        tz: zone.name().to_owned(),
        today: TotalsView::from(&last(&series, 1)),
        last_7_days: TotalsView::from(&last(&series, 7)),
        last_30_days: TotalsView::from(&series.total),
        by_day: SeriesView::of(&series, &caption),
        spend: spending(&spend, key.limits.spend, now),
        held: spend.held.to_string(),
        held_nano: spend.held.nanos(),
        recent: recent(&app, (account, filter, RECENT), &names).await?,
    }))
}

impl SpendView {
    pub(super) const fn is_limited(&self) -> bool {
        self.limit_nano.is_some()
    }
}

pub(super) fn spending(spend: &KeySpend, limits: SpendLimits, now: Timestamp) -> Vec<SpendView> {
    let SpendLimits { day, week, month, total } = limits;
    let periods = [
        (SpendPeriod::Day, "day", spend.day, day),
        (SpendPeriod::Week, "week", spend.week, week),
        (SpendPeriod::Month, "month", spend.month, month),
        (SpendPeriod::Total, "total", spend.total, total),
    ];
    let view = |(period, name, spent, limit): (SpendPeriod, &'static str, Money, Option<Money>)| {
        let left = limit.map(|limit| {
            let left = limit.checked_sub(spent).and_then(|left| left.checked_sub(spend.held));
            left.unwrap_or(Money::ZERO).max(Money::ZERO)
        });
        SpendView {
            period: name,
            spent: spent.to_string(),
            spent_nano: spent.nanos(),
            limit: limit.map(|limit| limit.to_string()),
            limit_nano: limit.map(Money::nanos),
            remaining: left.map(|left| left.to_string()),
            remaining_nano: left.map(Money::nanos),
            resets_at: period.end(now).map(|end| end.to_string()),
        }
    };
    periods.map(view).into()
}

pub(super) async fn summed(app: &App, request: SeriesRequest) -> Result<Series, Problem> {
    series(app.usage().as_ref(), request).await.map_err(|error| broken(&error))
}

/// Names are needed only where keys are the groups.
async fn names_for(app: &App, account: AccountId, group: Option<GroupBy>) -> Result<KeyNames, Problem> {
    if group == Some(GroupBy::Key) { key_names(app, account).await } else { Ok(KeyNames::new()) }
}

pub(super) fn last_30_days(now: Timestamp, zone: &Zone) -> Result<Range, Problem> {
    Range::last_days(30, now, zone).map_err(|_outside| Problem::field("tz", "invalid_range"))
}

/// The sums of the last so many buckets.
pub(super) fn last(series: &Series, count: usize) -> Totals {
    let buckets = series.buckets.iter().rev().take(count);
    buckets.fold(Totals::default(), |sum, bucket| sum.plus(&bucket.total))
}

/// The newest records of an account.
pub(super) async fn recent(
    app: &App,
    (account, filter, limit): (AccountId, UsageFilter, u32),
    names: &KeyNames,
) -> Result<Vec<RequestView>, Problem> {
    let now = app.clock().now();
    let request = ListLog {
        account,
        from: now.minus(RANGE_MAX),
        to: now.plus(std::time::Duration::from_mins(5)),
        filter,
        cost_min: None,
        duration_min: None,
        before: None,
        limit,
    };
    let page = app.usage().page(request).await.map_err(|error| broken(&error))?;
    Ok(page.records.iter().map(|record| RequestView::of(record, names)).collect())
}
