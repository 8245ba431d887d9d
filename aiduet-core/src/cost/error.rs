//! Why a comparison cannot be made.

use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::ledger::LedgerError;
use crate::price::PriceError;
use crate::provider::ProviderError;

/// Failure of [`CostReports`](super::CostReports) or a [`CostComparer`](super::CostComparer).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CostError {
    /// The provider did not answer.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The provider refused: its status.
    #[error("the provider refused to tell its costs or usage ({0})")]
    Refused(u16),
    /// What the provider said is not a report in US dollars, or of tokens.
    #[error("a report of the provider cannot be read")]
    Unreadable,
    /// The records could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The bills could not be told apart by provider.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// The comparison could not be kept.
    #[error(transparent)]
    Store(#[from] CostStoreError),
}

impl Classify for CostError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Provider(error) => error.class(),
            Self::Refused(_) | Self::Unreadable => ErrorClass::Upstream,
            Self::Ledger(error) => error.class(),
            Self::Price(error) => error.class(),
            Self::Store(error) => error.class(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            // Reading has no effect.
            Self::Provider(_) => Retry::Safe,
            Self::Refused(_) | Self::Unreadable => Retry::Never,
            Self::Ledger(error) => error.retry(),
            Self::Price(error) => error.retry(),
            Self::Store(error) => error.retry(),
        }
    }
}

/// Failure of a [`CostComparisonStore`](super::CostComparisonStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CostStoreError {
    /// The database failed.
    #[error("the store of cost comparisons is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for CostStoreError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
