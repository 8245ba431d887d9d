//! Being told of a low balance, and of spending.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TAG;
use crate::app::{App, Stores};
use crate::clock::Timestamp;
use crate::http::account::extract::Person;
use crate::http::account::problem::Problem;
use crate::http::account::strict::{Strict, given_object, object};
use crate::id::AccountId;
use crate::money::Money;
use crate::notify::SpendSpan;
use crate::payment::{
    AlertChannel, AlertError, AlertWish, LowBalanceAlert, SpendAlert, SpendAlertWish, spent_in,
};

/// More than anybody's balance, in nano-USD: a million dollars.
const THRESHOLD_MAX: Money = Money::from_nanos(1_000_000_000_000_000);

#[derive(Deserialize, ToSchema)]
#[schema(as = AlertsChange)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct AlertsBody {
    /// `null`: no alert.
    #[serde(deserialize_with = "object")]
    low_balance: Option<LowBalanceBody>,
    /// `null`: no alert; left out: as it is.
    #[serde(default, deserialize_with = "given_object")]
    #[schema(value_type = Option<SpendAlertBody>, required = false)]
    daily_spend: Option<Option<SpendAlertBody>>,
    /// `null`: no alert; left out: as it is.
    #[serde(default, deserialize_with = "given_object")]
    #[schema(value_type = Option<SpendAlertBody>, required = false)]
    monthly_budget: Option<Option<SpendAlertBody>>,
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

#[derive(Deserialize, ToSchema)]
#[schema(as = NewSpendAlert)]
#[serde(deny_unknown_fields)]
struct SpendAlertBody {
    /// Decimal dollars, above zero.
    #[schema(example = "100.00")]
    amount: String,
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
    #[schema(required)]
    daily_spend: Option<DailySpendView>,
    #[schema(required)]
    monthly_budget: Option<MonthlyBudgetView>,
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

/// Told when so much was spent in a day (UTC), once a day.
#[derive(Serialize, ToSchema)]
#[schema(as = DailySpendAlert)]
struct DailySpendView {
    amount: String,
    amount_nano: i64,
    /// Whether a mail is sent; else the alert is in the dashboard alone.
    email: bool,
    /// What was spent today so far.
    spent: String,
    spent_nano: i64,
    /// Whether that is as much as the amount.
    reached: bool,
}

/// Told when a part of so much was spent in a calendar month (UTC), once a month for each part.
#[derive(Serialize, ToSchema)]
#[schema(as = MonthlyBudgetAlert)]
struct MonthlyBudgetView {
    amount: String,
    amount_nano: i64,
    /// Whether a mail is sent; else the alert is in the dashboard alone.
    email: bool,
    /// What was spent in this month so far.
    spent: String,
    spent_nano: i64,
    /// The parts, in per cent.
    steps: &'static [u8],
    /// The largest part that was reached.
    #[schema(required)]
    reached: Option<u8>,
}

impl From<LowBalanceAlert> for LowBalanceView {
    fn from(alert: LowBalanceAlert) -> Self {
        let LowBalanceAlert { threshold, channel, .. } = alert;
        Self {
            threshold: threshold.to_string(),
            threshold_nano: threshold.nanos(),
            email: channel == AlertChannel::Mail,
        }
    }
}

impl AlertsView {
    /// What the owner of an account is told of, and how far it is at a moment.
    pub(in super::super) async fn of(
        stores: &Stores,
        (account, now): (AccountId, Timestamp),
    ) -> Result<Self, AlertError> {
        let low = stores.alerts.find(account).await?;
        let low = low.filter(|alert| alert.channel != AlertChannel::Off);
        let mut view =
            Self { low_balance: low.map(LowBalanceView::from), daily_spend: None, monthly_budget: None };
        for alert in stores.spend_alerts.of_account(account).await? {
            if alert.channel == AlertChannel::Off {
                continue;
            }
            let spent = spent_in(stores.usage.as_ref(), account, (alert.span, now)).await;
            view.add(&alert, spent.map_err(|error| AlertError::Unavailable { source: Box::new(error) })?);
        }
        Ok(view)
    }

    fn add(&mut self, alert: &SpendAlert, spent: Money) {
        let (amount, amount_nano) = (alert.amount.to_string(), alert.amount.nanos());
        let email = alert.channel == AlertChannel::Mail;
        let (reached, spent, spent_nano) = (alert.reached(spent), spent.to_string(), spent.nanos());
        match alert.span {
            SpendSpan::Day => {
                let reached = reached.is_some();
                self.daily_spend =
                    Some(DailySpendView { amount, amount_nano, email, spent, spent_nano, reached });
            }
            SpendSpan::Month => {
                let steps = alert.span.steps();
                let budget =
                    MonthlyBudgetView { amount, amount_nano, email, spent, spent_nano, steps, reached };
                self.monthly_budget = Some(budget);
            }
        }
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
    let view = AlertsView::of(app.stores(), (person.account.id, app.clock().now())).await;
    Ok(Json(view.map_err(|error| Problem::internal(&error))?))
}

/// Chooses what you are told of.
///
/// An alert stops nothing: that is what limits are for. Another amount is another alert: what was told
/// of the one before does not count.
#[utoipa::path(
    put, path = "/billing/alerts", tag = TAG, operation_id = "set_alerts",
    request_body = AlertsBody,
    responses((status = OK, body = AlertsView)),
)]
pub(in super::super) async fn set(
    State(app): State<App>,
    Person(person): Person,
    Strict(body): Strict<AlertsBody>,
) -> Result<Json<AlertsView>, Problem> {
    let (stores, account) = (app.stores(), person.account.id);
    // All of it is understood before any of it is done.
    let wishes = Wishes::of(body)?;
    let view = async {
        let now = app.clock().now();
        wishes.keep(stores, (account, now)).await?;
        AlertsView::of(stores, (account, now)).await
    };
    Ok(Json(view.await.map_err(|error| Problem::internal(&error))?))
}

/// What a person chooses; `None` ends an alert.
struct Wishes {
    low_balance: Option<AlertWish>,
    /// Those that were named.
    spending: Vec<(SpendSpan, Option<(Money, AlertChannel)>)>,
}

impl Wishes {
    fn of(body: AlertsBody) -> Result<Self, Problem> {
        let AlertsBody { low_balance, daily_spend, monthly_budget } = body;
        let channel = |email| if email { AlertChannel::Mail } else { AlertChannel::Screen };
        let low_balance: Option<Result<_, Problem>> =
            low_balance.map(|LowBalanceBody { threshold, email }| {
                Ok(AlertWish {
                    threshold: amount(&threshold, "/low_balance/threshold")?,
                    channel: channel(email),
                })
            });
        let mut spending = Vec::new();
        for (span, pointer, given) in [
            (SpendSpan::Day, "/daily_spend/amount", daily_spend),
            (SpendSpan::Month, "/monthly_budget/amount", monthly_budget),
        ] {
            let Some(given) = given else { continue };
            let wish: Option<Result<_, Problem>> = given
                .map(|SpendAlertBody { amount: text, email }| Ok((amount(&text, pointer)?, channel(email))));
            spending.push((span, wish.transpose()?));
        }
        Ok(Self { low_balance: low_balance.transpose()?, spending })
    }

    async fn keep(self, stores: &Stores, (account, at): (AccountId, Timestamp)) -> Result<(), AlertError> {
        let known = stores.alerts.find(account).await?;
        let off = known.map(|known| AlertWish { threshold: known.threshold, channel: AlertChannel::Off });
        if let Some(wish) = self.low_balance.or(off) {
            stores.alerts.set(account, wish).await?;
        }
        let known = stores.spend_alerts.of_account(account).await?;
        for (span, wish) in self.spending {
            let off = known.iter().find(|alert| alert.span == span);
            let off = off.map(|alert| (alert.amount, AlertChannel::Off));
            if let Some((amount, channel)) = wish.or(off) {
                stores.spend_alerts.set(account, SpendAlertWish { span, amount, channel, at }).await?;
            }
        }
        Ok(())
    }
}

/// An amount that a person names; above zero.
pub(super) fn amount(text: &str, pointer: &'static str) -> Result<Money, Problem> {
    let amount = text.parse::<Money>().ok();
    let amount = amount.filter(|amount| *amount > Money::ZERO && *amount <= THRESHOLD_MAX);
    amount.ok_or(Problem::field(pointer, "invalid_amount"))
}
