//! One entry: who did what to whom, why, and when.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::AuditDigest;
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, ApprovalId, AuditEntryId, RequestId, TransferId};
use crate::money::Money;
use crate::notify::PolicyKind;
use crate::price::{PriceVersion, SheetDigest};

const REASON_CHARS_MAX: usize = 200;
const SUBJECT_BYTES_MAX: usize = 100;
const OS_USER_BYTES_MAX: usize = 64;
const HOST: &str = "host:";
const SYSTEM: &str = "system";

/// Something that an operator did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its identifier.
    pub id: AuditEntryId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// What.
    pub action: AuditAction,
    /// To what.
    pub subject: Option<AuditSubject>,
    /// What else has to do with it, such as the approval of a credit.
    pub reference: Option<AuditSubject>,
    /// About how much.
    pub amount: Option<Money>,
    /// Why, in the words of the operator.
    pub reason: Option<AuditReason>,
    /// By which request.
    pub request: Option<RequestId>,
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Its number; the first one is 1.
    pub sequence: u64,
    /// Its seal.
    pub digest: AuditDigest,
    /// What was done.
    pub entry: AuditEntry,
}

/// Who did something.
///
/// # Wire shape
/// The identifier of an account, `host:` and the name of a user of the operating system, or `system`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditActor {
    /// A person with the role of an operator.
    Operator(AccountId),
    /// Somebody at the command line of the host.
    Host(OsUser),
    /// The program by itself.
    System,
}

impl fmt::Display for AuditActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(account) => account.fmt(f),
            Self::Host(user) => write!(f, "{HOST}{}", user.0),
            Self::System => f.write_str(SYSTEM),
        }
    }
}

impl FromStr for AuditActor {
    type Err = InvalidAuditText;

    fn from_str(text: &str) -> Result<Self, InvalidAuditText> {
        match text.strip_prefix(HOST) {
            Some(user) => user.parse().map(Self::Host),
            None if text == SYSTEM => Ok(Self::System),
            None => text.parse().map(Self::Operator).map_err(|_foreign| InvalidAuditText),
        }
    }
}

/// The name of a user of the operating system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsUser(String);

impl FromStr for OsUser {
    type Err = InvalidAuditText;

    fn from_str(text: &str) -> Result<Self, InvalidAuditText> {
        let fits = (1..=OS_USER_BYTES_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAuditText)
        }
    }
}

/// What something was done to, by its identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSubject(String);

impl AuditSubject {
    /// A version of a policy.
    ///
    /// # Errors
    /// [`InvalidAuditText`] when no version is called so.
    pub fn policy(kind: PolicyKind, version: &str) -> Result<Self, InvalidAuditText> {
        format!("{}/{version}", kind.as_str()).parse()
    }
}

impl From<AccountId> for AuditSubject {
    fn from(id: AccountId) -> Self {
        Self(id.to_string())
    }
}

impl From<ApiKeyId> for AuditSubject {
    fn from(id: ApiKeyId) -> Self {
        Self(id.to_string())
    }
}

impl From<ApprovalId> for AuditSubject {
    fn from(id: ApprovalId) -> Self {
        Self(id.to_string())
    }
}

impl From<TransferId> for AuditSubject {
    fn from(id: TransferId) -> Self {
        Self(id.to_string())
    }
}

impl From<PriceVersion> for AuditSubject {
    fn from(version: PriceVersion) -> Self {
        Self(version.news())
    }
}

impl From<SheetDigest> for AuditSubject {
    fn from(digest: SheetDigest) -> Self {
        Self(format!("sha256:{digest}"))
    }
}

impl fmt::Display for AuditSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes identifiers; an address is none.
impl FromStr for AuditSubject {
    type Err = InvalidAuditText;

    fn from_str(text: &str) -> Result<Self, InvalidAuditText> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
        let fits = (1..=SUBJECT_BYTES_MAX).contains(&text.len());
        if fits && text.bytes().all(is_plain) { Ok(Self(text.to_owned())) } else { Err(InvalidAuditText) }
    }
}

/// Why an operator did something: one line of 3 to 200 characters.
///
/// It stays for good, so it names a ticket rather than a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReason(String);

impl AuditReason {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AuditReason {
    type Err = InvalidAuditText;

    fn from_str(text: &str) -> Result<Self, InvalidAuditText> {
        let text = text.trim();
        let fits = (3..=REASON_CHARS_MAX).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAuditText)
        }
    }
}

/// The text is no actor, subject or reason of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a text of the audit log")]
pub struct InvalidAuditText;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What an operator did.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum AuditAction {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code in tables, logs and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The action with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

actions! {
    /// Made an account.
    AccountCreated = "account_created",
    /// Listed accounts.
    AccountsListed = "accounts_listed",
    /// Looked for an account by its address.
    AccountSearched = "account_searched",
    /// Read the page of an account.
    AccountViewed = "account_viewed",
    /// Suspended an account.
    AccountSuspended = "account_suspended",
    /// Let a suspended account go on.
    AccountRestored = "account_restored",
    /// Listed the accounts that are to be deleted.
    DeletionsListed = "deletions_listed",
    /// Erased an account again that a restored backup had brought back.
    AccountErased = "account_erased",
    /// Asked a second operator to have an account erased.
    ErasureRequested = "erasure_requested",
    /// Approved that an account is erased, and so had it erased.
    ErasureApproved = "erasure_approved",
    /// Refused that an account is erased.
    ErasureRefused = "erasure_refused",
    /// Had an account erased alone, at the host.
    ErasureForced = "erasure_forced",
    /// Made an operator of an account.
    OperatorAppointed = "operator_appointed",
    /// Took the role of an operator from an account.
    OperatorDismissed = "operator_dismissed",
    /// Granted credit.
    CreditGranted = "credit_granted",
    /// Asked a second operator for a grant.
    CreditRequested = "credit_requested",
    /// Approved what another operator asked for, and so granted it.
    CreditApproved = "credit_approved",
    /// Refused what was asked for.
    CreditRefused = "credit_refused",
    /// Gave credit back to the card that paid for it.
    CreditRefunded = "credit_refunded",
    /// Granted alone what needs two, at the host.
    CreditForced = "credit_forced",
    /// Listed what waits for a second operator.
    ApprovalsListed = "approvals_listed",
    /// Listed the keys of an account.
    KeysListed = "keys_listed",
    /// Made a key.
    KeyCreated = "key_created",
    /// Read a key's page.
    KeyViewed = "key_viewed",
    /// Switched a key off.
    KeyDisabled = "key_disabled",
    /// Switched a key on.
    KeyEnabled = "key_enabled",
    /// Made the successor of a key.
    KeyRotated = "key_rotated",
    /// Deleted a key.
    KeyDeleted = "key_deleted",
    /// Read the balance of an account.
    BalanceViewed = "balance_viewed",
    /// Had the books checked.
    LedgerVerified = "ledger_verified",
    /// Compared the books with those of the card company.
    LedgerReconciled = "ledger_reconciled",
    /// Searched this log.
    AuditSearched = "audit_searched",
    /// Had this log checked.
    AuditVerified = "audit_verified",
    /// Looked at the upstreams.
    UpstreamsViewed = "upstreams_viewed",
    /// Listed the versions of policies.
    PoliciesListed = "policies_listed",
    /// Asked a second operator to publish a version of a policy.
    PolicyRequested = "policy_requested",
    /// Published a version of a policy that another operator had asked for.
    PolicyPublished = "policy_published",
    /// Refused that a version of a policy is published.
    PolicyRefused = "policy_refused",
    /// Published a version of a policy alone, at the host.
    PolicyForced = "policy_forced",
    /// Had people told of a version of a policy.
    PolicyNotified = "policy_notified",
    /// Listed the sheets of prices.
    PricesListed = "prices_listed",
    /// Read a sheet of prices beside the one in force.
    PricesViewed = "prices_viewed",
    /// Drafted a sheet of prices.
    PricesDrafted = "prices_drafted",
    /// Asked a second operator to publish a sheet of prices.
    PricesRequested = "prices_requested",
    /// Published a sheet of prices that another operator had asked for.
    PricesPublished = "prices_published",
    /// Refused that a sheet of prices is published.
    PricesRefused = "prices_refused",
    /// Published a sheet of prices alone, at the host.
    PricesForced = "prices_forced",
    /// Asked a second operator to withdraw a sheet of prices that was published.
    PricesWithdrawalRequested = "prices_withdrawal_requested",
    /// Withdrew a sheet of prices as another operator had asked.
    PricesWithdrawn = "prices_withdrawn",
    /// Refused that a sheet of prices is withdrawn.
    PricesWithdrawalRefused = "prices_withdrawal_refused",
    /// Withdrew a sheet of prices alone, at the host.
    PricesWithdrawalForced = "prices_withdrawal_forced",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_as_it_is_written() {
        for text in ["acct_019aa5b1c2d37e4f8a9b0c1d2e3f4a5b", "host:root", "host:DOMAIN\\ops", "system"] {
            assert_eq!(text.parse::<AuditActor>().unwrap().to_string(), text);
        }
        for text in ["", "host:", "host:two words", "somebody", "someone@example.com"] {
            assert_eq!(text.parse::<AuditActor>(), Err(InvalidAuditText), "{text}");
        }
    }

    #[test]
    fn an_address_is_no_subject_and_a_reason_is_one_line() {
        assert!("someone@example.com".parse::<AuditSubject>().is_err());
        assert!(AuditSubject::policy(PolicyKind::Terms, "2026-11-26").is_ok());
        for text in ["", "  x  ", "two\nlines", &"x".repeat(201)] {
            assert_eq!(text.parse::<AuditReason>(), Err(InvalidAuditText), "{text}");
        }
        assert_eq!(" 工单 #4711 ".parse::<AuditReason>().unwrap().as_str(), "工单 #4711");
    }
}
