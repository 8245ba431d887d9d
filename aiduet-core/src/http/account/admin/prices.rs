//! Prices in the hands of operators.

use axum::Json;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::super::problem::{Explained, Problem};
use super::super::strict::{SHEET_BYTES_MAX, Strict};
use super::super::view::Page;
use super::acts::{Operator, TAG, name_of};
use super::view::ApprovalView;
use crate::app::App;
use crate::clock::Timestamp;
use crate::operator::{
    Consent, PriceDecided, PriceDecision, PriceFile, PriceReview, PriceState, PriceStep, PriceWish,
};
use crate::price::{EditionMark, PriceDifference, PriceEdition, PricePublication, PriceVersion};

/// A sheet of prices, in the format of the one that comes with the program.
#[derive(Deserialize, ToSchema)]
#[schema(as = PriceDraft)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct DraftBody {
    /// At most 1 MiB. `effective_from` is its day and its version.
    #[schema(value_type = Object)]
    sheet: Box<RawValue>,
    /// One line; it stays for good, so name a ticket rather than a person.
    #[schema(min_length = 3, max_length = 200)]
    reason: String,
}

/// What is to become of a sheet that somebody has read.
#[derive(Deserialize, ToSchema)]
#[schema(as = PriceDecision)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct DecisionBody {
    /// Of the text of the sheet, in hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    sha256: String,
    /// One line; it stays for good, so name a ticket rather than a person.
    #[schema(min_length = 3, max_length = 200)]
    reason: String,
}

/// A sheet of prices, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = PriceSheetFile)]
pub(in super::super) struct PriceFileView {
    /// The day of the sheet as a number, as on receipts.
    version: u32,
    /// Of its text, in hexadecimal.
    sha256: String,
    state: PriceStateView,
    /// Its day.
    #[schema(format = DateTime)]
    effective_from: String,
    /// From when it counts: its day, but no sooner than a minute after it was published.
    #[schema(required, format = DateTime)]
    in_force_from: Option<String>,
    drafted_by: String,
    #[schema(format = DateTime)]
    drafted_at: String,
    #[schema(required)]
    published_by: Option<String>,
    #[schema(required, format = DateTime)]
    published_at: Option<String>,
    #[schema(required)]
    withdrawn_by: Option<String>,
    #[schema(required, format = DateTime)]
    withdrawn_at: Option<String>,
}

/// `upcoming`: it was published. `replaced`: it was in force before another one.
#[derive(Serialize, ToSchema)]
#[schema(as = PriceSheetState)]
#[serde(rename_all = "snake_case")]
enum PriceStateView {
    Draft,
    Upcoming,
    InForce,
    Replaced,
    Withdrawn,
}

impl From<PriceState> for PriceStateView {
    fn from(state: PriceState) -> Self {
        match state {
            PriceState::Draft => Self::Draft,
            PriceState::Upcoming => Self::Upcoming,
            PriceState::InForce => Self::InForce,
            PriceState::Replaced => Self::Replaced,
            PriceState::Withdrawn => Self::Withdrawn,
        }
    }
}

impl From<&PriceFile> for PriceFileView {
    fn from(file: &PriceFile) -> Self {
        let PriceFile { edition, state } = file;
        let PriceEdition { version, digest, effective_from, drafted, published, withdrawn } = edition;
        let by = |mark: &EditionMark| mark.by.to_string();
        let at = |mark: &EditionMark| mark.at.to_string();
        let mark = |publication: &PricePublication| publication.mark.clone();
        let published_mark = published.as_ref().map(mark);
        Self {
            version: version.0,
            sha256: digest.to_string(),
            state: (*state).into(),
            effective_from: effective_from.to_string(),
            in_force_from: published.as_ref().map(|publication| publication.in_force_from.to_string()),
            drafted_by: by(drafted),
            drafted_at: at(drafted),
            published_by: published_mark.as_ref().map(by),
            published_at: published_mark.as_ref().map(at),
            withdrawn_by: withdrawn.as_ref().map(by),
            withdrawn_at: withdrawn.as_ref().map(at),
        }
    }
}

/// A sheet of prices beside the one that is in force.
#[derive(Serialize, ToSchema)]
#[schema(as = PriceReview)]
pub(in super::super) struct PriceReviewView {
    file: PriceFileView,
    /// What it says.
    #[schema(value_type = Object)]
    sheet: Box<RawValue>,
    /// How many people have been told of it.
    told: u64,
    differences: Vec<DifferenceView>,
}

/// A price that the sheet in force does not have, or has otherwise.
#[derive(Serialize, ToSchema)]
#[schema(as = PriceDifference)]
struct DifferenceView {
    /// A name under which the model is sold.
    model: String,
    /// A token class, `web_search` or a multiplier; for example `output`, `batch.input`,
    /// `input_above_200000`.
    class: String,
    /// As sheets write it: USD per million tokens, USD per thousand searches, or a factor.
    #[schema(required)]
    old: Option<String>,
    /// As sheets write it.
    #[schema(required)]
    new: Option<String>,
}

impl From<&PriceDifference> for DifferenceView {
    fn from(difference: &PriceDifference) -> Self {
        let PriceDifference { model, class, old, new } = difference;
        Self {
            model: model.to_string(),
            class: class.clone(),
            old: old.map(|price| price.to_string()),
            new: new.map(|price| price.to_string()),
        }
    }
}

impl PriceReviewView {
    fn of(review: PriceReview) -> Result<Self, Problem> {
        let PriceReview { file, text, told, differences } = review;
        Ok(Self {
            file: PriceFileView::from(&file),
            sheet: RawValue::from_string(text).map_err(|_no_json| Problem::INVALID_SHEET)?,
            told,
            differences: differences.iter().map(DifferenceView::from).collect(),
        })
    }
}

/// What came of a wish: what a second operator must agree to, or when it was done.
#[derive(Serialize, ToSchema)]
#[schema(as = PriceDecided)]
pub(in super::super) struct PriceDecidedView {
    #[schema(required, format = DateTime)]
    done_at: Option<String>,
    #[schema(required)]
    approval: Option<ApprovalView>,
}

impl PriceDecidedView {
    fn of(decided: PriceDecided, now: Timestamp) -> Self {
        match decided {
            PriceDecided::Done(edition) => {
                let published = edition.published.map(|publication| publication.mark);
                let done_at = edition.withdrawn.or(published).map(|mark| mark.at.to_string());
                Self { done_at, approval: None }
            }
            PriceDecided::Asked(approval) => {
                Self { done_at: None, approval: Some(ApprovalView::of(&approval, now)) }
            }
        }
    }
}

/// The sheets of prices and what became of them, the latest first.
#[utoipa::path(
    get, path = "/prices", tag = TAG, operation_id = "admin_list_prices",
    responses((status = OK, body = Page<PriceFileView>)),
)]
pub(in super::super) async fn list_prices(
    State(app): State<App>,
    Operator(act): Operator,
) -> Result<Json<Page<PriceFileView>>, Problem> {
    let files = app.office().prices(&act).await?;
    Ok(Json(Page::of(files.iter().map(PriceFileView::from), None)))
}

/// Drafts a sheet of prices.
///
/// In place of an earlier draft of the same day. It changes no price; the answer says what it would change
/// against the sheet in force.
#[utoipa::path(
    post, path = "/prices", tag = TAG, operation_id = "admin_draft_prices",
    request_body = DraftBody,
    responses((status = CREATED, body = PriceReviewView)),
)]
pub(in super::super) async fn draft_prices(
    State(app): State<App>,
    operator: Operator,
    Strict(DraftBody { sheet, reason }): Strict<DraftBody, SHEET_BYTES_MAX>,
) -> Result<(StatusCode, Json<PriceReviewView>), Explained> {
    let act = operator.because(&reason)?;
    if !sheet.get().starts_with('{') {
        return Err(Problem::INVALID_SHEET.into());
    }
    let review = app.office().draft_prices(&act, sheet.get().to_owned()).await?;
    Ok((StatusCode::CREATED, Json(PriceReviewView::of(review)?)))
}

/// A sheet of prices, and what it changes against the one in force.
#[utoipa::path(
    get, path = "/prices/{version}", tag = TAG, operation_id = "admin_get_prices",
    params(("version" = String, Path)),
    responses((status = OK, body = PriceReviewView)),
)]
pub(in super::super) async fn show_prices(
    State(app): State<App>,
    Operator(act): Operator,
    Path(version): Path<String>,
) -> Result<Json<PriceReviewView>, Explained> {
    let review = app.office().view_prices(&act, version_of(&version)?).await?;
    Ok(Json(PriceReviewView::of(review)?))
}

/// Asks for a sheet of prices to be published.
///
/// A second operator must agree, to the same text. The sheet counts from its day, but no sooner than a
/// minute after that. If a price rises, or a model or a price goes, that must be 30 days ahead: people are
/// told of it by mail. Sent again with the same `Idempotency-Key`, it is the same request.
#[utoipa::path(
    post, path = "/prices/{version}/publish", tag = TAG, operation_id = "admin_publish_prices",
    params(("version" = String, Path), ("idempotency-key" = String, Header, max_length = 64)),
    request_body = DecisionBody,
    responses((status = CREATED, body = PriceDecidedView)),
)]
pub(in super::super) async fn publish_prices(
    State(app): State<App>,
    operator: Operator,
    (Path(version), headers): (Path<String>, HeaderMap),
    Strict(body): Strict<DecisionBody>,
) -> Result<(StatusCode, Json<PriceDecidedView>), Explained> {
    decide(&app, operator, (PriceStep::Publish, &version, &headers, body)).await
}

/// Asks for a sheet of prices to be withdrawn that was published.
///
/// A second operator must agree. Only the sheet that was published last can be withdrawn, until a minute
/// before it counts. Sent again with the same `Idempotency-Key`, it is the same request.
#[utoipa::path(
    post, path = "/prices/{version}/withdraw", tag = TAG, operation_id = "admin_withdraw_prices",
    params(("version" = String, Path), ("idempotency-key" = String, Header, max_length = 64)),
    request_body = DecisionBody,
    responses((status = CREATED, body = PriceDecidedView)),
)]
pub(in super::super) async fn withdraw_prices(
    State(app): State<App>,
    operator: Operator,
    (Path(version), headers): (Path<String>, HeaderMap),
    Strict(body): Strict<DecisionBody>,
) -> Result<(StatusCode, Json<PriceDecidedView>), Explained> {
    decide(&app, operator, (PriceStep::Withdraw, &version, &headers, body)).await
}

async fn decide(
    app: &App,
    operator: Operator,
    (step, version, headers, body): (PriceStep, &str, &HeaderMap, DecisionBody),
) -> Result<(StatusCode, Json<PriceDecidedView>), Explained> {
    let DecisionBody { sha256, reason } = body;
    let version = version_of(version)?;
    let digest = sha256.parse().map_err(|_invalid| Problem::field("/sha256", "invalid_digest"))?;
    let act = operator.because(&reason)?;
    let name = name_of(&act.actor, headers)?;
    let decision = PriceDecision { step, version, digest };
    let wish = PriceWish { decision, name, consent: Consent::Usual };
    let decided = app.office().decide_prices(&act, wish).await?;
    Ok((StatusCode::CREATED, Json(PriceDecidedView::of(decided, app.clock().now()))))
}

/// A version as it is written on receipts.
fn version_of(text: &str) -> Result<PriceVersion, Problem> {
    let version = text.parse::<u32>().ok().filter(|version| version.to_string() == text);
    version.map(PriceVersion).ok_or(Problem::NOT_FOUND)
}
