//! What can be wrong with the settings of an upstream.

use crate::class::{Classify, ErrorClass, Retry, Source};

/// Settings that cannot work. Shows no value: a base URL or credential may be in the wrong field.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamConfigError {
    /// Not a URL, or one with a query, a fragment, a name or a password.
    #[error("the base URL must look like https://host or https://host/path, without name, password or query")]
    MalformedBaseUrl,
    /// Neither https, nor http to this machine where that is allowed.
    #[error(
        "the base URL must use https; plain http is for loopback only, and only where the settings allow it"
    )]
    PlainHttp,
    /// The address in the base URL is not one that may be called.
    #[error("the base URL names an address that is not public")]
    ForbiddenAddress,
    /// The credential is empty, or has characters that no credential has.
    #[error("the credential of the upstream is empty or malformed")]
    MalformedCredential,
    /// The HTTP client cannot be made, for example because the system has no root certificates.
    #[error("the HTTP client cannot be set up")]
    Client {
        /// What it said.
        source: Source,
    },
}

impl Classify for UpstreamConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::MalformedBaseUrl | Self::PlainHttp | Self::ForbiddenAddress | Self::MalformedCredential => {
                ErrorClass::Invalid
            }
            Self::Client { .. } => ErrorClass::Internal,
        }
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }
}
