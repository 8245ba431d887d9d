//! Accounts and the people behind them.

mod agreement;
mod consent;
mod deletion;
mod error;
mod export;
mod federation;
mod own_keys;
mod profile;
mod reception;
mod recovery;
mod registration;
mod sign_in;
mod user;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use consent::{Consent, ConsentStore, DetachConsents};
pub use deletion::DepartureParts;
pub use error::{AccountError, ReceptionError};
pub use federation::{Arrival, FlowRefusal, Return};
pub use own_keys::{IssuedKey, KeyChange, KeyRequest, KeySwitch, KeyWish};
pub use profile::ProfileChange;
pub use reception::{Reception, ReceptionParts, Visit};
pub use registration::Registration;
pub use sign_in::{Entered, SignIn, SignedIn};
pub use user::{Account, AccountState, EmailAddress, InvalidEmail, Locale, Role};

use crate::id::AccountId;

/// Where accounts are kept.
///
/// # Contract
/// - Each method is one atomic operation.
/// - An e-mail address belongs to one account; it is compared by lower-cased domain and exact
///   local part.
/// - Inserting the same account again succeeds without effect.
/// - What is inserted with an account is found by a [`ConsentStore`] on the same store: there is no
///   moment at which one is there without the other.
#[async_trait]
pub trait AccountStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a new account, and what its owner agreed to; nothing where an operator makes it.
    ///
    /// # Errors
    /// [`AccountError::EmailTaken`] when another account has the address.
    async fn insert(&self, account: Account, consents: &[Consent]) -> Result<(), AccountError>;

    /// The account with this identifier.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`] when the store cannot be asked.
    async fn find(&self, id: AccountId) -> Result<Option<Arc<Account>>, AccountError>;

    /// The account with this address.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`] when the store cannot be asked.
    async fn find_by_email(&self, email: &EmailAddress) -> Result<Option<Arc<Account>>, AccountError>;

    /// At most `limit` accounts, newest first, older than `before` when given.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`] when the store cannot be asked.
    async fn list(&self, before: Option<AccountId>, limit: u32) -> Result<Vec<Arc<Account>>, AccountError>;

    /// At most `limit` accounts, oldest first, younger than `after` when given.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`] when the store cannot be asked.
    async fn following(
        &self,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Arc<Account>>, AccountError>;

    /// Replaces everything but identifier and creation time, if the account is still as it `was`:
    /// who changes the name must not bring an old password back.
    ///
    /// # Errors
    /// [`AccountError::NotFound`]; [`AccountError::Changed`] when somebody else has changed it;
    /// [`AccountError::EmailTaken`] when another account has the new address.
    async fn update(&self, was: &Account, account: Account) -> Result<(), AccountError>;
}
