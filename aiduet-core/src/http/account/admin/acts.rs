//! The handlers.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::super::auth::email;
use super::super::extract::{Fresh, Person, request_digest};
use super::super::keys::moment;
use super::super::me::PageQuery;
use super::super::problem::{Explained, Problem};
use super::super::strict::Strict;
use super::super::view::{AccountView, Page};
use super::view::{
    AccountFileView, ApprovalView, AuditCheckView, AuditedView, CreditedView, LedgerCheckView, UpstreamView,
};
use crate::account::{AccountState, Role, Visit};
use crate::app::App;
use crate::audit::{AuditAction, AuditActor, AuditReason, AuditSearch};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApprovalId};
use crate::money::Money;
use crate::operator::{Act, ApprovalPage, Consent, CreditWish, EraseWish, Erased};

pub(super) const TAG: &str = "admin";
const REASON: &str = "x-audit-reason";

/// An operator who gave the password within the last 15 minutes, and why this one acts.
pub(in super::super) struct Operator(pub(super) Act);

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Person(person) = Person::from_request_parts(parts, app).await?;
        match (person.account.role, person.account.state) {
            (Role::Operator, AccountState::Active) => {}
            (Role::User | Role::Operator, _) => return Err(Problem::NOT_FOUND),
        }
        Fresh::check(&person, app)?;
        let Ok(visit) = Visit::from_request_parts(parts, app).await;
        let actor = AuditActor::Operator(person.account.id);
        Ok(Self(Act { actor, reason: said(&parts.headers)?, request: Some(visit.request) }))
    }
}

/// The reason in the header, where characters outside ASCII are percent-encoded UTF-8.
fn said(headers: &HeaderMap) -> Result<Option<AuditReason>, Problem> {
    let invalid = || Problem::field("x-audit-reason", "invalid_reason");
    let Some(value) = headers.get(REASON) else { return Ok(None) };
    let text = value.to_str().map_err(|_foreign| invalid())?;
    let text = percent_decode_str(text).decode_utf8().map_err(|_foreign| invalid())?;
    text.parse().map(Some).map_err(|_invalid| invalid())
}

impl Operator {
    /// With the reason of a body.
    pub(super) fn because(self, reason: &str) -> Result<Act, Problem> {
        let reason = reason.parse().map_err(|_invalid| Problem::field("/reason", "invalid_reason"))?;
        Ok(Act { reason: Some(reason), ..self.0 })
    }
}

/// Why, for the audit log.
#[derive(Deserialize, ToSchema)]
#[schema(as = Reason)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ReasonBody {
    /// One line; it stays for good, so name a ticket rather than a person.
    #[schema(min_length = 3, max_length = 200)]
    reason: String,
}

/// Credit to grant.
#[derive(Deserialize, ToSchema)]
#[schema(as = Credit)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct CreditBody {
    /// In USD.
    #[schema(example = "5.00")]
    amount: String,
    /// When what is left of it lapses; left out: never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// One line; it stays for good, so name a ticket rather than a person.
    #[schema(min_length = 3, max_length = 200)]
    reason: String,
}

/// Which accounts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct AccountsQuery {
    /// Only the account with this address.
    email: Option<String>,
    /// Items on the page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which entries of the audit log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct AuditQuery {
    /// Only what this one did: an account, `host:` and a user of the operating system, or `system`.
    actor: Option<String>,
    /// Only this kind of action.
    action: Option<String>,
    /// Only what was done to this one, or refers to it: an identifier.
    subject: Option<String>,
    /// Only from this moment on.
    since: Option<String>,
    /// Only before this moment.
    until: Option<String>,
    /// Items on the page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A head that was kept.
#[derive(Deserialize, ToSchema)]
#[schema(as = AuditHead)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct HeadBody {
    /// `head` of an earlier check.
    head: Option<String>,
}

/// Nothing.
#[derive(Deserialize, ToSchema)]
#[schema(as = Nothing)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NothingBody {}

/// Accounts, newest first, or the one with an address.
#[utoipa::path(
    get, path = "/accounts", tag = TAG, operation_id = "admin_list_accounts",
    params(AccountsQuery, ("x-audit-reason" = String, Header, min_length = 3, max_length = 200)),
    responses((status = OK, body = Page<AccountView>)),
)]
pub(in super::super) async fn list_accounts(
    State(app): State<App>,
    Operator(act): Operator,
    query: Result<Query<AccountsQuery>, QueryRejection>,
) -> Result<Json<Page<AccountView>>, Problem> {
    let Query(query) = query.map_err(|_refused| Problem::field("query", "invalid_request"))?;
    let AccountsQuery { email: address, limit, cursor } = query;
    let (before, limit) = PageQuery::of(limit, cursor).parse::<AccountId>()?;
    let Some(address) = address else {
        let accounts = app.office().list(&act, before, limit).await?;
        let is_full = accounts.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        let next = accounts.last().filter(|_last| is_full).map(|last| last.id.to_string());
        return Ok(Json(Page::of(accounts.iter().map(|account| AccountView::from(&**account)), next)));
    };
    let found = app.office().search(&act, &email(&address)?).await?;
    Ok(Json(Page::of(found.iter().map(|account| AccountView::from(&**account)), None)))
}

/// The page of an account.
///
/// It tells no key and no request. That it was read is in the audit log.
#[utoipa::path(
    get, path = "/accounts/{id}", tag = TAG, operation_id = "admin_get_account",
    params(("id" = String, Path), ("x-audit-reason" = String, Header, min_length = 3, max_length = 200)),
    responses((status = OK, body = AccountFileView)),
)]
pub(in super::super) async fn show_account(
    State(app): State<App>,
    Operator(act): Operator,
    Path(id): Path<String>,
) -> Result<Json<AccountFileView>, Problem> {
    let file = app.office().view(&act, identifier(&id)?).await?;
    Ok(Json(AccountFileView::of(&file)))
}

/// Suspends an account.
///
/// From now on its keys open nothing and its sessions are over. The person can sign in again to read,
/// export and delete.
#[utoipa::path(
    post, path = "/accounts/{id}/suspend", tag = TAG, operation_id = "admin_suspend_account",
    params(("id" = String, Path)),
    request_body = ReasonBody,
    responses((status = OK, body = AccountView)),
)]
pub(in super::super) async fn suspend(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<String>,
    Strict(ReasonBody { reason }): Strict<ReasonBody>,
) -> Result<Json<AccountView>, Problem> {
    let account = app.office().suspend(&operator.because(&reason)?, identifier(&id)?).await?;
    Ok(Json(AccountView::from(&*account)))
}

/// Lets a suspended account go on.
#[utoipa::path(
    post, path = "/accounts/{id}/restore", tag = TAG, operation_id = "admin_restore_account",
    params(("id" = String, Path)),
    request_body = ReasonBody,
    responses((status = OK, body = AccountView)),
)]
pub(in super::super) async fn restore(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<String>,
    Strict(ReasonBody { reason }): Strict<ReasonBody>,
) -> Result<Json<AccountView>, Problem> {
    let account = app.office().restore(&operator.because(&reason)?, identifier(&id)?).await?;
    Ok(Json(AccountView::from(&*account)))
}

/// Grants credit.
///
/// Above 100 USD within a day for one account it is asked for only: a second operator must agree. Sent
/// again with the same `Idempotency-Key`, it is the same grant.
#[utoipa::path(
    post, path = "/accounts/{id}/credit", tag = TAG, operation_id = "admin_credit_account",
    params(("id" = String, Path), ("idempotency-key" = String, Header, max_length = 64)),
    request_body = CreditBody,
    responses((status = CREATED, body = CreditedView)),
)]
pub(in super::super) async fn credit(
    State(app): State<App>,
    operator: Operator,
    (Path(id), headers): (Path<String>, HeaderMap),
    Strict(body): Strict<CreditBody>,
) -> Result<(StatusCode, Json<CreditedView>), Problem> {
    let CreditBody { amount, expires_at, reason } = body;
    let amount = dollars(&amount)?;
    let now = app.clock().now();
    let expires_at = expires_at.as_deref().map(|text| moment(text, now)).transpose()?;
    let act = operator.because(&reason)?;
    let name = name_of(&act.actor, &headers)?;
    let account = identifier(&id)?;
    let wish = CreditWish { account, amount, expires_at, name, consent: Consent::Usual };
    let credited = app.office().credit(&act, wish).await?;
    Ok((StatusCode::CREATED, Json(CreditedView::of(&credited, now))))
}

/// Asks for an account to be erased.
///
/// A second operator must agree; before that nothing happens to the account. Then its keys open nothing,
/// its sessions are over, and everything about it is erased as when its owner leaves, at once instead of
/// after some days. Sent again with the same `Idempotency-Key`, it is the same request.
#[utoipa::path(
    post, path = "/accounts/{id}/erase", tag = TAG, operation_id = "admin_erase_account",
    params(("id" = String, Path), ("idempotency-key" = String, Header, max_length = 64)),
    request_body = ReasonBody,
    responses((status = CREATED, body = ApprovalView)),
)]
pub(in super::super) async fn erase(
    State(app): State<App>,
    operator: Operator,
    (Path(id), headers): (Path<String>, HeaderMap),
    Strict(ReasonBody { reason }): Strict<ReasonBody>,
) -> Result<(StatusCode, Json<ApprovalView>), Problem> {
    let act = operator.because(&reason)?;
    let name = name_of(&act.actor, &headers)?;
    let wish = EraseWish { account: identifier(&id)?, name, consent: Consent::Usual };
    match app.office().erase(&act, wish).await? {
        Erased::Asked(approval) => {
            Ok((StatusCode::CREATED, Json(ApprovalView::of(&approval, app.clock().now()))))
        }
        // Nobody breaks the glass here.
        Erased::Ordered(_deletion) => Err(Problem::NOT_FOUND),
    }
}

/// What waits for a second operator and what came of it, newest first.
#[utoipa::path(
    get, path = "/approvals", tag = TAG, operation_id = "admin_list_approvals",
    params(PageQuery),
    responses((status = OK, body = Page<ApprovalView>)),
)]
pub(in super::super) async fn list_approvals(
    State(app): State<App>,
    Operator(act): Operator,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page<ApprovalView>>, Problem> {
    let (before, limit) = PageQuery::read::<ApprovalId>(query)?;
    let approvals = app.office().approvals(&act, ApprovalPage { before, limit }).await?;
    let is_full = approvals.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = approvals.last().filter(|_last| is_full).map(|last| last.id.to_string());
    let now = app.clock().now();
    Ok(Json(Page::of(approvals.iter().map(|approval| ApprovalView::of(approval, now)), next)))
}

/// Grants what another operator asked for, and does it.
#[utoipa::path(
    post, path = "/approvals/{id}/grant", tag = TAG, operation_id = "admin_grant_approval",
    params(("id" = String, Path)),
    request_body = NothingBody,
    responses((status = OK, body = ApprovalView)),
)]
pub(in super::super) async fn grant_approval(
    State(app): State<App>,
    Operator(act): Operator,
    Path(id): Path<String>,
    Strict(NothingBody {}): Strict<NothingBody>,
) -> Result<Json<ApprovalView>, Explained> {
    let granted = app.office().approve(&act, app.policies(), identifier(&id)?).await?;
    Ok(Json(ApprovalView::of(&granted, app.clock().now())))
}

/// Refuses what another operator asked for, or takes back what the same one did.
#[utoipa::path(
    post, path = "/approvals/{id}/refuse", tag = TAG, operation_id = "admin_refuse_approval",
    params(("id" = String, Path)),
    request_body = ReasonBody,
    responses((status = OK, body = ApprovalView)),
)]
pub(in super::super) async fn refuse_approval(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<String>,
    Strict(ReasonBody { reason }): Strict<ReasonBody>,
) -> Result<Json<ApprovalView>, Problem> {
    let refused = app.office().refuse(&operator.because(&reason)?, identifier(&id)?).await?;
    Ok(Json(ApprovalView::of(&refused, app.clock().now())))
}

/// How the upstreams are doing, as this process sees them.
#[utoipa::path(
    get, path = "/upstreams", tag = TAG, operation_id = "admin_list_upstreams",
    responses((status = OK, body = Page<UpstreamView>)),
)]
pub(in super::super) async fn list_upstreams(
    State(app): State<App>,
    Operator(act): Operator,
) -> Result<Json<Page<UpstreamView>>, Problem> {
    app.office().record(&act, AuditAction::UpstreamsViewed, None).await?;
    Ok(Json(Page::of(app.gateway().health().iter().map(UpstreamView::from), None)))
}

/// Checks the books.
#[utoipa::path(
    post, path = "/ledger/verify", tag = TAG, operation_id = "admin_verify_ledger",
    request_body = NothingBody,
    responses((status = OK, body = LedgerCheckView)),
)]
pub(in super::super) async fn verify_ledger(
    State(app): State<App>,
    Operator(act): Operator,
    Strict(NothingBody {}): Strict<NothingBody>,
) -> Result<Json<LedgerCheckView>, Problem> {
    let violations = app.office().verify_ledger(&act).await?;
    Ok(Json(LedgerCheckView::of(&violations)))
}

/// What operators did, newest first.
#[utoipa::path(
    get, path = "/audit", tag = TAG, operation_id = "admin_search_audit",
    params(AuditQuery),
    responses((status = OK, body = Page<AuditedView>)),
)]
pub(in super::super) async fn search_audit(
    State(app): State<App>,
    Operator(act): Operator,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Json<Page<AuditedView>>, Problem> {
    let Query(query) = query.map_err(|_refused| Problem::field("query", "invalid_request"))?;
    let AuditQuery { actor, action, subject, since, until, limit, cursor } = query;
    let (before, limit) = PageQuery::of(limit, cursor).parse()?;
    let action = action.map(|code| AuditAction::from_code(&code).ok_or(())).transpose();
    let search = AuditSearch {
        actor: parsed(actor).map_err(|()| Problem::field("actor", "invalid_filter"))?,
        action: action.map_err(|()| Problem::field("action", "invalid_filter"))?,
        subject: parsed(subject).map_err(|()| Problem::field("subject", "invalid_filter"))?,
        since: at(since).map_err(|()| Problem::field("since", "invalid_filter"))?,
        until: at(until).map_err(|()| Problem::field("until", "invalid_filter"))?,
        before,
        limit,
    };
    let found = app.office().search_audit(&act, search).await?;
    let is_full = found.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_last| is_full).map(|last| last.sequence.to_string());
    Ok(Json(Page::of(found.iter().map(AuditedView::from), next)))
}

/// Checks the audit log.
///
/// Against the `head` of an earlier check it shows also whether the end was cut off.
#[utoipa::path(
    post, path = "/audit/verify", tag = TAG, operation_id = "admin_verify_audit",
    request_body = HeadBody,
    responses((status = OK, body = AuditCheckView)),
)]
pub(in super::super) async fn verify_audit(
    State(app): State<App>,
    Operator(act): Operator,
    Strict(HeadBody { head }): Strict<HeadBody>,
) -> Result<Json<AuditCheckView>, Problem> {
    let head = parsed(head).map_err(|()| Problem::field("/head", "invalid_head"))?;
    let check = app.office().verify_audit(&act, head).await?;
    Ok(Json(AuditCheckView::of(&check)))
}

pub(super) fn dollars(text: &str) -> Result<Money, Problem> {
    text.parse().map_err(|_unreadable| Problem::field("/amount", "invalid_amount"))
}

pub(super) fn identifier<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_foreign| Problem::NOT_FOUND)
}

fn parsed<T: std::str::FromStr>(text: Option<String>) -> Result<Option<T>, ()> {
    text.map(|text| text.parse()).transpose().map_err(|_foreign| ())
}

fn at(text: Option<String>) -> Result<Option<Timestamp>, ()> {
    let moment = parsed::<jiff::Timestamp>(text)?;
    Ok(moment.map(|moment| Timestamp::from_millis(moment.as_millisecond())))
}

/// What something that is done once is called: the same for the same `Idempotency-Key` of the same
/// operator. Two operators do not share names of requests.
pub(super) fn name_of(actor: &AuditActor, headers: &HeaderMap) -> Result<String, Problem> {
    use sha2::{Digest, Sha256};
    let request = request_digest(headers)?;
    let request = request.ok_or(Problem::field("idempotency-key", "idempotency_key_required"))?;
    let digest = Sha256::new().chain_update(actor.to_string()).chain_update(request).finalize();
    Ok(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}
