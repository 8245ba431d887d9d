//! Why a limit refused.

use std::time::Duration;

use super::LimitKey;
use crate::class::{Classify, ErrorClass, Retry, Source};

/// Refusal or failure of a [`RateLimiter`](super::RateLimiter).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// A quota is used up.
    #[error("rate limit reached")]
    Exceeded {
        /// Which.
        key: LimitKey,
        /// The units of the quota.
        limit: u64,
        /// When the claim fits.
        retry_after: Duration,
    },
    /// Too many requests run at the same time.
    #[error("too many requests at the same time")]
    TooManyRunning {
        /// Which limit.
        key: LimitKey,
        /// How many may run.
        limit: u32,
    },
    /// The shared counter cannot be reached.
    #[error("the rate limiter is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for LimitError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Exceeded { .. } | Self::TooManyRunning { .. } => ErrorClass::RateLimited,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Exceeded { retry_after, .. } => Retry::After(*retry_after),
            Self::TooManyRunning { .. } => Retry::After(Duration::from_secs(1)),
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
