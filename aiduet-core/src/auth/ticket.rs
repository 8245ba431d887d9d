//! What a link in a mail proves: once, for a short time.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{AuthStoreError, TokenDigest};
use crate::account::EmailAddress;
use crate::clock::Timestamp;
use crate::id::AccountId;

/// Where tickets are kept until they are used.
///
/// # Contract
/// - Each method is one atomic operation.
/// - Of the tickets of an account for one [exclusive](TicketPurpose::is_exclusive) purpose only
///   the newest exists.
/// - A ticket is consumed once: of many callers with the same token one gets it.
#[async_trait]
pub trait TicketStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a ticket, in the place of an earlier one for the same exclusive purpose.
    ///
    /// # Errors
    /// [`AuthStoreError::AlreadyExists`] when the digest is taken.
    async fn issue(&self, ticket: Ticket) -> Result<(), AuthStoreError>;

    /// Takes a ticket; `None` when there is none with this digest and purpose that is valid at
    /// this moment.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn consume(
        &self,
        digest: &TokenDigest,
        purpose: TicketPurpose,
        at: Timestamp,
    ) -> Result<Option<Ticket>, AuthStoreError>;

    /// Deletes the tickets of an account, of one purpose or of all.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn revoke(&self, account: AccountId, purpose: Option<TicketPurpose>) -> Result<(), AuthStoreError>;

    /// Deletes at most `limit` tickets that expired before a moment; says how many.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError>;
}

/// What the owner of an address may do once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// SHA-256 of the token in the link.
    pub digest: TokenDigest,
    /// Whose.
    pub account: AccountId,
    /// What for.
    pub purpose: TicketPurpose,
    /// The address that the link was sent to, which is the one that it proves.
    pub email: EmailAddress,
    /// When it was made.
    pub issued_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

impl Ticket {
    /// What no two tickets share: account and purpose where the newest counts alone.
    pub fn slot(&self) -> TokenDigest {
        if !self.purpose.is_exclusive() {
            return self.digest;
        }
        let account = Sha256::new().chain_update(self.account.as_uuid().as_bytes());
        TokenDigest::from_bytes(account.chain_update(self.purpose.as_str()).finalize().into())
    }
}

/// What a ticket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TicketPurpose {
    /// Confirms the address of a new account.
    VerifyEmail,
    /// Sets a new password.
    ResetPassword,
    /// Makes an address that of the account.
    ConfirmEmail,
    /// Takes a change of the address back.
    UndoEmail,
    /// Stops the deletion of the account.
    CancelDeletion,
}

impl TicketPurpose {
    /// Every purpose.
    pub const ALL: [Self; 5] =
        [Self::VerifyEmail, Self::ResetPassword, Self::ConfirmEmail, Self::UndoEmail, Self::CancelDeletion];

    /// The code in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::ConfirmEmail => "confirm_email",
            Self::UndoEmail => "undo_email",
            Self::CancelDeletion => "cancel_deletion",
        }
    }

    /// The purpose with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == code)
    }

    /// How long a ticket is valid.
    pub const fn life(self) -> Duration {
        match self {
            Self::VerifyEmail | Self::ConfirmEmail => Duration::from_hours(24),
            Self::ResetPassword => Duration::from_mins(30),
            Self::UndoEmail => Duration::from_hours(7 * 24),
            // The longest time that an operator may set; the deletion itself may begin before.
            Self::CancelDeletion => Duration::from_hours(30 * 24),
        }
    }

    /// Whether a new ticket takes the place of the one before.
    ///
    /// Not for taking back a change: a thief who changes the address twice would make the link of
    /// the owner worthless. Nor for stopping a deletion: who asks for it again gets no second mail.
    pub const fn is_exclusive(self) -> bool {
        match self {
            Self::VerifyEmail | Self::ResetPassword | Self::ConfirmEmail => true,
            Self::UndoEmail | Self::CancelDeletion => false,
        }
    }
}
