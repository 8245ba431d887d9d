//! What happened to the security of an account, for its owner to read.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AuthStoreError, Device, Network};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, RequestId, SecurityEventId, SessionId};
use crate::keys::KeyAspect;

/// What happened to the security of accounts.
///
/// # Contract
/// Each method is one atomic operation. Nothing that was recorded is changed. Recording the same
/// event again succeeds without effect.
#[async_trait]
pub trait SecurityLog: fmt::Debug + Send + Sync + 'static {
    /// Records an event.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn record(&self, event: SecurityEvent) -> Result<(), AuthStoreError>;

    /// Events of an account, newest first.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn list(&self, request: ListSecurityEvents) -> Result<Vec<SecurityEvent>, AuthStoreError>;

    /// Deletes at most `limit` events that are older than a moment; says how many.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError>;

    /// Forgets the network of at most `limit` events that are older than a moment; says of how many.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn forget_networks(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError>;
}

/// Something that happened to the security of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityEvent {
    /// Its identifier; ordered by time.
    pub id: SecurityEventId,
    /// Whose.
    pub account: AccountId,
    /// What.
    pub kind: SecurityEventKind,
    /// On which kind of device.
    pub device: Device,
    /// From which network.
    pub network: Option<Network>,
    /// By which request.
    pub request: Option<RequestId>,
    /// For an event of an API key: what happened to which.
    pub key: Option<KeyEvent>,
    /// When.
    pub at: Timestamp,
}

/// What happened to an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    /// Which.
    pub id: ApiKeyId,
    /// In which session of its owner, if it was in one.
    pub session: Option<SessionId>,
    /// What of it was changed.
    pub changed: Vec<KeyAspect>,
}

/// Which events [`SecurityLog::list`] returns.
#[derive(Clone, Copy, Debug)]
pub struct ListSecurityEvents {
    /// Whose.
    pub account: AccountId,
    /// Only events of this API key.
    pub key: Option<ApiKeyId>,
    /// Only events with a smaller identifier.
    pub before: Option<SecurityEventId>,
    /// At most so many.
    pub limit: u32,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What happened, in the vocabulary of OWASP's logging guide where it has a word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum SecurityEventKind {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl SecurityEventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code in tables, logs and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The kind with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// The account was made.
    AccountCreated = "user_created",
    /// The address was confirmed.
    EmailVerified = "email_verified",
    /// The address was changed.
    EmailChanged = "email_changed",
    /// A change of the address was taken back.
    EmailRestored = "email_restored",
    /// A version of a policy was agreed to.
    PolicyAccepted = "policy_accepted",
    /// Name or language was changed.
    ProfileUpdated = "user_updated",
    /// Somebody signed in.
    SignedIn = "authn_login_success",
    /// A wrong password was given.
    SignInFailed = "authn_login_fail",
    /// Signing in by password was stopped after too many failures.
    PasswordLocked = "authn_login_lock",
    /// Somebody signed out.
    SignedOut = "session_ended",
    /// A session was ended from another one.
    SessionRevoked = "session_revoked",
    /// A refresh token was used twice.
    TokenReused = "authn_token_reuse",
    /// The password was given again.
    Reauthenticated = "authn_reauthenticated",
    /// A new password was asked for by mail.
    PasswordResetAsked = "authn_password_reset_requested",
    /// The password was set by mail.
    PasswordReset = "authn_password_reset",
    /// The password was changed.
    PasswordChanged = "authn_password_change",
    /// Signing in with Google was allowed.
    GoogleLinked = "authn_google_linked",
    /// Signing in with Google was stopped.
    GoogleUnlinked = "authn_google_unlinked",
    /// An API key was made.
    KeyCreated = "authn_token_created",
    /// The name, limits or state of an API key were changed.
    KeyUpdated = "authn_token_updated",
    /// An API key got a successor.
    KeyRotated = "authn_token_rotated",
    /// An API key was deleted.
    KeyRevoked = "authn_token_revoked",
    /// An API key was found where others could read it, and was disabled.
    KeyLeaked = "authn_token_leaked",
    /// An archive of everything that is kept was asked for.
    ExportAsked = "sensitive_export_requested",
    /// It was fetched, or begun to be.
    ExportFetched = "sensitive_export_downloaded",
    /// The account is to be deleted.
    DeletionAsked = "user_deletion_requested",
    /// It is not after all.
    DeletionCancelled = "user_deletion_cancelled",
}
