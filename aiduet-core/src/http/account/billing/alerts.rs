//! Being told of a low balance.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TAG;
use crate::app::App;
use crate::http::account::extract::Person;
use crate::http::account::problem::Problem;
use crate::http::account::strict::{Strict, object};
use crate::money::Money;
use crate::payment::{AlertChannel, AlertWish, LowBalanceAlert};

/// More than anybody's balance, in nano-USD: a million dollars.
const THRESHOLD_MAX: Money = Money::from_nanos(1_000_000_000_000_000);

#[derive(Deserialize, ToSchema)]
#[schema(as = AlertsChange)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct AlertsBody {
    /// `null`: no alert.
    #[serde(deserialize_with = "object")]
    low_balance: Option<LowBalanceBody>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewLowBalanceAlert)]
#[serde(deny_unknown_fields)]
struct LowBalanceBody {
    /// Decimal dollars, above zero.
    #[schema(example = "5.00")]
    threshold: String,
    /// Whether a mail is sent; else the alert is in the dashboard alone.
    #[serde(default = "by_mail")]
    #[schema(default = true)]
    email: bool,
}

const fn by_mail() -> bool {
    true
}

/// What a person is told of.
#[derive(Serialize, ToSchema)]
#[schema(as = Alerts)]
pub(in super::super) struct AlertsView {
    #[schema(required)]
    low_balance: Option<LowBalanceView>,
}

/// Told when the available balance falls below the threshold, and again after a top-up has brought it
/// above.
#[derive(Serialize, ToSchema)]
#[schema(as = LowBalanceAlert)]
struct LowBalanceView {
    threshold: String,
    threshold_nano: i64,
    /// Whether a mail is sent; else the alert is in the dashboard alone.
    email: bool,
}

impl From<Option<LowBalanceAlert>> for AlertsView {
    fn from(alert: Option<LowBalanceAlert>) -> Self {
        let on = alert.filter(|alert| alert.channel != AlertChannel::Off);
        let low_balance = on.map(|LowBalanceAlert { threshold, channel, .. }| LowBalanceView {
            threshold: threshold.to_string(),
            threshold_nano: threshold.nanos(),
            email: channel == AlertChannel::Mail,
        });
        Self { low_balance }
    }
}

/// What you are told of.
#[utoipa::path(
    get, path = "/billing/alerts", tag = TAG, operation_id = "get_alerts",
    responses((status = OK, body = AlertsView)),
)]
pub(in super::super) async fn show(
    State(app): State<App>,
    Person(person): Person,
) -> Result<Json<AlertsView>, Problem> {
    let alert = app.stores().alerts.find(person.account.id).await;
    Ok(Json(AlertsView::from(alert.map_err(|error| Problem::internal(&error))?)))
}

/// Chooses what you are told of.
///
/// An alert stops nothing: that is what limits of keys are for.
#[utoipa::path(
    put, path = "/billing/alerts", tag = TAG, operation_id = "set_alerts",
    request_body = AlertsBody,
    responses((status = OK, body = AlertsView)),
)]
pub(in super::super) async fn set(
    State(app): State<App>,
    Person(person): Person,
    Strict(AlertsBody { low_balance }): Strict<AlertsBody>,
) -> Result<Json<AlertsView>, Problem> {
    let (alerts, account) = (&app.stores().alerts, person.account.id);
    let known = alerts.find(account).await.map_err(|error| Problem::internal(&error))?;
    let wish = match (low_balance, &known) {
        (Some(LowBalanceBody { threshold, email }), _) => {
            let channel = if email { AlertChannel::Mail } else { AlertChannel::Screen };
            AlertWish { threshold: amount(&threshold)?, channel }
        }
        (None, Some(known)) => AlertWish { threshold: known.threshold, channel: AlertChannel::Off },
        (None, None) => return Ok(Json(AlertsView { low_balance: None })),
    };
    let alert = alerts.set(account, wish).await.map_err(|error| Problem::internal(&error))?;
    Ok(Json(AlertsView::from(Some(alert))))
}

fn amount(text: &str) -> Result<Money, Problem> {
    let amount = text.parse::<Money>().ok();
    let amount = amount.filter(|amount| *amount > Money::ZERO && *amount <= THRESHOLD_MAX);
    amount.ok_or(Problem::field("/low_balance/threshold", "invalid_amount"))
}
