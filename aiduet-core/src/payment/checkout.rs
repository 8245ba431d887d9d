//! Buying credit and giving it back, as the card company sees it.

use super::CardUse;
use crate::id::{RefundId, TopUpId};
use crate::ledger::ExternalId;
use crate::money::Money;

/// A wish to open a payment page.
#[derive(Clone, Debug)]
pub struct CheckoutRequest {
    /// The purchase; the same one again is the same page.
    pub top_up: TopUpId,
    /// The credit to buy, a whole number of cents, without tax.
    pub amount: Money,
    /// Who pays.
    pub payer: ExternalId,
    /// What becomes of the card.
    pub card: CardUse,
    /// Where the payer returns to.
    pub return_url: String,
    /// Where the payer returns to without having paid.
    pub cancel_url: String,
}

/// An open payment page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The processor's name for it.
    pub external: ExternalId,
    /// Where to send the payer.
    pub url: String,
}

/// The state of a payment at the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Not paid yet.
    Open,
    /// Paid by a method that takes days to confirm.
    Processing,
    /// Paid.
    Paid(Payment),
    /// Not paid, and never will be.
    Closed,
    /// Paid in a way that was not asked for: another currency, a test instead of real money. Nobody
    /// is credited before a person has looked at it.
    Unexpected,
}

/// A payment that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The processor's name for it; credit is given once per payment.
    pub external: ExternalId,
    /// The purchase that it is for, as the processor was told.
    pub top_up: TopUpId,
    /// Who paid, as far as the processor was told.
    pub payer: Option<ExternalId>,
    /// The amount without tax.
    pub net: Money,
    /// The tax.
    pub tax: Money,
    /// What the processor takes for it, once that is known.
    pub fee: Option<Fee>,
}

/// What the processor takes for a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// The processor's name for it.
    pub external: ExternalId,
    /// How much.
    pub amount: Money,
}

/// A wish to give money back.
#[derive(Clone, Debug)]
pub struct RefundRequest {
    /// The order; the same one again is made once.
    pub id: RefundId,
    /// The payment it is taken from.
    pub payment: ExternalId,
    /// How much, a whole number of cents.
    pub amount: Money,
}

/// Money on its way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The processor's name for it.
    pub external: ExternalId,
    /// Our order for it; `None`: it was made at the processor's own site.
    pub order: Option<RefundId>,
    /// The purchase that it gives back; `None`: a payment that was not for credit.
    pub top_up: Option<TopUpId>,
    /// How much, with tax.
    pub amount: Money,
    /// How far it is.
    pub status: RefundStatus,
}

/// The state of a refund at the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    /// On its way or delivered.
    Accepted,
    /// Not possible; the money is back at the processor.
    Failed,
}

/// A payer who told the bank that a payment was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The processor's name for it.
    pub external: ExternalId,
    /// The purchase that it is about; `None`: a payment that was not for credit.
    pub top_up: Option<TopUpId>,
    /// How far it is.
    pub stage: DisputeStage,
    /// What it moved so far, in order: nothing, a withdrawal, or a withdrawal and its return.
    pub movements: Vec<DisputeMovement>,
}

/// How far a dispute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeStage {
    /// The bank asks; nothing is withdrawn.
    Inquiry,
    /// Undecided.
    Open,
    /// Decided for us, or withdrawn.
    Won,
    /// Decided against us.
    Lost,
}

impl DisputeStage {
    /// Whether a stage may follow. What was asked for a moment ago may be told late, so a decision is
    /// never undone by what came before it.
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Inquiry, _) => true,
            (Self::Open, Self::Inquiry) => false,
            (Self::Open, Self::Open | Self::Won | Self::Lost) => true,
            (Self::Won | Self::Lost, Self::Inquiry | Self::Open) => false,
            (Self::Won | Self::Lost, Self::Won | Self::Lost) => true,
        }
    }

    /// What several disputes of one purchase come to: the worst of them.
    #[must_use]
    pub const fn or_worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Lost, _) | (_, Self::Lost) => Self::Lost,
            (Self::Open, _) | (_, Self::Open) => Self::Open,
            (Self::Inquiry, _) | (_, Self::Inquiry) => Self::Inquiry,
            (Self::Won, Self::Won) => Self::Won,
        }
    }

    /// Whether the payer may not spend.
    pub const fn stops_spending(self) -> bool {
        matches!(self, Self::Open | Self::Lost)
    }
}

/// Money that a dispute moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeMovement {
    /// The processor's name for it.
    pub external: ExternalId,
    /// How much; below zero was withdrawn.
    pub amount: Money,
    /// What the processor takes for it; below zero is given back.
    pub fee: Money,
}
