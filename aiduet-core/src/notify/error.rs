//! Why a message was not delivered, or not kept.

use crate::class::{Classify, ErrorClass, Retry, Source, unavailable_only};
use crate::notify::FailureCode;

/// Failure of a [`Notifier`](super::Notifier).
///
/// No variant carries the words of the mail server: they quote addresses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// Not now: the server asked to try again, or could not be reached.
    #[error("the message was not taken: {code}")]
    NotNow {
        /// Which reply or fault.
        code: FailureCode,
    },
    /// Never: the server refused the address or the message for good.
    #[error("the message was refused for good: {code}")]
    Bounced {
        /// Which reply.
        code: FailureCode,
    },
    /// The connection was lost after the whole message had been sent: it may have been taken.
    #[error("it is not known whether the message was taken")]
    Unknown,
    /// Nothing can be sent with this configuration.
    #[error("the mail channel is not usable: {source}")]
    Misconfigured {
        /// What the backend said, without words of the server.
        source: Source,
    },
}

impl Classify for DeliveryError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotNow { .. } | Self::Unknown => ErrorClass::Unavailable,
            Self::Bounced { .. } => ErrorClass::Invalid,
            Self::Misconfigured { .. } => ErrorClass::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::NotNow { .. } => Retry::Safe,
            Self::Bounced { .. } | Self::Unknown | Self::Misconfigured { .. } => Retry::Never,
        }
    }
}

/// Failure of an [`Outbox`](super::Outbox).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The store cannot be reached or failed.
    #[error("the outbox is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

unavailable_only!(OutboxError);
