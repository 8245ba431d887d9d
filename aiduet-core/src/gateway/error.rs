//! Why a call is refused or failed, in the words of the domain.

use std::time::Duration;

use crate::class::{Classify, ErrorClass, Retry};
use crate::clock::Timestamp;
use crate::dialect::RequestFault;
use crate::duet::{DuetError, UnknownRole};
use crate::ledger::{LedgerError, Shortage, SpendPeriod};
use crate::limit::LimitError;
use crate::money::Money;
use crate::price::PriceError;

/// Refusal or failure before an answer began. Carries no text of a request or an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The body is not what the endpoint takes.
    #[error("{0}")]
    Invalid(RequestFault),
    /// A header that the protocol demands is missing or wrong.
    #[error("the header {name} is missing or invalid")]
    InvalidHeader {
        /// Which.
        name: &'static str,
    },
    /// The header `x-aiduet-role` names no role.
    #[error("{0}")]
    UnknownRole(#[from] UnknownRole),
    /// The duet can choose no model.
    #[error("{0}")]
    Duet(#[from] DuetError),
    /// The model does not answer on this endpoint.
    #[error("the model is not served on this endpoint")]
    WrongEndpoint {
        /// An endpoint that serves it.
        served_on: Option<&'static str>,
    },
    /// No key was sent.
    #[error("no API key was sent")]
    MissingKey,
    /// The key is malformed or unknown, or two different keys were sent.
    #[error("the API key is not valid")]
    InvalidKey,
    /// The key was disabled or revoked.
    #[error("the API key was revoked")]
    KeyRevoked,
    /// The key ran out.
    #[error("the API key has expired")]
    KeyExpired,
    /// The balance does not cover the call.
    #[error("the balance does not cover this request")]
    InsufficientBalance {
        /// What the call may cost at most.
        needed: Money,
        /// What is there.
        available: Money,
    },
    /// The worst case of the request is above what the client allows.
    #[error("the request may cost more than its limit")]
    CostAboveLimit {
        /// What it may cost at most.
        most: Money,
        /// What the client allows.
        allowed: Money,
    },
    /// It would be covered if other requests held less.
    #[error("the balance is held by other requests")]
    BalanceHeld {
        /// When to try again.
        retry_after: Duration,
    },
    /// A spend limit of the key does not cover the call.
    #[error("the spend limit of the key is reached")]
    KeyLimitReached {
        /// Which.
        period: SpendPeriod,
        /// When it starts anew.
        resets_at: Option<Timestamp>,
    },
    /// The monthly limit of the account does not cover the call.
    #[error("the monthly limit of the account is reached")]
    AccountLimitReached {
        /// When it starts anew.
        resets_at: Option<Timestamp>,
    },
    /// The account may not call: an operator suspended it, a payment is disputed, or it is being closed.
    #[error("the account is suspended")]
    AccountSuspended,
    /// The key may not use the model.
    #[error("the API key may not use this model")]
    ModelNotAllowed,
    /// The key may not use the endpoint.
    #[error("the API key may not use this endpoint")]
    EndpointNotAllowed,
    /// The key may not be used from the address.
    #[error("the API key may not be used from this address")]
    AddressNotAllowed,
    /// No such model, or no price for it.
    #[error("the model does not exist or has no price")]
    ModelNotFound,
    /// A limit of ours.
    #[error("rate limit reached")]
    RateLimited {
        /// When to try again.
        retry_after: Duration,
    },
    /// A provider failed.
    #[error("the provider failed: {0}")]
    Upstream(UpstreamFailure),
    /// A stage of an ensemble failed, and stages before it are charged.
    #[error("a stage failed: {0}")]
    Unfinished(UpstreamFailure),
    /// A dependency of ours failed; nothing was forwarded.
    #[error("the service is not available")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// The process stops before there is an answer; nothing is charged.
    #[error("the process stops")]
    Stopping,
    /// The charge of an answer could not be made durable in time, so the answer is withheld; the
    /// charge is still being written.
    #[error("the charge could not be recorded in time")]
    NotBooked,
    /// A defect.
    #[error("internal error")]
    Internal,
}

/// How a provider failed, as far as the caller is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UpstreamFailure {
    /// It answered with an error of its own, or nonsense.
    #[error("error")]
    Error,
    /// It cannot be reached.
    #[error("unreachable")]
    Unreachable,
    /// It failed too often lately and is left alone for a while.
    #[error("resting")]
    Resting {
        /// When it is called again.
        retry_after: Duration,
    },
    /// It refused the operator's credential or has no credit from the operator.
    #[error("operator")]
    Operator,
    /// It did not answer in time.
    #[error("timeout")]
    Timeout,
    /// It has no capacity.
    #[error("overloaded")]
    Overloaded,
    /// It limits the operator's rate.
    #[error("rate limited")]
    RateLimited {
        /// When it asks to try again.
        retry_after: Option<Duration>,
    },
    /// It finds the request too large.
    #[error("too large")]
    TooLarge,
    /// It does not know the model.
    #[error("unknown model")]
    UnknownModel,
}

impl From<LedgerError> for GatewayError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Insufficient(Shortage::Balance { available, .. }) => {
                Self::InsufficientBalance { needed: Money::ZERO, available }
            }
            LedgerError::Insufficient(Shortage::Negative) => {
                Self::InsufficientBalance { needed: Money::ZERO, available: Money::ZERO }
            }
            LedgerError::Insufficient(Shortage::KeyLimit { period, resets_at, .. }) => {
                Self::KeyLimitReached { period, resets_at }
            }
            LedgerError::Insufficient(Shortage::AccountLimit { resets_at, .. }) => {
                Self::AccountLimitReached { resets_at }
            }
            LedgerError::Frozen => Self::AccountSuspended,
            LedgerError::Overloaded { retry_after } => Self::Unavailable { retry_after },
            LedgerError::Unavailable { source } => {
                tracing::error!(error = %source, "ledger unavailable");
                Self::Unavailable { retry_after: Duration::from_secs(2) }
            }
            error @ (LedgerError::Conflict
            | LedgerError::InvalidAmount
            | LedgerError::Overreversed
            | LedgerError::Broken(_)) => {
                tracing::error!(%error, "ledger refused");
                Self::Internal
            }
        }
    }
}

impl From<LimitError> for GatewayError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Exceeded { retry_after, .. } => Self::RateLimited { retry_after },
            LimitError::TooManyRunning { .. } => Self::RateLimited { retry_after: Duration::from_secs(1) },
            LimitError::Unavailable { source } => {
                tracing::error!(error = %source, "rate limiter unavailable");
                Self::Unavailable { retry_after: Duration::from_secs(1) }
            }
        }
    }
}

impl From<PriceError> for GatewayError {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::Unpriced { .. } => Self::ModelNotFound,
            error @ (PriceError::NoSheet | PriceError::Overflow | PriceError::InvalidCatalogue { .. }) => {
                tracing::error!(%error, "price");
                Self::Internal
            }
            PriceError::Unavailable { source } => {
                tracing::error!(error = %source, "price book unavailable");
                Self::Unavailable { retry_after: Duration::from_secs(2) }
            }
        }
    }
}

impl Classify for GatewayError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_)
            | Self::InvalidHeader { .. }
            | Self::UnknownRole(_)
            | Self::WrongEndpoint { .. } => ErrorClass::Invalid,
            Self::Duet(error) => error.class(),
            Self::MissingKey | Self::InvalidKey | Self::KeyRevoked | Self::KeyExpired => {
                ErrorClass::Unauthenticated
            }
            Self::InsufficientBalance { .. }
            | Self::CostAboveLimit { .. }
            | Self::BalanceHeld { .. }
            | Self::KeyLimitReached { .. }
            | Self::AccountLimitReached { .. } => ErrorClass::InsufficientFunds,
            Self::AccountSuspended
            | Self::ModelNotAllowed
            | Self::EndpointNotAllowed
            | Self::AddressNotAllowed => ErrorClass::Forbidden,
            Self::ModelNotFound => ErrorClass::NotFound,
            Self::RateLimited { .. } => ErrorClass::RateLimited,
            Self::Upstream(UpstreamFailure::Timeout) | Self::Unfinished(UpstreamFailure::Timeout) => {
                ErrorClass::Timeout
            }
            Self::Upstream(_) | Self::Unfinished(_) => ErrorClass::Upstream,
            Self::Unavailable { .. } | Self::Stopping | Self::NotBooked => ErrorClass::Unavailable,
            Self::Internal => ErrorClass::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::BalanceHeld { retry_after }
            | Self::RateLimited { retry_after }
            | Self::Unavailable { retry_after } => Retry::After(*retry_after),
            _ => Retry::Never,
        }
    }
}
