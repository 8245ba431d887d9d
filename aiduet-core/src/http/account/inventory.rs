//! What is kept about the person, counted.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::locale;
use super::extract::Person;
use super::inventory_words::{Words, words};
use super::policies::LanguageQuery;
use super::problem::Problem;
use crate::account::Locale;
use crate::app::App;
use crate::clock::Timestamp;
use crate::privacy::{CATEGORIES, DataCategory, Holding, Kept, Place};

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// Everything that is kept about a person.
#[derive(Serialize, ToSchema)]
#[schema(as = DataInventory)]
pub(super) struct InventoryView {
    #[schema(format = DateTime)]
    as_of: String,
    data: Vec<CategoryView>,
}

/// A category of data.
#[derive(Serialize, ToSchema)]
#[schema(as = DataCategory)]
struct CategoryView {
    /// Stable, for programs.
    category: &'static str,
    title: &'static str,
    /// What it is kept for.
    purpose: &'static str,
    /// How many rows there are; `null` where it is not in the database.
    #[schema(required)]
    count: Option<u64>,
    /// When the oldest of them was made, where they say so.
    #[schema(required, format = DateTime)]
    oldest_at: Option<String>,
    place: PlaceView,
    kept: KeptView,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DataPlace)]
#[serde(rename_all = "snake_case")]
enum PlaceView {
    Database,
    CardCompany,
    Backups,
    Provider,
    Nowhere,
}

/// How long it is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = DataKept)]
struct KeptView {
    rule: RuleView,
    /// So many days, where the rule counts them.
    #[schema(required)]
    days: Option<u64>,
}

/// `account`: as long as the account; `after_account`: so long after its end, without its name;
/// `after_end`: so long after its own end; `fixed`: so long; `while_useful`: until it has served its
/// purpose; `bookkeeping`: as long as the law asks, without a name after the end of the account;
/// `elsewhere`: as somebody else decides, who is named in the privacy policy; `never`: it is not.
#[derive(Serialize, ToSchema)]
#[schema(as = DataKeptRule)]
#[serde(rename_all = "snake_case")]
enum RuleView {
    Account,
    AfterAccount,
    AfterEnd,
    Fixed,
    WhileUseful,
    Bookkeeping,
    Elsewhere,
    Never,
}

impl KeptView {
    fn of(kept: Kept, usage_days: u16) -> Self {
        let days = |time: Duration| time.as_secs().checked_div(DAY_SECONDS);
        let (rule, days) = match kept {
            Kept::Account => (RuleView::Account, None),
            Kept::AfterAccount(time) => (RuleView::AfterAccount, days(time)),
            Kept::AfterEnd(time) => (RuleView::AfterEnd, days(time)),
            Kept::For(time) => (RuleView::Fixed, days(time)),
            Kept::UsageDays => (RuleView::Fixed, Some(u64::from(usage_days))),
            Kept::WhileUseful => (RuleView::WhileUseful, None),
            Kept::Books(years) => (RuleView::Bookkeeping, Some(u64::from(years).saturating_mul(365))),
            Kept::Elsewhere => (RuleView::Elsewhere, None),
            Kept::Never => (RuleView::Never, None),
        };
        Self { rule, days }
    }
}

impl InventoryView {
    /// Everything in a language, where records of requests are kept for so many days.
    pub(super) fn of(holdings: &[Holding], told: (Locale, u16), now: Timestamp) -> Self {
        let data = CATEGORIES.iter().map(|category| CategoryView::of(category, holdings, told));
        Self { as_of: now.to_string(), data: data.collect() }
    }
}

impl CategoryView {
    fn of(category: &DataCategory, holdings: &[Holding], (locale, usage_days): (Locale, u16)) -> Self {
        let Words { title, purpose } = words(category.code, locale);
        let (rows, oldest) = category.sum(holdings);
        Self {
            category: category.code,
            title,
            purpose,
            count: match category.place {
                Place::Database => Some(rows),
                // Nothing is counted there, and of what is never kept there is nothing.
                Place::Nowhere => Some(0),
                Place::CardCompany | Place::Backups | Place::Provider => None,
            },
            oldest_at: oldest.map(|at| at.to_string()),
            place: match category.place {
                Place::Database => PlaceView::Database,
                Place::CardCompany => PlaceView::CardCompany,
                Place::Backups => PlaceView::Backups,
                Place::Provider => PlaceView::Provider,
                Place::Nowhere => PlaceView::Nowhere,
            },
            kept: KeptView::of(category.kept, usage_days),
        }
    }
}

/// What is kept about the person: how much, what for, how long and where.
#[utoipa::path(
    get, path = "/me/data-inventory", tag = "me", operation_id = "get_data_inventory",
    params(LanguageQuery),
    responses((status = OK, body = InventoryView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Person(person): Person,
    query: Result<Query<LanguageQuery>, QueryRejection>,
) -> Result<Json<InventoryView>, Problem> {
    let Query(query) = query.map_err(|_refused| Problem::field("query", "invalid_request"))?;
    let locale = query.locale.as_deref().map(locale).transpose()?.unwrap_or(person.account.locale);
    let holdings = app.stores().inventory.holdings(person.account.id).await;
    let holdings = holdings.map_err(|error| Problem::internal(&error))?;
    let told = (locale, app.imprint().usage_days);
    Ok(Json(InventoryView::of(&holdings, told, app.clock().now())))
}
