//! How much the account may spend, with all of its keys.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TAG;
use super::alerts::amount;
use crate::app::{App, Stores};
use crate::clock::Timestamp;
use crate::http::account::extract::{Fresh, Person};
use crate::http::account::problem::Problem;
use crate::http::account::strict::{Strict, object};
use crate::id::AccountId;
use crate::ledger::{LedgerError, LimitChange, MonthSpend};
use crate::money::Money;

#[derive(Deserialize, ToSchema)]
#[schema(as = LimitsChange)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct LimitsBody {
    /// `null`: no limit.
    #[serde(deserialize_with = "object")]
    monthly: Option<MonthlyBody>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewMonthlyLimit)]
#[serde(deny_unknown_fields)]
struct MonthlyBody {
    /// Decimal dollars, above zero.
    #[schema(example = "20.00")]
    amount: String,
}

/// How much may be spent.
#[derive(Serialize, ToSchema)]
#[schema(as = Limits)]
pub(in super::super) struct LimitsView {
    #[schema(required)]
    monthly: Option<MonthlyView>,
}

/// How much all keys together may spend in a calendar month (UTC).
#[derive(Serialize, ToSchema)]
#[schema(as = MonthlyLimit)]
struct MonthlyView {
    amount: String,
    amount_nano: i64,
    /// What was spent in this month so far.
    spent: String,
    spent_nano: i64,
    /// What running requests have set aside; it counts too.
    held: String,
    held_nano: i64,
    /// When the month ends.
    #[schema(required, format = DateTime)]
    resets_at: Option<String>,
}

impl LimitsView {
    /// How much the owner of an account may spend, and has spent at a moment.
    pub(in super::super) async fn of(
        stores: &Stores,
        (account, now): (AccountId, Timestamp),
    ) -> Result<Self, LedgerError> {
        let MonthSpend { limit, spent, held, resets_at } =
            stores.account_limits.month_spend(account, now).await?;
        let monthly = limit.map(|amount| MonthlyView {
            amount: amount.to_string(),
            amount_nano: amount.nanos(),
            spent: spent.to_string(),
            spent_nano: spent.nanos(),
            held: held.to_string(),
            held_nano: held.nanos(),
            resets_at: resets_at.map(|at| at.to_string()),
        });
        Ok(Self { monthly })
    }
}

/// How much you may spend.
#[utoipa::path(
    get, path = "/billing/limits", tag = TAG, operation_id = "get_limits",
    responses((status = OK, body = LimitsView)),
)]
pub(in super::super) async fn show(
    State(app): State<App>,
    Person(person): Person,
) -> Result<Json<LimitsView>, Problem> {
    let view = LimitsView::of(app.stores(), (person.account.id, app.clock().now())).await;
    Ok(Json(view.map_err(|error| Problem::internal(&error))?))
}

/// Chooses how much you may spend.
///
/// A call that may cost more than what is left of the month is refused with 402 `account_limit_reached`;
/// what running calls have set aside counts as spent until they end. To raise the limit, or to take it
/// away, the password must have been given within the last 15 minutes.
#[utoipa::path(
    put, path = "/billing/limits", tag = TAG, operation_id = "set_limits",
    request_body = LimitsBody,
    responses((status = OK, body = LimitsView)),
)]
pub(in super::super) async fn set(
    State(app): State<App>,
    Person(person): Person,
    Strict(body): Strict<LimitsBody>,
) -> Result<Json<LimitsView>, Problem> {
    let limit = body.monthly.map(|monthly| amount(&monthly.amount, "/monthly/amount")).transpose()?;
    let (stores, account, now) = (app.stores(), person.account.id, app.clock().now());
    let known = stores.account_limits.month_spend(account, now).await;
    let was = known.map_err(|error| Problem::internal(&error))?.limit;
    if allows_more(was, limit) {
        Fresh::check(&person, &app)?;
    }
    let changed = stores.account_limits.change(LimitChange { account, was, limit }).await;
    changed.map_err(|error| Problem::internal(&error))?;
    let view = LimitsView::of(stores, (account, now)).await;
    Ok(Json(view.map_err(|error| Problem::internal(&error))?))
}

/// Whether more may be spent with a limit than with the one before.
fn allows_more(was: Option<Money>, limit: Option<Money>) -> bool {
    was.is_some_and(|was| limit.is_none_or(|limit| limit > was))
}
