//! The account and its owner.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::notify::NoticeChoices;
use crate::secret::Secret;

/// The owner of a balance and of keys, and the person who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its identifier, the only thing that the ledger knows of it.
    pub id: AccountId,
    /// Where mails go.
    pub email: EmailAddress,
    /// Whether the address was confirmed.
    pub email_verified_at: Option<Timestamp>,
    /// argon2id hash as a PHC string; absent for accounts that sign in elsewhere.
    pub password: Option<Secret<String>>,
    /// A display name, at most 80 characters.
    pub name: Option<String>,
    /// The language of mails and pages.
    pub locale: Locale,
    /// Which mails are wanted.
    pub choices: NoticeChoices,
    /// What it may do.
    pub role: Role,
    /// Whether it may spend.
    pub state: AccountState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether an account may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AccountState {
    /// Yes.
    Active,
    /// No: an operator or a dispute stopped it.
    Frozen {
        /// Since when.
        at: Timestamp,
    },
    /// No: its owner wants it deleted, and may still change that.
    Deleting {
        /// Since when.
        at: Timestamp,
    },
    /// No: it is being erased.
    Closed {
        /// Since when.
        at: Timestamp,
    },
}

impl AccountState {
    /// Since when it is frozen, if it is.
    pub const fn frozen_at(self) -> Option<Timestamp> {
        match self {
            Self::Frozen { at } => Some(at),
            Self::Active | Self::Deleting { .. } | Self::Closed { .. } => None,
        }
    }
}

/// What an account may do beyond its own data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Nothing.
    #[default]
    User,
    /// Operate the gateway.
    Operator,
}

/// A language that mails and pages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Locale {
    /// English.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// Japanese.
    #[serde(rename = "ja")]
    Ja,
}

impl Locale {
    /// The BCP 47 tag.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
            Self::Ja => "ja",
        }
    }

    /// The locale with this tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        [Self::En, Self::ZhCn, Self::Ja].into_iter().find(|locale| locale.as_str() == tag)
    }
}

/// An e-mail address: local part as given, domain in lower case.
///
/// `Debug` hides it: an address is personal data and has no place in a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// The text is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid e-mail address")]
pub struct InvalidEmail;

impl EmailAddress {
    /// The address.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    /// Accepts what can be delivered to in practice: at most 254 bytes, one `@` that separates a
    /// local part of at most 64 bytes from a domain with a dot; no spaces or control characters.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let plain = |part: &str| !part.chars().any(|c| c.is_control() || c.is_whitespace() || c == '@');
        let label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        let valid = text.len() <= 254
            && (1..=64).contains(&local.len())
            && plain(local)
            && plain(domain)
            && domain.contains('.')
            && domain.split('.').all(label);
        if valid { Ok(Self(format!("{local}@{}", domain.to_lowercase()))) } else { Err(InvalidEmail) }
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress([redacted])")
    }
}
