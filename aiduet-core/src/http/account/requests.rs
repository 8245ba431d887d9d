//! The log of requests, and the receipt of each.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::export::Table;
use super::extract::Person;
use super::problem::Problem;
use super::receipt_view::ReceiptView;
use super::usage_query::{Asks, Least, LogExportQuery, LogQuery, Place};
use super::usage_view::{KeyNames, REQUEST_COLUMNS, RequestRow, RequestView};
use super::view::Page;
use crate::app::App;
use crate::id::{AccountId, RequestId};
use crate::keys::ListKeys;
use crate::ledger::{LedgerError, ListLog, LogPage, UsageReader};

const TAG: &str = "usage";
/// Records that are read at a time for a file.
const EXPORT_PAGE: u32 = 500;
/// Keys whose names are looked up.
const KEYS_PAGE: u32 = 100;
const KEYS_PAGES_MAX: usize = 20;

/// The requests, newest first.
///
/// A page may have fewer items than `limit`, or none, although there are more: go on while there
/// is a `next_cursor`.
#[utoipa::path(
    get, path = "/requests", tag = TAG, operation_id = "list_requests",
    params(LogQuery),
    responses((status = OK, body = Page<RequestView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Person(person): Person,
    query: Asks<LogQuery>,
) -> Result<Json<Page<RequestView>>, Problem> {
    let (scope, Least { cost, duration }, Place { before, limit }) =
        LogQuery::read(query, app.clock().now())?;
    let range = scope.log_range();
    let account = person.account.id;
    let filter = scope.filter;
    let request = ListLog {
        account,
        from: range.from,
        to: range.to,
        filter,
        cost_min: cost,
        duration_min: duration,
        before,
        limit,
    };
    let LogPage { records, next } = app.usage().page(request).await.map_err(|error| broken(&error))?;
    let names = key_names(&app, account).await?;
    let data = records.iter().map(|record| RequestView::of(record, &names));
    Ok(Json(Page::of(data, next.map(|next| next.to_string()))))
}

/// A request with its bill.
#[utoipa::path(
    get, path = "/requests/{id}", tag = TAG, operation_id = "get_request",
    params(("id" = String, Path)),
    responses((status = OK, body = ReceiptView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Person(person): Person,
    Path(id): Path<String>,
) -> Result<Json<ReceiptView>, Problem> {
    let id: RequestId = id.parse().map_err(|_foreign| Problem::NOT_FOUND)?;
    let account = person.account.id;
    let found = app.requests().find(account, id).await.map_err(|error| broken(&error))?;
    let record = found.ok_or(Problem::NOT_FOUND)?;
    Ok(Json(ReceiptView::of(&record, &key_names(&app, account).await?)))
}

/// The requests as a file, newest first.
#[utoipa::path(
    get, path = "/requests/export", tag = TAG, operation_id = "export_requests",
    params(LogExportQuery),
    responses((status = OK, description = "A file.", content((String = "text/csv"), (String = "application/x-ndjson")))),
)]
pub(super) async fn export(
    State(app): State<App>,
    Person(person): Person,
    query: Asks<LogExportQuery>,
) -> Result<Response, Problem> {
    let (scope, Least { cost, duration }, format) = LogExportQuery::read(query, app.clock().now())?;
    let range = scope.log_range();
    let account = person.account.id;
    let first = ListLog {
        account,
        from: range.from,
        to: range.to,
        filter: scope.filter.clone(),
        cost_min: cost,
        duration_min: duration,
        before: None,
        limit: EXPORT_PAGE,
    };
    let names = key_names(&app, account).await?;
    let table = Table { format, columns: &REQUEST_COLUMNS };
    let zone = scope.zone.clone();
    let head = stream::iter([Ok(Bytes::from(table.head()))]);
    let pages = pages(Arc::clone(app.usage()), first).map_ok(move |page| {
        let rows = page.records.iter().map(|record| table.row(&RequestRow::of(record, &names, &zone)));
        Bytes::from(rows.collect::<String>())
    });
    table.answer("requests", (range, &scope.zone), head.chain(pages))
}

/// Every page, one after the other, as fast as the client takes them.
fn pages(
    reader: Arc<dyn UsageReader>,
    first: ListLog,
) -> impl futures_util::Stream<Item = io::Result<LogPage>> + Send {
    stream::try_unfold(Some((reader, first)), async |state| {
        let Some((reader, request)) = state else { return Ok(None) };
        let page = reader.page(request.clone()).await.map_err(|error| {
            tracing::warn!(%error, "a file of requests breaks off");
            io::Error::other("the ledger is not available")
        })?;
        let next = page.next.map(|next| (reader, ListLog { before: Some(next), ..request }));
        Ok(Some((page, next)))
    })
}

/// The names of the keys of an account, also of those that were revoked.
pub(super) async fn key_names(app: &App, account: AccountId) -> Result<KeyNames, Problem> {
    let mut names = KeyNames::new();
    let mut before = None;
    for _page in 0..KEYS_PAGES_MAX {
        let request = ListKeys { account, before, limit: KEYS_PAGE };
        let keys = app.keys().list(request).await.map_err(|error| Problem::internal(&error))?;
        before = keys.last().map(|last| last.id);
        let is_full = keys.len() >= usize::try_from(KEYS_PAGE).unwrap_or(usize::MAX);
        names.extend(keys.iter().map(|key| (key.id, key.name.clone())));
        if !is_full {
            break;
        }
    }
    Ok(names)
}

pub(super) fn broken(error: &LedgerError) -> Problem {
    Problem::internal(error)
}
