//! How people prove who they are: passwords, tickets sent by mail, sessions and access tokens.
//!
//! - A [`NewPassword`] has passed the [policy](PasswordRules); a [`PasswordHasher`] turns it into a
//!   hash and compares.
//! - A [`Session`] is a sign-in on a device. Its refresh token changes with every use; a token that
//!   was used before ends the session.
//! - An [access token](AccessTokens) says for fifteen minutes which session a request belongs to.
//! - An [`Identity`] is an account elsewhere by which a person signs in; an [`IdentityProvider`] says who comes, and a
//!   [`Flow`] is what the browser keeps on the way there and back.
//! - A [`Ticket`] is what a link in a mail proves: once, for a short time.

mod error;
mod failures;
mod flow;
mod identity;
mod identity_provider;
mod password;
mod pepper;
mod policy;
mod security_log;
mod session;
mod ticket;
mod token;
mod token_secret;

pub use error::{AuthStoreError, HashError, InvalidAccessToken};
pub use failures::{FAILURES_MAX, FailureCounter};
pub use flow::{FLOW_LIFE, Flow, FlowPurpose, PendingLink};
pub use identity::{Identity, IdentityStore};
pub use identity_provider::{
    Assertion, AuthorizationRequest, Grant, IdentityProvider, IdentityProviderError, RETURN_PATH, TokenFault,
};
pub use password::{HashCost, HashCostTooLow, HasherConfig, PasswordHasher, Verdict};
pub use pepper::{InvalidPepper, Pepper};
pub use policy::{NewPassword, PasswordContext, PasswordFault, PasswordRules, PlainPassword};
pub use security_log::{KeyEvent, ListSecurityEvents, SecurityEvent, SecurityEventKind, SecurityLog};
pub use session::{
    Device, EndSessions, Lineage, Network, NewSession, REUSE_GRACE, Rotated, Rotation, SESSIONS_MAX, Session,
    SessionLife, SessionStep, SessionStore, Which,
};
pub use ticket::{Ticket, TicketPurpose, TicketStore};
pub use token::{
    ACCESS_TOKEN_LIFE, AccessClaims, AccessTokens, DEVICE_TOKEN_LIFE, DeviceClaims, SigningKey,
    SigningKeyTooShort,
};
pub use token_secret::{OpaqueToken, RefreshToken, TokenDigest};
