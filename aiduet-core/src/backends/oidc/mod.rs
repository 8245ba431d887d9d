//! Sign-in at a provider of OpenID Connect, such as Google.
//!
//! The provider is found by its issuer (OpenID Connect Discovery 1.0), asked with a code and PKCE
//! (RFC 7636), and believed by what it signs with RS256. Why this is written here, and not taken
//! from a library, is in `docs/decisions/0020-openid-connect.md`.

mod client;
mod config;
mod error;
mod id_token;
mod keys;
mod provider;

pub use config::{OidcConfig, OidcConfigError};
pub use error::OidcError;
pub use provider::OidcProvider;
