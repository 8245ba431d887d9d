//! Policies in the hands of operators.

use axum::Json;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::super::problem::Problem;
use super::super::strict::Strict;
use super::super::view::Page;
use super::acts::{NothingBody, Operator, TAG, name_of};
use super::view::ApprovalView;
use crate::app::App;
use crate::audit::AuditAction;
use crate::clock::Timestamp;
use crate::jobs::{News, RunCause};
use crate::notify::PolicyKind;
use crate::operator::{Consent, Edition, Effect, PolicyFile, PublishWish, Published};
use crate::policy::Publication;

/// Why a version is published, and what it does to people.
#[derive(Deserialize, ToSchema)]
#[schema(as = Publish)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct PublishBody {
    /// One line; it stays for good, so name a ticket rather than a person.
    #[schema(min_length = 3, max_length = 200)]
    reason: String,
    /// Left out: `adverse`, of which people are told 30 days ahead.
    #[serde(default)]
    #[schema(value_type = Option<EffectView>, nullable = false, required = false)]
    effect: EffectView,
}

/// `harmless`: it takes nothing from anybody.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[schema(as = PolicyEffect)]
#[serde(rename_all = "snake_case")]
enum EffectView {
    #[default]
    Adverse,
    Harmless,
}

/// A version of a policy, and what became of it here.
#[derive(Serialize, ToSchema)]
#[schema(as = PolicyFile)]
pub(in super::super) struct PolicyFileView {
    kind: &'static str,
    version: &'static str,
    #[schema(format = DateTime)]
    effective_from: String,
    #[schema(required, format = DateTime)]
    published_at: Option<String>,
    #[schema(required)]
    published_by: Option<String>,
    /// How many people have been told of it.
    told: u64,
}

impl From<&PolicyFile> for PolicyFileView {
    fn from(file: &PolicyFile) -> Self {
        let PolicyFile { policy, publication, told } = file;
        Self {
            kind: policy.kind.as_str(),
            version: policy.version,
            effective_from: policy.effective_from.to_string(),
            published_at: publication.as_ref().map(|known| known.published_at.to_string()),
            published_by: publication.as_ref().map(|known| known.published_by.to_string()),
            told: *told,
        }
    }
}

/// A version that is published.
#[derive(Serialize, ToSchema)]
#[schema(as = Publication)]
pub(in super::super) struct PublicationView {
    kind: &'static str,
    version: String,
    #[schema(format = DateTime)]
    effective_from: String,
    #[schema(format = DateTime)]
    published_at: String,
    published_by: String,
}

impl From<Publication> for PublicationView {
    fn from(publication: Publication) -> Self {
        let Publication { kind, version, effective_from, texts: _, published_by, published_at } = publication;
        Self {
            kind: kind.as_str(),
            version,
            effective_from: effective_from.to_string(),
            published_at: published_at.to_string(),
            published_by: published_by.to_string(),
        }
    }
}

/// What came of a wish: what a second operator must agree to, or the publication where there is one.
#[derive(Serialize, ToSchema)]
#[schema(as = Published)]
pub(in super::super) struct PublishedView {
    #[schema(required)]
    publication: Option<PublicationView>,
    #[schema(required)]
    approval: Option<ApprovalView>,
}

impl PublishedView {
    fn of(published: Published, now: Timestamp) -> Self {
        match published {
            Published::Out(publication) => Self { publication: Some(publication.into()), approval: None },
            Published::Asked(approval) => {
                Self { publication: None, approval: Some(ApprovalView::of(&approval, now)) }
            }
        }
    }
}

/// How many people were gone through.
#[derive(Serialize, ToSchema)]
#[schema(as = Notified)]
pub(in super::super) struct NotifiedView {
    done: u64,
}

/// The versions of policies and what became of them here, of each kind the newest first.
#[utoipa::path(
    get, path = "/policies", tag = TAG, operation_id = "admin_list_policies",
    responses((status = OK, body = Page<PolicyFileView>)),
)]
pub(in super::super) async fn list_policies(
    State(app): State<App>,
    Operator(act): Operator,
) -> Result<Json<Page<PolicyFileView>>, Problem> {
    let files = app.office().policies(&act, app.policies()).await?;
    Ok(Json(Page::of(files.iter().map(PolicyFileView::from), None)))
}

/// Asks for a version of a policy to be published.
///
/// A second operator must agree. From then on every person is told of it by mail, once and in their
/// language, until it is in force. Sent again with the same `Idempotency-Key`, it is the same request.
#[utoipa::path(
    post, path = "/policies/{kind}/{version}/publish", tag = TAG, operation_id = "admin_publish_policy",
    params(
        ("kind" = String, Path), ("version" = String, Path),
        ("idempotency-key" = String, Header, max_length = 64),
    ),
    request_body = PublishBody,
    responses((status = CREATED, body = PublishedView)),
)]
pub(in super::super) async fn publish_policy(
    State(app): State<App>,
    operator: Operator,
    (Path((kind, version)), headers): (Path<(String, String)>, HeaderMap),
    Strict(PublishBody { reason, effect }): Strict<PublishBody>,
) -> Result<(StatusCode, Json<PublishedView>), Problem> {
    let kind = PolicyKind::from_code(&kind).ok_or(Problem::NOT_FOUND)?;
    let effect = match effect {
        EffectView::Adverse => Effect::Adverse,
        EffectView::Harmless => Effect::Harmless,
    };
    let act = operator.because(&reason)?;
    let name = name_of(&act.actor, &headers)?;
    let edition = Edition { kind, version, effect };
    let wish = PublishWish { edition, name, consent: Consent::Usual };
    let published = app.office().publish(&act, app.policies(), wish).await?;
    Ok((StatusCode::CREATED, Json(PublishedView::of(published, app.clock().now()))))
}

/// Writes to the next people at once.
///
/// The server does so every minute by itself, ten people a second.
#[utoipa::path(
    post, path = "/policies/notify", tag = TAG, operation_id = "admin_notify_policies",
    request_body = NothingBody,
    responses((status = OK, body = NotifiedView)),
)]
pub(in super::super) async fn notify_policies(
    State(app): State<App>,
    Operator(act): Operator,
    Strict(NothingBody {}): Strict<NothingBody>,
) -> Result<Json<NotifiedView>, Problem> {
    app.office().record(&act, AuditAction::PolicyNotified, None).await?;
    let job = app.jobs().find(News::NAME).ok_or(Problem::NOT_FOUND)?;
    let run = app.jobs().run(job.as_ref(), RunCause::Request, &CancellationToken::new()).await;
    let run = run.map_err(|error| Problem::internal(&error))?.ok_or(Problem::BUSY)?;
    if let Some(error) = run.error {
        return Err(Problem::internal(&error));
    }
    Ok(Json(NotifiedView { done: run.done }))
}
