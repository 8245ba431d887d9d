//! What can go wrong when people ask what is kept about them.

use crate::class::{Classify, ErrorClass, Retry, Source, unavailable_only};
use crate::id::ExportId;

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

unavailable_only!(InventoryError);

/// Failure of an [`ExportStore`](super::ExportStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The identifier belongs to another export.
    #[error("export {id} already exists")]
    AlreadyExists {
        /// The export that was to be registered.
        id: ExportId,
    },
    /// The store cannot be reached or failed.
    #[error("the register of exports is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for ExportError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::AlreadyExists { .. } => ErrorClass::Conflict,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::AlreadyExists { .. } => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
