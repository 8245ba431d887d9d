//! Accounts elsewhere by which people sign in.

use std::fmt;

use async_trait::async_trait;

use super::AuthStoreError;
use crate::clock::Timestamp;
use crate::id::{AccountId, IdentityId};

/// Where identities are kept.
///
/// # Contract
/// - Each method is one atomic operation.
/// - An issuer and its subject belong to one account, and an account has one identity of an
///   issuer. Both are compared byte by byte.
#[async_trait]
pub trait IdentityStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps an identity. The same issuer and subject for the same account again succeeds without
    /// effect.
    ///
    /// # Errors
    /// [`AuthStoreError::AlreadyExists`] when the identity belongs to another account, or the
    /// account has another identity of the issuer.
    async fn link(&self, identity: Identity) -> Result<(), AuthStoreError>;

    /// The identity with this issuer and subject.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn find(&self, issuer: &str, subject: &str) -> Result<Option<Identity>, AuthStoreError>;

    /// The identities of an account, oldest first.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn list(&self, account: AccountId) -> Result<Vec<Identity>, AuthStoreError>;

    /// Deletes an identity of an account; `false` when it has none with this identifier.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn unlink(&self, account: AccountId, id: IdentityId) -> Result<bool, AuthStoreError>;
}

/// An account elsewhere by which a person signs in. Nothing of it is kept but its name there.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its identifier.
    pub id: IdentityId,
    /// Whose.
    pub account: AccountId,
    /// Who vouches for it: an issuer of OpenID Connect.
    pub issuer: String,
    /// What the issuer calls the person, at most 255 visible ASCII characters; never given to another.
    pub subject: String,
    /// When it was linked.
    pub created_at: Timestamp,
}

/// The subject is personal data.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
