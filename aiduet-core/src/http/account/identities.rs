//! Accounts elsewhere by which a person signs in.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Fresh, Person};
use super::problem::Problem;
use super::view::Page;
use crate::account::Visit;
use crate::app::App;
use crate::auth::Identity;
use crate::id::IdentityId;

const TAG: &str = "me";

/// An account elsewhere by which the person signs in.
#[derive(Serialize, ToSchema)]
#[schema(as = Identity)]
pub(super) struct IdentityView {
    id: String,
    /// Who vouches, for example `https://accounts.google.com`.
    issuer: String,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&Identity> for IdentityView {
    fn from(identity: &Identity) -> Self {
        Self {
            id: identity.id.to_string(),
            issuer: identity.issuer.clone(),
            created_at: identity.created_at.to_string(),
        }
    }
}

/// By which accounts elsewhere the person signs in, oldest first.
#[utoipa::path(
    get, path = "/me/identities", tag = TAG, operation_id = "list_identities",
    responses((status = OK, body = Page<IdentityView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Person(person): Person,
) -> Result<Json<Page<IdentityView>>, Problem> {
    let identities = app.reception().identities(&person).await?;
    Ok(Json(Page::of(identities.iter().map(IdentityView::from), None)))
}

/// Stops signing in by an account elsewhere.
///
/// Needs a sign-in within the last 15 minutes, and a password that stays; ends all other sessions.
#[utoipa::path(
    delete, path = "/me/identities/{id}", tag = TAG, operation_id = "unlink_identity",
    params(("id" = String, Path)),
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(super) async fn unlink(
    State(app): State<App>,
    visit: Visit,
    Fresh(person): Fresh,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: IdentityId = id.parse().map_err(|_foreign| Problem::NOT_FOUND)?;
    app.reception().unlink(&person, id, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}
