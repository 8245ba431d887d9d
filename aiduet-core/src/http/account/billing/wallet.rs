//! Cards and invoices, which the card company keeps.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::TAG;
use crate::app::App;
use crate::http::account::extract::{Person, Recent};
use crate::http::account::me::PageQuery;
use crate::http::account::problem::Problem;
use crate::http::account::view::Page;
use crate::ledger::ExternalId;
use crate::payment::{
    Card, CardMonth, CardRole, Cashier, CashierError, Invoice, InvoiceStatus, Invoices, OwnCard,
};

/// The only currency that anything is sold in.
const CURRENCY: &str = "USD";

/// A card that the card company keeps.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentMethod)]
pub(in super::super) struct CardView {
    id: String,
    /// For example `visa`.
    brand: String,
    last4: String,
    /// The last month in which it is valid.
    #[schema(minimum = 1, maximum = 12)]
    exp_month: u8,
    exp_year: u16,
    /// Whether it is the one that an automatic purchase charges, or would charge.
    default: bool,
    /// Whether automatic purchases are on and charge it; removing it ends them.
    auto_recharge: bool,
}

impl From<OwnCard> for CardView {
    fn from(own: OwnCard) -> Self {
        let OwnCard { card: Card { external, brand, last4, valid_until }, role } = own;
        let CardMonth { year, month } = valid_until;
        Self {
            id: external.to_string(),
            brand,
            last4,
            exp_month: month,
            exp_year: year,
            default: matches!(role, CardRole::Charged | CardRole::First),
            auto_recharge: role == CardRole::Charged,
        }
    }
}

/// An invoice.
#[derive(Serialize, ToSchema)]
#[schema(as = Invoice)]
pub(in super::super) struct InvoiceView {
    id: String,
    /// What stands on it; a draft has none.
    #[schema(required)]
    number: Option<String>,
    #[schema(format = DateTime)]
    at: String,
    /// With tax.
    amount: String,
    amount_nano: i64,
    /// ISO 4217.
    currency: &'static str,
    status: InvoiceStatusView,
    /// Where it is as a file.
    #[schema(required, format = "uri")]
    pdf_url: Option<String>,
    /// Where it is as a page.
    #[schema(required, format = "uri")]
    hosted_url: Option<String>,
}

/// `void`: it was a mistake. `uncollectible`: it will not be paid. `other`: as the card company says.
#[derive(Serialize, ToSchema)]
#[schema(as = InvoiceStatus)]
#[serde(rename_all = "snake_case")]
enum InvoiceStatusView {
    Draft,
    Open,
    Paid,
    Void,
    Uncollectible,
    Other,
}

impl From<Invoice> for InvoiceView {
    fn from(invoice: Invoice) -> Self {
        let Invoice { external, number, at, amount, status, pdf, page } = invoice;
        Self {
            id: external.to_string(),
            number,
            at: at.to_string(),
            amount: amount.to_string(),
            amount_nano: amount.nanos(),
            currency: CURRENCY,
            status: match status {
                InvoiceStatus::Draft => InvoiceStatusView::Draft,
                InvoiceStatus::Open => InvoiceStatusView::Open,
                InvoiceStatus::Paid => InvoiceStatusView::Paid,
                InvoiceStatus::Void => InvoiceStatusView::Void,
                InvoiceStatus::Uncollectible => InvoiceStatusView::Uncollectible,
                InvoiceStatus::Other => InvoiceStatusView::Other,
            },
            pdf_url: pdf,
            hosted_url: page,
        }
    }
}

fn cashier(app: &App) -> Result<&Cashier, Problem> {
    app.cashier().ok_or(Problem::NO_PAYMENTS)
}

/// The invoices for purchases on the card company's page, newest first.
#[utoipa::path(
    get, path = "/billing/invoices", tag = TAG, operation_id = "list_invoices",
    params(PageQuery),
    responses((status = OK, body = Page<InvoiceView>)),
)]
pub(in super::super) async fn invoices(
    State(app): State<App>,
    Person(person): Person,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<InvoiceView>>, Problem> {
    let (before, limit) = PageQuery::read::<ExternalId>(query)?;
    let found = cashier(&app)?.invoices(person.account.id, (before, limit)).await;
    let Invoices { list, next } = found.map_err(|error| match error {
        CashierError::NotFound => Problem::field("cursor", "invalid_cursor"),
        other => Problem::from(other),
    })?;
    Ok(Json(Page::of(list.into_iter().map(InvoiceView::from), next.map(|last| last.to_string()))))
}

/// The cards that the card company keeps, newest first.
#[utoipa::path(
    get, path = "/billing/payment-methods", tag = TAG, operation_id = "list_payment_methods",
    responses((status = OK, body = Page<CardView>)),
)]
pub(in super::super) async fn cards(
    State(app): State<App>,
    Person(person): Person,
) -> Result<Json<Page<CardView>>, Problem> {
    let cards = cashier(&app)?.cards(person.account.id).await?;
    Ok(Json(Page::of(cards.into_iter().map(CardView::from), None)))
}

/// Lets the card company forget a card.
///
/// Needs the password within the last 24 hours. If automatic purchases charge the card, they end, and a
/// mail says so.
#[utoipa::path(
    delete, path = "/billing/payment-methods/{id}", tag = TAG, operation_id = "remove_payment_method",
    params(("id" = String, Path)),
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(in super::super) async fn remove_card(
    State(app): State<App>,
    Recent(person): Recent,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let card = id.parse().map_err(|_foreign| Problem::NOT_FOUND)?;
    cashier(&app)?.remove_card(person.account.id, &card).await?;
    Ok(StatusCode::NO_CONTENT)
}
