//! What people agreed to, and that it can be proved.

use std::fmt;

use async_trait::async_trait;

use super::{AccountError, Locale};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::notify::PolicyKind;
use crate::policy::Policy;

/// Where it is kept what people agreed to.
///
/// # Contract
/// - Each method is one atomic operation.
/// - What a person agreed to when the account was made is kept by
///   [`AccountStore::insert`](super::AccountStore::insert), in one operation with the account, and is
///   found here.
/// - A person agrees to a version of a policy once: the first time counts.
/// - Consents [outlive](Self::detach) their account, without saying whose they were.
#[async_trait]
pub trait ConsentStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps that a person agreed; returns what is kept, which is the first consent to that version.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    async fn agree(&self, consent: Consent) -> Result<Consent, AccountError>;

    /// What a person agreed to, by kind and version.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    async fn list(&self, account: AccountId) -> Result<Vec<Consent>, AccountError>;

    /// Takes the consents of an account that ends away from it; says how many there were.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    async fn detach(&self, request: DetachConsents) -> Result<u64, AccountError>;

    /// Deletes at most `limit` consents that were detached before a moment; says how many.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AccountError>;
}

/// That a person agreed to a version of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who.
    pub account: AccountId,
    /// To which policy.
    pub kind: PolicyKind,
    /// To which version of it, such as `2026-11-26`.
    pub version: String,
    /// In which language it was shown.
    pub locale: Locale,
    /// SHA-256 of the text in that language, in hexadecimal.
    pub digest: String,
    /// When.
    pub at: Timestamp,
}

impl Consent {
    /// A person agrees to a policy as it is in a language.
    pub fn to(policy: &Policy, (account, locale): (AccountId, Locale), at: Timestamp) -> Self {
        let digest = policy.text(locale).digest.clone();
        Self { account, kind: policy.kind, version: policy.version.to_owned(), locale, digest, at }
    }
}

/// Whose consents [`ConsentStore::detach`] takes away.
#[derive(Clone, Copy, Debug)]
pub struct DetachConsents {
    /// The account that ends.
    pub account: AccountId,
    /// What stands in its place: an identifier that leads to nobody.
    pub subject: AccountId,
    /// When the account ended.
    pub at: Timestamp,
}
