//! Reading postings and accounts of the house.

use std::fmt;

use async_trait::async_trait;

use super::{LedgerAccount, LedgerError};
use crate::id::TransferId;
use crate::money::Money;

/// Reads postings and accounts of the house.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Which of these postings there are, and how much each moved; in any order.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn find(&self, ids: &[TransferId]) -> Result<Vec<(TransferId, Money)>, LedgerError>;

    /// What is on an account: its debits less its credits, zero for one that never had a posting.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn house(&self, account: LedgerAccount) -> Result<Money, LedgerError>;
}
