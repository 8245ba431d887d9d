//! What can go wrong when people ask what is kept about them.

use crate::class::{Classify, ErrorClass, Retry, Source};

/// Failure of a [`DataInventory`](super::DataInventory).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The store cannot be reached or failed.
    #[error("what is kept cannot be counted now")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for InventoryError {
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
