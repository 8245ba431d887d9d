//! What can go wrong with stored accounts, and when people are received.

use std::time::Duration;

use crate::auth::{AuthStoreError, HashError, IdentityProviderError, PasswordFault};
use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::id::AccountId;
use crate::keys::KeyError;
use crate::ledger::LedgerError;
use crate::limit::LimitError;
use crate::notify::OutboxError;
use crate::payment::{RechargeError, TopUpError};
use crate::privacy::{DeletionError, ExportError};

/// Failure of an [`AccountStore`](super::AccountStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Another account has the address.
    #[error("the e-mail address belongs to another account")]
    EmailTaken,
    /// There is no such account.
    #[error("account {id} does not exist")]
    NotFound {
        /// The account that was asked for.
        id: AccountId,
    },
    /// The identifier belongs to a different account record.
    #[error("account {id} already exists")]
    AlreadyExists {
        /// The account that was to be inserted.
        id: AccountId,
    },
    /// Somebody else has changed the account since it was read.
    #[error("account {id} was changed meanwhile")]
    Changed {
        /// The account that was to be changed.
        id: AccountId,
    },
    /// The store cannot be reached or failed.
    #[error("the account store is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for AccountError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::EmailTaken | Self::AlreadyExists { .. } | Self::Changed { .. } => ErrorClass::Conflict,
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::EmailTaken | Self::AlreadyExists { .. } | Self::NotFound { .. } | Self::Changed { .. } => {
                Retry::Never
            }
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}

/// What a [`Reception`](super::Reception) answers instead of what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceptionError {
    /// The new password is not good enough.
    #[error(transparent)]
    Password(#[from] PasswordFault),
    /// Address and password do not belong together.
    #[error("the address or the password is wrong")]
    WrongCredentials,
    /// The address has to be confirmed first.
    #[error("the address is not confirmed")]
    EmailUnverified,
    /// The link is not valid: never was, was used, has expired, or a newer one was sent.
    #[error("the link is not valid")]
    InvalidTicket,
    /// The session is over.
    #[error("the session is over")]
    InvalidSession,
    /// Too many attempts.
    #[error("too many attempts")]
    Throttled {
        /// When the next one may be made.
        retry_after: Duration,
    },
    /// Too many passwords are being hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// People do not sign in elsewhere here.
    #[error("signing in elsewhere is off")]
    NoIdentityProvider,
    /// Nobody has come back from the identity provider in this browser, or too long ago.
    #[error("there is nothing to link")]
    NothingToLink,
    /// The identity belongs to another account, or the account has another one of the issuer.
    #[error("the identity or the account is linked already")]
    IdentityTaken,
    /// The account has no such identity.
    #[error("there is no such identity")]
    UnknownIdentity,
    /// Without the identity its owner could not sign in any more.
    #[error("the identity is the last way in")]
    LastWayIn,
    /// The identity provider vouches for nobody.
    #[error(transparent)]
    IdentityProvider(#[from] IdentityProviderError),
    /// Another request was called the same.
    #[error("another request had the same name")]
    RequestReused,
    /// The version of a policy is not the one in force, and never will be.
    #[error("the version of the policy is not in force")]
    OutdatedPolicy,
    /// The key was rotated, revoked or has expired.
    #[error("the key has ended")]
    KeyEnded,
    /// The key is not there, or keys could not be read or changed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The account could not be read or changed.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Sessions or tickets could not be read or changed.
    #[error(transparent)]
    Auth(#[from] AuthStoreError),
    /// A message could not be kept.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The counters could not be asked.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Deletions could not be read or changed.
    #[error(transparent)]
    Deletion(#[from] DeletionError),
    /// Exports could not be read or registered.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Automatic purchases could not be stopped.
    #[error(transparent)]
    Recharge(#[from] RechargeError),
    /// Purchases could not be read.
    #[error(transparent)]
    TopUp(#[from] TopUpError),
}

impl Classify for ReceptionError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Password(_) | Self::InvalidTicket | Self::OutdatedPolicy | Self::NothingToLink => {
                ErrorClass::Invalid
            }
            Self::RequestReused | Self::KeyEnded | Self::IdentityTaken | Self::LastWayIn => {
                ErrorClass::Conflict
            }
            Self::NoIdentityProvider | Self::UnknownIdentity => ErrorClass::NotFound,
            Self::IdentityProvider(error) => error.class(),
            Self::Key(error) => error.class(),
            Self::WrongCredentials | Self::InvalidSession => ErrorClass::Unauthenticated,
            Self::EmailUnverified => ErrorClass::Forbidden,
            Self::Throttled { .. } => ErrorClass::RateLimited,
            Self::Hash(error) => error.class(),
            Self::Account(error) => error.class(),
            Self::Auth(error) => error.class(),
            Self::Outbox(error) => error.class(),
            Self::Limit(error) => error.class(),
            Self::Deletion(error) => error.class(),
            Self::Export(error) => error.class(),
            Self::Ledger(error) => error.class(),
            Self::TopUp(error) => error.class(),
            Self::Recharge(error) => error.class(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Password(_)
            | Self::WrongCredentials
            | Self::EmailUnverified
            | Self::InvalidTicket
            | Self::InvalidSession
            | Self::RequestReused
            | Self::OutdatedPolicy
            | Self::NoIdentityProvider
            | Self::NothingToLink
            | Self::IdentityTaken
            | Self::UnknownIdentity
            | Self::LastWayIn
            | Self::KeyEnded => Retry::Never,
            Self::IdentityProvider(error) => error.retry(),
            Self::Key(error) => error.retry(),
            Self::Throttled { retry_after } => Retry::After(*retry_after),
            Self::Hash(error) => error.retry(),
            Self::Account(error) => error.retry(),
            Self::Auth(error) => error.retry(),
            Self::Outbox(error) => error.retry(),
            Self::Limit(error) => error.retry(),
            Self::Deletion(error) => error.retry(),
            Self::Export(error) => error.retry(),
            Self::Ledger(error) => error.retry(),
            Self::TopUp(error) => error.retry(),
            Self::Recharge(error) => error.retry(),
        }
    }
}
