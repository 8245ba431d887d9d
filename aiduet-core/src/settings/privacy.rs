//! What people may ask for about their data.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The longest time in which a person may change the mind about deleting the account.
pub(super) const DELETION_DAYS_MAX: u16 = 30;

/// What people may ask for about their data.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacySettings {
    /// Days in which a person may change the mind about deleting the account.
    pub deletion_days: u16,
    /// A file to which tombstones of erased accounts are added, where no backup of the database takes it
    /// along.
    pub tombstones: Option<PathBuf>,
}

impl Default for PrivacySettings {
    fn default() -> Self {
        Self { deletion_days: 7, tombstones: None }
    }
}
