//! Why background work fails.

use crate::class::{Classify, ErrorClass, Retry, Source};

/// Failure of a [`Job`](super::Job) or of the [`JobStore`](super::JobStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// Something that the job needs failed; it is run again when it is due the next time.
    #[error("the job failed")]
    Failed {
        /// What.
        source: Source,
    },
    /// The job does not go on until a person has looked at it.
    #[error("the job was not done: {reason}")]
    Refused {
        /// Why, in words of ours.
        reason: &'static str,
    },
    /// Where leases are kept cannot be asked.
    #[error("the leases of jobs are not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl JobError {
    /// The failure of something that the job needs.
    pub fn of(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Failed { source: Box::new(error) }
    }
}

impl Classify for JobError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Failed { .. } => ErrorClass::Internal,
            Self::Refused { .. } => ErrorClass::Conflict,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Refused { .. } => Retry::Never,
            Self::Failed { .. } | Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
