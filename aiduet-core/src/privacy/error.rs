//! What can go wrong when people ask what is kept about them.

use crate::class::{Source, unavailable_only};

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
