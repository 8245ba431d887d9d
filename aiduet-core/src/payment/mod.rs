//! Prepaid purchases.

mod alert;
mod cashier;
mod checkout;
mod decline;
mod departed;
mod error;
mod event;
mod payer;
mod postings;
mod quote;
mod recharge;
mod recharge_store;
mod recharger;
mod reconcile;
mod records;
mod refund;
mod refund_order;
mod rules;
mod spend_alert;
mod top_up;
mod unfunded;
mod wallet;

use std::fmt;

use async_trait::async_trait;

pub use alert::{AlertChannel, AlertState, AlertStore, AlertWish, LowBalanceAlert};
pub use cashier::{Cashier, CashierParts, OpenTopUp, Polled};
pub use checkout::{
    Checkout, CheckoutRequest, Dispute, DisputeMovement, DisputeStage, Fee, Payment, PaymentStatus, Refund,
    RefundRequest, RefundStatus,
};
pub use decline::{CheckoutCloser, CountDeclines, DECLINES_COUNT, Decline, DeclineStore};
pub use departed::{DepartedPayer, DepartedPayers, Forgotten};
pub use error::{
    AlertError, CashierError, PaymentError, RechargeError, ReconciliationError, RefundError, TopUpError,
};
pub use event::{
    Missed, MissedPage, PaymentEvent, PaymentEventKind, PaymentFact, PaymentMailbox, SignedPayload,
};
pub use payer::{PayerProcessor, PayerStore, PortalRequest};
pub use quote::{QuoteTopUp, TopUpQuote};
pub use recharge::{
    Charge, ChargeOutcome, Recharge, RechargeChange, RechargePlan, RechargeState, RechargeSwitch, Repeat,
};
pub use recharge_store::{CardCharger, ChargeRequest, Charged, ConfirmationRequest, RechargeStore};
pub use recharger::{PlanFault, RechargeStatus, RechargeWish, Recharger};
pub use reconcile::{Reconciler, Reconciliation, ReconciliationStore};
pub use records::{Movement, MovementCause, MovementPage, Movements, PaymentRecords};
pub use refund::{RefundFault, RefundWish};
pub use refund_order::{RefundOrder, RefundState, RefundStore};
pub use rules::{PurchaseTax, TopUpRules};
pub use spend_alert::{SpendAlert, SpendAlertStore, SpendAlertWish, ToldStep, spent_in};
pub use top_up::{
    CardUse, NoteDispute, Receipt, RequestDigest, TakePending, TopUp, TopUpPage, TopUpState, TopUpStore,
};
pub use unfunded::{UnfundedError, UnfundedTeller};
pub use wallet::{Card, CardMonth, CardRole, Invoice, InvoicePage, InvoiceStatus, Invoices, OwnCard};

use crate::id::RefundId;
use crate::ledger::ExternalId;
use crate::money::Money;

/// Takes money for top-ups.
///
/// # Contract
/// - Every command carries an identifier chosen by the caller; the same identifier again has no
///   second effect at the card company.
/// - Card data never passes through: the payer is sent to the processor's own page.
/// - [`verify`](PaymentProcessor::verify) looks at the raw bytes before anything else does, and what
///   it returns is only a hint: [`look_up`](PaymentProcessor::look_up) asks what is true now, so that
///   the order, the number and the age of messages do not matter.
#[async_trait]
pub trait PaymentProcessor: fmt::Debug + Send + Sync + 'static {
    /// Opens a page on which the payer pays for a top-up.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn open_checkout(&self, request: CheckoutRequest) -> Result<Checkout, PaymentError>;

    /// The present state of the payment of a page, asked from the processor itself.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn checkout_status(&self, checkout: &ExternalId) -> Result<PaymentStatus, PaymentError>;

    /// Gives money back.
    ///
    /// # Errors
    /// [`PaymentError`]; [`PaymentError::Declined`] when the processor refuses for good.
    async fn refund(&self, request: RefundRequest) -> Result<Refund, PaymentError>;

    /// How much of a payment can still be given back, with tax; nothing while a bank is asked about it.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn refundable(&self, payment: &ExternalId) -> Result<Money, PaymentError>;

    /// What became of an order, for when it is too long ago to repeat it.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn find_refund(
        &self,
        payment: &ExternalId,
        order: RefundId,
    ) -> Result<Option<Refund>, PaymentError>;

    /// Checks the signature of a message from the processor and says what it is about.
    ///
    /// # Errors
    /// [`PaymentError::BadSignature`] for anything that is not proven genuine and fresh.
    fn verify(&self, payload: SignedPayload<'_>) -> Result<PaymentEvent, PaymentError>;

    /// What is true now of the object of a message.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn look_up(&self, event: &PaymentEvent) -> Result<PaymentFact, PaymentError>;
}
