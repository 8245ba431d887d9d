//! What can go wrong with prices.

use super::PriceVersion;
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

/// Why a sheet is not drafted, published or withdrawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditionError {
    /// There is no such edition.
    #[error("there is no sheet {}", version.0)]
    NotFound {
        /// Which.
        version: PriceVersion,
    },
    /// The version stands for another sheet for good.
    #[error("version {} exists: a sheet that was published is never changed, take another day", version.0)]
    Exists {
        /// Which.
        version: PriceVersion,
    },
    /// The draft was replaced.
    #[error("sheet {} is not the text that was agreed on", version.0)]
    Changed {
        /// Which.
        version: PriceVersion,
    },
    /// Another sheet was published, or withdrawn, in between, or is later.
    #[error("a sheet must come after the one that was published last")]
    Overtaken,
    /// It was only drafted.
    #[error("the sheet was not published")]
    NotPublished,
    /// Others build on it.
    #[error("only the sheet that was published last can be withdrawn")]
    NotLast,
    /// Calls are charged by it.
    #[error("the sheet is in force, or will be within a minute")]
    InForce,
    /// The store cannot be reached or failed.
    #[error("the store of price sheets is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for EditionError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Exists { .. }
            | Self::Changed { .. }
            | Self::Overtaken
            | Self::NotPublished
            | Self::NotLast
            | Self::InForce => ErrorClass::Conflict,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::NotFound { .. }
            | Self::Exists { .. }
            | Self::Changed { .. }
            | Self::Overtaken
            | Self::NotPublished
            | Self::NotLast
            | Self::InForce => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
