//! Where the links of messages lead.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::notify::PolicyKind;
use crate::secret::Secret;

/// The installation as people see it.
#[derive(Clone, Debug)]
pub struct Site {
    name: String,
    url: String,
}

impl Site {
    /// A name, and the address of the dashboard such as `https://app.example.com`.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        let url: String = url.into();
        Self { name: name.into(), url: url.trim_end_matches('/').to_owned() }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of a page.
    ///
    /// A token goes into the fragment, which browsers send to no server and which therefore
    /// reaches no log of a proxy.
    pub fn link(&self, page: Page, token: Option<&LinkToken>) -> String {
        let path = page.path();
        match token {
            Some(token) => format!("{}{path}#token={}", self.url, token.expose()),
            None => format!("{}{path}", self.url),
        }
    }
}

/// A page that a message leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Confirms the address of a new account; takes a token.
    VerifyEmail,
    /// Sets a new password; takes a token.
    ResetPassword,
    /// Confirms a new address; takes a token.
    ConfirmEmail,
    /// Takes a change of address back; takes a token.
    UndoEmail,
    /// Stops the deletion of an account; takes a token.
    CancelDeletion,
    /// What is kept, and archives of it.
    Export,
    /// Sign-in.
    SignIn,
    /// Asks for a reset of the password.
    ForgotPassword,
    /// Sessions and the security log.
    Security,
    /// API keys.
    Keys,
    /// Balance, top-ups, receipts.
    Billing,
    /// Which messages are sent.
    Notifications,
    /// The prices.
    Pricing,
    /// A policy.
    Policy(PolicyKind),
}

impl Page {
    /// The path below the address of the site.
    pub const fn path(self) -> &'static str {
        match self {
            Self::VerifyEmail => "/dashboard/verify-email",
            Self::ResetPassword => "/dashboard/reset-password",
            Self::ConfirmEmail => "/dashboard/confirm-email",
            Self::UndoEmail => "/dashboard/undo-email",
            Self::CancelDeletion => "/dashboard/cancel-deletion",
            Self::Export => "/dashboard/settings/privacy",
            Self::SignIn => "/dashboard/sign-in",
            Self::ForgotPassword => "/dashboard/forgot-password",
            Self::Security => "/dashboard/settings/security",
            Self::Keys => "/dashboard/keys",
            Self::Billing => "/dashboard/billing",
            Self::Notifications => "/dashboard/settings/notifications",
            Self::Pricing => "/pricing",
            Self::Policy(PolicyKind::Privacy) => "/privacy",
            Self::Policy(PolicyKind::Terms) => "/terms",
        }
    }
}

/// The secret of a link, such as one that resets a password.
///
/// Serialises in clear because the outbox has to keep it until the message is sent; `Debug` and
/// `Display` do not show it. The outbox drops it with the rest of the message.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken(Secret<String>);

impl LinkToken {
    /// Takes a token of URL-safe characters (`A-Z a-z 0-9 - _`), such as 256 bits in base64url;
    /// `None` for any other text, and for none at all.
    pub fn new(token: String) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let valid = (1..=200).contains(&token.len()) && token.bytes().all(plain);
        valid.then(|| Self(Secret::new(token)))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for LinkToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for LinkToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(text).ok_or_else(|| serde::de::Error::custom("not a token"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_in_the_fragment_and_nowhere_else() {
        let site = Site::new("AI Duet", "https://app.example.com/");
        let token = LinkToken::new("abc-_123".to_owned()).unwrap();
        let link = site.link(Page::ResetPassword, Some(&token));
        assert_eq!(link, "https://app.example.com/dashboard/reset-password#token=abc-_123");
        assert_eq!(format!("{token:?}"), "[redacted]");
    }

    #[test]
    fn a_token_that_would_change_the_link_is_refused() {
        for text in ["", "a b", "a#b", "a/b", "ä", &"a".repeat(201)] {
            assert!(LinkToken::new(text.to_owned()).is_none(), "{text}");
        }
    }
}
