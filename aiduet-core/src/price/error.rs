//! What can go wrong with prices.

use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::money::MoneyOverflow;

/// Failure of a price look-up or calculation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PriceError {
    /// No sheet is in force at that moment.
    #[error("no price sheet is in force")]
    NoSheet,
    /// The model has no rate for what is asked; it is refused, never free.
    #[error("the model has no price for {what}")]
    Unpriced {
        /// What has no rate.
        what: &'static str,
    },
    /// The amount does not fit.
    #[error("the price is out of range")]
    Overflow,
    /// The catalogue contradicts itself.
    #[error("the price catalogue is invalid at {model}: {reason}")]
    InvalidCatalogue {
        /// Where.
        model: String,
        /// Why.
        reason: &'static str,
    },
    /// The store of prices cannot be asked.
    #[error("the price book is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl From<MoneyOverflow> for PriceError {
    fn from(_overflow: MoneyOverflow) -> Self {
        Self::Overflow
    }
}

impl Classify for PriceError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unpriced { .. } => ErrorClass::NotFound,
            Self::Overflow => ErrorClass::Invalid,
            Self::NoSheet | Self::InvalidCatalogue { .. } => ErrorClass::Internal,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Unpriced { .. } | Self::Overflow | Self::NoSheet | Self::InvalidCatalogue { .. } => {
                Retry::Never
            }
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
