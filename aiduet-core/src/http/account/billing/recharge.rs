//! Buying credit automatically.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TAG;
use crate::account::SignedIn;
use crate::app::App;
use crate::http::account::extract::{Person, Recent};
use crate::http::account::problem::Problem;
use crate::http::account::strict::Strict;
use crate::money::Money;
use crate::payment::{RechargePlan, RechargeState, RechargeStatus, RechargeSwitch, RechargeWish, Recharger};

#[derive(Deserialize, ToSchema)]
#[schema(as = AutoRechargeChange)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RechargeBody {
    /// With `true` the amounts are given too, and are what the person agrees to.
    enabled: bool,
    /// Decimal dollars: below which available balance.
    #[schema(example = "5.00")]
    threshold: Option<String>,
    /// Decimal dollars, whole cents: how much is bought, or as many times as much as leads above the
    /// threshold.
    #[schema(example = "20.00")]
    amount: Option<String>,
    /// Decimal dollars: the most in a calendar month (UTC).
    #[schema(example = "100.00")]
    monthly_max: Option<String>,
}

/// Automatic purchases.
#[derive(Serialize, ToSchema)]
#[schema(as = AutoRecharge)]
pub(in super::super) struct RechargeView {
    enabled: bool,
    #[schema(required)]
    threshold: Option<String>,
    #[schema(required)]
    threshold_nano: Option<i64>,
    #[schema(required)]
    amount: Option<String>,
    #[schema(required)]
    amount_nano: Option<i64>,
    #[schema(required)]
    monthly_max: Option<String>,
    #[schema(required)]
    monthly_max_nano: Option<i64>,
    charged_this_month: String,
    charged_this_month_nano: i64,
    state: RechargeStateView,
    /// Refusals of the card in a row.
    failures: u32,
    /// When a card that was refused is tried again.
    #[schema(required, format = DateTime)]
    next_attempt_at: Option<String>,
    /// Where to confirm a charge with the bank.
    #[schema(required, format = "uri")]
    confirm_url: Option<String>,
}

/// `retrying`: the card was refused and is tried again. `needs_confirmation`: the bank wants the person
/// to confirm a charge. `stopped`: switched off since the card was refused for good, or too often.
#[derive(Serialize, ToSchema)]
#[schema(as = AutoRechargeState)]
#[serde(rename_all = "snake_case")]
enum RechargeStateView {
    Idle,
    Charging,
    Retrying,
    NeedsConfirmation,
    Stopped,
}

impl From<RechargeStatus> for RechargeView {
    fn from(status: RechargeStatus) -> Self {
        let RechargeStatus { recharge, confirmation, at } = status;
        let plan = recharge.as_ref().map(|recharge| recharge.plan);
        let told = |pick: fn(RechargePlan) -> Money| {
            let amount = plan.map(pick);
            (amount.map(|amount| amount.to_string()), amount.map(Money::nanos))
        };
        let (threshold, threshold_nano) = told(|plan| plan.threshold);
        let (amount, amount_nano) = told(|plan| plan.amount);
        let (monthly_max, monthly_max_nano) = told(|plan| plan.monthly_max);
        let charged = recharge.as_ref().map_or(Money::ZERO, |recharge| recharge.bought_in_month_of(at));
        let failures = recharge.as_ref().map_or(0, |recharge| recharge.failures);
        let state = recharge.as_ref().map_or(RechargeStateView::Idle, |recharge| {
            match (recharge.state, recharge.switch) {
                (RechargeState::Charging(_), _) => RechargeStateView::Charging,
                (RechargeState::NeedsConfirmation(_), _) => RechargeStateView::NeedsConfirmation,
                (RechargeState::Idle, RechargeSwitch::Stopped) => RechargeStateView::Stopped,
                (RechargeState::Idle, RechargeSwitch::On) if failures > 0 => RechargeStateView::Retrying,
                (RechargeState::Idle, RechargeSwitch::On | RechargeSwitch::Off) => RechargeStateView::Idle,
            }
        });
        let is_retrying = matches!(state, RechargeStateView::Retrying);
        let next = recharge.as_ref().filter(|_recharge| is_retrying).map(|recharge| recharge.due_at);
        Self {
            enabled: recharge.is_some_and(|recharge| recharge.switch == RechargeSwitch::On),
            threshold,
            threshold_nano,
            amount,
            amount_nano,
            monthly_max,
            monthly_max_nano,
            charged_this_month: charged.to_string(),
            charged_this_month_nano: charged.nanos(),
            state,
            failures,
            next_attempt_at: next.map(|at| at.to_string()),
            confirm_url: confirmation,
        }
    }
}

/// Automatic purchases: what you agreed to, and what came of it.
#[utoipa::path(
    get, path = "/billing/auto-recharge", tag = TAG, operation_id = "get_auto_recharge",
    responses((status = OK, body = RechargeView)),
)]
pub(in super::super) async fn show(
    State(app): State<App>,
    Person(person): Person,
) -> Result<Json<RechargeView>, Problem> {
    let status = app.recharger().ok_or(Problem::NO_RECHARGE)?.status(person.account.id).await?;
    Ok(Json(RechargeView::from(status)))
}

/// Agrees to automatic purchases, or ends them.
///
/// A card must have been kept at a purchase (`save_card`). When the available balance falls below the
/// threshold, the card is charged while you are absent, never beyond the most of a month. A card that
/// is refused is tried at most four times; then this is switched off, and a mail says so.
#[utoipa::path(
    put, path = "/billing/auto-recharge", tag = TAG, operation_id = "set_auto_recharge",
    request_body = RechargeBody,
    responses((status = OK, body = RechargeView)),
)]
pub(in super::super) async fn set(
    State(app): State<App>,
    Recent(person): Recent,
    Strict(body): Strict<RechargeBody>,
) -> Result<Json<RechargeView>, Problem> {
    let recharger = recharger(&app, &person)?;
    let RechargeBody { enabled, threshold, amount, monthly_max } = body;
    let wish = if enabled {
        RechargeWish::On(RechargePlan {
            threshold: dollars(threshold.as_deref(), "/threshold")?,
            amount: dollars(amount.as_deref(), "/amount")?,
            monthly_max: dollars(monthly_max.as_deref(), "/monthly_max")?,
        })
    } else {
        RechargeWish::Off
    };
    Ok(Json(RechargeView::from(recharger.agree(person.account.id, wish).await?)))
}

/// Who charges cards, for a person whose address is confirmed.
fn recharger<'a>(app: &'a App, person: &SignedIn) -> Result<&'a Recharger, Problem> {
    if person.account.email_verified_at.is_none() {
        return Err(Problem::EMAIL_UNVERIFIED);
    }
    app.recharger().ok_or(Problem::NO_RECHARGE)
}

fn dollars(text: Option<&str>, pointer: &'static str) -> Result<Money, Problem> {
    let amount = text.and_then(|text| text.parse::<Money>().ok());
    amount.ok_or(Problem::field(pointer, "invalid_amount"))
}
