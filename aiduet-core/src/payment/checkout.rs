//! Buying credit and giving it back.

use crate::id::{AccountId, TopUpId, TransferId};
use crate::ledger::ExternalId;
use crate::money::Money;

/// A wish to open a payment page.
#[derive(Clone, Debug)]
pub struct CheckoutRequest {
    /// The purchase.
    pub top_up: TopUpId,
    /// Who buys.
    pub account: AccountId,
    /// The credit to buy, a whole number of cents, without tax.
    pub amount: Money,
    /// Where the payer returns to.
    pub return_url: String,
    /// Whether the payer allows later charges without being present.
    pub save_method: bool,
}

/// An open payment page.
#[derive(Clone, Debug)]
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
    Paid {
        /// The processor's name for the payment; credit is given once per payment.
        payment: ExternalId,
        /// The amount without tax.
        net: Money,
        /// The tax.
        tax: Money,
    },
    /// Not paid, and never will be.
    Closed,
}

/// A wish to give money back.
#[derive(Clone, Debug)]
pub struct RefundRequest {
    /// The refund; the ledger's posting has the same identifier.
    pub id: TransferId,
    /// The payment it is taken from.
    pub payment: ExternalId,
    /// How much, a whole number of cents.
    pub amount: Money,
}

/// The state of a refund at the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    /// On its way or delivered.
    Accepted,
    /// Not possible.
    Failed,
}
