//! Prepaid purchases.

mod checkout;
mod error;
mod event;

use std::fmt;

use async_trait::async_trait;

pub use checkout::{Checkout, CheckoutRequest, PaymentStatus, RefundRequest, RefundStatus};
pub use error::PaymentError;
pub use event::{PaymentEvent, PaymentEventKind, SignedPayload};

use crate::id::TopUpId;

/// Takes money for top-ups.
///
/// # Contract
/// - Every command carries an identifier chosen by the caller; the same identifier again has no
///   second effect at the card company.
/// - Card data never passes through: the payer is sent to the processor's own page.
/// - [`verify`](PaymentProcessor::verify) looks at the raw bytes before anything else does.
#[async_trait]
pub trait PaymentProcessor: fmt::Debug + Send + Sync + 'static {
    /// Opens a page on which the payer pays for a top-up.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn open_checkout(&self, request: CheckoutRequest) -> Result<Checkout, PaymentError>;

    /// The present state of the payment for a top-up, asked from the processor itself.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn payment_status(&self, top_up: TopUpId) -> Result<PaymentStatus, PaymentError>;

    /// Gives money back.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn refund(&self, request: RefundRequest) -> Result<RefundStatus, PaymentError>;

    /// Checks the signature of a message from the processor and says what it is about.
    ///
    /// # Errors
    /// [`PaymentError::BadSignature`] for anything that is not proven genuine and fresh.
    fn verify(&self, payload: SignedPayload<'_>) -> Result<PaymentEvent, PaymentError>;
}
