//! Why it is not known how everything was.

use crate::class::{Source, unavailable_only};

/// Failure of a [`StatusLog`](super::StatusLog).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatusError {
    /// The log cannot be reached or failed.
    #[error("the log of states is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

unavailable_only!(StatusError);
