//! Everything at a glance.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::Person;
use super::problem::Problem;
use super::requests::{broken, key_names};
use super::usage::{last, last_30_days, recent, summed};
use super::usage_query::{Asks, ZoneQuery};
use super::usage_view::{Caption, GroupView, KeyNames, RequestView, SeriesView, TotalsView};
use crate::account::{Account, AccountState};
use crate::app::App;
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::keys::{ApiKey, KeyState, ListKeys};
use crate::ledger::{Balance, GroupBy, Totals, UsageFilter};
use crate::money::Money;
use crate::payment::{AlertChannel, RechargeSwitch};
use crate::report::{Bucket, Range, Series, SeriesRequest, Zone};
use crate::routing::ProviderHealth;

const TOP_MODELS: usize = 6;
const TOP_SHOWN: usize = 5;
const RECENT: u32 = 10;
/// Keys that are looked at for one that ends soon.
const KEYS: u32 = 100;
/// How long before its end a key is spoken of.
const EXPIRES_SOON: Duration = Duration::from_hours(7 * 24);

/// The account at a glance.
#[derive(Serialize, ToSchema)]
#[schema(as = Overview)]
pub(super) struct OverviewView {
    tz: String,
    #[schema(format = DateTime)]
    generated_at: String,
    balance: BalanceView,
    today: PeriodView,
    last_7_days: PeriodView,
    last_30_days: PeriodView,
    by_day: SeriesView,
    /// Of the last 30 days, dearest first.
    top_models: Vec<GroupView>,
    /// Of the last 30 days, dearest first.
    top_keys: Vec<GroupView>,
    recent: Vec<RequestView>,
    banners: Vec<BannerView>,
}

/// What can be spent, in USD.
#[derive(Serialize, ToSchema)]
#[schema(as = OverviewBalance)]
struct BalanceView {
    available: String,
    available_nano: i64,
    /// What running requests have set aside.
    held: String,
    held_nano: i64,
    /// Over the last 7 days.
    average_per_day: String,
    average_per_day_nano: i64,
    /// How long it lasts at that rate; `null` without any spending.
    #[schema(required)]
    days_left: Option<i64>,
}

/// A period that ends with today, and the same number of days just before.
#[derive(Serialize, ToSchema)]
#[schema(as = UsagePeriod)]
struct PeriodView {
    now: TotalsView,
    before: TotalsView,
}

/// Something that the person should know.
#[derive(Serialize, ToSchema)]
#[schema(as = Banner)]
struct BannerView {
    /// `email_unverified`, `account_frozen`, `no_credit`, `low_balance` (below the amount of the alert, or
    /// gone within a day at the rate of the last 7 days), `recharge_stopped`, `provider_trouble` or
    /// `key_expiring`.
    kind: &'static str,
    #[schema(required)]
    key_id: Option<String>,
    /// The name of the key, or of the provider.
    #[schema(required)]
    name: Option<String>,
    /// When the key stops.
    #[schema(required, format = DateTime)]
    at: Option<String>,
}

/// The account at a glance.
#[utoipa::path(
    get, path = "/overview", tag = "usage", operation_id = "get_overview",
    params(ZoneQuery),
    responses((status = OK, body = OverviewView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Person(person): Person,
    query: Asks<ZoneQuery>,
) -> Result<Json<OverviewView>, Problem> {
    let zone = ZoneQuery::read(query)?;
    let now = app.clock().now();
    let account = person.account.id;
    let range = last_30_days(now, &zone)?;
    let before = range.days_before(30, &zone).map_err(|_outside| Problem::field("tz", "invalid_range"))?;
    let sums = |range: Range, bucket, group| summed(&app, of(account, range, &zone, (bucket, group)));
    let series = sums(range, Bucket::Day, Some(GroupBy::Model)).await?;
    let before = sums(before, Bucket::Day, None).await?;
    let keys = sums(range, Bucket::Month, Some(GroupBy::Key)).await?;
    let names = key_names(&app, account).await?;
    let balance = app.ledger().balance(account).await.map_err(|error| broken(&error))?;
    let week = last(&series, 7);
    let series_total = series.total;
    let top_models = top(&series, &names);
    let shown = series.folded(TOP_MODELS);
    let caption = Caption { zone: &zone, bucket: Bucket::Day, group: Some(GroupBy::Model), names: &names };
    Ok(Json(OverviewView {
        tz: zone.name().to_owned(),
        generated_at: now.to_string(),
        today: period(&last(&shown, 1), &yesterday(&shown)),
        last_7_days: period(&week, &week_before(&shown)),
        last_30_days: period(&series_total, &before.total),
        by_day: SeriesView::of(&shown, &caption),
        top_models,
        top_keys: top(&keys, &names),
        recent: recent(&app, (account, UsageFilter::default(), RECENT), &names).await?,
        banners: banners(&app, &person.account, (&balance, &week)).await?,
        balance: BalanceView::of(&balance, &week),
    }))
}

fn of(
    account: AccountId,
    range: Range,
    zone: &Zone,
    (bucket, group): (Bucket, Option<GroupBy>),
) -> SeriesRequest {
    SeriesRequest { account, range, bucket, zone: zone.clone(), group, filter: UsageFilter::default() }
}

fn period(now: &Totals, before: &Totals) -> PeriodView {
    PeriodView { now: TotalsView::from(now), before: TotalsView::from(before) }
}

fn yesterday(series: &Series) -> Totals {
    series.buckets.iter().rev().nth(1).map(|bucket| bucket.total).unwrap_or_default()
}

fn week_before(series: &Series) -> Totals {
    let buckets = series.buckets.iter().rev().skip(7).take(7);
    buckets.fold(Totals::default(), |sum, bucket| sum.plus(&bucket.total))
}

fn top(series: &Series, names: &KeyNames) -> Vec<GroupView> {
    let whole = series.total.all.cost;
    let shown = series.groups.iter().take(TOP_SHOWN);
    shown.filter_map(|group| GroupView::of(group, whole, names)).collect()
}

impl BalanceView {
    fn of(balance: &Balance, week: &Totals) -> Self {
        let average = Money::from_nanos(week.all.cost.nanos() / 7);
        let available = balance.available.nanos().max(0);
        Self {
            available: balance.available.to_string(),
            available_nano: balance.available.nanos(),
            held: balance.held.to_string(),
            held_nano: balance.held.nanos(),
            average_per_day: average.to_string(),
            average_per_day_nano: average.nanos(),
            days_left: available.checked_div(average.nanos()),
        }
    }
}

async fn banners(
    app: &App,
    account: &Account,
    (balance, week): (&Balance, &Totals),
) -> Result<Vec<BannerView>, Problem> {
    let now = app.clock().now();
    let mut all = Vec::new();
    if account.email_verified_at.is_none() {
        all.push(BannerView::of("email_unverified"));
    }
    if matches!(account.state, AccountState::Frozen { .. }) {
        all.push(BannerView::of("account_frozen"));
    }
    if balance.available <= Money::ZERO {
        all.push(BannerView::of("no_credit"));
    } else if is_low(app, account.id, (balance, week)).await? {
        all.push(BannerView::of("low_balance"));
    }
    let recharge = app.stores().recharges.find(account.id).await;
    let recharge = recharge.map_err(|error| Problem::internal(&error))?;
    if recharge.is_some_and(|recharge| recharge.switch == RechargeSwitch::Stopped) {
        all.push(BannerView::of("recharge_stopped"));
    }
    let troubled =
        app.gateway().vendors().filter(|vendor| app.gateway().provider_health(*vendor) != ProviderHealth::Up);
    all.extend(troubled.map(|vendor| BannerView {
        name: Some(vendor.as_str().to_owned()),
        ..BannerView::of("provider_trouble")
    }));
    all.extend(ending(app, account.id, now).await?);
    Ok(all)
}

/// Whether it is less than the owner wants to have, or lasts for less than a day.
async fn is_low(
    app: &App,
    account: AccountId,
    (balance, week): (&Balance, &Totals),
) -> Result<bool, Problem> {
    let alert = app.stores().alerts.find(account).await.map_err(|error| Problem::internal(&error))?;
    let alert = alert.filter(|alert| alert.channel != AlertChannel::Off);
    let is_below = alert.is_some_and(|alert| balance.available < alert.threshold);
    Ok(is_below || balance.available.nanos() < week.all.cost.nanos() / 7)
}

/// Keys that stop soon.
async fn ending(app: &App, account: AccountId, now: Timestamp) -> Result<Vec<BannerView>, Problem> {
    let request = ListKeys { account, before: None, limit: KEYS };
    let keys = app.keys().list(request).await.map_err(|error| Problem::internal(&error))?;
    let soon = now.plus(EXPIRES_SOON);
    let banner = |key: &Arc<ApiKey>| {
        let end = key.expires_at.filter(|end| (now..soon).contains(end))?;
        Some(BannerView {
            key_id: Some(key.id.to_string()),
            name: Some(key.name.clone()),
            at: Some(end.to_string()),
            ..BannerView::of("key_expiring")
        })
    };
    Ok(keys.iter().filter(|key| key.state == KeyState::Active).filter_map(banner).collect())
}

impl BannerView {
    const fn of(kind: &'static str) -> Self {
        Self { kind, key_id: None, name: None, at: None }
    }
}
