//! What the card company keeps of a person: cards and invoices, under a name that is ours to keep.

use std::fmt;

use async_trait::async_trait;

use super::{Card, InvoicePage, Invoices, PaymentError, TopUpError};
use crate::id::{AccountId, RequestId};
use crate::ledger::ExternalId;

/// Knows payers.
///
/// # Contract
/// As [`PaymentProcessor`](super::PaymentProcessor): a repeat has no second effect.
#[async_trait]
pub trait PayerProcessor: fmt::Debug + Send + Sync + 'static {
    /// Makes the payer of an account. It is told nothing of the person but the account's name.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn open_payer(&self, account: AccountId) -> Result<ExternalId, PaymentError>;

    /// Opens the pages on which a payer sees invoices and changes cards; returns their address.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn open_portal(&self, request: PortalRequest) -> Result<String, PaymentError>;

    /// Forgets a payer and the payer's cards; one that is not known is forgotten already. Payments and
    /// invoices stay.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn close_payer(&self, payer: &ExternalId) -> Result<(), PaymentError>;

    /// The cards that are kept of a payer, the newest first.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn cards(&self, payer: &ExternalId) -> Result<Vec<Card>, PaymentError>;

    /// Forgets a card.
    ///
    /// # Errors
    /// [`PaymentError`]; [`PaymentError::Declined`] or [`PaymentError::NotFound`] for one that is not
    /// kept.
    async fn remove_card(&self, card: &ExternalId) -> Result<(), PaymentError>;

    /// A page of invoices, the newest first.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn invoices(&self, page: InvoicePage) -> Result<Invoices, PaymentError>;
}

/// A wish to see invoices and cards.
#[derive(Clone, Debug)]
pub struct PortalRequest {
    /// The visit; the same one again is the same pages.
    pub visit: RequestId,
    /// Whose.
    pub payer: ExternalId,
    /// Where the payer returns to.
    pub return_url: String,
}

/// Keeps the card company's names for people.
///
/// # Contract
/// An account has one payer: of many that are kept at the same time the first one stays.
#[async_trait]
pub trait PayerStore: fmt::Debug + Send + Sync + 'static {
    /// The payer of an account.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn find(&self, account: AccountId) -> Result<Option<ExternalId>, TopUpError>;

    /// The account of a payer.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn account_of(&self, payer: &ExternalId) -> Result<Option<AccountId>, TopUpError>;

    /// Keeps the payer of an account, unless it has one; returns the one that it has then.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn keep(&self, account: AccountId, payer: ExternalId) -> Result<ExternalId, TopUpError>;
}
