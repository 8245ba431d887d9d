//! The balance, what happened to it, and how credit is bought.

pub(super) mod alerts;
pub(super) mod csv;
pub(super) mod limits;
pub(super) mod quote;
pub(super) mod recharge;
mod view;
pub(super) mod wallet;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use self::view::{BalanceReportView, OpenedTopUpView, PortalView};
pub(super) use self::view::{BalanceView, TopUpView, TransactionView};
use super::extract::{Person, request_digest};
use super::me::PageQuery;
use super::problem::Problem;
use super::strict::Strict;
use super::view::Page;
use crate::account::{SignedIn, Visit};
use crate::app::App;
use crate::class::Classify;
use crate::ledger::{LedgerError, Statement, StatementPosition, StatementRequest};
use crate::money::Money;
use crate::payment::{CardUse, Cashier, OpenTopUp, TopUp, TopUpPage};

const TAG: &str = "billing";
/// Grants that are listed with the balance.
const LOTS_MAX: u32 = 100;
/// Lines of a file; what is older is in the next one.
const CSV_LINES_MAX: u32 = 10_000;

#[derive(Deserialize, ToSchema)]
#[schema(as = NewTopUp)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct TopUpBody {
    /// Decimal dollars, whole cents.
    #[schema(example = "20.00")]
    amount: String,
    /// Whether the card company keeps the card, so that it can be charged while the person is absent.
    #[serde(default)]
    save_card: bool,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewPortal)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct PortalBody {}

/// Which part of a statement, in which form.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct StatementQuery {
    /// Items on the page; not for a file.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `json` or `csv`.
    format: Option<String>,
}

/// The balance, and of what it consists.
#[utoipa::path(
    get, path = "/billing/balance", tag = TAG, operation_id = "get_balance",
    responses((status = OK, body = BalanceReportView)),
)]
pub(in super::super) async fn balance(
    State(app): State<App>,
    Person(person): Person,
) -> Result<Json<BalanceReportView>, Problem> {
    let account = person.account.id;
    let read = async {
        let balance = app.ledger().balance(account).await?;
        let grants = app.stores().grants.left(account, LOTS_MAX).await?;
        Ok(BalanceReportView::new(balance, &grants))
    };
    read.await.map(Json).map_err(|error: LedgerError| Problem::internal(&error))
}

/// What happened to the balance, newest first, with the balance after each.
///
/// Usage is told by day (UTC) and model, booked at the end of the day. As a file it has at most
/// 10,000 lines; `x-next-cursor` leads to the next one.
#[utoipa::path(
    get, path = "/billing/transactions", tag = TAG, operation_id = "list_transactions",
    params(StatementQuery),
    responses((
        status = OK,
        content((Page<TransactionView> = "application/json"), (String = "text/csv")),
    )),
)]
pub(in super::super) async fn transactions(
    State(app): State<App>,
    Person(person): Person,
    query: Result<Query<StatementQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(StatementQuery { limit, cursor, format }) =
        query.map_err(|_refused| Problem::field("query", "invalid_request"))?;
    let is_file = match format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(Problem::field("format", "invalid_format")),
    };
    let (before, limit) = PageQuery::of(limit, cursor).parse::<StatementPosition>()?;
    let limit = if is_file { CSV_LINES_MAX } else { limit };
    let request = StatementRequest { account: person.account.id, before, limit, now: app.clock().now() };
    let statement = app.stores().statements.statement(request).await;
    let Statement { lines, next } = statement.map_err(|error| Problem::internal(&error))?;
    let next = next.map(|place| place.to_string());
    let lines = lines.iter().map(TransactionView::from);
    Ok(if is_file { csv::file(lines, next) } else { Json(Page::of(lines, next)).into_response() })
}

/// The purchases of credit, newest first.
#[utoipa::path(
    get, path = "/billing/topups", tag = TAG, operation_id = "list_topups",
    params(PageQuery),
    responses((status = OK, body = Page<TopUpView>)),
)]
pub(in super::super) async fn list_top_ups(
    State(app): State<App>,
    Person(person): Person,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<TopUpView>>, Problem> {
    let (before, limit) = PageQuery::read(query)?;
    let page = TopUpPage { account: person.account.id, before, limit };
    let top_ups = app.stores().top_ups.list(page).await.map_err(|error| Problem::internal(&error))?;
    let is_full = top_ups.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = top_ups.last().filter(|_last| is_full).map(|last| last.id.to_string());
    Ok(Json(Page::of(top_ups.iter().map(TopUpView::from), next)))
}

/// Begins a purchase of credit.
///
/// The answer names the page of the card company on which it is paid. Sent again with the same
/// `Idempotency-Key`, it finds the same purchase.
#[utoipa::path(
    post, path = "/billing/topups", tag = TAG, operation_id = "open_topup",
    request_body = TopUpBody,
    params(("idempotency-key" = Option<String>, Header, max_length = 64)),
    responses((status = CREATED, body = OpenedTopUpView)),
)]
pub(in super::super) async fn open_top_up(
    State(app): State<App>,
    Person(person): Person,
    headers: HeaderMap,
    Strict(body): Strict<TopUpBody>,
) -> Result<(StatusCode, Json<OpenedTopUpView>), Problem> {
    let TopUpBody { amount, save_card } = body;
    let amount =
        amount.parse::<Money>().map_err(|_unreadable| Problem::field("/amount", "invalid_amount"))?;
    let wish = OpenTopUp {
        account: person.account.id,
        amount,
        request: request_digest(&headers)?,
        card: if save_card { CardUse::Kept } else { CardUse::Once },
        since: person.account.created_at,
    };
    let top_up = cashier(&app, &person)?.open(wish).await?;
    Ok((StatusCode::CREATED, Json(OpenedTopUpView::from(&top_up))))
}

/// How far a purchase is.
///
/// The card company is asked too, and what it says is acted on: whoever comes back from its page and
/// asks here needs to wait for nothing else.
#[utoipa::path(
    get, path = "/billing/topups/{id}", tag = TAG, operation_id = "get_topup",
    params(("id" = String, Path)),
    responses((status = OK, body = TopUpView)),
)]
pub(in super::super) async fn top_up(
    State(app): State<App>,
    Person(person): Person,
    Path(id): Path<String>,
) -> Result<Json<TopUpView>, Problem> {
    let id = id.parse().map_err(|_foreign| Problem::NOT_FOUND)?;
    let found = app.stores().top_ups.find(id).await.map_err(|error| Problem::internal(&error))?;
    let found = found.filter(|top_up| top_up.account == person.account.id).ok_or(Problem::NOT_FOUND)?;
    Ok(Json(TopUpView::from(&as_it_is_now(&app, found).await)))
}

/// Opens the pages of the card company for cards and invoices.
#[utoipa::path(
    post, path = "/billing/portal", tag = TAG, operation_id = "open_portal",
    request_body = PortalBody,
    responses((status = OK, body = PortalView)),
)]
pub(in super::super) async fn portal(
    State(app): State<App>,
    visit: Visit,
    Person(person): Person,
    Strict(PortalBody {}): Strict<PortalBody>,
) -> Result<Json<PortalView>, Problem> {
    let url = cashier(&app, &person)?.open_portal(person.account.id, visit.request).await?;
    Ok(Json(PortalView { url }))
}

/// Who sells credit, to a person whose address is confirmed.
fn cashier<'a>(app: &'a App, person: &SignedIn) -> Result<&'a Cashier, Problem> {
    if person.account.email_verified_at.is_none() {
        return Err(Problem::EMAIL_UNVERIFIED);
    }
    app.cashier().ok_or(Problem::NO_PAYMENTS)
}

/// The purchase after the card company was asked; as it is kept when that gives no answer.
async fn as_it_is_now(app: &App, top_up: TopUp) -> TopUp {
    let Some(cashier) = app.cashier().filter(|_cashier| top_up.state.is_pending()) else { return top_up };
    match cashier.fulfil(top_up.id).await {
        Ok(top_up) => top_up,
        Err(error) => {
            tracing::warn!(top_up = %top_up.id, %error, class = ?error.class(), "a purchase could not be asked about");
            top_up
        }
    }
}
