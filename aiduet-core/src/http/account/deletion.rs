//! Leaving, and changing one's mind.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{TokenBody, email};
use super::cookie;
use super::extract::{FreshlyLeaving, Leaving};
use super::problem::Problem;
use super::strict::Strict;
use crate::account::Visit;
use crate::app::App;
use crate::privacy::{Deletion, DeletionState, UnusedCredit};

const TAG: &str = "me";

#[derive(Deserialize, ToSchema)]
#[schema(as = DeletionRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct DeletionBody {
    /// The address of the account, typed once more.
    #[schema(format = Email)]
    email: String,
    /// What becomes of paid credit that is left: `refund` or `forfeit`.
    #[schema(value_type = UnusedCreditView)]
    unused_credit: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = UnusedCredit)]
#[serde(rename_all = "snake_case")]
enum UnusedCreditView {
    /// It is paid back to where it came from.
    Refund,
    /// It is given up.
    Forfeit,
}

/// The deletion of the account.
#[derive(Serialize, ToSchema)]
#[schema(as = Deletion)]
pub(super) struct DeletionView {
    /// The number of the receipt.
    id: String,
    state: DeletionStateView,
    unused_credit: UnusedCreditView,
    #[schema(format = DateTime)]
    requested_at: String,
    /// When everything is erased. Until then the deletion can be cancelled.
    #[schema(format = DateTime)]
    erase_at: String,
}

/// How far a deletion is: it can be cancelled while it waits.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletionState)]
#[serde(rename_all = "snake_case")]
enum DeletionStateView {
    Waiting,
    Erasing,
}

impl From<&Deletion> for DeletionView {
    fn from(deletion: &Deletion) -> Self {
        let Deletion { id, account: _, unused_credit, frozen_at: _, asked_at, erase_at, state } = deletion;
        Self {
            id: id.to_string(),
            state: match state {
                DeletionState::Waiting => DeletionStateView::Waiting,
                DeletionState::Erasing => DeletionStateView::Erasing,
            },
            unused_credit: match unused_credit {
                UnusedCredit::Refund => UnusedCreditView::Refund,
                UnusedCredit::Forfeit => UnusedCreditView::Forfeit,
            },
            requested_at: asked_at.to_string(),
            erase_at: erase_at.to_string(),
        }
    }
}

/// Has the account deleted.
///
/// Needs the password within the last 15 minutes. Keys stop and sessions end at once. Until `erase_at`
/// the deletion can be cancelled: with the link in the mail, or by signing in again.
#[utoipa::path(
    post, path = "/account/deletion", tag = TAG, operation_id = "delete_account",
    request_body = DeletionBody,
    responses((status = ACCEPTED, body = DeletionView)),
)]
pub(super) async fn ask(
    State(app): State<App>,
    visit: Visit,
    FreshlyLeaving(person): FreshlyLeaving,
    Strict(body): Strict<DeletionBody>,
) -> Result<Response, Problem> {
    if email(&body.email)? != person.account.email {
        return Err(Problem::field("/email", "email_mismatch"));
    }
    let choice = UnusedCredit::from_code(&body.unused_credit);
    let choice = choice.ok_or(Problem::field("/unused_credit", "invalid_unused_credit"))?;
    let deletion = app.reception().ask_deletion(&person, choice, &visit).await?;
    let mut response = (StatusCode::ACCEPTED, Json(DeletionView::from(&deletion))).into_response();
    cookie::clear(response.headers_mut());
    // Not the cookies: the device stays known.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

/// The deletion of the account, if there is one.
#[utoipa::path(
    get, path = "/account/deletion", tag = TAG, operation_id = "get_deletion",
    responses((status = OK, body = DeletionView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Leaving(person): Leaving,
) -> Result<Json<DeletionView>, Problem> {
    let deletion = app.reception().deletion(&person).await?;
    Ok(Json(DeletionView::from(&deletion.ok_or(Problem::NOT_FOUND)?)))
}

/// Keeps the account.
///
/// Its API keys stay off until they are switched on.
#[utoipa::path(
    delete, path = "/account/deletion", tag = TAG, operation_id = "cancel_deletion",
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(super) async fn cancel(
    State(app): State<App>,
    visit: Visit,
    Leaving(person): Leaving,
) -> Result<StatusCode, Problem> {
    let kept = app.reception().cancel_deletion(&person, &visit).await?;
    if kept { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::NOT_FOUND) }
}

/// Keeps the account, by the token of the mail.
///
/// Its API keys stay off until they are switched on.
#[utoipa::path(
    post, path = "/deletion/cancel", tag = "auth", operation_id = "cancel_deletion_by_link",
    security(()),
    request_body = TokenBody,
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(super) async fn cancel_by_link(
    State(app): State<App>,
    visit: Visit,
    Strict(TokenBody { token }): Strict<TokenBody>,
) -> Result<StatusCode, Problem> {
    app.reception().cancel_deletion_by_link(&token, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}
