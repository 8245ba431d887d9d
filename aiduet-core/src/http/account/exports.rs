//! Exports: everything that is kept about the person, as an archive.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Serialize;
use utoipa::ToSchema;

use super::archive::Archive;
use super::extract::{FreshlyLeaving, Leaving, is_fresh};
use super::me::PageQuery;
use super::problem::Problem;
use super::view::Page;
use crate::account::{SignedIn, Visit};
use crate::app::App;
use crate::auth::SecurityEventKind;
use crate::clock::Timestamp;
use crate::privacy::{Export, ExportState, ListExports};

const TAG: &str = "me";

/// An archive of everything that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Export)]
pub(super) struct ExportView {
    id: String,
    state: ExportStateView,
    requested_by: RequesterView,
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when it can be downloaded.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was downloaded whole.
    #[schema(required, format = DateTime)]
    downloaded_at: Option<String>,
}

/// Whether it can be downloaded: once, and in time.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportState)]
#[serde(rename_all = "snake_case")]
enum ExportStateView {
    Ready,
    Downloaded,
    Expired,
}

/// Who asked for it.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportRequester)]
#[serde(rename_all = "snake_case")]
enum RequesterView {
    Person,
    Operator,
}

impl ExportView {
    pub(super) fn of(export: &Export, now: Timestamp) -> Self {
        Self {
            id: export.id.to_string(),
            state: match export.state(now) {
                ExportState::Ready => ExportStateView::Ready,
                ExportState::Fetched => ExportStateView::Downloaded,
                ExportState::Expired => ExportStateView::Expired,
            },
            requested_by: export.session.map_or(RequesterView::Operator, |_own| RequesterView::Person),
            created_at: export.created_at.to_string(),
            expires_at: export.expires_at.to_string(),
            downloaded_at: export.fetched_at.map(|at| at.to_string()),
        }
    }
}

/// Asks for an archive of everything that is kept about you.
///
/// Needs the password within the last 15 minutes; two in a day. The archive is put together while it is
/// downloaded, and kept nowhere; a mail says that it can be.
#[utoipa::path(
    post, path = "/exports", tag = TAG, operation_id = "create_export",
    responses((status = CREATED, body = ExportView)),
)]
pub(super) async fn ask(
    State(app): State<App>,
    visit: Visit,
    FreshlyLeaving(person): FreshlyLeaving,
) -> Result<(StatusCode, Json<ExportView>), Problem> {
    let export = app.reception().ask_export(&person, &visit).await?;
    Ok((StatusCode::CREATED, Json(ExportView::of(&export, app.clock().now()))))
}

/// The archives that were asked for, newest first.
#[utoipa::path(
    get, path = "/exports", tag = TAG, operation_id = "list_exports",
    params(PageQuery),
    responses((status = OK, body = Page<ExportView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Leaving(person): Leaving,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<ExportView>>, Problem> {
    let (before, limit) = PageQuery::read(query)?;
    let request = ListExports { account: person.account.id, before, limit };
    let exports = app.stores().exports.list(request).await.map_err(|error| Problem::internal(&error))?;
    let is_full = exports.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = exports.last().filter(|_last| is_full).map(|last| last.id.to_string());
    let now = app.clock().now();
    Ok(Json(Page::of(exports.iter().map(|export| ExportView::of(export, now)), next)))
}

/// An archive.
#[utoipa::path(
    get, path = "/exports/{id}", tag = TAG, operation_id = "get_export",
    params(("id" = String, Path)),
    responses((status = OK, body = ExportView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Leaving(person): Leaving,
    Path(id): Path<String>,
) -> Result<Json<ExportView>, Problem> {
    let export = find(&app, &person, &id).await?;
    Ok(Json(ExportView::of(&export, app.clock().now())))
}

/// Downloads an archive, once.
///
/// In the session that asked for it; in another one the password must have been given within the last 15
/// minutes. A download that broke off does not count, and the archive has no directory then: a program
/// that opens it has all of it.
#[utoipa::path(
    get, path = "/exports/{id}/download", tag = TAG, operation_id = "download_export",
    params(("id" = String, Path)),
    responses((status = OK, description = "A ZIP archive; its last file, `manifest.json`, names the others.", content((String = "application/zip")))),
)]
pub(super) async fn download(
    State(app): State<App>,
    visit: Visit,
    Leaving(person): Leaving,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let export = find(&app, &person, &id).await?;
    let now = app.clock().now();
    match export.state(now) {
        ExportState::Ready => {}
        ExportState::Fetched => return Err(Problem::EXPORT_DOWNLOADED),
        ExportState::Expired => return Err(Problem::EXPORT_EXPIRED),
    }
    if export.session != Some(person.session.id) && !is_fresh(&person, now) {
        return Err(Problem::REAUTH_REQUIRED);
    }
    app.reception().record(person.account.id, SecurityEventKind::ExportFetched, &visit).await?;
    let account = Arc::clone(&person.account);
    let archive = Archive::new(app.stores().clone(), Arc::clone(app.clock()), (account, export));
    let archive = archive.with_usage_days(app.imprint().usage_days);
    let day = now.to_string().split('T').next().unwrap_or_default().to_owned();
    let disposition = format!("attachment; filename=\"aiduet-export-{day}.zip\"");
    let headers = [(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(archive.pieces())).into_response())
}

async fn find(app: &App, person: &SignedIn, id: &str) -> Result<Export, Problem> {
    let id = id.parse().map_err(|_foreign| Problem::NOT_FOUND)?;
    let found = app.stores().exports.find(person.account.id, id).await;
    found.map_err(|error| Problem::internal(&error))?.ok_or(Problem::NOT_FOUND)
}
