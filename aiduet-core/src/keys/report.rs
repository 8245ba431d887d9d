//! Reports of keys that were found in public, by those who look for them.

use std::fmt;

use async_trait::async_trait;

use crate::class::{Classify, ErrorClass, Retry, Source};

/// A report as it came in.
#[derive(Clone, Copy, Debug)]
pub struct SignedReport<'a> {
    /// What is signed, byte for byte.
    pub body: &'a [u8],
    /// Which key of the sender signed it.
    pub signer: &'a str,
    /// The signature, in the form of the sender.
    pub signature: &'a str,
}

/// Who knows whether a report comes from whom it claims to come from.
#[async_trait]
pub trait ReportVerifier: fmt::Debug + Send + Sync + 'static {
    /// Succeeds if the report is genuine.
    ///
    /// # Errors
    /// [`ReportError::NotGenuine`]; [`ReportError::Unavailable`] when the keys of the sender cannot
    /// be had at the moment, so that the report should come again.
    async fn verify(&self, report: SignedReport<'_>) -> Result<(), ReportError>;
}

/// Why a report is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Nobody whom we know has signed this.
    #[error("the report is not genuine")]
    NotGenuine,
    /// The keys of the sender cannot be had.
    #[error("the keys of the sender are not available")]
    Unavailable {
        /// What the other side said.
        source: Source,
    },
}

impl Classify for ReportError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotGenuine => ErrorClass::Invalid,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::NotGenuine => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
