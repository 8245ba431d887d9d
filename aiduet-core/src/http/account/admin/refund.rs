//! Credit that goes back to the cards that paid it.

use axum::Json;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::archive::RefundView;
use super::super::problem::Problem;
use super::super::strict::Strict;
use super::super::view::Page;
use super::acts::{Operator, TAG, dollars, identifier, name_of};
use crate::app::App;
use crate::payment::RefundWish;

/// Credit to give back.
#[derive(Deserialize, ToSchema)]
#[schema(as = RefundRequest)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RefundBody {
    /// What leaves the balance, in USD: whole cents of what was paid and is unused. Tax goes back besides.
    #[schema(example = "5.00")]
    amount: String,
    /// One line; it stays for good, so name a ticket rather than a person.
    #[schema(min_length = 3, max_length = 200)]
    reason: String,
}

/// Gives unused credit back.
///
/// To the cards that paid it, the newest purchase first, each part with a state of its own; what is `begun`
/// is carried on until the card company has answered. Sent again with the same `Idempotency-Key`, it is the
/// same refund.
#[utoipa::path(
    post, path = "/accounts/{id}/refund", tag = TAG, operation_id = "admin_refund_account",
    params(("id" = String, Path), ("idempotency-key" = String, Header, max_length = 64)),
    request_body = RefundBody,
    responses((status = CREATED, body = Page<RefundView>)),
)]
pub(in super::super) async fn refund(
    State(app): State<App>,
    operator: Operator,
    (Path(id), headers): (Path<String>, HeaderMap),
    Strict(body): Strict<RefundBody>,
) -> Result<(StatusCode, Json<Page<RefundView>>), Problem> {
    let RefundBody { amount, reason } = body;
    let act = operator.because(&reason)?;
    let wish = RefundWish {
        account: identifier(&id)?,
        amount: dollars(&amount)?,
        name: name_of(&act.actor, &headers)?,
    };
    let cashier = app.cashier().ok_or(Problem::NO_PAYMENTS)?;
    app.office().note_refund(&act, wish.account, wish.amount).await?;
    let orders = cashier.give_back(&wish).await?;
    Ok((StatusCode::CREATED, Json(Page::of(orders.iter().map(RefundView::from), None))))
}
