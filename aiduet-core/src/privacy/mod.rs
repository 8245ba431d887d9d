//! What is kept about people, for how long, and that it ends.

mod deletion;
mod erasure;
mod error;
mod export;
mod inventory;
mod retention;
mod tombstone;

pub use deletion::{
    BeginDeletion, Begun, Deletion, DeletionError, DeletionState, DeletionStore, ErasedPart, ErasedRows,
    ErasureReceipt, UnusedCredit,
};
pub use erasure::{Erasure, ErasureError, ErasureParts, ErasureProgress, Obstacle, WAIT_MAX};
pub use error::{ExportError, InventoryError};
pub use export::{EXPORT_LIFE, Export, ExportState, ExportStore, ListExports};
pub use inventory::{CATEGORIES, DataCategory, DataInventory, Holding, Kept, Place, WITHOUT_PERSONAL_DATA};
pub use retention::{
    BOOKS_KEPT_YEARS, CONSENT_KEPT, DECLINE_KEPT, EXPORT_KEPT, KEY_KEPT, NETWORK_KEPT, NOTICE_KEPT, Overdue,
    Purged, Retention, RetentionError, RetentionObserver, RetentionStores, SECURITY_LOG_KEPT, SESSION_KEPT,
    USAGE_DAYS_MAX,
};
pub use tombstone::{InvalidTombstone, Tombstone, TombstoneFile};
