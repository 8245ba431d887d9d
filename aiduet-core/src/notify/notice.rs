//! What people are told, as types: a field for every fact, no free text of requests.

use serde::{Deserialize, Serialize};

use crate::account::EmailAddress;
use crate::clock::Timestamp;
use crate::id::TopUpId;
use crate::money::Money;
use crate::notify::LinkToken;

/// A message to a person.
///
/// # Wire shape
/// Serialises for the outbox, tokens included, as an object whose `kind` names the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// Somebody made an account with this address.
    VerifyEmail {
        /// Of [`Page::VerifyEmail`](super::Page::VerifyEmail).
        token: LinkToken,
        /// Until when it works.
        expires_at: Timestamp,
    },
    /// Somebody tried to make an account with an address that has one.
    AlreadyRegistered {
        /// When.
        at: Timestamp,
    },
    /// Somebody asked for a new password.
    ResetPassword {
        /// Of [`Page::ResetPassword`](super::Page::ResetPassword).
        token: LinkToken,
        /// Until when it works.
        expires_at: Timestamp,
    },
    /// The password was changed.
    PasswordChanged {
        /// When.
        at: Timestamp,
    },
    /// Signing in by password was stopped after very many failures.
    PasswordLocked {
        /// When.
        at: Timestamp,
    },
    /// To the new address: it is to become that of the account.
    ConfirmEmail {
        /// Of [`Page::ConfirmEmail`](super::Page::ConfirmEmail).
        token: LinkToken,
        /// Until when it works.
        expires_at: Timestamp,
    },
    /// To the old address: the account has another one now.
    EmailChanged {
        /// The new address.
        new_address: MaskedAddress,
        /// Of [`Page::UndoEmail`](super::Page::UndoEmail).
        token: LinkToken,
        /// Until when it works.
        expires_at: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Signing in with Google was allowed.
    GoogleLinked {
        /// When.
        at: Timestamp,
    },
    /// Signing in with Google was stopped.
    GoogleUnlinked {
        /// When.
        at: Timestamp,
    },
    /// Somebody signed in on a device that was not seen before.
    NewSignIn {
        /// When.
        at: Timestamp,
        /// The family of the browser and system, such as `Firefox, Linux`, from a list of ours.
        device: String,
        /// The network, such as `192.0.2.0/24`, when it may be told.
        network: Option<String>,
    },
    /// Sessions were ended because a refresh token was used twice.
    SessionsRevoked {
        /// When.
        at: Timestamp,
    },
    /// An API key was made.
    KeyCreated {
        /// Which.
        key: KeyLabel,
        /// When.
        at: Timestamp,
    },
    /// An API key got a successor.
    KeyRotated {
        /// The old one.
        key: KeyLabel,
        /// Until when it works.
        works_until: Timestamp,
    },
    /// An API key was deleted.
    KeyDeleted {
        /// Which.
        key: KeyLabel,
        /// When.
        at: Timestamp,
    },
    /// An API key was found where others could read it, and was disabled.
    KeyLeaked {
        /// Which.
        key: KeyLabel,
        /// The address where it is published, if whoever found it has said so.
        #[serde(default)]
        found_at: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// An API key ends soon.
    KeyExpiring {
        /// Which.
        key: KeyLabel,
        /// When.
        expires_at: Timestamp,
    },
    /// The balance fell below the threshold that its owner set.
    LowBalance {
        /// What a new request may use.
        available: Money,
        /// The threshold.
        threshold: Money,
    },
    /// Spending has reached a part of what its owner set.
    SpendAlert {
        /// In what.
        span: SpendSpan,
        /// How many per cent of the amount.
        step: u8,
        /// How much was spent.
        spent: Money,
        /// The amount.
        amount: Money,
        /// When it was seen.
        at: Timestamp,
    },
    /// A request was refused for lack of funds.
    BalanceEmpty {
        /// What a new request may use.
        available: Money,
        /// What the refused one would have needed.
        needed: Money,
        /// When.
        at: Timestamp,
    },
    /// A top-up was paid.
    TopUpReceipt {
        /// Which.
        top_up: TopUpId,
        /// What was credited.
        amount: Money,
        /// What was paid besides.
        tax: Money,
        /// When.
        at: Timestamp,
    },
    /// The bank wants the person to confirm an automatic purchase.
    RechargeToConfirm {
        /// How much credit it is for.
        amount: Money,
        /// When it was tried.
        at: Timestamp,
    },
    /// Automatic purchases were switched off since the card was refused.
    RechargeStopped {
        /// How much credit was to be bought.
        amount: Money,
        /// When it was refused.
        at: Timestamp,
    },
    /// Automatic purchases were switched off since the card is not kept any more.
    CardGone {
        /// When.
        at: Timestamp,
    },
    /// Money was paid back.
    RefundReceipt {
        /// How much.
        amount: Money,
        /// When.
        at: Timestamp,
    },
    /// A policy will change.
    PolicyChange {
        /// Which.
        policy: PolicyKind,
        /// The new version, such as `2026-12-01`.
        version: String,
        /// What changes, in the language of the person.
        summary: String,
        /// From when.
        effective_at: Timestamp,
    },
    /// Prices will change.
    PriceChange {
        /// The new price version.
        version: String,
        /// From when.
        effective_at: Timestamp,
        /// Display names of the models whose prices rise.
        raised: Vec<String>,
        /// Display names of the models whose prices fall.
        lowered: Vec<String>,
        /// Names of the models that are no longer offered.
        #[serde(default)]
        withdrawn: Vec<String>,
    },
    /// A change of prices that was announced will not come.
    PriceChangeWithdrawn {
        /// The price version that was announced.
        version: String,
        /// From when it was to be in force.
        effective_at: Timestamp,
    },
    /// The archive of the person's data is ready.
    ExportReady {
        /// Until when it can be fetched.
        expires_at: Timestamp,
    },
    /// The account will be deleted.
    DeletionStarted {
        /// Of [`Page::CancelDeletion`](super::Page::CancelDeletion).
        token: LinkToken,
        /// When.
        erase_at: Timestamp,
    },
    /// The account will not be deleted after all.
    DeletionCancelled {
        /// When it was decided.
        at: Timestamp,
    },
    /// The account was deleted.
    DeletionDone {
        /// When.
        at: Timestamp,
        /// The number of the receipt.
        receipt: String,
    },
}

macro_rules! kinds {
    ($($name:ident = $code:literal,)*) => {
        /// The kind of a [`Notice`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum NoticeKind {
            $(#[doc = concat!("[`Notice::", stringify!($name), "`]")] $name,)*
        }

        impl NoticeKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code in tables and metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The kind with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }

        impl Notice {
            /// Its kind.
            pub const fn kind(&self) -> NoticeKind {
                match self { $(Self::$name { .. } => NoticeKind::$name,)* }
            }
        }
    };
}

kinds! {
    VerifyEmail = "verify_email",
    AlreadyRegistered = "already_registered",
    ResetPassword = "reset_password",
    PasswordChanged = "password_changed",
    PasswordLocked = "password_locked",
    ConfirmEmail = "confirm_email",
    EmailChanged = "email_changed",
    GoogleLinked = "google_linked",
    GoogleUnlinked = "google_unlinked",
    NewSignIn = "new_sign_in",
    SessionsRevoked = "sessions_revoked",
    KeyCreated = "key_created",
    KeyRotated = "key_rotated",
    KeyDeleted = "key_deleted",
    KeyLeaked = "key_leaked",
    KeyExpiring = "key_expiring",
    LowBalance = "low_balance",
    SpendAlert = "spend_alert",
    BalanceEmpty = "balance_empty",
    TopUpReceipt = "top_up_receipt",
    RechargeToConfirm = "recharge_to_confirm",
    RechargeStopped = "recharge_stopped",
    CardGone = "card_gone",
    RefundReceipt = "refund_receipt",
    PolicyChange = "policy_change",
    PriceChange = "price_change",
    PriceChangeWithdrawn = "price_change_withdrawn",
    ExportReady = "export_ready",
    DeletionStarted = "deletion_started",
    DeletionCancelled = "deletion_cancelled",
    DeletionDone = "deletion_done",
}

/// Which of the messages that may be turned off a person wants. All others are always sent: of a
/// low balance and of spending people are told by alerts of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeChoices {
    /// That a key ends soon.
    pub key_expiry: bool,
    /// That somebody signed in on a device that was not seen before.
    pub new_sign_in: bool,
    /// That requests are refused for lack of funds.
    pub balance_empty: bool,
}

impl Default for NoticeChoices {
    fn default() -> Self {
        Self { key_expiry: true, new_sign_in: true, balance_empty: true }
    }
}

impl NoticeChoices {
    /// Whether a message of this kind is wanted.
    pub const fn wants(self, kind: NoticeKind) -> bool {
        match kind {
            NoticeKind::KeyExpiring => self.key_expiry,
            NoticeKind::NewSignIn => self.new_sign_in,
            NoticeKind::BalanceEmpty => self.balance_empty,
            NoticeKind::VerifyEmail
            | NoticeKind::AlreadyRegistered
            | NoticeKind::ResetPassword
            | NoticeKind::PasswordChanged
            | NoticeKind::PasswordLocked
            | NoticeKind::ConfirmEmail
            | NoticeKind::EmailChanged
            | NoticeKind::GoogleLinked
            | NoticeKind::GoogleUnlinked
            | NoticeKind::SessionsRevoked
            | NoticeKind::KeyCreated
            | NoticeKind::KeyRotated
            | NoticeKind::KeyDeleted
            | NoticeKind::KeyLeaked
            | NoticeKind::LowBalance
            | NoticeKind::SpendAlert
            | NoticeKind::TopUpReceipt
            | NoticeKind::RechargeToConfirm
            | NoticeKind::RechargeStopped
            | NoticeKind::CardGone
            | NoticeKind::RefundReceipt
            | NoticeKind::PolicyChange
            | NoticeKind::PriceChange
            | NoticeKind::PriceChangeWithdrawn
            | NoticeKind::ExportReady
            | NoticeKind::DeletionStarted
            | NoticeKind::DeletionCancelled
            | NoticeKind::DeletionDone => true,
        }
    }
}

/// A key as its owner knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLabel {
    /// Its name.
    pub name: String,
    /// Its last four characters.
    pub last4: String,
}

/// An address of which a message shows only as much as its owner needs to recognise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaskedAddress(String);

impl MaskedAddress {
    /// Keeps the first character of the local part, and the domain: `a…@example.com`.
    pub fn of(address: &EmailAddress) -> Self {
        let (local, domain) = address.expose().rsplit_once('@').unwrap_or_default();
        let first: String = local.chars().take(1).collect();
        Self(format!("{first}…@{domain}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A calendar period (UTC) whose spending is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendSpan {
    /// A day.
    Day,
    /// A month.
    Month,
}

impl SpendSpan {
    /// Every span.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// The code in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The span with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.as_str() == code)
    }
}

/// A text that people agree to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// What is kept of a person, and why.
    Privacy,
    /// The terms of service.
    Terms,
}

impl PolicyKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Privacy, Self::Terms];

    /// The code in tables and paths.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Privacy => "privacy",
            Self::Terms => "terms",
        }
    }

    /// The kind with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == code)
    }
}
