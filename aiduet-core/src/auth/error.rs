//! What can go wrong when people prove who they are.

use std::time::Duration;

use crate::class::{Classify, ErrorClass, Retry, Source};

/// Failure of a store of sessions, tickets, failures or security events.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthStoreError {
    /// The identifier or the digest is taken.
    #[error("the identifier or token is taken")]
    AlreadyExists,
    /// The store cannot be reached or failed.
    #[error("the store of sessions and tickets is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for AuthStoreError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::AlreadyExists => ErrorClass::Conflict,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::AlreadyExists => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}

/// A password was not hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// As many hashes as fit are being made, and too many wait.
    #[error("too many passwords are being checked")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The hash was made with a pepper that is no longer configured.
    #[error("the hash needs the pepper {id}, which is not configured")]
    UnknownPepper {
        /// Its identifier.
        id: String,
    },
    /// The stored text is no hash of ours, or the algorithm failed.
    #[error("the password hash cannot be used")]
    Unusable {
        /// What the algorithm said.
        source: Source,
    },
}

impl Classify for HashError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Busy { .. } => ErrorClass::Unavailable,
            Self::UnknownPepper { .. } | Self::Unusable { .. } => ErrorClass::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Busy { retry_after } => Retry::After(*retry_after),
            Self::UnknownPepper { .. } | Self::Unusable { .. } => Retry::Never,
        }
    }
}

/// The text is not an access token of ours that is valid now.
///
/// Does not say what is wrong with it: whoever sends a forged one learns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct InvalidAccessToken;
