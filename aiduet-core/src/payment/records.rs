//! What the processor has on file of our money.

use std::fmt;

use async_trait::async_trait;

use super::PaymentError;
use crate::clock::Timestamp;
use crate::ledger::ExternalId;
use crate::money::Money;

/// What the processor has on file of our money.
#[async_trait]
pub trait PaymentRecords: fmt::Debug + Send + Sync + 'static {
    /// A page of what moved our balance at the processor, newest first.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn movements(&self, page: MovementPage) -> Result<Movements, PaymentError>;

    /// What the processor owes us now, whether it can be paid out yet or not.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn balance(&self) -> Result<Money, PaymentError>;
}

/// Which movements [`PaymentRecords::movements`] returns.
#[derive(Clone, Debug)]
pub struct MovementPage {
    /// Those that were made at this moment or later.
    pub from: Timestamp,
    /// And before this one.
    pub to: Timestamp,
    /// Only those before this one, the last of another page.
    pub before: Option<ExternalId>,
}

/// A page of movements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movements {
    /// Newest first.
    pub list: Vec<Movement>,
    /// The last movement, if there are more pages.
    pub next: Option<ExternalId>,
}

/// Money that moved at the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The processor's name for it.
    pub external: ExternalId,
    /// Why.
    pub cause: MovementCause,
    /// How much; below zero left our balance.
    pub amount: Money,
    /// What the processor took besides; below zero was given back.
    pub fee: Money,
    /// When.
    pub at: Timestamp,
}

/// Why money moved at the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MovementCause {
    /// Somebody paid.
    Payment(ExternalId),
    /// A payment was given back, or could not be.
    Refund(ExternalId),
    /// A bank took a payment back, or returned it.
    Dispute(ExternalId),
    /// It was paid out to the bank, or came back from there.
    Payout(ExternalId),
    /// The processor took a fee of its own.
    Fee,
    /// Something that we do not do.
    Other,
}
