//! Who says that somebody is who they claim to be: OpenID Connect, as the domain sees it.

use std::fmt;

use async_trait::async_trait;

use crate::account::EmailAddress;
use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::secret::Secret;

/// Where browsers come back to from an identity provider, below the address of the dashboard.
pub const RETURN_PATH: &str = "/api/v1/auth/google/callback";

/// Where people sign in with an account that they have elsewhere.
///
/// # Contract
/// What [`redeem`](Self::redeem) returns was signed by the issuer for us, just now, for the
/// browser that has the nonce. Tokens of the provider are used for that and kept nowhere.
///
/// # Source
/// OpenID Connect Core 1.0, section 3.1; RFC 9700.
#[async_trait]
pub trait IdentityProvider: fmt::Debug + Send + Sync + 'static {
    /// Who vouches: the issuer, as it stands in tokens.
    fn issuer(&self) -> &str;

    /// Where the browser is sent.
    ///
    /// # Errors
    /// [`IdentityProviderError::Unavailable`] when the provider does not say where that is.
    async fn authorization_url(
        &self,
        request: AuthorizationRequest<'_>,
    ) -> Result<String, IdentityProviderError>;

    /// Exchanges the code that the browser came back with for what the provider says of the person.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    async fn redeem(&self, grant: Grant<'_>) -> Result<Assertion, IdentityProviderError>;
}

/// What the browser takes along.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationRequest<'a> {
    /// Comes back as it is.
    pub state: &'a str,
    /// Comes back inside the signed token.
    pub nonce: &'a str,
    /// SHA-256 of the verifier, in base64url (RFC 7636, `S256`).
    pub challenge: &'a str,
}

/// What the browser came back with, and what it had kept.
#[derive(Clone, Copy)]
pub struct Grant<'a> {
    /// The code of the provider.
    pub code: &'a str,
    /// The verifier whose challenge went there.
    pub verifier: &'a str,
    /// The nonce that went there.
    pub nonce: &'a str,
}

/// Code and verifier are worth a sign-in.
impl fmt::Debug for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grant([redacted])")
    }
}

/// What the provider says of the person.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// What it calls the person.
    pub subject: Secret<String>,
    /// The address that it knows to be the person's; `None` when there is none that it has verified.
    pub verified_email: Option<EmailAddress>,
}

/// Nobody is vouched for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityProviderError {
    /// The provider does not take the code: it was used, is old, or is another's.
    #[error("the identity provider does not take the code")]
    Refused,
    /// The provider answers with a token that proves nothing.
    #[error("the token of the identity provider is not valid: {0}")]
    InvalidToken(TokenFault),
    /// The provider cannot be reached, or does not speak as it should.
    #[error("the identity provider is not available")]
    Unavailable {
        /// What happened.
        source: Source,
    },
}

/// Why a token proves nothing; for the operator's log, never for the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// Not a token, or one with claims missing.
    #[error("malformed")]
    Malformed,
    /// Signed by another algorithm than RS256, or not at all.
    #[error("algorithm")]
    Algorithm,
    /// Signed with a key that the issuer does not publish.
    #[error("unknown key")]
    UnknownKey,
    /// The signature, the issuer or the audience is wrong.
    #[error("signature, issuer or audience")]
    Signature,
    /// It is also for others, or was issued to another.
    #[error("other parties")]
    OtherParties,
    /// It has expired, or was not issued just now.
    #[error("time")]
    Time,
    /// It was made for another browser, or before.
    #[error("nonce")]
    Nonce,
}

impl Classify for IdentityProviderError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Refused | Self::InvalidToken(_) => ErrorClass::Unauthenticated,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Refused | Self::InvalidToken(_) => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
