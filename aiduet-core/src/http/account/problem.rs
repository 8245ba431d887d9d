//! Errors of the account API as problem details (RFC 9457).

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::titles::title;
use crate::account::{AccountError, Locale, ReceptionError};
use crate::auth::HashError;
use crate::class::{Classify, ErrorClass, Retry};
use crate::http::coding::name_accepted;
use crate::id::RequestId;
use crate::keys::KeyError;
use crate::ledger::LedgerError;
use crate::operator::{ApprovalError, OfficeError, PriceFault};
use crate::payment::{CashierError, PlanFault, RefundFault};
use crate::policy::PublicationError;
use crate::price::{EditionError, PriceError};

/// What is wrong with a request. Written by the frame around all handlers, which knows the
/// language and the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    /// Stable.
    code: &'static str,
    /// The member of the body, query or header that is wrong, and its own code.
    field: Option<(&'static str, &'static str)>,
    retry_after: Option<Duration>,
}

/// What is wrong (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Details {
    /// Names the code as a URN.
    #[serde(rename = "type")]
    #[schema(format = "uri")]
    kind: String,
    /// What it says, in the language that `accept-language` asks for.
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// Stable, for programs.
    code: &'static str,
    /// To be named when you ask for help.
    request_id: String,
    /// For operators: what is wrong with what they sent, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    errors: Vec<Fault>,
}

/// A member of a request that is wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = ProblemField)]
struct Fault {
    /// A JSON pointer into the body, or the name of a parameter or header.
    pointer: &'static str,
    /// Stable, for programs.
    code: &'static str,
    /// What it says, in the language that `accept-language` asks for.
    detail: &'static str,
}

/// A problem with what is wrong in the words of who found it.
pub(super) struct Explained {
    problem: Problem,
    detail: Option<Detail>,
}

/// What is wrong, in English.
#[derive(Clone, Debug)]
pub(super) struct Detail(String);

impl From<Problem> for Explained {
    fn from(problem: Problem) -> Self {
        Self { problem, detail: None }
    }
}

impl From<OfficeError> for Explained {
    fn from(error: OfficeError) -> Self {
        let detail = match &error {
            OfficeError::Prices(fault) => Some(Detail(fault.to_string())),
            OfficeError::Edition(fault) if fault.retry() == Retry::Never => Some(Detail(fault.to_string())),
            _ => None,
        };
        Self { problem: error.into(), detail }
    }
}

impl IntoResponse for Explained {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        if let Some(detail) = self.detail {
            response.extensions_mut().insert(detail);
        }
        response
    }
}

impl Problem {
    pub(super) const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "not_found");
    pub(super) const METHOD_NOT_ALLOWED: Self =
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    pub(super) const CROSS_SITE: Self = Self::new(StatusCode::FORBIDDEN, "cross_site_request");
    pub(super) const UNAUTHENTICATED: Self = Self::new(StatusCode::UNAUTHORIZED, "unauthenticated");
    pub(super) const REAUTH_REQUIRED: Self = Self::new(StatusCode::FORBIDDEN, "reauth_required");
    pub(super) const ACCOUNT_DELETING: Self = Self::new(StatusCode::FORBIDDEN, "account_deleting");
    pub(super) const MALFORMED: Self = Self::new(StatusCode::BAD_REQUEST, "malformed_body");
    pub(super) const TOO_LARGE: Self = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large");
    pub(super) const TIMEOUT: Self = Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout");
    pub(super) const MEDIA_TYPE: Self =
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");

    /// The body has a content coding.
    pub(super) const CONTENT_CODING: Self =
        Self { field: Some(("content-encoding", "unsupported_content_coding")), ..Self::MEDIA_TYPE };

    pub(super) const EXPORT_DOWNLOADED: Self = Self::new(StatusCode::GONE, "export_downloaded");
    pub(super) const EXPORT_EXPIRED: Self = Self::new(StatusCode::GONE, "export_expired");
    pub(super) const EMAIL_UNVERIFIED: Self = Self::new(StatusCode::FORBIDDEN, "email_unverified");
    pub(super) const NO_RECHARGE: Self = Self::new(StatusCode::NOT_FOUND, "auto_recharge_unavailable");
    pub(super) const NO_PAYMENTS: Self = Self::new(StatusCode::SERVICE_UNAVAILABLE, "payments_unavailable");

    pub(super) const INVALID_SHEET: Self = Self::field("/sheet", "invalid_price_sheet");
    const PRICE_VERSION_EXISTS: Self = Self::new(StatusCode::CONFLICT, "price_version_exists");

    pub(super) const BUSY: Self = Self::new(StatusCode::CONFLICT, "job_running");

    const fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code, field: None, retry_after: None }
    }

    /// A member of the request that is wrong.
    pub(super) const fn field(pointer: &'static str, code: &'static str) -> Self {
        let invalid = Self::new(StatusCode::BAD_REQUEST, "invalid_request");
        Self { field: Some((pointer, code)), ..invalid }
    }

    const fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// The body, and its type.
    pub(super) fn body(
        &self,
        (locale, id): (Locale, RequestId),
        detail: Option<Detail>,
    ) -> (String, HeaderValue) {
        let errors = self.field.iter();
        let errors = errors.map(|(pointer, code)| Fault { pointer, code, detail: title(code, locale) });
        let body = Details {
            kind: format!("urn:aiduet:problem:{}", self.code),
            title: title(self.code, locale),
            status: self.status.as_u16(),
            code: self.code,
            request_id: id.to_string(),
            detail: detail.map(|Detail(text)| text),
            errors: errors.collect(),
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        (body, HeaderValue::from_static("application/problem+json"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(RETRY_AFTER, value);
            }
        }
        if self == Self::UNAUTHENTICATED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self == Self::CONTENT_CODING {
            name_accepted(headers);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ReceptionError> for Problem {
    fn from(error: ReceptionError) -> Self {
        match error {
            ReceptionError::Password(fault) => Self::field("/password", fault.code()),
            ReceptionError::WrongCredentials => Self::new(StatusCode::UNAUTHORIZED, "wrong_credentials"),
            ReceptionError::EmailUnverified => Self::EMAIL_UNVERIFIED,
            ReceptionError::InvalidTicket => Self::new(StatusCode::BAD_REQUEST, "invalid_link"),
            ReceptionError::OutdatedPolicy => Self::field("/version", "policy_not_in_force"),
            ReceptionError::InvalidSession => Self::UNAUTHENTICATED,
            ReceptionError::Throttled { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded").after(retry_after)
            }
            ReceptionError::Hash(HashError::Busy { retry_after }) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable").after(retry_after)
            }
            ReceptionError::Key(KeyError::NotFound { .. }) => Self::NOT_FOUND,
            ReceptionError::NoIdentityProvider | ReceptionError::UnknownIdentity => Self::NOT_FOUND,
            ReceptionError::NothingToLink => Self::new(StatusCode::BAD_REQUEST, "nothing_to_link"),
            ReceptionError::IdentityTaken => Self::new(StatusCode::CONFLICT, "identity_taken"),
            ReceptionError::LastWayIn => Self::new(StatusCode::CONFLICT, "last_way_in"),
            ReceptionError::KeyEnded => Self::new(StatusCode::CONFLICT, "key_ended"),
            ReceptionError::RequestReused => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused")
            }
            ReceptionError::Account(AccountError::NotFound { .. }) => Self::UNAUTHENTICATED,
            other => Self::internal(&other),
        }
    }
}

impl From<CashierError> for Problem {
    fn from(error: CashierError) -> Self {
        match error {
            CashierError::Amount { .. } => Self::field("/amount", "invalid_amount"),
            CashierError::NewcomerMaximum { .. } => Self::field("/amount", "newcomer_maximum"),
            CashierError::TooMany { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded").after(retry_after)
            }
            CashierError::TooManyDeclines { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failed_payments").after(retry_after)
            }
            CashierError::RequestReused => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused")
            }
            CashierError::NotFound => Self::NOT_FOUND,
            CashierError::NoCard => Self::new(StatusCode::CONFLICT, "no_saved_card"),
            CashierError::Refund(RefundFault::Amount) => Self::field("/amount", "invalid_amount"),
            CashierError::Refund(RefundFault::NotLeft { .. })
            | CashierError::Ledger(LedgerError::Insufficient(_)) => Self::field("/amount", "refund_not_left"),
            CashierError::Refund(RefundFault::UnderWay) => {
                Self::new(StatusCode::CONFLICT, "refund_under_way")
            }
            CashierError::Plan(PlanFault::Threshold) => Self::field("/threshold", "invalid_threshold"),
            CashierError::Plan(PlanFault::Amount) => Self::field("/amount", "invalid_amount"),
            CashierError::Plan(PlanFault::MonthlyMax) => Self::field("/monthly_max", "invalid_monthly_max"),
            other => Self::internal(&other),
        }
    }
}

impl From<OfficeError> for Problem {
    fn from(error: OfficeError) -> Self {
        match error {
            OfficeError::ReasonRequired => Self::field("x-audit-reason", "reason_required"),
            OfficeError::Amount => Self::field("/amount", "invalid_amount"),
            OfficeError::NotFound { .. } | OfficeError::Approval(ApprovalError::NotFound { .. }) => {
                Self::NOT_FOUND
            }
            OfficeError::OwnAccount => Self::new(StatusCode::FORBIDDEN, "own_account"),
            OfficeError::Closed => Self::new(StatusCode::CONFLICT, "account_closed"),
            OfficeError::Approval(ApprovalError::SamePerson) => {
                Self::new(StatusCode::FORBIDDEN, "second_operator_required")
            }
            OfficeError::Approval(ApprovalError::Decided { .. } | ApprovalError::Lapsed { .. }) => {
                Self::new(StatusCode::CONFLICT, "approval_decided")
            }
            OfficeError::Approval(ApprovalError::Conflict) | OfficeError::Ledger(LedgerError::Conflict) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused")
            }
            OfficeError::Publication(PublicationError::NotFound) => Self::NOT_FOUND,
            OfficeError::Publication(PublicationError::TooSoon) => {
                Self::new(StatusCode::CONFLICT, "policy_too_soon")
            }
            OfficeError::Publication(PublicationError::Conflict) => {
                Self::new(StatusCode::CONFLICT, "policy_published")
            }
            OfficeError::Prices(fault) => fault.into(),
            OfficeError::Edition(error) => error.into(),
            OfficeError::Ledger(LedgerError::InvalidAmount) => Self::field("/amount", "invalid_amount"),
            other => Self::internal(&other),
        }
    }
}

impl From<PriceFault> for Problem {
    fn from(fault: PriceFault) -> Self {
        match fault {
            PriceFault::Sheet(PriceError::InvalidCatalogue { .. }) => Self::INVALID_SHEET,
            PriceFault::Past => Self::field("/sheet/effective_from", "price_day_over"),
            PriceFault::NotLater { .. } => Self::PRICE_VERSION_EXISTS,
            PriceFault::TooSoon { .. } => Self::new(StatusCode::CONFLICT, "price_too_soon"),
            PriceFault::Needed { .. } => Self::new(StatusCode::CONFLICT, "price_model_needed"),
            other => Self::internal(&other),
        }
    }
}

impl From<EditionError> for Problem {
    fn from(error: EditionError) -> Self {
        match error {
            EditionError::NotFound { .. } => Self::NOT_FOUND,
            EditionError::Exists { .. } => Self::PRICE_VERSION_EXISTS,
            EditionError::Changed { .. } => Self::new(StatusCode::CONFLICT, "price_sheet_changed"),
            EditionError::Overtaken => Self::new(StatusCode::CONFLICT, "price_overtaken"),
            EditionError::NotPublished => Self::new(StatusCode::CONFLICT, "price_not_published"),
            EditionError::NotLast => Self::new(StatusCode::CONFLICT, "price_not_last"),
            EditionError::InForce => Self::new(StatusCode::CONFLICT, "price_in_force"),
            other @ EditionError::Unavailable { .. } => Self::internal(&other),
        }
    }
}

impl Problem {
    /// A failure that the client cannot do anything about; logged here.
    pub(super) fn internal(error: &(impl Classify + std::error::Error)) -> Self {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        match (error.class(), error.retry()) {
            (ErrorClass::Conflict, _) => Self::new(StatusCode::CONFLICT, "conflict"),
            (ErrorClass::Unavailable, _) | (_, Retry::Safe | Retry::After(_)) => {
                tracing::warn!(%error, cause, "the account API has to turn a request away");
                let busy = Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable");
                busy.after(Duration::from_secs(2))
            }
            (_, Retry::Never) => {
                tracing::error!(%error, cause, "a defect in the account API");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error")
            }
        }
    }
}
