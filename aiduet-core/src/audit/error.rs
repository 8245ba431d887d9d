//! What can go wrong with the audit log.

use crate::class::{Classify, ErrorClass, Retry, Source};

/// Failure of the audit log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The log cannot be reached or failed.
    #[error("the audit log is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for AuditError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
