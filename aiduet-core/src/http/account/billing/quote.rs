//! What a purchase would come to.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{TAG, cashier};
use crate::app::App;
use crate::http::account::extract::Person;
use crate::http::account::problem::Problem;
use crate::http::account::strict::Strict;
use crate::money::Money;
use crate::payment::{QuoteTopUp, TopUpQuote};

#[derive(Deserialize, ToSchema)]
#[schema(as = TopUpQuoteRequest)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct QuoteBody {
    /// Decimal dollars, whole cents.
    #[schema(example = "20.00")]
    amount: String,
}

/// What a purchase would come to.
#[derive(Serialize, ToSchema)]
#[schema(as = TopUpQuote)]
pub(in super::super) struct QuoteView {
    /// What would be credited.
    credit: String,
    credit_nano: i64,
    fee: String,
    fee_nano: i64,
    /// `null`: the card company finds it out on its page, from the address.
    #[schema(required)]
    tax: Option<String>,
    #[schema(required)]
    tax_nano: Option<i64>,
    /// The sum, without a tax that is not known yet.
    total: String,
    total_nano: i64,
}

impl From<TopUpQuote> for QuoteView {
    fn from(quote: TopUpQuote) -> Self {
        let TopUpQuote { credit, fee, tax, total } = quote;
        Self {
            credit: credit.to_string(),
            credit_nano: credit.nanos(),
            fee: fee.to_string(),
            fee_nano: fee.nanos(),
            tax: tax.map(|tax| tax.to_string()),
            tax_nano: tax.map(Money::nanos),
            total: total.to_string(),
            total_nano: total.nanos(),
        }
    }
}

/// What a purchase would come to.
///
/// Refused as the purchase itself would be; nothing is begun.
#[utoipa::path(
    post, path = "/billing/topups/quote", tag = TAG, operation_id = "quote_topup",
    request_body = QuoteBody,
    responses((status = OK, body = QuoteView)),
)]
pub(in super::super) async fn quote(
    State(app): State<App>,
    Person(person): Person,
    Strict(QuoteBody { amount }): Strict<QuoteBody>,
) -> Result<Json<QuoteView>, Problem> {
    let amount =
        amount.parse::<Money>().map_err(|_unreadable| Problem::field("/amount", "invalid_amount"))?;
    let wish = QuoteTopUp { account: person.account.id, amount, since: person.account.created_at };
    Ok(Json(QuoteView::from(cashier(&app, &person)?.quote(wish).await?)))
}
