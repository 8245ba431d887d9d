//! What is left of grants, and their end.

use std::fmt;

use async_trait::async_trait;

use super::LedgerError;
use crate::clock::Timestamp;
use crate::id::{AccountId, LotId};
use crate::money::Money;

/// What is left of grants, and their end.
///
/// # Contract
/// - Only what is free of a grant lapses. Holds count against grants in the order in which their
///   charges would burn them; what a hold releases lapses the next time.
/// - Each grant is ended in the transaction that finds what is left of it, so that a repeated or
///   concurrent call never takes anything twice.
#[async_trait]
pub trait Grants: fmt::Debug + Send + Sync + 'static {
    /// Books what is free of grants that have run out as breakage, for at most `limit` accounts.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn lapse(&self, request: LapseGrants) -> Result<Lapsed, LedgerError>;

    /// The grants of a person of which something is left, in the order in which they are used; at most
    /// `limit`. What requests have set aside is still in them.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn left(&self, account: AccountId, limit: u32) -> Result<Vec<GrantLeft>, LedgerError>;
}

/// What is left of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantLeft {
    /// Which.
    pub id: LotId,
    /// How much; above zero.
    pub remaining: Money,
    /// When it lapses; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// Which grants [`Grants::lapse`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LapseGrants {
    /// Those that run out at this moment or before.
    pub at: Timestamp,
    /// Of at most so many accounts.
    pub limit: u32,
}

/// What [`Grants::lapse`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lapsed {
    /// Accounts that lost something.
    pub accounts: u32,
    /// How much they lost together.
    pub amount: Money,
}

impl Lapsed {
    /// With what another account lost; nothing changes when that is nothing.
    #[must_use]
    pub const fn and(self, amount: Money) -> Self {
        if amount.nanos() == 0 {
            return self;
        }
        Self {
            accounts: self.accounts.saturating_add(1),
            amount: Money::from_nanos(self.amount.nanos().saturating_add(amount.nanos())),
        }
    }
}
