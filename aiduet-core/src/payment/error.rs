//! What can go wrong with payments.

use crate::class::{Classify, ErrorClass, Retry, Source};

/// Failure of a [`PaymentProcessor`](super::PaymentProcessor).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaymentError {
    /// The message is forged, stale or damaged; no more is said.
    #[error("the signature is not valid")]
    BadSignature,
    /// The processor knows no such payment.
    #[error("no such payment")]
    NotFound,
    /// The processor refuses for good.
    #[error("the payment was declined")]
    Declined,
    /// The identifier was used with other parameters.
    #[error("the identifier is in use for a different operation")]
    Conflict,
    /// The processor cannot be reached; a repeat with the same identifier is safe.
    #[error("the payment processor is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for PaymentError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::BadSignature | Self::Declined => ErrorClass::Invalid,
            Self::NotFound => ErrorClass::NotFound,
            Self::Conflict => ErrorClass::Conflict,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::BadSignature | Self::Declined | Self::NotFound | Self::Conflict => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
