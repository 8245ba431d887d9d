//! What goes wrong between us and a provider.

use std::fmt;

use crate::auth::IdentityProviderError;

/// A provider that cannot be asked. Holds no text that the provider wrote.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// No answer: not reached, or too late.
    #[error("the provider gives no answer")]
    Silent,
    /// An answer that is an error.
    #[error("the provider answered {status} {code}")]
    Answered {
        /// The HTTP status.
        status: u16,
        /// What for.
        code: OidcCode,
    },
    /// An answer that is not what the protocol says.
    #[error("an answer of the provider cannot be read")]
    Unreadable,
    /// The metadata are of another issuer, or name addresses that are not safe.
    #[error("the metadata of the provider do not belong to its issuer, or name addresses without TLS")]
    Metadata,
}

/// The `error` of an answer (RFC 6749, section 5.2): lower-case letters and underscores only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OidcCode(String);

impl OidcCode {
    const LENGTH_MAX: usize = 64;

    /// Keeps a code, and nothing that is not one.
    pub(super) fn new(text: String) -> Self {
        let is_code = text.len() <= Self::LENGTH_MAX
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        Self(if is_code { text } else { String::new() })
    }
}

impl fmt::Display for OidcCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<OidcError> for IdentityProviderError {
    /// The code is the person's trouble; a client that the provider does not know is the operator's.
    fn from(error: OidcError) -> Self {
        match &error {
            OidcError::Answered { code, .. } if code.0 == "invalid_grant" => Self::Refused,
            OidcError::Answered { .. } | OidcError::Silent | OidcError::Unreadable | OidcError::Metadata => {
                Self::Unavailable { source: error.into() }
            }
        }
    }
}
