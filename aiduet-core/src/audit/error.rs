//! What can go wrong with the audit log.

use crate::class::{Source, unavailable_only};

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

unavailable_only!(AuditError);
