//! Wrong passwords in a row.

use std::fmt;

use async_trait::async_trait;

use super::AuthStoreError;
use crate::clock::Timestamp;
use crate::id::AccountId;

/// After so many wrong passwords in a row an account can no longer be entered by password, until
/// its owner sets a new one by mail (NIST SP 800-63B-4, section 3.2.2: at most 100).
pub const FAILURES_MAX: u32 = 100;

/// Counts wrong passwords in a row.
///
/// # Contract
/// Each method is one atomic operation; of many concurrent calls of [`count`](Self::count) each
/// gets a number of its own.
#[async_trait]
pub trait FailureCounter: fmt::Debug + Send + Sync + 'static {
    /// Counts one more; says how many there are now.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn count(&self, account: AccountId, at: Timestamp) -> Result<u32, AuthStoreError>;

    /// How many there are.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn failures(&self, account: AccountId) -> Result<u32, AuthStoreError>;

    /// Begins again at none; says how many there were.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn clear(&self, account: AccountId) -> Result<u32, AuthStoreError>;
}
