//! What the person agreed to, and agreeing to a newer version.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::locale;
use super::extract::Person;
use super::policies::PolicyView;
use super::problem::Problem;
use super::strict::Strict;
use crate::account::{Consent, Visit};
use crate::app::App;
use crate::notify::PolicyKind;

const TAG: &str = "me";

/// What a person agreed to.
#[derive(Serialize, ToSchema)]
#[schema(as = Consents)]
pub(super) struct ConsentList {
    data: Vec<ConsentView>,
    /// Versions in force that the person has not agreed to.
    outstanding: Vec<PolicyView>,
}

/// That a person agreed to a version of a policy.
#[derive(Serialize, ToSchema)]
#[schema(as = Consent)]
pub(super) struct ConsentView {
    kind: &'static str,
    version: String,
    /// The language in which it was shown.
    locale: &'static str,
    /// Of the text in that language, in hexadecimal.
    sha256: String,
    #[schema(format = DateTime)]
    accepted_at: String,
}

impl From<&Consent> for ConsentView {
    fn from(consent: &Consent) -> Self {
        let Consent { account: _, kind, version, locale, digest, at } = consent;
        Self {
            kind: kind.as_str(),
            version: version.clone(),
            locale: locale.as_str(),
            sha256: digest.clone(),
            accepted_at: at.to_string(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewConsent)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsentBody {
    /// `privacy` or `terms`.
    kind: String,
    /// The version in force, or one that will be.
    version: String,
    /// The language in which it was shown: `en`, `zh-CN` or `ja`; left out: that of the account.
    locale: Option<String>,
}

/// What the person agreed to, and which versions in force are missing.
#[utoipa::path(
    get, path = "/me/consents", tag = TAG, operation_id = "list_consents",
    responses((status = OK, body = ConsentList)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Person(person): Person,
) -> Result<Json<ConsentList>, Problem> {
    let agreed = app.stores().consents.list(person.account.id).await;
    let agreed = agreed.map_err(|error| Problem::internal(&error))?;
    let outstanding = app.reception().outstanding(&agreed).into_iter();
    Ok(Json(ConsentList {
        data: agreed.iter().map(ConsentView::from).collect(),
        outstanding: outstanding.map(|policy| PolicyView::of(&app, policy)).collect(),
    }))
}

/// Agrees to a version of a policy.
///
/// Agreeing again changes nothing: the first time counts.
#[utoipa::path(
    post, path = "/me/consents", tag = TAG, operation_id = "give_consent",
    request_body = ConsentBody,
    responses((status = CREATED, body = ConsentView)),
)]
pub(super) async fn give(
    State(app): State<App>,
    visit: Visit,
    Person(person): Person,
    Strict(body): Strict<ConsentBody>,
) -> Result<(StatusCode, Json<ConsentView>), Problem> {
    let ConsentBody { kind, version, locale: tag } = body;
    let kind = PolicyKind::from_code(&kind).ok_or(Problem::field("/kind", "invalid_policy"))?;
    let shown = tag.as_deref().map(locale).transpose()?.unwrap_or(person.account.locale);
    let consent = app.reception().agree(&person, (kind, &version, shown), &visit).await?;
    Ok((StatusCode::CREATED, Json(ConsentView::from(&consent))))
}
