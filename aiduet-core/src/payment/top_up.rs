//! Prepaid purchases and where they are kept.

use std::fmt;

use async_trait::async_trait;

use super::{Checkout, DisputeStage, TopUpError};
use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId};
use crate::ledger::ExternalId;
use crate::money::Money;

/// A prepaid purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// Its identifier.
    pub id: TopUpId,
    /// Who buys.
    pub account: AccountId,
    /// The credit to buy, without tax.
    pub amount: Money,
    /// How far it is.
    pub state: TopUpState,
    /// What the client calls the request for it, so that it can be sent again.
    pub request: Option<RequestDigest>,
    /// What becomes of the card.
    pub card: CardUse,
    /// The page on which it is paid, once that is open.
    pub checkout: Option<Checkout>,
    /// How far the payer's complaints about it are together, if there is one.
    pub dispute: Option<DisputeStage>,
    /// When it was begun.
    pub created_at: Timestamp,
}

/// SHA-256 of what a client calls a request (`Idempotency-Key`).
pub type RequestDigest = [u8; 32];

/// What becomes of the card that pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CardUse {
    /// It pays this purchase.
    #[default]
    Once,
    /// The card company keeps it for later purchases, at which the payer is absent.
    Kept,
}

/// How far a purchase is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopUpState {
    /// Not paid yet.
    Open,
    /// Paid by a method that takes days to confirm.
    Processing,
    /// Paid and credited.
    Paid(Receipt),
    /// Not paid, and never will be.
    Closed,
    /// Paid otherwise than asked; a person has to look at it.
    Suspended,
}

/// How a purchase was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The payment at the card company.
    pub payment: ExternalId,
    /// The tax on top of the credit.
    pub tax: Money,
    /// When it was credited.
    pub at: Timestamp,
}

impl TopUpState {
    /// Whether a state may follow: a credit is final; a page that ran out may still have been paid.
    pub const fn may_become(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Paid(_), _) => false,
            (_, Self::Paid(_) | Self::Suspended) => true,
            (Self::Open, Self::Processing | Self::Closed) | (Self::Processing, Self::Closed) => true,
            (Self::Open | Self::Processing | Self::Closed | Self::Suspended, _) => false,
        }
    }

    /// Whether the card company has not decided yet.
    pub const fn is_pending(&self) -> bool {
        matches!(self, Self::Open | Self::Processing)
    }
}

/// Keeps purchases.
///
/// # Contract
/// - The caller chooses the identifier; the same purchase again has no effect.
/// - A request of an account makes one purchase.
/// - A state changes only as [`TopUpState::may_become`] says, whatever runs at the same time.
/// - A payment belongs to one purchase.
#[async_trait]
pub trait TopUpStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a purchase that begins, without a page, unless its request made another one; returns
    /// the one that is kept then.
    ///
    /// # Errors
    /// [`TopUpError::Conflict`] when the identifier belongs to another one.
    async fn insert(&self, top_up: TopUp) -> Result<TopUp, TopUpError>;

    /// The purchase with this identifier.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn find(&self, id: TopUpId) -> Result<Option<TopUp>, TopUpError>;

    /// Notes the page on which a purchase is paid.
    ///
    /// # Errors
    /// [`TopUpError::NotFound`]; [`TopUpError::Conflict`] when it has another page.
    async fn attach(&self, id: TopUpId, checkout: Checkout) -> Result<(), TopUpError>;

    /// Changes the state if it may, and returns the purchase as it is then.
    ///
    /// # Errors
    /// [`TopUpError::NotFound`]; [`TopUpError::Conflict`] when the payment belongs to another one.
    async fn advance(&self, id: TopUpId, state: TopUpState) -> Result<TopUp, TopUpError>;

    /// Notes how far a dispute is, if it may be, what all disputes of the purchase come to, and returns
    /// whether any dispute of the same account stops its spending.
    ///
    /// # Errors
    /// [`TopUpError::NotFound`].
    async fn note_dispute(&self, note: NoteDispute) -> Result<bool, TopUpError>;

    /// Takes undecided purchases that have a page, to ask about them; those first that were not asked
    /// about for the longest time, so that none waits for ever behind others.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn take_pending(&self, request: TakePending) -> Result<Vec<TopUp>, TopUpError>;

    /// At most `limit` purchases of an account, newest first, older than `before` when given.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn list(&self, page: TopUpPage) -> Result<Vec<TopUp>, TopUpError>;
}

/// How far a dispute is.
#[derive(Clone, Debug)]
pub struct NoteDispute {
    /// The purchase that it is about.
    pub top_up: TopUpId,
    /// The processor's name for it; a purchase may have several.
    pub dispute: ExternalId,
    /// How far it is.
    pub stage: DisputeStage,
}

/// Which purchases [`TopUpStore::take_pending`] takes.
#[derive(Clone, Copy, Debug)]
pub struct TakePending {
    /// They began before this moment.
    pub begun_before: Timestamp,
    /// They were last taken at this moment or before, or never.
    pub taken_until: Timestamp,
    /// When they are taken now.
    pub at: Timestamp,
    /// At most so many.
    pub limit: u32,
}

/// Which purchases [`TopUpStore::list`] returns.
#[derive(Clone, Copy, Debug)]
pub struct TopUpPage {
    /// Whose.
    pub account: AccountId,
    /// Only those with a smaller identifier (identifiers are ordered by time).
    pub before: Option<TopUpId>,
    /// At most so many.
    pub limit: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credit_is_final_and_a_late_payment_counts() {
        let paid = TopUpState::Paid(Receipt {
            payment: "pi_1".parse().unwrap(),
            tax: Money::ZERO,
            at: Timestamp::from_millis(0),
        });
        let all = [
            TopUpState::Open,
            TopUpState::Processing,
            paid.clone(),
            TopUpState::Closed,
            TopUpState::Suspended,
        ];
        for state in &all {
            assert!(!paid.may_become(state), "{state:?}");
            assert_eq!(state.may_become(&paid), *state != paid, "{state:?}");
            assert!(!state.may_become(&TopUpState::Open), "{state:?}");
        }
        assert!(!TopUpState::Closed.may_become(&TopUpState::Processing));
    }
}
