//! Orders to give credit back, and where they are kept.

use std::fmt;

use async_trait::async_trait;

use super::{RefundError, RequestDigest};
use crate::clock::Timestamp;
use crate::id::{AccountId, RefundId, TopUpId};
use crate::ledger::ExternalId;
use crate::money::Money;

/// An order to give a payment back, in whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    /// Its identifier, which names the command at the card company and the postings.
    pub id: RefundId,
    /// To whom.
    pub account: AccountId,
    /// Of which purchase.
    pub top_up: TopUpId,
    /// Of which payment at the card company.
    pub payment: ExternalId,
    /// What leaves the balance.
    pub net: Money,
    /// What goes back, with tax.
    pub gross: Money,
    /// How far it is.
    pub state: RefundState,
    /// The wish that it is part of.
    pub request: RequestDigest,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When to look after it if nothing was heard.
    pub due_at: Timestamp,
}

/// How far an order is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// Nobody knows yet what becomes of it.
    Begun,
    /// The card company has sent the money, and calls it so.
    Accepted(ExternalId),
    /// It was not carried out, or the money came back.
    Failed,
}

impl RefundState {
    /// Whether a state may follow: money that was sent may come back, and stays then.
    pub const fn may_become(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Begun, Self::Accepted(_) | Self::Failed) | (Self::Accepted(_), Self::Failed) => true,
            (Self::Begun | Self::Accepted(_), Self::Begun)
            | (Self::Accepted(_), Self::Accepted(_))
            | (Self::Failed, _) => false,
        }
    }
}

/// Keeps orders to give credit back.
///
/// # Contract
/// - Each method is one atomic operation.
/// - The caller chooses identifiers; the same order again has no effect.
/// - A state changes only as [`RefundState::may_become`] says.
#[async_trait]
pub trait RefundStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps the orders of a wish, all or none, unless they are kept already; returns them as they are
    /// kept.
    ///
    /// # Errors
    /// [`RefundError::Unavailable`].
    async fn begin(&self, orders: Vec<RefundOrder>) -> Result<Vec<RefundOrder>, RefundError>;

    /// The order with this identifier.
    ///
    /// # Errors
    /// [`RefundError::Unavailable`].
    async fn find(&self, id: RefundId) -> Result<Option<RefundOrder>, RefundError>;

    /// The orders of an account, oldest first.
    ///
    /// # Errors
    /// [`RefundError::Unavailable`].
    async fn of_account(&self, account: AccountId) -> Result<Vec<RefundOrder>, RefundError>;

    /// Changes the state if it may, and returns the order as it is then.
    ///
    /// # Errors
    /// [`RefundError::NotFound`].
    async fn advance(&self, id: RefundId, state: RefundState) -> Result<RefundOrder, RefundError>;

    /// At most `limit` orders that were begun and are to be looked after by now; those first that are
    /// due for the longest time.
    ///
    /// # Errors
    /// [`RefundError::Unavailable`].
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<RefundOrder>, RefundError>;

    /// Looks after an order later.
    ///
    /// # Errors
    /// [`RefundError::Unavailable`].
    async fn postpone(&self, id: RefundId, until: Timestamp) -> Result<(), RefundError>;
}
