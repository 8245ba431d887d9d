//! What can go wrong with stored accounts.

use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::id::AccountId;

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
            Self::EmailTaken | Self::AlreadyExists { .. } => ErrorClass::Conflict,
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::EmailTaken | Self::AlreadyExists { .. } | Self::NotFound { .. } => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
