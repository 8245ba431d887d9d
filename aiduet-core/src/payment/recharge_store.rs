//! Where automatic purchases are kept, and who charges cards for them.

use std::fmt;

use async_trait::async_trait;

use super::{Checkout, PaymentError, Recharge, RechargeChange, RechargeError, Repeat};
use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId};
use crate::ledger::ExternalId;
use crate::money::Money;

/// Keeps automatic purchases, beside the ledger whose balances they follow.
///
/// # Contract
/// - Each method is one atomic operation. Of any number of nodes that begin a charge for one account
///   at the same time, one does.
/// - [`due`](Self::due) may find what has changed by the time it is acted on; a charge begins only by
///   [`change`](Self::change).
#[async_trait]
pub trait RechargeStore: fmt::Debug + Send + Sync + 'static {
    /// What an account agreed to, and what came of it.
    ///
    /// # Errors
    /// [`RechargeError::Unavailable`].
    async fn find(&self, account: AccountId) -> Result<Option<Recharge>, RechargeError>;

    /// What was agreed to with a card.
    ///
    /// # Errors
    /// [`RechargeError::Unavailable`].
    async fn of_card(&self, card: &ExternalId) -> Result<Option<Recharge>, RechargeError>;

    /// Makes a change as [`Recharge::after`] says, and returns what holds then; `None`: it may not be
    /// made.
    ///
    /// # Errors
    /// [`RechargeError::Unavailable`].
    async fn change(
        &self,
        account: AccountId,
        change: RechargeChange,
    ) -> Result<Option<Recharge>, RechargeError>;

    /// At most `limit` that are on, idle and due, and whose available balance is below the threshold;
    /// those first that are due for the longest time.
    ///
    /// # Errors
    /// [`RechargeError::Unavailable`].
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError>;

    /// At most `limit` whose charge is under way and is to be looked after by now; those first that
    /// are due for the longest time.
    ///
    /// # Errors
    /// [`RechargeError::Unavailable`].
    async fn under_way(&self, now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError>;
}

/// Charges cards that the card company keeps, while the payer is absent.
///
/// # Contract
/// As [`PaymentProcessor`](super::PaymentProcessor): a repeat has no second effect.
#[async_trait]
pub trait CardCharger: fmt::Debug + Send + Sync + 'static {
    /// The card that a payer kept last, if there is one.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn saved_card(&self, payer: &ExternalId) -> Result<Option<ExternalId>, PaymentError>;

    /// Charges a card for a purchase.
    ///
    /// # Errors
    /// [`PaymentError`]; a card that is refused is no error.
    async fn charge(&self, request: ChargeRequest) -> Result<Charged, PaymentError>;

    /// The payment that was begun for a purchase, for when it is too long ago to repeat the charge.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn find_charge(
        &self,
        payer: &ExternalId,
        top_up: TopUpId,
    ) -> Result<Option<ExternalId>, PaymentError>;

    /// Opens a page of the bank on which the payer confirms a payment.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn open_confirmation(&self, request: ConfirmationRequest) -> Result<Checkout, PaymentError>;
}

/// A wish to charge a card.
#[derive(Clone, Debug)]
pub struct ChargeRequest {
    /// The purchase; the same one again is charged once.
    pub top_up: TopUpId,
    /// How much, a whole number of cents.
    pub amount: Money,
    /// Who pays.
    pub payer: ExternalId,
    /// With what.
    pub card: ExternalId,
}

/// What became of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charged {
    /// There is a payment; how far it is, it says itself.
    Made {
        /// The processor's name for it.
        payment: ExternalId,
    },
    /// The bank wants the payer to confirm it.
    NeedsConfirmation {
        /// The processor's name for it.
        payment: ExternalId,
    },
    /// The card was refused.
    Refused {
        /// Whether it may be tried again.
        repeat: Repeat,
    },
}

/// A wish to let the payer confirm a payment.
#[derive(Clone, Debug)]
pub struct ConfirmationRequest {
    /// The purchase; the same one again is the same page.
    pub top_up: TopUpId,
    /// The payment.
    pub payment: ExternalId,
    /// With what.
    pub card: ExternalId,
    /// Where the payer returns to.
    pub return_url: String,
}
